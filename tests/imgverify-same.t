# imgverify-same.t - one object in many encodings, and what is not the same.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
need dcmconv dcmcrle dcmcjpls dcmcjpeg gdcmconv perl

phantom one a.dcm --modality CT --rows 64 --cols 64 --name Test^Synthetic \
	--set '0009,0010=LO:TESTMAKER' --set '0009,1001=US:5' \
	--set '0009,1002=LO:odd' --set '0008,1140=SQ:'
dcmconv +ti a.dcm implicit.dcm
dcmconv +tb a.dcm big.dcm
dcmconv +td a.dcm deflated.dcm
dcmconv +te +e -e a.dcm undefined.dcm
dcmcrle a.dcm rle.dcm
dcmcjpls a.dcm jpegls.dcm
dcmcjpeg +e1 a.dcm sv1.dcm
dcmcjpeg +el a.dcm process14.dcm
gdcmconv --j2k a.dcm j2k.dcm
gdcmconv --jpegls a.dcm jpegls2.dcm
# DCMTK's JPEG says in an attribute what it did.
dcmodify -q -nb -e 0008,2111 sv1.dcm process14.dcm

word()
{
	sed 's/.*"same":"\([a-z]*\)".*/\1/' out
}
n=0
for f in implicit big deflated undefined rle jpegls sv1 process14 j2k \
	jpegls2; do
	exits 0 "$f is the same" imgverify -q --same a.dcm $f.dcm
	ok "$f: the same data set" test "$(word)" = data
	n=$((n + 1))
done
imgverify -q --deep ./*.dcm >all
ok 'one identity for all' test "$(sed \
	's/.*"pixel_digest":"\([^"]*\)".*"data_digest":"\([^"]*\)".*/\1\2/' \
	all | sort -u | wc -l)" = 1
ok 'of eleven transfer syntaxes and codings' test "$(wc -l <all)" = 11
exits 0 'a copy' sh -c 'cp a.dcm copy.dcm && imgverify -q --same a.dcm copy.dcm'
ok 'has the same bytes' test "$(word)" = bytes

# The last value of the pixel data.
cp a.dcm pixel.dcm
bitflip pixel.dcm $(($(wc -c <a.dcm) - 2)) >/dev/null
exits 1 'one pixel changed, the same UID' imgverify -q --same a.dcm pixel.dcm
ok 'nothing is the same' test "$(word)" = nothing
ok 'no attribute is named' grep -q '"differing":\[\]' out
dcmcjpls pixel.dcm pixel-jls.dcm
exits 1 'in another encoding' imgverify -q --same rle.dcm pixel-jls.dcm
ok 'nothing, too' test "$(word)" = nothing

dcmodify -q -nb -m 0010,0010=Another^Synthetic -i 0018,0050=5 -e 0008,0050 rle.dcm
exits 1 'other attributes' imgverify -q --same a.dcm rle.dcm
same 'are named' out <<'!'
{"status":"differs","path":"a.dcm","SOPInstanceUID":"2.25.3","other":"rle.dcm","same":"pixels","differing":["(0008,0050)","(0010,0010)","(0018,0050)"]}
!

imganon -q --new-key key >/dev/null && imganon -q --key key -o anon a.dcm >deid
f=$(find anon -type f | head -n 1)
exits 1 'a de-identified copy' imgverify -q --same a.dcm "$f"
ok 'has the same pixels' test "$(word)" = pixels

# ISO_IR 100 against UTF-8, and padding.
phantom one latin.dcm --charset 'ISO_IR 100' \
	--name "$(printf 'M\374ller^J\366rg')" --set '0018,1030=LO:x '
phantom one utf8.dcm --charset 'ISO_IR 192' --name 'Müller^Jörg' \
	--set '0018,1030=LO:x'
exits 0 'another character set' imgverify -q --same latin.dcm utf8.dcm

# A frame that cannot be decoded.
phantom one multi.dcm --modality CT --rows 32 --cols 32 --frames 5
dcmcjpls multi.dcm bad.dcm
bitflip -x ffd8 -n 3 bad.dcm 7 >/dev/null
exits 1 'a damaged frame' imgverify -q --deep bad.dcm
ok 'is named by its number' grep -q '"frames":5,"corrupt_frames":\[3\]' out
ok 'and found' grep -q '"rule":"corrupt-frame"' out
exits 1 'same as what it was?' imgverify -q --same multi.dcm bad.dcm
ok 'cannot be told' test "$(word)" = unknown

import a.dcm >/dev/null
exits 0 'a file and an image of the archive' imgverify -q -C arch --same \
	implicit.dcm 2.25.3
exits 3 'something that is not there' imgverify -q -C arch --same a.dcm 2.25.99
exits 3 'nor that, and without an archive' imgverify -q --same a.dcm typo.dcm
same 'is named, and not the archive' err <<'!'
imgverify: typo.dcm: No such file or directory
!
exits 3 'a file that cannot be opened' imgverify -q -C arch --same a.dcm a.dcm/b
same 'is named with the reason' err <<'!'
imgverify: a.dcm/b: Not a directory
!
exits 3 'the same alone' imgverify -q typo.dcm
same 'is named, too' err <<'!'
imgverify: typo.dcm: No such file or directory
!
exits 3 'something that is no DICOM' imgverify -q --same a.dcm key
exits 64 'one operand' imgverify --same a.dcm
exits 64 'three operands' imgverify --same a.dcm a.dcm a.dcm
exits 64 'with --all' imgverify --same --all
finish
