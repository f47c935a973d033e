# imgimport-archives.t - zip, tar, ISO, devices: members are inputs.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
need zip bsdtar genisoimage xz zstd

new()
{
	chmod -R u+rwX arch 2>/dev/null
	rm -rf arch
}

mkdir -p s/DICOM/SUB
img s/DICOM/IM1 1 && img s/DICOM/SUB/IM2 2
img s/DICOM/long 3 --rows 1200 --cols 1200
echo text >s/README && echo text >s/bad.dcm

# ---- every kind ----------------------------------------------------------

(cd s && zip -qr ../a.zip . && zip -qr0 ../stored.zip .)
tar -C s --sort=name -cf a.tar DICOM README bad.dcm
tar -C s --format=pax -cf pax.tar DICOM README bad.dcm
tar -C s --format=v7 -cf v7.tar DICOM README bad.dcm
gzip -k a.tar && bzip2 -k a.tar && xz -k a.tar && zstd -q a.tar
mv a.tar.gz a.tgz # what counts is the content
cp a.tar.xz no-name
genisoimage -quiet -o plain.iso -V T s 2>/dev/null
genisoimage -quiet -J -o joliet.iso -V T s 2>/dev/null
genisoimage -quiet -R -o rock.iso -V T s 2>/dev/null
genisoimage -quiet -J -R -o both.iso -V T s 2>/dev/null

for f in a.zip stored.zip a.tar pax.tar v7.tar a.tgz a.tar.bz2 a.tar.xz \
	a.tar.zst no-name joliet.iso rock.iso both.iso; do
	new
	exits 2 "$f" import $f
	sed "s/\"$f/\"X/g" out | sed 's/"StudyInst.*"digest":"[0-9a-f]*"/-/' |
		sort >got
	same "the members of $f" got <<!
{"status":"ignored","path":"X!/README","reason":"text"}
{"status":"ignored","path":"X","reason":"archive","members":5}
{"status":"rejected","path":"X!/bad.dcm","error":{"code":"not-dicom","message":"X!/bad.dcm: not a DICOM file","by":"imgimport"}}
{"status":"stored","path":"X!/DICOM/IM1",-}
{"status":"stored","path":"X!/DICOM/SUB/IM2",-}
{"status":"stored","path":"X!/DICOM/long",-}
!
	for i in IM1 SUB/IM2 long; do
		d=$(b2sum -l 256 s/DICOM/$i | cut -d ' ' -f 1)
		cmp "s/DICOM/$i" "arch/objects/$(printf '%.2s' "$d")/$d"
	done >differ 2>&1
	ok "$f: the objects have their bytes" test ! -s differ
	sort out >first
	exits 2 "$f again" import $f
	sed 's/^{"status":"duplicate"/{"status":"stored"/' out | sort >got
	same "$f again: the same" got <first
done
new
exits 2 'a plain ISO' import plain.iso
sed 's/^{"status":"\([a-z]*\)","path":"\([^"]*\)".*/\1 \2/' out | sort >got
same 'has the names of a disc' got <<!
ignored plain.iso
ignored plain.iso!/README
rejected plain.iso!/BAD.DCM
stored plain.iso!/DICOM/IM1
stored plain.iso!/DICOM/LONG
stored plain.iso!/DICOM/SUB/IM2
!
ok 'the archive comes last' sh -c 'tail -n 1 out |
	grep -q "\"path\":\"plain.iso\",\"reason\""'

new
mkdir mixed && cp a.zip s/DICOM/IM1 mixed/ && img mixed/z 9
exits 2 'an archive in a folder' import mixed
brief | sort >got
same 'is opened there' got <<!
duplicate mixed/a.zip!/DICOM/IM1
ignored mixed/a.zip
ignored mixed/a.zip!/README
rejected mixed/a.zip!/bad.dcm
stored mixed/IM1
stored mixed/a.zip!/DICOM/SUB/IM2
stored mixed/a.zip!/DICOM/long
stored mixed/z
!

# ---- archives in archives ------------------------------------------------

new
mkdir n && img n/one 11 && img n/two 12 && img n/three 13
(cd n && zip -q deep.zip three && tar -cf mid.tar two deep.zip &&
	zip -q outer.zip one mid.tar && gzip -k mid.tar &&
	zip -q outer2.zip one mid.tar.gz && zip -q outer3.zip mid.tar)
