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
	rm -f port
	serve perl "$TOP/tests/tools/badpeer.pl" port "$1"
	i_=0
	while [ ! -e port ] && [ $i_ -lt 100 ]; do
		i_=$((i_ + 1))
		sleep 0.05
	done
	port=$(cat port)
	to="BAD@127.0.0.1:$port"
}

# to_it [OPTION ...]: two objects
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

for how in silent garbage huge-ac hang-up drip max1 cut abort mute \
	deep wrong-id wrong-field request not-context even-context \
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

for s in B000 B006 B007 B123 0111; do
	bad status$s
	exits 0 "$s: stored" to_it
	ok "$s: with a warning" test "$(grep -c \
		'^{"status":"sent".*"warning":\["peer-[a-z]*: '$s out)" = 2
	ok "$s: and the answer" grep -q "\"response\":\"$s\"" out
	gone $peer
done
for s in A900 A9FF C000 CFFF 0110 0117 1234 FFFF; do
	bad status$s
	exits 3 "$s: not stored" to_it --retries 5
	ok "$s: not tried again" is failed refused
	gone $peer
done
for s in 0122 0124; do
	bad status$s
	exits 3 "$s: refused" to_it
	ok "$s: is refused" is refused refused
	gone $peer
done
bad statusA700
exits 75 'A700: out of resources' to_it --retries 1
ok 'try again later' is refused busy
finish
