# imgexport-media.t - patient discs: DICOMDIR, PDI, profiles, volumes, the plan
# of repairs.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
need dcmdump dcdirdmp isoinfo bsdtar

export IMG_CATALOG="$PWD/arch"
phantom head in
imgimport -q in >/dev/null
imgquery -l study >studies

# listed DIR, there DIR: file IDs of its DICOMDIR, files below DICOM
listed()
{
	dcmdump +P 0004,1500 "$1/DICOMDIR" |
		sed -n 's/.*(0004,1500) CS \[\([^]]*\)\].*/\1/p' |
		tr '\\' / | LC_ALL=C sort
}
there()
{
	(cd "$1" && find DICOM -type f | LC_ALL=C sort)
}
whole()
{
	listed "$1" >listed && there "$1" >there && cmp listed there
}

# ---- a disc ---------------------------------------------------------------

printf '(0010,0010)\tPN\tPatientName\t1\tDICOM\n' >part.dic
exits 3 'DCMTK finds no whole data dictionary' env DCMDICTPATH=part.dic \
	sh -c 'imgexport -q --media -o none <studies'
ok 'is no mistake of ours' grep -qx \
	'imgexport: DCMTK finds no data dictionary' err

exits 0 'a disc' sh -c 'imgexport -q --media --as iso -o d.iso <studies'
ok 'a record for each object' test "$(records exported)" = 130
mkdir d && bsdtar -xf d.iso -C d
ok 'lists what is there and nothing else' whole d
ok 'all of it' test "$(wc -l <listed)" = 130
ok 'the digests of the manifest' sh -c 'cd d && cksum -c --quiet MANIFEST.TXT'
ok 'dcdirdmp reads the DICOMDIR' dcdirdmp d/DICOMDIR
ok 'README.TXT and INDEX.HTM' test -s d/README.TXT -a -s d/INDEX.HTM
ok 'README.TXT says how much is there' grep -q \
	'^  1 patient, 3 studies, 4 series, 130 objects' d/README.TXT
isoinfo -d -i d.iso >facts
ok 'the label is the file-set ID' grep -qx 'Volume id: DICOM' facts
isoinfo -f -i d.iso >names
ok 'names of level 1 only' sh -c \
	'! grep -vE "^(/[A-Z0-9_]{1,8})*(/[A-Z0-9_]{1,8}(\.[A-Z0-9_]{0,3})?(;1)?)$" names'
exits 0 'imgimport takes it' imgimport -q -C back d.iso
ok 'as one disc of which nothing is absent' sh -c \
	'! grep -q "\"absent\":[1-9]" out && ! grep -q unlistedFiles out'
sed -n 's/.*"digest":"\([0-9a-f]*\)".*/\1/p' out | LC_ALL=C sort -u >have
find in -type f -exec b2sum -l 256 {} + | cut -d ' ' -f 1 | LC_ALL=C sort >want
ok 'all digests' cmp want have
exits 0 'the same again' sh -c \
	'tac studies | imgexport -q -j 1 --media --as iso -o e.iso'
ok 'is the same' cmp d.iso e.iso
exits 0 'a folder' sh -c 'imgexport -q --media -o f <studies'
ok 'has the same files' diff -r d f
exits 0 'a zip file' sh -c 'imgexport -q --media --as zip -o - <studies >z.zip'
mkdir z && bsdtar -xf z.zip -C z
ok 'has them, too' diff -r d z
exits 0 'without pages' imgexport -q --media --no-web --volume PRIOR_1 \
	--institution 'Test Hospital' -o g in/cr
ok 'has none' test ! -e g/INDEX.HTM
ok 'says who gives it' grep -q 'Test Hospital' g/README.TXT
for name in "$(printf 'Universit\344t')" "$(printf 'A\001')" "$(printf 'A\nB')"; do
	exits 64 'a name that no page could have' imgexport -q --media \
		--institution "$name" -o named in/cr
done
ok 'makes nothing' test ! -e named
ok 'and how little is there' grep -q \
	'^  1 patient, 1 study, 1 series, 1 object.$' g/README.TXT

# ---- copies ---------------------------------------------------------------

mkdir twin twin/a twin/b twin/c
phantom one --uid 2.25.61 --study 2.25.6 --series 2.25.60 --modality CT \
	twin/a/1.dcm
cp twin/a/1.dcm twin/b/1.dcm && cp twin/a/1.dcm twin/c/2.dcm
exits 0 'a file and its copies' imgexport -q --media -o twins twin
ok 'are there once' test "$(records exported)" = 1
grep ignored out | sed 's/,"StudyInst.*UID":"[^"]*"//' >got
same 'of which they have records' got <<!
{"status":"ignored","path":"twin/b/1.dcm","reason":"the same as another input"}
{"status":"ignored","path":"twin/c/2.dcm","reason":"the same as another input"}
!
ok 'in a valid set' whole twins
bitflip -s Synthetic twin/b/1.dcm >/dev/null
exits 2 'one that is not the same' imgexport -q --media -o others twin
ok 'is no copy' grep -q '"failed","path":"twin/b/1.dcm".*listed already' out
ok 'the other still is' grep -q '"ignored","path":"twin/c/2.dcm"' out

