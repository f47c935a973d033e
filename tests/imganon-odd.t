# imganon-odd.t - sequences where the table has a value, values where it has a
# sequence, pixel data more than once: a verdict, never half of one.
. "$(dirname "$0")/lib.sh"
need perl mkpixels frames dcmdump dump2dcm
vrs=$TOP/common/anon/ps3.15-e1-1-vr.csv
imganon --new-key key

# odd.pl MODE VRS: a data set in which every row of the table is what it should
# not be, and so is the length of a document.
#   sequence  implicit VR: a sequence with markers in its item
#   unknown   explicit VR: the same as UN
#   value     explicit VR: an LO that is a marker
cat >odd.pl <<'!'
my ($mode, $csv) = @ARGV;
my $explicit = $mode ne 'sequence';
sub el {
	my ($tag, $vr, $value) = @_;
	$value .= $vr eq 'UI' ? "\0" : ' ' if length($value) % 2;
	return pack('v2', $tag >> 16, $tag & 0xFFFF) . ($explicit
		? pack('a2v', $vr, length $value) : pack('V', length $value)) .
		$value;
}
sub sq {
	my ($tag) = @_;
	return pack('v2', $tag >> 16, $tag & 0xFFFF) .
		($explicit ? "UN\0\0" : '') . pack('V', 0xFFFFFFFF) .
		pack('v2V', 0xFFFE, 0xE000, 0xFFFFFFFF) .
		pack('v2V', 0x0008, 0x0104, 10) . 'QZODDMEANS' .
		pack('v2V', 0x0010, 0x4000, 10) . 'QZODDINNER' .
		pack('v2V', 0xFFFE, 0xE00D, 0) . pack('v2V', 0xFFFE, 0xE0DD, 0);
}
my %all = (0x00080016 => ['UI', '1.2.840.10008.5.1.4.1.1.104.1'],
	   0x00080018 => ['UI', '1.2.826.0.777.1.1']);
open my $f, '<', $csv or die;
while (<$f>) {
	next if !/^"\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)",(?:[^,]*,)*(..)$/;
	my ($tag, $vr) = (hex "$1$2", $3);
	next if $tag >> 16 < 8 || ($tag >> 16) & 1 || $all{$tag};
	next if $mode eq 'value' ? $vr ne 'SQ' : $vr =~ /SQ|O./;
	$all{$tag} = [];
}
$all{0x00420011} = ['OB', 'QZODDFILE '] if $mode eq 'sequence';
$all{0x00420015} = [] if $mode eq 'sequence';
my $ts = $explicit ? '1.2.840.10008.1.2.1' : '1.2.840.10008.1.2';
$explicit = 1;
my $meta = el(0x00020010, 'UI', $ts);
$meta = el(0x00020000, 'UL', pack 'V', length $meta) . $meta;
$explicit = $mode ne 'sequence';
binmode STDOUT;
print "\0" x 128, 'DICM', $meta;
for my $tag (sort { $a <=> $b } keys %all) {
	print @{$all{$tag}} ? el($tag, @{$all{$tag}})
		: $mode eq 'value' ? el($tag, 'LO', 'QZODDVALUE') : sq($tag);
}
!
options='retain-safe-private retain-uids retain-device retain-institution
	retain-patient retain-dates modify-dates clean-desc clean-struct
	clean-graphics'