exits 2 'an archive in an archive in an archive' import n/outer.zip
sed 's/"StudyInst.*"digest":"[0-9a-f]*"/-/' out | sort >got
same 'is rejected, all else is taken' got <<!
{"status":"ignored","path":"n/outer.zip!/mid.tar","reason":"archive","members":2}
{"status":"ignored","path":"n/outer.zip","reason":"archive","members":4}
{"status":"rejected","path":"n/outer.zip!/mid.tar!/deep.zip","error":{"code":"limit","message":"n/outer.zip!/mid.tar!/deep.zip: archives nested deeper than 2","by":"imgimport"}}
{"status":"stored","path":"n/outer.zip!/mid.tar!/two",-}
{"status":"stored","path":"n/outer.zip!/one",-}
!
sed 's/"stored"/"duplicate"/' out | sort >want
exits 2 'again' import n/outer.zip
sort out >got
same 'the same' got <want
exits 2 'compressed' import n/outer2.zip
ok 'just as well' grep -q '"path":"n/outer2.zip!/mid.tar.gz!/two"' out

# ---- a tar on standard input ---------------------------------------------

for f in a.tar a.tgz a.tar.zst; do
	new
	exits 2 "--from-tar - of $f" import --from-tar - <$f
	brief | sort >got
	same "$f: its members" got <<!
ignored -
ignored -!/README
rejected -!/bad.dcm
stored -!/DICOM/IM1
stored -!/DICOM/SUB/IM2
stored -!/DICOM/long
!
	cat $f | import --from-tar - >out 2>err
	ok "$f: by a pipe" test "$(records duplicate)" = 3
done
new
exits 2 '--from-tar file' import --from-tar a.tar
ok 'has its name' grep -q '"path":"a.tar!/DICOM/IM1"' out
exits 3 '--from-tar - of nothing' import --from-tar - </dev/null
exits 3 '--from-tar - of something else' import --from-tar - <s/README
head -c 100000 a.tar | import --from-tar - >out 2>err
ok '--from-tar - that is cut' grep -q \
	'"rejected","path":"-",.*"code":"truncated"' out
sound '--from-tar - that is cut'
new
head -c 2000 a.tar | import --from-tar - >out 2>err
ok 'a short pipe that is cut: no object is made up' \
	test "$(records stored)" = 0
new
tar -C s --sort=name -cf - DICOM/IM1 DICOM/SUB | import --from-tar - >out 2>err
ok 'a short tar by a pipe' test "$(records stored)" = 2
sound 'a short tar by a pipe'
exits 3 '--from-tar of no file' import --from-tar absent.tar
mkfifo fifo
new
exits 2 '--from-tar of a FIFO' sh -c \
	'timeout 20 cat a.tar >fifo & timeout 20 imgimport -q -C arch --from-tar fifo'
ok 'is read' test "$(records stored)" = 3
ok 'under its name' grep -q '"path":"fifo!/DICOM/IM1"' out
cat a.tar | import --from-tar /dev/stdin >out 2>err
ok 'so is /dev/stdin of a pipe' test "$(records duplicate)" = 3
exits 3 'a FIFO as operand' import fifo
same 'is not passed over' out <<!
{"status":"failed","path":"fifo","error":{"code":"unsupported","message":"fifo: FIFO; --from-tar is for streams","by":"imgimport"}}
!

# ---- devices -------------------------------------------------------------

mkdir nd && img nd/IM9 99 && genisoimage -quiet -R -o n.iso nd 2>/dev/null
dev=
is_root && dev=$(losetup --show -r -f both.iso 2>/dev/null)
if [ -n "$dev" ]; then
	new
	exits 2 'a block device' import "$dev"
	sed "s,$dev,DEV,g" out >out2
	brief out2 | sort >got
	same 'is a disc' got <<!
ignored DEV
ignored DEV!/README
rejected DEV!/bad.dcm
stored DEV!/DICOM/IM1
stored DEV!/DICOM/SUB/IM2
stored DEV!/DICOM/long
!
	exits 2 'again' import "$dev"
	ok 'its objects are known' test "$(records duplicate)" = 3
	losetup -d "$dev"
	ok 'another disc in the device' losetup -r "$dev" n.iso
	exits 0 'is another disc' import "$dev"
	ok 'and is read' test "$(records stored)" = 1
	losetup -d "$dev"
else
	skip 'a block device' 'no loop device to be had'
fi

# ---- hostile members -----------------------------------------------------

