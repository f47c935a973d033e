# imgquery.t - finding what is in the archive, in all formats.
. "$(dirname "$0")/lib.sh"
need perl dump2dcm

mkdir in busy
# one NAME OPTION...: an image of the first patient unless said otherwise.
one()
{
	f=$1
	shift
	phantom one "in/$f" "$@" || exit 1
}
ct='--modality CT --body-part HEAD --study 2.25.10 --series 2.25.11'
# shellcheck disable=SC2086 # lists of options
{
	one ct1 $ct --uid 2.25.12 --instance 2 --accession A1 --date 20240115 --time 030405.5
	one ct2 $ct --uid 2.25.13 --instance 10 --accession A1 --date 20240115 --time 030405.5
}
one mr --modality MR --body-part HEAD --study 2.25.20 --series 2.25.21 \
	--uid 2.25.22 --accession A2 --date 20230201 --study-desc 'MR, "head"'
one ctold --modality CT --body-part HEAD --study 2.25.30 --series 2.25.31 \
	--uid 2.25.32 --accession A3 --date 20200301
one cr --modality CR --body-part CHEST --study 2.25.40 --series 2.25.41 \
	--uid 2.25.42 --accession A4 --date 20231231
one ctnew --modality CT --body-part HEAD --study 2.25.50 --series 2.25.51 \
	--uid 2.25.52 --accession A5 --date 20250101
one other --id TEST-0002 --name 'Müller^Jürgen=山田^太郎=やまだ^たろう' \
	--charset ISO_IR\ 192 --study 2.25.60 --series 2.25.61 \
	--uid 2.25.62 --accession A6 --date 20240601 --modality CT
one zchanged --modality MR --body-part HEAD --study 2.25.20 --series 2.25.21 \
	--uid 2.25.22 --accession A2 --date 20230201 --pixel 7
cat >nested.txt <<'!'
(0008,0016) UI 1.2.840.10008.5.1.4.1.1.7
(0008,0018) UI 2.25.72
(0008,0020) DA 20220101
(0008,0060) CS OT
(0010,0010) PN Test^Synthetic
(0010,0020) LO TEST-0003
(0018,0050) DS 1.250
(0018,0060) DS 120
(0020,000d) UI 2.25.70
(0020,000e) UI 2.25.71
(0028,0009) AT (0018,1063)\(0054,0010)
(0028,0010) US 8
(0028,0106) SS -4
(0028,1201) OW 4100\4200
(0028,9099) US 3
(0040,0275) SQ
(fffe,e000) -
(0040,0007) LO first step
(0040,0009) SH SPS1
(fffe,e00d) -
(fffe,e000) -
(0040,0009) SH SPS2
(fffe,e00d) -
(fffe,e0dd) -
!
dump2dcm -q +te nested.txt in/nested || exit 1

export IMG_CATALOG="$PWD/arc"
exits 3 'no archive: status 3' imgquery
ok 'said on stderr' grep -q '^imgquery: .*catalog.db: no archive is there' err
exits 0 'images go in' imgimport -q in

# uids LEVEL-KEYWORD ARGUMENT...: what is found, sorted, on one line.
uids()
{
	k=$1
	shift
	imgquery "$@" | perl -ne '/"'"$k"'":"([^"]*)"/ && print "$1\n"' |
		sort | paste -sd ' ' -
}
# finds WANT TEXT KEY...: studies, by the end of their UID.
finds()
{
	want_=$1 text_=$2
	shift 2
	have_=$(uids StudyInstanceUID "$@" | sed 's/2\.25\.//g')
	if [ "$have_" = "$want_" ]; then
		pass_ "$text_"
	else
		echo "found: $have_, not: $want_" >why
		fail_ "$text_" why
	fi
}

