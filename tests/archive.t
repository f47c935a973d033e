#!/bin/sh
# archive.t - walking archives and images: formats, names, lies, cuts, bombs.
#
# lsarchive prints kind, name, refusal, bytes, CRC-32 and verdict of each
# member, and how the archive ended.
. "$(dirname "$0")/lib.sh"
need bsdtar genisoimage mkhostile lsarchive timed xz zip zstd

# A sanitizer needs more memory than is measured here.
plain=yes
grep -q __asan_init "$O/tools/lsarchive" && plain=

# names FILE: name and verdict of the files in out, sorted
names()
{
	awk -F'\t' '$1 == "file" { print $2, $4, $5, $6 }' "$1" | LC_ALL=C sort
}

mkdir -p d/DICOM/A
printf 'one\n' >d/DICOM/A/IM1
awk 'BEGIN { for (i = 0; i < 60000; i++) print i * 7919 % 65521 }' >d/DICOM/IM2
: >d/empty
printf 'hi' >d/Müller.txt
cat >want <<'!'
DICOM/A/IM1 4 07b0e171 ok
DICOM/IM2 !SIZE! !CRC! ok
Müller.txt 2 d8932aac ok
empty 0 00000000 ok
!
size=$(wc -c <d/DICOM/IM2)
crc=$(gzip -1c d/DICOM/IM2 | tail -c 8 | od -An -tx4 -N4 | tr -d ' ')
crc1=$(gzip -1c d/DICOM/A/IM1 | tail -c 8 | od -An -tx4 -N4 | tr -d ' ')
sed "s/!SIZE!/$size/; s/!CRC!/$crc/; s/07b0e171/$crc1/" want >want.all

# ---- formats ------------------------------------------------

members='DICOM Müller.txt empty'
for f in gnutar pax ustar v7tar; do
	# shellcheck disable=SC2086
	bsdtar --format=$f -C d -cf $f.tar $members
done
for c in gzip bzip2 xz zstd; do
	$c -qc <pax.tar >tar.$c
done
xz -0qc --block-size=64KiB <pax.tar >tar.xz-blocks
zstd -q --long=27 -c <pax.tar >tar.zstd-long
gzip -c <pax.tar | cat - /dev/null >tar.gzip-two
head -c 20000 pax.tar | gzip -c >tar.gzip-two
tail -c +20001 pax.tar | gzip -c >>tar.gzip-two
# shellcheck disable=SC2086
(cd d && zip -qr ../deflated.zip $members && zip -q0r ../stored.zip $members &&
	zip -qr - $members | cat >../piped.zip &&
	zip -qr -Z bzip2 ../bzip2.zip $members)
# shellcheck disable=SC2086
bsdtar --format=zip -C d -cf bsd.zip $members
genisoimage -quiet -J -o joliet.iso d 2>/dev/null
genisoimage -quiet -R -o rockridge.iso d 2>/dev/null
genisoimage -quiet -J -r -o both.iso d 2>/dev/null

# The process may run in any locale: names come out in UTF-8.
for f in gnutar.tar pax.tar ustar.tar v7tar.tar tar.gzip tar.bzip2 tar.xz \
	tar.zstd tar.xz-blocks tar.zstd-long tar.gzip-two deflated.zip \
	stored.zip piped.zip bzip2.zip bsd.zip joliet.iso rockridge.iso \
	both.iso; do
	exits 0 "$f: is read" env LC_ALL=C lsarchive $f
	names out >got
	same "$f: names and contents" got <want.all
	exits 0 "$f: is read from a pipe" env LC_ALL=C lsarchive -s $f
	names out >got
	same "$f: the same from a pipe" got <want.all
done

for f in ustar.tar tar.xz piped.zip; do
	cat $f | lsarchive /dev/stdin >out
	names out >got
	same "$f: through standard input" got <want.all
done

# The end of a zip is found behind a long comment, and not in it.
cp stored.zip long.zip && awk 'BEGIN { for (i = 0; i < 8000; i++) print i }' |
	zip -qz long.zip
cp stored.zip fake.zip && printf 'PK\5\6 is not the end here, and not here' |
	zip -qz fake.zip
for f in long.zip fake.zip; do
	exits 0 "$f: a zip with a comment" lsarchive $f
	names out >got
	same "$f: all is read" got <want.all
done

genisoimage -quiet -o plain.iso d 2>/dev/null
exits 0 'ISO 9660 alone' lsarchive plain.iso
ok 'its names lose version and trailing dot' grep -q 'DICOM/A/IM1	' out

# Two or more tars one behind the other are all read.
cat ustar.tar pax.tar >two.tar
exits 0 'two tars in a row' lsarchive two.tar
ok 'both are read' test "$(grep -c 'DICOM/A/IM1' out)" = 2

# A tar of sparse files, with a hole at the end.
truncate -s 300000 sparse && printf x | dd of=sparse bs=1 seek=99999 \
	conv=notrunc status=none
