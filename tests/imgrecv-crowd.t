# imgrecv-crowd.t - who breaks the rules again and again waits; nobody else
# does.
. "$(dirname "$0")/lib.sh"
need peer
. "$TOP/tests/recv.sh"

# ms PEER-OPTION ...: how long one C-ECHO takes, or "failed"
ms()
{
	peer "$@" "$port" times 0.001
}
soon()
{
	ms "$@" | awk '!/^[0-9.]+$/ || $1 > 700 { exit 1 }'
}
workers()
{
	pgrep -cP "$recv"
}
# hammer N [OPTION ...]: N peers that are refused, over and over
hammer()
{
	n_=$1 hammers=
	shift
	for _ in $(seq "$n_"); do
		(while :; do
			peer "$@" "$port" called-other >/dev/null 2>&1
		done) &
		hammers="$hammers $!"
	done
}
quiet()
{
	# shellcheck disable=SC2086
	kill $hammers
	# shellcheck disable=SC2086
	wait $hammers 2>/dev/null
}
# refused: how often
refused()
{
	grep -c 'refused: called by another AE title' recv.err
}

# ---- before the request ---------------------------------------------------

recv_start --max-associations 3 --timeout-request 3
idle=$(workers)
peer "$port" hold 200 30 &
hold=$!
peer "$port" cut-74 junk-5 drip >/dev/null &
slow=$!
sleep 0.5
ok 'no process for those that have not asked' test "$(workers)" = "$idle"
ok 'they are in nobody'"'"'s way' soon
begin=$(date +%s%N)
peer "$port" web type-4 >got
same 'what is no request is answered' got <<'!'
web: aborted
type-4: aborted
!
ok 'after a second each' test $((($(date +%s%N) - begin) / 1000000)) -ge 1900
peer -b 127.0.0.2 "$port" hold 700 30 &
more=$!
sleep 1
ok 'a flood pushes itself out' soon
ok 'and that is said' grep -q \
	'^imgrecv: 127.0.0.2: refused: too many connections wait$' recv.err
wait $slow
ok 'time is over for the slow ones' grep -q \
	'^imgrecv: 127.0.0.1: association request: time is over$' recv.err
kill $hold $more
wait $hold $more 2>/dev/null
exits 143 'ends' recv_stop

# ---- again and again ------------------------------------------------------

recv_start --max-bad 4 --timeout-request 3
exits 0 'a device does something' peer -t CT1 "$port" echo 1
exits 0 'thirty times in order' peer -b 127.0.0.3 "$port" echo 30
ok 'cost nothing' soon -b 127.0.0.3
hammer 8
sleep 4
ok 'who is refused again and again waits' test "$(refused)" -lt 20
ok 'and not for ever' test "$(refused)" -gt 4
ok 'nobody at another address does' soon -b 127.0.0.2
ok 'nor does a device at the same' soon -t CT1
ok 'one that is new there comes in' peer -t NEW "$port" echo 1
ok 'and is known from then on' soon -t NEW
sleep 1
ok 'those who wait are told to come later' grep -q "$(printf %s \
	'^imgrecv: 127.0.0.1: refused: too many of its associations came to' \
	' nothing$')" recv.err
quiet
sleep 6
ok 'it is forgiven' soon
exits 143 'ends' recv_stop
ok 'one line of a peer a second in the log' test "$(grep -c \
	'"act":"refused","from"' archive/audit.log)" -lt 40

# A title costs nothing.
hammers=
recv_start --max-bad 4 --timeout-request 3
for i in 1 2 3 4; do
	(n=0; while n=$((n + 1)); do
		peer -t "T$i.$n" "$port" echo 1 >/dev/null
		peer -t "T$i.$n" "$port" called-other called-other \
			called-other >/dev/null
	done) &
	hammers="$hammers $!"
done
sleep 4
ok 'a new one each time is no way round' test "$(refused)" -lt 30
ok 'nobody at another address waits' soon -b 127.0.0.2
quiet
exits 143 'ends' recv_stop

recv_start --max-bad 0
hammer 2
sleep 2
quiet
ok '--max-bad 0: nobody waits' test "$(refused)" -gt 20
exits 143 'ends' recv_stop
finish
