# atna.t - imgquery --audit: lines of the log, and DICOM audit messages that
# hold against the schema of PS3.15 A.5.1.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
need b2sum xmllint

audit()
{
	imgquery -C arch --audit "$@"
}
# bare: the messages in out without what is syslog's
bare()
{
	sed "s/^[^>]*>1 \([^ ]* \)\{5\}- $(printf '\357\273\277')//" out
}
# valid TEXT: every message in out holds against the schema
valid()
{
	rm -rf messages && mkdir messages
	bare | split -l 1 - messages/
	ok "$1: there are messages" test -s out
	ok "$1: valid" sh -c "xmllint --noout --relaxng \
		'$TOP/tests/data/audit-message.rng' messages/*"
}
# what XPATH: of all messages, one a line
what()
{
	for m_ in messages/*; do
		xmllint --xpath "$1" "$m_" 2>/dev/null || echo -
	done
}

# ---- lines -----------------------------------------------------------------

mkdir in
for i in 1 2 3; do
	img in/$i.dcm $i --study 2.25.71 --series 2.25.81 --modality CT
done
img in/4.dcm 4 --study 2.25.71 --series 2.25.82 --modality MR
img in/5.dcm 5 --study 2.25.72 --series 2.25.83 --modality CT
img in/6.dcm 6 --study 2.25.73 --series 2.25.84 --modality CT \
	--id 'A&B<"^7' --name 'Other^Synthetic' \
	--set '0010,0021=LO:H&C'
import in >/dev/null
imgexport -q -C arch --as zip -o x.zip 2.25.72 >/dev/null
cp arch/audit.log before
exits 0 'the lines' audit
sed '$d' out >got
ok 'are those of the file' cmp got before
ok 'and that they were read is one' test "$(sed -n '$p' out |
	grep -c '"by":"imgquery","uid":[0-9]*,"act":"audit-read","prev"')" = 1
ok 'the chain holds' verify --audit
audit --format csv act=exported | tr -d '\r' |
	sed 's/,20..-..-..T..:..:..Z,/,T,/; s/,[0-9a-f]\{64\}$/,D/' >got
same 'CSV' got <<!
n,time,by,uid,act,from,to,count,digest
7,T,imgexport,$(id -u),exported,,zip,,D
!
audit --format table 'act=exp*' | sed 's/20..-..-..T..:..:..Z/T/
	s/ [0-9a-f]\{64\}$/ D/; s/  */ /g' >got
same 'a table' got <<!
n time by uid act from to count digest
7 T imgexport $(id -u) exported zip D
!
exits 0 'how many' audit --count by=imgimport
same 'six' out <<!
6
!
day=$(date -u +%Y%m%d)
exits 0 'of today' audit --count "time=$day-" by=imgimport
same 'all' out <<!
6
!
exits 1 'before' audit "time=-20200101"
exits 0 'from a number to another' audit --limit 1 n=3-6
ok 'and no more than one' test "$(sed 's/,.*//' out)" = '{"n":3'
exits 1 'an act that never was' audit act=none
exits 64 'an unknown key' audit PatientID=1
exits 64 'a number that is none' audit n=x
exits 64 'a range that ends before it begins' audit n=6-3
exits 64 'a time that is none' audit time=yesterday
exits 64 'not with -l' audit -l image
exits 64 'not as FHIR' audit --format fhir
exits 64 'atna is of the log' imgquery -C arch --format atna
exits 3 'a full disk' sh -c 'imgquery -C arch --audit >/dev/full'

# ---- messages --------------------------------------------------------------

exits 0 'messages' audit --format atna n=1-7
valid 'of an import and an export'
ok 'each in a syslog line' test "$(grep -c "^<85>1 [0-9TZ:-]* [^ ]* img[a-z]* \
- DICOM+RFC3881 - $(printf '\357\273\277')<?xml version=\"1.0\" \
encoding=\"UTF-8\"?><AuditMessage>.*</AuditMessage>\$" out)" = 3
ok 'no names of patients' sh -c '! grep -qi synthetic out'
what 'concat(//EventID/@csd-code, " ", //EventIdentification/@EventActionCode,
	" ", //@EventOutcomeIndicator, " ", //EventID/@originalText)' >got
