# attack.t - an archive's folder, its files and its inputs, each turned against
# it: nothing foreign is touched, nothing is lost without a word.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"

for i in 1 2 3 4; do img $i.dcm $i; done
img other.dcm 1 --pixel 7

new()
{
	chmod -R u+rwX arch 2>/dev/null
	rm -rf arch
}

# ---- the folder was somebody else's before -------------------------------

mkdir -p arch/tmp/mine arch/tmp/theirs/0 arch/tmp/0123456789abcdef/0
for f in mine/a theirs/0/0 0123456789abcdef/letter 0123456789abcdef/0/letter
do
	echo kept >"arch/tmp/$f"
done
exits 0 'an archive in a folder that has a tmp' import 1.dcm
ok 'keeps what lies in there' \
	test "$(find arch/tmp -type f | wc -l)" = 4
new

mkdir arch
sqlite3 arch/catalog.db 'CREATE TABLE theirs (x)'
cp arch/catalog.db before
exits 3 'a database of somebody else as catalog' import 1.dcm
ok 'is said' grep -q 'not a catalog of imgtools' err
ok 'and left as it was' cmp before arch/catalog.db
new

for kind in mkfifo mkdir; do
	import 1.dcm >/dev/null
	rm arch/catalog.db* && $kind arch/catalog.db
	exits 3 "$kind catalog.db: imgimport" \
		timeout -s KILL 20 imgimport -q -C arch 2.dcm
	exits 3 "$kind catalog.db: imgquery" \
		timeout -s KILL 20 imgquery -C arch
	exits 3 "$kind catalog.db: imgverify" \
		timeout -s KILL 20 imgverify -q -C arch --all
	[ $kind = mkdir ] && rmdir arch/catalog.db
	exits 1 "$kind catalog.db: imgverify --rebuild" \
		timeout -s KILL 20 imgverify -q -C arch --rebuild
	exits 0 'makes one' imgverify -q -C arch --all
	new
done

# A page of the table that a rebuild asks for the places of objects.
import 1.dcm 2.dcm >/dev/null && imgverify -q -C arch --rebuild >/dev/null
page=$(rows "SELECT rootpage FROM sqlite_schema WHERE name = 'object'")
size=$(rows 'PRAGMA page_size')
head -c "$size" /dev/urandom | dd of=arch/catalog.db bs="$size" \
	seek=$((page - 1)) conv=notrunc 2>/dev/null
exits 1 'a catalog whose objects cannot be read is made again' \
	imgverify -q -C arch --rebuild
exits 0 'and good' imgverify -q -C arch --all
ok 'all is there' test "$(grep -c '"intact"' out)" = 2
new

# ---- links that lead out of the archive ----------------------------------

