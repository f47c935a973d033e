# imgexport.t - objects out as a folder: names, order, digests, destinations.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"

export IMG_CATALOG="$PWD/arch"
out_()
{
	imgexport -q "$@"
}
# one FILE N SERIES [...]: study 2.25.10, of January 2024
one()
{
	file_=$1 n_=$2 series_=$3
	shift 3
	phantom one --study 2.25.10 --series "2.25.$series_" --uid "2.25.$n_" \
		--instance "$n_" --modality CT --date 20240102 "$@" "$file_"
}
hash()
{
	b2sum -l 256 "$1" | cut -d ' ' -f 1
}
object()
{
	d=$(hash "$1")
	echo "arch/objects/$(printf %.2s "$d")/$d"
}
# files DIR: what lies in it, but for the manifest
files()
{
	(cd "$1" && find . -type f ! -name MANIFEST.TXT | LC_ALL=C sort)
}
mkdir in
for n in 1 2 3; do one in/$n.dcm $n 11; done
one in/4.dcm 4 12
imgimport -q in >/dev/null

# ---- a folder -------------------------------------------------------------

exits 0 'a study' imgexport -o dest 2.25.10
ok 'the sum' grep -qx 'imgexport: 4 inputs: 4 exported, [0-9.]* s' err
head -n 1 out >first
same 'the record of the first' first <<!
{"status":"exported","path":"dest/TEST-0001/20240102-Test study/1/1.dcm","StudyInstanceUID":"2.25.10","SeriesInstanceUID":"2.25.11","SOPInstanceUID":"2.25.1","SOPClassUID":"1.2.840.10008.5.1.4.1.1.2","TransferSyntaxUID":"1.2.840.10008.1.2.1","Modality":"CT","bytes":$(wc -c <in/1.dcm | tr -d ' '),"digest":"$(hash in/1.dcm)"}
!
files dest >got
same 'two series of one number have two folders' got <<!
./TEST-0001/20240102-Test study/1-2/4.dcm
./TEST-0001/20240102-Test study/1/1.dcm
./TEST-0001/20240102-Test study/1/2.dcm
./TEST-0001/20240102-Test study/1/3.dcm
!
ok 'has the bytes' cmp in/2.dcm 'dest/TEST-0001/20240102-Test study/1/2.dcm'
ok 'and the time of the study' test "$(stat -c %Y \
	'dest/TEST-0001/20240102-Test study/1/2.dcm')" = "$(date -ud \
	'2024-01-02 03:04:05' +%s)"
ok 'the manifest agrees' sh -c 'cd dest && cksum -c --quiet MANIFEST.TXT'
ok 'it lists all files twice' test "$(grep -c ' = ' dest/MANIFEST.TXT)" = 8
ok 'nothing else was left' test -z "$(find . -name '*imgexport-*')"

exits 3 'a folder that has something' imgexport -o dest 2.25.10
ok 'is refused' grep -qx 'imgexport: dest: is there and is not empty' err
rm -rf first.d && cp -r dest first.d
rm 'dest/TEST-0001/20240102-Test study/1/2.dcm'
exits 0 'with --force it is replaced' out_ --force -o dest 2.25.10
ok 'by the same' diff -r dest first.d
mkdir mine && echo mine >mine/file
exits 3 'but never what no export has made' out_ --force -o mine 2.25.10
ok 'which is as it was' test "$(cat mine/file)" = mine
mkdir void
exits 0 'an empty folder will do' out_ -o void/ 2.25.10
ok 'and gets the same' diff -r void first.d
ln -s void link
exits 3 'a symbolic link will not' out_ -o link 2.25.10
exits 3 'nor a file' out_ -o in/1.dcm 2.25.10
exits 64 'no destination' out_ 2.25.10
exits 64 'a folder above' out_ -o .. 2.25.10
exits 3 'a folder in none' out_ -o absent/x 2.25.10
ok 'is named' grep -q '^imgexport: absent: ' err

# ---- what is named --------------------------------------------------------

exits 0 'a series' out_ -o series 2.25.12
files series >got
same 'alone' got <<!
./TEST-0001/20240102-Test study/1/4.dcm
!
exits 0 'an instance, a file and a folder' out_ -o mixed 2.25.3 in/1.dcm in
ok 'what is there twice goes out once' test "$(records ignored)" = 1
ok 'and says so' grep -q '^{"status":"ignored","path":"in/1.dcm",.*"reason":"named before"' out
ok 'a file and the object of its bytes are two' test "$(records exported)" = 5
imgquery -l image --format jsonl SOPInstanceUID=2.25.2 >one.jsonl
sed 's/}$/,"note":"kept"}/' one.jsonl >noted.jsonl
exits 0 'records' sh -c 'imgexport -q -o recs <noted.jsonl'
ok 'what they say more stays' grep -q \
	'^{"status":"exported","path":"recs/.*"note":"kept"' out
