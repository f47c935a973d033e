#!/bin/sh
# crowd.sh - a listener among 200 peers that do not keep to the rules: how fast
# it answers and stores meanwhile, and what they leave in it.
#
#	crowd.sh [seconds]      600 by default
#	crowd.sh control        storescp and one silent peer
#
# Goals: C-ECHO within 100 ms (99th percentile), 90 % of the quiet rate, 64 MiB
# at the most, no descriptor more.  recv.sh has what many associations leave.
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
need imgrecv imgverify peer phantom setsid storer
T_=$(mktemp -d "${TMPDIR:-/var/tmp}/imgcrowd.XXXXXX") && cd "$T_" || exit 3
recv='' crowd=''
trap 'for p_ in $crowd; do kill -- "-$p_" 2>/dev/null; done
	[ -z "$recv" ] || kill "$recv" 2>/dev/null; cd / && rm -rf "$T_"' EXIT
trap 'exit 130' INT TERM

if [ "${1-}" = control ]; then
	need storescp
	port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(
		Listen => 1, LocalAddr => "127.0.0.1")->sockport')
	storescp -od . "$port" >/dev/null 2>&1 &
	recv=$!
	sleep 1
	peer "$port" hold 1 25 &
	sleep 0.5
	peer "$port" echo 1 >answer
	echo "control: storescp and one silent peer: C-ECHO $(cat answer)"
	awk '{ exit !($NF > 0 || $4 > 100) }' answer
	exit
fi

seconds=${1:-600} rounds=${ROUNDS:-20} quiet=8
# A round is FILES objects by four senders.
FILES=${FILES:-800}
phantom small raw $((FILES * (rounds + quiet))) >/dev/null || quit 'no inputs'
find raw -type f | LC_ALL=C sort | split -l $((FILES / 4)) -d -a 3 - slice.

n=0
# store: the rate of the next round, objects a second
store()
{
	begin_=$(date +%s.%N)
	senders=
	for _ in 1 2 3 4; do
		# shellcheck disable=SC2046
		storer "$port" IMGRECV $(cat "$(printf 'slice.%03d' $n)") \
			>>acks 2>/dev/null &
		senders="$senders $!" n=$((n + 1))
	done
	# shellcheck disable=SC2086
	wait $senders
	awk -v a="$begin_" -v b="$(date +%s.%N)" -v n="$FILES" 'BEGIN {
		printf "%.0f\n", n / (b - a) }'
}
middle()
{
	sort -n | awk '{ x[NR] = $1 } END { print x[int((NR + 1) / 2)] }'
}
resident()
{
	awk '/^VmHWM/ { print $2 }' "/proc/$recv/status"
}
descriptors()
{
	find "/proc/$recv/fd" -mindepth 1 2>/dev/null | wc -l
}

setsid imgrecv -C arch -p 0 --max-associations 400 --max-per-peer 400 \
	--timeout-request 10 --timeout-idle 10 --timeout-io 10 >out 2>err &
recv=$!
listens err
peer "$port" all >/dev/null
: >acks
for _ in $(seq $quiet); do store; done >rates.quiet
calm=$(middle <rates.quiet)
fds=$(descriptors)

end=$(($(date +%s) + seconds))
# The scripts one after the other, over and over, and those that say nothing.
setsid sh -c 'while [ "$(date +%s)" -lt "$1" ]; do peer "$2" all >/dev/null
	done' - "$end" "$port" &
crowd=$!
setsid sh -c 'while [ "$(date +%s)" -lt "$1" ]; do peer "$2" hold 100 9
	done' - "$end" "$port" &
crowd="$crowd $!"
sleep 1
: >rates
while [ "$(date +%s)" -lt "$end" ]; do
	[ $n -ge $((4 * (rounds + quiet))) ] || store >>rates
	peer "$port" echo 100 >>echoes
	sleep $((seconds / rounds / 3))
done
# shellcheck disable=SC2086
wait $crowd
crowd=
sleep 12
busy=$(middle <rates)
p99=$(sed -n 's/.*p99 \([0-9.]*\).*/\1/p' echoes | sort -n | tail -n 1)
missed=$(awk '{ s += $NF } END { print s + 0 }' echoes)
memory=$(resident) left=$(($(descriptors) - fds))
kill -TERM "$recv" && wait "$recv"
recv=
imgverify -q -C arch >verify 2>&1
sound=$?
said=$(sort -u acks | wc -l)
lost=$(sqlite3 -readonly arch/catalog.db \
	'SELECT SOPInstanceUID FROM instance' | sort >have
	sort -u acks | comm -23 - have | wc -l)
echo "crowd: $seconds s, $(wc -l <echoes) hundreds of C-ECHO: worst p99" \
	"$p99 ms, $missed failed; $busy objects/s among them, $calm quiet;" \
	"$said acknowledged, $lost lost; $memory KiB at the most, $left descriptors more"
[ "$lost" = 0 ] && [ $sound = 0 ] && [ "$missed" = 0 ] && awk -v p="$p99" \
	-v a="$busy" -v b="$calm" -v m="$memory" -v l="$left" 'BEGIN {
	exit !(p <= 100 && a >= 0.9 * b && m <= 65536 && l <= 0) }'
