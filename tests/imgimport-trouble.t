# imgimport-trouble.t - full disks, read errors, locks, syncs that fail: each
# has a verdict and a status, and loses nothing.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
[ -f "$O/tools/failio.so" ] || skip_all 'failio.so is not here'

mkdir in
for i in 1 2 3 4 5; do img in/$i.dcm $i; done
mkdir many
i=100
while [ $((i += 1)) -le 140 ]; do img many/$i.dcm $i; done

new()
{
	chmod -R u+rwX arch 2>/dev/null
	rm -rf arch
}

# ---- descriptors ---------------------------------------------------------

new
import in/1.dcm >out
head -c 100000 /dev/zero >>in/5.dcm
for n in $(seq 12 28); do
	sh -c "ulimit -n $n; exec imgimport -q -C arch --rehash in" >out 2>err
	echo $?
done | sort -u >statuses
ok 'with too few descriptors it fails, or does not, and never dies' \
	sh -c '! grep -vx "[023]\|75" statuses'
for n in $(seq 6 18); do
	new
	sh -c "ulimit -n $n; exec imgimport -q -C arch in" >out 2>err
	echo $? && cat err
done >said
ok 'a new archive is not called one that has lost its catalog' \
	sh -c 'grep -qx 75 said && ! grep -q "is gone" said'
ln -s nowhere link
exits 3 'an archive behind a link that leads nowhere' imgimport -C link in/1.dcm
same 'is told so' err <<!
imgimport: link: a symbolic link that leads nowhere; is its disk mounted?
!
img in/5.dcm 5
new

# ---- reading -------------------------------------------------------------

exits 2 'a read error' failio 'pread:EIO:3.dcm' imgimport -q -C arch in
grep -v '"stored"' out >got
same 'is the failure of its file' got <<!
{"status":"failed","path":"in/3.dcm","error":{"code":"io","message":"in/3.dcm: Input/output error","by":"imgimport"}}
!
ok 'the others are stored' test "$(records stored)" = 4
sound 'a read error'
exits 0 'once it can be read' import in
ok 'it is stored' test "$(records stored)" = 1
new

img long.dcm 50 --rows 1200 --cols 1200
exits 3 'a read error behind the first megabyte' \
	failio 'pread:EIO:long.dcm:2' imgimport -q -C arch long.dcm
ok 'is told' grep -q '"failed".*"code":"io"' out
ok 'and leaves nothing' test "$(objects)" = 0
ok 'not in tmp, either' test -z "$(find arch/tmp -type f)"
exits 0 'once it can be read' import long.dcm
ok 'it is stored' test "$(records stored)" = 1
new

zip -q0 in.zip in/*.dcm
tar -cf in.tar in
for a in in.zip in.tar; do
	exits 3 "a read error in $a" \
		failio "pread:EIO:$a:2" imgimport -q -C arch $a
	ok 'is told of the archive' grep -q \
		"\"failed\",\"path\":\"$a\",\"error\":{\"code\":\"io\"" out
	exits 0 "once $a can be read" import $a
	ok 'all is there' test "$(rows 'SELECT count(*) FROM object')" = 5
	ok 'the archive is ignored' grep -q \
		"\"ignored\",\"path\":\"$a\",\"reason\":\"archive\",\"members\":[56]}" out
	new
done

# scratched SECTOR ...: import of disc.iso, of which these cannot be read
scratched()
{
	rules=
	for s in "$@"; do rules="${rules:+$rules }pread:scratch:disc.iso:$s"; done
	failio "$rules" imgimport -q -C arch disc.iso
}
# first NAME: the sector where it begins
first()
{
	isoinfo -l -i disc.iso | sed -n "s/.*\[ *\([0-9]*\) .*\] *$1.*/\1/p"
}
if command -v genisoimage >/dev/null && command -v isoinfo >/dev/null; then
	mkdir disc
	for i in 1 2 3 4 5; do
		img disc/IM$i $i --rows 300 --cols 300
	done
	(cd disc && dcmmkdir -q +r +id .) 2>/dev/null
	genisoimage -quiet -R -J -o disc.iso disc 2>/dev/null
	at=$(first IM3)
	exits 2 'a scratch in an object' scratched $((at + 7)) $((at + 9))
	grep -v '"stored"' out | sort >got
	same 'costs that object' got <<!
{"status":"failed","path":"disc.iso!/IM3","error":{"code":"io","message":"disc.iso!/IM3: cannot be read at byte $((at * 2048 + 14336)) of the disc: Input/output error","by":"imgimport"}}
{"status":"ignored","path":"disc.iso!/DICOMDIR","reason":"DICOMDIR","listed":5,"absent":0,"unlisted":0}
{"status":"ignored","path":"disc.iso","reason":"archive","members":6}
!
	ok 'the others are stored' test "$(records stored)" = 4
	sound 'a scratch'
	exits 0 'once it can be read' import disc.iso
	ok 'that one is stored' test "$(records stored)" = 1
	new
	exits 2 'scratches in two, at their ends' scratched \
		"$(first IM1)" $(($(first IM5) + 87))
	ok 'cost both' test "$(records failed),$(records stored)" = 2,3
	sound 'two scratches'
	new
	exits 2 'one in the DICOMDIR' scratched "$(first DICOMDIR)"
	ok 'costs no object' test "$(records stored)" = 5
	new
	at=$(first '\. ')
	for s in 16 17 18 "$at"; do
		exits 3 "one where the disc says what it has, sector $s" \
			scratched "$s"
		ok 'is told of the disc' grep -q \
			'"failed","path":"disc.iso","error":{"code":"io"' out
		new
	done
