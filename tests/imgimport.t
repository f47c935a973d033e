# imgimport.t - operands, standard input, folders and what lies in them.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"

img a.dcm 1 && img b.dcm 2 && echo 'not an image' >bad.dcm

# ---- one file, the whole record ------------------------------------------

exits 0 'a file' imgimport -C arch a.dcm
sed 's/"digest":"[0-9a-f]\{64\}"/"digest":"D"/' out >masked
same 'its record' masked <<!
{"status":"stored","path":"a.dcm","StudyInstanceUID":"2.25.1","SeriesInstanceUID":"2.25.2","SOPInstanceUID":"2.25.1","SOPClassUID":"1.2.840.10008.5.1.4.1.1.7","TransferSyntaxUID":"1.2.840.10008.1.2.1","Modality":"OT","bytes":$(wc -c <a.dcm),"digest":"D"}
!
ok 'the sum' grep -qx 'imgimport: 1 input: 1 stored, [0-9.]* s' err
digest=$(sed 's/.*"digest":"\([0-9a-f]*\)".*/\1/' out)
ok 'the digest is the BLAKE2b-256 of the file' \
	test "$digest" = "$(b2sum -l 256 a.dcm | cut -d ' ' -f 1)"
shard=$(printf '%.2s' "$digest")
ok 'the object has its bytes and its name' \
	cmp a.dcm "arch/objects/$shard/$digest"
rows 'SELECT PatientID, PatientName, StudyInstanceUID, SeriesInstanceUID,
	SOPInstanceUID, current, n, bytes, place, added LIKE "20__-__-__T%Z"
	FROM patient JOIN study ON study.patient = patient.id
	JOIN series ON series.study = study.id
	JOIN instance ON instance.series = series.id
	JOIN object ON object.instance = instance.id' >got
same 'the catalog has it' got <<!
TEST-0001|Test^Synthetic|2.25.1|2.25.2|2.25.1|0|0|$(wc -c <a.dcm)||1
!
grep -c '"act":"stored",.*"digest":"'"$digest" arch/audit.log >got
same 'the audit log has it' got <<!
1
!
ok 'nothing is left in tmp' test -z "$(ls arch/tmp)"
ls arch >got
same 'the archive' got <<!
audit.log
catalog.db
catalog.db-shm
catalog.db-wal
lock
objects
quarantine
tmp
!
ok '256 shards' test "$(find arch/objects -mindepth 1 -type d | wc -l)" = 256

# ---- status --------------------------------------------------------------

exits 2 'one good, one bad' imgimport -C arch b.dcm bad.dcm
brief >got
same 'each has its record' got <<!
stored b.dcm
rejected bad.dcm
!
ok 'the bad one says why' grep -q \
	'"error":{"code":"not-dicom","message":"bad.dcm: not a DICOM file","by":"imgimport"}}$' out
ok 'and is named on stderr' \
	grep -qx 'imgimport: bad.dcm: not a DICOM file' err
ok 'the sum has both' grep -qx \
	'imgimport: 2 inputs: 1 stored, 1 rejected, [0-9.]* s' err
exits 3 'only a bad one' import bad.dcm
exits 3 'an absent one' import absent.dcm
same 'is failed, not rejected' out <<!
{"status":"failed","path":"absent.dcm","error":{"code":"io","message":"absent.dcm: No such file or directory","by":"imgimport"}}
!
exits 2 'an absent one among good ones' import absent.dcm a.dcm
exits 0 'many operands' import a.dcm b.dcm a.dcm
same 'a record each, in their order' out <<!
$(import -- a.dcm b.dcm a.dcm)
!
brief >got
same 'of what is there already' got <<!
duplicate a.dcm
duplicate b.dcm
duplicate a.dcm
!
mkdir empty
exits 1 'an empty folder' import empty
ok 'has nothing to say' test ! -s out
exits 1 'one of standard input' sh -c 'echo empty | imgimport -q -C arch'
same 'is told' err <<!
imgimport: no files there
!
exits 0 'no input at all' sh -c ': | imgimport -q -C arch -'
exits 0 'an operand that looks like an option' sh -c \
	'cp a.dcm ./-x && imgimport -q -C arch -- -x'
