# imganon.t - de-identified objects: faces of the command, keys, outputs.
. "$(dirname "$0")/lib.sh"
need perl dcmdump

phantom one --uid 2.25.1001 --study 2.25.10 --series 2.25.11 \
	--modality CT --date 20240102 a.dcm
phantom one --uid 2.25.1002 --study 2.25.10 --series 2.25.11 \
	--modality CT --date 20240102 b.dcm
head -c 700 a.dcm >cut.dcm

# value FILE TAG
value()
{
	dcmdump +P "$2" "$1" | head -n 1 | sed 's/^[^[]*\[\(.*\)\].*/\1/'
}
written()
{
	sed -n 's/.*"path":"\([^"]*\.dcm\)".*/\1/p' out
}

# ---- keys ---------------------------------------------------------------

exits 0 'a new key' imganon --new-key key
ok 'has 48 bytes, for its owner' test "$(stat -c '%s %a' key)" = '48 600'
exits 3 'is not overwritten' imganon --new-key key
chmod 640 key
exits 3 'a key that others can read is refused' \
	imganon --key key -o new a.dcm
ok 'and nothing was written' test ! -e new
chmod 600 key
head -c 31 key >short && chmod 600 short
exits 64 'a short key' imganon --key short -o new a.dcm

# ---- good ---------------------------------------------------------------

exits 0 'one object' imganon --key key -o new a.dcm
ok 'has a record' grep -q '^{"status":"deidentified","path":"new/2.25' out
ok 'nothing random in it' sh -c '! grep -q random out'
ok 'nothing old in it' sh -c '! grep -q "a\.dcm\|2\.25\.10\b\|2\.25\.100[12]\b" out'
new=$(written)
ok 'is where it says' test -s "$new"
ok 'by its new UID' test "$(value "$new" 0008,0018)" = "$(basename "$new" .dcm)"
ok 'the meta header agrees' test "$(value "$new" 0002,0003)" = \
	"$(value "$new" 0008,0018)"
ok 'the name is a pseudonym' sh -c \
	"dcmdump +P 0010,0010 '$new' | grep -q '\[[A-Z2-7]\{12\}\]'"
ok 'marked' test "$(value "$new" 0012,0062)" = YES
ok 'by the basic profile' sh -c \
	"dcmdump +P 0008,0100 +p '$new' | grep -q 'DeidentificationMethod\|0012,0064.*113100\|113100'"
