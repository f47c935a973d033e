# imgverify.t - objects and the audit log: what was changed is found.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"

for i in 1 2 3 4 5 6 7 8 9; do
	mkdir -p in && img in/$i.dcm $i --study "2.25.10$((i % 2))" \
		--series "2.25.20$((i % 3))" --id "TEST-000$((i % 2))"
done
import in >/dev/null
cp -a arch pristine
whole=$(ls in | wc -l)

# again: the archive as it was
again()
{
	chmod -R u+w arch 2>/dev/null
	rm -rf arch && cp -a pristine arch
	[ -z "${o-}" ] || chmod u+w "$o"
}

# object N: the file of the object of 2.25.N
object()
{
	rows "SELECT 'arch/objects/' || substr(lower(hex(digest)), 1, 2) ||
		'/' || lower(hex(digest)) FROM object JOIN instance
		ON instance.id = instance WHERE SOPInstanceUID = '2.25.$1'"
}

# bad: the records that are not intact, without the digest
bad()
{
	sed 's/,"digest":"[0-9a-f]\{64\}"//; s/[0-9a-f]\{64\}/H/' out |
		grep -v '^{"status":"intact"' | sort
}

exits 0 'an archive as it was made' imgverify -C arch --all
ok 'all is intact' test "$(records intact)" = 9
ok 'the sum' grep -qx 'imgverify: 9 inputs: 9 intact, [0-9.]* s' err
grep '2.25.5"' out | sed 's/"digest":"[0-9a-f]\{64\}"/"digest":"D"/' >got
same 'a record' got <<!
{"status":"intact","StudyInstanceUID":"2.25.101","SeriesInstanceUID":"2.25.202","SOPInstanceUID":"2.25.5","SOPClassUID":"1.2.840.10008.5.1.4.1.1.7","TransferSyntaxUID":"1.2.840.10008.1.2.1","Modality":"OT","bytes":$(wc -c <in/5.dcm),"digest":"D"}
!
rows 'SELECT count(*), min(verdict) FROM object WHERE checked LIKE "20%Z"' >got
same 'it is written down' got <<!
9|intact
!

# ---- damage --------------------------------------------------------------

# damage TEXT: changes made to the object of 2.25.5, which is found damaged
damaged()
{
	exits 1 "$1" timeout 60 imgverify -q -C arch --all
	bad >got
	same "$1: told" got <<!
{"status":"damaged","StudyInstanceUID":"2.25.101","SeriesInstanceUID":"2.25.202","SOPInstanceUID":"2.25.5","SOPClassUID":"1.2.840.10008.5.1.4.1.1.7","TransferSyntaxUID":"1.2.840.10008.1.2.1","Modality":"OT","bytes":$(wc -c <in/5.dcm),"reason":"its bytes are not those that were stored"}
!
	ok "$1: the others are intact" test "$(records intact)" = 8
	exits 1 "$1: by UID" timeout 60 imgverify -q -C arch 2.25.5
	ok "$1: written down" test "$(rows 'SELECT count(*) FROM object
		WHERE verdict = "damaged"')" = 1
	again
}

o=$(object 5)
for bit in 0 7; do
	for at in 0 500 $(($(wc -c <in/5.dcm) - 1)); do
		chmod u+w "$o"
		bitflip "$o" $at $bit >/dev/null
		exits 1 "bit $bit of byte $at" verify --all
		ok 'one is damaged' test "$(records damaged)" = 1
		again
	done
done
bitflip "$o" 500 >/dev/null
damaged 'a flipped bit'
truncate -s -1 "$o"
damaged 'a byte cut off'
: >"$o"
damaged 'empty'
echo >>"$o"
damaged 'a byte added'
cp -f "$(object 6)" "$o"
damaged 'the bytes of another object'
rm -f "$o" && mkdir "$o"
damaged 'a folder in its place'
rm -f "$o" && ln -s "$(basename "$(object 6)")" "$o"
damaged 'a link to another object'
cp "$o" copy && rm -f "$o" && ln -s "$PWD/copy" "$o"
damaged 'a link to its own bytes'
rm -f "$o" && ln -s nowhere "$o"
damaged 'a link to nowhere'
rm -f "$o" && mkfifo "$o"
damaged 'a FIFO in its place'
rm -f "$o" && perl -MIO::Socket::UNIX -e 'chdir $ARGV[0];
	IO::Socket::UNIX->new(Local => $ARGV[1], Listen => 1) or die' \
	"$(dirname "$o")" "$(basename "$o")"
