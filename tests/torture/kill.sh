#!/bin/sh
# kill.sh - imports that are killed: at random moments, and at each system
# call.  Whatever was said to be stored is there, and the same command again
# finishes the work.
#
#	kill.sh [moments]       300 by default; then every system call
#	kill.sh 0               only the system calls
#	CALLS='fsync close' kill.sh 0
. "$(dirname "$0")/lib.sh"
need b2sum bsdtar imgimport imgverify phantom setsid sqlite3 strace zip
moments=${1:-300}
CALLS=${CALLS-write pwrite64 fsync fdatasync syncfs renameat2 linkat openat \
	close unlink unlinkat ftruncate fcntl mkdir mkdirat pread64 read}

T_=$(mktemp -d "${TMPDIR:-/var/tmp}/imgkill.XXXXXX") && cd "$T_" || exit 3
trap 'cd / && rm -rf "$T_"' EXIT
trap 'exit 130' INT TERM
failed=0

# judge WHERE: after a kill
judge()
{
	if ! check arch out >why || ! recover arch out >>why; then
		failed=$((failed + 1))
		sed "s/^/$1: /" why
	fi
}

# ---- random moments ------------------------------------------------

if [ "$moments" -gt 0 ]; then
	inputs
	reference
	n=0 again=0
	while [ $n -lt "$moments" ]; do
		n=$((n + 1))
		[ $again = 1 ] || { rm -rf arch && : >out; }
		setsid sh "$TOP/tests/torture/session.sh" arch out &
		pid=$!
		sleep "$(random "$T" $n)"
		kill -s KILL -- -$pid 2>/dev/null
		wait $pid 2>/dev/null
		again=$((n % 3 == 0))
		if [ $again = 1 ]; then
			check arch out >why || {
				failed=$((failed + 1)) again=0
				sed "s/^/kill $n: /" why
			}
		else
			judge "kill $n"
		fi
	done
	echo "kill: $moments moments, $failed with a loss"
	rm -rf in ref arch out
fi

# ---- every system call ------------------------------------------------

# each NAME: kills at the k-th of each call, into arch made from ./$1 if any
each()
{
	for call in $CALLS; do
		k=0
		while :; do
			k=$((k + 1))
			# The 256 shards are made one like the other.
			[ "$call" != mkdirat ] || [ $k -le 20 ] ||
				[ $((k % 50)) = 0 ] || [ $k -gt 260 ] || continue
			rm -rf arch && : >out
			[ ! -d "$1" ] || cp -a "$1" arch
			strace -f -qq -o /dev/null \
				-e trace="$call" \
				-e inject="$call:signal=KILL:when=$k" \
				imgimport -q -C arch in >>out 2>>err
			status=$?
			runs=$((runs + 1))
			[ $status != 0 ] || break
			[ $status = 137 ] || {
				echo "$1 $call $k: status $status"
				failed=$((failed + 1))
			}
			judge "$1 $call $k"
		done
	done
}

few
reference
mkdir one && phantom one --uid 2.25.99 one/1.dcm
runs=0
each fresh
imgimport -q -C used one >/dev/null || quit 'no archive'
rm -rf arch && cp -a used arch && imgimport -q -C arch in >/dev/null &&
	state arch >ref
each used
echo "kill: $runs runs, each killed at one system call;" \
	"$failed losses in all"
[ $failed = 0 ]
