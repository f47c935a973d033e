# imganon-hidden.t - what hides in pixel data: Exif, comments and thumbnails in
# coded frames, bytes behind the image, texts in numbers.
. "$(dirname "$0")/lib.sh"
need perl dcmcjpeg dcmdjpeg dcmcjpls gdcmconv dcmdump dcmodify dump2dcm
imganon --new-key key 2>/dev/null

{
	perl -e 'print pack "v*", map { ($_ * 37 >> 2) & 0xFFF } 0 .. 64 * 64 - 1' >raw
	cat <<-'!'
	(0008,0016) UI 1.2.840.10008.5.1.4.1.1.2
	(0008,0018) UI 1.2.826.0.777.1.1
	(0008,0060) CS CT
	(0010,0010) PN Hidden^Quincy
	(0010,0020) LO PID-77712
	(0020,000d) UI 1.2.826.0.777.1.2
	(0020,000e) UI 1.2.826.0.777.1.3
	(0028,0002) US 1
	(0028,0004) CS MONOCHROME2
	(0028,0010) US 64
	(0028,0011) US 64
	(0028,0100) US 16
	(0028,0101) US 12
	(0028,0102) US 11
	(0028,0103) US 0
	(7fe0,0010) OW =raw
	!
} >dump
dump2dcm -q dump plain.dcm
dcmcjpeg +e1 plain.dcm jpeg.dcm
dcmcjpls plain.dcm jls.dcm
gdcmconv --j2k plain.dcm j2k.dcm 2>/dev/null

# hide FILE MARK OFFSET BYTES: adds them at that offset of the last fragment
# that begins with MARK (hex); from the end if it is negative.
hide()
{
	perl -e '
		my ($file, $mark, $at, $more) = @ARGV;
		$mark = pack "H*", $mark;
		$more = eval "\"$more\"";
		$more .= "\0" if length($more) % 2;
		open my $f, "<", $file or die; binmode $f; local $/;
		my $all = <$f>;
		my $i = rindex $all, "\xfe\xff\x00\xe0" ;
		$i = rindex $all, "\xfe\xff\x00\xe0", $i - 1
			while $i > 0 && substr($all, $i + 8, length $mark) ne $mark;
		die "no such fragment\n" if $i <= 0;
		my $n = unpack "V", substr $all, $i + 4, 4;
		substr($all, $i + 4, 4) = pack "V", $n + length $more;
		substr($all, $i + 8 + ($at < 0 ? $n + $at + 1 : $at), 0) = $more;
		open $f, ">", $file or die; binmode $f; print $f $all;
	' "$@"
}
pixels()
{
	dcmdump -q +W "$1" +P 7fe0,0010 "$2" >/dev/null
}
# clean NAME: NAME.dcm goes through, and no text of ours is left.
clean()
{
	rm -rf new
	exits 0 "$1: written" imganon -q --key key -o new "$1.dcm"
	new=$(find new -type f)
	exits 1 "$1: nothing is left" grep -q 'SECRETTEXT\|Quincy' "$new"
	ok "$1: nothing is longer or shorter" perl -e '
		sub frag { local $/; open my $f, "<", $_[0]; my $a = <$f>;
			return join ",", map { length } split /\xfe\xff\x00\xe0/,
			substr $a, rindex $a, "\xe0\x7f\x10\x00OB" }
		die if frag($ARGV[0]) ne frag($ARGV[1])' "$1.dcm" "$new"
}

for f in jpeg jls j2k; do
	clean $f
