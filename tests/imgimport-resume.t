# imgimport-resume.t - the same command again: what is in is known, what was
# interrupted is finished, nothing is stored twice and nothing is lost.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"

new()
{
	chmod -R u+rwX arch 2>/dev/null
	rm -rf arch
}

# instances: how many objects the catalog lists, and how often
instances()
{
	rows 'SELECT count(*) || "/" || count(DISTINCT digest) FROM object'
}

# ---- again ---------------------------------------------------------------

mkdir in
for i in 1 2 3; do img in/$i.dcm $i; done
img in/copy.dcm 1 && img in/other.dcm 2 --pixel 9
img in/nometa.dcm 4 --no-meta
echo text >in/readme.txt && echo text >in/bad.dcm && : >in/empty.dcm
head -c 705 in/1.dcm >in/cut.dcm
(cd in && zip -q ../two.zip 1.dcm bad.dcm readme.txt)
exits 2 'first' import in two.zip absent
ok 'one of each' grep -q '^{"status":"conflict"' out
cp out first
exits 2 'second: the status is the same' import in two.zip absent
sed 's/^{"status":"stored"/{"status":"duplicate"/
	s/^{"status":"conflict"/{"status":"duplicate"/' first | sort >want
sort out >got
same 'and so are the records, but that stored is duplicate' got <want
exits 2 'a third time, from elsewhere' sh -c \
	'mkdir -p e && cd e && imgimport -q -C ../arch ../in ../two.zip absent'
sed 's,"\.\./,",g' out | sort >got
same 'the same under other names' got <want
strace -f -e trace=openat -o trace imgimport -q -C arch in >out 2>err
ok 'no input is opened the second time' \
	sh -c '! grep "in/.*\.\(dcm\|txt\)\"" trace | grep -v readlink'
exits 2 '--rehash' import --rehash in two.zip absent
sort out >got
same 'the same, too' got <want
strace -f -e trace=openat -o trace imgimport -q -C arch --rehash in >out 2>err
ok 'every input is opened' test "$(grep -c '"in/.*\.\(dcm\|txt\)"' trace)" -ge 9
sound 'again'
find in -type f | sort >list
exits 2 'the same files as a list' import <list
sort out >got
grep -v '"path":"two.zip\|"path":"absent' want >want2
same 'are known' got <want2

mkdir far && img far/9.dcm 9 && touch -d '5138-11-16' far/9.dcm
exits 0 'a file of a year far away' import far
exits 0 'and again' import far
ok 'is known' test "$(records duplicate)" = 1

# ---- what changed --------------------------------------------------------

img in/1.dcm 11
exits 2 'a file with other bytes of the same size' import in
ok 'is looked at' grep -q '^{"status":"stored","path":"in/1.dcm"' out
new_=$(stat -c '%i %s' in/3.dcm)
bitflip in/3.dcm $(($(wc -c <in/3.dcm) - 1)) >/dev/null
ok 'one bit of a file, same inode, same size' \
	test "$(stat -c '%i %s' in/3.dcm)" = "$new_"
exits 2 'is seen' import in
ok 'it is another object' grep -q '^{"status":"conflict","path":"in/3.dcm"' out
bitflip in/3.dcm $(($(wc -c <in/3.dcm) - 1)) >/dev/null
touch in/2.dcm
exits 2 'a file that was touched' import in
ok 'is still a duplicate' grep -q '^{"status":"duplicate","path":"in/2.dcm"' out
cp -p in/3.dcm t && mv t in/3.dcm
strace -f -e trace=openat -o trace imgimport -q -C arch in >out 2>err
ok 'another file with the same size and time is looked at' \
	grep -q '"in/3.dcm"' trace
echo now an image >in/readme.txt && img in/bad.dcm 12
exits 2 'a bad one that was mended' import in
ok 'is stored' grep -q '^{"status":"stored","path":"in/bad.dcm"' out

(cd in && rm ../two.zip && zip -q ../two.zip 3.dcm)
exits 0 'an archive that was replaced' import two.zip
cp out one
brief >got
same 'is read, not remembered' got <<!
duplicate two.zip!/3.dcm
ignored two.zip
!
exits 0 'and again' import two.zip
same 'the old members do not come back' out <one
ok 'it has one' grep -q '"members":1' out

# ---- what was lost -------------------------------------------------------

new
import in two.zip >first
o=$(rows "SELECT 'arch/objects/' || substr(lower(hex(digest)), 1, 2) || '/' ||
	lower(hex(digest)) FROM object JOIN instance ON instance.id = instance
	WHERE SOPInstanceUID = '2.25.12'")
rm -f "$o"
exits 2 'an object that is gone' import in
ok 'comes back from its file' test -f "$o"
ok 'which is said of it alone' test "$(grep -c '"duplicate".*"warning":\["restored: ' out)/$(grep -c restored out)" = 1/1
ok 'and stands in the audit log' test "$(grep '"act":"restored"' arch/audit.log |
	grep -c "$(basename "$o")")" = 1
exits 2 'the next time' import in
ok 'it was not lost' sh -c '! grep restored out'
sound 'an object that is gone'
o=$(rows "SELECT 'arch/objects/' || substr(lower(hex(digest)), 1, 2) || '/' ||
	lower(hex(digest)) FROM object JOIN instance ON instance.id = instance
	WHERE SOPInstanceUID = '2.25.3'")
rm -f "$o" in/3.dcm
import two.zip >out 2>err
status=$?
if [ $status = 0 ]; then
	sound 'a member whose object is gone comes back'
else
	ok 'a member whose object is gone is told' \
		grep -q '"failed","path":"two.zip!/3.dcm".*--rehash' out
	exits 0 'and comes back with --rehash' import --rehash two.zip
	sound 'a member whose object is gone'
fi
truncate -s 100 "$o"
exits 0 'an object that was cut comes back' import --rehash two.zip
ok 'which is said' grep -q '3.dcm".*"warning":\["restored: ' out
sound 'an object that was cut'

# ---- two at once ---------------------------------------------------------

mkdir many && phantom small many 500
new
imgimport -q -C arch many >out.1 2>err.1 &
imgimport -q -C arch many >out.2 2>err.2 &
imgimport -q -C arch -j 8 many >out.3 2>err.3 &
wait %1; a=$?
wait %2; b=$?
wait %3; c=$?
ok 'three at once all end well' test "$a $b $c" = '0 0 0'
cat err.1 err.2 err.3 >err
ok 'without a word' test ! -s err
for i in 1 2 3; do
	ok "importer $i has a record each" test "$(brief out.$i |
		sed 's/^[a-z]* //' | sort -u | wc -l)" = 500
done
cat out.1 out.2 out.3 >out
ok '500 of them stored' test "$(records stored)" = 500
ok '1,000 duplicates' test "$(records duplicate)" = 1000
instances >got
same 'each once in the catalog' got <<!
500/500
!
ok 'each once in the store' test "$(objects)" = 500
ok 'once in the audit log' \
	test "$(grep -c '"act":"stored"' arch/audit.log)" = 500
sound 'three at once'
i=0
while [ $((i += 1)) -le 50 ]; do
	new
	imgimport -q -C arch in/1.dcm >o1 2>e1 &
	imgimport -q -C arch in/2.dcm >o2 2>e2 &
	imgimport -q -C arch two.zip >o3 2>e3 &
	wait %1; a=$?
	wait %2; b=$?
	wait %3; c=$?
	cat e1 e2 e3 >>begins
	echo "$a $b $c" | grep -vx '0 0 0' >>begins
done
ok 'three that make the archive at once, fifty times' sh -c '! grep . begins'

# ---- killed --------------------------------------------------------------

new
i=0
: >all
while [ $((i += 1)) -le 12 ]; do
	imgimport -q -C arch many >out 2>err &
	pid=$!
	perl -e 'select undef, undef, undef, 0.02 * $ARGV[0]' $i
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	# The last line may be cut.
	grep '}$' out >>all
	# Killed before the catalog was made, there is nothing to look at.
	[ -f arch/catalog.db ] && [ -n "$(rows .tables)" ] || continue
	sound "killed after $((20 * i)) ms" all
done
exits 0 'then left alone' import many
instances >got
same 'all are in, once' got <<!
500/500
!
ok 'and in the store' test "$(objects)" = 500
ok 'tmp is empty' test -z "$(ls arch/tmp)"
sound 'then left alone'

# At each call that writes: the kill comes before it.
for call in write:kill:arch write:kill:arch/tmp:3 fsync:kill:- syncfs:kill:- \
	renameat2:kill:- renameat2:kill:-:3 fdatasync:kill:audit \
	write:kill:audit fdatasync:kill:- fdatasync:kill:-:2; do
	new
	img in/3.dcm 3
	failio "$call" imgimport -q -C arch in >out 2>err
	ok "killed at $call" test $? = 137
	ok "nothing was reported, $call" test ! -s out
	if [ -f arch/catalog.db ]; then
		failio "$call" imgimport -q -C arch in >out 2>err
	fi
	exits 2 "the next run, $call" import in
	ok "leaves tmp empty, $call" test -z "$(ls arch/tmp)"
	sound "$call"
	instances >got
	same "all are in, $call" got <<!
7/7
!
done

# A torn audit line and rows that were not committed.
new
import in/1.dcm >out
truncate -s -5 arch/audit.log
sqlite3 arch/catalog.db 'DELETE FROM object; DELETE FROM instance;
	DELETE FROM input; DELETE FROM meta WHERE key = "audit"' 2>err
exits 2 'a catalog behind the store' import in
sound 'a catalog behind the store'

# ---- asked to stop -------------------------------------------------------

for s in TERM:143 INT:130 HUP:129; do
	sig=${s%:*}
	new
	mkfifo pipe outpipe
	# What is in there from before must not be taken for the first record:
	# a signal that comes before exec is lost.
	rm -f out
	cat outpipe >out &
	# A shell has its background jobs ignore SIGINT.
	perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' \
		imgimport -C arch many - <pipe >outpipe 2>err &
	pid=$!
	exec 9>pipe
	while [ ! -s out ]; do sleep 0.05; done
	kill -$sig $pid
	wait $pid
	status=$?
	exec 9>&-
	wait
	rm pipe outpipe
	ok "SIG$sig: the status" test $status = "${s#*:}"
	ok "SIG$sig: summed up" grep -q '^imgimport: [0-9]* inputs: ' err
	n=$(grep -c . out)
	ok "SIG$sig: the catalog has what was reported" \
		test "$(rows 'SELECT count(*) FROM object')" = "$n"
	ok "SIG$sig: and the store" test "$(objects)" = "$n"
	ok "SIG$sig: tmp is empty" test -z "$(ls arch/tmp)"
	sound "SIG$sig"
done
new
perl -e 'print "many\n" x 200' >lines
imgimport -q -C arch --rehash <lines >out 2>err &
pid=$!
sleep 0.4
kill -TERM $pid
wait $pid
ok 'SIGTERM in the middle of much' test $? = 143
ok 'every record is whole' sh -c '! grep -v "^{.*}$" out'
sound 'SIGTERM in the middle of much'
new
zip -qr0 many.zip many
perl -e 'print "many.zip\n" x 200' >lines
imgimport -q -C arch --rehash <lines >out 2>err &
pid=$!
sleep 0.4
kill -TERM $pid
wait $pid
ok 'SIGTERM in the middle of an archive' test $? = 143
sound 'SIGTERM in the middle of an archive'
exits 0 'the same command again' import many.zip
instances >got
same 'finishes it' got <<!
500/500
!

# ---- speed, roughly ------------------------------------------------------

exits 0 'unchanged inputs' import many.zip many
strace -f -c -o trace imgimport -q -C arch many.zip >out 2>err
ok 'members of an unchanged archive are not read' test "$(awk \
	'$NF == "pread64" { print $4 }' trace)" -lt 200
ok 'but have their records' test "$(records duplicate)" = 500
finish
