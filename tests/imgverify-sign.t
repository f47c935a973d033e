# imgverify-sign.t - signed statements, and one copy against another.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"

mkdir in
for i in 1 2 3 4 5; do
	img in/$i.dcm $i --study 2.25.71 --series 2.25.72
done
import in >/dev/null

exits 0 'a key' imgverify --new-sign-key k
same 'of which no inputs are counted' err </dev/null
ok 'that only its owner may read' test "$(stat -c %a k)" = 600
exits 3 'is not overwritten' imgverify -q --new-sign-key k
cp -p k secret && mv k.pub public
exits 0 'killed before the public one: the next run makes it' \
	imgverify -q --new-sign-key k
ok 'of the secret one' cmp k.pub public
ok 'which stays' cmp k secret
mv k elsewhere
exits 3 'a public one alone is not overwritten' imgverify -q --new-sign-key k
ok 'and has no other secret one' test ! -e k
ok 'nor is it another' cmp k.pub public
mv elsewhere k
exits 0 'a statement on a study' imgverify -q -C arch --sign k 2.25.71
cp out receipt
ok 'on five objects and the head of the log' grep -q \
	'^{"status":"signed","root":"[0-9a-f]\{64\}","objects":5,"lines":6,"head":"[0-9a-f]\{64\}","at":"[^"]*","signer":"[0-9a-f]\{64\}","signature":"[0-9a-f]\{128\}"}$' out
signed()
{
	imgverify -q --signed-by k.pub --statement "$@"
}
exits 0 'files elsewhere, without the archive' signed receipt in
ok 'are the same' grep -q '^{"status":"same","path":"receipt"}' out
exits 0 'and the objects of the archive' signed receipt -C arch --all
# What would be for nothing is known before the first object is read.
none()
{
	ok 'and nothing was read' test ! -s out
}
exits 64 'a key that is none' imgverify -q --signed-by in/1.dcm \
	--statement receipt in
none
exits 3 'no key' imgverify -q --signed-by not/there --statement receipt in
none
exits 3 'no statement' signed not/there in
none
exits 3 'no key to sign with' imgverify -q --sign not/there in
none
exits 3 'a public key to sign with' imgverify -q --sign k.pub in
none
exits 1 'one fewer' signed receipt in/1.dcm in/2.dcm
ok 'is told' grep -q '"reason":"these are not the objects that were signed"' out
img in/6.dcm 6
exits 1 'one more' signed receipt in
rm in/6.dcm
echo text >note
exits 1 'one more, that is no object' signed receipt in note
ok 'is told' grep -q '^{"status":"differs","path":"receipt"' out
exits 2 'one more, that is not there' signed receipt in not/there
ok 'is told, too' grep -q '^{"status":"differs","path":"receipt"' out
lost='{"status":"rejected","path":"b.dcm","error":{"code":"truncated","message":"b.dcm: ends","by":"imgimport"}}'
for line in "$lost" '{"path":'; do
	printf 'in\n%s\n' "$line" >lines
	exits 2 'one more, that was lost before' signed receipt <lines
	ok 'is told' grep -q '^{"status":"differs","path":"receipt"' out
	exits 3 'of what is left nothing is signed' imgverify -q --sign k <lines
	ok 'but all is told' test "$(records intact)" = 5
	ok 'without a signature' sh -c '! grep -q signature out'
done
mkfifo way
imgverify -q --sign k <way >out 2>err &
exec 7>way
echo in/1.dcm >&7
sleep 1
kill -TERM $!
exec 7>&-
wait $!
ok 'stopped half-way' test $? = 143
ok 'nothing is signed' sh -c '! grep -q signature out'
exits 3 'nothing is signed' imgverify -q --sign k in not/there
ok 'if one could not be read' sh -c '! grep -q signature out'
cp in/1.dcm keep && bitflip in/1.dcm 900 >/dev/null
exits 1 'a flipped bit in a file' signed receipt in
mv keep in/1.dcm
for what in root objects head at lines; do
	sed "s/\(\"$what\":\"\{0,1\}[0-9a-f]\)[0-9a-f]/\1e/
		s/\"$what\":6/\"$what\":7/
		s/\"$what\":5/\"$what\":6/" receipt >changed
	cmp -s receipt changed && sed "s/\"$what\":\"./&f/" receipt >changed
	exits 1 "the statement changed: $what" signed changed in
	ok 'is told at once' test "$(wc -l <out)" = 1