for mode in sequence unknown value; do
	perl odd.pl $mode "$vrs" >in.dcm
	ok "$mode: planted" test "$(grep -ao QZODD in.dcm | wc -l)" -ge 70
	for option in '' $options; do
		rm -rf new
		exits 0 "$mode: written ${option:-plain}" imganon -q --key key \
			${option:+--option $option} -o new in.dcm
		exits 1 "$mode: nothing is left ${option:-plain}" \
			grep -raq "QZODD" new
		exits 0 "$mode: can be read ${option:-plain}" \
			dcmdump -q +E new/*
	done
done

# ---- what the table does not list ----------------------------------------

cat >dump <<'!'
(0008,0016) UI 1.2.840.10008.5.1.4.1.1.2
(0008,0018) UI 1.2.826.0.777.1.1
(0008,1190) UR http://QZBEYOND/1
(0010,0020) LO PID-1
(0010,0033) LO QZBEYOND2471
(0010,0034) LO QZBEYOND2567
(0012,0042) LO SUBJECT-9
(0014,0100) LO QZBEYOND4
(0018,1003) LO QZBEYOND12
(0018,1006) LO QZBEYOND13
(0018,1803) LO QZBEYOND14
(0020,1020) LO QZBEYOND17\01.02.03
(0020,3100) CS QZBEYOND18
(0020,3102) CS QZBEYOND19
(0020,3402) CS QZBEYOND20
(0020,5002) LO QZBEYOND21
(0028,7fe0) UR http://QZBEYOND/2
(0040,0440) SQ
(fffe,e000) na
(0040,a160) UT QZBEYOND said
(fffe,e00d) na
(fffe,e0dd) na
(0040,1006) SH QZBEYOND5
(0040,1007) SH QZBEYOND6
(0040,2006) SH QZBEYOND7
(0040,2007) SH QZBEYOND8
(0040,4073) UR http://QZBEYOND/3
(0040,e001) ST QZBEYOND15
(0040,e010) UR http://QZBEYOND/4
(0040,e011) UI 1.2.826.0.777.9.1
(0040,e030) UI 1.2.826.0.777.9.2
(0040,e031) UI 1.2.826.0.777.9.3
(0068,7005) UR QZBEYOND/7
(0074,100a) UR http://QZBEYOND/5
(0074,100c) LO QZBEYOND9
(0400,0500) SQ
(fffe,e000) na
(0400,0520) OB 51\5a\42\45\59\4f\4e\44
(fffe,e00d) na
(fffe,e0dd) na
(3002,0020) SH QZBEYOND16
(4010,101a) SH QZBEYOND10
(4010,1051) LO QZBEYOND11
(7f00,0010) OW 5a51\4542\4f59\444e
(7f02,0030) OW 5a51\4542\4f59\444e
(7fe0,0020) OW 5a51\4542\4f59\444e
!
dump2dcm -q dump in.dcm
ok 'beyond the table: planted' \
	test "$(grep -ao 'QZBEYOND\|26\.0\.777\.9' in.dcm | wc -l)" = 34
rm -rf new
exits 0 'beyond the table' imganon -q --key key -o new in.dcm
exits 1 'nothing is left' grep -raq 'QZBEYOND\|26\.0\.777\.9' new
for option in clean-desc clean-struct; do
	rm -rf new
	exits 0 "$option" imganon -q --key key --option $option -o new in.dcm
	ok 'a text in it is cleaned' sh -c \
		"dcmdump \"\$(find new -type f)\" | grep -q 'UT \[REMOVED\]'"
done
sed 's/^(0014,0100).*/(0018,1020) LO of SUBJECT-9/' dump >dump2
dump2dcm -q dump2 in.dcm
exits 1 'a reading identifier in a text' imganon -q --key key -o none in.dcm

# ---- requests ------------------------------------------------------------

# request TAG: a request with a study in a sequence, and what is left of that.
request()
{
	cat >dump <<-!
	(0008,0016) UI 1.2.840.10008.5.1.4.1.1.2
	(0008,0018) UI 1.2.826.0.777.1.1
	(0010,0020) LO PID-1
	($1) SQ
	(fffe,e000) na
	(0008,1110) SQ
	(fffe,e000) na
	(0008,1155) UI 1.2.826.0.777.1.2
	(fffe,e00d) na
	(fffe,e0dd) na
	(0032,1064) SQ
	(fffe,e0dd) na
	(fffe,e00d) na
	(fffe,e0dd) na
	!
	dump2dcm -q dump in.dcm
	rm -rf new
	imganon -q --key key --option clean-desc -o new in.dcm >out
	dcmdump "$(find new -type f)" | grep -o '(0008,11[15][05])\|(0032,1064)' |
		tr -d '\n'
}
ok 'a study of type 2 is empty' \
	test "$(request 0040,a370)" = '(0008,1110)(0032,1064)'
ok 'one of type 3 goes' test "$(request 0040,0275)" = '(0032,1064)'

# ---- what stays is what it should be --------------------------------------

# Of the first lines nothing stays, whatever is retained; of the others all.
cat >dump <<'!'
(0008,0016) UI 1.2.840.10008.5.1.4.1.1.2
(0008,0018) UI 1.2.826.0.777.1.1
(0010,0020) LO PID-1
(0010,0040) CS QZFIT^SEX
(0010,1020) DS QZFIT SIZE
(0010,1030) DS QZFIT WEIGHT
(0010,21c0) LO QZFIT US
(0018,0050) PN QZFIT^PN
(0018,1020) PN QZFIT^VERSIONS
(0018,1023) DA 19280304
(0019,0010) LO GEMS_ACQU_01
(0019,1024) DS QZFIT PRIVATE
(0020,0052) UI QZFIT.52
(0054,0016) LO QZFIT LO
(0054,0410) OB 51\5a\46\49\54\20
(0054,0414) UT QZFIT UT
(0072,0060) CS QZFIT AT
!
dump2dcm -q dump in.dcm
ok 'what does not fit: planted' test "$(grep -ao 'QZFIT\|19280304' in.dcm | wc -l)" = 13
for option in '' $options; do
	rm -rf new
	exits 0 "written ${option:-plain}" imganon -q --key key \
		${option:+--option $option} -o new in.dcm
	exits 1 "nothing is left ${option:-plain}" grep -raq 'QZFIT\|19280304' new
	exits 0 "can be read ${option:-plain}" dcmdump -q +E new/*
done
cat >dump <<'!'
(0008,0016) UI 1.2.840.10008.5.1.4.1.1.2
(0008,0018) UI 1.2.826.0.777.1.1
(0010,0020) LO PID-1
(0010,0040) CS F
(0010,1020) DS 1.68
(0010,1030) DS 6.05e1
(0010,21c0) US 4
(0018,1020) LO V 1.2\Head
(0019,0010) LO GEMS_ACQU_01
(0019,1024) DS -1.5
(0020,0052) UI 1.2.826.0.777.52
(0054,0410) UN
!
dump2dcm -q dump in.dcm
rm -rf new
exits 0 'what fits' imganon -q --key key --option retain-patient \
	--option retain-uids --option retain-safe-private -o new in.dcm
dcmdump -q in.dcm | sed -n '/^(0002\|^(0008,0018\|^(0010,0020/d; /^(/s/ *#.*//p' >want
dcmdump -q "$(find new -type f)" | sed -n '/^(/s/ *#.*//p' >got
ok 'a line each' test "$(wc -l <want)" = 10
same 'all of it stays' want <<!
$(grep -xFf want got)
!