ok 'dates are removed' test "$(value "$new" 0028,0303)" = REMOVED
ok 'pixels are those of the input' sh -c '
	dcmdump +W . +P 7fe0,0010 a.dcm >/dev/null && mv a.dcm.0.raw raw1 &&
	dcmdump +W . +P 7fe0,0010 "$1" >/dev/null && mv ./*.dcm.0.raw raw2 &&
	cmp raw1 raw2' sh "$new"
cp "$new" first.dcm
exits 0 'the same again: the same bytes are there already' \
	imganon --key key -o new a.dcm
exits 0 'and elsewhere' imganon --key key -o other a.dcm
ok 'the same' cmp first.dcm "$(written)"
imganon --new-key key2 2>/dev/null
exits 0 'with another key' imganon --key key2 -o other2 a.dcm
ok 'nothing is the same' test "$(value "$(written)" 0020,000d)" != \
	"$(value first.dcm 0020,000d)"
exits 0 'without a key' imganon -o random a.dcm
ok 'the record says so' grep -q '"key":"random"' out
echo 'a long passphrase' >pass
exits 0 'a passphrase' sh -c 'imganon --passphrase-fd 3 -o p1 a.dcm 3<pass'
p1=$(written)
exits 0 'once more' sh -c 'imganon --passphrase-fd 3 -o p2 a.dcm 3<pass'
ok 'gives the same' cmp "$p1" "$(written)"
echo short >pass
exits 64 'a short one' sh -c 'imganon --passphrase-fd 3 -o p3 a.dcm 3<pass'
printf '%01023d\r\n' 7 >pass
exits 0 'the longest' sh -c 'imganon --passphrase-fd 3 -o p3 a.dcm 3<pass'
for text in '%01024d' '%01023d\n\nrest'; do
	# shellcheck disable=SC2059 # it is one
	printf "$text" 7 >pass
	exits 64 'a longer one' sh -c \
		'imganon --passphrase-fd 3 -o p4 a.dcm 3<pass'
done

# ---- pipes --------------------------------------------------------------

exits 0 'one object through a pipe' sh -c \
	'imganon --key key -o - - <a.dcm >piped.dcm'
ok 'is the same' cmp first.dcm piped.dcm
exits 0 'a file to stdout' sh -c 'imganon --key key -o - a.dcm >piped.dcm'
ok 'is the same, too' cmp first.dcm piped.dcm
exits 3 'a bad object on stdin' sh -c 'imganon -o - - <cut.dcm >piped.dcm'
ok 'writes nothing' test ! -s piped.dcm
exits 3 'a full disk' sh -c 'imganon -o - a.dcm >/dev/full'
exits 3 'no place for the record' sh -c 'imganon -o full a.dcm >/dev/full'
exits 0 'paths on stdin' sh -c 'printf "a.dcm\0b.dcm\0" | imganon -0 -o z'
ok 'two records' test "$(wc -l <out)" = 2

# ---- bad ----------------------------------------------------------------

exits 2 'one bad among good' imganon --key key -o mixed a.dcm cut.dcm b.dcm
ok 'two good ones' test "$(grep -c deidentified out)" = 2
ok 'one failed' grep -q '"status":"failed","path":"cut.dcm","error":' out
ok 'named on stderr' grep -q '^imganon: cut.dcm: ' err
ok 'two files' test "$(find mixed -type f | wc -l)" = 2
exits 3 'only bad' imganon -o bad cut.dcm
ok 'no file' test -z "$(find bad -type f)"
exits 3 'nothing there' imganon -o bad nothing
exits 64 'no output' imganon a.dcm
# One thing at a time: nobody is to believe that the other was done, too.
exits 64 'a key, and objects on standard input' sh -c \
	'ls a.dcm | imganon --new-key both.key -o both'
exits 64 'a key and a pair' imganon --new-key both.key --new-trustee both.pair
exits 64 'a key and a question' imganon --new-key both.key --explain PatientID
exits 64 'a question and an output' imganon --explain PatientID -o both
ok 'nothing was made' sh -c '! ls | grep both'
exits 3 'a descriptor that nobody has opened' imganon --passphrase-fd 3 \
	-o both a.dcm
same 'is not one of our own' err <<!
imganon: descriptor 3: Bad file descriptor
!
exits 3 'be it that of a codec' timeout 20 imganon --passphrase-fd 5 \
	--pixels clean -o both a.dcm
exits 64 'no such option' imganon -o bad --option nonsense a.dcm
for range in 5--30 +5-30 ' 5-30' 5-30x 0-5 30-5 5; do
	exits 64 "no range of days: $range" imganon --profile research \
		--date-range "$range" -o bad a.dcm
done
exits 0 'a range of days' imganon --key key --profile research \
	--date-range 5-5 -o days a.dcm
ok 'is how far dates are moved' test "$(value "$(written)" 0008,0020)" = 20231228
exits 64 'a range for dates that are not moved' imganon --date-range 5-5 \
	-o bad a.dcm
exits 64 'contradictory options' imganon -o bad --option retain-dates \
	--option modify-dates a.dcm
mkdir folder && cp a.dcm folder && echo text >folder/readme
exits 0 'a folder' imganon --key key -o f folder
ok 'what is no image is ignored' grep -q '"status":"ignored"' out
mkdir paper && cp folder/readme paper
exits 1 'nothing but what is ignored' imganon --key key -o f paper
exits 1 'a folder without a file' imganon --key key -o f "$(mktemp -d bare.XXXX)"
same 'is told of' err <<!
imganon: no files there
imganon: 0 inputs, 0.0 s
!
exits 0 'nothing on stdin' imganon --key key -o f </dev/null
exits 2 'another object with this UID' sh -c 'perl -pe "s/SOFT/HARD/" a.dcm >c.dcm
	imganon --key key -o new a.dcm c.dcm'
ok 'is refused' grep -q '"code":"refused"' out

# ---- withheld -----------------------------------------------------------

dcmdump -q +L a.dcm >/dev/null
cp a.dcm burned.dcm
dcmodify -nb -i '0028,0301=YES' burned.dcm
exits 1 'burned in: withheld' imganon --key key -o w burned.dcm
ok 'with the reason' grep -q \
	'"status":"withheld","path":"burned.dcm","reason":"pixels may show' out
ok 'and no file' test -z "$(find w -type f)"
exits 0 'kept on request' imganon --key key --pixels keep -o w burned.dcm
ok 'and marked as what it is' test "$(value "$(written)" 0012,0062)" = NO
cp a.dcm doe.dcm
dcmodify -nb -i '0010,0010=Doenitz^Jane' -i '0018,1000=1' \
	-i '0018,1020=for Doenitz' doe.dcm
exits 1 'a name in a technical text: withheld' imganon --key key -o w2 doe.dcm
ok 'the attribute is named' grep -q \
	'"reason":"(0018,1020) still has' out
ok 'the value is not' sh -c '! grep -qi doenitz out err'
mkdir Doenitz && cp doe.dcm Doenitz/1.dcm
exits 1 'a path that tells' imganon --key key -o w2 Doenitz
ok 'is not printed' sh -c '! grep -qi doenitz out err && grep -q "input 1" out'
ok 'and no file' test -z "$(find w2 -type f)"

phantom one --modality CT --name 'Hand^Head' --uid 2.25.1003 hand.dcm
dcmodify -nb -i '0028,0301=YES' hand.dcm
mkdir Hand_Head && mv hand.dcm Hand_Head/1.dcm
exits 1 'a path of names that are words, too' imganon --key key -o w2 Hand_Head
ok 'is not printed' sh -c '! grep -qi hand out err && grep -q "input 1" out'

# ---- report, explain ----------------------------------------------------

exits 0 'a report' imganon --key key --report report.jsonl -o rep a.dcm
ok 'says what was done' grep -q \
	'{"tag":"(0010,0020)","row":"PatientID","depth":0,"action":"D","option":"basic"}' \
	report.jsonl
ok 'without values' sh -c '! grep -q "TEST-0001\|20240102\|2\.25\.10\b\|2\.25\.100[12]\b" report.jsonl'
printf '{"half":' >torn.jsonl
exits 0 'a report that a crash has torn' imganon --key key \
	--report torn.jsonl -o rep a.dcm
ok 'what comes after it is whole' sh -c \
	'test "$(tail -n +2 torn.jsonl)" = "$(cat report.jsonl)"'
exits 0 'explain' imganon --explain PatientBirthDate
same 'the row' out <<'!'
(0010,0030) PatientBirthDate
Table E.1-1, 2026d
basic: Z
here: Z (basic): emptied, or a pseudonym where it identifies
!
exits 64 'explain what is not' imganon --explain NoSuchThing

# ---- pairs --------------------------------------------------------------

exits 0 'an id map' imganon --key key --id-map ids -o ids a.dcm b.dcm
ok 'one patient' test "$(wc -l <ids-patients.csv)" = 2
ok 'old and new' sh -c '
	old=$(dcmdump +P 0010,0020 a.dcm | sed "s/.*\[\(.*\)\].*/\1/")
	grep -qx "$old,$1" ids-patients.csv' sh "$(value first.dcm 0010,0020)"
