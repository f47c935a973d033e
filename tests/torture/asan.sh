#!/bin/sh
# asan.sh control - mistakes made on purpose (tests/tools/faulty.c) in the build
# of make asan: each has to be found, and no test may pass with it.
[ "${1-}" = control ] || { echo 'asan.sh: the test is make asan' >&2; exit 64; }
cd "$(dirname "$0")/../.." || exit 3
make -s asan GOAL=build/asan/tools/faulty >&2 || exit 3

# As a test would; the last two are said of a process that is jailed.
# shellcheck disable=SC2016
O=$PWD/build/asan sh -c '. "$(dirname "$0")/lib.sh"
exits 0 none faulty none
exits 0 none faulty jail none
exits 0 over faulty over
exits 0 lost faulty lost
exits 0 shift faulty shift
exits 3 jailed faulty jail over
exits 3 jailed faulty jail shift
finish' "$PWD/tests/asan.t" >build/asan/control
found=$(grep -c '^not ok [3-7] ' build/asan/control)
for says in 'not ok 3 .*over' 'AddressSanitizer: heap-buffer-overflow' \
	'LeakSanitizer: detected memory leaks' 'shift exponent 40' \
	'^ok 1 ' '^ok 2 '; do
	grep -q "$says" build/asan/control && continue
	echo "asan: not so: $says"
	found=0
done
echo "asan, control: $found of 5 mistakes found"
[ "$found" = 5 ]
