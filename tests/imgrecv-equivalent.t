# imgrecv-equivalent.t - the same image in another encoding is no conflict on the
# network, either.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/recv.sh"
. "$TOP/tests/syntaxes.sh"

ten_syntaxes
cp in/0.dcm pixel.dcm
bitflip pixel.dcm $(($(wc -c <in/0.dcm) - 2)) >/dev/null
dcmcjpls pixel.dcm pixel-jls.dcm

words()
{
	sed 's/^{"status":"\([a-z]*\)".*/\1/' recv.out | xargs
}
give()
{
	imgsend -q -C sender -c "IMGRECV@127.0.0.1:$port" "$@"
}
objects()
{
	find archive/objects -type f | wc -l
}

recv_start
for i in 0 1 2 3 4 5 6 7 8 9; do
	give in/$i.dcm || echo "status $?"
done >got
ok 'all are answered Success' test "$(grep -c '"status":"sent"' got)" = 10
words >got
same 'one after the other' got <<!
stored equivalent equivalent equivalent equivalent equivalent equivalent equivalent equivalent equivalent
!
ok 'in ten transfer syntaxes' test "$(sed \
	's/.*"TransferSyntaxUID":"\([^"]*\)".*/\1/' recv.out | sort -u |
	wc -l)" = 10
d=$(head -n 1 recv.out | sed 's/.*"digest":"\([^"]*\)".*/\1/')
ok 'to the first one' test "$(grep -c "\"equivalent_to\":\"$d\"" recv.out)" = 9
ok 'all are kept' test "$(objects)" = 10
exits 0 'one pixel changed' give pixel.dcm
exits 0 'and the same in another encoding' give pixel-jls.dcm
ok 'are a conflict, and no other' test "$(words | cut -d ' ' -f 11-)" = \
	'conflict equivalent'
exits 143 'ends' recv_stop
ok 'summed up' grep -q '12 inputs: 1 stored, 10 equivalent, 1 conflict' recv.err
ok 'nothing was said' test "$(wc -l <recv.err)" = 3
exits 0 'the archive is intact' imgverify -C archive --all
exits 0 'so is the log' imgverify -C archive --audit
ok 'and has the word' test "$(grep -c '"act":"equivalent"' \
	archive/audit.log)" = 10
exits 0 'what imgimport says' imgimport -q -C archive2 in/*.dcm pixel.dcm \
	pixel-jls.dcm
sed 's/^{"status":"\([a-z]*\)".*/\1/' out | xargs >want
words >got
same 'is the same' got <want

# At once: on ten associations, in whatever order.
rm -rf archive
recv_start
for i in 0 1 2 3 4 5 6 7 8 9; do
	give in/$i.dcm >sent.$i &
	sends="${sends:-} $!"
done
# shellcheck disable=SC2086 # ten of them
wait $sends
ok 'ten at once' test "$(cat sent.* | grep -c '"status":"sent"')" = 10
words | tr ' ' '\n' | sort | uniq -c | xargs >got
same 'are alike, too' got <<!
9 equivalent 1 stored
!
exits 143 'ends' recv_stop
exits 0 'the archive is intact' imgverify -C archive --all

rm -rf archive
recv_start --on-conflict reject --warn-conflict
give in/0.dcm >/dev/null
exits 0 'with reject' give in/4.dcm
exits 0 'what differs' give pixel.dcm
ok 'is answered 0111' grep -q 'peer-duplicate: 0111' out
ok 'and none is kept' test "$(objects) $(words)" = \
	'1 stored equivalent rejected'
exits 143 'ends' recv_stop
ok 'tmp is empty' test -z "$(find archive/tmp -type f)"

mkdir alone && cp "$O/bin/imgrecv" alone/
PATH=$PWD/alone:$PATH
recv_start
exits 0 'without imgverify beside it' give in/1.dcm
ok 'it is a conflict that was not compared' grep -q \
	'^{"status":"conflict",.*"warning":\["not-compared: ' recv.out
exits 143 'ends' recv_stop

# One that takes its time.
printf '#!/bin/sh\n: >started\nexec sleep 30\n' >alone/imgverify
chmod +x alone/imgverify
recv_start
give in/2.dcm >sent &
sends=$!
until_ test -e started
begin=$(date +%s)
exits 143 'ends while it compares' recv_stop
wait $sends
ok 'and does not wait for that' test $(($(date +%s) - begin)) -lt 10
ok 'what came is kept' grep -q \
	'^{"status":"conflict",.*"warning":\["not-compared: ' recv.out
finish
