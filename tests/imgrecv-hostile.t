# imgrecv-hostile.t - peers that do not keep to the rules harm their own
# association and nothing else.
. "$(dirname "$0")/lib.sh"
need dcmsend
. "$TOP/tests/recv.sh"
mkdir in
for n in 1 2 3; do
	phantom one --study 2.25.10 --series 2.25.11 --uid "2.25.$n" \
		--modality CT in/$n.dcm
done
descriptors()
{
	find "/proc/$recv/fd" -mindepth 1 2>/dev/null | wc -l
}
# The listener and its keeper stay.
processes()
{
	pgrep -cP "$recv"
}
resident()
{
	awk '/^VmRSS/ { print $2 }' "/proc/$recv/status"
}

recv_start --max-associations 300 --max-per-peer 300 --timeout-request 2 \
	--timeout-idle 2 --timeout-io 2 --max-bad 0
exits 0 'warm up' peer "$port" \
	object-good object-torn type-5 commitment-2000
sleep 0.5
fds=$(descriptors) pids=$(processes)

peer "$port" all >all &
storm=$!
exits 0 'C-ECHO goes on meanwhile' peer "$port" echo 20
exits 0 'C-STORE goes on meanwhile' \
	dcmsend -aec IMGRECV 127.0.0.1 "$port" +sd in
wait $storm
ok 'all three are there' test \
	"$(grep -c '"status":"stored".*"from":"DCMSEND@' recv.out)" = 3
ok 'an object without a UID is taken as imgimport does' \
	grep -q '"warning":\["no-uid: SOPInstanceUID is only in the file meta' recv.out
ok 'and one with a UID that is none' \
	grep -q '"warning":\["bad-uid: SOPInstanceUID is no valid UID"\]' recv.out
ok 'which imgsend does not send' sh -c 'imgquery -C archive -l image \
	--format jsonl | grep tmp/x | imgsend -q -C archive --again --retries 0 \
	-c "IMGRECV@127.0.0.1:$1" 2>&1 | grep -q "without a valid SOPClassUID and SOPInstanceUID it cannot be sent"' sh "$port"
ok 'every script came to its end' test "$(wc -l <all)" = "$(peer list | wc -l)"
ok 'nobody was left waiting' sh -c '! grep -E ": (open|-|no association)$" all'
LC_ALL=C sort all | grep -vE ': (closed|aborted)$' >got
same 'what was not cut off' got <<'!'
bomb: status C000
broken-release: released
called-blank: rejected
called-other: rejected
calling-binary: released
class-path: released
class-query: released
commitment-2000: status 0000
commitment-junk: status 0115
common-20: released
contexts-128-syntaxes-40: released
contexts-128: released
contexts-400: released
echoes: released
extended-5: released
field-0: status 0211
field-find: status 0211
field-get: status 0211
field-move: status 0211
identities-3: released
identity: released
nested-20000: status C000
no-user-information: released
object-empty: status C000
object-good: status 0000
object-huge-length: status C000
object-no-storage: status 0122
object-no-uid: status 0000
object-odd: status 0000
object-other-class: status A900
object-other-uid: status A900
object-path: status 0000
object-sibling: status 0000
object-text: status C000
object-torn: status C000
object-verification: status 0122
protocol-2: rejected
release-twice: released
roles-100: released
syntax-format: released
versions-50: released
without-class: status A900
without-field: status 0211
without-id: status 0000
without-length: status 0000
!
for n in 1 2 3 4 5 6 7 8 9 10; do
	[ "$(descriptors)" = "$fds" ] && [ "$(processes)" = "$pids" ] && break
	sleep 1
done
ok 'no descriptor is left behind' test "$(descriptors)" = "$fds"
ok 'no process is left behind' test "$(processes)" = "$pids"
ok 'nothing is in tmp' test -z "$(find archive/tmp -type f)"
ok 'nothing of what was sent is said' sh -c \
	'! grep -E "uuuu|xxxx|passwd|pwd" recv.err recv.out archive/audit.log'
# A sanitizer keeps what was freed for a while.
grep -q __asan_init "$O/bin/imgrecv" ||
	ok 'memory stays' test "$(resident)" -lt 131072

# Idle peers, over and under the limit.
peer "$port" hold 100 4 &
hold=$!
exits 0 'beside 100 silent ones' peer "$port" echo 10
wait $hold
ok 'the listener lives' kill -0 "$recv"
exits 143 'and ends as it should' recv_stop
exits 0 'the archive is sound' imgverify -C archive --audit

recv_start --max-associations 3 --timeout-idle 5 --timeout-request 1
peer "$port" silent silent >/dev/null &
one=$!
peer "$port" silent >/dev/null &
two=$!
peer "$port" silent >/dev/null &
three=$!
sleep 1
exits 0 'one too many' peer "$port" object-good
ok 'is rejected for now' grep -qx 'object-good: no association' out
ok 'and told apart' grep -q 'too many associations' recv.err
wait $two $three
taken()
{
	peer "$port" object-good | grep -qx 'object-good: status 0000'
}
ok 'when there is room, it is taken' until_ taken
kill -TERM "$recv"
wait $one
exits 143 'ends while a peer is silent' recv_stop
recv_start --max-per-peer 1 --timeout-request 1
peer "$port" silent >/dev/null &
one=$!
sleep 0.5
exits 0 'one more from the same address' peer "$port" object-good
ok 'is rejected' grep -q 'too many associations from this address' recv.err
exits 143 'ends' recv_stop
wait $one
finish