done
cp jpeg.dcm exif.dcm
hide exif.dcm ffd8ff 2 '\xff\xe1\x00\x18Exif\0\0SECRETTEXT of me'
hide exif.dcm ffd8ff 2 '\xff\xfe\x00\x0eSECRETTEXT  '
hide exif.dcm ffd8ff 2 '\xff\xe0\x00\x1cJFIF\0\1\1\0\0\1\0\1\2\2SECRETTEXT34'
clean exif
dcmdjpeg exif.dcm a.dcm && dcmdjpeg "$new" b.dcm
mkdir -p pa pb && pixels pa a.dcm && pixels pb b.dcm
ok 'exif: the same pixels' cmp pa/* pb/*
cp jpeg.dcm behind.dcm
hide behind.dcm ffd8ff -1 '\0SECRETTEXT behind the image'
clean behind
cp jls.dcm jlscom.dcm
hide jlscom.dcm ffd8ff 2 '\xff\xfe\x00\x0eSECRETTEXT  '
clean jlscom
cp j2k.dcm j2kcom.dcm
# Behind SIZ, which has 41 bytes for one component.
hide j2kcom.dcm ff4fff51 45 '\xff\x64\x00\x10\x00\x01SECRETTEXT  '
clean j2kcom
cp j2k.dcm j2kend.dcm
hide j2kend.dcm ff4fff51 -1 'SECRETTEXT behind'
clean j2kend

# One that is longer than what is held of a fragment.
perl -e 'srand 7; print pack "v*", map { rand 4096 } 1 .. 256 * 256' >raw3
sed 's/US 64/US 256/; s/=raw/=raw3/' dump >dump4
dump2dcm -q dump4 large.dcm && gdcmconv --j2k large.dcm j2k.dcm 2>/dev/null
# jp2 FILE BEFORE BEHIND: the frame of j2k.dcm as JP2, boxes around the stream.
jp2()
{
	perl -e '
		my ($file, $before, $behind) = @ARGV;
		sub box { my ($t, $b) = @_; pack "Na4a*", 8 + length $b, $t, $b }
		local $/; open my $f, "<", "j2k.dcm" or die; binmode $f;
		my $all = <$f>;
		my $i = rindex $all, "\xfe\xff\x00\xe0";
		my $n = unpack "V", substr $all, $i + 4, 4;
		my $j = box("jP  ", "\r\n\x87\n") .
			box("ftyp", "jp2 \0\0\0\0jp2 ") .
			box("jp2h", box("ihdr", pack "NNnCCCC",
				256, 256, 1, 11, 7, 0, 0)) .
			eval("\"$before\"") .
			box("jp2c", substr $all, $i + 8, $n) .
			eval("\"$behind\"");
		$j .= "\0" if length($j) % 2;
		substr($all, $i + 4, 4 + $n) = pack("V", length $j) . $j;
		open $f, ">", $file or die; binmode $f; print $f $all;
	' "$@"
}
# same: what the new object shows is what j2k.dcm shows
same_()
{
	imgexport -q --as npy --layout x -o want j2k.dcm >/dev/null
	exits 0 "$1: decodes" imgexport -q --as npy --layout x -o have "$new"
	ok "$1: to the same pixels" cmp want/x.npy have/x.npy
	rm -rf want have
}
long=$(printf '%400s' '' | sed 's/ / SECRETTEXT/g')
jp2 jp2.dcm '\x00\x00\x00\x18uuidSECRETTEXT  1234' "\\x00\\x00\\x11\\x38uuid$long"
clean jp2
same_ jp2
jp2 jp2cut.dcm '' '\x00\x00\x00\x01uuid\xff\xff\xff\xff\xff\xff\xff\xf8SECRETTEXT'
clean jp2cut
same_ jp2cut
jp2 jp2short.dcm '' '\x00\x00\x00\x0exml Quincy'
clean jp2short
same_ jp2short
# parts FILE FROM AT BEFORE BEHIND: the frame of FROM in two fragments, cut AT
# there, and a fragment before and one behind it, if they have anything.
parts()
{
	perl -e '
		my ($file, $from, $at, @text) = @ARGV;
		sub item { my $b = $_[0]; $b .= "\0" if length($b) % 2;
			return length $b ? "\xfe\xff\0\xe0" .
				pack("V", length $b) . $b : "" }
		local $/; open my $f, "<", $from or die; binmode $f;
		my $all = <$f>;
		my $i = index $all, "\xfe\xff\x00\xe0",
			rindex $all, "\xe0\x7f\x10\x00OB";
		$i += 8 + unpack "V", substr $all, $i + 4, 4;
		my $n = unpack "V", substr $all, $i + 4, 4;
		my $frame = substr $all, $i + 8, $n;
		substr($all, $i, 8 + $n) = item($text[0]) .
			item(substr $frame, 0, $at) .
			item(substr $frame, $at) . item($text[1]);
		open $f, ">", $file or die; binmode $f; print $f $all;
	' "$@"
}
for f in jpeg j2k; do
	parts $f-two.dcm $f.dcm 1000 '' ' SECRETTEXT behind'
	clean $f-two
	imgexport -q --as npy --layout x -o want $f.dcm >/dev/null
	exits 0 "$f in two: decodes" imgexport -q --as npy --layout x -o have "$new"
	ok "$f in two: to the same pixels" cmp want/x.npy have/x.npy
	rm -rf want have
done

dcmcrle plain.dcm rle.dcm
hide rle.dcm 02000000 -1 'SECRETTEXT QUINCY'
clean rle
sed 's/^(7fe0.*//' dump >dump2
printf 'SECRETTEXT of Quincy' >text
cat raw text >raw2
echo '(7fe0,0010) OW =raw2' >>dump2
dump2dcm -q dump2 longer.dcm
clean longer

# What cannot be told.
cp jpeg.dcm cut.dcm
hide cut.dcm ffd8ff 2 '\xff\xe1\xff\xf0Exif SECRETTEXT'
exits 3 'a segment that does not end' imganon -q --key key -o none cut.dcm
ok 'is refused' grep -q '"code":"unsupported"' out
jp2 cut.dcm '\x00\x00\x00\x03uuidSECRETTEXT' ''
exits 3 'a box shorter than its header' imganon -q --key key -o none cut.dcm
ok 'is refused' grep -q '"code":"unsupported"' out
cp j2k.dcm cut.dcm
hide cut.dcm ff4fff51 45 'SECRETTEXT'
exits 3 'a codestream whose header is none' \
	imganon -q --key key -o none cut.dcm