# ---- patients -------------------------------------------------------------

mkdir pair
phantom one --id A --name 'A^B' --uid 2.25.71 --study 2.25.7 --series 2.25.70 \
	pair/1.dcm
phantom one --id B --name '' --uid 2.25.72 --study 2.25.8 --series 2.25.80 \
	pair/2.dcm
exits 0 'one patient' imgexport --media -o alone pair/1.dcm
ok 'is nothing to speak of' sh -c '! grep -q patients err'
exits 0 'two patients' imgexport --media -o both pair
ok 'are told of' grep -qx 'imgexport: 2 patients are on it' err
ok 'one without a name says so' grep -qF '<h2>(no name)</h2>' both/INDEX.HTM
exits 0 'and before anything is written' imgexport -n --media -o dry pair
ok 'too' grep -qx 'imgexport: 2 patients are on it' err

# ---- volumes --------------------------------------------------------------

exits 0 'volumes' sh -c \
	'imgexport -q --media --as iso --split 12M -o v.iso <studies'
ok 'have numbers' test -s v-1.iso -a -s v-2.iso -a ! -e v.iso
n=0
for v in v-*.iso; do
	ok "$v is not too large" test "$(wc -c <"$v")" -le 12582912
	mkdir "x$v" && bsdtar -xf "$v" -C "x$v"
	ok "$v is whole" whole "x$v"
	n=$((n + $(wc -l <there)))
done
ok 'together they have all' test $n = 130
ok 'a record says which' grep -q '"path":"v-2.iso!/DICOM/' out
exits 3 'one that is there' sh -c \
	'imgexport -q --media --as iso --split 12M -o v.iso <studies'
mkdir stray && : >stray/v-3.iso
stray()
{
	imgexport -q --media --as iso --force -o stray/v.iso "$@"
}
exits 3 'a volume of another patient beside' sh -c \
	'imgexport -q --media --as iso --split 12M --force -o stray/v.iso <studies'
ok 'is not left there silently' grep -qF \
	'v-3.iso: is there, and is not one of the 2 of this export' err
ok 'and nothing is made' test "$(ls stray)" = v-3.iso
mv stray/v-3.iso stray/v-1.iso
exits 3 'nor beside one that needs no number' stray --split 60M in/cr
ok 'it is named' grep -qF 'v-1.iso: is there, and is not one of the 1 ' err
exits 0 'where no volumes are asked for' stray in/cr
rm stray/v-1.iso
exits 3 'one without a number beside volumes' sh -c \
	'imgexport -q --media --as iso --split 12M --force -o stray/v.iso <studies'
ok 'is named' grep -qF 'v.iso: is there, and is not' err
exits 3 'too small for any' imgexport -q --media --as iso --split 100K \
	-o w.iso in/cr
ok 'leaves nothing' test -z "$(find . -name 'w*.iso')"

# ---- transfer syntaxes and repairs ------------------------------------------

phantom one --syntax implicit --uid 2.25.71 --study 2.25.7 --series 2.25.70 \
	--modality CT imp.dcm
