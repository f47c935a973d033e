# imganon-pixels.t - pixels blanked where they may show who it is, and nothing
# else changed.
. "$(dirname "$0")/lib.sh"
need perl dump2dcm dcmdump dcmconv frames mkpixels dcmcjpeg dcmdrle
imganon --new-key key

# image NAME COLUMNS ROWS SAMPLES BYTES PHOTOMETRIC PLANAR FRAMES [LINES]
image()
{
	perl -e 'print map { chr(1 + ($_ * 7919 >> 3) % 255) } 0 .. $ARGV[0] - 1' \
		$(($2 * $3 * $4 * $5 * $8)) >raw
	{
		cat <<-!
		(0008,0016) UI 1.2.840.10008.5.1.4.1.1.6.1
		(0008,0018) UI 1.2.826.0.777.1.1
		(0008,0060) CS US
		(0010,0020) LO PID-777
		(0020,000d) UI 1.2.826.0.777.1.2
		(0020,000e) UI 1.2.826.0.777.1.3
		(0028,0002) US $4
		(0028,0004) CS $6
		(0028,0006) US $7
		(0028,0008) IS $8
		(0028,0010) US $3
		(0028,0011) US $2
		(0028,0100) US $(($5 * 8))
		(0028,0101) US $(($5 * 8))
		(0028,0102) US $(($5 * 8 - 1))
		(0028,0103) US 0
		(7fe0,0010) OW =raw
		!
		cat
	} >dump
	dump2dcm -q dump "$1"
}