ok 'its UIDs, each once' sh -c 'grep -q "^2.25.1001,2.25" ids-uids.csv &&
	[ "$(sort ids-uids.csv | uniq -d | wc -l)" = 0 ]'
ok 'for the owner' test "$(stat -c %a ids-uids.csv)" = 600
exits 3 'never overwritten' imganon --key key --id-map ids -o ids2 a.dcm
exits 0 'and back in as a map' sh -c \
	'sed "s/,.*/,CASE-01/; 1s/.*/old,new/" ids-patients.csv >map.csv
	imganon --key key --map map.csv -o mapped a.dcm'
ok 'the given one wins' test "$(value "$(written)" 0010,0020)" = CASE-01
printf '\357\273\277TEST-0001,CASE-02\r\n' >bom.csv
exits 0 'a map as a spreadsheet writes it' imganon --key key --map bom.csv \
	-o bom a.dcm
ok 'has its first line' test "$(value "$(written)" 0010,0020)" = CASE-02
printf 'A,X\nB,X\n' >bad.csv
exits 64 'two with one new ID' imganon --map bad.csv -o bad a.dcm
ok 'their lines are named' grep -qx \
	'imganon: bad.csv: map, lines 1 and 2: two are given one new ID' err
printf 'B,Z\nA,Y\n\nA,X\n' >bad.csv
exits 64 'one with two' imganon --map bad.csv -o bad a.dcm
ok 'its lines are named' grep -qx \
	'imganon: bad.csv: map, lines 2 and 4: one is given two new IDs' err