# ---- matching -----------------------------------------------------------
finds '10 20 30 40 50 60 70' 'all studies'
finds '10' 'single value' AccessionNumber=A1
finds '10 60' 'list' 'AccessionNumber=A1\A6'
finds '60' 'list of 5000' "AccessionNumber=A6$(seq -f '\X%g' -s '' 5000)"
finds '10' 'list with an empty value among others' 'AccessionNumber=\A1'
finds '10 20 30 40 50 60' 'wildcard' 'AccessionNumber=A?'
finds '' 'case counts but in names' AccessionNumber=a1
finds '10 20' 'list of UIDs' 'StudyInstanceUID=2.25.10\2.25.20\2.25.99'
finds '60' 'name: case and accents' PatientName=MULLER^jurgen
finds '60' 'name: any order' 'PatientName=jürgen müller'
finds '60' 'name: ideographic group' 'PatientName=山田*'
finds '' 'name: not a part of it' PatientName=muller
finds '10 60' 'range of dates' StudyDate=20240101-20241231
finds '50' 'from a date' StudyDate=20240602-
finds '30 70' 'to a date, dashes' StudyDate=-20220101
finds '10' 'one day' StudyDate=2024-01-15
finds '10 60' 'one year' StudyDate=2024
finds '10 60' 'from month to month' StudyDate=2024-01-2024-06
finds '60' 'a month' StudyDate=2024-06
finds '10' 'with dots' StudyDate=2024.01.15
finds '10 60' 'a range with dots' StudyDate=2024.01.15-2024.06.01
finds '10 60' 'a range with dashes' StudyDate=2024-01-15-2024-06-01
finds '10 20 30 40 50 60 70' 'a range of years' StudyDate=2020-2025
finds '20 30 40 50' 'a time and its fraction' PatientID=TEST-0001 \
	StudyTime=030405.0
finds '20' 'a time with colons' 'StudyTime=03:04:05' AccessionNumber=A2
finds '20' 'a range of times' 'StudyTime=03-0304' AccessionNumber=A2
finds '10' 'half a second' StudyTime=030405.500000
finds '10' 'half a second, said shorter' StudyTime=030405.5
finds '' 'another fraction' StudyTime=030405.6
finds '' 'a date and a time, both' StudyDate=20240115 StudyTime=0305-
finds '70' 'no value' 'AccessionNumber=""'
finds '10 20 30 50' 'key of a level below' BodyPartExamined=HEAD
finds '20' 'two keys on the same series' BodyPartExamined=HEAD Modality=MR
finds '' 'two keys on no series' BodyPartExamined=CHEST Modality=MR
finds '10' 'UID of an image' SOPInstanceUID=2.25.13
finds '40' 'modalities in study' ModalitiesInStudy=CR
finds '10' 'number' InstanceNumber=010
finds '10' 'by tag' 0008,0050=A1
finds '70' 'key from headers' KVP=120 PatientID=TEST-0003
finds '70' 'number from headers' SliceThickness=1.25
finds '70' 'path' RequestAttributesSequence.ScheduledProcedureStepID=SPS2
finds '70' 'path of tags' 0040,0275.0040,0009=SPS1
finds '' 'path, other value' RequestAttributesSequence.0040,0009=SPS3
exits 1 'nothing matches: status 1' imgquery PatientID=NOBODY
ok 'and no records' test ! -s out

# ---- levels, fields, order ----------------------------------------------
exits 0 'a patient' imgquery -l patient PatientID=TEST-0002
same 'as a record' out <<'!'
{"PatientID":"TEST-0002","PatientName":"Müller^Jürgen=山田^太郎=やまだ^たろう","PatientBirthDate":"19700101","PatientSex":"O","NumberOfPatientRelatedStudies":"1"}
!
phantom one lone --omit 0010,0020 --study 2.25.80 --series 2.25.81 --uid 2.25.82
imgimport -q -C lonely lone >/dev/null
exits 0 'a patient without PatientID' \
	imgquery -C lonely -l patient -f PatientSex
same 'is named by the study' out <<'!'
{"StudyInstanceUID":"2.25.80","PatientSex":"O"}
!
# Nor a study: by the series, else by the instance.
phantom one nostudy --omit 0010,0020 --omit 0020,000d --series 2.25.83 \
	--uid 2.25.84
phantom one noseries --omit 0010,0020 --omit 0020,000d --omit 0020,000e \
	--uid 2.25.85
imgimport -q -C unknown nostudy noseries >/dev/null
for l in patient study series; do
	exits 0 "$l without a study" imgquery -C unknown -l $l -f Modality
	sort out >got
	same 'is named by what there is' got <<'!'
{"SOPInstanceUID":"2.25.85","Modality":"OT"}
{"SeriesInstanceUID":"2.25.83","Modality":"OT"}
!
	exits 0 'and can be asked for' sh -c \
		"imgquery -C unknown -l $l | imgverify -q -C unknown"
	ok 'both are there' test "$(grep -c intact out)" = 2