exits 64 'an unknown option' import --nonsense a.dcm
exits 64 'a word that is none of --on-conflict' import --on-conflict maybe a.dcm
exits 64 'no number of jobs' import -j x a.dcm
exits 64 'sixteen jobs' import -j 16 a.dcm
for bad in '--in-place --set StudyID=1' '--in-place --quarantine' \
	'-n --quarantine' '--from-tar x a.dcm' '--from-tar x --in-place'; do
	rm -rf none
	# shellcheck disable=SC2086 # words
	exits 64 "$bad exclude each other" imgimport -C none $bad
	ok 'and nothing is made' test ! -e none
done
exits 3 'an archive that cannot be made' imgimport -C a.dcm/x b.dcm
ok 'is named' grep -q '^imgimport: a.dcm/x: ' err

# ---- where the archive is ------------------------------------------------

(unset HOME XDG_DATA_HOME; IMG_CATALOG=$PWD/env imgimport -q a.dcm) >out
ok 'IMG_CATALOG' test -f env/catalog.db
(XDG_DATA_HOME=$PWD/xdg imgimport -q a.dcm) >out
ok 'XDG_DATA_HOME' test -f xdg/imgtools/catalog.db
imgimport -q a.dcm >out
ok 'HOME' test -f "$HOME/.local/share/imgtools/catalog.db"
exits 0 'a folder that is not there yet, three deep' imgimport -C x/y/z a.dcm
ok 'is for its owner alone' test "$(stat -c %a x/y/z)" = 700

# ---- standard input ------------------------------------------------------

# With the facts of the object it would be longer than a line may be.
perl -e 'printf "{\"path\":\"a.dcm\",\"long\":\"%s\"}\n", "x" x 1048400' >in
exits 0 'a record that grows too long' imgimport -q -C long <in
ok 'says what became of it' grep -q '^{"status":"stored","path":"a.dcm",' out
ok 'and that it is cut' grep -q '"warning":\["cut: members of the input' out
ok 'what made it long is not there' test "$(wc -c <out)" -lt 2000

for i in 11 12 13 14; do img "s$i.dcm" $i; done
mkdir dir && img dir/s15.dcm 15
printf '%s\n' s11.dcm '{"path":"s12.dcm","note":"kept"}' '' dir \
	'{"status":"rejected","path":"gone",  "error":{"code":"io","x":1}}' >in
exits 2 'paths and records' import <in
ok 'an error from before rides through untouched' grep -Fqx \
	'{"status":"rejected","path":"gone",  "error":{"code":"io","x":1}}' out
sort out >sorted
brief sorted >got
same 'each is taken' got <<!
rejected gone
stored dir/s15.dcm
stored s11.dcm
stored s12.dcm
!
ok 'what a record says besides stays' grep -q \
	'"path":"s12.dcm".*"note":"kept"}$' out
ok 'with its input alone' test "$(grep -c '"note"' out)" = 1
printf '%s\n' '{"path":"s12.dcm","a":[1,{"b":null}],"bytes":7,"digest":"x"}' \
	'{"path":"dir","c":1}' '{"path":"bad.dcm","d":"e"}' \
	'{"path":"nowhere","f":true}' >in
exits 2 'records of other kinds' import <in
sed 's/"StudyInst.*"digest":"[0-9a-f]*"/-/; s/"error".*}}*,/"error",/' out >got
same 'keep theirs, but for folders' got <<!
{"status":"duplicate","path":"s12.dcm",-,"a":[1,{"b":null}]}
{"status":"duplicate","path":"dir/s15.dcm",-}
{"status":"rejected","path":"bad.dcm","error","d":"e"}
{"status":"failed","path":"nowhere","error","f":true}
!
printf '{"SOPInstanceUID":"2.25.1"}\ns11.dcm\n' >in
exits 2 'a record without a path' import <in
ok 'has one with an error' grep -Fqx \
	'{"status":"failed","SOPInstanceUID":"2.25.1","error":{"code":"usage","message":"stdin: line 1: a record without a path","by":"imgimport"}}' out