printf 'A,X\0\nTEST-0001,Y\n' >bad.csv
exits 64 'a NUL is no end of the map' imganon --map bad.csv -o bad a.dcm
ok 'its line is named' grep -qx 'imganon: bad.csv: map, line 1: a NUL byte' err
printf 'A,X\rTEST-0001,Y\r' >bad.csv
exits 64 'lines that end as those of old Macs are not left out' \
	imganon --map bad.csv -o bad a.dcm
printf 'A\n' >bad.csv
exits 64 'no pair' imganon --map bad.csv -o bad a.dcm
exits 0 'keys of a trustee' imganon --new-trustee trustee
ok 'the secret one is secret' test "$(stat -c '%a' trustee)" = 600
mv trustee.pub public
exits 0 'killed before the public one: the next run makes it' \
	imganon --new-trustee trustee
ok 'of the secret one' cmp trustee.pub public
exits 3 'a key of another use has none' imganon --new-trustee key
ok 'and gets none' test ! -e key.pub
exits 64 'the secret one in the place of the public one' imganon --key key \
	--linkage links --trustee trustee -o linked a.dcm
same 'is named, with what is wanted' err <<'!'
imganon: trustee: a secret key, and its public one is wanted (trustee.pub)
usage: imganon -o dir [options] [path | uid ...]
!
imgverify --new-sign-key signer
for k in key signer.pub; do
	exits 64 "nor is it sealed to $k" imganon --key key \
		--linkage links --trustee $k -o linked a.dcm
done
head -n 1 err >line
same 'which is said' line <<'!'
imganon: signer.pub: the public key of a signer, and the public key of a trustee is wanted
!
exits 64 'nor is the key of a study one of a pair' imganon --key trustee \
	-o linked a.dcm
head -n 1 err >line
same 'which is said, too' line <<'!'
imganon: trustee: the secret key of a pair, and a key of --new-key is wanted
!
ok 'nothing is made' test ! -e links -a ! -e linked
exits 0 'a sealed log' imganon --key key --linkage links \
	--trustee trustee.pub -o linked a.dcm
exits 0 'that grows' imganon --key key --linkage links \
	--trustee trustee.pub -o linked b.dcm
ok 'two lines' test "$(wc -l <links)" = 2
ok 'nothing to read in it' sh -c '! grep -q "TEST\|2\.25" links'
exits 0 'read by the trustee' imganon --reidentify --linkage links \
	--trustee trustee
ok 'it has the patient' grep -qx "P,TEST-0001,$(value first.dcm 0010,0020)" out
ok 'and both objects' test "$(grep -c '^U,2.25.100[12],2.25' out)" = 2
imganon --new-trustee thief
exits 3 'not by another' imganon --reidentify --linkage links --trustee thief
sed 's/A/B/' links >changed
exits 3 'nor when changed' imganon --reidentify --linkage changed \
	--trustee trustee
head -c 100 links >torn
exits 0 'a log that a crash has torn' imganon --key key --linkage torn \
	--trustee trustee.pub -o linked b.dcm
exits 2 'says so' imganon --reidentify --linkage torn --trustee trustee
ok 'once' test "$(wc -l <err)" = 1
ok 'where' grep -q '^imganon: torn: line 1: ' err
ok 'and tells what came after' grep -q '^U,2.25.1002,2.25' out
{ echo; head -c 2000000 /dev/zero | tr '\0' A; echo; cat links; } >garbled
exits 2 'a line that nobody has sealed' imganon --reidentify --linkage garbled \
	--trustee trustee