damaged 'a socket in its place'

p=$(object 6)
cp "$o" tmp.o && cp -f "$p" "$o" && cp -f tmp.o "$p"
exits 1 'two objects swapped' verify --all
ok 'both are damaged' test "$(records damaged)" = 2
again

rm -f "$o"
exits 1 'an object taken away' verify --all
bad >got
same 'is missing' got <<!
{"status":"missing","StudyInstanceUID":"2.25.101","SeriesInstanceUID":"2.25.202","SOPInstanceUID":"2.25.5","SOPClassUID":"1.2.840.10008.5.1.4.1.1.7","TransferSyntaxUID":"1.2.840.10008.1.2.1","Modality":"OT","bytes":$(wc -c <in/5.dcm)}
!
ok 'written down' test "$(rows \
	'SELECT count(*) FROM object WHERE verdict = "missing"')" = 1
again
rm -rf "$(dirname "$o")"
exits 1 'with its folder' verify --all
ok 'is missing' test "$(records missing)" = 1
again

mkdir -p arch/objects/00
img extra.dcm 77
d=$(b2sum -l 256 extra.dcm | cut -d ' ' -f 1)
e=arch/objects/$(printf '%.2s' "$d")
mkdir -p "$e" && cp extra.dcm "$e/$d"
cp extra.dcm arch/objects/00/readme.txt
cp extra.dcm "arch/objects/00/$(printf 'odd\nname\377')"
mkdir arch/objects/00/folder arch/objects/zz arch/objects/0
cp extra.dcm arch/objects/stray
rmdir arch/objects/77 2>/dev/null && cp extra.dcm arch/objects/77
cp extra.dcm "arch/objects/00/$d"
exits 1 'what is in no row' verify --all
bad | sed 's/.*"path":"\(.*\)","reason":"in no row of the catalog"}/\1/' >got
same 'is extra' got <<!
objects/0
objects/00/H
objects/00/folder
objects/00/odd\\nname�
objects/00/readme.txt
objects/$(printf '%.2s' "$d")/H
objects/77
objects/stray
objects/zz
!
ok 'all else is intact' test "$(records intact)" = 9
for i in 1 2 3; do
	verify --subset $i/3 >out.$i
done
cat out.1 out.2 out.3 >out
ok 'parts tell each extra once' test "$(records extra)" = 9
exits 0 'the import of its bytes adopts it' import extra.dcm
brief >got
same 'as stored' got <<!
stored extra.dcm
!
again

# ---- which objects -------------------------------------------------------

exits 0 'a study' verify 2.25.101
ok 'has five' test "$(records intact)" = 5
exits 0 'a series' verify 2.25.202
ok 'has three' test "$(records intact)" = 3
exits 0 'an image' verify 2.25.4
ok 'is one' test "$(records intact)" = 1
exits 1 'a UID that is not there' verify 2.25.4 2.25.999 absent
grep -v intact out >got
same 'is missing, and so is a file' got <<!
{"status":"missing","path":"2.25.999","reason":"not in the catalog"}
{"status":"missing","path":"absent","reason":"no such file, and not in the catalog"}
!
digest=$(sed -n 's/.*"digest":"\([0-9a-f]*\)".*/\1/p' out | head -n 1)
o=$(object 4)
cp "$o" elsewhere && chmod u+w elsewhere && cp elsewhere changed &&
	printf x >>changed
for f in elsewhere changed gone; do
	echo '{"status":"deidentified","path":"'$f'","SOPInstanceUID":"2.25.77","digest":"'"$digest"'"}'