exits 0 'a patient' sh -c \
	'imgquery -l patient | imgexport -q -o patient'
ok 'is all' diff -r patient first.d
# Of a copied disc the head of a file may be lost, or all of it.
mkdir copy && cp in/1.dcm copy/IM1 && cp in/2.dcm copy/IM2 &&
	dd if=/dev/zero of=copy/IM2 bs=512 count=1 conv=notrunc 2>/dev/null &&
	: >copy/IM3 && echo text >copy/README && tar -C in -cf copy/IM4 1.dcm
exits 2 'a folder with images that are none any more' out_ -o copied copy
sed 's/,"error".*//; s/,"Study.*//' out | sort >got
same 'does not pass over them' got <<'!'
{"status":"exported","path":"copied/TEST-0001/20240102-Test study/1/1.dcm"
{"status":"failed","path":"copy/IM2"
{"status":"failed","path":"copy/IM3"
{"status":"failed","path":"copy/IM4"
{"status":"ignored","path":"copy/README","reason":"not a DICOM file"}
!
exits 1 'nothing at all' out_ -o none </dev/null
mkdir bare
exits 1 'a folder with nothing in it' out_ -o none bare
same 'is told of' err <<!
imgexport: no files there
!
ok 'makes nothing' test ! -e none
exits 3 'what is not there' out_ -o none 2.25.999
same 'has a record' out <<!
{"status":"failed","path":"2.25.999","error":{"code":"io","message":"2.25.999: no such file, and no such UID in the archive","by":"imgexport"}}
!
ok 'and nothing is made' test ! -e none
exits 2 'one absent among others' out_ -o some 2.25.999 2.25.1 absent.dcm
ok 'which go out' test "$(files some | wc -l)" = 1
echo 'no image' >in/readme.txt
cp in/1.dcm in/5.dcm && head -c 700 in/1.dcm >in/cut.dcm
exits 2 'a folder with a text and a cut object' out_ -o tree in
brief >got
LC_ALL=C sort -o got got
same 'each has its verdict' got <<!
exported tree/TEST-0001/20240102-Test study/1-2/4.dcm
exported tree/TEST-0001/20240102-Test study/1/1-2.dcm
exported tree/TEST-0001/20240102-Test study/1/1.dcm
exported tree/TEST-0001/20240102-Test study/1/2.dcm
exported tree/TEST-0001/20240102-Test study/1/3.dcm
failed in/cut.dcm
ignored in/readme.txt
!
exits 2 'an error before us is passed on' sh -c '(cat one.jsonl; echo \
	"{\"status\":\"rejected\",\"path\":\"x\",\"error\":{\"code\":\"io\",\"message\":\"x: no\",\"by\":\"imgimport\"}}") |
	imgexport -q -o passed'
ok 'as it was' grep -qx '{"status":"rejected",.*"by":"imgimport"}}' out
ok 'and the rest is done' test "$(records exported)" = 1

# What imganon has withheld is named by the original's path.
echo '{"status":"withheld","path":"in/1.dcm","reason":"pixels"}' >held
exits 1 'what was withheld' sh -c 'imgexport -q -o held.d <held'
ok 'is passed on' cmp out held
ok 'and does not go out' test ! -e held.d
exits 1 'nor among others' sh -c 'cat held one.jsonl | imgexport -q -o held.d'
ok 'which do' test "$(files held.d | wc -l)" = 1
# The archive has another object under the UIDs of this one.
one kept.dcm 2 11 --name 'Pseudonym' --id ANON
echo '{"status":"deidentified","path":"kept.dcm","SOPInstanceUID":"2.25.2","digest":"'"$(hash kept.dcm)"'"}' >kept
exits 0 'an object that has kept its UIDs' sh -c 'imgexport -q -o kept.d <kept'
ok 'is not taken for the one in the archive' test \
	"$(hash "$(find kept.d -name '*.dcm')")" = "$(hash kept.dcm)"
exits 3 'one that is not what its record says' sh -c \
	'sed "s|kept.dcm|in/3.dcm|" kept | imgexport -q -o kept2.d'
ok 'does not go out' test ! -e kept2.d

# ---- names ----------------------------------------------------------------

mkdir paper && echo x >paper/letter.txt
exits 1 'nothing but what is ignored' imgexport -o paper.out paper
ok 'is said to be' grep -q '1 input: 1 ignored' err
ok 'makes nothing' test ! -e paper.out
exits 1 'nor in a dry run' imgexport -q -n -o paper.out paper
exits 0 'a layout' out_ -o lay --layout \
	'{Modality}/{InstanceNumber:4}-{0020,000e}.dcm' 2.25.1 2.25.4
files lay >got
same 'names as it says' got <<!
./CT/0001-2.25.11.dcm
./CT/0004-2.25.12.dcm
!
exits 0 'names that are the same' out_ -o clash --layout 'x.dcm' 2.25.10
files clash >got
same 'get numbers in the order of the objects' got <<!
./x-2.dcm
./x-3.dcm
./x-4.dcm
./x.dcm
!
ok 'the first is the first' cmp in/1.dcm clash/x.dcm
ok 'the last is the last' cmp in/4.dcm clash/x-4.dcm
n=20
for id in '../../up' '/etc' '-rf' '.hidden' 'CON' 'a|b;c$d' 'dot.' \
	"$(printf 'bell\033')" ''; do
	n=$((n + 1))
	phantom one --id "$id" --uid 2.25.$n --study 2.25.$n --series 2.25.$n \
		--modality OT evil$n.dcm
done
exits 0 'names from values that want out' out_ -o evil \
	--layout '{PatientID}/{SOPInstanceUID}' evil2?.dcm
files evil >got
same 'stay below' got <<!
./_.._.._up/2.25.21
./_.hidden/2.25.24
./_/2.25.29
./_CON/2.25.25
./_etc/2.25.22
./_rf/2.25.23
./a_b_c_d/2.25.26
./bell$(printf '\357\277\275')/2.25.28
./dot/2.25.27
!
n=40
for name in 'Müller^Jürgen' 'MÜLLER^JÜRGEN' 'Люксембург^Т=山田^太郎' '𠮷田' \
	"$(printf 'a\342\200\256b')"; do
	n=$((n + 1))
	phantom one --id "$n" --name "$name" --charset 'ISO_IR 192' \
		--uid 2.25.$n --study 2.25.$n --series 2.25.$n letters$n.dcm
done
phantom one --charset 'ISO_IR 192' --uid 2.25.46 --study 2.25.46 \
	--set "0020,4000=LT:$(printf 'é%09999d' 1)" letters46.dcm
exits 0 'names that are no ASCII' out_ -o letters \
	--layout '{PatientName}/{SOPInstanceUID}' letters4[1-5].dcm
files letters >got
same 'are there in full; case tells none of them apart' got <<!
./MÜLLER_JÜRGEN-2/2.25.42
./Müller_Jürgen/2.25.41
./a_b/2.25.45
./Люксембург_Т=山田_太郎/2.25.43
./𠮷田/2.25.44
!
exits 0 'a long one' out_ -o long --layout '{0020,4000}' letters46.dcm
ok 'is cut' test "$(files long)" = "./é$(printf '%094d' 0)"
for bad in '/x' 'x/' 'a//b' '{Nonsense}' '{PatientID' 'x}' '' \
	'{PatientID:99}' 'a\b'; do
	exits 64 "no layout: $bad" out_ -o lay2 --layout "$bad" 2.25.1
done
exits 0 'MANIFEST.TXT is ours' out_ -o man --layout MANIFEST.TXT 2.25.1
files man >got
same 'in any case' got <<!
./MANIFEST-2.TXT
!
exits 0 'a dry run' out_ -n -o dry 2.25.10
ok 'says what would be' test "$(grep -c '"dry_run":true' out)" = 4
ok 'and does nothing' test ! -e dry

# ---- links ----------------------------------------------------------------

exits 0 'hard links' out_ --link -o links 2.25.1
ok 'are the object' test "$(object in/1.dcm)" -ef \
	"$(find links -name 1.dcm)"

# ---- damage ---------------------------------------------------------------

exits 0 'without reading again' out_ --no-verify -o trust 2.25.1
ok 'the record says so' grep -q '"verified":false' out
victim=$(object in/2.dcm)
chmod u+w "$victim"
printf X | dd of="$victim" bs=1 seek=1500 conv=notrunc status=none
for how in '' --link --no-verify; do
	rm -rf part
	# shellcheck disable=SC2086 # maybe no word
	exits 2 "a damaged object ${how:-}" out_ $how -o part 2.25.10
	ok 'is not given out' test "$(files part | grep -c 2.dcm)" = 0
	ok 'is named by its digest' grep -q "^imgexport: $(hash in/2.dcm): damaged" err
	ok 'the others are' test "$(records exported)" = 3
	ok 'and the manifest has only these' sh -c \
		'cd part && cksum -c --quiet MANIFEST.TXT'
done
exits 3 'only a damaged one' out_ -o bad 2.25.2
ok 'and nothing is made' test ! -e bad

# ---- signals --------------------------------------------------------------

phantom large many 60 >/dev/null
stop()
{
	imgexport -q -o stopped many >out 2>err &
	pid=$!
	i=0
	until [ -d .stopped.imgexport-$pid ] || [ $i = 200 ]; do
		sleep 0.01
		i=$((i + 1))
	done
	kill -TERM $pid
	wait $pid
}
stop
ok 'a signal: status 143' test $? = 143
ok 'nothing has the name' test ! -e stopped
ok 'nothing is left' test -z "$(find . -name '*imgexport-*')"
ok 'nothing is reported' test "$(records exported)" = 0
rm -rf many

# A file system that is mounted stays where it is.
mkdir mnt
if mount -t tmpfs none mnt 2>/dev/null; then
	mkdir 'mnt/System Volume Information' mnt/.fseventsd
	echo 1 >'mnt/System Volume Information/IndexerVolumeGuid'
	exits 0 'into a mounted file system' out_ -o mnt 2.25.1
	files mnt >got
	ok 'what a system has put there stays' test -e \
		'mnt/System Volume Information/IndexerVolumeGuid'
	exits 3 'once more' out_ -o mnt 2.25.1
	umount mnt
	ok 'the files are in it' test "$(wc -l <got)" -gt 1
else
	skip 'into a mounted file system' 'it cannot be mounted here'
fi

# ---- trouble --------------------------------------------------------------

fail_with()
{
	failio "$1" imgexport -q -o "$2" 2.25.11
}
exits 3 'a full disk' fail_with write:ENOSPC:dest.imgexport full-dest
ok 'nothing has the name' test ! -e full-dest
exits 3 'a full disk and four files' failio write:ENOSPC:dest.imgexport \
	imgexport -q -o full-dest in/1.dcm in/2.dcm in/3.dcm in/4.dcm
ok 'each has a record' test "$(records failed)" = 4
same 'people are told once, and of how many' err <<!
imgexport: in/1.dcm: not exported: full-dest: No space left on device
imgexport: 3 more: full-dest: No space left on device
!
exits 3 'an archive that nobody reads' sh -c '{ sleep 0.3
	imgexport -q --as tar -o - in/1.dcm in/2.dcm; echo $? >status; } | true
	exit "$(cat status)"'
same 'is told once, too' err <<!
imgexport: in/1.dcm: not exported: stdout: Broken pipe
imgexport: 1 more: stdout: Broken pipe
!
exits 3 'a disk that gives back less' \
	fail_with pread:cut:cut-dest.imgexport cut-dest
ok 'is found out' grep -q 'reads back otherwise' err
ok 'nothing has the name' test ! -e cut-dest
exits 3 'a sync that fails' fail_with syncfs:EIO sync-dest
ok 'nothing has the name' test ! -e sync-dest
exits 3 'a name that cannot be had' fail_with renameat2:EIO name-dest
ok 'nothing has the name' test ! -e name-dest
# As on FAT: no files without a name, no renaming that replaces nothing.
fat='tmpfile:ENOTSUP noreplace:EINVAL'
for rule in "$fat" "$fat linkat:EPERM"; do
	rm -f fat.zip
	exits 0 'a file system that knows less' failio "$rule" \
		imgexport -q --as zip -o fat.zip 2.25.1
	ok 'the file is whole' unzip -tq fat.zip
done
rm -rf fat && exits 0 'a folder there' failio "$fat" \
	imgexport -q -o fat 2.25.1
exits 3 'which cannot be replaced' failio "$fat" \
	imgexport -q --force -o fat 2.25.1
ok 'is told' grep -q 'cannot replace folders at once' err
ok 'and nothing is left of them' test -z "$(find . -name '*imgexport-*')"
exits 3 'records to a full disk' sh -c 'imgexport -q -o fd 2.25.1 >/dev/full'

finish