else
	skip 'a scratched disc' 'genisoimage is not here'
fi

# ---- files that change ---------------------------------------------------

for how in touch grow; do
	exits 75 "a file that changes while it is read: $how" \
		failio "pread:$how:3.dcm" imgimport -q -C arch in
	grep -v '"stored"' out >got
	same 'is busy' got <<!
{"status":"failed","path":"in/3.dcm","error":{"code":"busy","message":"in/3.dcm: changed while it was read","by":"imgimport"}}
!
	sound "$how"
	ok 'its bytes are not in the store' test "$(objects)" = 4
	img in/3.dcm 3
	exits 0 'once it is at rest' import in
	ok 'it is stored' test "$(records stored)" = 1
	new
done
cp long.dcm grow.dcm
exits 75 'a long file that grows as it is read' \
	failio 'pread:grow:grow.dcm' timeout 60 imgimport -q -C arch grow.dcm
ok 'is busy' grep -q '"code":"busy"' out
new
cp long.dcm cut.dcm
exits 75 'a long file that is cut as it is read' \
	failio 'pread:cut:cut.dcm:2' imgimport -q -C arch cut.dcm
ok 'is busy' grep -q '"code":"busy"' out
new
zip -q0 c.zip in/*.dcm
exits 75 'an archive that changes while it is read' \
	failio 'pread:touch:c.zip' imgimport -q -C arch c.zip
ok 'is busy' grep -q '"failed","path":"c.zip","error":{"code":"busy"' out
exits 0 'once it is at rest' import c.zip
ok 'it is read' grep -q '"ignored","path":"c.zip"' out
new

# ---- an object that cannot have its name -----------------------------------

import in >/dev/null
digest=$(rows 'SELECT lower(hex(digest)) FROM object LIMIT 1')
shard=$(printf %.2s "$digest")
n=$(rows 'SELECT lower(hex(digest)) FROM object' | grep -c "^$shard")
new
img other.dcm 77
import other.dcm >/dev/null
rm -rf "arch/objects/$shard"
echo 'in the way' >"arch/objects/$shard"
exits 2 'one object that has no place' import in
ok 'fails' grep -q '"failed",.*not stored: arch/objects/.*Not a directory' out
ok 'alone' test "$(records failed)/$(records stored)" = "$n/$((5 - n))"
rm "arch/objects/$shard" && mkdir -m 700 "arch/objects/$shard"
exits 0 'when it has' import in
ok 'it is stored' test "$(records stored)/$(records duplicate)" = "$n/$((5 - n))"
sound 'once more'
new

# ---- syncs ---------------------------------------------------------------

# Five files are synced one by one, 40 by syncfs.
for what in in many; do
	n=$(find $what -type f | wc -l)
	for rule in syncfs:EIO fsync:EIO:tmp fsync:EIO:objects \
		fdatasync:EIO:audit.log fsync:EIO:catalog.db \
		fdatasync:EIO:catalog.db; do
		new
		import in/1.dcm >/dev/null
		sync
		failio "$rule" imgimport -C arch $what >out 2>err
		status=$?
		if [ ! -s met ]; then
			cp out kept
			continue
		fi
		t="$rule, $n files"
		ok "$t: status 3" test $status = 3
		# Folders are synced side by side, each of them once.
		ok "$t: once, and not again" test -z "$(sort met | uniq -d)"
		ok "$t: nothing is reported stored" test "$(records stored)" = 0
		ok "$t: each input has its record" \
			test "$(wc -l <out)" = "$n"
		if [ $what = in ]; then
			ok "$t: what was there is so still" \
				test "$(records duplicate)" = 1
		fi
		ok "$t: stderr says sync" grep -Eq 'sync|catalog.db: Input/output error' err
		sound "$t"
		exits 0 "$t: the next run" import $what
		sound "$t, next run"
		ok "$t: has all" test "$(rows 'SELECT count(*) FROM object
			JOIN instance ON instance.id = instance')" = \
			"$([ $what = in ] && echo $n || echo $((n + 1)))"
	done
done
# The folders of a new archive are synced before one is relied on, though it was
# another process that made them.
for rule in syncfs:kill:-:1 syncfs:EIO; do
	new
	failio "$rule" imgimport -q -C arch in/1.dcm >out 2>err
	ok "$rule: the folders are there" test -d arch/objects/ff
	ok "$rule: nothing is reported stored" test "$(records stored)" = 0
	exits 3 "$rule: the next one does not go on without that sync" \
		failio syncfs:EIO imgimport -q -C arch in/1.dcm
	same "$rule: and says so" err <<-!
	imgimport: arch: sync: Input/output error
	!
	exits 0 "$rule: the one after it" import in/1.dcm
	ok "$rule: stores it" test "$(records stored)" = 1
	exits 0 "$rule: once is enough" \
		failio syncfs:EIO imgimport -q -C arch in/2.dcm
	sound "$rule, folders"
done

# What a killed import has linked is synced before it is relied on.
new
import in/1.dcm >/dev/null
failio 'fdatasync:kill:audit.log' imgimport -q -C arch in >out 2>err
ok 'killed before the audit line' test $? = 137
ok 'objects are there' test "$(objects)" = 5
ok 'rows are not' test "$(rows 'SELECT count(*) FROM object')" = 1
ok 'nothing was reported' test ! -s out
exits 3 'adopted objects need a sync, too' \
	failio 'fsync:EIO:objects syncfs:EIO' imgimport -q -C arch in
ok 'or are not reported' test "$(records stored)" = 0
exits 0 'with it' import in
ok 'they are stored' test "$(records stored)" = 4
sound 'adopted'

# ---- writing -------------------------------------------------------------

new
import in/1.dcm >/dev/null
for rule in write:ENOSPC:arch/tmp write:EDQUOT:arch/tmp \
	write:EIO:arch/tmp; do
	exits 2 "$rule" failio "$rule" imgimport -q -C arch in
	ok "$rule: four failed" test "$(grep -c '"code":"io"' out)" = 4
	ok "$rule: told once, and of how many" sh -c '[ "$(wc -l <err)" = 2 ] &&
		head -n 1 err | grep -q "^imgimport: in/.*: not stored: " &&
		tail -n 1 err | grep -q "^imgimport: 3 more: "'
	sound "$rule"
done
for rule in renameat2:ENOSPC write:ENOSPC:audit.log; do
	exits 3 "$rule" failio "$rule" imgimport -q -C arch in
	ok "$rule: four failed" test "$(grep -c '"code":"io"' out)" = 4
	ok "$rule: told once" sh -c '[ "$(grep -c "No space" err)" = 2 ] &&
		tail -n 1 err | grep -q "^imgimport: 3 more: "'
	ok "$rule: one is there" test "$(records duplicate)" = 1
	sound "$rule"
done
exits 0 'once there is room' import in
ok 'four are stored' test "$(records stored)" = 4
sound 'once there is room'
new

if is_root && unshare -m true 2>/dev/null; then
	mkdir big && phantom large big 12
	cat >full.sh <<'!'
mkdir -p small && mount -t tmpfs -o size=6m tmpfs small || exit 99
imgimport -q -C small/arch in/1.dcm >first || exit 98
imgimport -q -C small/arch big >out 2>err
echo $? >status
ln -s small/arch arch
imgverify -q -C arch --all >verdicts 2>&1
imgverify -q -C arch --audit >>verdicts 2>&1
dir=$(ls -d small/arch/tmp/* 2>/dev/null)
echo "$dir" >left
mount -o remount,size=64m small || exit 97
imgimport -q -C small/arch big >again 2>>err
echo $? >status2
imgverify -q -C small/arch --all >verdicts2 2>&1
echo $? >status3
rm arch
!
	ok 'a small disk' unshare -m sh full.sh
	ok 'that runs full: status 2 or 3' grep -qx '[23]' status
	ok 'a record each' test "$(wc -l <out)" = 12
	ok 'each failure names its input' test "$(grep -c \
		'"path":"\([^"]*\)","error":{.*"message":"\1: not stored: ' \
		out)" = "$(records failed)"
	ok 'some stored, some failed for io' sh -c \
		'grep -q "^{\"status\":\"stored\"" out &&
		test $(grep -c "\"code\":\"io\"" out) = \
			$(grep -c "^{\"status\":\"failed\"" out)'
	ok 'what was stored is intact' sh -c '! grep -v \
		"^{\"status\":\"\(intact\|extra\)\"" verdicts'
	ok 'tmp is empty' grep -qx '' left
	ok 'after room was made: status 0' grep -qx 0 status2
	sed 's/^{"status":"\([a-z]*\)".*/\1/' again | sort | uniq -c |
		sed 's/^ *//' >got
	n=$(records stored)
	same 'the rest is stored' got <<!