exits 0 'implicit becomes explicit' imgexport -q --media -o i imp.dcm
ok 'the record says so' grep -q '"changes":\[{"what":"syntax","tag":"(0002,0010)"' out
ok 'and what it was' grep -q "\"from\":\"$(b2sum -l 256 imp.dcm | cut -d ' ' -f 1)\"" out
dcmdump i/DICOM/*/*/*/* >dump
ok 'it is' grep -q '=LittleEndianExplicit' dump
phantom one --study-id '' --uid 2.25.81 --study 2.25.8 --series 2.25.80 \
	--modality CT nostudy.dcm
exits 0 'a plan' imgexport -q -n --media -o p nostudy.dcm
ok 'says what has to be repaired' grep -q '"what":"key","tag":"(0020,0010)"' out
ok 'and that it is one' grep -q '"dry_run":true' out
ok 'nothing is made' test ! -e p
phantom one --date '' --uid 2.25.91 --study 2.25.9 --series 2.25.90 \
	--modality CT nodate.dcm
exits 2 'a date that cannot be known' imgexport -q --media -o q nodate.dcm imp.dcm
ok 'is not invented' grep -q '"failed".*"no StudyDate\|no StudyDate' out
ok 'and the rest is a set' whole q
exits 0 'a date that the user says' imgexport -q --media \
	--set StudyDate=20240101 -o r nodate.dcm imp.dcm
ok 'is in the DICOMDIR' sh -c \
	'dcmdump +P 0008,0020 r/DICOMDIR | grep -q 20240101'
exits 3 'what is no image at all' imgexport -q --media -o s studies
exits 64 'a key without a value' imgexport -q --media --set StudyID -o s in/cr
ok 'is told what is wanted' grep -qx 'imgexport: StudyID: not Keyword=value' err
exits 64 'no such profile' imgexport -q --media --profile STD-NONE -o s in/cr
exits 64 'not a media option without --media' imgexport -q --split 9M -o s in/cr
exits 64 'no layout on media' imgexport -q --media --layout x -o s in/cr

# ---- discs ------------------------------------------------------------------

if command -v xorriso >/dev/null; then
	: >disc.img
	exits 0 'a disc is burned' imgexport -q --media --as iso \
		--burn "stdio:$PWD/disc.img" -o burn.iso in/cr
	ok 'and has the image' cmp -n "$(wc -c <burn.iso)" burn.iso disc.img
	ok 'a record' test "$(records exported)" = 1
	exits 3 'a drive that is none' imgexport -q --media --as iso \
		--burn "stdio:$PWD/absent/disc.img" -o burn2.iso in/cr
	ok 'nothing is exported' test "$(records exported)" = 0
	ok 'the drive is named, and what is left' grep -qx "imgexport: \
in/cr/IM0001.dcm: not burned: stdio:$PWD/absent/disc.img: xorriso ended with \
status [0-9]*; the image is whole and stays" err
	ok 'it does' test -f burn2.iso
	exits 3 'a drive that is not there' imgexport -q --media --as iso \
		--burn "$PWD/sr9" -o burn5.iso in/cr
	same 'is named before anything is made' err <<-!
	imgexport: in/cr/IM0001.dcm: not exported: $PWD/sr9: No such file or directory
	!
	ok 'nothing is' test ! -e burn5.iso
	exits 3 'nor one in words of xorriso' imgexport -q --media --as iso \
		--burn "mmc:$PWD/sr9" -o burn5.iso in/cr
	ok 'nothing is' test ! -e burn5.iso
	exits 3 'a file is no MMC drive' imgexport -q --media --as iso \
		--burn "mmc:$PWD/disc.img" -o burn5.iso in/cr
	ok 'which xorriso finds out' grep -qx "imgexport: \
in/cr/IM0001.dcm: not burned: mmc:$PWD/disc.img: xorriso ended with status [0-9]*; the image is whole and stays" err
	mkdir bin
	cat >bin/xorriso <<-'!'
	#!/bin/sh
	# Burns all but the middle.
	for a; do case $a in dev=*) d=${a#dev=stdio:} ;; *.iso) i=$a ;; esac; done
	cp "$i" "$d" && printf X | dd of="$d" bs=1 seek=50000 conv=notrunc status=none
	!
	chmod +x bin/xorriso
	exits 3 'a disc that reads back otherwise' env PATH="$PWD/bin:$PATH" \
		imgexport -q --media --as iso --burn "stdio:$PWD/disc.img" \
		-o burn3.iso in/cr
	ok 'is found out' grep -q 'reads back otherwise' err
	exits 64 'a folder is not burned' imgexport -q --media \
		--burn /dev/null -o burn4 in/cr
else
	skip 'discs' 'xorriso is not here'
fi

# ---- damage -----------------------------------------------------------------

set -- arch/objects/*/*
victim=$7
chmod u+w "$victim"
printf X | dd of="$victim" bs=1 seek=1500 conv=notrunc status=none
exits 2 'a damaged object' sh -c 'imgexport -q --media -o bad <studies'
ok 'the others' test "$(records exported)" = 129
ok 'are a valid set without it' whole bad

# What is damaged comes first and says something else of the patient.
mkdir two && cd two || exit 1
export IMG_CATALOG="$PWD/arch"
img 1.dcm 1 --id TEST-0001 --study 2.25.9 --series 2.25.91
img 2.dcm 2 --id TEST-0001 --study 2.25.9 --series 2.25.91
exits 0 'a study of two' imgimport -q 1.dcm 2.dcm
first=$(rows "SELECT 'arch/objects/' || substr(lower(hex(digest)), 1, 2) ||
	'/' || lower(hex(digest)) FROM object JOIN instance
	ON instance.id = instance WHERE SOPInstanceUID = '2.25.1'")
chmod u+w "$first"
bitflip -s TEST-0001 "$first" >/dev/null
exits 2 'with another PatientID in the first' imgexport -q --media -o bad2 2.25.9
ok 'the second is exported' test "$(records exported)" = 1
ok 'is the set' whole bad2
dcmdump +P 0010,0020 bad2/DICOMDIR >got
same 'of its own patient' got <<!
(0010,0020) LO [TEST-0001]                              #  10, 1 PatientID
!
finish