done >in.lines
echo '{"status":"withheld","path":"w","reason":"pixels"}' >>in.lines
exits 1 'files of records that no catalog has' verify - <in.lines
same 'by their own digests' out <<!
{"status":"intact","path":"elsewhere","SOPInstanceUID":"2.25.77","digest":"$digest"}
{"status":"damaged","path":"changed","SOPInstanceUID":"2.25.77","digest":"$digest","reason":"its bytes are not those of the record"}
{"status":"missing","path":"gone","SOPInstanceUID":"2.25.77","digest":"$digest","reason":"no such file"}
{"status":"withheld","path":"w","reason":"pixels"}
!
# Nobody looks into an archive for one file: it is not known to be missing.
for status in exported stored; do
	echo '{"status":"'$status'","path":"elsewhere!/A/1","SOPInstanceUID":"2.25.77","digest":"'"$digest"'"}'
done >in.lines
exits 2 'members of an archive' verify - <in.lines
same 'are missing in the catalog only' out <<!
{"status":"failed","path":"elsewhere!/A/1","SOPInstanceUID":"2.25.77","digest":"$digest","error":{"code":"unsupported","message":"elsewhere!/A/1: lies in an archive or on a disc, which --media checks","by":"imgverify"}}
{"status":"missing","path":"elsewhere!/A/1","SOPInstanceUID":"2.25.77","reason":"not in the catalog with this digest"}
!
printf '%s\n' 2.25.4 '{"StudyInstanceUID":"2.25.100","x":1}' \
	'{"StudyInstanceUID":"2.25.101","SeriesInstanceUID":"2.25.201"}' \
	'{"path":"x","error":{"code":"io"}}' '{"path":"x"}' >in.lines
exits 2 'UIDs and records on stdin' verify <in.lines
ok 'each stands for its objects' test "$(records intact)" = 8
ok 'an error rides through' grep -qx '{"path":"x","error":{"code":"io"}}' out
ok 'a record without a UID fails, and is named' grep -Fqx '{"status":"failed","path":"x","error":{"code":"usage","message":"x: a record that names nothing: it has neither a UID nor a path and a digest","by":"imgverify"}}' out
{
	echo '{"path":"elsewhere","digest":"'"$digest"'","note":1}'
	echo '{"path":"changed","digest":"'"$digest"'"}'
} >in.lines
exits 1 'a path and a digest, and no UID' verify <in.lines
same 'are enough' out <<!
{"status":"intact","path":"elsewhere","digest":"$digest","note":1}
{"status":"damaged","path":"changed","digest":"$digest","reason":"its bytes are not those of the record"}
!
exits 0 'what imgimport prints can be verified' sh -c \
	'imgimport -q -C arch in | imgverify -q -C arch'
ok 'all of it' test "$(records intact)" = 9
# The file that it came from is there; the archive has it no more, or has other
# bytes with its UID.
phantom one --uid 2.25.4 --pixel 9 other.dcm
imgimport -q -C otherwise other.dcm >/dev/null
phantom one --uid 2.25.78 only.dcm
imgimport -q -C takes only.dcm other.dcm >taken
phantom one --uid 2.25.4 --pixel 8 other.dcm
imgimport -q -C takes other.dcm >>taken
exits 1 'what was taken in elsewhere' imgverify -q -C otherwise <taken
sed 's/"status":"\([a-z]*\)".*"SOPInstanceUID":"\([^"]*\)".*/\1 \2/; s/^{//' \
	out | sort >got
same 'is not what is here' got <<!
intact 2.25.4
missing 2.25.4
missing 2.25.78
!

mkdir more && phantom small more 60 && import more >/dev/null
n=$(rows 'SELECT count(*) FROM object')
for m in 1 2 3 7 100; do
	: >all
	i=0
	while [ $((i += 1)) -le $m ]; do
		verify --subset "$i/$m" >part || fail_ "part $i/$m" part
		cat part >>all
	done
	sort all | uniq -d >twice
	ok "parts of $m: no object twice" test ! -s twice
	ok "parts of $m: every object" test "$(sort -u all | wc -l)" = "$n"
done
verify --subset 3/7 >a && sleep 1 && verify --subset 3/7 >b
ok 'a part stays the same' cmp a b

again
import more >/dev/null
exits 0 'twenty percent' verify --subset 20%
ok 'of 69 are 14' test "$(records intact)" = 14
sleep 1
cp out first
exits 0 'twenty more percent' verify --subset 20%
ok 'are others' test -z "$(sort first out | uniq -d)"
sleep 1
for i in 1 2 3; do
	verify --subset 20% >>out
	sleep 1
