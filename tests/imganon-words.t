# imganon-words.t - what clean-desc leaves of a description: what it says of the
# image, and nothing that it says of the patient.
. "$(dirname "$0")/lib.sh"
need dump2dcm dcmdump
imganon --new-key key 2>/dev/null

# ~ stands for the escape character.
mkdir in
n=100
while IFS='|' read -r was left; do
	n=$((n + 1))
	tr '~' '\033' >dump <<-!
	(0008,0005) CS \\ISO 2022 IR 87
	(0008,0016) UI 1.2.840.10008.5.1.4.1.1.4
	(0008,0018) UI 1.2.826.0.777.1.$n
	(0008,103e) LO $was
	(0010,0010) PN Qwortz^Hand
	(0010,0020) LO 12345678
	(0020,000d) UI 1.2.826.0.777.1
	(0020,000e) UI 1.2.826.0.777.2
	(0020,0013) IS $n
	!
	dump2dcm -q dump "in/$n.dcm"
	echo "$n $left" >>want
done <<'!'
CT Thorax/Abdomen 5.0|CT Thorax/Abdomen 5.0
t2_tse_sag_320|t2_tse_sag_320
ep2d_diff_b50_400_1000_ADC|ep2d_diff_b50_400_1000_ADC
DWI b1000|DWI b1000
FDG PET whole body year 2|FDG PET whole body year 2
Left knee, ACL tear|Left knee,ACL tear
3 Tesla MPRAGE 1.5mm|3 Tesla MPRAGE 1.5mm
120 kV 95 mm|120 kV 95 mm
Qwortz lung|lung
left hand|left
Dr. Zzyx chest|chest
F 95Y chest|chest
95 yo chest|chest
95-year-old chest|year chest
age: 95 chest|age chest
aged 100|
aged 89|89
95J chest|chest
born 1928 chest|chest
4 Mar 1928 chest|4 chest
04/03/28 chest|chest
ID 12 34 56 78 chest|ID chest
ID 1234-5678 chest|ID chest
ID 12 34 56 chest|ID 12 34 56 chest
123456 chest|chest
Head ~$B%9%:%-!!%9%_%9~(BMR|Head MR
~$B%9!!%:!!5B!!%H~(B|
!
exits 0 'descriptions are cleaned' imganon -q --key key --option clean-desc \
	-o new in
value()
{
	dcmdump -q +P "$1" "$f" | sed -n 's/.*\[\(.*\)\].*/\1/p'
}
for f in new/*/*/*.dcm; do
	echo "$(value 0020,0013) $(value 0008,103e)"
done | sort >found
same 'of what is said of the image nothing is lost' found <want
finish
