# imgrecv-calls.t - a call that waits and fails from then on: it is said once,
# costs no processor, and does not keep the listener from its end.
. "$(dirname "$0")/lib.sh"
need peer strace
. "$TOP/tests/recv.sh"
# A search for leaks does not bear a tracer; other tests have it.
ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0

# failing CALL ERROR WHEN [OPTION ...]: a listener whose calls do
failing()
{
	fails_="$1:error=$2:when=$3"
	shift 3
	: >recv.err
	strace -D -f -qq -o trace -e trace="${fails_%%:*}" -e inject="$fails_" \
		imgrecv -C archive -p 0 "$@" >recv.out 2>recv.err &
	recv=$!
	until_ grep -q 'listening at 127' recv.err
	port=$(sed -n "s/^imgrecv: listening at $recv_at://p" recv.err)
}
# said TEXT: once
said()
{
	until_ grep -q "^imgrecv: $1" recv.err && sleep 1 &&
		test "$(grep -c "^imgrecv: $1" recv.err)" = 1
}
# few: of the calls that fail there are no more than a second has twentieths
few()
{
	: >trace
	sleep 1
	test "$(grep -c INJECTED trace)" -le 60
}
ends_soon()
{
	(sleep 15 && kill -KILL "$recv") >/dev/null 2>&1 &
	late_=$!
	exits 143 "$1 and ends" recv_stop
	ok "$1 at once" kill $late_
	wait $late_ 2>/dev/null
}

failing poll EIO 5+
ok 'poll: said once' said 'waiting for connections: Input/output error$'
ok 'poll: not again and again' few
ends_soon poll:
ok 'poll: nor are reports waited for' \
	said 'waiting for reports of storage commitment: Input/output error$'

failing poll ENOMEM 8+ --timeout-idle 600
peer "$port" silent >/dev/null &
held=$!
ok 'an association: said' said 'PEER@127.0.0.1: waiting for its process: '
ends_soon 'an association:'
wait $held

failing epoll_wait EIO 1+
peer "$port" drip >/dev/null &
held=$!
ok 'epoll_wait: said once' said 'waiting for requests: Input/output error$'
ok 'epoll_wait: not again and again' few
ends_soon epoll_wait:
wait $held

for e in EIO EMFILE; do
	failing accept4 $e 1+
	peer "$port" echo 1 >/dev/null &
	held=$!
	ok "accept4, $e: said once" said 'accepting a connection: '
	ok "accept4, $e: not again and again" few
	ends_soon "accept4, $e:"
	wait $held
done
finish
