# imganon-spelt.t - names, identifiers and dates that stay in a text otherwise
# written than where they belong: the gate finds them, and nothing else.
. "$(dirname "$0")/lib.sh"
need dump2dcm dcmdump jq
imganon --new-key key 2>/dev/null

# object FILE CHARSET NAME ID TEXT [BIRTH]: the text is in an attribute that
# stays.
object()
{
	printf '(0008,0005) CS %s\n' "$2" >dump
	cat >>dump <<-!
	(0008,0016) UI 1.2.840.10008.5.1.4.1.1.2
	(0008,0018) UI 1.2.826.0.777.1.$(basename "$1" .dcm)
	(0008,0020) DA 20240115
	(0010,0010) PN $3
	(0010,0020) LO $4
	(0010,0030) DA ${6:-19280304}
	(0018,1000) LO SN-70991
	(0018,1020) LO $5
	(0020,000d) UI 1.2.826.0.777.1
	(0020,000e) UI 1.2.826.0.777.2
	!
	dump2dcm -q dump "$1"
}

utf='ISO_IR 192'
mkdir in
# What is said of a case is its line: number, what, name, identifier, text, birth.
while IFS='|' read -r n what name id text birth; do
	object "in/$n.dcm" "$utf" "$name" "$id" "$text" "$birth"
	echo "$n $what" >>said
done <<'!'
11|in capitals|Müller^Jürgen|PID-1|MÜLLER
12|without its dots|Müller^Jürgen|PID-1|for Muller
13|with two letters|Müller^Jürgen|PID-1|MUELLER J
14|with dots, and the name has two letters|Mueller^Hans|PID-1|Müller
15|a ring as two letters|Åberg^Bo|PID-1|AABERG
16|an accent of its own|Renée^Zoë|PID-1|Renée
17|Greek capitals|Διονύσιος|PID-1|ΔΙΟΝΥΣΙΟΣ
18|Cyrillic capitals|Иванов^Пётр|PID-1|ИВАНОВ
19|Chinese without a gap|Wang^Wei=王^伟|PID-1|王伟
20|Korean without a gap|Kim^Minjun=김^민준|PID-1|김민준
21|two short words|Li^Wu|PID-1|LI WU
22|an identifier without its bars|Q^R|123-45-6789|123456789
23|an identifier without zeros|Q^R|00045678|ID 45678
24|a serial number|Q^R|PID-1|SN-70991
25|an identifier in brackets|Q^R|A(12)345678|A12345678
26|an identifier without who gave it|Q^R|12345678^^^HOSP|ID 12345678
27|a name parted by other signs|Zwackelmann*Hans|PID-1|for Zwackelmann
28|an apostrophe that is left out|O'Neil^A|PID-1|ONEIL
29|an apostrophe with a gap|O'Brienne^A|PID-1|Brienne
30|an apostrophe as it is set|O’Neil^A|PID-1|O'NEIL
31|a birth date, short|Q^R|PID-1|4.3.1928
32|in American|Q^R|PID-1|3/4/1928
33|with two figures|Q^R|PID-1|04.03.28
34|with a word|Q^R|PID-1|4 Mar 1928
35|with a long word|Q^R|PID-1|March 4, 1928
36|and bars|Q^R|PID-1|04-MAR-1928
37|of one as in ACR-NEMA|Q^R|PID-1|born 19280304|1928.03.04
38|of one as in ISO 8601|Q^R|PID-1|born 1928.03.04|1928-03-04
51|a UID in the name of a file|Q^R|PID-1|CT.1.2.826.0.777.2.dcm
52|a UID behind a number|Q^R|PID-1|IM.0001.1.2.826.0.777.2
53|a UID before a number|Q^R|PID-1|1.2.826.0.777.2.0001.dcm
!
exits 1 'withheld' imganon -q --key key -o held in
jq -r 'select(.status == "withheld" and (.reason | startswith("(0018,1020)")))
	| .path[3:5]' out | sort >found
cut -d ' ' -f 1 said >all
same 'each of them is found' found <all

# The same letters in other words, dates and numbers.
rm -r in && mkdir in
n=40
while IFS='|' read -r name id text; do
	n=$((n + 1))
	object "in/$n.dcm" "$utf" "$name" "$id" "$text"
done <<'!'
Müller^Jürgen|PID-1|Molar
Wang^Wei=王^伟|PID-1|王府
O'Neil^A|PID-1|OIL
Q^R|12345678^^^HOSP|HOSP
Kim^Minjun=김^민준|PID-1|김치
Li^Wu|PID-1|Lily Wutan
Q^R|00045678|456789
Q^R|PID-1|14.3.1928
Q^R|PID-1|04.03.281
Q^R|PID-1|4 Mar 1982
Q^R|PID-1|CT.1.2.826.0.77.2.777.1
Q^R|PID-1|CT.11.2.826.0.777.20
!
exits 0 'others are not' imganon -q --key key -o others in
ok 'one record each' test "$(wc -l <out)" = 12

object 777555.dcm "$utf" Q^R 777555 Head
exits 0 'an identifier in a UID' imganon -q --key key -o ids 777555.dcm
exits 1 'that stays' imganon -q --key key --option retain-uids -o kept 777555.dcm
object 78.dcm "$utf" Q^R 777555 Head
sed 's/1.2.826.0.777.2/1.2.826.0.777555.2/' dump >other && dump2dcm -q other 78.dcm
exits 1 'of the series, too' \
	imganon -q --key key --option retain-uids -o kept 78.dcm
object 20240115.70991.dcm "$utf" Q^R PID-1 Head
sed 's/SN-70991/70991/' dump >other && dump2dcm -q other 20240115.70991.dcm
exits 0 'a date and a serial number are what UIDs are made of' \
	imganon -q --key key --option retain-uids -o kept 20240115.70991.dcm
object 79.dcm "$utf" Q^R 10008 Head
exits 0 'and 10008 is in those of the standard' \
	imganon -q --key key -o ids 79.dcm
exits 0 'also where UIDs stay' \
	imganon -q --key key --option retain-uids -o kept 79.dcm

# A UID that stays is no secret where it is left out, as GE has that of the study
# in a private attribute.
object 88.dcm "$utf" Q^R PID-1 1.2.826.0.777.1
{
	dcmdump -q +L 88.dcm | grep -v '^(0002'
	cat <<-'!'
	(0043,0010) LO [GEMS_PARM_01]
	(0043,1061) UI [1.2.826.0.777.1]
	(0043,1062) UI [1.2.826.0.777.1.88]
	!
} >dump
dump2dcm -q dump 88.dcm
exits 0 'a UID that stays, and is removed' imganon -q --key key \
	--option retain-uids -o kept 88.dcm
exits 1 'that does not stay' imganon -q --key key -o none 88.dcm

# In the characters of another time.
object latin.dcm 'ISO_IR 100' "$(printf 'M\374ller')" PID-1 \
	"$(printf 'M\334LLER')"
exits 1 'Latin-1' imganon -q --key key -o latin latin.dcm
mkdir MUELLER && object MUELLER/21.dcm "$utf" Müller PID-1 MÜLLER
exits 1 'in a path' imganon -q --key key -o path MUELLER
ok 'which is not printed' grep -q '"path":"input 1"' out
object CT.1.2.826.0.777.2.dcm "$utf" Q^R PID-1 1.2.826.0.777.2
exits 1 'a UID in a path' imganon -q --key key -o path CT.1.*
ok 'is not printed' grep -q '"path":"input 1"' out
finish