import 1.dcm >/dev/null
mkdir outside
for d in arch/objects/*; do
	rmdir "$d" 2>/dev/null && ln -s "$PWD/outside" "$d"
done
exits 3 'shards that are links' import 2.dcm 3.dcm 4.dcm
ok 'nothing is stored' test "$(grep -c '"failed"' out)" = 3
ok 'nothing is written through them' test -z "$(ls outside)"
new

for part in objects tmp quarantine lock; do
	mkdir arch && ln -s "$PWD/outside/$part" "arch/$part"
	[ $part = lock ] || mkdir "outside/$part"
	echo text >text.dcm
	imgimport -q -C arch --quarantine 1.dcm text.dcm >out 2>err
	ok "a link in the place of $part" test $? != 0
	ok 'nothing is written through it' \
		test -z "$(find outside -type f)"
	rm -rf outside/*
	new
done

# ---- the audit log -------------------------------------------------------

import 1.dcm >/dev/null
mv arch/audit.log log
mkfifo arch/audit.log
exits 3 'a FIFO as audit log' timeout 20 imgimport -q -C arch 2.dcm
exits 3 'is no log to verify' timeout 20 imgverify -q -C arch --audit
rm arch/audit.log
{ cat log && head -c 3000000 /dev/zero | tr '\0' x; } >arch/audit.log
exits 1 'a line without an end' imgverify -q -C arch --audit
ok 'is where the log breaks' grep -q '"reason":"line 2: ' out
{ cat log && printf '{"n":2,\000\n'; } >arch/audit.log
exits 1 'a NUL in a line' imgverify -q -C arch --audit
ok 'is where the log breaks' grep -q '"reason":"line 2: ' out
new

# ---- members that were not stored are not forgotten -----------------------

mkdir d && cp other.dcm 2.dcm d
(cd d && zip -q ../c.zip other.dcm 2.dcm)
import 1.dcm >/dev/null
for run in first second; do
	exits 2 "a refused member, $run run" \
		imgimport -q -C arch --on-conflict reject c.zip
	ok 'has its record' grep -q '"rejected","path":"c.zip!/other.dcm"' out
	ok 'as has the other' grep -q '"path":"c.zip!/2.dcm"' out
done
exits 0 'and is taken when that is asked for' import c.zip
ok 'as a conflict' grep -q '"conflict","path":"c.zip!/other.dcm"' out
exits 0 'then the archive is known' import c.zip
ok 'all of it' grep -q '"members":2' out
new

if [ -f "$O/tools/failio.so" ]; then
	exits 2 'a member that could not be written' \
		failio 'write:ENOSPC:arch/tmp/:1' imgimport -q -j 1 -C arch c.zip
	exits 0 'is written by the second run' import c.zip
	ok 'all is there' test "$(rows 'SELECT count(*) FROM object')" = 2
	new
fi

# ---- records that name an archive -----------------------------------------

for run in first second; do
	echo '{"path":"c.zip","mine":"kept"}' >in
	exits 0 "a record that names an archive, $run run" import <in
	grep '"mine":"kept"' out | brief - >got
	same 'its members ride with the record of the archive' got <<!
ignored c.zip
!
done
new

# ---- --set over values that are too long ----------------------------------

perl -0777 -pe 's/\x10\0\x20\0LO../"\x10\0\x20\0UT\0\0" .
	pack("V", 5000) . "A" x 4990/es' 1.dcm >long.dcm
exits 3 '--set over a value of 5,000 bytes' import --set PatientID=X long.dcm
ok 'is refused' grep -q '"rejected".*"code":"unsupported"' out
exits 0 'which is stored as it is' import long.dcm
new

# A sequence where a group length should be.
perl -0777 -pe 's/(?=\x10\0\x20\0LO)/pack "H*", "10000000" . "5351" . "0000" .
	"ffffffff" . "feff00e0" . "ffffffff" . "feff0de0" . "00000000" .
	"feffdde0" . "00000000"/es' 1.dcm >length.dcm
exits 0 'a sequence as group length' import --set PatientID=X length.dcm
new

# The file meta information says image, the data set says DICOMDIR.
perl -0777 -pe 's/(\x08\0\x16\0UI)\x1a\0.{26}/"$1\x14\0" .
	"1.2.840.10008.1.3.10"/es' 1.dcm >class.dcm
cmp -s 1.dcm class.dcm && fail_ 'the class is changed'
exits 2 '--set over what becomes a DICOMDIR' \
	import --set PatientID=X class.dcm 2.dcm
ok 'has a record' grep -q '"rejected","path":"class.dcm"' out
ok 'and harms no other' grep -q '"stored","path":"2.dcm"' out
new

# ---- DICOMDIRs without number in an archive -------------------------------

if command -v dcmmkdir >/dev/null; then
	mkdir disc && cp 1.dcm disc/IM1
	(cd disc && dcmmkdir -q +D DICOMDIR -Pgp IM1 2>/dev/null ||
		dcmmkdir -q +D DICOMDIR IM1 2>/dev/null)
fi
if [ -f disc/DICOMDIR ]; then
	mkdir many
	i=0
	while [ $((i += 1)) -le 70 ]; do
		mkdir many/$i && cp disc/DICOMDIR disc/IM1 many/$i
	done
	cp disc/DICOMDIR many/1/IMAGE
	tar -cf many.tar many
	exits 0 '71 DICOMDIRs in an archive' import many.tar
	ok 'each is one' \
		test "$(grep -c '"reason":"DICOMDIR"' out)" = 71
	ok 'and the images are there' \
		test "$(grep -c '"duplicate"' out)" = 69
else
	skip '71 DICOMDIRs in an archive' 'no dcmmkdir'
fi

# ---- DICOMDIRs that cost time ---------------------------------------------

# dicomdir N: one that lists N files that are not there
dicomdir()
{
	perl -e 'sub e { pack("vva2va*", @_[0..2], length $_[3], $_[3]) }
	$i .= pack("vvV", 0xFFFE, 0xE000, length $_) . $_ for map {
		e(4, 0x1430, "CS", "IMAGE ") .
		e(4, 0x1500, "CS", sprintf "A%07d", $_) } 1 .. $ARGV[0];
	print "\0" x 128, "DICM",
		e(2, 2, "UI", "1.2.840.10008.1.3.10"),
		e(2, 16, "UI", "1.2.840.10008.1.2.1\0"),
		pack("vva2vV", 4, 0x1220, "SQ", 0, length $i), $i' "$1"
}

mkdir slow
(cd slow && seq 4000 | xargs touch)
dicomdir 30000 >slow/DICOMDIR
exits 2 '30,000 absent files, 4,000 others' timeout 30 imgimport -q -C arch slow
ok 'are told' grep -q '"listed":30000,"absent":30000,' out
ok 'not each on stderr' test "$(grep -c 'which is not there$' err)" = 20
ok 'but how many more' grep -qx \
	'imgimport: slow/DICOMDIR: lists 29980 more, which are not there' err
rm -rf slow
new

mkdir slow
dicomdir 1 >slow/1
i=1
while [ $((i += 1)) -le 1500 ]; do ln slow/1 slow/$i; done
exits 2 '1,500 DICOMDIRs in a folder' timeout 60 imgimport -q -C arch slow
ok 'each has its record' test "$(wc -l <out)" = 1500
ok 'the last are not compared' grep -q '"code":"limit"' out
new

# ---- files beside a DICOMDIR that was an operand ---------------------------

mkdir beside && cp 1.dcm beside/IM1 && dicomdir 1 >beside/DICOMDIR
mkfifo names
(
	exec 3>names
	echo beside/DICOMDIR >&3
	echo beside/IM1 >&3
	sleep 1
	cp 2.dcm beside/IM2
	echo beside/IM2 >&3
	echo '{"path":"beside/IM1","mine":1}' >&3
) &
exits 2 'operands beside a DICOMDIR' import <names
wait
brief | grep -v DICOMDIR >got
same 'what came later has its record, too' got <<!
stored beside/IM1
stored beside/IM2
duplicate beside/IM1
!
ok 'and a record its members' grep -q '"mine":1' out
new

mkdir far && ln -s ../beside/DICOMDIR far/DICOMDIR
exits 2 'a link to a DICOMDIR' import --in-place far/DICOMDIR
ok 'the disc is where it leads' test \
	"$(rows 'SELECT count(*) FROM object WHERE place LIKE "%/beside/IM_"')" = 2
new

finish
