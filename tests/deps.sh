#!/bin/sh
# deps.sh - install those of the Debian packages named that are missing.
set -eu

command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 || {
	echo "This is not Debian: install what these packages hold, then run" >&2
	echo "make programs.  $*" >&2
	exit 1
}
missing=
for p; do
	dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null |
		grep -qx installed || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null 2>&1 || {
		echo "Missing, and neither root nor sudo:$missing" >&2
		exit 1
	}
	sudo=sudo
fi
echo "Installing with apt-get:$missing"
$sudo apt-get update -q >/dev/null
# shellcheck disable=SC2086 # a list of package names
$sudo env DEBIAN_FRONTEND=noninteractive \
	apt-get install -y -q --no-install-recommends $missing