$n duplicate
$((12 - n)) stored
!
	ok 'all is intact' grep -qx 0 status3
else
	skip 'a full disk' 'not root, or no mount name space'
fi

# ---- output --------------------------------------------------------------

exits 3 'records to a full disk' sh -c \
	'imgimport -q -C arch many >/dev/full'
ok 'is told' grep -qx 'imgimport: stdout: No space left on device' err
: >out
sound 'records to a full disk'
new
perl -e 'print "many\n" x 50' >lines
{ imgimport -q -C arch - <lines 2>err; echo $? >status; } | head -n 1 >out
same 'a reader that goes away: status 141' status <<!
141
!
same 'is not spoken of' err </dev/null
ok 'it has its line' test "$(wc -l <out)" = 1
sound 'a reader that goes away'
new
# A pipe that is closed before anything is written.
exits 3 'stdout closed' sh -c 'imgimport -q -C arch in >&-'
: >out
sound 'stdout closed'
new

# ---- locks ---------------------------------------------------------------

import in/1.dcm >/dev/null
holdlock arch/lock 2 >held &
while [ ! -s held ]; do sleep 0.1; done
exits 0 'another importer at work' import in
ok 'is waited for' test "$(records stored)" = 4
wait
sound 'another importer at work'
new

import in/1.dcm >/dev/null
holdlock arch/lock 30 >held &
holder=$!
while [ ! -s held ]; do sleep 0.1; done
imgimport -q -C arch in >out 2>err &
pid=$!
sleep 1
kill -TERM $pid
wait $pid
ok 'asked to stop while it waits: status 143' test $? = 143
ok 'and soon' kill -0 $holder
kill $holder
wait
ok 'nothing is reported stored' test "$(records stored)" = 0
sound 'asked to stop'
exits 0 'the next run' import in
ok 'stores the rest' test "$(records stored)" = 4
new