if tar --version 2>/dev/null | grep -q 'GNU tar'; then
	crc=$(gzip -1c sparse | tail -c 8 | od -An -tx4 -N4 | tr -d ' ')
	for f in gnu posix; do
		tar --format=$f -S -cf sparse.tar sparse
		exits 0 "sparse tar, $f" lsarchive sparse.tar
		ok 'holes are zero bytes' grep -q "300000	$crc	ok" out
	done
else
	skip 'sparse tar' 'no GNU tar'
fi

printf 'x' | gzip >x.gz
for f in x.gz d/Müller.txt d/empty; do
	exits 2 "$f: is no archive" lsarchive "$f"
	ok 'and it says so' grep -q 'unsupported' out
done

# ---- names that are not UTF-8 ------------------------------------------------

mkhostile tar-controls >t
exits 0 'control characters and bad bytes' env LC_ALL=C lsarchive t
same 'become question marks' out <<'!'
file	a?[31mb?c?d	-	534	9a61630e	ok
file	nul	-	534	52344962	ok
end	ok
!
cp=$(printf 'Gr\201n')
mkdir cp && printf hi >"cp/$cp" && (cd cp && zip -q ../cp.zip "$cp")
exits 0 'a zip without Unicode' env LC_ALL=C lsarchive cp.zip
ok 'is code page 437' grep -q '	Grün	' out

# ---- what is refused ------------------------------------------------

# refused KIND WHY: the second of three members is refused, the others are read
refused()
{
	mkhostile "$1" >t
	exits 0 "$1: is read on" lsarchive t
	ok "$1: $2" grep -q "^refused	.*	$2	" out
	ok "$1: the others are read" test "$(names out | grep -c ok)" -ge 2
	exits 0 "$1: from a pipe" lsarchive -s t
}
refused tar-dotdot "name with '..'"
refused tar-absolute 'absolute name'
refused tar-drive 'name with a drive letter'
refused tar-backslash "name with '..'"
refused tar-inner "name with '..'"
refused tar-symlink 'symbolic link'
refused tar-hardlink 'hard link'
refused tar-chardev 'character device'
refused tar-blockdev 'block device'
refused tar-fifo 'FIFO'
refused tar-longname 'name longer than 4095 bytes'
refused zip-dotdot "name with '..'"
refused zip-absolute 'absolute name'
refused zip-drive 'name with a drive letter'
refused zip-backslash "name with '..'"
refused zip-inner "name with '..'"
mkhostile zip-symlink >t
exits 0 'zip-symlink: is read on' lsarchive t
ok 'zip-symlink: refused' grep -q '^refused	link	symbolic link' out
mkhostile zip-windows >t
exits 0 'a name with backslashes, as Windows writes it' lsarchive t
ok 'is a path' grep -q 'DICOM/IM0001' out

# ---- lies and damage ------------------------------------------------

# damaged KIND STATUS CODE FILES: how the walk ends, or the member; good files
damaged()
{
	mkhostile "$1" >t
	for way in '' -s; do
		# shellcheck disable=SC2086
		exits "$2" "$1 $way: status" timed cost lsarchive $way t
		ok "$1 $way: $3" grep -q "	$3\$" out
		ok "$1 $way: $4 good" test "$(names out | grep -c ' ok$')" = "$4"
		[ -z "$plain" ] || ok "$1 $way: little memory" \
			awk '$3 > 64 * 1024 { exit 1 }' cost
		ok "$1 $way: soon" awk '$2 > 10 { exit 1 }' cost
		rm cost
	done
}
damaged tar-sparse 0 limit 2
damaged tar-badsum 2 malformed 1
damaged tar-noend 2 truncated 2
damaged tar-cut 2 truncated 1
damaged tar-concat 0 ok 2
damaged tar-junk 2 malformed 1
damaged tgz-badcrc 2 malformed 2
damaged tgz-cut 2 truncated 2
damaged tgz-bomb 2 limit 1
damaged tgz-many 0 ok 200000
damaged gz-notar 2 unsupported 0
damaged zstd-window 2 limit 0
damaged xz-dict 2 limit 0
damaged zip-sizelie 0 malformed 1
damaged zip-bomb 2 limit 1
damaged zip-many 0 ok 200000
damaged zip-overlap 2 malformed 1
damaged zip-encrypted 0 unsupported 1
damaged zip-lzma 0 unsupported 1
damaged zip-method 0 unsupported 1
damaged zip-crc 0 malformed 1
damaged zip-cut 2 truncated 2
damaged zip-head 2 malformed 1
damaged iso-good 0 ok 2
damaged iso-loop 2 malformed 0
damaged iso-beyond 2 malformed 0
damaged iso-cut 0 truncated 1
damaged iso-many 2 limit 0
mkhostile zip-quoted >t
exits 2 'overlapping members' lsarchive t
ok 'are stopped' grep -q '^end	limit' out
mkhostile iso-overlap >t
exits 0 'files that share their sectors' lsarchive t
ok 'are one' grep -q '^refused	IM2	hard link' out

# Memory: streams that ask for much, and fill it or not.
awk 'BEGIN { for (i = 0; i < 7000000; i++) print i * 48271 % 999983 }' |
	head -c 40000000 >big && bsdtar -cf big.tar big && rm big
xz -0c --lzma2=preset=0,dict=64MiB <big.tar >big.xz
exits 2 'a dictionary of 64 MiB that is filled' timed cost lsarchive big.xz
ok 'is over the limit' grep -q '^end	limit' out
ok 'the message says what to do' grep -q 'pack it again with xz -8' err
xz -0c --lzma2=preset=0,dict=32MiB <big.tar >big.xz
exits 0 'one of 32 MiB' timed cost lsarchive big.xz
zstd -q -1 --long=27 -c <big.tar >big.zst
exits 2 'a window of 128 MiB' timed cost lsarchive big.zst
zstd -q -1 --long=25 -c <big.tar >big.zst
exits 0 'one of 32 MiB' timed cost lsarchive big.zst
[ -z "$plain" ] || ok 'all in 64 MiB' awk '$3 > 64 * 1024 { exit 1 }' cost
xz -9c <ustar.tar >small.xz
exits 0 'a small stream that asks for 64 MiB' lsarchive small.xz
rm -f big.*

# ---- ceilings ------------------------------------------------

exits 0 'members: as many as allowed' lsarchive -l 0,0,0,6 stored.zip
exits 2 'members: one too many' lsarchive -l 0,0,0,5 stored.zip
ok 'says limit' grep -q '^end	limit' out
exits 0 'a member over its ceiling is lost' lsarchive -l 10,0,0,0 pax.tar
ok 'it alone' grep -q 'DICOM/IM2	.*limit' out
ok 'the others not' grep -q 'DICOM/A/IM1	.*ok' out
exits 2 'all together over the ceiling' lsarchive -l 0,100000,0,0 pax.tar
ok 'ends the walk' grep -q '^end	limit' out
head -c 90000000 /dev/zero >zero && bsdtar -czf zero.tgz zero && rm zero
exits 2 'ratio over the ceiling' lsarchive zero.tgz
exits 2 'also when nothing is read' lsarchive -k zero.tgz
exits 0 'a higher ceiling' lsarchive -l 0,0,2000,0 zero.tgz

# ---- cuts ------------------------------------------------

# cuts FILE STEP LAST: cut at every STEP bytes up to LAST, nothing must look
# whole, and what is given must be what is in the whole.
cuts()
{
	lsarchive "$1" >whole
	at=0 bad=
	while [ $at -lt "$3" ]; do
		head -c "$at" "$1" >./cut
		for way in '' -s; do
			# shellcheck disable=SC2086
			lsarchive $way cut >got 2>/dev/null
			s=$?
			[ $s = 2 ] || grep -q '	truncated$' got ||
				bad="$bad $at$way:$s"
			grep '	ok$' got | grep -v '^end' |
				grep -qvxFf whole && bad="$bad $at$way:other"
		done
		at=$((at + $2))
	done
	ok "$1 cut every $2 bytes never looks whole" test -z "$bad"
}
rm -rf s && mkdir -p s/DICOM && head -c 3000 d/DICOM/IM2 >s/DICOM/A &&
	head -c 1500 /dev/zero >s/DICOM/B && printf hello >s/C
bsdtar -C s --format=ustar -cf s.tar DICOM C
for c in gzip bzip2 xz zstd; do $c -qc <s.tar >s.$c; done
(cd s && zip -q0r ../s.zip DICOM C && zip -qr - DICOM C | cat >../p.zip)
genisoimage -quiet -J -o s.iso s 2>/dev/null
# The zero blocks at a tar's end may be cut, all but the first.
cuts s.tar 512 "$(($(bsdtar -tvf s.tar | awk '
	{ n += 512 + int(($5 + 511) / 512) * 512 } END { print n }') + 1))"
cuts s.gzip 61 "$(wc -c <s.gzip)"
cuts s.bzip2 61 "$(wc -c <s.bzip2)"
cuts s.xz 61 "$(wc -c <s.xz)"
cuts s.zstd 61 "$(wc -c <s.zstd)"
cuts s.zip 61 "$(wc -c <s.zip)"
cuts p.zip 61 "$(wc -c <p.zip)"
cuts s.iso 2048 "$(($(isoinfo -J -l -i s.iso 2>/dev/null | awk '
	match($0, /\[ *[0-9]+/) && !/;?\.\.? *$/ {
		n = substr($0, RSTART + 1, RLENGTH - 1) + 0
		if (n > m) m = n
	} END { print m * 2048 }')))"

# ---- no memory --------------------------------------------------------------

# libarchive opens without what it could not keep, and crashes.
if [ -n "$plain" ] && [ -f "$O/tools/scant.so" ]; then
	zip -qr0 few.zip d/DICOM/A && tar --zstd -cf few.tzst d/DICOM/A
	for f in few.zip few.tzst; do
		k=0
		: >crashes
		while [ $((k += 1)) -le 60 ]; do
			LD_PRELOAD=$O/tools/scant.so SCANT=memory:$k \
				SCANT_LOG=$PWD/log lsarchive $f >out 2>&1
			tail -c +17 log | tr -d '\000' >>crashes
			rm -f log
		done 2>/dev/null
		grep 'archive_read_open' crashes >opening
		ok "no memory to open $f is no crash" test ! -s opening
	done
fi
finish
