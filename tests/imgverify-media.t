# imgverify-media.t - discs: what is wrong with one is named, and nothing else.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"

mkdir in
for i in 1 2 3; do
	img in/$i.dcm $i --study 2.25.71 --series 2.25.72 --modality CT
done
imgexport -q -o good --media in/1.dcm in/2.dcm in/3.dcm >exported
exits 0 'a good disc' imgverify -q --media good
same 'is one record' out <<!
{"status":"intact","path":"good","members":$(find good -type f | wc -l),"faults":0}
!
exits 0 'of its profile' imgverify -q --media good --profile STD-GEN-CD
im=$(cd good && find DICOM -type f | sort | tail -n 1)

disc()
{
	rm -rf disc && cp -r good disc && chmod -R u+w disc
}
# bare: the records without the last, which is about the whole
bare()
{
	sed '$d' out | sed 's/,"reason":"[^"]*"//' | sort
}

disc && rm "disc/$im"
exits 1 'a missing file' imgverify -q --media disc
bare >got
same 'is named, by the DICOMDIR and by the manifest' got <<!
{"status":"missing","path":"$im","rule":"manifest"}
{"status":"missing","path":"$im","rule":"missing"}
!
ok 'and the disc is invalid' grep -q '^{"status":"invalid","path":"disc"' out

disc && cp in/1.dcm disc/DICOM/EXTRA && img disc/DICOM/EXTRA 9
exits 1 'an extra file' imgverify -q --media disc
bare >got
same 'is named' got <<!
{"status":"extra","path":"DICOM/EXTRA","rule":"manifest"}
{"status":"extra","path":"DICOM/EXTRA","rule":"unlisted"}
!

# The key of one record, another one of the same length.
disc && perl -0777 -pi -e 's/(UI\x06\x00)2\.25\.\K2(?=.*\z)/7/s' disc/DICOMDIR
exits 1 'a wrong key in the DICOMDIR' imgverify -q --media disc
bare >got
ok 'is named with its tag' grep -q '"rule":"mismatch","tag":"(0004,1511)"' got
ok 'the DICOMDIR is not that of the manifest' grep -q \
	'^{"status":"damaged","path":"DICOMDIR","rule":"manifest"' got
