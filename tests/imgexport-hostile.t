# imgexport-hostile.t - objects and destinations that mean ill, or that change
# meanwhile: nothing outside of the destination, one record is what they cost.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"

export IMG_CATALOG="$PWD/arch"
out_()
{
	imgexport -q "$@"
}

# ---- what lies in a folder ------------------------------------------------

mkdir in
img in/a.dcm 1
img out.dcm 2
ln -s ../out.dcm in/b.dcm
ln -s nowhere in/c.dcm
ln -s . in/d
mkfifo in/e
exits 2 'links and others' imgexport -o links in
brief | LC_ALL=C sort >have
same 'each has a record' have <<'!'
exported links/TEST-0001/20240102-Test study/1/1.dcm
exported links/TEST-0001/20240102-Test study/1/2.dcm
failed in/c.dcm
ignored in/d
ignored in/e
!
same 'and they are counted' err <<!
imgexport: in/c.dcm: No such file or directory
$(tail -n 1 err)
!
ok 'by state' grep -q '5 inputs: 2 exported, 2 ignored, 1 failed' err
rm -r in

# ---- names ----------------------------------------------------------------

if command -v dcm2niix >/dev/null; then
	mkdir in
	for n in 1 2 3; do
		img in/$n.dcm $n --series ../../../evil --modality CT \
			--rows 64 --cols 64 --set "0020,0032=DS:0\\0\\$n" \
			--set '0020,0037=DS:1\0\0\0\1\0' \
			--set '0028,0030=DS:1\1'
	done
	mkdir -p deep/er
	exits 0 'nifti: a UID that leads out' out_ --as nifti -o deep/er/out in
	ok 'stays in' test "$(find deep/er/out -name '*evil*.nii' |
		wc -l)" = 1
	ok 'and nothing is elsewhere' test -z "$(find . -name 'evil*')"
	# The same series in two studies, and a layout that tells them not apart.
	for n in 4 5 6; do
		img in/$n.dcm $n --series ../../../evil --modality CT \
			--study 2.25.99 --date 20240203 \
			--rows 64 --cols 64 --set "0020,0032=DS:0\\0\\$n" \
			--set '0020,0037=DS:1\0\0\0\1\0' \
			--set '0028,0030=DS:1\1'
	done
	exits 0 'nifti: two of one name' out_ --as nifti --layout x -o two in
	ok 'get numbers' test "$(find two -name '*.nii' | wc -l)" = 2
	rm -r in
else
	skip 'nifti: a UID that leads out' 'dcm2niix is not here'
fi

# Names of pictures were made of attributes: messages have none of them.
img p.dcm 1
exits 3 'a picture that reads back otherwise' failio \
	'pread:cut:imgexport-' imgexport -q --as png -o png p.dcm
ok 'leaves nothing' test ! -e png

img a.dcm 1 --set '0020,4000=LT:a.dcm'
img b.dcm 2 --set '0020,4000=LT:a'
img c.dcm 3 --frames 2 --set '0020,4000=LT:c'
img d.dcm 4 --set '0020,4000=LT:c-f0001'
exits 2 'pictures of one name' out_ --as png --layout '{0020,4000}' -j 1 \
	-o same a.dcm b.dcm c.dcm d.dcm
ok 'cost one record' test "$(records exported)" = 3
ok 'which says why' grep -q \
	'^imgexport: d.dcm: another object has a picture of its name$' err
ls same >have
same 'and none is lost' have <<'!'
MANIFEST.TXT
a-2.png
a.png
c-f0001.png
c-f0002.png
!
img e.dcm 5 --set 0020,0013=IS:
exits 0 'a value that is empty' out_ --layout '{InstanceNumber}.dcm' -o no e.dcm
ok 'leaves the ending' test -e no/_.dcm
rm -r no

# Pixel data may have its words in another order under a private transfer
# syntax, as 1.2.840.113619.5.2 has: nobody can know.
img un.dcm 8 --syntax-uid 1.2.3.4
for how in '--transfer-syntax explicit' '--transfer-syntax jpegls' \
	'--as png' '--as npy' '--as nifti'; do
	# shellcheck disable=SC2086 # words
	exits 3 "unknown transfer syntax: $how" out_ $how -o un un.dcm
	ok 'says so' grep -q '^imgexport: un.dcm: .*transfer syntax' err
done
img ge.dcm 8 --syntax implicit --syntax-uid 1.2.840.113619.5.2
exits 3 "that of GE" out_ --transfer-syntax explicit -o un ge.dcm
ok 'says so' grep -q '^imgexport: ge.dcm: .*transfer syntax' err
exits 0 'but it goes out as it is' out_ -o un un.dcm
rm -r un

# ---- inputs that are none -------------------------------------------------

imgimport -q a.dcm >/dev/null
exits 2 'a UID that is nowhere' out_ -o some a.dcm 2.25.404
same 'is named' err <<'!'
imgexport: 2.25.404: no such file, and no such UID in the archive
!
ok 'in its record, too' grep -q '^{"status":"failed","path":"2.25.404",' out
echo '{"path":"x.iso!/a"}' >rec
exits 3 'a record of a member' sh -c 'imgexport -q -o none <rec'
ok 'keeps its path' grep -q '^{"status":"failed","path":"x.iso!/a",' out
echo '{"path":"gone.dcm","SOPInstanceUID":"2.25.404"}' >rec
exits 3 'a record of nothing' imgexport -q -o nothing <rec
same 'is named' err <<!
imgexport: gone.dcm: a record of nothing that is in the archive or in a file
!
exits 3 'a UID without an archive' imgexport -q -C none -o nothing 2.25.404
ok 'is named, too' grep -q '^imgexport: 2.25.404: none: no archive is there' err

