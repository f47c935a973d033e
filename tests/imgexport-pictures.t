# imgexport-pictures.t - png, jpeg and npy: what is shown, compared with what
# DCMTK shows; arrays against the pixels themselves.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
need perl dcm2pnm dcmdump dcmodify djpeg
perl -MCompress::Zlib -e 1 2>/dev/null || skip_all 'perl has no Compress::Zlib'

cat >png.pl <<'EOP'
# The pixels of a PNG of 8 bits, as bytes.
use strict; use warnings; use Compress::Zlib;
local $/; binmode STDIN; binmode STDOUT;
my $p = <STDIN>; die 'no PNG' unless substr($p, 0, 8) eq "\x89PNG\r\n\x1a\n";
my ($w, $h, $type, $z, $at) = (0, 0, 0, '', 8);
while ($at < length $p) {
	my ($n, $what) = unpack 'Na4', substr $p, $at, 8;
	my $d = substr $p, $at + 8, $n; $at += 12 + $n;
	($w, $h, $type) = (unpack 'NNCC', $d)[0, 1, 3] if $what eq 'IHDR';
	$z .= $d if $what eq 'IDAT';
	die 'text in it' if $what =~ /^.EX/;
}
my $b = $type == 2 ? 3 : 1; my $raw = uncompress $z;
my @last = (0) x ($w * $b);
for my $y (0 .. $h - 1) {
	my ($f, @v) = unpack 'C*', substr $raw, $y * (1 + $w * $b), 1 + $w * $b;
	for my $i (0 .. $#v) {
		my ($l, $u, $c) = ($i < $b ? 0 : $v[$i - $b], $last[$i],
		    $i < $b ? 0 : $last[$i - $b]);
		my $q = $l + $u - $c;
		my ($x, $s, $t) = (abs $q - $l, abs $q - $u, abs $q - $c);
		my $paeth = $x <= $s && $x <= $t ? $l : $s <= $t ? $u : $c;
		$v[$i] = ($v[$i] + (0, $l, $u, int(($l + $u) / 2),
		    $paeth)[$f]) & 255;
	}
	@last = @v; print pack 'C*', @v;
}
EOP
cat >near.pl <<'EOP'
# near A B N: bytes that differ by more than N; 0 if none.
my ($n, @s) = $ARGV[2];
for (0, 1) { open my $f, '<:raw', $ARGV[$_] or die; local $/; $s[$_] = <$f> }
die 'lengths' . join ' ', map length, @s if length $s[0] != length $s[1];
my @a = unpack 'C*', $s[0]; my @b = unpack 'C*', $s[1];
exit !!grep { abs($a[$_] - $b[$_]) > $n } 0 .. $#a;
EOP
# pixels of a PNM that dcm2pnm has made
pnm()
{
	perl -0777 -ne 's/^P[56]\s(#.*\n)*\d+ \d+\s(#.*\n)*\d+\s//; print' "$1"
}
phantom head head
ct=$(find head/current -type f | LC_ALL=C sort | sed -n 30p)
for w in 40,80 -600,1500 40,400; do
	exits 0 "window $w" imgexport -q --as png --window=$w --layout x \
		-o w$w "$ct"
	perl png.pl <w$w/x.png >have
	dcm2pnm -Q +Ww "${w%,*}" "${w#*,}" "$ct" x.pnm 2>/dev/null ||
		dcm2pnm +Ww "${w%,*}" "${w#*,}" "$ct" x.pnm
	pnm x.pnm >want
	ok "window $w: as dcm2pnm shows it" perl near.pl have want 1
done
exits 0 'the window of the object' imgexport -q --as png --layout x -o own "$ct"
ok 'is the same as asked for' sh -c 'cmp own/x.png w40,400/x.png ||
	cmp own/x.png w40,80/x.png || dcmdump +P 0028,1050 +P 0028,1051 "$1"' \
	sh "$ct"
ok 'its record' grep -q \
	'^{"status":"exported","path":"own/x.png",.*"files":1,"from":"' out
ok 'the manifest agrees' sh -c 'cd own && cksum -c --quiet MANIFEST.TXT'
exits 0 'a window by name' imgexport -q --as png --window brain --layout x \
	-o brain "$ct"