done
# A record does not stand for more than it was made of.
for i in 6 7 8; do
	phantom one some$i --id TEST-0009 --omit 0020,000d \
		--series 2.25.90$((i / 7)) --uid 2.25.9$i
	phantom one noser$i --id TEST-0009 --study 2.25.901 --omit 0020,000e \
		--uid 2.25.99$i
done
phantom one other --id TEST-0009 --study 2.25.92 --series 2.25.93 --uid 2.25.94
imgimport -q -C vague some? noser? other >/dev/null
exits 0 'series of a study without UID' imgquery -C vague -l series -f Modality
ok 'of several instances: not of the study' \
	grep -q '^{"SeriesInstanceUID":"",' out
exits 2 'all series' sh -c \
	'imgquery -C vague -l series | imgverify -q -C vague'
ok 'give each object once at most' test "$(grep -c intact out)" = 4
exits 2 'all studies' sh -c 'imgquery -C vague | imgverify -q -C vague'
ok 'give each object once at most' test "$(grep -c intact out)" = 4
ok 'and what cannot be named is told' grep -q 'names nothing' err
exits 0 'the patient' sh -c \
	'imgquery -C vague -l patient | imgverify -q -C vague'
ok 'is all of them' test "$(grep -c intact out)" = 7
exits 0 'a study with fields' imgquery -f \
	ModalitiesInStudy,0008,0020,NumberOfStudyRelatedInstances,KVP \
	AccessionNumber=A1
same 'has its UID and them' out <<'!'
{"StudyInstanceUID":"2.25.10","ModalitiesInStudy":"CT","StudyDate":"20240115","NumberOfStudyRelatedInstances":"2","KVP":"120"}
!
exits 0 'an image' imgquery -l image SOPInstanceUID=2.25.12 \
	-f Rows,InstanceNumber,BodyPartExamined
perl -pe 's/"bytes":\d+,"digest":"[0-9a-f]{64}"/OBJECT/' out >have
same 'names its object' have <<'!'
{"StudyInstanceUID":"2.25.10","SeriesInstanceUID":"2.25.11","SOPInstanceUID":"2.25.12",OBJECT,"Rows":"8","InstanceNumber":"2","BodyPartExamined":"HEAD"}
!
exits 0 'a field of a lower level' imgquery -f InstanceNumber AccessionNumber=A1
same 'has all values' out <<'!'
{"StudyInstanceUID":"2.25.10","InstanceNumber":"10\\2"}
!
exits 0 'empty keys ask for attributes' imgquery KVP= \
	RequestAttributesSequence.ScheduledProcedureStepID= \
	-f KVP,RequestAttributesSequence.ScheduledProcedureStepID,0028,9099 \
	PatientID=TEST-0003
same 'from headers, several items' out <<'!'
{"StudyInstanceUID":"2.25.70","KVP":"120","RequestAttributesSequence.ScheduledProcedureStepID":"SPS1\\SPS2","LargestMonochromePixelValue":"3"}
!
exits 0 'sorted by number, downwards' imgquery -l image -s -InstanceNumber \
	-f InstanceNumber StudyInstanceUID=2.25.10 --format csv
printf 'InstanceNumber\r\n10\r\n2\r\n' >want
ok 'as CSV' cmp want out
exits 0 'two sort keys, a limit' imgquery -s PatientID -s -StudyDate \
	--limit 2 -f StudyDate
same 'in order' out <<'!'
{"StudyInstanceUID":"2.25.50","StudyDate":"20250101"}
{"StudyInstanceUID":"2.25.10","StudyDate":"20240115"}
!
exits 0 'limit with a key from headers' imgquery --limit 1 -l image \
	BitsAllocated=16 -f BitsAllocated
ok 'one record' sh -c '[ "$(wc -l <out)" = 1 ]'
exits 0 'count' imgquery --count Modality=CT
same 'is a number' out <<'!'
4
!
exits 1 'a count of none' imgquery --count Modality=US
same 'is zero' out <<'!'
0
!
exits 0 'count with headers' imgquery --count -l image SliceThickness=1.25
same 'is one' out <<'!'
1
!

# ---- formats ------------------------------------------------------------
exits 0 'CSV' imgquery --format csv -f StudyDescription,PatientID \
	AccessionNumber=A2
