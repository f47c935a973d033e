# imgimport-disc.t - a patient's disc as people hand it in: as mounted, as an
# image, as a ZIP, and incomplete.
. "$(dirname "$0")/lib.sh"
need dcmmkdir perl zip genisoimage

# ---- a disc of four images, with what lies about on discs -----------------

mkdir -p disc/IMAGES
for i in 1 2 3 4; do
	phantom one --uid 2.25.10$i --instance $i --modality CT \
		disc/IMAGES/IM00000$i || exit 1
done
(cd disc && dcmmkdir -q +r +id .) 2>dcmmkdir.err ||
	skip_all 'dcmmkdir makes no DICOMDIR of these'
printf 'MZ\220\0' >disc/VIEWER.EXE
printf '[autorun]\nopen=viewer.exe\n' >disc/AUTORUN.INF
echo 'Images of a patient' >disc/README.TXT
mkdir disc/VIEWER && : >disc/VIEWER/STATE.INI
printf 'PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' >disc/VIEWER/NONE.JAR
phantom one --uid 2.25.105 --instance 5 --modality CT disc/IMAGES/EXTRA

# what: status and path of each record, sorted.
what()
{
	perl -ne '/"status":"(\w+)","path":"([^"]*)"/ && print "$1 $2\n"' out |
		LC_ALL=C sort
}
# evidence: what the record of the DICOMDIR has of it.
evidence()
{
	perl -ne '/"reason":"DICOMDIR",(.*)\}$/ && print "$1\n"' out
}

exits 0 'a disc' imgimport -q -C a disc
what >got
same 'images are stored, the rest is ignored' got <<'!'
ignored disc/AUTORUN.INF
ignored disc/DICOMDIR
ignored disc/README.TXT
ignored disc/VIEWER.EXE
ignored disc/VIEWER/NONE.JAR
ignored disc/VIEWER/STATE.INI
stored disc/IMAGES/EXTRA
stored disc/IMAGES/IM000001
stored disc/IMAGES/IM000002
stored disc/IMAGES/IM000003
stored disc/IMAGES/IM000004
!
evidence >got
same 'the DICOMDIR is compared with it' got <<'!'
"listed":4,"absent":0,"unlisted":1,"unlistedFiles":["IMAGES/EXTRA"]
!
exits 0 'the DICOMDIR as operand' imgimport -q -C a disc/DICOMDIR
ok 'is the disc' test "$(what | grep -c '^duplicate disc/IMAGES/')" = 5

# ---- as Linux mounts it: lower case ---------------------------------------

cp -r disc lower
(cd lower && mv IMAGES images && mv DICOMDIR dicomdir &&
	for f in images/*; do
		mv "$f" "$(echo "$f" | tr A-Z a-z).dcm"
	done)
exits 0 'names in lower case, with .dcm' imgimport -q -C b lower
evidence >got
same 'are found all the same' got <<'!'
"listed":4,"absent":0,"unlisted":1,"unlistedFiles":["images/extra.dcm"]
!

# ---- as an image, and in a ZIP --------------------------------------------

genisoimage -quiet -o plain.iso disc 2>/dev/null
genisoimage -quiet -J -R -o joliet.iso lower 2>/dev/null
mkdir -p zipped/patient && cp -r disc/. zipped/patient/
(cd zipped && zip -qr ../disc.zip patient)
for f in plain.iso joliet.iso disc.zip; do
	exits 0 "$f" imgimport -q -C c $f
	ok "$f: five images" \
		test "$(what | grep -Ec '^(stored|duplicate) ')" = 5
	ok "$f: all listed are there" grep -q '"listed":4,"absent":0,' out
done
evidence >got
same 'names are from its DICOMDIR on' got <<'!'
"listed":4,"absent":0,"unlisted":1,"unlistedFiles":["IMAGES/EXTRA"]
!
mv zipped/patient/DICOMDIR zipped/patient/DICOMDIR.BAK
(cd zipped && zip -qr ../renamed.zip patient)
exits 0 'a DICOMDIR by another name in a ZIP' imgimport -q -C c renamed.zip
ok 'is one' grep -q 'DICOMDIR.BAK","reason":"DICOMDIR","listed":4' out
exits 0 'again' imgimport -q -C c renamed.zip
ok 'no more records than before' test "$(wc -l <out)" = 12

# ---- written to twice -----------------------------------------------------

# sectors FILE
sectors()
{
	echo $((($(wc -c <"$1") + 2047) / 2048))
}

mkdir later && cp disc/IMAGES/IM000003 later/THIRD
genisoimage -quiet -o first.iso disc 2>/dev/null
genisoimage -quiet -C "0,$(sectors first.iso)" -M first.iso -o second.img \
	later 2>/dev/null
cat first.iso second.img >twice.iso
exits 2 'an image of two sessions' imgimport -q -C e twice.iso
ok 'what could be read is stored' test "$(grep -c '"stored"' out)" = 5
ok 'the rest is not passed over' grep -q \
	'^{"status":"rejected","path":"twice.iso","error":{"code":"unsupported","message":"twice.iso: a later session of the disc, from byte '$(($(sectors first.iso) * 2048))' on, is not read: ' out
{ cat first.iso && head -c 24000512 /dev/zero && cat second.img; } >gap.iso
exits 2 'with what cannot be read between them' imgimport -q -C e gap.iso
ok 'is told, too' grep -q 'a later session of the disc' err
exits 3 'as a medium' imgverify -q --media twice.iso
ok 'is not called whole' grep -q '^{"status":"failed","path":"twice.iso"' out
{ cat first.iso && head -c 307200 /dev/zero; } >padded.iso
exits 0 'only zeros behind it' imgimport -q -C e padded.iso

# ---- what is not read is called by its name --------------------------------

perl -e 'print "\0", "\377" x 10, "\0\0\2\0\1", "\0" x 40000' >raw.bin
perl -e 'print "\0" x 32768, "\0BEA01\1", "\0" x 8000' >udf.img
exits 3 'images of discs in other forms' imgimport -q -C e raw.bin udf.img
same 'and not only no DICOM file' err <<'!'
imgimport: raw.bin: a raw CD image (2352 bytes a sector), which is not read
imgimport: udf.img: a UDF image without ISO 9660, which is not read
!

# ---- incomplete -----------------------------------------------------------

rm disc/IMAGES/IM000002
rm zipped/patient/IMAGES/IM000002
(cd zipped && zip -qr ../short.zip patient)
genisoimage -quiet -J -R -o short.iso disc 2>/dev/null
for f in disc short.zip short.iso; do
	for time in once again; do
		exits 2 "incomplete, $time: $f" imgimport -C d $f
		ok "the record of its DICOMDIR names what is absent" \
			grep -q '"absent":1,"absentFiles":\["IMAGES/IM000002"\]' out
		ok 'and so does stderr' \
			grep -q 'lists IMAGES/IM000002, which is not there$' err
		ok 'and the sum' grep -q ', 1 absent, ' err
	done
done

# ---- identifiers that are empty -------------------------------------------

phantom one --modality '' --study '' --uid 2.25.110 poor
exits 0 'an image with empty identifiers' imgimport -q -C e poor
ok 'its record has no empty members' sh -c '! grep -q ":\"\"" out'
finish
