# imgimport-verdicts.t - what becomes of an object, and what is odd about it.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"

new()
{
	chmod -R u+rwX arch 2>/dev/null
	rm -rf arch
}

# state: the objects: number, whether current, Rows of the instance, which
state()
{
	rows 'SELECT SOPInstanceUID, n, current = n, "Rows", lower(hex(digest))
		FROM object JOIN instance ON instance.id = instance
		ORDER BY SOPInstanceUID, n' | sed "s/$a/A/; s/$b/B/; s/$c/C/"
}

digest()
{
	b2sum -l 256 "$1" | cut -d ' ' -f 1
}

# ---- conflicts -----------------------------------------------------------

img a.dcm 1 && img b.dcm 1 --rows 9 && img c.dcm 1 --rows 10
a=$(digest a.dcm) b=$(digest b.dcm) c=$(digest c.dcm)

exits 0 'two with one UID' import -j 1 a.dcm b.dcm
brief >got
same 'the second is a conflict' got <<!
stored a.dcm
conflict b.dcm
!
state >got
same 'both are kept, the first stays current' got <<!
2.25.1|0|1|8|A
2.25.1|1|0|8|B
!
exits 0 'a third' import c.dcm
ok 'is a conflict, too' grep -q '^{"status":"conflict"' out
ok 'and a sign of something worse' grep -q \
	'"warning":\["uid-collapse: 3 objects with different bytes have this SOPInstanceUID"\]' out
exits 0 'again' import a.dcm b.dcm c.dcm
ok 'all are known' test "$(records duplicate)" = 3
ok 'with what is odd' test "$(grep -c uid-collapse out)" = 1
exits 0 'with --rehash' import --rehash a.dcm b.dcm c.dcm
ok 'they are known, too' test "$(records duplicate)" = 3
sed -n 's/.*"act":"\([a-z]*\)".*/\1/p' arch/audit.log >got
same 'the audit log' got <<!
stored
conflict
conflict
!
sound 'conflicts'

new
exits 0 'replace' import --on-conflict replace -j 1 a.dcm b.dcm
ok 'is a conflict as well' test "$(records conflict)" = 1
state >got
same 'both are kept, the second is current' got <<!
2.25.1|0|0|9|A
2.25.1|1|1|9|B
!
exits 0 'keep after replace' import c.dcm
state >got
same 'leaves the current one' got <<!
2.25.1|0|0|9|A
2.25.1|1|1|9|B
2.25.1|2|0|9|C
!
tail -n 2 arch/audit.log | sed 's/.*"act":"\([a-z]*\)".*/\1/' >got
same 'the audit log' got <<!
replaced
conflict
!
sound 'replace'

new
exits 2 'reject' import --on-conflict reject -j 1 a.dcm b.dcm
sed 's/"StudyInst.*"digest":"[0-9a-f]*"/-/' out >got
same 'the second fails' got <<!
{"status":"stored","path":"a.dcm",-}
{"status":"rejected","path":"b.dcm",-,"error":{"code":"refused","message":"b.dcm: other bytes with this SOPInstanceUID are in the archive","by":"imgimport"}}
!
state >got
same 'only the first is kept' got <<!
2.25.1|0|1|8|A
!
ok 'in the store, too' test "$(objects)" = 1
ok 'tmp is empty' test -z "$(find arch/tmp -type f)"
exits 2 'again' import --on-conflict reject a.dcm b.dcm
ok 'it is rejected again' test "$(records rejected)" = 1
zip -q two.zip a.dcm b.dcm
for i in 1 2 3; do
	exits 2 "in an archive, time $i" \
		import --on-conflict reject two.zip
	brief >got
	same "has the same records, time $i" got <<!
duplicate two.zip!/a.dcm
rejected two.zip!/b.dcm
ignored two.zip
!
done
exits 0 'with keep' import two.zip
ok 'it is a conflict' test "$(records conflict)" = 1
sound 'reject'

# Same bytes, same batch.
new
cp a.dcm a2.dcm
exits 0 'twins in one batch' import -j 1 a.dcm a2.dcm
brief >got
same 'the second is a duplicate' got <<!
stored a.dcm
duplicate a2.dcm
!
ok 'one object' test "$(objects)" = 1

# ---- identities that do not fit ------------------------------------------

