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
exits 64 'with operands' imgverify --media good x
exits 64 '--profile alone' imgverify --profile STD-GEN-CD x
finish