import in/1.dcm >/dev/null
{ echo 'BEGIN IMMEDIATE;' && sleep 2 && echo 'COMMIT;'; } |
	sqlite3 arch/catalog.db &
sleep 0.5
exits 0 'somebody writes into the catalog' import in
ok 'is waited for' test "$(records stored)" = 4
wait
new
import in/1.dcm >/dev/null
mkfifo hold
sqlite3 arch/catalog.db <hold 2>/dev/null &
exec 9>hold
echo 'BEGIN IMMEDIATE;' >&9
sleep 0.5
exits 75 'and does not end' import in
exec 9>&-
wait
ok 'four are busy' test "$(grep -c '"code":"busy"' out)" = 4
sound 'and does not end'
exits 0 'the next run' import in
ok 'stores the rest' test "$(records stored)" = 4
sound 'the next run'
new

# ---- parts of the archive ------------------------------------------------

import in/1.dcm >/dev/null
cp arch/audit.log was
chattr +i arch/audit.log 2>/dev/null
if is_root && ! sh -c ': >>arch/audit.log' 2>/dev/null; then
	exits 3 'an audit log that cannot be written' import in
	ok 'is named' grep -q 'audit.log' err
	chattr -i arch/audit.log
	sound 'an audit log that cannot be written'
else
	chattr -i arch/audit.log 2>/dev/null
	rm arch/audit.log && mkdir arch/audit.log
	exits 3 'an audit log that cannot be written' import in
	ok 'is named' grep -q 'audit.log' err
	rmdir arch/audit.log && cp was arch/audit.log
fi
exits 0 'once it can' import in
new
import in/1.dcm >/dev/null
echo 'not ours' >>arch/audit.log
exits 3 'an audit log that ends in nonsense' import in
ok 'is named' grep -q 'audit.log: ends in a line that is not ours' err
ok 'nothing is reported stored' test "$(records stored)" = 0
new
import in/1.dcm >/dev/null
rm -rf arch/objects/[0-9a-e]*
exits 0 'shards that are gone' import in
ok 'are made again, and what was lost is stored' \
	test "$(objects)" = 5
sound 'shards that are gone'
new
import in/1.dcm >/dev/null
o=$(find arch/objects -type f)
rm -f "$o" && mkdir "$o"
exits 0 'a folder in an object'\''s place' import --rehash in
sound 'a folder in an object'\''s place'
ok 'it lies aside' test -d "$(echo "$o".aside-*)"
new
import in/1.dcm >/dev/null
o=$(find arch/objects -type f)
chmod u+w "$o" && bitflip "$o" 300 >/dev/null
exits 0 'a damaged object' import --rehash in
sound 'a damaged object is healed by its bytes'
new
head -c 5000 /dev/urandom >garbage
mkdir arch && cp garbage arch/catalog.db
exits 3 'a catalog that is none' import in
ok 'is named' grep -q 'arch/catalog.db: ' err
ok 'and left as it is' cmp garbage arch/catalog.db
finish
