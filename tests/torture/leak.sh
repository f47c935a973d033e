#!/bin/sh
# leak.sh - what a listener holds on to: memory, descriptors and processes over
# many associations, good ones and all that break the rules.
#
#	leak.sh [associations]	100,000 by default
#	leak.sh control [associations]	600 by default: a listener that keeps
#				memory, descriptors or processes (hoard.c),
#				which has to be found out
#
# Four senders at a time; a line of figures for each hundredth part.  Exits 2
# if the listener holds more at the end than after the first tenth; of memory,
# more than 1 MiB.
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
need imgrecv imgverify peer pgrep phantom setsid storer
if [ "${1-}" = control ]; then
	for HOARD in memory descriptors processes; do
		HOARD=$HOARD sh "$0" "${2:-600}" >"$O/leak.control"
		status=$?
		tail -n 1 "$O/leak.control"
		[ $status = 2 ] &&
			grep -qx "leak: $HOARD held" "$O/leak.control" ||
			exit 2
	done
	rm "$O/leak.control"
	exit 0
fi
most=${1:-100000}

T_=$(mktemp -d "${TMPDIR:-/var/tmp}/imgleak.XXXXXX") && cd "$T_" || exit 3
recv=
trap 'kill -KILL $recv 2>/dev/null; cd / && rm -rf "$T_"' EXIT
trap 'exit 130' INT TERM
phantom small in 40 >/dev/null || quit 'no inputs'
find "$T_/in" -type f | LC_ALL=C sort >files

# Those that only wait for a time limit would take days.
peer list | grep -vE '^(silent|drip|deaf|bomb|echoes|broken-(silence|slow)|cut-.*|junk-.*|announces-.*|commitment-2000)$' >scripts
n_scripts=$(wc -l <scripts)

# The process that starts the others lives as long as the listener, and counts.
held()
{
	keeper=$(pgrep -oP "$recv")
	rss=$(awk '/^VmRSS/ { n += $2 } END { print n }' \
		"/proc/$recv/status" "/proc/$keeper/status")
	fds=$(find "/proc/$recv/fd" "/proc/$keeper/fd" -mindepth 1 \
		2>/dev/null | wc -l)
	kids=$(pgrep -cP "$recv")
}

# settle: nobody is connected any more; what then stays is held.
settle()
{
	for _ in $(seq 50); do
		held
		[ "$kids" -le "${least:-2}" ] &&
			[ "$fds" -le "${least_fds:-29}" ] && break
		sleep 0.1
	done
}

if [ -n "${HOARD-}" ]; then
	cc -shared -fPIC -o hoard.so "$TOP/tests/torture/hoard.c" || exit 3
	export HOARD
fi
${HOARD:+env LD_PRELOAD="$T_/hoard.so"} \
	imgrecv -C arch -p 0 --max-associations 64 --max-per-peer 64 \
	--timeout-request 2 --timeout-idle 2 --timeout-io 2 --max-bad 0 >out 2>err &
recv=$!
listens err

# Each a quarter of the files, one association for one file.
good()
{
	awk -v n="$1" 'NR % 4 == n' files | while read -r f; do
		storer "$port" IMGRECV "$f" || echo "$f" >>"$T_/refused"
	done >/dev/null 2>>refused
}
bad()
{
	# shellcheck disable=SC2046
	peer "$port" $(cat scripts) >/dev/null 2>&1
}

done=0 round=0 next=0 first=
begin_=$(date +%s)
while [ "$done" -lt "$most" ]; do
	round=$((round + 1))
	bad &
	one_=$!
	bad &
	two_=$!
	good 0 & three_=$!
	{ good 1; good 2; good 3; } &
	wait $one_ $two_ $three_ $!
	done=$((done + 2 * n_scripts + 40))
	kill -0 $recv 2>/dev/null || quit "the listener has ended: $(tail -n 1 err)"
	# What is said grows with what is done: that is not the listener's.
	[ "$done" -lt "$next" ] && continue
	: >out
	: >err
	next=$((next + most / 100))
	settle
	least=${least:-$kids} least_fds=${least_fds:-$fds}
	echo "leak: $done associations: $rss KiB, $fds descriptors," \
		"$kids processes, $(($(date +%s) - begin_)) s"
	if [ -z "$first" ] && [ "$done" -ge $((most / 10)) ]; then
		first=$rss first_fds=$fds first_kids=$kids
	fi
done
settle
kill -TERM $recv
wait $recv
status=$?
wrong=0
# bounded NOW MOST WHAT
bounded()
{
	[ "$1" -le "$2" ] || { echo "leak: $3 held" && wrong=2; }
}
bounded "$rss" $((first + 1024)) memory
bounded "$fds" "$first_fds" descriptors
bounded "$kids" "$first_kids" processes
[ ! -s refused ] || { echo "leak: $(wc -l <refused) good ones failed"; wrong=2; }
[ $status = 143 ] && imgverify -q -C arch --audit >verdict 2>&1 || wrong=2
echo "leak: $done associations in $(($(date +%s) - begin_)) s: $first to $rss" \
	"KiB, $first_fds to $fds descriptors, $first_kids to $kids processes," \
	"status $status"
exit $wrong
