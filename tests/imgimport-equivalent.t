# imgimport-equivalent.t - the same image in another encoding is no conflict.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
. "$TOP/tests/syntaxes.sh"

ten_syntaxes --set '0009,0010=LO:TESTMAKER' --set '0009,1001=US:5' \
	--set '0009,1002=LO:odd' --set '0008,1140=SQ:'

# words: the status words of out, in their order
words()
{
	sed 's/^{"status":"\([a-z]*\)".*/\1/' out | xargs
}

# ---- one after the other ---------------------------------------------------

for i in 0 1 2 3 4 5 6 7 8 9; do
	imgimport -q -C arch in/$i.dcm || echo "status $?"
done >out 2>err
words >got
same 'one after the other' got <<'!'
stored equivalent equivalent equivalent equivalent equivalent equivalent equivalent equivalent equivalent
!
ok 'in ten transfer syntaxes' test "$(sed \
	's/.*"TransferSyntaxUID":"\([^"]*\)".*/\1/' out | sort -u | wc -l)" = 10
ok 'nothing is said' test ! -s err
ok 'nothing warns' sh -c '! grep warning out'
d=$(b2sum -l 256 in/0.dcm | cut -c 1-64)
ok 'to the first one' test "$(grep -c "\"equivalent_to\":\"$d\"" out)" = 9
ok 'all are kept' test "$(objects)" = 10
ok 'with one identity' test "$(rows 'SELECT count(*), count(DISTINCT
	hex(data) || hex(pixels)) FROM identity')" = '10|1'
rows 'SELECT current FROM instance' >got
same 'the first one is current' got <<'!'
0
!
exits 0 'all of it is intact' verify --all
exits 0 'the log, too' verify --audit
ok 'it has the word' test "$(grep -c '"act":"equivalent"' arch/audit.log)" = 9
exits 0 'imgquery --conflicts' imgquery -C arch --conflicts
ok 'knows, too' test "$(words)" = "stored$(yes ' equivalent' | head -n 9 |
	tr -d '\n')"
exits 0 'once more' import in
ok 'is duplicate' test "$(records duplicate)" = 10
cp -a arch pristine
exits 0 'the catalog made again' verify --rebuild
ok 'differs in nothing' test ! -s out
ok 'and keeps the identities' test "$(rows 'SELECT count(*), count(DISTINCT
	hex(data) || hex(pixels)) FROM identity')" = '10|1'
exits 0 'it is intact' verify --all

# ---- all at once -----------------------------------------------------------

rm -rf arch
exits 0 'in one batch' imgimport -C arch in/*.dcm
words >got
same 'alike' got <<'!'
stored equivalent equivalent equivalent equivalent equivalent equivalent equivalent equivalent equivalent
!
ok 'summed up' grep -q '10 inputs: 1 stored, 9 equivalent, ' err
sound 'in one batch'
ok 'nothing is left behind' test -z "$(find arch/tmp -type f)"

# ---- what is not the same --------------------------------------------------

cp in/0.dcm pixel.dcm
bitflip pixel.dcm $(($(wc -c <in/0.dcm) - 2)) >/dev/null
dcmcjpls pixel.dcm pixel-jls.dcm
cp in/0.dcm name.dcm && dcmodify -q -nb -m 0010,0010=Another^Synthetic name.dcm
dcmconv +ti name.dcm name-implicit.dcm
exits 0 'one pixel changed' import pixel.dcm
ok 'is a conflict' test "$(words)" = conflict
ok 'to nothing' sh -c '! grep equivalent_to out'
exits 0 'the same in another encoding' import pixel-jls.dcm
ok 'is equivalent to that one' grep -q \
	"\"equivalent_to\":\"$(b2sum -l 256 pixel.dcm | cut -c 1-64)\"" out
exits 0 'another name' import name.dcm name-implicit.dcm
ok 'is a conflict, and the next its equivalent' test "$(words)" = \
	'conflict equivalent'
exits 0 'imgquery --conflicts' imgquery -C arch --conflicts
ok 'compares with the current one' test "$(records conflict)" = 4
exits 0 'all of it is intact' verify --all

# Both changed and another: none of one batch is in the catalog before.
rm -rf arch
exits 0 'a batch of pairs' import pixel.dcm in/1.dcm pixel-jls.dcm in/9.dcm
ok 'in their order' test "$(words)" = 'stored conflict equivalent equivalent'

# A frame that cannot be decoded is not the same as anything.
cp in/8.dcm cut.dcm
perl -e 'open F, "+<", $ARGV[0]; seek F, -600, 2; print F "\0" x 500' cut.dcm
rm -rf arch
exits 0 'a damaged frame' import in/0.dcm cut.dcm
ok 'is a conflict' test "$(words)" = 'stored conflict'
rm -rf arch
exits 0 'in place' import --in-place in/0.dcm in/4.dcm pixel.dcm
ok 'too' test "$(words)" = 'stored equivalent conflict'
zip -q both.zip in/0.dcm in/5.dcm && rm -rf arch
exits 0 'members of an archive' import both.zip
ok 'too' test "$(words)" = 'stored equivalent ignored'

# ---- --on-conflict ---------------------------------------------------------

rm -rf arch && import in/0.dcm >/dev/null
exits 2 'reject' import --on-conflict reject in/1.dcm pixel.dcm in/5.dcm
ok 'rejects what differs only' test "$(words)" = \
	'equivalent rejected equivalent'
ok 'and keeps none' test "$(objects)" = 1
ok 'tmp is empty' test -z "$(find arch/tmp -type f)"
exits 0 'replace' import --on-conflict replace in/1.dcm
ok 'is equivalent' test "$(words)" = equivalent
rows 'SELECT TransferSyntaxUID, current FROM instance' >got
same 'and current' got <<'!'
1.2.840.10008.1.2|1
!
exits 0 'the catalog made again' verify --rebuild
rows 'SELECT TransferSyntaxUID, current FROM instance' >now
same 'says the same' now <got

# ---- --pixel-digest --------------------------------------------------------

rm -rf arch
exits 0 'the digests of what is stored' import --pixel-digest in/0.dcm in/8.dcm
imgverify -q --deep in/0.dcm | sed 's/.*\("pixel_digest":"[^"]*"\),\("data_digest":"[^"]*"\).*/\2,\1/' >want
head -n 1 out | sed 's/.*\("data_digest":"[^"]*","pixel_digest":"[^"]*"\).*/\1/' >got
same 'are those of imgverify' got <want
rows 'SELECT count(*), count(DISTINCT hex(data) || hex(pixels)) FROM identity' \
	>got