printf 'StudyDescription,PatientID\r\n"MR, ""head""",TEST-0001\r\n' >want
ok 'quotes what needs it' cmp want out
exits 0 'CSV without fields' imgquery --format csv AccessionNumber=A1
printf 'StudyInstanceUID,PatientID,PatientName,StudyDate,StudyTime,AccessionNumber,StudyDescription,ModalitiesInStudy,NumberOfStudyRelatedSeries,NumberOfStudyRelatedInstances\r\n2.25.10,TEST-0001,Test^Synthetic,20240115,030405.5,A1,Test study,CT,1,2\r\n' >want
ok 'has the UIDs' cmp want out
exits 0 'the DICOM JSON model' imgquery --format dicom-json -l image \
	-f PatientName,InstanceNumber,Rows,ImageType,TransferSyntaxUID,SliceThickness,PatientComments,RequestAttributesSequence.ScheduledProcedureStepID \
	SOPInstanceUID=2.25.72
same 'has VRs, numbers, sequences' out <<'!'
{"00080008":{"vr":"CS"},"00080018":{"vr":"UI","Value":["2.25.72"]},"00083002":{"vr":"UI","Value":["1.2.840.10008.1.2.1"]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"Test^Synthetic"}]},"00104000":{"vr":"LT"},"00180050":{"vr":"DS","Value":[1.25]},"0020000D":{"vr":"UI","Value":["2.25.70"]},"0020000E":{"vr":"UI","Value":["2.25.71"]},"00200013":{"vr":"IS"},"00280010":{"vr":"US","Value":[8]},"00400275":{"vr":"SQ","Value":[{"00400009":{"vr":"SH","Value":["SPS1","SPS2"]}}]}}
!
exits 0 'bytes, tags and a choice of VR' imgquery --format dicom-json -l image \
	-f FrameIncrementPointer,SmallestImagePixelValue,PixelData,0009,0010,RedPaletteColorLookupTableData \
	SOPInstanceUID=2.25.72
same 'as the object has them, bytes left out' out <<'!'
{"00080018":{"vr":"UI","Value":["2.25.72"]},"00090010":{"vr":"LO"},"0020000D":{"vr":"UI","Value":["2.25.70"]},"0020000E":{"vr":"UI","Value":["2.25.71"]},"00280009":{"vr":"AT","Value":["00181063","00540010"]},"00280106":{"vr":"SS","Value":[-4]}}
!
exits 0 'a key that is a tag' imgquery FrameIncrementPointer=00540010 \
	-f FrameIncrementPointer
same 'in hexadecimal' out <<'!'
{"StudyInstanceUID":"2.25.70","FrameIncrementPointer":"00181063\\00540010"}
!
exits 0 'groups of a name' imgquery --format dicom-json -l patient \
	-f PatientName PatientID=TEST-0002
same 'each by itself' out <<'!'
{"00080005":{"vr":"CS","Value":["ISO_IR 192"]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"Müller^Jürgen","Ideographic":"山田^太郎","Phonetic":"やまだ^たろう"}]},"00100020":{"vr":"LO","Value":["TEST-0002"]},"00100021":{"vr":"LO"}}
!
exits 0 'FHIR' imgquery --format fhir AccessionNumber=A1
same 'an ImagingStudy' out <<'!'
{"resourceType":"ImagingStudy","id":"2.25.10","identifier":[{"system":"urn:dicom:uid","value":"urn:oid:2.25.10"},{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"ACSN"}]},"value":"A1"}],"status":"available","modality":[{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"CT"}],"subject":{"identifier":{"value":"TEST-0001"},"display":"Test Synthetic"},"started":"2024-01-15","numberOfSeries":1,"numberOfInstances":2,"description":"Test study","series":[{"uid":"2.25.11","number":1,"modality":{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"CT"},"description":"Test series","numberOfInstances":2,"bodySite":{"display":"HEAD"},"started":"2024-01-15"}]}
!
exits 0 'FHIR with instances' imgquery --format fhir -l image AccessionNumber=A1
ok 'in the order of their numbers' grep -q '"instance":\[{"uid":"2.25.12","sopClass":{"system":"urn:ietf:rfc:3986","code":"urn:oid:1.2.840.10008.5.1.4.1.1.2","display":"CT Image Storage"},"number":2},{"uid":"2.25.13"' out
# What FHIR cannot say is left out, and nothing is empty.
phantom one poor --id '' --name '^^' --study 2.25.90 --series '' \
	--uid 2.25.92 --modality '' --accession '' --date 20241399 --study-desc ''