# A folder of this name is none that a full disk would speak of.
mkdir destination
img destination/a.dcm 1
img destination/b.dcm 2 --syntax-uid 1.2.840.10008.1.2.5 --set 7FE0,0010=OB:00
exits 2 'a bad object in a folder of that name' out_ \
	--transfer-syntax explicit -o good destination
ok 'costs itself only' test "$(records exported)" = 1

# ---- destinations that change ---------------------------------------------

exits 0 'an earlier export' out_ -o dest a.dcm
# Another folder comes to lie there while it is written.
exits 3 'what comes to lie there meanwhile' sh -c '(
	echo a.dcm
	sleep 0.5
	mv dest was && mkdir dest && echo mine >dest/mine
	echo b.dcm
) | imgexport -q --force -o dest'
ok 'is found out at the end' grep -q 'has changed meanwhile' err
ok 'stays there' test "$(cat dest/mine)" = mine
ok 'with nothing beside it' test -z "$(find . -name '.*imgexport-*')"

if [ "$(id -u)" = 0 ] && mkdir mount && mount -t tmpfs -o size=9m none mount \
	2>/dev/null; then
	trap 'cd / && umount "$W/mount"; rm -rf "$T" "$W"' EXIT
	mkdir -p mount/..imgexport-77/x
	exits 0 'what was killed in a mounted folder' out_ -o mount a.dcm
	ok 'has left nothing' test "$(find mount -name '.*')" = ''
	umount mount
	trap 'cd / && rm -rf "$T" "$W"' EXIT
else
	skip 'what was killed in a mounted folder' 'nothing can be mounted'
fi
exits 0 'an export' out_ -o stale a.dcm
rm -r stale && mkdir -p .stale.imgexport-1/x && touch .stale.imgexport-1/x/y
exits 0 'after one that was killed' out_ -o stale a.dcm
ok 'nothing of that one is left' test ! -e .stale.imgexport-1
if [ "$(id -u)" = 0 ]; then
	mkdir .stale.imgexport-2 && touch .stale.imgexport-2/x
	chown 65534 .stale.imgexport-2
	exits 0 "one that is somebody else's" out_ --force -o stale a.dcm
	ok 'is not touched' test -e .stale.imgexport-2/x
	rm -r .stale.imgexport-2
else
	skip "one that is somebody else's" 'not root'
fi
mkdir fifo && mkfifo fifo/MANIFEST.TXT
exits 3 'a FIFO in the place of the manifest' timeout 20 imgexport -q --force \
	-o fifo a.dcm
ok 'is none' grep -q 'fifo: no earlier export has made it' err
# Of numbered volumes there are all or none.
for n in 1 2 3; do
	img v$n.dcm 1$n --series 2.25.50$n --rows 900 --cols 900
done
exits 0 'volumes' out_ --media --split 4M -o v v1.dcm v2.dcm v3.dcm
ok 'are two or three' test -d v-2
rm -r v-?
exits 3 'the second cannot have its name' failio renameat2:EIO:-:2 \
	imgexport -q --media --split 4M -o v v1.dcm v2.dcm v3.dcm
ok 'no volume is there' test -z "$(find . -name 'v-?' -o \
	-name '.v*imgexport-*')"

# ---- what is asked for ----------------------------------------------------

exits 3 'into the archive' out_ -o arch/objects/x a.dcm
ok 'says so' grep -q '^imgexport: arch/objects/x: lies in the archive' err
ok 'and writes nothing there' test ! -e arch/objects/x
exits 64 'a time that is none' env SOURCE_DATE_EPOCH=today imgexport -q \
	-o times a.dcm
ok 'makes nothing' test ! -e times

# ---- dcm2niix ends with us ------------------------------------------------

mkdir bin
cat >bin/dcm2niix <<'!'
#!/bin/sh
echo $$ >"$NIFTI_PID"
exec sleep 20
!
chmod +x bin/dcm2niix
NIFTI_PID=$PWD/pid
export NIFTI_PID
gone()
{
	for _ in 1 2 3 4 5 6 7 8 9; do
		# Nobody may be there to reap it.
		grep -q '^State:.[^Z]' "/proc/$(cat pid)/status" 2>/dev/null ||
			return 0
		sleep 0.1
	done
	return 1
}
for sig in TERM KILL; do
	rm -f pid
	PATH=$PWD/bin:$PATH imgexport -q --as nifti -o ni a.dcm >out 2>err &
	p=$!
	while [ ! -s pid ]; do sleep 0.05; done
	kill -s $sig $p
	wait $p 2>/dev/null
	got=$?
	ok "$sig: the status" test $got = \
		"$([ $sig = TERM ] && echo 143 || echo 137)"
	ok "$sig: dcm2niix has ended" gone
	ok "$sig: no record" test ! -s out
	ok "$sig: nothing has the name" test ! -e ni
done
img sr.dcm 7 --omit 7FE0,0010
exits 3 'what is no image' out_ --as nifti -o ni sr.dcm
ok 'is not given to dcm2niix' grep -q '^imgexport: sr.dcm: no image' err
finish