done
imgverify -q --new-sign-key other
exits 1 'the key of another' imgverify -q --signed-by other.pub \
	--statement receipt in
exits 3 'none in the file' signed in/1.dcm in
none
exits 3 'a key that others may read' sh -c \
	'chmod 644 other && imgverify -q --sign other in'
none
chmod 600 other && mkfifo -m 600 pipe
cat other >pipe &
exits 0 'a key from a pipe' imgverify -q --sign pipe in
o=$(find arch/objects -type f | head -n 1)
chmod u+w "$o" && cp "$o" save && bitflip "$o" 900 >/dev/null
imgverify -q -C arch --sign k --all >out 2>err
ok 'what is damaged is not signed' sh -c '! grep -q signature out'
cat save >"$o"

# ---- against -----------------------------------------------------------------

cp -r in copy
exits 0 'a copy' imgverify -q -C arch --against copy
ok 'has all five' test "$(records intact)" = 5
rm copy/2.dcm && img copy/7.dcm 7 && img copy/3.dcm 3 --pixel 9
exits 1 'one missing, one more, one other' imgverify -q -C arch --against copy
sed 's/,"digest":"[^"]*"//' out | grep -v intact | sort >got
same 'are told' got <<'!'
{"status":"differs","path":"3.dcm","SOPInstanceUID":"2.25.3","reason":"other bytes here"}
{"status":"extra","path":"7.dcm","SOPInstanceUID":"2.25.7","reason":"only there"}
{"status":"missing","SOPInstanceUID":"2.25.2","reason":"only here"}
!
if command -v zip >/dev/null; then
	(cd copy && zip -q ../copy.zip ./*)
	exits 1 'the same in a ZIP file' imgverify -q -C arch --against copy.zip
	sed 's/,"digest":"[^"]*"//' out | grep -v intact | sort >zipped
	ok 'told alike' cmp got zipped
	head -c $(($(wc -c <copy.zip) * 3 / 4)) copy.zip >cut.zip
	exits 2 'one that is cut off' imgverify -q -C arch --against cut.zip
	ok 'is told' grep -q '^{"status":"failed","path":"cut.zip","error"' out
	ok 'and nothing of the rest is known' grep -q \
		'"missing".*"only here, as far as it could be read there"' out
else
	skip 'a ZIP file' 'no zip'
fi
imgimport -q -C second in/1.dcm in/2.dcm copy/7.dcm >/dev/null
exits 1 'another archive' imgverify -q -C arch --against second
ok 'three are only here' test "$(records missing)" = 3
ok 'one is only there' test "$(records extra)" = 1
imgimport -q -C mirror in/*.dcm >/dev/null
exits 0 'an archive with the same' imgverify -q -C arch --against mirror
ok 'has all five, too' test "$(records intact)" = 5
o=$(find mirror/objects -type f | sort | head -n 1)
gone=$(find mirror/objects -type f | sort | tail -n 1)
chmod u+w "$o" && bitflip "$o" 900 >/dev/null && rm -f "$gone"
exits 1 'one that has lost what it lists' imgverify -q -C arch --against mirror
sed 's/"SOPInstanceUID":"[^"]*",//' out | grep -v intact | sort >got
same 'is read, and not believed' got <<!
{"status":"damaged","digest":"$(basename "$o")","reason":"its bytes there are not those that were stored"}
{"status":"missing","digest":"$(basename "$gone")","reason":"listed there, and not there"}
!
mkdir twins && img twins/a.dcm 60 && img twins/b.dcm 60 --pixel 4
imgimport -q -C two twins >/dev/null
exits 0 'two objects with one UID' imgverify -q -C two --against twins
rm twins/a.dcm
exits 1 'and a copy that has one of them' imgverify -q -C two --against twins
sed 's/,"digest":"[^"]*"//' out >got
same 'lacks the other' got <<'!'
{"status":"intact","path":"b.dcm","SOPInstanceUID":"2.25.60"}
{"status":"missing","SOPInstanceUID":"2.25.60","reason":"only here; there it has other objects"}
!
exits 64 '--signed-by alone' imgverify --signed-by k.pub in
exits 64 '--sign with --audit' imgverify --sign k --audit
ln -s arch arch.link
exits 64 'against itself' imgverify -q -C arch --against arch.link
ok 'is no copy' grep -q 'arch.link is the archive itself' err
exits 3 'against nothing' imgverify -q -C arch --against nothere
finish
