#!/bin/sh
# run.sh - the torture tests: make torture [TIER=...] [T='name ...']
#
#	run.sh [name ...]	only those; * and ? are wildcards
#	run.sh -l		the names
#
# TIER=quick takes a sample of each, as a last look before a commit; TIER=long,
# the default, about two hours; TIER=release as often as img-promises(7)
# promises, a day.  Or by hand: KILLS, CUTS, SOME (on rarer file systems), CONTROL,
# DAMAGED, SECONDS_AMONG, FLIPS, EVERY, PART, MANY, SUITE; FIRST and MOST, of
# system calls and of requests of memory.  (make check has a taste of each, in
# tests/torture.t; make asan and make fuzz are by themselves.)
#
# Prints the totals at the end.  0: all of them have passed; 2: one has not.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd) || exit 3
O=${O:-$top/build}
export O
TIER=${TIER:-long}
case $TIER in
quick) set_='KILLS=20 CUTS=10 CONTROL=6 DAMAGED=2000 SECONDS_AMONG=20
	FLIPS=20000 EVERY=100 PART=1/20 MANY=2000 FIRST=1 MOST=20' ;;
long) set_='KILLS=300 CUTS=200 CONTROL=30 DAMAGED=100000 SECONDS_AMONG=600
	FLIPS=1000000 EVERY=1 PART=1/1 MANY=100000' ;;
release) set_='KILLS=10000 CUTS=10000 CONTROL=30 DAMAGED=100000
	SECONDS_AMONG=600 FLIPS=1000000 EVERY=1 PART=1/1 MANY=100000' ;;
*) echo "torture: TIER is quick, long or release" >&2 && exit 64 ;;
esac
for s_ in $set_; do
	eval ": \"\${${s_%%=*}:=${s_#*=}}\""
done
# The whole suite takes hours under valgrind.
errors=
case $TIER in
quick)
	: "${SUITE:=unit/members}"
	export EVERY FIRST MOST
	errors='ERRORS=EIO '
	;;
long) : "${SUITE:=unit fuzz}" ;;
esac
# Rarer file systems need a tenth.
some=${SOME:-$(((CUTS + 9) / 10))}
# One cut may come before anything was said.
[ "$some" -ge 3 ] || some=3

# Name, and the words of the command.
all_()
{
	cat <<!
kill-control kill.sh control $CONTROL
kill kill.sh $KILLS
export export.sh $KILLS
export-control export.sh control $CONTROL
anon anon.sh $KILLS
anon-control anon.sh control $CONTROL
verify verify.sh $KILLS
verify-control verify.sh control
scant scant.sh $((EVERY * 10))
scant-control scant.sh control
damaged damaged.sh $DAMAGED
damaged-control damaged.sh control
send send.sh $KILLS
send-control send.sh control $CONTROL
recv recv.sh kill $KILLS
recv-control recv.sh late $CONTROL
recv-calls recv.sh calls $((EVERY * 10))
recv-calls-control recv.sh calls-control
crowd crowd.sh $SECONDS_AMONG
crowd-control crowd.sh control
hostile-control hostile.sh control
hostile hostile.sh $PART
leak leak.sh $MANY
leak-control leak.sh control
valgrind valgrind.sh
valgrind-control valgrind.sh control
valgrind-suite valgrind.sh suite ${SUITE-}
threads threads.sh
threads-control threads.sh control
asan-control asan.sh control
fuzz-control ../fuzz/run.sh control
rot rot.sh $FLIPS
rot-control rot.sh control
powercut-control powercut.sh -c $CONTROL
powercut powercut.sh $CUTS
powercut-ext4-writeback FS=ext4-writeback powercut.sh $some
powercut-xfs FS=xfs powercut.sh $some
powercut-xfs-control FS=xfs powercut.sh -c $CONTROL
recv-cut-control recv.sh control $CONTROL
recv-cut recv.sh cut $CUTS
recv-cut-xfs FS=xfs recv.sh cut $some
!
	for mode in import export anon send rebuild scrub keys; do
		case $mode in
		import | keys) n=$EVERY ;;
		rebuild | scrub) n=$((EVERY * 100)) ;;
		*) n=$((EVERY * 10)) ;;
		esac
		echo "faults-$mode ${errors}faults.sh $mode $n"
		echo "faults-$mode-control FIRST=3 faults.sh $mode control"
	done
	for mode in import receive export anon send rebuild keys; do
		echo "replay-$mode-control replay.sh -c $mode $CONTROL"
		for fs in ext4 ext4-writeback xfs btrfs; do
			n=$some
			[ $fs != ext4 ] || n=$CUTS
			echo "replay-$mode-$fs FS=$fs replay.sh $mode $n"
		done
	done
}

wanted()
{
	[ $# -gt 1 ] || return 0
	name_=$1
	shift
	for w_; do
		# shellcheck disable=SC2254 # a pattern
		case $name_ in
		$w_) return 0 ;;
		esac
	done
	return 1
}

[ "${1-}" != -l ] || { all_ | cut -d ' ' -f 1 && exit; }
set -f
# shellcheck disable=SC2086 # words
[ $# -gt 0 ] || set -- ${T-}
set +f
totals=$(mktemp) || exit 3
trap 'rm -f "$totals" "$totals".*' EXIT
trap 'exit 130' INT TERM
all_ >"$totals.jobs"
status=0 passed=0 failed=0 skipped=0
for name; do
	all_ | while read -r n _; do
		! wanted "$n" "$name" || exit 1
	done && echo "torture: no test is called $name" >&2 && exit 64
done
begin=$(date +%s)
while read -r name words; do
	wanted "$name" "$@" || continue
	env_=
	case $words in
	*=*) env_=${words%% *} words=${words#* } ;;
	esac
	case $words in
	powercut* | replay* | 'recv.sh cut'* | 'recv.sh control'*)
		if [ "$(id -u)" != 0 ] || [ ! -e /dev/loop-control ]; then
			echo "$name: skipped: only root can mount loop devices"
			skipped=$((skipped + 1))
			continue
		fi
		;;
	esac
	at=$(date +%s)
	# shellcheck disable=SC2086 # words
	env $env_ sh "$top/tests/torture/"$words >"$totals.out" 2>&1 </dev/null
	code=$?
	cat "$totals.out"
	took=$(($(date +%s) - at))
	if [ $code = 0 ] && grep -q ': skipped: ' "$totals.out"; then
		skipped=$((skipped + 1)) word=skipped
	elif [ $code = 0 ]; then
		passed=$((passed + 1)) word=passed
	else
		failed=$((failed + 1)) status=2 word="FAILED ($code)"
	fi
	printf '%-26s %-8s %6d s  %s\n' "$name" $word $took \
		"$(tail -n 1 "$totals.out" | cut -c 1-160)" >>"$totals"
done <"$totals.jobs"
echo "torture, TIER=$TIER, $(date -u +%Y-%m-%d), $(nproc) processors," \
	"$(uname -sr):"
cat "$totals"
echo "$passed passed, $failed failed, $skipped skipped," \
	"$((($(date +%s) - begin) / 60)) min"
exit $status