ok 'and one without an end' grep -q '^imganon: garbled: line 2: ' err
ok 'cost nothing but themselves' test "$(grep -c '^U,2.25.100' out)" = 2
exits 0 'the secret from a pipe' sh -c \
	'cat trustee | imganon --reidentify --linkage links --trustee /dev/stdin'
ok 'which is read once' test "$(grep -c '^U,2.25.100' out)" = 2
exits 3 'a secret that is not there' imganon --reidentify --linkage links \
	--trustee absent
exits 64 'without a trustee' imganon --linkage links -o bad a.dcm

long=$(head -c 70 /dev/zero | tr '\0' A)
for i in 1 2; do
	phantom one --modality CT --id "$long$i" --uid 2.25.66$i long$i.dcm
	exits 0 "a long PatientID, $i" imganon --key key -o long long$i.dcm
	cp "$(written)" long.out$i
done
ok 'patients whose IDs begin alike are two' test \
	"$(dcmdump +P 0010,0010 long.out1)" != "$(dcmdump +P 0010,0010 long.out2)"
ok 'and have one pseudonym each' test "$(value long.out1 0010,0010)" = \
	"$(value long.out1 0010,0020)"

# A UID of too many characters, and two where one belongs.
for uid in 1.2.826.0.777.$(head -c 60 /dev/zero | tr '\0' 7) \
	'1.2.826.0.777.1\1.2.826.0.777.2'; do
	cp a.dcm odd.dcm
	dcmodify -nb -m "0020,000d=$uid" -m "0020,000e=$uid" odd.dcm 2>/dev/null
	exits 0 'odd UIDs' imganon --key key -o odd odd.dcm
	first=$(dcmdump +P 0020,000d +P 0020,000e "$(written)" |
		sed 's/^[^[]*\[\([.0-9]*\).*/\1/' | paste -s -d / -)
	ok 'the record has the new one of the study' \
		grep -q "\"StudyInstanceUID\":\"${first%/*}\"" out
	ok 'and so has the path' test "$(written | cut -d / -f 2,3)" = "$first"
done

# ---- dates --------------------------------------------------------------

cp a.dcm d.dcm
dcmodify -nb -m '0008,0020=20240229' -i '0008,0021=20240301' \
	-i '0008,002a=20240301000130.5+0100' -i '0010,1010=097Y' d.dcm
exits 0 'research' imganon --key key --profile research -o r d.dcm
r=$(written)
days()
{
	echo $(($(date -ud "$1" +%s) / 86400))
}
study=$(value "$r" 0008,0020) series=$(value "$r" 0008,0021)
ok 'dates moved' test "$study" -lt 20240229
ok 'together' test $(($(days "$series") - $(days "$study"))) = 1
ok 'times not' sh -c "dcmdump +P 0008,002a '$r' | grep -q '${series}000130.5+0100'"
ok 'very old is 90' test "$(value "$r" 0010,1010)" = 090Y
ok 'marked' test "$(value "$r" 0028,0303)" = MODIFIED
exits 0 'retain-dates' imganon --key key --option retain-dates -o r2 d.dcm
ok 'they stay' test "$(value "$(written)" 0008,0020)" = 20240229

# ---- the archive --------------------------------------------------------

export IMG_CATALOG="$T/archive"
imgimport -q a.dcm b.dcm >records 2>&1
exits 0 'by UID' imganon --key key -o byuid 2.25.10
ok 'both objects' test "$(grep -c deidentified out)" = 2
ok 'the same as from files' cmp first.dcm \
	"byuid/${new#new/}"
exits 0 'records' sh -c 'imganon --key key -o byrec <records'
ok 'both' test "$(grep -c deidentified out)" = 2
exits 0 'a query' sh -c \
	'imgquery -q PatientID=TEST-0001 | imganon --key key -o byq'
ok 'nothing of the old in the records' sh -c \
	'! grep -q "TEST-0001\|2\.25\.10\"" out'
exits 3 'no such UID' imganon --key key -o byuid 2.25.999999
exits 0 'a query, de-identified, verified' sh -c \
	'imgquery -q PatientID=TEST-0001 | imganon --key key -o pipe |
	imgverify -'