new
img p1.dcm 11 --id X1 --name 'Test^One' --study 2.25.71
img p2.dcm 12 --id X1 --name 'Test^Two' --study 2.25.72
img p3.dcm 13 --id X2 --name 'Test^Three' --study 2.25.71
img p4.dcm 14 --id X1 --name 'TEST^ONE' --study 2.25.71
img p5.dcm 11 --id X1 --name 'Test^One' --study 2.25.71 --series 2.25.99
exits 0 'identities' import -j 1 p1.dcm p2.dcm p3.dcm p4.dcm p5.dcm
sed 's/^.*"path":"\([^"]*\)".*"digest":"[0-9a-f]*"/\1 /' out >got
cat >want <<!
p1.dcm }
p2.dcm ,"warning":["two-names: this PatientID has another PatientName in the archive"]}
p3.dcm ,"warning":["two-patients: this StudyInstanceUID has another PatientID in the archive"]}
p4.dcm ,"warning":["two-patients: this StudyInstanceUID has another PatientID in the archive"]}
p5.dcm ,"warning":["two-patients: this StudyInstanceUID has another PatientID in the archive","two-series: this SOPInstanceUID is of another series in the archive"]}
!
same 'are told, not refused' got <want
ok 'no name is said' sh -c '! grep "One\|Two\|X1" out err'
exits 0 'again' import -j 1 p1.dcm p2.dcm p3.dcm p4.dcm p5.dcm
sed 's/^.*"path":"\([^"]*\)".*"digest":"[0-9a-f]*"/\1 /' out >got
same 'they are told again' got <want
rows 'SELECT PatientID, StudyInstanceUID, count(*) FROM instance
	JOIN series ON series.id = series JOIN study ON study.id = study
	JOIN patient ON patient.id = patient GROUP BY 1, 2 ORDER BY 1, 2' >got
same 'nothing is merged' got <<!
X1|2.25.71|2
X1|2.25.72|1
X2|2.25.71|1
!
sound 'identities'

new
img n1.dcm 21 --omit 0010,0020 --study 2.25.81
img n2.dcm 22 --omit 0010,0020 --study 2.25.82
img n3.dcm 23
perl -0777pi -e 's/\x08\0\x18\0UI/\x08\0\x17\0UI/' n3.dcm
img n4.dcm 24 --omit 0020,000d
img n5.dcm 25 --omit 0008,0018 --no-meta
img n6.dcm 26 --set '0008,0018=UI:not.a.uid'
img n7.dcm 27 --set "0008,0018=UI:$(printf '1.%.0s' $(seq 50))1"
exits 2 'identifiers that are missing or wrong' \
	import -j 1 n1.dcm n2.dcm n3.dcm n4.dcm n5.dcm n6.dcm n7.dcm
sed 's/^{"status":"\([a-z]*\)","path":"\([^"]*\)".*"digest":"[0-9a-f]*"/\1 \2 /
	s/^{"status":"\([a-z]*\)","path":"\([^"]*\)",/\1 \2 /' out >got
same 'are told' got <<!
stored n1.dcm }
stored n2.dcm }
stored n3.dcm ,"warning":["no-uid: SOPInstanceUID is only in the file meta information"]}
stored n4.dcm ,"warning":["no-uid: StudyInstanceUID is absent or empty"]}
rejected n5.dcm "error":{"code":"malformed","message":"n5.dcm: no SOPInstanceUID (0008,0018)","by":"imgimport"}}
stored n6.dcm ,"warning":["bad-uid: SOPInstanceUID is no valid UID"]}
rejected n7.dcm "error":{"code":"malformed","message":"n7.dcm: SOPInstanceUID longer than 64 characters","by":"imgimport"}}
!
ok 'two unknown patients are two' test "$(rows \
	'SELECT count(*) FROM patient WHERE PatientID = ""')" = 2
sound 'identifiers'

# ---- encodings -----------------------------------------------------------

new
i=30
for s in explicit implicit big deflated; do
	i=$((i + 1))
	img e$s.dcm $i --syntax $s
done
img nopre.dcm 35 --no-preamble
img nometa.dcm 36 --no-meta
img wrong.dcm 37 --syntax implicit --syntax-uid 1.2.840.10008.1.2.1
img future.dcm 38 --syntax-uid 1.2.840.10008.1.2.4.999
img latin.dcm 39 --name "$(printf 'T\344st^Synthetic')" --charset ISO_IR\ 100
img wrongcs.dcm 40 --name 'Tüst^日本' --charset ISO_IR\ 100 --id U \
	--study 2.25.9
{ printf 'MZ'; img - 41 | tail -c +3; } >active.dcm
{ img - 42; printf 'some bytes behind'; } >behind.dcm
exits 0 'encodings' import -j 1 e*.dcm nopre.dcm nometa.dcm wrong.dcm \
	future.dcm latin.dcm wrongcs.dcm active.dcm behind.dcm