echo '{"status":"withheld","path":"s13.dcm","reason":"pixels","note":1}' >in
exits 1 'what imganon has withheld' import <in
ok 'is passed on, and is not stored' cmp in out
printf 's13.dcm\0s14.dcm\0' >in
exits 0 '-0' import -0 <in
brief >got
same 'both' got <<!
stored s13.dcm
stored s14.dcm
!
echo a.dcm >in
exits 0 '- among operands' import b.dcm - s11.dcm <in
brief >got
same 'in its place' got <<!
duplicate b.dcm
duplicate a.dcm
duplicate s11.dcm
!
echo '{bad' >in
exits 3 'a line that is no record' import <in
exits 0 'nothing on stdin' import </dev/null
exits 3 'stdin is a folder' import - <dir

# ---- folders and odd files -----------------------------------------------

mkdir -p tree/sub/deeper other && img tree/b.dcm 21 && img tree/a.dcm 22
img tree/sub/c.dcm 23 && img tree/sub/deeper/d.dcm 24 && img other/e.dcm 25
img elsewhere.dcm 26
ln -s ../elsewhere.dcm tree/link.dcm
ln -s ../other tree/linkdir
ln -s nowhere tree/dangling
ln -s loop tree/loop
mkfifo tree/fifo
perl -MIO::Socket::UNIX -e \
	'IO::Socket::UNIX->new(Local => "tree/socket", Listen => 1) or die'
exits 2 'a folder' timeout 20 imgimport -q -C arch tree
sort out >sorted
sed 's/"StudyInst.*"digest":"[0-9a-f]*"/-/' sorted >got
same 'file by file' got <<!
{"status":"failed","path":"tree/dangling","error":{"code":"io","message":"tree/dangling: No such file or directory","by":"imgimport"}}
{"status":"failed","path":"tree/loop","error":{"code":"io","message":"tree/loop: Too many levels of symbolic links","by":"imgimport"}}
{"status":"ignored","path":"tree/fifo","reason":"FIFO"}
{"status":"ignored","path":"tree/linkdir","reason":"symbolic link to a folder"}
{"status":"ignored","path":"tree/socket","reason":"socket"}
{"status":"stored","path":"tree/a.dcm",-}
{"status":"stored","path":"tree/b.dcm",-}
{"status":"stored","path":"tree/link.dcm",-}
{"status":"stored","path":"tree/sub/c.dcm",-}
{"status":"stored","path":"tree/sub/deeper/d.dcm",-}
!
exits 0 'a symbolic link to a folder as operand is followed' \
	import tree/linkdir
brief >got
same 'and keeps its name' got <<!
stored tree/linkdir/e.dcm
!
exits 3 'a FIFO as operand does not hang' timeout 20 imgimport -q -C arch tree/fifo
exits 3 'nor does a device' timeout 20 imgimport -q -C arch /dev/zero
exits 0 'a folder with a slash at its end' import dir/
brief >got
same 'has no second one in the path' got <<!
duplicate dir/s15.dcm
!
exits 0 'the folder one stands in' sh -c 'cd dir && imgimport -q -C ../arch .'
brief >got
same 'has a dot' got <<!
duplicate ./s15.dcm
!

if is_root; then
	as=nobody
	chmod 777 . "$T" && mkdir -m 777 nb
else
	as='env'
	mkdir nb
fi
if $as true 2>/dev/null; then
	mkdir -p shut/no && img shut/no/x.dcm 31 && img shut/y.dcm 32
	img shut/z.dcm 33
	chmod 755 shut && chmod 644 shut/y.dcm
	chmod 0 shut/no shut/z.dcm
	exits 2 'what may not be read' $as imgimport -q -C nb/arch shut
	sort out >sorted
	sed 's/"StudyInst.*"digest":"[0-9a-f]*"/-/' sorted >got
	same 'is failed, the rest is stored' got <<!
{"status":"failed","path":"shut/no","error":{"code":"denied","message":"shut/no: Permission denied","by":"imgimport"}}
{"status":"failed","path":"shut/z.dcm","error":{"code":"denied","message":"shut/z.dcm: Permission denied","by":"imgimport"}}
{"status":"stored","path":"shut/y.dcm",-}
!
	chmod 700 shut/no shut/z.dcm
	mkdir -m 555 sealed
	exits 3 'an archive where nothing may be written' \
		$as imgimport -C sealed shut/y.dcm
else
	skip 'what may not be read' 'no way to be another user'
fi

# ---- names ---------------------------------------------------------------