ok 'is that' cmp brain/x.png w40,80/x.png
exits 0 'jpeg' imgexport -q --as jpeg --layout x -o jpg "$ct"
djpeg -pnm jpg/x.jpg >j.pnm && pnm j.pnm >have && perl png.pl <own/x.png >want
ok 'is nearly the same' perl near.pl have want 40
cr=$(find head/cr -type f)
exits 0 'a radiograph' imgexport -q --as png --layout x -o cr "$cr"
perl png.pl <cr/x.png >have
dcm2pnm +Wi 1 "$cr" x.pnm 2>/dev/null || dcm2pnm +Wm "$cr" x.pnm
pnm x.pnm >want
ok 'as dcm2pnm shows it' perl near.pl have want 1
phantom one --frames 3 --uid 2.25.5 frames.dcm
exits 0 'three frames' imgexport -q --as png --layout x.dcm -o three frames.dcm
ls three >got
same 'are three files' got <<!
MANIFEST.TXT
x-f0001.png
x-f0002.png
x-f0003.png
!
exits 0 'arrays' imgexport -q --as npy --layout x -o npy "$ct"
dcmdump +W . +P 7fe0,0010 "$ct" >/dev/null
tail -c 131072 npy/x.npy >have
ok 'are the stored values' cmp have "$(basename "$ct").0.raw"
ok 'and say what they are' grep -aq \
	"'descr': '<[iu]2', 'fortran_order': False, 'shape': (1, 256, 256)" npy/x.npy
# Bits that are no part of the value, and a sign that does not fill its word.
array()
{
	type=$1 name=$2
	shift 2
	phantom one --uid 2.25.6 --rows 1 "$@" "$name.dcm"
	rm -rf array
	exits 0 "an array of $name" imgexport -q --as npy --layout x -o array \
		"$name.dcm"
	tail -c +129 array/x.npy | od -An -v -t "$type" | tr -s ' ' >got
}
array d2 'signed 12 bits of 16' --cols 4 --set 0028,0101=US:12 \
	--set 0028,0102=US:11 --set 0028,0103=US:1 \
	--set 7fe0,0010=OW:ff0f0008ff070100
same 'has their signs' got <<!
 -1 -2048 2047 1
!
array u2 'an overlay in the high bits' --cols 4 --set 0028,0101=US:12 \
	--set 0028,0102=US:11 --set 7fe0,0010=OW:0110022003f00400
same 'is without it' got <<!
 1 2 3 4
!
array d2 'a high bit of 15' --cols 4 --set 0028,0101=US:12 \
	--set 0028,0102=US:15 --set 0028,0103=US:1 \
	--set 7fe0,0010=OW:1f0020007f00f0ff
same 'is without what lies below' got <<!
 1 2 7 -1
!
array u4 '12 bits of 32' --cols 2 --set 0028,0100=US:32 \
	--set 0028,0101=US:12 --set 0028,0102=US:11 \
	--set 7fe0,0010=OW:01f0ffffff0f0000
same 'too' got <<!
 1 4095
!
array u1 'four samples' --cols 2 --set 0028,0002=US:4 \
	--set 0028,0004=CS:CMYK --set 0028,0006=US:0 --set 0028,0100=US:8 \
	--set 0028,0101=US:8 --set 0028,0102=US:7 \
	--set 7fe0,0010=OB:0102030405060708
ok 'has all of them' grep -aq "'shape': (1, 1, 2, 4)" array/x.npy

# Tables: entries of a byte in words of the other order; a first value that is
# negative, as what is looked up may be.
phantom one --uid 2.25.8 --syntax big --rows 1 --cols 4 \
	--set '0028,0004=CS:PALETTE COLOR' --set 0028,0100=US:8 \
	--set 0028,0101=US:8 --set 0028,0102=US:7 \
	--set '0028,1101=US:4\0\8' --set '0028,1102=US:4\0\8' \
	--set '0028,1103=US:4\0\8' --set 0028,1201=OW:1e000a14 \
	--set 0028,1202=OW:1e000a14 --set 0028,1203=OW:1e000a14 \
	--set 7fe0,0010=OW:01000302 palette.dcm
exits 0 'a palette in big endian' imgexport -q --as png --layout x -o pal \
	palette.dcm
perl png.pl <pal/x.png | od -An -v -t u1 | tr -s ' ' >got
same 'has its colours' got <<!
 0 0 0 30 30 30 20 20 20 10 10 10
!
phantom one --uid 2.25.9 --rows 1 --cols 4 --set 0028,1052=DS:-4 \
	--set 0028,1053=DS:1 --set 7fe0,0010=OW:0000010002000700 plain.dcm
dcmodify -q -nb -i '(0028,3010)[0].(0028,3002)=8\65532\8' \
	-i '(0028,3010)[0].(0028,3006)=0\1e\3c\5a\78\96\b4\ff' plain.dcm