imgimport -q -C poorly poor >/dev/null
exits 0 'FHIR of a poor study' imgquery -C poorly --format fhir -l image
same 'has what must be there and no more' out <<'!'
{"resourceType":"ImagingStudy","id":"2.25.90","identifier":[{"system":"urn:dicom:uid","value":"urn:oid:2.25.90"}],"status":"available","subject":{"display":"unknown"},"numberOfSeries":1,"numberOfInstances":1}
!
phantom one leap --study 2.25.93 --series '' --uid 2.25.94 --date 00000229
imgimport -q -C leaping leap >/dev/null
exits 0 'FHIR has no year 0' imgquery -C leaping --format fhir
ok 'nor a day in it' sh -c '! grep -q started out'
exits 0 'a table' imgquery --format table -s -StudyDate --limit 2
same 'for people' out <<'!'
Date        Name                                          ID         Born        Modality  Study       Accession  Series  Images
2025-01-01  Test, Synthetic                               TEST-0001  1970-01-01  CT        Test study  A5         1       1
2024-06-01  Müller, Jürgen / 山田, 太郎 / やまだ, たろう  TEST-0002  1970-01-01  CT        Test study  A6         1       1
!

# ---- conflicts, keys, priors --------------------------------------------
exits 0 'conflicts' imgquery --conflicts -f SOPInstanceUID
perl -pe 's/"bytes":\d+,"digest":"[0-9a-f]{64}"/OBJECT/; s/"added":"20[^"]*Z"/ADDED/' \
	out >have
same 'both objects' have <<'!'
{"status":"stored","StudyInstanceUID":"2.25.20","SeriesInstanceUID":"2.25.21","SOPInstanceUID":"2.25.22",OBJECT,ADDED}
{"status":"conflict","StudyInstanceUID":"2.25.20","SeriesInstanceUID":"2.25.21","SOPInstanceUID":"2.25.22",OBJECT,ADDED}
!
exits 1 'no conflicts there' imgquery --conflicts PatientID=TEST-0002

printf 'A1\r\nA9\n\nA4' >list
exits 1 'keys from a file, one unknown: status 1' \
	imgquery --keys-from list -k AccessionNumber -f StudyDate
same 'one record each' out <<'!'
{"StudyInstanceUID":"2.25.10","StudyDate":"20240115","key":"A1"}
{"status":"missing","reason":"not in the catalog","key":"A9"}
{"StudyInstanceUID":"2.25.40","StudyDate":"20231231","key":"A4"}
!
exits 0 'keys from stdin, all known' sh -c \
	'echo SPS2 | imgquery --keys-from - -k 0040,0275.0040,0009 -f StudyDate'
same 'answered from headers' out <<'!'
{"StudyInstanceUID":"2.25.70","StudyDate":"20220101","key":"SPS2"}
!
exits 1 'keys as CSV' imgquery --keys-from list -k AccessionNumber \
	-f StudyDate --format csv
printf 'status,key,StudyDate\r\n,A1,20240115\r\nmissing,A9,\r\n,A4,20231231\r\n' >want
ok 'with the missing ones' cmp want out

exits 2 'a value that is no date among the keys: status 2' sh -c \
	'printf "20240115\nsoon\n20231231\n" |
	imgquery --keys-from - -k StudyDate -f StudyDate'
same 'fails by itself' out <<'!'
{"StudyInstanceUID":"2.25.10","StudyDate":"20240115","key":"20240115"}
{"status":"failed","error":{"code":"usage","message":"stdin: line 2: StudyDate: neither a date as 20240131 or 2024 nor a range of two","by":"imgquery"},"key":"soon"}
{"StudyInstanceUID":"2.25.40","StudyDate":"20231231","key":"20231231"}
!
printf 'A1\0A9\n\0A4\n\351\nA4\n' >bytes
exits 2 'lines that are no text: status 2' \
	imgquery --keys-from bytes -k AccessionNumber -f StudyDate
same 'each fails, none is left out' out <<'!'
{"status":"failed","error":{"code":"malformed","message":"bytes: line 1: not UTF-8","by":"imgquery"}}
{"status":"failed","error":{"code":"malformed","message":"bytes: line 2: not UTF-8","by":"imgquery"}}
{"status":"failed","error":{"code":"malformed","message":"bytes: line 3: not UTF-8","by":"imgquery"}}
{"StudyInstanceUID":"2.25.40","StudyDate":"20231231","key":"A4"}
!
printf '\377\376A\0001\0\n\0' >wide
exits 3 'a list in UTF-16' imgquery --keys-from wide -k AccessionNumber
same 'is named as what it is' err <<'!'
imgquery: wide: UTF-16, where UTF-8 is read
!