same 'and in the catalog' got <<'!'
2|1
!
# Its own file of before is written over: it says nothing of what that was.
rm -rf arch && cp in/0.dcm over.dcm
import --in-place over.dcm >/dev/null
cp pixel.dcm over.dcm
exits 0 'a file in place that became another image' import --in-place over.dcm
ok 'is in conflict with what it was' test "$(words)" = conflict
rm -rf arch && cp in/0.dcm over.dcm
import --in-place over.dcm >/dev/null
cp pixel.dcm over.dcm
exits 3 'a copy of it' import --on-conflict reject pixel.dcm
ok 'is not taken for it' test "$(words)" = rejected
rows 'SELECT count(*) FROM identity' >got
same 'and nothing is noted of what is gone' got <<'!'
0
!
mkdir alone && cp "$O/bin/imgimport" alone/
exits 3 'without imgverify' alone/imgimport -q -C arch --pixel-digest in/0.dcm
exits 0 'a conflict without it' alone/imgimport -q -C arch pixel.dcm
ok 'says that it was not compared' grep -q \
	'^{"status":"conflict",.*"warning":\["not-compared: ' out
exits 64 'with -n' import -n --pixel-digest in/0.dcm
exits 0 'a dry run' import -n in/5.dcm
ok 'compares nothing' test "$(words)" = conflict

# ---- others come while it is compared --------------------------------------

rm -rf arch
mkdir beside && cp "$O/bin/imgimport" beside/
cat >beside/imgverify <<!
#!/bin/sh
"$O/bin/imgimport" -q -C "$PWD/arch" "$PWD/late.dcm" </dev/null >>"$PWD/late.out"
exec "$O/bin/imgverify" "\$@"
!
chmod +x beside/imgverify
phantom one new.dcm --uid 2.25.78
phantom one late.dcm --uid 2.25.78 --syntax implicit
import in/0.dcm >/dev/null
exits 0 'another one of the batch has its UID then' \
	beside/imgimport -q -C arch in/1.dcm new.dcm
ok 'and both are alike' test "$(words)" = 'equivalent equivalent'
ok 'to what was there' grep -q '"status":"stored"' late.out

# ---- imgverify --deep ------------------------------------------------------

rm -rf arch
import pixel.dcm in/2.dcm >/dev/null
sqlite3 arch/catalog.db 'DELETE FROM identity'
phantom one text.dcm --uid 2.25.77
import text.dcm >/dev/null
exits 0 'looking inside' verify --deep 2.25.3 2.25.77
rows 'SELECT count(*), count(pixels) FROM identity' >got
same 'stores what it finds' got <<'!'
3|3
!
ok 'with the right sums' sh -c \
	'imgverify -q -C arch --all | grep -v intact | grep -v page; test $? = 1'
ok 'not looking does not' sh -c 'sqlite3 arch/catalog.db "DELETE FROM identity"
	imgverify -q -C arch 2.25.3 2.25.77 >/dev/null
	test "$(sqlite3 arch/catalog.db "SELECT count(*) FROM identity")" = 0'
finish