same 'one for each patient' got <<'!'
110107 C 0 Import
110107 C 0 Import
110106 R 0 Export
!
what 'concat(//ParticipantObjectIdentification[2]/@ParticipantObjectID, " ",
	count(//SOPClass), " ", sum(//@NumberOfInstances))' >got
same 'with its studies' got <<'!'
2.25.72 3 5
A\T\B<"\S\7^^^H\T\C 1 1
TEST-0001 1 1
!
xmllint --xpath '//SOPClass' messages/aa | sed 's/></>\n</g' >got
same 'the objects of each class' got <<'!'
<SOPClass UID="1.2.840.10008.5.1.4.1.1.2" NumberOfInstances="3"/>
<SOPClass UID="1.2.840.10008.5.1.4.1.1.4" NumberOfInstances="1"/>
<SOPClass UID="1.2.840.10008.5.1.4.1.1.2" NumberOfInstances="1"/>
!
what 'concat(//RoleIDCode[1]/@csd-code, " ",
	//ActiveParticipant[@UserIsRequestor="true"]/@UserID, " ",
	//ActiveParticipant[3]/@UserID, ".")' |
	sed "s/@$(hostname) /@HOST /" >got
same 'and by whom' got <<!
110152 $(id -u)@HOST .
110152 $(id -u)@HOST .
110153 $(id -u)@HOST zip.
!

# ---- every kind ------------------------------------------------------------

# chain: a log of "by|act|from|to|count|digest" lines on standard input
chain()
{
	prev=$(printf '%064d' 0) n=0
	while IFS='|' read -r by act from to count digest; do
		n=$((n + 1))
		line="{\"n\":$n,\"time\":\"2024-05-06T07:08:09Z\",\"by\":\"$by\""
		line="$line,\"uid\":7,\"act\":\"$act\","
		[ -z "$from" ] || line="$line\"from\":\"$from\","
		[ -z "$to" ] || line="$line\"to\":\"$to\","
		[ -z "$count" ] || line="$line\"count\":$count,"
		[ -z "$digest" ] || line="$line\"digest\":\"$digest\","
		line="$line\"prev\":\"$prev\"}"
		printf '%s\n' "$line"
		prev=$(printf %s "$line" | b2sum -l 256 | cut -d ' ' -f 1)
	done
}
d=$(rows 'SELECT lower(hex(digest)) FROM object JOIN instance ON
	instance.id = instance WHERE SOPInstanceUID = "2.25.5"')
u=$(printf '%064d' 7)
chain >arch/audit.log <<!
imgimport|stored||||$d
imgimport|catalogued||||$d
imgimport|conflict||||$d
imgimport|replaced||||$d
imgrecv|stored|CT1@10.1.2.3|||$d
imgrecv|replaced|CT1@10.1.2.3|||$d
imgexport|exported||media||$d
imgexport|export-failed||media|5|
imganon|deidentified||||$d
imgsend|sent||PACS@pacs.example:104||$d
imgsend|committed||PACS@[2001:db8::1]:104||$d
imgsend|not-sent||https://stow.example/rs||$d
imgsend|sent||archive2||$u
imgverify|removed||||$d
imgverify|restored||||$d
imgrecv|started||||
imgrecv|stopped||||
imgverify|verifying||||
imgverify|verified|||9|
imgverify|signed|||9|
imgverify|rebuilt|||9|
imgquery|audit-read||||
imgrecv|refused|X&Y<'>@10.1.2.4|||
imgrecv|refused|||17|
imgrecv|unreported|X@10.1.2.4||2|
imgimport|recovered||||
imgimport|cut|||3|
imgverify|damaged||||$u
imgverify|missing||||$d
imgverify|invalid||||$d
imgverify|intact||||$d
imgother|queried|CT1@10.1.2.3|||
!
exits 0 'every act' audit --format atna n=1-32
valid 'every act'
what 'concat(//EventID/@csd-code, " ",
	//EventIdentification/@EventActionCode, " ", //@EventOutcomeIndicator,
	" ", //EventTypeCode/@csd-code, " ", count(//ActiveParticipant), " ",
	count(//ActiveParticipant[@UserIsRequestor="true"]), " ",
	count(//ParticipantObjectIdentification))' >got
same 'is the message of PS3.15 A.5.3' got <<'!'
110107 C 0  2 1 2
110107 C 0  2 1 2
110107 C 0  2 1 2
110107 C 0  2 1 2
110104 C 0  2 1 2
110104 U 0  2 1 2
110106 R 0  3 1 2
110106 R 8  3 1 0
110106 R 0  3 1 2
110104 R 0  3 1 2
110104 R 0  3 1 2
110104 R 4  3 1 2
110104 R 0  3 1 1
110103 D 0  2 1 2
110103 U 0  2 1 2
110100 E 0 110120 2 1 0
110100 E 0 110121 2 1 0
110100 E 0 110120 2 1 0
110100 E 0 110121 2 1 0
110100 E 0 signed 2 1 0
110100 E 0 rebuilt 2 1 0
110101 R 0  2 1 1
110113 E 4 110126 3 0 1
110113 E 4 110126 2 0 1
110113 E 4 unreported 3 0 1
110113 E 4 110134 2 0 1
110113 E 12 cut 2 0 1
110113 E 8 damaged 2 0 1
110113 E 8 missing 2 0 1
110113 E 4 invalid 2 0 1
110113 E 0 intact 2 0 1
110100 E 0 queried 2 1 0
!
what 'concat(//*[RoleIDCode/@csd-code="110152"]/@UserID, " ",
	//*[RoleIDCode/@csd-code="110152"]/@AlternativeUserID, " ",
	//*[RoleIDCode/@csd-code="110152"]/@NetworkAccessPointID, " ",
	//*[RoleIDCode/@csd-code="110152"]/@NetworkAccessPointTypeCode, ".")' |
	sed -n 10,13p >got
same 'peers by title and address' got <<'!'
PACS AETITLES=PACS pacs.example 1.
PACS AETITLES=PACS 2001:db8::1 2.
https://stow.example/rs  https://stow.example/rs 5.
archive2   .
!
what 'string(//ParticipantObjectDetail[@type="Alert Description"]/@value)' |
	sed -n 27p | base64 -d >got && echo >>got
same 'alerts say what they are about' got <<!
lines of the audit log are gone
!
what 'string(//ActiveParticipant[3]/@UserID)' | sed -n 23p >got
same 'what has a meaning in XML is escaped' got <<!
X&Y<'>
!
ok 'failures are warnings' test "$(grep -c '^<84>1 2024-05-06T07:08:09Z' \
	out)" = 10
what 'string(//Anonymized)' | sed -n 9p >got
same 'what is de-identified is said to be' got <<!
true
!
sed -i '12s/"uid":7/"uid":8/' arch/audit.log
exits 2 'a log that is broken' audit --format atna
ok 'is told up to there' test "$(wc -l <out)" = 12
ok 'and that it ends' grep -q 'audit.log: broken behind line 12' err

# ---- very many -------------------------------------------------------------

rm -rf arch && phantom small many 300 && i=0
for f in $(find many -type f | head -n 120); do
	i=$((i + 1))
	phantom one --study "2.25.9$i" --series "2.25.8$i" --uid "2.25.7$i" "$f"
done
import many >/dev/null
exits 0 'three hundred objects of 121 studies' audit --format atna n=1-300
valid 'they'
ok 'and no message is longer than receivers take' \
	test "$(awk 'length > n { n = length } END { print n }' out)" -lt 32768
what 'sum(//@NumberOfInstances)' | awk '{ n += $1 } END { print n }' >got
same 'none is missing, and none twice' got <<!
300
!
finish