# ---- private blocks that two claim ----------------------------------------

# claimed NAME ...: the creators of a block, one after the other.
claimed()
{
	cat >dump <<-!
	(0008,0016) UI 1.2.840.10008.5.1.4.1.1.2
	(0008,0018) UI 1.2.826.0.777.1.1
	(0010,0020) LO PID-1
	(0019,0010) LO $1
	(0019,0011) LO $2
	(0019,109e) LO QZCLAIM
	!
	dump2dcm -q dump in.dcm
	perl -pi -e 'BEGIN { undef $/ } s/\x19\0\x11\0LO/\x19\0\x10\0LO/ or die' in.dcm
	rm -rf new
	imganon -q --key key --option retain-safe-private -o new in.dcm
}
for names in 'GEMS_ACQU_01|OTHER' 'OTHER|GEMS_ACQU_01' 'GEMS_ACQU_01|'; do
	exits 0 "a block of $names" claimed "${names%|*}" "${names#*|}"
	exits 1 'is nobody'"'"'s' grep -raq QZCLAIM new
done
exits 0 'a block of one, told twice' claimed GEMS_ACQU_01 GEMS_ACQU_01
exits 0 'is his' grep -raq QZCLAIM new

# ---- file meta information ------------------------------------------------

# A sequence has no place in it, and no length there is told by (0002,0000).
perl odd.pl unknown "$vrs" | perl -pe 'BEGIN { undef $/ }
	$item = pack "v2a2va*", 0x10, 0x10, "PN", 10, "QZODDMETA ";
	$item = pack "v2Va*", 0xFFFE, 0xE000, length $item, $item;
	$sq = pack "v2a2vVa*", 2, 0x1111, "SQ", 0, length $item, $item;
	substr $_, 132, 40, substr($_, 144, 28) . $sq' >in.dcm
ok 'a sequence in the file meta information' grep -q QZODDMETA in.dcm
rm -rf new
exits 0 'is left behind' imganon -q --key key -o new in.dcm
exits 1 'with all of it' grep -raq QZODD new
exits 0 'and the rest is a whole' dcmdump -q +E new/*

# ---- pixels that are changed --------------------------------------------

clean()
{
	rm -rf new
	imganon -q --key key --mask 0,0,9,9 -o new "$@"
}
mkpixels rows=40 columns=50 >native.dcm
exits 0 'pixel data' clean native.dcm
for n in 4 2000; do
	perl -e 'print pack("v2a2vV", 0x7FE0, 0x10, "OW", 0, $ARGV[0]),
		"Z" x $ARGV[0]' $n | cat native.dcm - >twice.dcm
	exits 1 "and $n bytes of another" clean twice.dcm
	ok 'are withheld' grep -q 'they cannot be cleaned: there are several' out
	ok 'as a whole' test -z "$(find new -type f 2>/dev/null)"
done
# What is written anew was a sequence.
frames -t rle -w coded.dcm native.dcm >log || cat log
perl -pe 'BEGIN { undef $/ }
	$sq = pack "v2a2vV(v2V)*", 0x28, 6, "UN", 0, 0xFFFFFFFF,
		0xFFFE, 0xE000, 0xFFFFFFFF, 0x10, 0x4000, 4;
	$sq .= "QZIN" . pack "(v2V)*", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0;
	s/(?=\x28\0\x10\0US)/$sq/ or die' coded.dcm >shape.dcm
exits 0 'a shape that is a sequence' clean shape.dcm
exits 1 'it is gone' grep -raq QZIN new
frames coded.dcm | grep '^[0-9]' >was
frames -m 0,0,8,8 coded.dcm | grep '^[0-9]' >want
frames "$(find new -type f)" | grep '^[0-9]' >got
ok 'the pixels are those of the input, masked' cmp want got
ok 'which were others' sh -c '! cmp -s was got'
finish
