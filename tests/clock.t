# clock.t - the wall clock is put forward or back by a day in the middle of
# things: what takes so many seconds takes so many seconds.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
. "$TOP/tests/peer.sh"
. "$TOP/tests/recv.sh"
need perl
trap 'for p_ in $peers_; do kill "$p_" 2>/dev/null; done; recv_quit_' EXIT

SKEW=$PWD/skew
export SKEW
# jump SECONDS: what the wall clock is off from now on
jump()
{
	printf '%-15s\n' "$1" | dd of="$SKEW" conv=notrunc 2>/dev/null
}
jump 0
# A sanitizer wants to come first.
ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0
export ASAN_OPTIONS
# jumps: forth and back and away, while something runs
jumps()
{
	for s_ in 86400 -86400 0 -86400 86400; do
		sleep 0.25
		jump $s_
	done
}
skewed()
{
	LD_PRELOAD=$O/tools/skew.so "$@"
}
# within LEAST MOST COMMAND ...: it takes so many tenths of a second.
within()
{
	least_=$1 most_=$2
	shift 2
	began_=$(date +%s%N)
	"$@"
	status_=$?
	took_=$((($(date +%s%N) - began_) / 100000000))
	[ "$took_" -ge "$least_" ] && [ "$took_" -le "$most_" ] ||
		echo "took $took_ tenths of a second" >&2
	[ "$took_" -ge "$least_" ] && [ "$took_" -le "$most_" ] || return 99
	return $status_
}
ok 'the clock jumps' sh -c 'printf "%-15s\n" 86400 >"$SKEW.2"
	test "$(SKEW=$SKEW.2 LD_PRELOAD=$O/tools/skew.so date +%s)" -gt \
		$(($(date +%s) + 86000))'

for n in 1 2 3 4; do img $n.dcm $n --modality CT --rows 512 --cols 512; done

# ---- sending and receiving -----------------------------------------------------

recv_start() # the same, by the clock that jumps
{
	: >recv.err
	LD_PRELOAD=$O/tools/skew.so imgrecv -C archive -p 0 "$@" >recv.out \
		2>recv.err &
	recv=$!
	for _ in $(seq 400); do
		port=$(sed -n "s/^imgrecv: listening at $recv_at://p" recv.err)
		[ -z "$port" ] || return 0
		sleep 0.05
	done
	return 1
}
recv_start --timeout-io 5 --timeout-idle 5
jumps &
exits 0 'objects on their way' within 15 100 skewed timeout 20 imgsend -q \
	-C none --timeout 5 --limit-rate 800K -c "IMGRECV@127.0.0.1:$port" [1-4].dcm
wait $!
ok 'arrive' test "$(records sent) $(grep -c '"status":"stored"' recv.out)" = \
	'4 4'
jumps &
exits 0 'a commitment' skewed timeout 20 imgsend -q -C sender --retries 0 \
	--commit --commit-timeout 5 -c "IMGRECV@127.0.0.1:$port" 1.dcm
ok 'is given' test "$(records committed)" = 1
wait $!
jump 0

# A report that is owed is not older than it is.
free_port && other=$port
port=$(sed -n 's/^imgrecv: listening at 127.0.0.1://p' recv.err)
cat >archive/peers.json <<!
{ "back": { "aet": "STGCMT", "host": "127.0.0.1", "port": $other } }
!
exits 0 'a report' stgcmt -r "$port" IMGRECV 1.2.840.10008.1.2 \
	1.2.840.10008.5.1.4.1.1.2 2.25.1
sleep 0.3
jump 4000000
exits 0 'is not too old when the clock says so' stgcmt -w "$other"
jump 0
exits 143 'the listener ends' recv_stop
ok 'and nothing broke' test "$(grep -vc 'listening\|no report .* yet\|inputs' \
	recv.err)" = 0

# ---- peers that say nothing ------------------------------------------------------