exits 0 'a VOI LUT from -4 on' imgexport -q --as png --layout x -o voi plain.dcm
perl png.pl <voi/x.png | od -An -v -t u1 | tr -s ' ' >got
same 'shows what is below zero' got <<!
 0 30 60 255
!
for shape in IDENTITY INVERSE; do
	phantom one --uid 2.25.10 --set 0028,0004=CS:MONOCHROME1 \
		--set 0028,1050=DS:2000 --set 0028,1051=DS:4000 \
		--set 2050,0020=CS:$shape shape.dcm
	rm -rf shape
	imgexport -q --as png --layout x -o shape shape.dcm >/dev/null
	perl png.pl <shape/x.png >have
	dcm2pnm +Wi 1 shape.dcm x.pnm
	pnm x.pnm >want
	ok "MONOCHROME1, $shape: as dcm2pnm shows it" perl near.pl have want 1
done
phantom one --uid 2.25.7 --frames 3 --rows 2 --cols 2 \
	--set 7fe0,0010=OW:01000200030004000500060007000800 less.dcm
for form in png npy; do
	exits 3 "a frame that is not there: $form" imgexport -q --as $form \
		-o less less.dcm
	same 'is no image of the others' err <<!
imgexport: less.dcm: 2 frames are there, and 3 stated
!
done
ok 'nothing was made of them' test ! -e less
exits 2 'what is no image' imgexport -q --as png -o sr head/sr head/cr
ok 'is said so' grep -q 'no image that could be shown' err
exits 64 'no window' imgexport -q --as png --window x -o no "$ct"
exits 64 'no width' imgexport -q --as png --window 1,0 -o no "$ct"
exits 64 'a window of no picture' imgexport -q --window 1,2 -o no "$ct"
exits 64 'pictures are no media' imgexport -q --as png --media -o no "$ct"
ok 'nothing was made' test ! -e no
exits 0 'media have previews' imgexport -q --media -o disc head/cr
ok 'which are pictures' sh -c 'djpeg -pnm disc/IHE_PDI/*.JPG | head -c 2 |
	grep -q P5'

# ---- nifti, by dcm2niix ---------------------------------------------------

if command -v dcm2niix >/dev/null; then
	exits 64 'nifti in a transfer syntax' imgexport -q --as nifti -o nii \
		--transfer-syntax explicit head
	exits 2 'nifti of all there is' imgexport -q --as nifti -o nii head
	ok 'a file for each series of images' test "$(find nii -name '*.nii' |
		wc -l)" = 3
	ok 'a record for each object' test "$(records exported)" = 129
	ok 'the report is no image' grep -q '^imgexport: .*SR.*dcm2niix' err
	ok 'the manifest agrees' sh -c \
		'cd nii && cksum -c --quiet MANIFEST.TXT'
	ok 'nothing else was left' test "$(find nii -type d -name '.*')" = ''
	stack()
	{
		mkdir "$1"
		name=$1 i=0
		shift
		for z; do
			i=$((i + 1))
			phantom one --modality CT --uid 2.25.20$i \
				--instance $i --set "0020,0032=DS:0\\0\\$z" \
				--set "0020,0037=DS:$o" "$name/$i.dcm"
		done
	}
	o='1\0\0\0\1\0'
	stack even 0 2 4 6 8
	exits 0 'an even stack' imgexport -q --as nifti -o n-even even
	ok 'has no warning' sh -c '! grep warning out'
	stack hole 0 2 6 8 10
	exits 0 'a stack with a hole' imgexport -q --as nifti -o n-hole hole
	ok 'each record warns of it' test "$(grep -c \
		'"warning":\["uneven-slices: ' out)" = 5
	o='1\0\0\0\0.9659258\0.258819'
	stack askew 0 2 4 6 8
	exits 0 'a gantry tilt' imgexport -q --as nifti -o n-askew askew
	ok 'is warned of' grep -q '"warning":\["tilted-slices: ' out
	exits 3 'fewer frames than stated' imgexport -q --as nifti -o less \
		less.dcm
	same 'are no volume' err <<!
imgexport: less.dcm: 2 frames are there, and 3 stated
!
	imgexport -q --transfer-syntax rle -o rle head/cr >/dev/null
	exits 0 'nifti of what is compressed' imgexport -q --as nifti -o nii2 rle
	ok 'is the same' sh -c 'cmp nii2/*/*/*/*.nii "$(find nii -name "$(
		basename nii2/*/*/*/*.nii)")"'
else
	skip 'nifti' 'dcm2niix is not here'
fi
finish