ok 'is refused' grep -q '"code":"unsupported"' out
jp2 cut.dcm '\x00\x00\x00\x01uuid\xff\xff\xff\xff\xff\xff\xff\xf8SECRETTEXT' ''
exits 3 'a box without an end' imganon -q --key key -o none cut.dcm
ok 'is refused' grep -q '"code":"unsupported"' out
for f in jpeg j2k; do
	parts cut.dcm $f.dcm 1000 'SECRETTEXT of me' ''
	exits 3 "$f: something before the first frame" \
		imganon -q --key key -o none cut.dcm
	ok 'is refused' grep -q '"code":"unsupported"' out
done

# What is known of the patient is found in what is not known otherwise.
printf 'of Quincy Hidden' >text
{
	grep -v '^(7fe0' dump
	echo '(5400,0100) SQ'
	echo '(fffe,e000) -'
	echo '(5400,1010) OW =text'
	echo '(fffe,e00d) -'
	echo '(fffe,e0dd) -'
} >dump3
dump2dcm -q dump3 wave.dcm
exits 1 'a name in a waveform' imganon -q --key key -o none wave.dcm
ok 'is found' grep -q '"reason":"(5400,1010) still has' out
# wide CHARSET TEXT: in a waveform, at an odd place between numbers.
wide()
{
	{
		perl -e 'print pack "C*", map { $_ * 37 & 0xFF } 1 .. 1501'
		printf '\001\000'
		printf "$2" | iconv -t "$1"
		perl -e 'print "\0\1" x 4, pack "C*", map { $_ * 31 & 0xFF } 1 .. 700'
	} >text
	dump2dcm -q dump3 wave.dcm
}
for c in UTF-16LE UTF-16BE UTF-32LE UTF-32BE; do
	wide $c 'of Quincy Hidden'
	exits 1 "a name in a waveform, $c" \
		imganon -q --key key -o none wave.dcm
	ok 'is found' grep -q '"reason":"(5400,1010) still has' out
	wide $c 'PID-77712'
	exits 1 "a PatientID, $c" imganon -q --key key -o none wave.dcm
	wide $c '1.2.826.0.777.1.2'
	exits 1 "a UID, $c" imganon -q --key key -o none wave.dcm
	wide $c 'of Nobody Else'
	exits 0 "nobody's, $c" imganon -q --key key -o nobody-$c wave.dcm
done
sed -i 's/Hidden^Quincy/\xd8\xd9\xd0^Quincy/
	1i(0008,0005) CS [ISO_IR 144]' dump3
wide UTF-16LE '\321\210\321\211\321\200'
exits 0 'letters of others' \
	imganon -q --key key -o case wave.dcm
wide UTF-16LE '\320\270\320\271\320\260'
exits 1 'a name that is not Latin' imganon -q --key key -o none wave.dcm
ok 'is found' grep -q '"reason":"(5400,1010) still has' out
ok 'nothing was written' test -z "$(find none -type f)"

# ---- an item with a character set of its own ------------------------------

# item OUTER NAME INNER TEXT
item()
{
	{
		echo "(0008,0005) CS [$1]"
		printf '(0008,0016) UI [1.2.840.10008.5.1.4.1.1.2]\n'
		printf '(0008,0018) UI [2.25.771]\n(0008,0060) CS [CT]\n'
		printf "(0010,0010) PN [$2^Anna]\n(0010,0020) LO [TEST-1]\n"
		printf '(0018,9304) SQ\n(fffe,e000) na\n'
		echo "(0008,0005) CS [$3]"
		printf "(0018,1020) LO [for $4]\n"
		printf '(fffe,e00d) na\n(fffe,e0dd) na\n'
		printf '(0018,1020) LO [1.2]\n'
		printf '(0020,000d) UI [2.25.772]\n(0020,000e) UI [2.25.773]\n'
	} >item.dump
	dump2dcm -q item.dump item.dcm
}
item 'ISO_IR 192' 'Q\303\274llerx' 'ISO_IR 100' 'Q\374llerx'
exits 1 'a name in another character set than the object' \
	imganon -q -o items item.dcm
ok 'is found' grep -q '"(0018,1020) still has' out
item 'ISO_IR 100' 'Q\374llerx' 'ISO_IR 192' 'Q\303\274llerx'
exits 1 'and the other way round' imganon -q -o items item.dcm
item 'ISO_IR 192' 'Q\303\274llerx' 'ISO_IR 100' 'W\374llerx'
exits 0 'another name is none of it' imganon -q -o items item.dcm
finish
