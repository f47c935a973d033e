# pipes.t - records ride from command to command, and so do errors.
. "$(dirname "$0")/lib.sh"
need perl
for c in imgimport imgverify; do
	[ -x "$O/bin/$c" ] || skip_all "$c is not built"
done
export IMG_CATALOG="$T/archive"

# Two studies of one patient, a truncated file, and a text.
mkdir in in/a in/b
for i in 1 2 3; do
	phantom one --study 2.25.10 --series 2.25.11 --uid 2.25.10$i \
		--modality CT --date 20240102 in/a/$i.dcm
done
phantom one --study 2.25.20 --series 2.25.21 --uid 2.25.201 \
	--modality CR --date 20230102 --pixel 5 in/b/1.dcm
head -c 700 in/a/1.dcm >in/b/cut.dcm
echo 'Read me' >in/readme.txt

# pipe STATUSES TEXT COMMANDS: one status for each command of the pipe.
pipe()
{
	want_=$1 text_=$2
	cat >script <<!
$3
printf '%s\n' "\${PIPESTATUS[*]}" >statuses
!
	bash script >out 2>err
	if [ "$(cat statuses)" = "$want_" ]; then
		pass_ "$text_"
	else
		{ echo "statuses $(cat statuses) instead of $want_"
		cat out err; } >"$T/ok"
		fail_ "$text_" "$T/ok"
	fi
}

# count N STATUS: so many records have it.
count()
{
	n_=$(grep -c "^{\"status\":\"$2\"" out)
	if [ "$n_" = "$1" ]; then
		pass_ "$1 $2"
	else
		{ echo "$n_ instead"; cat out err; } >"$T/ok"
		fail_ "$1 $2" "$T/ok"
	fi
}
need bash

# ---- import, verify -----------------------------------------------------

pipe '2 2' 'imgimport | imgverify, one bad, one set aside' \
	'imgimport -q in | imgverify -q'
count 4 intact
count 1 rejected
count 1 ignored
ok 'one record for each input' test "$(wc -l <out)" = 6
grep rejected out >rode
imgimport -q in 2>/dev/null | grep rejected >first
ok 'the error rode through untouched' diff first rode
ok 'and is told once, by the command that met it' \
	test "$(grep -c cut.dcm err)" = 1
pipe '0 0 0' 'find | imgimport | imgverify, all good' \
	"find in -name '[0-9].dcm' -print0 | imgimport -q0 | imgverify -q"
count 4 intact
pipe '0 3' 'a reader that knows nothing but errors: status 3' \
	'cat first | imgverify -q'
ok 'passes them on' diff first out
pipe '2 2 0' 'a third command sees them, too' \
	'imgimport -q in | imgverify -q | grep -c rejected'

pipe '0 0 0' 'what imgverify does not know, and the path, stay' \
	"imgimport -q in/a/1.dcm | sed 's/^{/{\"mine\":[1, 2.50],/' | imgverify -q"
ok 'in its record' grep -q \
	'^{"status":"intact","path":"in/a/1.dcm",.*"mine":\[1, 2.50\]}$' out

# ---- records back into import -------------------------------------------

imgimport -q in/a >records
sed 's/^{/{"mine":[1, 2.50],/' records >in.jsonl
pipe '0 0' 'records are inputs of imgimport' 'cat in.jsonl | imgimport -q'
count 3 duplicate
pipe '0 2' 'a line that is no record, among records' \
	'(cat records; echo "{") | imgimport -q'
count 3 duplicate
ok 'has a record with an error' grep -q '"path":"-","error":' out

# ---- first and last in the pipe -----------------------------------------

exits 3 'imgimport to a full disk' sh -c 'imgimport -q in >/dev/full'
exits 3 'imgverify to a full disk' sh -c 'imgverify -q --all >/dev/full'
pipe '141 0' 'the reader has gone' \
	'{ sleep .5; exec imgverify -q --all; } | true'
same 'of which nothing is said' err </dev/null
for what in in/a "$(sed -n 's/.*"StudyInstanceUID":"\([0-9.]*\)".*/\1/p;q' \
	records)"; do
	pipe '141 0' 'that of verdicts on an operand' \
		"{ sleep .5; exec imgverify --deep $what; } | true"
	ok 'is no failure of it' sh -c '! grep -q "stdout\|failed" err'
	exits 3 'a full disk' sh -c "imgverify $what >/dev/full"
	ok 'is told once, and is none, either' sh -c '
		test "$(grep -c stdout err)" = 1 && ! grep -q failed err'