sed 's/^.*"path":"\([^"]*\)".*"TransferSyntaxUID":"\([^"]*\)".*"digest":"[0-9a-f]*"/\1 \2 /' \
	out >got
same 'their syntaxes, and what is odd' got <<!
ebig.dcm 1.2.840.10008.1.2.2 }
edeflated.dcm 1.2.840.10008.1.2.1.99 }
eexplicit.dcm 1.2.840.10008.1.2.1 }
eimplicit.dcm 1.2.840.10008.1.2 }
nopre.dcm 1.2.840.10008.1.2.1 }
nometa.dcm 1.2.840.10008.1.2.1 ,"warning":["no-meta: no file meta information, encoding guessed"]}
wrong.dcm 1.2.840.10008.1.2.1 ,"warning":["wrong-syntax: encoded otherwise than declared"]}
future.dcm 1.2.840.10008.1.2.4.999 }
latin.dcm 1.2.840.10008.1.2.1 ,"warning":["two-names: this PatientID has another PatientName in the archive"]}
wrongcs.dcm 1.2.840.10008.1.2.1 ,"warning":["charset-wrong: declared otherwise, but the bytes are UTF-8"]}
active.dcm 1.2.840.10008.1.2.1 ,"warning":["active-preamble: begins like a program or an archive"]}
behind.dcm 1.2.840.10008.1.2.1 ,"warning":["trailing-bytes: 17 after the last element"]}
!
rows "SELECT PatientName FROM patient WHERE PatientID = 'U'" >got
same 'the name is read as it was meant' got <<!
Tüst^日本
!
sound 'encodings'

# ---- what is no image ----------------------------------------------------

new
mkdir things
( cd things || exit
printf 'MZ\220\0 a program' >viewer.exe
printf '\177ELF a program' >viewer
printf '%%PDF-1.4 x' >report.pdf
printf '\211PNG\r\n\032\n\0\0' >logo.png
printf '\377\330\377\340\0\020JFIF' >photo
printf 'GIF89a..' >x.gif
printf '{\\rtf1 x}' >letter
printf 'plain text\n' >README
printf '[autorun]\r\nopen=viewer.exe\r\n' >AUTORUN.INF
printf '\377\376h\0i\0' >utf16.txt
printf 'SQLite format 3\0xxx' >data.db
printf 'PK\3\4\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\11\0\0\0META-INF/' >a.jar
printf '\0\0\1\0\1\0' >x.ico
)
exits 0 'what lies beside images' import things
sed 's/^{"status":"ignored","path":"things\/\([^"]*\)","reason":"\(.*\)"}/\1: \2/' \
	out | sort >got
same 'is ignored, with a reason' got <<!
AUTORUN.INF: text
README: text
a.jar: program or office file
data.db: database
letter: text
logo.png: PNG picture
photo: JPEG picture
report.pdf: PDF document
utf16.txt: text
viewer.exe: program
viewer: program
x.gif: GIF picture
x.ico: icon
!
ok 'nothing is stored' test "$(objects)" = 0
exits 0 'again' import things
ok 'the same' test "$(records ignored)" = 13

mkdir bad
for x in dcm DCM Dicom ima; do echo text >"bad/t.$x"; done
: >bad/empty
cp things/viewer.exe bad/viewer.dcm
head -c 300 /dev/urandom | tr '\0' '\1' >bad/noise
printf '\1\2\3' >bad/three
printf "7z\274\257\47\34 x" >bad/x.7z
printf 'Rar!\32\7\0 x' >bad/x.rar
head -c 705 a.dcm >bad/cut.dcm
head -c 132 a.dcm >bad/magic.dcm
exits 3 'what claims to be images, or might be' import bad
sed 's/^{"status":"rejected","path":"bad\/\([^"]*\)","error":{"code":"\(.*\)","message":.*/\1: \2/' \
	out | sort >got
same 'is rejected' got <<!
cut.dcm: truncated
empty: truncated
magic.dcm: truncated
noise: not-dicom
t.DCM: not-dicom
t.Dicom: not-dicom
t.dcm: not-dicom
t.ima: not-dicom
three: not-dicom
viewer.dcm: not-dicom
x.7z: unsupported
x.rar: unsupported
!
ok 'nothing is stored' test "$(objects)" = 0
exits 3 'again' import bad
ok 'the same' test "$(records rejected)" = 12
ok 'nothing is in quarantine' test -z "$(ls arch/quarantine)"