done
sort -u first out >all
ok 'five times twenty percent are everything' \
	test "$(wc -l <all)" = 69
exits 0 'a hundred percent' verify --subset 100%
ok 'are everything' test "$(records intact)" = 69
exits 0 'checked today, so not older than a day' verify --all --older-than 1
ok 'none' test ! -s out
exits 0 'older than 0 days is everything' verify --all --older-than 0
ok 'all' test "$(records intact)" = 69
imgquery -C arch -l image >images
was=$(rows 'SELECT max(checked) FROM object')
sleep 1
# A sanitizer does not look for leaks below a tracer.
exits 0 'image by image' env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" \
	strace -f -o trace -e trace=fsync,fdatasync \
	imgverify -q -C arch <images
ok 'all' test "$(records intact)" = 69
ok 'does not wait for the disk each time' test "$(wc -l <trace)" -lt 40
ok 'and each is noted' test "$(rows "SELECT count(*) FROM object
	WHERE checked > '$was'")" = 69
ok 'and counted' sh -c \
	'tail -n 1 arch/audit.log | grep -q "verified\",\"count\":69,"'
again
exits 0 'never checked is older than any day' verify --all --older-than 30
ok 'all nine' test "$(records intact)" = 9
exits 0 'one percent of nine' sh -c 'rm -rf arch && cp -a pristine arch &&
	imgverify -q -C arch --subset 1%'
ok 'is one' test "$(records intact)" = 1

# ---- wrong usage ---------------------------------------------------------

for bad in '--all --audit' '--all --subset 1/2' '--rebuild --audit' \
	'--all 2.25.1' '--rebuild 2.25.1' '--older-than 3' '-n' '-n --all' \
	'--subset 0/3' '--subset 4/3' '--subset 3' '--subset 1/0' \
	'--subset x' '--subset 1/2/3' '--subset 1/-1' '--subset -1/2' \
	'--subset +1/2' '--subset 0%' '--subset 101%' '--subset 10%x' \
	'--subset 1.5%' '--older-than x --all' '-j 0x --all' '-j 17 --all' \
	'--all --against x' '--audit --against x' '--media x --against x' \
	'--all --new-sign-key x' '--audit --new-sign-key x' \
	'--media x --phi x' '--against x --phi x' '--audit --phi x' \
	'--rebuild --phi x' '--same --phi x 2.25.1 2.25.2' \
	'--media x --deep' '--against x --deep' '--audit --deep' \
	'--rebuild --deep' '--new-sign-key x --deep' \
	'--nonsense'; do
	# shellcheck disable=SC2086 # words
	exits 64 "usage: $bad" verify $bad
	# shellcheck disable=SC2086
	exits 64 'whatever the archive is' imgverify -C none $bad
done
exits 64 'an empty part' verify --subset ''
exits 64 'a blank in a part' verify --subset ' 1/2'
exits 3 'no archive' imgverify -C none --all
same 'is told, and nothing is summed up' err <<'!'
imgverify: none: no archive is there; imgimport makes one
!
ok 'is not made' test ! -e none
mkdir nothing
exits 3 'a folder that is none' imgverify -C nothing --all
ok 'stays empty' test -z "$(ls nothing)"
exits 3 'a full disk for the records' sh -c \
	'imgverify -q -C arch --all >/dev/full'
same 'is told once' err <<'!'
imgverify: stdout: No space left on device
!
exits 0 'compared with a new catalog' imgverify -C arch -n --rebuild
ok 'it says of how many objects' \
	grep -qx 'imgverify: 9 objects read, differences: 0' err
again

# ---- archives that cannot be written -------------------------------------

if is_root && unshare -m true 2>/dev/null; then
	chmod u+w "$o" && bitflip "$o" 500 >/dev/null
	cat >ro.sh <<'!'
mount --bind arch arch && mount -o remount,ro,bind arch &&
	exec imgverify -q -C arch --all
