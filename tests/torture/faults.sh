#!/bin/sh
# faults.sh - imports in which system calls fail: each call in turn, once, and
# from then on.  Whatever was said to be stored is there, the exit status tells
# the truth, and the same command again finishes the work.
#
#	faults.sh [every]       each call, or every so many
#	CALLS='fsync close' ERRORS=EIO faults.sh
#	faults.sh control       writes that fail, and a program that is not told
#	                        (swallow.c): it has to be found out
. "$(dirname "$0")/lib.sh"
need b2sum imgimport imgverify phantom sqlite3 strace zip
every=${1:-1} careless=
if [ "$every" = control ]; then
	every=1 CALLS='write pwrite64' ERRORS=ENOSPC
fi
CALLS=${CALLS-openat read pread64 write pwrite64 fsync fdatasync syncfs \
	renameat2 unlinkat unlink ftruncate fcntl mkdir mkdirat newfstatat \
	getdents64 mmap close fchown}
ERRORS=${ERRORS-EIO ENOSPC EINTR ENOMEM}

T_=$(mktemp -d "${TMPDIR:-/var/tmp}/imgfault.XXXXXX") && cd "$T_" || exit 3
trap 'cd / && rm -rf "$T_"' EXIT
trap 'exit 130' INT TERM
failed=0
if [ "${1-}" = control ]; then
	cc -shared -fPIC -o swallow.so "$TOP/tests/torture/swallow.c" || exit 3
	careless=LD_PRELOAD=$T_/swallow.so
fi

wrong()
{
	failed=$((failed + 1))
	echo "$1: $2"
}

# truth WHERE STATUS: whether the status is one of ours, and 0 only when every
# input is known to be in the archive
truth()
{
	case $2 in
	0)
		n=$(grep -cE '^{"status":"(stored|duplicate)"' out)
		[ "$n" = "$objects" ] ||
			wrong "$1" "status 0, and $n of $objects are stored"
		;;
	2 | 3 | 75) ;;
	127 | 139)
		# Before the program begins; the loader falls over its first
		# call of mmap.
		case $2,$1 in
		127,* | 139,mmap*\ 1 | 139,mmap*\ 1+) [ ! -s out ] ;;
		*) false ;;
		esac || wrong "$1" "status $2"
		;;
	*) wrong "$1" "status $2: $(tail -n 1 err)" ;;
	esac
	grep -qi 'synthetic' err && wrong "$1" 'the name of a patient on stderr'
}

# one CALL ERROR WHEN
one()
{
	before_=$failed
	rm -rf arch && : >out && : >err
	[ ! -d used ] || cp -a used arch
	timeout -k 1 60 strace -f -qq -o /dev/null -e trace="$1" \
		${careless:+-E "$careless"} -e inject="$1:error=$2:when=$3" \
		imgimport -q -C arch in >>out 2>>err
	truth "$1 $2 $3" $?
	runs=$((runs + 1))
	if ! check arch out >why || ! recover arch out >>why; then
		failed=$((failed + 1))
		sed "s/^/$1 $2 $3: /" why
	fi
	[ $failed = $before_ ] || told=$((told + 1))
}

# How often an import without faults makes the call
count()
{
	rm -rf arch
	[ ! -d used ] || cp -a used arch
	strace -f -qq -o trace -e trace="$1" imgimport -q -C arch in >/dev/null \
		2>&1
	grep -c "$1(" trace
}

sweep()
{
	for call in $CALLS; do
		n=$(count "$call")
		for error in $ERRORS; do
			k=1
			while [ $k -le "$n" ]; do
				one "$call" $error $k
				# A call that is always interrupted never ends.
				[ $error = EINTR ] || one "$call" $error $k+
				k=$((k + every))
			done
		done
	done
}

few
objects=6 runs=0 told=0
# Into an archive that is there: its folders are made only once.
mkdir one && phantom one --uid 2.25.99 one/1.dcm
imgimport -q -C used one >/dev/null || quit 'no archive'
cp -a used arch && imgimport -q -C arch in >/dev/null || quit 'the import fails'
state arch >ref
sweep
if [ -n "$careless" ]; then
	echo "faults, control: in $told of $runs runs a program that does not" \
		"look at its writes is found out"
	[ $told -gt $((runs / 2)) ]
	exit
fi
echo "faults: $runs runs, each with failing system calls; $failed wrong"
[ $failed = 0 ] && [ $runs -gt 0 ]