# painted COLUMNS ROWS SAMPLES BYTES PLANAR FRAMES BLACK CODE: that the pixels
# of the one file in new are those of raw but black where CODE says so of $x
# and $y.
painted()
{
	rm -f ./*.raw
	dcmdump -q +W . +P 7fe0,0010 "$(find new -type f)" >/dev/null
	perl -e '
		my ($cols, $rows, $samples, $bytes, $planar, $frames, $black, $code) = @ARGV;
		my @black = split / /, $black;
		local $/;
		open my $f, "<", "raw"; my $in = <$f>;
		my ($name) = glob "*.raw";
		open $f, "<", $name; my $out = <$f>;
		my ($at, $changed, $same) = (0, 0, 0);
		my $inside = eval "sub { my (\$x, \$y) = \@_; $code }";
		for my $frame (1 .. $frames) {
			for my $plane (0 .. ($planar ? $samples : 1) - 1) {
				for my $y (0 .. $rows - 1) { for my $x (0 .. $cols - 1) {
					for my $s (0 .. ($planar ? 1 : $samples) - 1) {
						my $want = $inside->($x, $y) ?
						    chr($black[$planar ? $plane : $s]) x $bytes :
						    substr($in, $at, $bytes);
						$inside->($x, $y) ? $changed++ : $same++;
						die "at $x,$y of frame $frame\n"
						    if substr($out, $at, $bytes) ne $want;
						$at += $bytes;
					}
				} }
			}
		}
		die "nothing tested\n" unless $changed && $same && $at <= length $out;
		' "$@"
}

clean()
{
	rm -rf new
	imganon -q --key key -o new --option clean-pixel "$@"
}

regions='(0018,6011) SQ
(fffe,e000) -
(0018,6018) UL 10
(0018,601a) UL 20
(0018,601c) UL 49
(0018,601e) UL 39
(fffe,e00d) -
(fffe,e000) -
(0018,6018) UL 60
(0018,601a) UL 22
(0018,601c) UL 99
(0018,601e) UL 59
(fffe,e00d) -
(fffe,e0dd) -'
# shellcheck disable=SC2016 # for perl
outside='!(($x >= 10 && $x <= 49 && $y >= 20 && $y <= 39) ||
	($x >= 60 && $x <= 99 && $y >= 22 && $y <= 59))'

echo "$regions" | image us.dcm 100 60 3 1 RGB 0 1
exits 1 'ultrasound: withheld without the option' imganon --key key -o w us.dcm
exits 0 'cleaned by its regions' clean us.dcm
ok 'black outside, the last row and column of a region too stay' \
	painted 100 60 3 1 0 1 '0 0 0' "$outside"
ok 'says so' sh -c 'dcmdump -q "$(find new -type f)" >d &&
	grep -q "0028,0301) CS \[NO\]" d && grep -q "\[113101\]" d &&
	grep -q "0012,0062) CS \[YES\]" d'
echo "$regions" | image us.dcm 100 60 3 1 RGB 1 3
exits 0 'planes and frames' clean us.dcm
ok 'the same in each' painted 100 60 3 1 1 3 '0 0 0' "$outside"
echo "$regions" | image us.dcm 100 60 3 1 YBR_FULL 0 2
exits 0 'YBR' clean us.dcm
ok 'is black, not green' painted 100 60 3 1 0 2 '0 128 128' "$outside"
echo "$regions" | image us.dcm 100 60 1 1 'PALETTE COLOR' 0 1
exits 0 'a palette' clean us.dcm
ok 'the same' painted 100 60 1 1 0 1 '0' "$outside"

image us.dcm 101 61 1 2 MONOCHROME2 0 2 </dev/null
exits 1 'without regions: withheld' clean us.dcm
ok 'no file' test -z "$(find new -type f)"
exits 0 'masks' clean --mask 0,0,200,7 --mask 90,50,5,5 us.dcm
# shellcheck disable=SC2016
mask='$y < 7 || ($x >= 90 && $x < 95 && $y >= 50 && $y < 55)'
ok 'that, and no more' painted 101 61 1 2 0 2 0 "$mask"
dcmconv +te us.dcm le.dcm && dcmconv +tb us.dcm be.dcm
exits 0 'big endian' clean --mask 0,0,200,7 --mask 90,50,5,5 be.dcm
new=$(find new -type f) && dcmconv +te "$new" new/le && rm "$new"
ok 'the same' painted 101 61 1 2 0 2 0 "$mask"
exits 1 'a mask that lies beyond the image' clean --mask 101,0,5,5 \
	--mask 0,61,5,5 us.dcm
ok 'is none, and withheld' grep -q '^{"status":"withheld",' out
ok 'no file' test -z "$(find new -type f)"
exits 0 'beside one that does not' clean --mask 101,0,5,5 --mask 0,0,200,7 us.dcm
# shellcheck disable=SC2016
ok 'that is blanked' painted 101 61 1 2 0 2 0 '$y < 7'
image us.dcm 101 61 1 4 MONOCHROME2 0 2 </dev/null
exits 0 '32 bits' clean --mask 0,0,200,7 --mask 90,50,5,5 us.dcm
ok 'that, and no more' painted 101 61 1 4 0 2 0 "$mask"
image us.dcm 101 61 1 2 MONOCHROME2 0 2 </dev/null
exits 0 'all blank' clean --pixels blank-all us.dcm
ok 'not one byte is left' sh -c 'rm -f *.raw
	dcmdump -q +W . +P 7fe0,0010 "$(find new -type f)" >/dev/null
	! tr -d "\000" <*.raw | grep -q .'

# Rules for devices: rectangles of the table.
echo '(0008,0070) LO Toshiba
(0008,1090) LO Viamo' | image us.dcm 800 600 1 1 MONOCHROME2 0 1
exits 0 'a device that is known' clean us.dcm
# shellcheck disable=SC2016
ok 'its rectangle' painted 800 600 1 1 0 1 0 '$y < 56'
sed -i 's/Viamo/Viamox9/;s/Toshiba/Nobody/' dump && dump2dcm -q dump us.dcm
exits 1 'one that is not: withheld' clean us.dcm

# Overlays in the bits that are not stored.
image ct.dcm 16 16 1 2 MONOCHROME2 0 1 </dev/null
sed -i 's/6\.1$/2/; s/CS US/CS CT/; s/(0028,0101) US 16/(0028,0101) US 12/
	s/(0028,0102) US 15/(0028,0102) US 11/' dump
echo '(6000,0100) US 16
(6000,0102) US 12' >>dump && dump2dcm -q dump ct.dcm
exits 1 'an overlay in the high bits: withheld' imganon --key key -o w ct.dcm
exits 0 'cleaned' clean ct.dcm
ok 'of these bits only' perl -e 'system(q(rm -f *.raw; dcmdump -q +W . +P 7fe0,0010 $(find new -type f) >/dev/null));
	local $/; open my $f, "<", "raw"; my @in = unpack "v*", <$f>;
	open $f, "<", glob("*.raw"); my @out = unpack "v*", <$f>;
	die if @in != @out || grep { $out[$_] != ($in[$_] & 0xFFF) } 0 .. $#in'
# What else the risk is stays with it.
while read -r what line; do
	tag=${line%% *}
	{
		grep -v "^$tag" dump
		echo "$line"
	} | sort >dump2
	dump2dcm -q dump2 risk.dcm
	exits 1 "and $what: withheld" clean risk.dcm
	ok 'for that' grep -q "pixels may show who it is: .*$what" out
done <<'!'
secondary (0008,0016) UI 1.2.840.10008.5.1.4.1.1.7
ConversionType (0008,0064) CS WSD
ultrasound (0008,0060) CS US
RecognizableVisualFeatures (0028,0302) CS YES
BurnedInAnnotation (0028,0301) CS YES
!

# ---- coded frames -------------------------------------------------------

# coded NAME FILE [MASK]: is cleaned, and its frames are those of the input
# decoded and masked.
coded()
{
	exits 0 "$1: cleaned" clean ${3:+--mask "$3"} "$2"
	new=$(find new -type f)
	frames -m "${4-2,3,11,9}" "$2" | grep '^[0-9]' >want
	frames "$new" | grep '^[0-9]' >got
	ok "$1: masked, and all else as it was" cmp want got
	frames "$2" | grep '^[0-9]' >was
	ok "$1: and something was" sh -c '! cmp -s was got'
}
syntax()
{
	dcmdump +P 0002,0010 -Un "$1" | sed 's/.*\[\(.*\)\].*/\1/'
}
if command -v dcmcrle >/dev/null; then
	echo "$regions" | image us.dcm 100 60 3 1 RGB 0 2
	dcmcrle us.dcm rle.dcm
	exits 0 'RLE: cleaned by its regions' clean rle.dcm
	new=$(find new -type f)
	ok 'it stays RLE' test "$(syntax "$new")" = 1.2.840.10008.1.2.5
	dcmdrle "$new" new/native && rm "$new"
	ok 'black outside, and nothing else' \
		painted 100 60 3 1 0 2 '0 0 0' "$outside"