!
	exits 1 'on a read-only disk' unshare -m sh ro.sh
	ok 'one is damaged' test "$(records damaged)" = 1
	ok 'the others are intact' test "$(records intact)" = 8
	ok 'and nothing is written down' test "$(rows \
		'SELECT count(*) FROM object WHERE checked IS NOT NULL')" = 0
	again
else
	skip 'on a read-only disk' 'not root, or no mount name space'
fi

# ---- the audit log -------------------------------------------------------

exits 0 'the audit log' imgverify -C arch --audit
sed 's/"head":"[0-9a-f]\{64\}"/"head":"H"/' out >got
same 'is whole' got <<!
{"status":"intact","path":"audit.log","lines":9,"head":"H"}
!
head=$(sed 's/.*"head":"\([0-9a-f]*\)".*/\1/' out)
tail -n 1 arch/audit.log | head -c -1 | b2sum -l 256 | cut -d ' ' -f 1 >got
same 'its head is the digest of its last line' got <<!
$head
!

# broken TEXT LINE REASON: what was done to audit.log is found
broken()
{
	exits 1 "audit: $1" verify --audit
	sed 's/,"lines":.*//' out >got
	same "audit: $1: told" got <<!
{"status":"damaged","path":"audit.log","reason":"line $2: $3"
!
	again
}
sed -i '4s/"act":"stored"/"act":"staged"/' arch/audit.log
broken 'a word altered' 5 'does not follow the line before'
sed -i '9s/"uid":[0-9]*/"uid":77/' arch/audit.log
broken 'the last line altered' 9 'not the line that the catalog knows'
sed -i '$d' arch/audit.log
broken 'the last line deleted' 9 'the newest lines are gone'
bitflip -s '"prev"' -n 6 arch/audit.log 3 >/dev/null
broken 'a bit flipped' 6 'not a line of this log'
sed -i 4d arch/audit.log
broken 'a line deleted' 4 'does not follow the line before'
sed -i 1d arch/audit.log
broken 'the first line deleted' 1 'does not follow the line before'
sed -i '4{h;d};5{G}' arch/audit.log
broken 'two lines in another order' 4 'does not follow the line before'
sed -i 4p arch/audit.log
broken 'a line twice' 5 'does not follow the line before'
sed -i '4s/^/\n/' arch/audit.log
broken 'an empty line' 4 'not a line of this log'
sed -n '1s/"n":1/"n":2/p' arch/audit.log >first && cp first arch/audit.log
broken 'a number left out' 1 'number out of order'
echo garbage >>arch/audit.log
broken 'a line added' 10 'not a line of this log'
{ head -c 100000 /dev/zero | tr '\0' x; echo; } >>arch/audit.log
broken 'a long line added' 10 'cut off, or not a line of this log'
truncate -s -20 arch/audit.log
broken 'cut in its last line' 9 'cut off, or not a line of this log'
printf xyz >>arch/audit.log
broken 'a few bytes added' 10 'cut off, or not a line of this log'
for all in --audit --all '--subset 1/2' --scrub; do
	rm arch/audit.log
	# shellcheck disable=SC2086
	exits 1 "$all: no audit log" verify $all
	grep -v '"intact"' out >got
	same 'the catalog knows that there was one' got <<!
{"status":"missing","path":"audit.log","reason":"the catalog knows 9 lines of it"}
!
	again
done
mkfifo pipe && mv pipe arch/audit.log
for all in --all '--subset 1/1'; do
	# shellcheck disable=SC2086
	exits 2 "$all with something else in its place" verify $all
	ok 'reads the objects all the same' \
		test "$(records intact)" = "$whole"
	grep -v '"intact"' out >got
	same 'and blames nothing else' got <<!
{"status":"failed","path":"audit.log","error":{"code":"malformed","message":"arch/audit.log: not a file","by":"imgverify"}}
!
done
exits 3 '--scrub ends, as it writes down what it reads' verify --scrub
grep -v '"intact"' out >got
same 'and blames nothing else' got <<!
{"status":"failed","path":"audit.log","error":{"code":"malformed","message":"arch/audit.log: not a file","by":"imgverify"}}
!
ok 'in so many words' grep -qx 'imgverify: arch: a scrub writes down what it has read, and may not write into the audit log' err
exits 1 '--rebuild does without' verify --rebuild
grep -v '"intact"' out >got
same 'and blames nothing else' got <<!
{"status":"damaged","path":"audit.log","reason":"not a file"}
!
rm arch/audit.log
again
echo none >>arch/audit.log
exits 1 '--all with a last line that is not of this log' verify --all
ok 'reads the objects all the same' test "$(records intact)" = "$whole"
grep -v '"intact"' out >got
same 'and blames nothing else' got <<!
{"status":"damaged","path":"audit.log","reason":"its last line is not of this log"}
!
again
sed -i 4d arch/audit.log
exits 1 '--all with a line that is gone' verify --all
grep -v '"intact"' out | sed 's/,"lines":.*//' >got
same 'tells it, too' got <<!
{"status":"damaged","path":"audit.log","reason":"line 4: does not follow the line before"
!
again
head -c 60 arch/audit.log >>arch/audit.log
exits 0 '--all while a line is being written' verify --all
again

# A crash tears a line that the catalog does not know yet.
head -c 60 arch/audit.log >>arch/audit.log
img late.dcm 88
exits 0 'an import after a torn line' import late.dcm
exits 0 'mends it' verify --audit
sed 's/"head":.*//' out >got
same 'and says so in a line of its own' got <<!
{"status":"intact","path":"audit.log","lines":11,
!
sed -n '10s/.*"act":"\([a-z]*\)".*/\1/p' arch/audit.log >got
same 'the tenth' got <<!
recovered
!
# What a power cut leaves of lines that were on their way: the length alone.
head -c 4000 /dev/zero >>arch/audit.log
img later.dcm 89
exits 0 'an import after a block of zeros' import later.dcm
exits 0 'mends it, too' verify --audit
ok 'in a line of its own' test "$(grep -c '"act":"recovered"' arch/audit.log)" = 2
again

# What it knows does not go by itself, and no later line hides it.
for n in 1 3; do
	head -n -$n arch/audit.log >fewer && cp fewer arch/audit.log
	img late.dcm 88
	exits 0 "an import after $n lines were cut off" import late.dcm
	exits 1 'does not mend it' verify --audit
	sed 's/,"head":.*//' out >got
	same 'it is told' got <<!
{"status":"damaged","path":"audit.log","reason":"line $((10 - n)): lines before it were cut off","lines":$((9 - n))
!
	again
done
truncate -s -20 arch/audit.log
img late.dcm 88
exits 0 'an import after a known line was torn' import late.dcm
exits 1 'tells that, too' verify --audit
again
sed -i '9s/"uid":[0-9]*/"uid":77/' arch/audit.log
exits 0 'an import after a known line was changed' import late.dcm
exits 1 'does not hide it' verify --audit
again

# ---- folders ------------------------------------------------------------

mkdir -p odd/sub && cp in/1.dcm odd/1.dcm && mkfifo odd/pipe
ln -s ../in/2.dcm odd/link && ln -s sub odd/tosub && ln -s absent odd/nowhere
exits 2 'a folder with links and a pipe' imgverify odd
sed 's/,"StudyInstance[^}]*}/}/; s/,"by":"imgverify"//' out >got
same 'has a record for each of them' got <<!
{"status":"intact","path":"odd/1.dcm"}
{"status":"intact","path":"odd/link"}
{"status":"failed","path":"odd/nowhere","error":{"code":"io","message":"odd/nowhere: No such file or directory"}}
{"status":"ignored","path":"odd/pipe","reason":"neither a file nor a folder"}
{"status":"ignored","path":"odd/tosub","reason":"symbolic link to a folder"}
!
rm odd/nowhere
exits 0 'what is ignored is not held against it' imgverify odd
mkdir bare
exits 1 'a folder without a file is not intact' imgverify bare
ok 'but a disc that is not mounted' grep -qx 'imgverify: no files there' err
exits 1 'named on standard input' sh -c 'echo bare | imgverify'
ok 'neither' grep -qx 'imgverify: no files there' err
exits 0 'nothing on standard input' sh -c ': | imgverify'
exits 1 'nor is it complete' imgverify -q --complete bare
exits 0 'while no input is none' sh -c 'imgverify -q </dev/null'
finish