exits 0 'priors' sh -c \
	'imgquery AccessionNumber=A1 | imgquery --priors 3 -f StudyDate'
same 'part and modality, part, the rest; none later' out <<'!'
{"StudyInstanceUID":"2.25.30","StudyDate":"20200301","prior_of":"2.25.10"}
{"StudyInstanceUID":"2.25.20","StudyDate":"20230201","prior_of":"2.25.10"}
{"StudyInstanceUID":"2.25.40","StudyDate":"20231231","prior_of":"2.25.10"}
!
exits 0 'one prior, by UID' imgquery --priors 1 -f StudyDate 2.25.50
same 'the latest of the best' out <<'!'
{"StudyInstanceUID":"2.25.10","StudyDate":"20240115","prior_of":"2.25.50"}
!
exits 2 'a record of no study among others' sh -c \
	'printf "2.25.50\n{\"SOPInstanceUID\":\"2.25.1\"}\n" |
	imgquery --priors 1 -f StudyDate'
same 'is named by its line' err <<'!'
imgquery: stdin: line 2: a record without StudyInstanceUID
!
ok 'and passed on' grep -q '^{"status":"failed","SOPInstanceUID":"2.25.1","error":{"code":"usage",' out
exits 1 'priors of an unknown study' imgquery --priors 1 2.25.99
same 'are missing' out <<'!'
{"status":"missing","reason":"not in the catalog","prior_of":"2.25.99"}
!
exits 1 'no prior, as a script may ask for' imgquery --priors 0 2.25.50
ok 'is none' test ! -s out
exits 1 'of a record, too' sh -c \
	'imgquery AccessionNumber=A1 | imgquery --priors 0'
ok 'and not all that is there' test ! -s out
exits 1 'a study without priors' imgquery --priors 1 2.25.60
ok 'gives nothing' test ! -s out
exits 2 'a failed record passes through' sh -c 'printf "%s\n%s\n" \
	"{\"status\":\"rejected\",\"error\":{\"code\":\"io\",\"message\":\"x\",\"by\":\"imgimport\"}}" \
	"{\"StudyInstanceUID\":\"2.25.50\"}" | imgquery --priors 1 -f StudyDate'
ok 'untouched' grep -q '"by":"imgimport"' out
ok 'and the other is answered' grep -q '"prior_of":"2.25.50"' out
printf '{"path":\n{"SOPInstanceUID":"2.25.1"}\n2.25.50\n' >>odd.in
echo '{"status":"failed","path":"x","error":{"code":"io","message":"x: not there","by":"imgimport"}}' >>odd.in
for form in csv table fhir dicom-json; do
	exits 0 "$form of a study alone" \
		imgquery --priors 1 --format $form 2.25.50
	cp out alone
	exits 2 "$form among what is none" sh -c \
		"imgquery --priors 1 --format $form <odd.in"
	ok 'holds no record of another kind' cmp out alone
	same 'but all are told' err <<'!'
imgquery: stdin: line 1: JSON ends too early
imgquery: stdin: line 2: a record without StudyInstanceUID
imgquery: x: not there
!
done

# ---- what can go wrong --------------------------------------------------
exits 64 'an attribute that does not exist' imgquery NoSuchKeyword=1
ok 'is named' grep -q '^imgquery: NoSuchKeyword: ' err
exits 64 'a sequence as field' imgquery -f RequestAttributesSequence
ok 'what to write instead' grep -q 'RequestAttributesSequence.CodeValue' err
exits 64 'an operand that is no key' imgquery Doe
ok 'is not repeated' sh -c '! grep -q Doe err'
exits 64 'a date that is none' imgquery StudyDate=yesterday
exits 64 'a month that is none' imgquery StudyDate=20241301
exits 64 'a day that is none' imgquery StudyDate=20240101-20240132
exits 64 'an hour that is none' imgquery StudyTime=2400
exits 64 'a dash alone' imgquery StudyDate=-
exits 64 'a date and more' imgquery StudyDate=202401311
exits 64 'a sequence as key' imgquery RequestAttributesSequence=1
exits 64 'a UID of a lower level as field' imgquery -f SOPInstanceUID
exits 64 'sorting by what is not in the catalog' imgquery -s KVP
exits 64 '-k alone' imgquery -k PatientID
exits 64 '--conflicts of studies' imgquery --conflicts -l study
exits 64 '--priors and --count' imgquery --priors 1 --count
exits 3 '/dev/full: status 3' sh -c 'imgquery >/dev/full'
exits 3 '/dev/full, table' sh -c 'imgquery --format table >/dev/full'
exits 1 'CSV of no priors' imgquery --priors 1 --format csv 2.25.60
ok 'has its titles' grep -q '^status,StudyInstanceUID,.*,prior_of' out
exits 1 'CSV of an empty list' imgquery --keys-from /dev/null -k PatientID \
	--format csv