new
mkdir h && img h/good 21
perl - <<'!'
# A tar of members that must not be followed.
sub member {
	my ($name, $type, $link, $data) = @_;
	my $h = pack('a100 a8 a8 a8 a12 a12 a8 a1 a100 a6 a2 a32 a32 a8 a8 a155 x12',
		$name, '0000644', '0000000', '0000000',
		sprintf('%011o', length $data), '00000000000', ' ' x 8, $type,
		$link, "ustar\0", '00', '', '', '0000000', '0000000', '');
	substr($h, 148, 8) = sprintf("%06o\0 ", unpack('%32C*', $h));
	print T $h, $data, "\0" x (-length($data) % 512);
}
open G, '<', 'h/good' or die; binmode G; local $/; my $good = <G>;
open T, '>', 'h.tar' or die; binmode T;
member('/etc/evil', '0', '', $good);
member('../evil', '0', '', $good);
member('a/../../evil', '0', '', $good);
member('c:/evil', '0', '', $good);
member('link', '2', '/etc/passwd', '');
member('hard', '1', 'good', '');
member('chr', '3', '', '');
member('blk', '4', '', '');
member('fifo', '6', '', '');
member("ctl\x1b[2J\n", '0', '', $good);
member('good', '0', '', $good);
member('good', '0', '', $good);
print T "\0" x 1024;
!
exits 2 'hostile members' import h.tar
sed 's/"StudyInst.*"digest":"[0-9a-f]*"/-/
	s/"error":{"code":"refused","message":"[^"]*: \(.*\)","by":"imgimport"}/\1/' \
	out | sort >got
same 'are rejected by name' got <<!
{"status":"duplicate","path":"h.tar!/good",-}
{"status":"duplicate","path":"h.tar!/good",-}
{"status":"ignored","path":"h.tar","reason":"archive","members":12}
{"status":"rejected","path":"h.tar!/../evil",name with '..'}
{"status":"rejected","path":"h.tar!//etc/evil",absolute name}
{"status":"rejected","path":"h.tar!/a/../../evil",name with '..'}
{"status":"rejected","path":"h.tar!/blk",block device}
{"status":"rejected","path":"h.tar!/c:/evil",name with a drive letter}
{"status":"rejected","path":"h.tar!/chr",character device}
{"status":"rejected","path":"h.tar!/fifo",FIFO}
{"status":"rejected","path":"h.tar!/hard",hard link}
{"status":"rejected","path":"h.tar!/link",symbolic link}
{"status":"stored","path":"h.tar!/ctl?[2J?",-}
!
ok 'nothing is written where they point' \
	test ! -e evil -a ! -e ../evil -a ! -e /etc/evil
sed 's/"stored"/"duplicate"/' out | sort >want
exits 2 'again' import h.tar
sort out >got
same 'the same' got <want

# ---- damaged and locked --------------------------------------------------

new
zip -q -P secret locked.zip s/DICOM/IM1 s/README
exits 2 'an encrypted zip' import locked.zip
grep -c '"code":"unsupported","message":"locked.zip!/s/[^:]*: encrypted, and no passphrase is given"' out >got
same 'says so of each member' got <<!
2
!
zip -q locked.zip s/DICOM/SUB/IM2
exits 2 'with another passphrase' sh -c \
	'echo Secret | imgimport -q -C arch --passphrase-fd 0 locked.zip'
ok 'that is told' test "$(records rejected)" = 2
ok 'what needs none is there' grep -q \
	'"stored","path":"locked.zip!/s/DICOM/SUB/IM2"' out
exits 0 'with the right one' sh -c \
	'echo secret | imgimport -q -C arch --passphrase-fd 0 locked.zip'
ok 'all is there' test "$(records stored)" = 1
ok 'as it was' sh -c '! imgverify -q -C arch | grep -v intact'
exits 0 'what is in needs none' import locked.zip
cp s/DICOM/IM1 big && img big 99 --rows 900 --cols 900
for how in aes256 aes128 traditional; do
	bsdtar -cf $how.zip --format zip --options zip:encryption=$how \
		--passphrase 'Übung 7' big s/DICOM/IM1
	new
	exits 2 "$how: none" import $how.zip
	exits 0 "$how: opened" sh -c "printf 'Übung 7\r\n' |
		imgimport -q -C arch -j 2 --passphrase-fd 0 $how.zip"
	ok "$how: both are there" test "$(records stored)" = 2
	ok "$how: as they were" grep -q "$(b2sum -l 256 <big | cut -c 1-64)" out
	bitflip $how.zip 300000 >/dev/null
	new
	exits 2 "$how: damaged" sh -c "printf 'Übung 7' |
		imgimport -q -C arch --passphrase-fd 0 $how.zip"
	ok "$how: costs its member" test \
		"$(records rejected),$(records stored)" = 1,1
done
exits 64 'a passphrase and inputs on stdin' import --passphrase-fd 0 <got
exits 64 'an empty passphrase' import --passphrase-fd 3 a.zip 3</dev/null
exits 3 'a descriptor that is not there' import --passphrase-fd 9 a.zip
for f in a.zip a.tar a.tgz a.tar.bz2 a.tar.xz a.tar.zst both.iso; do
	for part in 4 2; do
		n=$(($(wc -c <$f) * 3 / part / 2))
		[ $part = 4 ] && n=$(($(wc -c <$f) / 4))
		head -c $n $f >cut-$f
		new
		import cut-$f >out 2>err
		status=$?
		ok "cut: $f at $n bytes: status 2 or 3" \
			test $status = 2 -o $status = 3
		grep '"path":"cut-'$f'",' out >got
		ok "cut: $f at $n bytes: the archive is rejected" \
			grep -q '^{"status":"rejected".*"code":"\(truncated\|malformed\)"' got
		[ -f arch/catalog.db ] && sound "cut: $f at $n bytes"
		sed 's/"stored"/"duplicate"/' out | sort >want
		import cut-$f >out 2>err
		ok "cut: $f at $n bytes: again, the same status" test $? = $status
		sort out >got
		same "cut: $f at $n bytes: again, the same" got <want
	done