done
pipe '141 0' 'the reader of an import has gone' \
	'{ sleep .5; exec imgimport -q in/a; } | true'
same 'which is not spoken of, either' err </dev/null
exits 0 'nothing was lost by that' sh -c 'imgverify -q --all >verdicts'
pipe '0 0 0' 'no input, no output' 'true | imgimport -q | imgverify -q'
ok 'not one record' test ! -s out

if [ -x "$O/bin/imganon" ]; then
	pipe '141 0' 'the reader of a de-identification has gone' \
		'{ sleep .5; exec imganon -q -o anon in/a; } | true'
	ok 'nothing is said of it' test "$(grep -vc 'key' err)" = 0
	# A capture of a screen is withheld, and named by its own path.
	mkdir in/c && phantom one --uid 2.25.301 in/c/1.dcm
	pipe '1 1' 'imganon | imgimport, one withheld' \
		'imganon -q -o anon2 in/a/1.dcm in/c | imgimport -q -C second'
	count 1 stored
	count 1 withheld
	exits 0 'of the second archive' imgquery -C second -f PatientID
	ok 'it has not the original' sh -c '! grep -q TEST-0001 out'
fi
if [ -x "$O/bin/imgexport" ]; then
	pipe '1 1' 'imgverify --phi | imgexport: what identifies stays' \
		"imgverify -q --phi $IMG_CATALOG in/a/1.dcm $(find anon2 \
			-type f) | imgexport -q -o gate"
	count 1 exported
	count 1 invalid
	pipe '141 0' 'the reader of an export has gone' \
		'{ sleep .5; exec imgexport -q -o export in/a; } | true'
	same 'and no word of it' err </dev/null
	ok 'which is there all the same' test -f export/README.TXT -o \
		-n "$(find export -name '*.dcm')"
fi

# ---- damage comes out at the end ----------------------------------------

digest=$(sed -n 's/.*"SOPInstanceUID":"2.25.102".*"digest":"\([0-9a-f]*\)".*/\1/p' records)
object=$(find "$IMG_CATALOG/objects" -type f -name "*${digest#??}*")
ok 'an object lies in the archive under its digest' test -f "$object"
chmod u+w "$object" && cp -p "$object" kept
perl -e 'open my $f, "+<", $ARGV[0] or die; seek $f, -1, 2; read $f, my $c, 1;
	seek $f, -1, 2; print $f chr(1 ^ ord $c)' "$object"
pipe '0 1' 'one flipped bit: the answer is no' \
	'cat records | imgverify -q'
count 2 intact
count 1 damaged
rm "$object"
pipe '0 1' 'the object gone: the answer is no' 'cat records | imgverify -q'
count 1 missing
cp -p kept "$object"

# ---- queries ------------------------------------------------------------

if [ -x "$O/bin/imgquery" ]; then
	for level in patient study series image; do
		pipe '0 0' "imgquery -l $level | imgverify" \
			"imgquery -q -l $level PatientID=TEST-0001 | imgverify -q"
		count 4 intact
	done
	pipe '0 0' 'one study' \
		'imgquery -q StudyDate=20240102 | imgverify -q'
	count 3 intact
	pipe '1 0' 'nothing matched: status 1, and nothing follows' \
		'imgquery -q PatientID=NOBODY | imgverify -q'
	ok 'not one record' test ! -s out
	exits 3 'imgquery to a full disk' sh -c 'imgquery -q >/dev/full'
	pipe '141 0' 'the reader of a query has gone' \
		'{ sleep .5; exec imgquery -q; } | true'
	same 'without a word' err </dev/null
	pipe '0 2 2' 'an error from before rides through a query' \
		'cat first records | imgquery -q --priors 1 | imgverify -q'
	ok 'untouched' grep -qxF -f first out
	printf 'TEST-0001\nNOBODY\n' >ids
	pipe '1 1' 'a key that matches nothing rides on as missing' \
		'imgquery --keys-from ids -k PatientID -f StudyDate | imgverify -q'
	count 4 intact
	ok 'with its key' grep -qx \
		'{"status":"missing","reason":"not in the catalog","key":"NOBODY"}' out
	ok 'as the others have theirs' \
		test "$(grep -c '"StudyDate":"20240102","key":"TEST-0001"' out)" = 3
else
	skip 'queries in pipes' 'imgquery is not built'
fi
finish
