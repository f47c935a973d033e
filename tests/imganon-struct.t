# imganon-struct.t - structured content, by the names of its concepts.
. "$(dirname "$0")/lib.sh"
need dump2dcm dcmdump dsrdump
imganon --new-key key

# item TYPE CODE SCHEME MEANING [LINES]
item()
{
	cat <<-!
	(fffe,e000) -
	(0040,a010) CS CONTAINS
	(0040,a040) CS $1
	(0040,a043) SQ
	(fffe,e000) -
	(0008,0100) SH $2
	(0008,0102) SH $3
	(0008,0104) LO $4
	(fffe,e00d) -
	(fffe,e0dd) -
	!
	cat
	echo '(fffe,e00d) -'
}
{
	cat <<-!
	(0008,0016) UI 1.2.840.10008.5.1.4.1.1.88.33
	(0008,0018) UI 1.2.826.0.777.1.1
	(0008,0060) CS SR
	(0010,0010) PN Qwortz^Jane
	(0010,0020) LO PID-777
	(0020,000d) UI 1.2.826.0.777.1.2
	(0020,000e) UI 1.2.826.0.777.1.3
	(0040,a040) CS CONTAINER
	(0040,a043) SQ
	(fffe,e000) -
	(0008,0100) SH 126000
	(0008,0102) SH DCM
	(0008,0104) LO Imaging Measurement Report
	(fffe,e00d) -
	(fffe,e0dd) -
	(0040,a730) SQ
	!
	item TEXT 121022 DCM 'Accession Number' <<-!
	(0040,a160) UT QZACCESSION
	!
	item PNAME 121008 DCM 'Person Observer Name' <<-!
	(0040,a123) PN Qzobserver
	!
	item PNAME 121114x 99TEST 'Some name' <<-!
	(0040,a123) PN Qzunlisted
	!
	item TEXT 121071 99TEST 'Finding of ours' <<-!
	(0040,a160) UT Lung nodule of 5 mm seen by Dr. Qzreader for Qwortz
	!
	item DATE 126201 DCM 'Acquisition Date' <<-!
	(0040,a121) DA 20240102
	!
	item DATETIME 111526x 99TEST 'Some time' <<-!
	(0040,a120) DT 20240102030405.678901
	!
	item TEXT 121060 99TEST 'Nothing left' <<-!
	(0040,a160) UT Qzsomebody
	!
	item CODE 121071 DCM Finding <<-!
	(0040,a168) SQ
	(fffe,e000) -
	(0008,0100) SH T-28000
	(0008,0102) SH SRT
	(0008,0104) LO Lung
	(fffe,e00d) -
	(fffe,e0dd) -
	!
	item IMAGE 121112 99TEST 'Source of measurement' <<-!
	(0008,1199) SQ
	(fffe,e000) -
	(0008,1150) UI 1.2.840.10008.5.1.4.1.1.2
	(0008,1155) UI 1.2.826.0.777.1.9
	(fffe,e00d) -
	(fffe,e0dd) -
	!
	{
		echo '(0040,a730) SQ'
		item TEXT 121022 DCM 'Accession Number' <<-!
		(0040,a160) UT QZNESTED
		!
		item TEXT 121050 99TEST 'Width' <<-!
		(0040,a160) UT width 12 mm
		!
		echo '(fffe,e0dd) -'
	} | item CONTAINER 126010 DCM 'Imaging Measurements'
	item UIDREF 121018 99TEST 'A UID' <<-!
	(0040,a124) UI 1.2.826.0.777.1.8
	!
	echo '(fffe,e0dd) -'
} >dump
dump2dcm -q dump sr.dcm || exit 1

exits 0 'without the option' imganon --key key -o basic sr.dcm
dcmdump -q "$(find basic -type f)" >basic.txt
ok 'one item is left' test "$(grep -c 'CS \[TEXT\]' basic.txt)" = 1
ok 'that says nothing' grep -q 'UT \[REMOVED\]' basic.txt

# So long that no pseudonym and no UID has one by chance.
gone='QZACC\|Qzobs\|Qzunl\|Qzread\|Qzsome\|QZNEST\|Qwortz'
gone="$gone\|\[121022\|PID-777\|\.777\."