ok 'each as its record says' sh -c \
	'[ "$(grep -c "^{\"status\":\"intact\",\"path\":\"pipe/" out)" = 2 ]'
exits 0 'and put on a disc' imgexport -q --media -o disc pipe
dcmdump -q +L disc/DICOMDIR >dir
ok 'that lists both' test "$(grep -c '(0004,1500)' dir)" = 2
if command -v dciodvfy >/dev/null; then
	dciodvfy -new disc/DICOMDIR >verdict 2>&1
	exits 1 'a valid DICOMDIR' grep '^Error' verdict
else
	skip 'a valid DICOMDIR' 'dciodvfy is not here'
fi
exits 1 'with one that was withheld' sh -c \
	'imganon --key key -o pipe2 a.dcm burned.dcm | imgverify -'
ok 'which rides through' grep -q '"status":"withheld","path":"burned' out

mkdir hundred && i=100
while [ $((i += 1)) -le 200 ]; do
	cp a.dcm hundred/$i.dcm
	echo "hundred/$i.dcm"
done | xargs -n 1 sh -c 'dcmodify -nb -m "0008,0018=2.25.9${1#hundred/}" "$1"' sh
exits 0 'few descriptors' sh -c \
	'ulimit -n 40; exec imganon -q --key key -o few hundred'
ok 'are enough' test "$(find few -type f | wc -l)" = 100

# ---- what the disk says -------------------------------------------------

failio()
{
	rule=$1
	shift
	FAILIO=$rule LD_PRELOAD=$O/tools/failio.so "$@"
}
exits 0 'the digest' imganon --key key -o sum a.dcm
ok 'is that of the bytes' sh -c \
	'grep -q "\"digest\":\"$(b2sum -l 256 "$1" | cut -c 1-64)\"" out' sh "$(written)"
if [ -f "$O/tools/failio.so" ] && ! nm "$O/libimg.a" 2>/dev/null |
		grep -q '__asan\|__tsan'; then
	for i in 1 2 3 4 5 6; do
		cp a.dcm many$i.dcm
		dcmodify -nb -m "0008,0018=2.25.55$i" many$i.dcm
	done
	exits 3 'a sync that fails' failio syncfs:EIO \
		imganon --key key -o broken many?.dcm
	ok 'leaves nothing' test -z "$(find broken -type f)"
	ok 'and says so of each' test "$(grep -c '"status":"failed"' out)" = 6
	grep -v inputs err >told
	same 'and to people once' told <<-!
	imganon: many1.dcm: broken: sync: Input/output error
	imganon: 5 more: broken: sync: Input/output error
	!
	exits 3 'the sync of the names' failio syncfs:EIO:-:2 \
		imganon --key key -o broken2 many?.dcm
	ok 'is no success' sh -c '! grep deidentified out'
	exits 3 'a single one' failio fsync:EIO imganon --key key -o broken3 a.dcm
	ok 'leaves nothing, too' test -z "$(find broken3 -type f)"
	exits 3 'a full disk' failio write:ENOSPC:broken4 \
		imganon --key key -o broken4 a.dcm
	ok 'leaves nothing, either' test -z "$(find broken4 -type f)"
	for at in 1 2; do
		failio syncfs:kill:-:$at imganon --key key -o killed$at \
			many?.dcm >records 2>/dev/null
		ok "killed at sync $at: no record" test ! -s records
	done
	ok 'nothing lies there before the first' test -z "$(find killed1 -type f)"
	ok 'and only what is whole after it' sh -c 'for f in $(find killed2 -type f); do
		cmp "$f" "broken2/${f#killed2/}" || exit 1; done'
	exits 0 'where files have names from the first' failio \
		tmpfile:ENOTSUP:named sh -c 'umask 027 &&
		exec imganon --key key -o named a.dcm'
	ok 'they get their mode' test -n "$(find named -type f -perm 640)"
	failio 'tmpfile:ENOTSUP:half write:kill:.part' \
		imganon --key key -o half a.dcm >records 2>/dev/null
	ok 'and have none for others before' test "$(find half -type f |
		wc -l)/$(find half -name '.*.part' -perm 600 | wc -l)" = 1/1
else
	skip 'disks that fail' 'failio.so is not here'
fi
finish