fi
while read -r name settings; do
	# shellcheck disable=SC2086
	mkpixels rows=40 columns=50 $settings >native.dcm
	for c in rle jpeg jpegls j2k; do
		frames -t $c -w coded.dcm native.dcm >log || cat log
		coded "$c, $name" coded.dcm 2,3,10,7
		ok "$c, $name: still that" test \
			"$(syntax "$new")" = "$(syntax coded.dcm)"
	done
done <<'!'
grey
frames frames=3 allocated=16 stored=12
signed allocated=16 stored=12 signed=1
colour samples=3 pi=RGB frames=2
planes samples=3 pi=RGB planar=1
YBR samples=3 pi=YBR_FULL
palette pi=PALETTE\040COLOR
!
echo "$regions" | image us.dcm 100 60 3 1 RGB 0 2
sed -i '/^(0018\|^(fffe/d' dump && dump2dcm -q dump us.dcm
dcmcjpeg +eb us.dcm lossy.dcm
coded 'lossy JPEG' lossy.dcm 2,3,10,7
ok 'becomes a lossless one' test "$(syntax "$new")" = 1.2.840.10008.1.2.4.70
ok 'that says it was lossy' sh -c \
	'dcmdump +P 0028,2110 "$1" | grep -q "\[01\]"' sh "$new"