mkdir names
i=40
for n in 'with blank' "$(printf 'new\nline')" "$(printf 'latin\344')" \
	"$(printf 'esc\033[2J')" '"quoted"' 'back\slash' '{brace' '日本'; do
	i=$((i + 1))
	img "names/$n.dcm" $i
done
exits 0 'odd names' import names
sort out >sorted
brief sorted >got
same 'come out as JSON' got <<!
stored names/\"quoted\".dcm
stored names/back\\\\slash.dcm
stored names/esc\\u001b[2J.dcm
stored names/latin�.dcm
stored names/new\\nline.dcm
stored names/with blank.dcm
stored names/{brace.dcm
stored names/日本.dcm
!
exits 0 'and are known the second time' import names
ok 'all of them' test "$(records duplicate)" = 8
find names -type f -print0 >in
exits 0 'by -0, too' import -0 --rehash <in
ok 'all of them' test "$(records duplicate)" = 8
printf 'no\033[2Jsuch\n' >in
exits 3 'a bad name on stderr' import <in
ok 'drives no terminal' grep -qx 'imgimport: no?\[2Jsuch: No such file.*' err

# ---- deep, many, and the archive itself ----------------------------------

p=deep
for i in $(seq 1 126); do p=$p/d; done
mkdir -p "$p/d/d/d" && img "$p/x.dcm" 61 && img "$p/d/d/y.dcm" 62
exits 2 'folders 130 deep' import deep
sed 's/"StudyInst.*"digest":"[0-9a-f]*"/-/; s/\(d\/\)\{100,\}/D/g' out >got
same 'are read to 128, and it is said' got <<!
{"status":"failed","path":"deep/Dd","error":{"code":"limit","message":"deep/Dd: folders nested deeper than 128","by":"imgimport"}}
{"status":"stored","path":"deep/Dx.dcm",-}
!
p=lengthy$(printf '/%0150d' 1 2 3 4)
mkdir -p "$p" && head -c 300 a.dcm >"$p/x.dcm"
for i in first second; do
	exits 3 "a path of 600 bytes, the $i time" import lengthy
	ok 'does not push out what is wrong' grep -q \
		'"message":"lengthy/0.*\.\.\.0.*/x.dcm: ends at byte 300' out
done
exits 3 'under a shorter one' sh -c 'cd lengthy/0* && imgimport -q -C ../../arch 0*'
ok 'it has the same verdict' grep -q 'x.dcm: ends at byte 300' out
mkdir many && phantom small many 1
f=$(find many -type f)
mkdir flat
i=0
while [ $i -lt 3000 ]; do
	i=$((i + 1))
	ln "$f" "flat/$i.dcm"
done
exits 0 'a folder of 3,000' import flat
ok 'a record each' test "$(brief | sort -u | wc -l)" = 3000
ok 'one of them stored' test "$(records stored)" = 1

img inside.dcm 71 && mkdir around && mv inside.dcm around/
exits 0 'an archive inside the folder' imgimport -q -C around/arch around
sort out >sorted
brief sorted >got
same 'is not read' got <<!
ignored around/arch
stored around/inside.dcm
!
ok 'and says what it is' grep -q '"reason":"the archive itself"}$' out
exits 0 'the archive as operand' import arch
brief >got
same 'is not read, either' got <<!
ignored arch
!
exits 0 'nor through a link, nor a part of it' sh -c 'ln -s arch alias &&
	imgimport -q -C alias arch alias/../arch alias/objects'
ok 'nothing is stored' test "$(grep -c 'the archive itself' out)" = 3
ok 'still nothing is left in tmp' test -z "$(ls arch/tmp)"
for part in objects tmp objects/00/.. objects/00 tmp/new new/one; do
	exits 3 "$part of an archive is none" imgimport -q -C arch/$part around
	same 'and becomes none' err <<!
imgimport: arch/$part: lies in an archive, and is none
!
done
ok 'no folder is made for one' test ! -e arch/new -a ! -e arch/tmp/new
mkdir -p arch/two/objects
exits 0 'one that was there before' imgimport -q -C arch/two around/inside.dcm
rm arch/two/catalog.db*
exits 1 'gets its catalog again' imgverify -q -C arch/two --rebuild
rm -rf arch/two
exits 0 'all this is intact' verify --all
finish