# ---- quarantine ----------------------------------------------------------

new
zip -qj bad.zip bad/cut.dcm bad/noise
exits 2 '--quarantine' import --quarantine bad a.dcm bad.zip
for f in bad/*; do
	digest "$f"
done | sort -u >want
ls arch/quarantine >got
same 'keeps a copy of each' got <want
for f in bad/*; do
	cmp "$f" "arch/quarantine/$(digest "$f")"
done >differ 2>&1
ok 'with its bytes' test ! -s differ
sound 'quarantine'
cat >"$T/kept" <want
new
import bad a.dcm bad.zip >/dev/null
exits 2 '--quarantine of what was rejected before' \
	import --quarantine bad a.dcm bad.zip
ls arch/quarantine >got
same 'keeps it, too' got <"$T/kept"
new
import bad.zip >/dev/null
exits 2 'of members' import --quarantine bad.zip
ls arch/quarantine >got
same 'those, too' got <<!
$(for f in bad/cut.dcm bad/noise; do digest "$f"; done | sort)
!
head -c 400 bad.zip >short.zip
exits 3 'of an archive that is cut' import --quarantine short.zip
ok 'that' cmp short.zip "arch/quarantine/$(digest short.zip)"
new
img first.dcm 90 && img other.dcm 90 --pixel 3 && img same.dcm 90 --syntax implicit
import first.dcm >/dev/null
exits 2 'of what is in conflict' \
	import --quarantine --on-conflict reject first.dcm other.dcm same.dcm
ok 'keeps that and not what is the same image' \
	test "$(ls arch/quarantine)" = "$(digest other.dcm)"
sound 'conflicts in quarantine'

# ---- in place ------------------------------------------------------------

new
mkdir -p place/sub && img place/x.dcm 51 && img place/sub/y.dcm 52
img long.dcm 54 --rows 1200 --cols 1200 && mv long.dcm place/
img z.dcm 53 && zip -q place/z.zip z.dcm && rm z.dcm
exits 0 '--in-place' import --in-place place
ok 'reports all as stored' test "$(records stored)" = 4
ok 'only the member of an archive is copied' test "$(objects)" = 1
rows 'SELECT place FROM object ORDER BY 1' >got
same 'the catalog has the places' got <<!

$PWD/place/long.dcm
$PWD/place/sub/y.dcm
$PWD/place/x.dcm
!
sed -n 's/.*"act":"\([a-z]*\)".*/\1/p' arch/audit.log | sort | uniq -c |
	sed 's/^ *//' >got
same 'the audit log' got <<!
3 catalogued
1 stored
!
exits 0 'all is intact' verify --all
ok 'all four' test "$(records intact)" = 4
ok 'with their places' grep -q "\"path\":\"$PWD/place/x.dcm\"" out
exits 0 'again' import --in-place place
ok 'all are known' test "$(records duplicate)" = 4
bitflip place/x.dcm 600 >/dev/null
exits 1 'one that was changed' verify --all
ok 'is damaged' grep -q \
	"^{\"status\":\"damaged\",\"path\":\"$PWD/place/x.dcm\"" out
ok 'the others are not' test "$(records intact)" = 3
rm place/sub/y.dcm
exits 1 'one that is gone' verify --all
ok 'is missing' grep -q \
	"^{\"status\":\"missing\",\"path\":\"$PWD/place/sub/y.dcm\"" out

# ---- --set, longer than what is held in memory ---------------------------

new
for syntax in explicit implicit big deflated; do
	img huge.dcm 95 --rows 1100 --cols 1100 --syntax $syntax
	rm -f huge.zip && zip -q0 huge.zip huge.dcm
	for how in huge.dcm huge.zip; do
		new
		exits 0 "$syntax, $how" import --set PatientID=SET-1 \
			--set StudyDescription= $how
		rows 'SELECT PatientID, StudyDescription IS NULL FROM patient
			JOIN study ON study.patient = patient.id' >got
		same 'has what was asked for' got <<-!
		SET-1|1
		!
		exits 1 'compared with what it was' imgverify -q --same \
			huge.dcm "$(find arch/objects -type f)"
		ok 'it has other attributes' grep -Fq '"same":"pixels","differing":["(0008,1030)","(0010,0020)","(0400,0561)"]' out
		exits 0 'it is whole' imgverify -q -C arch --deep --all
		ok 'nothing is left in tmp' test -z "$(ls arch/tmp)"
		exits 0 'known' import --set PatientID=SET-1 \
			--set StudyDescription= $how
		ok 'the second time' test "$(records duplicate)" = 1
	done