ok 'and what it is made of now' sh -c \
	'dcmdump +P 0028,0004 "$1" | grep -q "\[RGB\]"' sh "$new"
ok 'the record has the new syntax' grep -q \
	'"TransferSyntaxUID":"1.2.840.10008.1.2.4.70"' out
exits 0 'all blank' clean --pixels blank-all lossy.dcm
frames -o all "$(find new -type f)" >/dev/null
ok 'not one byte is left' sh -c '[ -s all ] && ! tr -d "\000" <all | grep -q .'
# A frame cut short: nothing is written.
head -c $(($(wc -c <lossy.dcm) - 1500)) lossy.dcm >short.dcm
exits 3 'a coded frame that ends too soon' clean --mask 0,0,9,9 short.dcm
ok 'leaves no file' test -z "$(find new -type f)"
# A syntax that is not decoded.
perl -pi -e 's/1\.2\.840\.10008\.1\.2\.4\.50/1.2.840.10008.1.2.4.99/' lossy.dcm
exits 1 'one that nobody knows' clean --mask 0,0,9,9 lossy.dcm
ok 'is withheld' grep -q 'in a way that we do not decode' out

exits 64 'keep and clean' clean --pixels keep us.dcm
exits 64 'no mask' clean --mask 1,2,3 us.dcm
exits 64 'an empty one' clean --mask 1,2,0,3 us.dcm
exits 64 'one with a sign' clean --mask -1,0,9,9 us.dcm
exits 64 'one with a blank' clean --mask '1, 0,9,9' us.dcm
echo "$regions" | image us.dcm 100 60 3 1 RGB 0 1
exits 0 'the profile of TCIA' imganon --key key --profile tcia -o tcia us.dcm

# ---- pixels of floating point ---------------------------------------------

phantom one --modality CT --omit 7fe0,0010 \
	--set 7fe0,0008=OF:4142434441424344 floats.dcm
exits 0 'pixels of floating point stay' imganon -q -o floats floats.dcm
exits 1 'where they are to be black' imganon -q --pixels blank-all -o f2 \
	floats.dcm
ok 'nobody does it' grep -q 'cannot be cleaned: they are of floating' out
dcmodify -nb -i '0028,0301=YES' floats.dcm
exits 1 'where they are said to be at risk' imganon -q -o f2 floats.dcm
ok 'nothing is written' test -z "$(find f2 -type f)"

# ---- pixels in a sequence that is no icon ---------------------------------

cat >nested.dump <<'!'
(0008,0016) UI [1.2.840.10008.5.1.4.1.1.2]
(0008,0018) UI [2.25.771]
(0008,0060) CS [CT]
(0018,9304) SQ
(fffe,e000) na
(0018,1020) LO [v1]
(7fe0,0010) OB 41\42\43\44
(fffe,e00d) na
(fffe,e0dd) na
(0020,000d) UI [2.25.772]
(0020,000e) UI [2.25.773]
(0028,0002) US 1
(0028,0004) CS [MONOCHROME2]
(0028,0010) US 2
(0028,0011) US 2
(0028,0100) US 8
(0028,0101) US 8
(0028,0102) US 7
(0028,0103) US 0
(7fe0,0010) OB 31\32\33\34
!
dump2dcm -q nested.dump nested.dcm
exits 0 'pixels in a sequence' imganon -q --pixels keep -o n1 nested.dcm
ok 'stay with the others' grep -aq ABCD "$(find n1 -type f)"
exits 0 'where all is to be black' imganon -q --pixels blank-all -o n2 nested.dcm
ok 'they are left out' sh -c '! grep -aq ABCD "$1"' sh "$(find n2 -type f)"
ok 'and nothing around them' grep -aq v1 "$(find n2 -type f)"
finish