bad()
{
	rm -f port
	serve perl "$TOP/tests/tools/badpeer.pl" port "$1"
	while [ ! -e port ]; do sleep 0.05; done
	to="BAD@127.0.0.1:$(cat port)"
}
# at_once SECONDS: while a peer is silent the clock jumps by that
at_once()
{
	jump 0
	{ sleep 0.4; jump "$1"; } &
	within 9 60 skewed timeout 20 imgsend -q -C none --retries 0 \
		--assoc-timeout 1 --timeout 1 -c "$to" 1.dcm
}
for how in mute silent; do
	bad $how
	exits 3 "$how: forth" at_once 86400
	exits 3 "$how: back" at_once -86400
	gone "$peer"
done
jump 0

# ---- the time of the day ---------------------------------------------------------

# Two hours: the first may end meanwhile.
hour=$((($(date +%s) / 3600 + 12) % 24))
bad status0000
{ sleep 1; jump 43200; } &
exits 0 'the time of the day comes earlier' within 10 120 skewed timeout 20 \
	imgsend -q -C none -c "$to" 1.dcm \
	--window "$hour:00-$(((hour + 2) % 24)):00"
wait $!

# ---- a scrub -----------------------------------------------------------------------

jump 43200
imgimport -q -C arch [1-4].dcm >/dev/null
exits 0 'a scrub tomorrow' skewed timeout 20 imgverify -C arch --scrub
jump 0
exits 0 'and one today' skewed timeout 20 imgverify -C arch --scrub
ok 'reads all of it again' grep -q '4 intact' err
exits 0 'and one more' skewed timeout 20 imgverify -C arch --scrub
ok 'does, too' grep -q '4 intact' err
jump -200000
exits 0 'and in the past' skewed timeout 20 imgverify -C arch --scrub
ok 'too' grep -q '4 intact' err
jump 0
{ sleep 0.2; jump -40000; } &
exits 0 'and one in which the clock is put back' skewed timeout 20 imgverify \
	-C arch --scrub
ok 'too' grep -q '4 intact' err
exits 0 'the audit log is whole' imgverify -C arch --audit

# ---- other years -----------------------------------------------------------------

# year YEARS ZONE COMMAND ...: so many years from now, at another place
year()
{
	jump $(($1 * 31556952))
	zone_=$2
	shift 2
	TZ=$zone_ skewed timeout 20 "$@"
	at_=$?
	jump 0
	return $at_
}
year_of() { echo $(($(date +%Y) + $1)); }
n=4
for at in '20 Pacific/Kiritimati' '-10 America/Adak' '15 Asia/Kolkata' \
	'-20 <+1445>-14:45' '0 :/nowhere'; do
	n=$((n + 1)) years=${at%% *} zone=${at#* }
	img $n.dcm $n --modality CT
	exits 0 "$at: an import" year $years "$zone" imgimport -C years $n.dcm
	ok 'has its record' grep -q '"status":"stored"' out
	ok 'and its year' sh -c 'tail -n 1 years/audit.log |
		grep -q "\"time\":\"$1-"' - "$(year_of $years)"
	exits 0 'a scrub' year $years "$zone" imgverify -C years --scrub
	ok 'reads all' grep -q "$((n - 4)) intact" err
	exits 0 'and a check' year $years "$zone" imgverify -q -C years --all
	exits 0 'an export' year $years "$zone" imgexport -q -C years \
		-o "disc$n" --media 2.25.$n
	exits 0 'is read at another time' imgverify -q --media "disc$n"
done
exits 0 'their audit log is whole' imgverify -C years --audit
ok 'its lines are in order, whatever the time was' sh -c \
	'sed "s/^{\"n\":\([0-9]*\),.*/\1/" years/audit.log | sort -n -c -u'
exits 0 'and so is it when the catalog is made again' year -20 UTC \
	imgverify -q -C years --rebuild
exits 0 'with all' imgquery -C years --count -l image
ok 'of them' test "$(cat out)" = 5
exits 0 'in another zone the time of a line is the same' \
	year 0 Asia/Kolkata imgimport -q -C years 1.dcm
ok 'as in UTC' sh -c 'was=$(date -ud "$(tail -n 1 years/audit.log |
	sed "s/.*\"time\":\"\([^\"]*\)\".*/\1/")" +%s)
	test $(($(date +%s) - was)) -lt 600'
finish
