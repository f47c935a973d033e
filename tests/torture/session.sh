#!/bin/sh
# session.sh - the imports that kill.sh kills: session.sh ARCH OUT
. "$(dirname "$0")/lib.sh"
session "$1" "$2"
