# imganon-burned.t - images that are known to show who it is are withheld, and
# their like are not.
. "$(dirname "$0")/lib.sh"
need dump2dcm dcmdump jq
imganon --new-key key 2>/dev/null
head -c 64 /dev/zero >raw

# object NUMBER CLASS LINE: a small image with what the line says.
object()
{
	cat >dump <<-!
	(0008,0016) UI 1.2.840.10008.5.1.4.1.1.$2
	(0008,0018) UI 1.2.826.0.777.1.$1
	(0008,0060) CS $([ "$2" = 2 ] && echo CT || echo SM)
	(0010,0020) LO PID-777
	(0020,000d) UI 1.2.826.0.777.1
	(0020,000e) UI 1.2.826.0.777.2
	(0028,0002) US 1
	(0028,0004) CS MONOCHROME2
	(0028,0010) US 8
	(0028,0011) US 8
	(0028,0100) US 8
	(0028,0101) US 8
	(0028,0102) US 7
	(0028,0103) US 0
	(7fe0,0010) OB =raw
	$3
	!
	dump2dcm -q dump "in/$1.dcm"
}

mkdir in
while IFS='|' read -r n class line why; do
	object "$n" "$class" "$line"
	echo "$n $why" >>wanted
done <<'!'
11|2|(0028,0301) CS YES|BurnedInAnnotation says YES
12|2|(0028,0301) CS yes|BurnedInAnnotation says YES
13|2|(0008,0008) CS DERIVED\SECONDARY\SCREEN SAVE|a screen save (ImageType)
14|2|(0008,0008) CS DERIVED\SECONDARY\SCREEN_CAPTURE|a screen save (ImageType)
15|2|(0008,0008) CS DERIVED\SECONDARY\OTHER\SCREENSHOT|a screen save (ImageType)
16|2|(0008,0008) CS ORIGINAL\SECONDARY\OTHER\CT_SOM5 PROT|a page of the protocol (ImageType)
17|2|(0008,103e) LO Dose Report|a rule for this device
21|77.1.6|(0008,0008) CS ORIGINAL\PRIMARY\LABEL\NONE|the label of a slide (ImageType)
22|77.1.6|(0048,0010) CS YES|the label of a slide (SpecimenLabelInImage)
23|77.1.1|(0008,0008) CS ORIGINAL\PRIMARY|an endoscope's, and BurnedInAnnotation does not say NO
24|77.1.1.1|(0028,0301) CS UNKNOWN|an endoscope's, and BurnedInAnnotation does not say NO
25|77.1.4|(0008,0008) CS ORIGINAL\PRIMARY|a photograph, and BurnedInAnnotation does not say NO
26|77.1.4.1|(0008,0008) CS ORIGINAL\PRIMARY|a photograph, and BurnedInAnnotation does not say NO
27|77.1.5.1|(0008,0008) CS ORIGINAL\PRIMARY|a photograph, and BurnedInAnnotation does not say NO
28|77.1.7|(0008,0008) CS ORIGINAL\PRIMARY|a photograph, and BurnedInAnnotation does not say NO
31|2|(0028,0301) CS NO|
32|2|(0008,0008) CS ORIGINAL\PRIMARY\AXIAL|
33|2|(0008,0008) CS ORIGINAL\PRIMARY\ASL\LABEL|
34|2|(0008,0008) CS ORIGINAL\PRIMARY\PROTON|
35|77.1.6|(0008,0008) CS ORIGINAL\PRIMARY\VOLUME\NONE|
36|77.1.6|(0048,0010) CS NO|
37|77.1.1|(0028,0301) CS NO|
38|77.1.4|(0028,0301) CS NO|
39|77.1.2|(0008,0008) CS ORIGINAL\PRIMARY|
!
sed -n 's/^\([0-9]*\) \(.\)/\1 pixels may show who it is: \2/p' wanted >why
exits 1 'those that are known to' imganon -q --key key -o out.d in
jq -r 'select(.status == "withheld") | "\(.path[3:5]) \(.reason)"' out | sort >found
same 'are withheld, with a reason' found <why
ok 'the others are written' test "$(grep -c '"deidentified"' out)" = 9
exits 0 'all are, by who has looked at them' \
	imganon -q --key key --pixels keep -o kept in
ok 'one record each' test "$(grep -c '"deidentified"' out)" = 24
# removed NUMBER POLICY: what PatientIdentityRemoved says.
removed()
{
	rm -rf one
	imganon -q --key key --pixels "$2" -o one "in/$1.dcm" >/dev/null
	dcmdump -q +P 0012,0062 one/*/*/*.dcm | sed 's/.*\[\(.*\)\].*/\1/'
}
ok 'the label that stays is no identity removed' test "$(removed 22 keep)" = NO
ok 'a black one is' test "$(removed 22 blank-all)" = YES
exits 0 'and black' imganon -q --key key --pixels blank-all -o black in
finish