ok 'has them, too' grep -q '^status,key,StudyInstanceUID,' out
exits 0 'CSV of one column' imgquery --format csv -f AdmissionID -l image
ok 'has no line without a field' sh -c '! grep -q "^.\?$" out'
ok 'but one for each image' test "$(wc -l <out)" = "$(($(imgquery -l image --count) + 1))"
exits 0 'a list as a spreadsheet writes it' sh -c \
	'printf "\357\273\277TEST-0001\r\n" | imgquery --keys-from - -k PatientID'
for range in StudyDate=20240531-20240301 StudyDate=2025-2024 \
	StudyDate=20240102-2023 StudyTime=2300-0100; do
	exits 64 "a range that ends before it begins: $range" imgquery $range
done
ok 'which is said' grep -qx \
	'imgquery: StudyTime: a range that ends before it begins' err
exits 3 'no list of keys' imgquery --keys-from absent -k PatientID

digest=$(imgquery -l image SOPInstanceUID=2.25.72 |
	sed 's/.*"digest":"\(..\)\([^"]*\)".*/\1\/\1\2/')
mv "arc/objects/$digest" kept
exits 2 'an object that is not there: status 2' imgquery -l image KVP=120
ok 'said on stderr' grep -q "^imgquery: .*$(basename "$digest")" err
exits 2 'as a field only: the row is given all the same' \
	imgquery -f KVP,StudyDate PatientID=TEST-0003
same 'without it' out <<'!'
{"StudyInstanceUID":"2.25.70","StudyDate":"20220101"}
!
exits 0 'what is in the catalog needs no objects' imgquery PatientID=TEST-0003
mv kept "arc/objects/$digest"

# A copy on read-only media: neither log nor a folder that can be written.
# Root may write everywhere, so it asks as somebody else.
mkdir ro && cp "$O/bin/imgquery" arc/catalog.db ro/ && chmod 644 ro/catalog.db
chmod 555 ro
as=
if [ "$(id -u)" = 0 ]; then
	chmod 711 "$T" "$T/work"
	as='setpriv --reuid 65534 --regid 65534 --clear-groups'
fi
# shellcheck disable=SC2086 # a command and its options
{
	exits 0 'a catalog alone, read-only' $as ro/imgquery -C ro --count
	same 'all of it' out <<'!'
7
!
	chmod 755 ro
	echo 'not empty' >ro/catalog.db-wal && chmod 555 ro
	exits 3 'with a log that cannot be read: refused' \
		$as ro/imgquery -C ro --count
	ok 'rather than passed over' grep -q 'was not closed' err
}
chmod 755 ro

# While somebody writes.
fill busy 20000 >fill.out &
filler=$!
busy=0 odd=0
while kill -0 $filler 2>/dev/null; do
	imgquery -C busy --count >out 2>err
	case $? in
	0 | 1) busy=$((busy + 1)) ;;
	3) grep -q 'no archive is there' err || odd=$((odd + 1)) ;;
	*) odd=$((odd + 1)) ;;
	esac
done
ok 'the writer ends well' wait $filler
ok "asked $busy times meanwhile, never refused" test $odd = 0
exits 0 'at the end' imgquery -C busy --count -l image
same 'all is there' out <<'!'
20000
!

# ---- pipes --------------------------------------------------------------
exits 0 'into imgverify' sh -c 'imgquery AccessionNumber=A1 | imgverify -q'
ok 'all objects of the study' sh -c \
	'[ "$(grep -c "\"status\":\"intact\"" out)" = 2 ]'
finish
