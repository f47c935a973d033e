# media-records.t - directory records of all types, character sets, and values
# that somebody made up to do harm.
. "$(dirname "$0")/lib.sh"
need dcmdump dciodvfy dump2dcm perl

R=1.2.840.10008.5.1.4.1.1
one()
{
	file_=$1 n_=$2
	shift 2
	phantom one --study 2.25.10 --series 2.25.11 --uid "2.25.$n_" \
		--instance "$n_" "$@" "$file_"
}
clean()
{
	! dciodvfy "$1/DICOMDIR" 2>&1 | grep -a '^Error\|^Abort'
}
# leaf DIR: the keys of the last record
leaf()
{
	dcmdump +L "$1/DICOMDIR" | perl -ne '
		s/ *#.*//; s/^ *//;
		@r = () if /\(0004,1430\)/;
		push @r, $_ if /^\((?!0004|0002|fffe)/;
		END { for (@r) { s/\(no value available\)/[]/;
			s/ \(Sequence .*//; s/ +$//; print } }' | sed 's/ *$//'
}
# element NAME: group, a line for dump2dcm on top of a plain object
object()
{
	out_=$1 class_=$2
	shift 2
	{
		cat <<!
(0008,0016) UI [$R.$class_]
(0008,0018) UI [2.25.7]
(0008,0020) DA [20240102]
(0008,0030) TM [030405]
(0008,0050) SH []
(0010,0010) PN [Test^Synthetic]
(0010,0020) LO [TEST-0001]
(0010,0030) DA []
(0010,0040) CS []
(0020,000d) UI [2.25.10]
(0020,000e) UI [2.25.11]
(0020,0010) SH [1]
(0020,0011) IS [1]
(0020,0013) IS [1]
!
		cat
	} >dump_
	dump2dcm -q dump_ "$out_"
}

# ---- SOP classes and their records ----------------------------------------

# type CLASS: the record that an object of the class gets
type()
{
	one t.dcm 1 --class "$1" \
		--set 0070,0080=CS:LABEL --set 0070,0082=DA:20240102 \
		--set 0070,0083=TM:1200 --set 3004,000A=CS:PLAN \
		--set 3006,0002=SH:L --set 300A,0002=SH:L \
		--set 0040,A043=SQ: --set 0040,A491=CS:COMPLETE \
		--set 0040,A493=CS:UNVERIFIED --set '0008,0008=CS:A\B' \
		--set 0028,0008=IS:1 --set 0028,9001=UL:1 --set 0028,9002=UL:1 \
		--set 0072,0008=LO:X --set 0072,000A=DT:20240102 \
		--set 0072,000C=SQ: --set 0072,0014=US:1 \
		--set 0042,0012=LO:application/pdf --set 0008,0070=LO:X \
		--set 0022,1095=LO:X --set 0022,1097=LO:X --set 0076,0001=LO:X \
		--set 0076,0020=SQ: --set 0078,0001=LO:X --set 0078,0020=LO:X \
		--set 0008,0012=DA:20240102 2>err
	mkmedia -n x t.dcm | sed 's/^0 [^ ]* //; s/ rewrite.*//; s/^refused [a-z]*: t.dcm: //'
}
: >got
for c in 2 4 128 77.1.6 7 66.4 66.7 30 481.1 481.2 481.3 481.5 481.8 481.4 \
	481.9 11.1 11.8 131 9.1.1 9.2.1 4.2 66 66.1 66.3 66.2 67 104.1 \
	77.1.5.3 66.5 66.6 68.1 78.2 78.6 90.1 91.1 481.10 481.13 200.1 9 8; do
	echo "$c $(type $R.$c)" >>got
done
for c in 34.7 38.1 39.1 43.1 44.1 45.1; do
	echo "$c $(type 1.2.840.10008.5.1.4.$c)" >>got
done
echo "private $(type 2.25.1)" >>got
same 'records by SOP class' got <<'!'
2 IMAGE
4 IMAGE
128 IMAGE
77.1.6 IMAGE
7 IMAGE
66.4 IMAGE
66.7 IMAGE
30 IMAGE
481.1 IMAGE
481.2 RT DOSE
481.3 RT STRUCTURE SET
481.5 RT PLAN
481.8 RT PLAN
481.4 RT TREAT RECORD
481.9 RT TREAT RECORD
11.1 PRESENTATION
11.8 PRESENTATION
131 PRESENTATION
9.1.1 WAVEFORM
9.2.1 WAVEFORM
4.2 SPECTROSCOPY
66 RAW DATA
66.1 REGISTRATION
66.3 REGISTRATION
66.2 FIDUCIAL
67 VALUE MAP
104.1 ENCAP DOC
77.1.5.3 STEREOMETRIC
66.5 SURFACE
66.6 TRACT
68.1 SURFACE SCAN
78.2 MEASUREMENT
78.6 no ConceptNameCodeSequence (0040,a043), and the directory needs it
90.1 ASSESSMENT
91.1 ANNOTATION
481.10 RADIOTHERAPY
481.13 RADIOTHERAPY
200.1 no directory record is defined for CT Defined Procedure Protocol Storage
9 no directory record is defined for Standalone Curve Storage
8 no directory record is defined for Standalone Overlay Storage
34.7 PLAN
38.1 no HangingProtocolDefinitionSequence (0072,000c), and the directory needs it
39.1 PALETTE
43.1 IMPLANT
44.1 no ProcedureTypeCodeSequence (0076,0020), and the directory needs it
45.1 IMPLANT GROUP
private no directory record is defined for its SOP class
!
# All of them in one DICOMDIR.
n=0
: >list
for c in 2 481.2 481.3 481.5 481.4 11.1 9.1.1 66 66.1 66.2 67 104.1 77.1.5.3 \
	66.5 66.6 68.1 78.2 90.1 91.1 481.10; do
	n=$((n + 1))
	type $R.$c >/dev/null
	cp t.dcm "t$n.dcm"
	dcmodify -q -nb -imt -m "0008,0018=2.25.5$n" "t$n.dcm" 2>/dev/null
	echo "t$n.dcm" >>list
done
# shellcheck disable=SC2046
exits 0 'twenty types in one DICOMDIR' mkmedia all $(cat list)
ok 'all listed' test "$(grep -c '^0 ' out)" = 20
dcmdump +P 0004,1430 all/DICOMDIR | sed 's/.*\[\(.*\)\].*/\1/' | sort -u | tr '\n' , >got
echo >>got
same 'with their types' got <<'!'
ANNOTATION,ASSESSMENT,ENCAP DOC,FIDUCIAL,IMAGE,MEASUREMENT,PATIENT,PRESENTATION,RADIOTHERAPY,RAW DATA,REGISTRATION,RT DOSE,RT PLAN,RT STRUCTURE SET,RT TREAT RECORD,SERIES,STEREOMETRIC,STUDY,SURFACE,SURFACE SCAN,TRACT,VALUE MAP,WAVEFORM,
!

# ---- reports ---------------------------------------------------------------

object sr.dcm 88.33 <<'!'
(0008,0023) DA [20240103]
(0008,0033) TM [1200]
(0008,0060) CS [SR]
(0040,a040) CS [CONTAINER]
(0040,a043) SQ
(fffe,e000) -
(0008,0100) SH [18748-4]
(0008,0102) SH [LN]
(0008,0104) LO [Diagnostic Imaging Report]
(0009,0010) LO [SOMEBODY]
(fffe,e00d) -
(fffe,e0dd) -
(0040,a073) SQ
(fffe,e000) -
(0040,a030) DT [20240104]
(0040,a075) PN [Test^Observer]
(fffe,e00d) -
(fffe,e000) -
(0040,a030) DT [20240105]
(0040,a075) PN [Test^Observer]
(fffe,e00d) -
(fffe,e0dd) -
(0040,a491) CS [COMPLETE]
(0040,a493) CS [VERIFIED]
(0040,a730) SQ
(fffe,e000) -
(0040,a010) CS [HAS CONCEPT MOD]
(0040,a040) CS [CODE]
(0040,a043) SQ
(fffe,e000) -
(0008,0100) SH [121049]
(0008,0102) SH [DCM]
(0008,0104) LO [Language]
(fffe,e00d) -
(fffe,e0dd) -
(0040,a168) SQ
(fffe,e000) -
(0008,0100) SH [en]
(0008,0102) SH [RFC5646]
(0008,0104) LO [English]
(fffe,e00d) -
(fffe,e0dd) -
(fffe,e00d) -
(fffe,e000) -
(0040,a010) CS [CONTAINS]
(0040,a040) CS [TEXT]
(0040,a160) UT [The finding, which nobody may read in a directory]
(fffe,e00d) -
(fffe,e0dd) -
!
exits 0 'a report' mkmedia sr sr.dcm
leaf sr >got
same 'its title and modifiers, not what it finds' got <<'!'
(0008,0023) DA [20240103]
(0008,0033) TM [1200]
(0020,0013) IS [1]
(0040,a030) DT [20240105]
(0040,a043) SQ
(0008,0100) SH [18748-4]
(0008,0102) SH [LN]
(0008,0104) LO [Diagnostic Imaging Report]
(0040,a491) CS [COMPLETE]
(0040,a493) CS [VERIFIED]
(0040,a730) SQ
(0040,a010) CS [HAS CONCEPT MOD]
(0040,a040) CS [CODE]
(0040,a043) SQ
(0008,0100) SH [121049]
(0008,0102) SH [DCM]
(0008,0104) LO [Language]
(0040,a168) SQ
(0008,0100) SH [en]
(0008,0102) SH [RFC5646]
(0008,0104) LO [English]
!
ok 'dciodvfy finds no error' clean sr
object ko.dcm 88.59 <<'!'
(0008,0023) DA [20240103]
(0008,0033) TM [1200]
(0008,0060) CS [KO]
(0040,a043) SQ
(fffe,e000) -
(0008,0100) SH [113000]
(0008,0102) SH [DCM]
(0008,0104) LO [Of Interest]
(fffe,e00d) -
(fffe,e0dd) -
(0040,a730) SQ
(fffe,e000) -
(0040,a010) CS [CONTAINS]
(fffe,e00d) -
(fffe,e0dd) -
!
exits 0 'key objects' mkmedia ko ko.dcm
leaf ko >got
same 'a sequence that has nothing left is not there' got <<'!'
(0008,0023) DA [20240103]
(0008,0033) TM [1200]
(0020,0013) IS [1]
(0040,a043) SQ
(0008,0100) SH [113000]
(0008,0102) SH [DCM]
(0008,0104) LO [Of Interest]
!
ok 'dciodvfy finds no error' clean ko
object pr.dcm 11.1 <<'!'
(0008,0060) CS [PR]
(0008,1115) SQ
(fffe,e000) -
(0008,1140) SQ
(fffe,e000) -
(0008,1150) UI [1.2.840.10008.5.1.4.1.1.2]
(0008,1155) UI [2.25.1]
(fffe,e00d) -
(fffe,e0dd) -
(0020,000e) UI [2.25.11]
(fffe,e00d) -
(fffe,e0dd) -
(0070,0080) CS [SOFT]
(0070,0082) DA [20240102]
(0070,0083) TM [1200]
!
dcmconv -q +te +e pr.dcm pr2.dcm && dcmconv -q +tb -e pr2.dcm pr3.dcm
mkmedia pr pr2.dcm >/dev/null
mkmedia -n x pr3.dcm >out
ok 'a presentation, dciodvfy finds no error' clean pr
leaf pr >got
same 'with the images it is for' got <<'!'
(0008,1115) SQ
(0008,1140) SQ
(0008,1150) UI =CTImageStorage
(0008,1155) UI [2.25.1]
(0020,000e) UI [2.25.11]
(0020,0013) IS [1]
(0070,0080) CS [SOFT]
(0070,0081) LO []
(0070,0082) DA [20240102]
(0070,0083) TM [1200]
(0070,0084) PN []
!
dcmconv -q +te -e ko.dcm odd.dcm
perl -0777 -i -pe 's/SH\x04\0DCM /SH\x03\0DCM/' odd.dcm
exits 0 'a value of odd length' mkmedia odd odd.dcm
ok 'is padded' sh -c 'dcmdump +P 0008,0102 odd/DICOMDIR | grep -q "\[DCM\] *#   4"'
sed '/0020,0013/d' dump_ >dump2 && dump2dcm -q dump2 nonumber.dcm
exits 0 'a number between other keys' mkmedia nonumber nonumber.dcm
leaf nonumber | grep '^(0020\|^(0070,008[02])' >got
same 'is in its place' got <<'!'
(0020,000e) UI [2.25.11]
(0020,0013) IS [1]
(0070,0080) CS [SOFT]
(0070,0082) DA [20240102]
!
sed -i 's/\[2.25.1\]/[1.0.02]/' dump_ && dump2dcm -q dump_ pr.dcm 2>/dev/null
mkmedia prbad pr.dcm >out
same 'a sequence with a UID that is none is left out' out <<'!'
0 DICOM/P00001/ST00001/SE00001/IM00001 PRESENTATION
  drop (0008,1115) PRESENTATION
!

# ---- character sets --------------------------------------------------------

# name DIR: PatientName and character set of the first record, in hexadecimal
name()
{
	perl -0777 -ne '
		my ($p) = /(\x04\0\x30\x14CS\x08\0PATIENT .*?)\xFE\xFF\x00\xE0/s;
		print $p =~ /\x08\0\x05\0CS(..)/s
			? substr($p, $+[0], unpack("v", $1)) : "-", " ";
		$p =~ /\x10\0\x10\0PN(..)/s;
		print unpack("H*", substr($p, $+[0], unpack("v", $1))), "\n";
	' "$1/DICOMDIR"
}
charset()
{
	text_=$1 want_=$2
	shift 2
	one c.dcm 1 "$@"
	rm -rf c && mkmedia c c.dcm >out
	name c >got
	same "$text_" got <<E
$want_
E
}
charset 'ASCII needs no character set' '- 546573745e53796e746865746963' \
	--charset ISO_IR\ 100 --name 'Test^Synthetic  '
charset 'Latin 1 stays Latin 1' 'ISO_IR 100 54fc7374' \
	--charset 'ISO_IR 100' --name "$(printf 'T\374st')"
charset 'UTF-8 stays UTF-8' 'ISO_IR 192 54c3bc73743d' \
	--charset 'ISO_IR 192' --name 'Tüst='
charset 'Japanese with its escapes' \
	'\ISO 2022 IR 87  59616d6164613d1b24423b3345441b284220' \
	--charset '\ISO 2022 IR 87' \
	--name "$(printf 'Yamada=\033$B;3ED\033(B')"
charset 'UTF-8 that is not declared' 'ISO_IR 192 54c3bc737420' --name 'Tüst'
charset 'a character set that nobody knows' '- 543f7374' \
	--charset 'ISO_IR 999' --name "$(printf 'T\374st')"
ok 'has marks, and that is said' grep -q 'mark (0010,0010) PATIENT' out
charset 'none, and no ASCII' '- 543f7374' --name "$(printf 'T\374st')"
ok 'has marks, and that is said' grep -q 'mark (0010,0010) PATIENT' out
one c.dcm 1 --study-desc "$(printf 'Sch\344del')" \
	--accession "$(printf '\304')"
rm -rf c && mkmedia c c.dcm >out
ok 'a description has marks, an identifier is not another one' test \
	"$(grep -o '[a-z]* (0008,....) [A-Z]*' out | sort)" = \
	"$(printf 'drop (0008,0050) STUDY\nmark (0008,1030) STUDY')"
one c1.dcm 1 --charset 'ISO_IR 100' --name '' --birth '' \
	--study-desc "$(printf 'M\374')"
one c2.dcm 2 --charset 'ISO_IR 192' --name 'Müx^Synthetic'
one c3.dcm 3 --charset 'ISO_IR 144' --series 2.25.14 \
	--series-desc "$(printf '\320')"
mkmedia mix c1.dcm c2.dcm c3.dcm >out
dcmdump -q +P 0008,0005 mix/DICOMDIR | sed 's/.*\[\(.*\)\].*/\1/' >got
same 'each record has its own' got <<'!'
ISO_IR 192
ISO_IR 100
ISO_IR 144
!
ok 'and dciodvfy can read them' clean mix

one c1.dcm 1 --charset 'ISO_IR 100' --accession '' \
	--study-desc "$(printf 'M\374')"
one c2.dcm 2 --charset 'ISO_IR 192' --accession 'Ä'
mkmedia mix2 c1.dcm c2.dcm >out
dcmdump -q +P 0008,0005 +P 0008,0050 +P 0008,1030 mix2/DICOMDIR |
	sed 's/.*\[\(.*\)\].*/\1/' >got
same 'two that meet in one record become UTF-8' got <<'!'
ISO_IR 192
Ä
Mü
!

one c1.dcm 1 --charset 'ISO_IR 100' --name "$(printf 'M\374')"
one c2.dcm 2 --charset 'ISO_IR 192' --name 'Mü'
one c3.dcm 3 --charset 'ISO_IR 192' --name 'Mö'
mkmedia -n x c1.dcm c2.dcm c3.dcm >out
same 'one name in two character sets is one name' out <<'!'
0 DICOM/P00001/ST00001/SE00001/IM00001 IMAGE
0 DICOM/P00001/ST00001/SE00001/IM00002 IMAGE
0 DICOM/P00001/ST00001/SE00001/IM00003 IMAGE
  differs (0010,0010) PATIENT
!

# ---- made to do harm -------------------------------------------------------

one h.dcm 1 --name '<script>alert("x")</script>' --id "a'&b\"" \
	--study-desc '</li></ul><b>' --series-desc '"><img src=x>'
exits 0 'markup in names' mkmedia -w -i '<i>Me & "you"</i>' h h.dcm
ok 'has no effect in a page' sh -c '! grep -rl "<script\|<b>\|<img src=x\|<i>" h --include=*.HTM'
ok 'but is shown' grep -q '&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;' h/INDEX.HTM
ok 'as in the DICOMDIR' sh -c 'dcmdump +P 0010,0010 h/DICOMDIR | grep -q "\[<script>alert"'
cat >balanced.pl <<'!'
# Dies where a tag is not closed, or a character stands for itself.
undef $/;
for my $file (@ARGV) {
	open my $f, "<", $file or die;
	my (@open, $text) = ();
	$text = <$f>;
	$text =~ s/^<\?xml[^>]*>\s*<!DOCTYPE[^>]*>//;
	while ($text =~ /\G([^<]*)<(\/?)([a-z0-9]+)((?: [a-z-]+="[^"<]*")*) ?(\/?)>/gc) {
		die "$file: &" if $1 =~ /&(?!(amp|lt|gt|quot|#39);)|[>"]/;
		if ($2) { die "$file: $3" if pop @open ne $3 }
		elsif (!$5) { push @open, $3 }
	}
	die "$file: rest" if @open || substr($text, pos $text) =~ /\S/;
}
!
ok 'the pages are well-formed' perl -w balanced.pl h/INDEX.HTM \
	h/IHE_PDI/ST000001.HTM
one h.dcm 1 --name "$(printf 'A\001B')" --study-desc "$(printf 'x\ny')"
mkmedia -w ctl h.dcm >out
same 'control characters are not listed' out <<'!'
0 DICOM/P00001/ST00001/SE00001/IM00001 IMAGE
  mark (0010,0010) PATIENT
  drop (0008,1030) STUDY
!
ok 'the DICOMDIR is valid' clean ctl
big=$(printf '%05000d' 1)
one h.dcm 1 --study-desc "$big" --id "$big"
mkmedia -n x h.dcm >out
same 'an ID of five thousand characters' out <<'!'
refused refused: h.dcm: no PatientID (0010,0020), and the directory needs it
!
one h.dcm 1 --rows 65535 --cols 65535 --frames 99999999 --pixel 0 2>/dev/null ||
	one h.dcm 1 --set 0028,0010=US:65535 --set 0028,0011=US:65535 \
		--set 0028,0008=IS:99999999
perl -0777 -i -pe 's/1\.2\.840\.10008\.1\.2\.1\0/1.2.840.10008.1.2.5\0/;
	s/\xE0\x7F\x10\x00O[BW]\0\0.*/
	"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF" .
	"\xFE\xFF\x00\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0"/xse' h.dcm
mkmedia -n x h.dcm >out
same 'frames that no file can hold' out <<'!'
refused limit: h.dcm: over 4 GiB, which no file on such media can have
!
# A report of a thousand sequences in each other, and one of 300 kB.
perl -e 'print "(0040,a043) SQ\n(fffe,e000) -\n" x 40,
	"(fffe,e00d) -\n(fffe,e0dd) -\n" x 40,
	"(0040,a491) CS [COMPLETE]\n(0040,a493) CS [UNVERIFIED]\n"' >deep
{ printf '(0008,0023) DA [20240103]\n(0008,0033) TM [12]\n(0008,0060) CS [SR]\n'; cat deep; } | object deep.dcm 88.11
mkmedia -n x deep.dcm >out
same 'a title that is nested too deep' out <<'!'
refused refused: deep.dcm: ConceptNameCodeSequence (0040,a043) is not valid, and the directory needs it
!
perl -e 'print "(0008,0023) DA [20240103]\n(0008,0033) TM [12]\n(0008,0060) CS [SR]\n(0040,a043) SQ\n";
	print "(fffe,e000) -\n(0008,0100) SH [1]\n(0008,0104) LO [", "x" x 60, "]\n(fffe,e00d) -\n" for 1 .. 4000;
	print "(fffe,e0dd) -\n(0040,a491) CS [COMPLETE]\n(0040,a493) CS [UNVERIFIED]\n"' | object wide.dcm 88.11
mkmedia -n x wide.dcm >out
same 'a title of 300 kB' out <<'!'
refused refused: wide.dcm: ConceptNameCodeSequence (0040,a043) is not valid, and the directory needs it
!

finish