done
exits 0 'a dry run' imgimport -q -C none -n --set PatientID=SET-1 \
	huge.dcm huge.zip
ok 'of both' test "$(records stored)" = 2
img part.dcm 96 --rows 1100 --cols 1100 && truncate -s 1500000 part.dcm
new
exits 3 'one that is cut' import --set PatientID=SET-1 part.dcm
ok 'is rejected' grep -q '"rejected","path":"part.dcm","error":{"code":"truncated"' out
ok 'nothing is left of it' test -z "$(ls arch/tmp)"
rm -f huge.dcm huge.zip part.dcm

# ---- dry run -------------------------------------------------------------

new
exits 0 '-n without an archive' imgimport -C none -n a.dcm b.dcm
ok 'makes none' test ! -e none
ok 'the records have dry_run' test "$(grep -c '"dry_run":true}$' out)" = 2
import a.dcm >out
img place/x.dcm 51
find arch -type f ! -name catalog.db-shm -exec b2sum {} + | sort >before
find arch -printf '%p %s %m %T@\n' | grep -v 'catalog.db-shm' | sort >before2
head -c 100 b.dcm >cut.dcm
exits 2 '-n' import -n a.dcm b.dcm p1.dcm cut.dcm two.zip things place
sed 's/^{"status":"\([a-z]*\)","path":"\([^"]*\)".*/\1 \2/' out |
	grep -v things >got
cat >want <<!
duplicate a.dcm
conflict b.dcm
stored p1.dcm
rejected cut.dcm
stored place/long.dcm
stored place/x.dcm
duplicate two.zip!/a.dcm
conflict two.zip!/b.dcm
ignored two.zip
stored place/z.zip!/z.dcm
ignored place/z.zip
!
sort want >want2
sort got >got2
same 'has the records of an import' got2 <want2
ok 'all with dry_run' sh -c '! grep -v "\"dry_run\":true}$" out'
find arch -type f ! -name catalog.db-shm -exec b2sum {} + | sort >after
find arch -printf '%p %s %m %T@\n' | grep -v 'catalog.db-shm' | sort >after2
ok 'and writes nothing' cmp before after
ok 'nor touches anything' cmp before2 after2
cp a.dcm again.dcm
exits 0 'inputs with the same bytes' imgimport -q -C none -n a.dcm again.dcm
ok 'are judged each by itself' test "$(records stored)" = 2
rm again.dcm
exits 64 '-n goes without --quarantine' import -n --quarantine a.dcm
if is_root; then
	chmod 711 . "$T"
	cp "$O/bin/imgimport" runs && chmod 755 runs
	exits 3 '-n of an archive that cannot be read' \
		nobody ./runs -q -C arch -n a.dcm
	rm -f runs
else
	skip '-n of an archive that cannot be read' 'not root'
fi

# ---- jobs ----------------------------------------------------------------

mkdir lots && phantom small lots 300 && cp a.dcm b.dcm c.dcm bad/* lots/
for j in 1 2 8 15; do
	new
	imgimport -q -C arch -j $j lots >out.$j 2>/dev/null
done
for j in 2 8 15; do
	ok "-j $j gives the records of -j 1" cmp out.1 out.$j
done
find lots -type f | LC_ALL=C sort >want
brief out.1 | sed 's/^[a-z]* //' | LC_ALL=C sort >got
same 'each file once' got <want

# ---- modes ---------------------------------------------------------------

for mask in 0 022 077; do
	new
	(umask $mask && import a.dcm) >out
	find arch -perm /o=rwx >open
	ok "umask $mask: nothing is open to others but objects' bits" \
		test ! -s open
	ok "umask $mask: the archive is 700" \
		test "$(stat -c %a arch arch/objects arch/tmp arch/quarantine |
			sort -u)" = 700
	ok "umask $mask: nobody may write an object" \
		test -z "$(find arch/objects -type f -perm /222)"
done
new
(umask 022 && import a.dcm) >out
stat -c %a "$(find arch/objects -type f)" >got
same 'an object is 440' got <<!
440
!
finish