ok 'nothing else' test "$(sed 's/.*"path":"\([^"]*\)".*/\1/' got | sort -u |
	wc -l)" = 2

disc && bitflip "disc/$im" 900 >/dev/null
exits 1 'a flipped bit' imgverify -q --media disc
bare >got
same 'is found by its digest' got <<!
{"status":"damaged","path":"$im","rule":"manifest"}
!
disc && rm disc/DICOMDIR
exits 1 'no DICOMDIR' imgverify -q --media disc
ok 'is told' grep -q '"rule":"no-dicomdir"' out
disc && head -c 400 "good/$im" >"disc/$im"
exits 1 'a file cut short' imgverify -q --media disc
ok 'is told' grep -q "\"path\":\"$im\".*\"rule\":\"truncated\"" out

# ---- manifests -----------------------------------------------------------------

disc && printf 'hello\n' >disc/DICOM/NOTE
(cd disc && find . -type f ! -name MANIFEST.TXT -exec sha256sum {} +) >sums
cp sums disc/MANIFEST.TXT
exits 0 "sha256sum's lines are a manifest" imgverify -q --media disc
sed -n '1{s/^./&x/;p;q}' sums >>disc/MANIFEST.TXT
exits 1 'but for what is none' imgverify -q --media disc
bare >got
same 'and that is told' got <<!
{"status":"damaged","path":"MANIFEST.TXT","rule":"manifest"}
!
awk 'BEGIN { while (n++ < 20000) printf "a"; print ""; print "# end" }' \
	>>disc/MANIFEST.TXT
exits 1 'a line that is too long' imgverify -q --media disc
ok 'is one line' test "$(grep -c 'none of a manifest' out)" = 2

# An archive may have two files of one name; one of them is not the signed one.
cp sums disc/MANIFEST.TXT
tar -C disc -cf twice.tar . && tar -C disc -rf twice.tar ./DICOM/NOTE
exits 0 'the same file twice in an archive' imgverify -q --media twice.tar
printf 'other\n' >disc/DICOM/NOTE && tar -C disc -rf twice.tar ./DICOM/NOTE
exits 1 'another one of its name' imgverify -q --media twice.tar
bare >got
same 'is told once' got <<!
{"status":"damaged","path":"DICOM/NOTE","rule":"manifest"}
!
tar -C disc -rf twice.tar ./MANIFEST.TXT
exits 1 'a second manifest' imgverify -q --media twice.tar
ok 'is told' grep -q '^{"status":"damaged","path":"MANIFEST.TXT","reason":"it is there twice"' out

# Each line compared with each file: four billion comparisons.
mkdir many && (cd many && seq 20000 | split -a 5 -l 1 -)
(cd many && find . -type f | sort | xargs sha256sum) >sums
awk 'FNR == 1 { print "# again" } { print }' sums sums sums sums sums sums \
	sums sums sums sums sums sums sums sums sums sums sums sums sums \
	sums >many/MANIFEST.TXT
exits 1 '400,000 lines on 20,000 files' timed cost imgverify -q --media many
ok 'soon' awk '$2 > 8 { exit 1 }' cost
# A sanitizer needs more memory than is measured here.
grep -q __asan_init "$O/bin/imgverify" || ok 'little memory' \
	awk '$3 > 32 * 1024 { exit 1 }' cost
ok 'all right but for the DICOMDIR' grep -q '"members":20001,"faults":1}$' out

if command -v xorriso >/dev/null; then
	xorriso -as mkisofs -quiet -o good.iso -J good 2>/dev/null
	exits 0 'an image of a disc' imgverify -q --media good.iso
	disc && rm "disc/$im"
	xorriso -as mkisofs -quiet -o bad.iso -J disc 2>/dev/null
	exits 1 'one that lacks a file' imgverify -q --media bad.iso
	ok 'is told' grep -q '"rule":"missing"' out
else
	skip 'an image of a disc' 'no xorriso'
fi
exits 3 'what is not there' imgverify -q --media nothere
same 'has a record' out <<'!'
{"status":"failed","path":"nothere","error":{"code":"io","message":"nothere: No such file or directory","by":"imgverify"}}
!
disc && tar -C disc -cf cut.tar DICOMDIR DICOM && head -c 5000 cut.tar >t
mv t cut.tar
exits 2 'a medium that is cut off' imgverify -q --media cut.tar
ok 'has one, too' grep -q '^{"status":"failed","path":"cut.tar","error":{"code":"truncated"' out
ok 'and is not called what it cannot be known to be' \
	test "$(grep -c 'intact\|missing\|"faults"' out)" = 0

# It is there, and is none.
for n in 0 4 4000; do
	disc && rm disc/MANIFEST.TXT && head -c $n /dev/zero >disc/DICOMDIR
	exits 1 "a DICOMDIR of $n zero bytes" imgverify -q --media disc
	ok 'is not called missing' grep -q '^{"status":"invalid","path":"DICOMDIR","reason":"not a DICOM file","rule":"not-dicom"}' out
	ok 'and lists nothing' grep -q \
		'^{"status":"extra","path":"'"$im"'".*"unlisted"' out
done
exits 64 'with operands' imgverify --media good x
exits 64 '--profile alone' imgverify --profile STD-GEN-CD x
# ---- what cannot be read ---------------------------------------------------

if is_root; then
	mkdir bin && cp "$O"/bin/imgverify bin/ && chmod 755 "$T" . bin bin/*
	no_name()
	{
		nobody env PATH="$PWD/bin:$PATH" "$@"
	}
	disc && chmod -R a+rX disc && chmod 0 "disc/$im"
	exits 3 'a file that may not be read' no_name imgverify -q --media disc
	same 'is neither damaged nor missing' out <<!
{"status":"failed","path":"$im","error":{"code":"denied","message":"$im: Permission denied","by":"imgverify"}}
{"status":"failed","path":"disc","error":{"code":"denied","message":"disc: 1 of its files and folders could not be read","by":"imgverify"},"members":$(find good -type f | wc -l),"faults":0}
!
	chmod 644 "disc/$im" && chmod 0 disc/DICOM
	exits 3 'a folder that may not be read' \
		no_name imgverify -q --media disc
	same 'nor is what it holds' out <<!
{"status":"failed","path":"DICOM","error":{"code":"denied","message":"disc/DICOM: Permission denied","by":"imgverify"}}
{"status":"failed","path":"disc","error":{"code":"denied","message":"disc: 1 of its files and folders could not be read","by":"imgverify"},"members":$(($(find good -type f ! -path 'good/DICOM/*' | wc -l) + 1)),"faults":0}
!
	chmod 755 disc/DICOM && chmod 0 disc/DICOMDIR
	exits 3 'nor is the DICOMDIR' no_name imgverify -q --media disc
	ok 'two records' test "$(records failed)" = 2
	imgimport -q -C arch good >/dev/null && chown -R 65534 arch
	chmod 644 disc/DICOMDIR && chmod 0 "disc/$im"
	exits 2 'nor is it in a copy' \
		no_name imgverify -q -C arch --against disc
	ok 'one has failed' test "$(records failed)" = 1
	ok 'one is not known to be there' grep -q \
		'"missing".*"only here, as far as it could be read there"' out
else
	skip 'what may not be read' 'not root'
fi
finish
