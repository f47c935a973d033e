# imgsend-hostile.t - peers that misbehave: each object has a true record,
# and it takes no longer than the time limits.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
. "$TOP/tests/peer.sh"
need perl

img one.dcm 1 --rows 64 --cols 64
img two.dcm 2 --rows 64 --cols 64

# bad HOW
bad()
{
	serve_bad "$1"
	port=$(cat port)
	to="BAD@127.0.0.1:$port"
}

# to_it [OPTION ...]: two objects
# shellcheck disable=SC2120 # exits passes them
to_it()
{
	timeout 20 imgsend -q -C none --retries 0 --assoc-timeout 1 \
		--timeout 1 -c "$to" "$@" one.dcm two.dcm
}

# is STATUS CODE: both records have them
is()
{
	[ "$(grep -c "^{\"status\":\"$1\".*\"code\":\"$2\"" out)" = 2 ]
}

for how in silent garbage huge-ac hang-up drip drip-answer max1 cut abort \
	mute events big-event deep wrong-id wrong-instance wrong-field request not-context even-context \
	empty long huge-pdu pdv-lie data-first release unknown-pdu no-set; do
	bad $how
	exits 3 "$how: nothing is sent" to_it
	ok "$how: both have failed" is failed transport
	gone $peer
done

bad no-status
exits 3 'an answer without a status' to_it
ok 'is no success' is failed refused
bad other-syntax
exits 3 'a transfer syntax that was not proposed' to_it
ok 'is not used' is refused refused
for how in max0 max4096 max65542 max4294967295 status0000; do
	bad $how
	exits 0 "$how: all is sent" to_it
	gone $peer
done
bad lies
exits 3 'lengths that lie: nothing is sent' to_it
ok 'both have failed' is failed malformed
bad nested
exits 0 'what is nested in a text is text' to_it
img big.dcm 3 --rows 2000 --cols 2000
bad early
exits 3 'success before it has all' timeout 20 imgsend -q -C none \
	--retries 0 -c "$to" big.dcm
ok 'is not believed' test "$(records sent)" = 0
bad junk
exits 2 'junk behind an answer' to_it
ok 'what was answered is sent' test "$(records sent)" = 1

img huge.dcm 4 --rows 3000 --cols 3000
bad sip
exits 3 'a byte a second is taken' timeout 20 imgsend -q -C none --retries 0 \
	--timeout 2 -c "$to" huge.dcm
ok 'which is not waited for' grep -q '"message":"huge.dcm: .*time is over"' out
gone "$peer"

# One object silences it, and no other.
rm -f silences
for n in 5 6 7 8; do img "many$n.dcm" $n; done
bad mute,2.25.6
exits 2 'one object silences it' timeout 30 imgsend -q -C none --retries 9 \
	--timeout 1 -c "$to" many*.dcm
ok 'the others are sent' test "$(records sent)" = 3
ok 'that one has failed' grep -q \
	'^{"status":"failed",.*"SOPInstanceUID":"2.25.6",.*no answer from the peer in 1 s' out
ok 'and was not tried a third time' test "$(wc -l <silences)" = 2
gone "$peer"

# Some bytes of the answer to the association, and of that to the object.
for seed in $(seq 20); do
	bad "flip$seed"
	to_it >out 2>err
	echo "$?" >>statuses
	[ "$(wc -l <out)" = 2 ] || echo "$seed: records" >>statuses
	gone $peer
done
sort -u statuses | tr '\n' ' ' >o
ok 'flipped bytes: a record for each, and a status that is one' \
	grep -qx '\([023] \|75 \)*' o

# ---- a peer that is asked without an end -------------------------------------

bad pending
exits 1 'C-FIND: answers without an end' to_it --commit --commit-timeout 1
ok 'are no proof' test "$(grep -c '"warning":\["unproved: C-FIND: answers without an end' out)" = 2

# ---- rejections ----------------------------------------------------------

bad reject113
exits 3 'rejected: our title' to_it
ok 'for good' is refused refused
ok 'says why' grep -q 'one.dcm: the peer rejects the association: it does not know our AE title' err
bad reject117
exits 3 'rejected: its title' to_it
ok 'says why' grep -q 'it is not called by that AE title' err
bad reject232
exits 75 'rejected: too many associations' to_it
ok 'for now' is refused busy

# ---- answers -------------------------------------------------------------

# told STATUS: what the record of an object says that was answered with it
told()
{
	sed -n "s/^{\"status\":\"\([a-z]*\)\".*\"warning\":\\[\"\(peer-[a-z]*: $1: [^\"]*\)\".*\"response\":\"$1\".*/\1 \2/p
		t
		s/^{\"status\":\"\([a-z]*\)\".*\"code\":\"\([a-z]*\)\",\"message\":\"[^:]*: the peer answers \($1: [^\"]*\)\".*\"response\":\"$1\".*/\1 \2 \3/p" out
}

words='B000 B006 B007 B123 0001 0107 0116 0111 A900 A9FF C000 CFFF 0105 0106 0110 0112 0117 0118 0119 0120 0121 0122 0124 0210 0211 0212 1234 FFFF A700 A7FF 0213'
n=0
for s in $words; do
	n=$((n + 1))
	img "word$(printf %02d $n).dcm" "$((100 + n))"
done
bad "statuses,$(echo "$words" | tr ' ' ,)"
exits 2 'an answer of each kind' timeout 20 imgsend -q -C none --retries 0 \
	-c "$to" word*.dcm
for s in $words; do
	told "$s"
done >o
gone $peer
same 'each is told from the others' o <<'!'
sent peer-warning: B000: stored, with elements coerced
sent peer-warning: B006: stored, with elements discarded
sent peer-warning: B007: stored, though it does not match its SOP class
sent peer-warning: B123: stored, with a warning
sent peer-warning: 0001: stored, with a warning
sent peer-warning: 0107: stored, with a warning on attributes
sent peer-warning: 0116: stored, with a value out of range
sent peer-duplicate: 0111: it has an instance of this UID already
failed refused A900: data set does not match its SOP class
failed refused A9FF: data set does not match its SOP class
failed refused C000: cannot understand
failed refused CFFF: cannot understand
failed refused 0105: no such attribute
failed refused 0106: invalid attribute value
failed refused 0110: processing failure
failed refused 0112: no such SOP instance
failed refused 0117: invalid SOP instance UID
refused refused 0118: no such SOP class
failed refused 0119: class and instance do not belong together
failed refused 0120: missing attribute
failed refused 0121: missing attribute value
refused refused 0122: SOP class not supported
refused refused 0124: not authorized
failed refused 0210: duplicate invocation
failed refused 0211: unrecognized operation
failed refused 0212: mistyped argument
failed refused 1234: a status of no known meaning
failed refused FFFF: a status of no known meaning
refused busy A700: out of resources
refused busy A7FF: out of resources
refused busy 0213: resource limitation
!

for s in B000 0111; do
	bad status$s
	exits 0 "$s: stored" to_it
	ok "$s: with a warning" test "$(grep -c \
		'^{"status":"sent".*"warning":\["peer-[a-z]*: '$s out)" = 2
	ok "$s: and the answer" grep -q "\"response\":\"$s\"" out
	gone $peer
done
for s in A900 C000 FFFF; do
	bad status$s
	exits 3 "$s: not stored" to_it --retries 5
	ok "$s: not tried again" is failed refused
	gone $peer
done
bad statusA700
exits 75 'A700: out of resources' to_it --retries 1
ok 'try again later' is refused busy
finish