for syntax in te tb ti td; do
	dcmconv +$syntax sr.dcm in.dcm || exit 1
	rm -rf new
	exits 0 "cleaned, $syntax" imganon --key key --option clean-struct \
		-o new in.dcm
	new=$(find new -type f)
	dcmdump -q "$new" >new.txt
	ok 'no accession number at any depth, no observer' sh -c \
		"! grep -i '$gone' new.txt"
	ok 'a listed name is a dummy, and an unlisted one' \
		test "$(grep -c '0040,a123) PN \[REMOVED\]' new.txt)" = 2
	ok 'words stay in a text, names go' grep -q \
		'UT \[Lung nodule of 5 mm seen by .*for\]' new.txt
	ok 'and where none is left, that' grep -q 'UT \[REMOVED\]' new.txt
	ok 'another' grep -q 'UT \[width 12 mm\]' new.txt
	ok 'dates go with their items' sh -c '! grep "\[126201\|20240102" new.txt'
	ok 'codes stay' grep -q 'T-28000' new.txt
	ok 'references are replaced' grep -q \
		'(0008,1155) UI \[2\.25\.' new.txt
	ok 'and UIDs' grep -q '(0040,a124) UI \[2\.25\.' new.txt
done
rm -rf new
exits 0 'dates moved' imganon --key key --option clean-struct \
	--option modify-dates -o new sr.dcm
dcmdump -q "$(find new -type f)" >new.txt
ok 'stay with their items' sh -c 'grep -q 126201 new.txt &&
	grep "0040,a121) DA" new.txt | grep -qv 20240102'
ok 'and times with their dates' sh -c 'day=$(sed -n \
	"s/.*0040,a121) DA \[\(.*\)\].*/\1/p" new.txt)
	grep -q "0040,a120) DT \[${day}030405.678901\]" new.txt'

# ---- ages, and what is said in another type ------------------------------

# age CODE SCHEME VALUE UNIT [LINES]
age()
{
	code=$1 scheme=$2 value=$3 unit=$4
	{
		cat <<-!
		(0040,a300) SQ
		(fffe,e000) -
		(0040,08ea) SQ
		(fffe,e000) -
		(0008,0100) SH $unit
		(0008,0102) SH UCUM
		(fffe,e00d) -
		(fffe,e0dd) -
		(0040,a30a) DS $value
		!
		cat
		echo '(fffe,e00d) -'
		echo '(fffe,e0dd) -'
	} | item NUM "$code" "$scheme" "$value $unit"
}
{
	sed '/(0040,a730)/,$d' dump
	echo '(0040,a730) SQ'
	age 121033 DCM 95 a <<-!
	(0040,a161) FD 95.25
	!
	age 121033 DCM 89.9 a </dev/null
	age 30525-0 LN 103 a </dev/null
	age 121033 DCM 1100 mo </dev/null
	age 121033 DCM 300 mo </dev/null
	age 121033 DCM 7 wk </dev/null
	age 99000 99TEST 200 mm <<-!
	(0040,a161) FD 200.5
	!
	item TEXT 121029 DCM 'Subject Name' <<-!
	(0040,a160) UT left lung
	!
	item DATETIME 121031 DCM 'Subject Birth Date' <<-!
	(0040,a120) DT 19280304
	!
	item CODE 121029 DCM 'Subject Name' <<-!
	(0040,a168) SQ
	(fffe,e000) -
	(0008,0100) SH T-28000
	(fffe,e00d) -
	(fffe,e0dd) -
	!
	echo '(fffe,e0dd) -'
} >ages
dump2dcm -q ages ages.dcm || exit 1
rm -rf new
exits 0 'ages kept' imganon --key key --option clean-struct \
	--option retain-patient --option retain-dates -o new ages.dcm
dcmdump -q "$(find new -type f)" | grep -E '0040,a(30a|161|160|120|168)' |
	sed 's/^ *//; s/ *#.*//' >values
same 'end at ninety years, in their unit' values <<'!'
(0040,a30a) DS [90]
(0040,a30a) DS [89.9]
(0040,a30a) DS [90]
(0040,a30a) DS [1080]
(0040,a30a) DS [300]
(0040,a30a) DS [7]
(0040,a161) FD 200.5
(0040,a30a) DS [200]
(0040,a160) UT [REMOVED]
(0040,a168) SQ (Sequence with undefined length
!
rm -rf new
exits 0 'without the option' imganon --key key --option clean-struct \
	--option retain-dates -o new ages.dcm
dcmdump -q "$(find new -type f)" | grep -E '0040,a30a' |
	sed 's/^ *//; s/ *#.*//' >values
same 'they go, those of an unlisted concept end at ninety' values <<'!'
(0040,a30a) DS [90]
(0040,a30a) DS [200]
!
finish
