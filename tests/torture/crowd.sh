#!/bin/sh
# crowd.sh - a listener among 200 peers that do not keep to the rules: how fast
# it answers and stores meanwhile, and what they leave in it.
#
#	crowd.sh [seconds [addresses [option ...]]]
#			600 seconds among them, who come from 8 addresses;
#			0: from the same as those who keep to the rules;
#			options are for imgrecv
#	crowd.sh control	storescp and one silent peer; and imgrecv with
#			--max-bad 0: both have to fail
#
# Each of the 200 begins anew at once when its connection has ended.  Quiet
# parts lie between those among them, so that other work on the machine counts
# for both.  In each, four senders store FILES objects, and C-ECHOs follow each
# other, one at a time.
#
# Goals: C-ECHO within 100 ms (99th percentile of all), 90 % of the quiet rate,
# nothing lost, 64 MiB at the most, no descriptor more.  recv.sh has what many
# associations leave.
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
need imgrecv imgverify peer phantom setsid storer
T_=$(mktemp -d "${TMPDIR:-/var/tmp}/imgcrowd.XXXXXX") && cd "$T_" || exit 3
recv='' crowd=''
trap '[ -z "$crowd" ] || kill -TERM "$crowd" 2>/dev/null
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
	awk '{ exit !($NF > 0 || $4 > 100) }' answer || exit
	kill "$recv"
	recv=
	echo 'control: imgrecv as if nobody ever had to wait:'
	! sh "$TOP/tests/torture/crowd.sh" 30 8 --max-bad 0
	exit
fi

seconds=${1:-600} addresses=${2:-8}
shift $(($# < 2 ? $# : 2))
part=${PART:-30} quiet=${QUIET:-10}
[ "$part" -le "$seconds" ] || part=$seconds
parts=$(((seconds + part - 1) / part))
FILES=${FILES:-400}
phantom small raw $((FILES * 2 * parts + FILES)) >/dev/null || quit 'no inputs'
find raw -type f | LC_ALL=C sort | split -l $((FILES / 4)) -d -a 4 - slice.

n=0
# store FILE: how long the next objects take, seconds, into it
store()
{
	begin_=$(date +%s.%N)
	senders=
	for _ in 1 2 3 4; do
		# shellcheck disable=SC2046
		storer "$port" IMGRECV $(cat "$(printf 'slice.%04d' $n)") \
			>>acks 2>>err.store &
		senders="$senders $!" n=$((n + 1))
	done
	# shellcheck disable=SC2086
	wait $senders
	awk -v a="$begin_" -v b="$(date +%s.%N)" 'BEGIN {
		printf "%.3f\n", b - a }' >>"$1"
}
# spend SECONDS NAME PART: objects, at another time in each part, and C-ECHOs;
# NAME.store and NAME.echo
spend()
{
	peer -t MONITOR "$port" times "$1" >>"$2.echo" &
	monitor=$!
	sleep $((1 + $3 * ($1 - 6) / parts))
	store "$2.store"
	wait $monitor
}
# figures FILE: of C-ECHOs: how many, median, p99, worst, failed ones, and the
# worst p99 of a hundred one after the other
figures()
{
	awk '$1 ~ /^[0-9]/ { print int((n++) / 100), $1 }' "$1" |
		sort -k1,1n -k2,2n | awk '
		$1 != at { at = $1; i = 0 }
		++i == 99 && $2 > most { most = $2 }
		END { print most + 0 }' >worst
	grep -v failed "$1" | sort -n | awk -v failed="$(grep -c failed "$1")" \
		-v worst="$(cat worst)" '{ x[NR] = $1 } END {
		p = int(NR * 0.99)
		print NR, x[int((NR + 1) / 2)], x[p ? p : 1], x[NR] + 0,
			failed, worst }'
}
rate()
{
	awk -v n="$FILES" '{ s += $1 } END { printf "%.1f\n", NR * n / s }' "$1"
}
resident()
{
	awk '/^VmHWM/ { print $2 }' "/proc/$recv/status"
}
# SQLite keeps those of the catalog for the next one that opens it.
descriptors()
{
	find "/proc/$recv/fd" -mindepth 1 ! -lname '*/catalog.db' 2>/dev/null |
		wc -l
}

setsid imgrecv -C arch -p 0 --timeout-request 10 --timeout-idle 10 \
	--timeout-io 10 "$@" >out 2>err &
recv=$!
listens err
: >acks
store first.store
peer "$port" all >/dev/null
sleep 1
fds=$(descriptors)

for i in $(seq $parts); do
	spend "$quiet" quiet "$i"
	setsid peer "$port" crowd 200 "$addresses" >>connections &
	crowd=$!
	spend "$part" among "$i"
	kill -TERM $crowd && wait $crowd
	crowd=
	sleep 1
done
sleep 12
memory=$(resident) left=$(($(descriptors) - fds))
kill -TERM "$recv" && wait "$recv"
recv=
imgverify -q -C arch >verify 2>&1
sound=$?
said=$(sort -u acks | wc -l)
lost=$(sqlite3 -readonly arch/catalog.db \
	'SELECT SOPInstanceUID FROM instance' | sort >have
	sort -u acks | comm -23 - have | wc -l)
busy=$(rate among.store) calm=$(rate quiet.store)
for when in quiet among; do
	# shellcheck disable=SC2046
	set -- $(figures $when.echo)
	echo "crowd: $when: $1 C-ECHOs: median $2 ms, p99 $3, worst $4;" \
		"$5 failed; worst p99 of a hundred $6"
done
p99=$3 missed=$5
echo "crowd: $((part * parts)) s among 200 from" \
	"$addresses addresses, $(awk '{ s += $1 } END { print s }' connections)" \
	"connections of theirs: $busy objects/s, $calm quiet;" \
	"$said acknowledged of $((FILES * (2 * parts + 1))), $lost lost;" \
	"$memory KiB at the most, $left descriptors more"
[ "$lost" = 0 ] && [ $sound = 0 ] && [ "$missed" = 0 ] &&
	[ "$said" = $((FILES * (2 * parts + 1))) ] && awk -v p="$p99" \
	-v a="$busy" -v b="$calm" -v m="$memory" -v l="$left" 'BEGIN {
	exit !(p <= 100 && a >= 0.9 * b && m <= 65536 && l <= 0) }'
