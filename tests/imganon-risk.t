# imganon-risk.t - how many patients are alike in what was written.
. "$(dirname "$0")/lib.sh"
need dcmodify
imganon --new-key key 2>/dev/null

# patient N SEX AGE: an object of a patient of its own
patient()
{
	phantom one --uid "2.25.1$1" --study "2.25.2$1" --series "2.25.3$1" \
		--id "TEST-9$1" --modality CT --date 20240102 "in/$1.dcm"
	dcmodify -nb -m "0010,0040=$2" -i "0010,1010=$3" "in/$1.dcm"
}
mkdir in
for i in 1 2 3 4 5 6 7 8 9 10 11; do patient $i M 047Y; done
patient 20 M 042Y
for i in 30 31 32; do patient $i F 042Y; done
# Another image of a patient who is alike, and one that tells more.
cp in/1.dcm in/1b.dcm && dcmodify -nb -m '0008,0018=2.25.777' in/1b.dcm
cp in/2.dcm in/2b.dcm && dcmodify -nb -m '0008,0018=2.25.778' \
	-i '0018,0015=TOE' in/2b.dcm

exits 0 'ages and dates kept' imganon --key key --profile research \
	--option retain-device --risk risk -o new in
names='"by":["PatientSex","PatientAge, by 10 years","EthnicGroup","StudyDate, by month","Modality","BodyPartExamined","Manufacturer","ManufacturerModelName"]'
sed 's/"groups.*//' risk >got
same 'what was counted, by what' got <<!
{$names,"objects":17,"patients":15,
!
# Every patient has days of its own, so that the months differ.
ok 'moved dates tell apart' sh -c \
	'[ "$(sed "s/.*\"groups\":\([0-9]*\).*/\1/" risk)" -gt 3 ]'
exits 0 'without ages and dates' imganon --key key --risk risk -o basic in
sed 's/.*"objects"/{"objects"/' risk >got
same 'only what is in the images tells apart' got <<!
{"objects":17,"patients":15,"groups":2,"min_k":1,"below_5":0.0667,"below_11":0.0667,"complete":true}
!
exits 0 'dates kept' imganon --key key --option retain-patient \
	--option retain-dates --risk risk -o dates in
sed 's/.*"objects"/{"objects"/' risk >got
same 'groups of 12, 3 and 1' got <<!
{"objects":17,"patients":15,"groups":3,"min_k":1,"below_5":0.2667,"below_11":0.2667,"complete":true}
!
rm in/2b.dcm
exits 0 'without the toe' imganon --key key --option retain-patient \
	--option retain-dates --risk risk -o toe in
sed 's/.*"objects"/{"objects"/' risk >got
same 'groups of 12 and 3' got <<!
{"objects":16,"patients":15,"groups":2,"min_k":3,"below_5":0.2000,"below_11":0.2000,"complete":true}
!
ok 'no values in it' sh -c '! grep -q "TEST\|2\.25\|2024" risk'
exits 3 'no place for it' imganon --key key --risk no/risk -o none in
exits 3 'a full disk' imganon --key key --risk /dev/full -o full in
finish