done
cp a.zip flip.zip
bitflip flip.zip $(($(wc -c <a.zip) / 2)) >/dev/null
new
exits 2 'a flipped bit in a zip' import flip.zip
ok 'is a member that is lost' grep -q \
	'"rejected","path":"flip.zip!/DICOM/[^"]*","error":{"code":"malformed"' out
sound 'a flipped bit in a zip'

gzip -k s/DICOM/IM1 2>/dev/null && mv s/DICOM/IM1.gz .
exits 3 'a compressed file that is no tar' import IM1.gz
ok 'is unsupported' grep -q '"code":"unsupported"' out

# ---- caps ----------------------------------------------------------------

new
exits 2 '--max-members' import --max-members 4 a.tar
ok 'two files and two folders are taken' test "$(grep -c '!/' out)" = 2
ok 'then the archive is given up' grep -q \
	'"rejected","path":"a.tar","error":{"code":"limit","message":"a.tar: more than 4 members","by":"imgimport"},"members":2' out
exits 2 'a higher cap, later' import --max-members 7 a.tar
ok 'takes all' grep -q '"ignored","path":"a.tar"' out
new
exits 2 '--max-size' import --max-size 100K a.tar
ok 'a longer member is over the limit' grep -q \
	'"rejected","path":"a.tar!/DICOM/long","error":{"code":"limit"' out
exits 2 'without it, later' import a.tar
ok 'it is stored' grep -q '"stored","path":"a.tar!/DICOM/long"' out
new
exits 2 '--max-total' import --max-total 100K a.tar
ok 'the archive is given up' grep -q \
	'"rejected","path":"a.tar","error":{"code":"limit"' out
new
{ img - 91 && head -c 100000000 /dev/zero; } >bomb && zip -q bomb.zip bomb &&
	rm bomb
exits 3 '--max-ratio' import bomb.zip
ok 'the bomb is given up' grep -q \
	'"rejected","path":"bomb.zip".*"code":"limit","message":"bomb.zip: unpacks to more than 200 times its size"' out
ok 'and leaves nothing' test -z "$(find arch/tmp arch/objects -type f)"
exits 0 'a higher ratio, later' import --max-ratio 2000 bomb.zip
ok 'lets it be read' grep -q '"stored","path":"bomb.zip!/bomb"' out

# ---- what was in an archive that failed ----------------------------------

# A member that could not be stored is not forgotten with its archive.
new
import s/DICOM/IM1 >out
exits 2 'a disk that is full for one member' \
	failio write:ENOSPC:arch/tmp imgimport -q -C arch a.zip
ok 'says so' grep -q '"failed","path":"a.zip!/DICOM/SUB/IM2".*"code":"io"' out
exits 2 'with room' import a.zip
ok 'it is stored' grep -q '^{"status":"stored","path":"a.zip!/DICOM/SUB/IM2"' out
ok 'and so is the long one' grep -q '^{"status":"stored","path":"a.zip!/DICOM/long"' out
sound 'with room'
new
import s/DICOM/IM1 >out
exits 3 'a batch that fails' \
	failio fdatasync:EIO:audit.log imgimport -q -C arch a.zip
exits 2 'the next run' import a.zip
ok 'stores them' test "$(records stored)" = 2
sound 'the next run'

# ---- their order -----------------------------------------------------------

# Not that in which workers have seen what they are.
new
mkdir turns && img turns/old.dcm 8 && img turns/new.dcm 8 --pixel 5
(cd turns && zip -q 1.zip old.dcm && zip -q 2.zip new.dcm && rm ./*.dcm)
exits 0 'archives, the first of which takes long to read' failio \
	pread:slow:1.zip imgimport -q -C arch -j 4 --on-conflict replace turns
brief | grep -v ignored >got
same 'come in the order of the inputs' got <<!
stored turns/1.zip!/old.dcm
conflict turns/2.zip!/new.dcm
!
new
exits 0 'as operands, too' failio \
	pread:slow:1.zip imgimport -q -C arch -j 4 turns/1.zip turns/2.zip
brief | grep -v ignored >got
same 'in their order' got <<!
stored turns/1.zip!/old.dcm
conflict turns/2.zip!/new.dcm
!
finish
