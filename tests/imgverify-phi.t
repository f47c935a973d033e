# imgverify-phi.t - residual identity: nothing in what imganon has written, and
# what is planted is found, wherever it is.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
need perl dcmodify

mkdir in
for i in 1 2 3; do
	img in/$i.dcm 900$i --id "PATIENT-77$i" --name "Qvist$i^Beata" \
		--birth "1931010$i" --study 2.25.71 --series 2.25.72$i \
		--accession "ACC-55$i" --modality CT \
		--set '0008,0090=PN:Referrer^Synthetic'
done
import in >/dev/null
exits 1 'the originals are identifying' imgverify -q --phi arch in
ok 'all three' test "$(records invalid)" = 3
ok 'tags are named' grep -q '"rule":"phi","tag":"(0010,0010)","text":"holds a value of the source: PatientName"' out
ok 'values are not' sh -c '! sed "s/\"path\":\"[^\"]*\"//; s/\"S[A-Za-z]*UID\":\"[^\"]*\"//g" out | grep -iE "qvist|beata|patient-77|acc-55"'

imganon -q --new-key key && imganon -q --key key -o anon in >deid
exits 0 'what imganon has written is not' imgverify -q --phi arch anon
ok 'all three are intact' test "$(records intact)" = 3
exits 0 'the same through a pipe' sh -c 'imgverify -q --phi arch - <deid'

f=$(find anon -type f | sort | head -n 1)
# planted TEXT WHERE dcmodify's options: one hit, and its tag
planted()
{
	text_=$1 where_=$2
	shift 2
	cp "$f" bad.dcm && chmod u+w bad.dcm
	dcmodify -q -nb -ie "$@" bad.dcm
	exits 1 "$text_" imgverify -q --phi arch bad.dcm
	perl -MJSON::PP -ne 'print map { "$_->{rule} $_->{tag}\n" }
		@{ decode_json($_)->{findings} }' out >got
	same "$text_: one hit, its tag" got <<!
phi $where_
!
}
planted 'a name in a comment' '(0020,4000)' -i '0020,4000=seen by QVIST2, Beata'
planted 'a part of a name' '(0008,103e)' -i '0008,103e=ask beata'
planted 'an identifier' '(0008,1080)' -i '0008,1080=like PATIENT-772 before'
planted 'a number of a request' '(0040,1400)' -i '0040,1400=see acc-551'
planted 'a UID' '(0020,0052)' -i '0020,0052=2.25.71'
planted 'in an item' '(0040,0275)/(0040,0007)' \
	-i '(0040,0275)[0].(0040,0007)=for Qvist1'
# blob TEXT BYTES: in a private element of another patient
blob()
{
	img bad.dcm 77 --id OTHER --name Other^One --study 2.25.5 \
		--series 2.25.6 --set '0009,0010=LO:MAKER' --set \
		"0009,1010=UN:$(printf "$2" | od -An -tx1 | tr -d ' \n')"
	exits 1 "$1" imgverify -q --phi arch bad.dcm
	ok "$1: told" grep -q '"findings":\[[^]]*"tag":"(0009,1010)"[^]]*\]' out
}
# shellcheck disable=SC2059 # bytes
blob 'in a private blob' 'xx\001PATIENT-773\002yy'
blob 'in UTF-16' 'P\000A\000T\000I\000E\000N\000T\000-\0007\0007\0003\000!!'
cp "$f" bad.dcm && chmod u+w bad.dcm
printf 'Qvist1^Beata' | dd of=bad.dcm bs=1 seek=20 conv=notrunc 2>/dev/null
exits 1 'in the preamble' imgverify -q --phi arch bad.dcm
ok 'is told' grep -q '"tag":"preamble"' out
cp "$f" fine.dcm && chmod u+w fine.dcm
dcmodify -q -nb -i '0020,4000=beatae memoriae 2.25.711' fine.dcm
exits 0 'nor a longer UID' imgverify -q --phi arch fine.dcm

# What may be there by chance is told, and does not make an object invalid.
# doubt TEXT WHERE dcmodify's options
doubt()
{
	text_=$1 where_=$2
	shift 2
	cp "$f" maybe.dcm && chmod u+w maybe.dcm
	dcmodify -q -nb "$@" maybe.dcm
	exits 0 "$text_" imgverify -q --phi odd maybe.dcm
	perl -MJSON::PP -ne '$r = decode_json($_); print "$r->{status}\n",
		map { "$_->{severity} $_->{rule} $_->{tag}\n" }
		@{ $r->{findings} }' out >got
	same "$text_: told" got <<!
doubtful
warning phi-word $where_
!
	exits 1 "$text_: with --strict" imgverify -q --strict --phi odd maybe.dcm
}
img odd.dcm 91 --id 48213 --name "Knee^Quandtmeier" --birth 19700102 \
	--study 2.25.91 --series 2.25.911 --accession 4711 --modality MR \
	--set '0008,0080=LO:Philips Clinic'
imgimport -q -C odd odd.dcm >/dev/null
exits 0 'one that is of another' imgverify -q --phi odd "$f"
ok 'is intact' test "$(records intact)" = 1
doubt 'a word of the profession that is a name' '(0008,103e)' \
	-i '0008,103e=T1 knee left'
doubt 'a birthday that is a day' '(0008,0023)' -i '0008,0023=19700102'
doubt 'an identifier that is a number' '(0018,0050)' -i '0018,0050=48213'
doubt 'a name in a code' '(0018,0015)' -i '0018,0015=QUANDTMEIER'
doubt 'a clinic in the name of a maker' '(0008,0070)' \
	-i '0008,0070=Philips Clinic'
doubt 'a part of a longer word' '(0020,4000)' -i '0020,4000=the quandtmeierei'
cp "$f" maybe.dcm && chmod u+w maybe.dcm
dcmodify -q -nb -i '0018,0050=0.48213' -i '0018,0088=1.4711' \
	-i '0008,0033=124711' maybe.dcm
exits 0 'figures within numbers' imgverify -q --phi odd maybe.dcm
ok 'are none' test "$(records intact)" = 1
# What identifies nobody, whoever has it: imganon writes it, too.
img blank.dcm 92 --id none --name "Brain^Siemens" --birth 19000101 \
	--study 2.25.92 --series 2.25.921 --accession removed --modality MR \
	--set '0008,0080=LO:GE Medical Systems' --set '0008,0090=PN:None'
imgimport -q -C blank blank.dcm >/dev/null
cp "$f" none.dcm && chmod u+w none.dcm
dcmodify -q -nb -i '0008,0023=19000101' -i '0018,1030=None' \
	-i '0018,1000=none' -i '0018,0015=BRAIN' -i '0028,0303=REMOVED' \
	-i '0008,0070=GE MEDICAL SYSTEMS' -i '0008,1090=Siemens' none.dcm
exits 0 'placeholders, codes and makers' imgverify -q --phi blank none.dcm
ok 'are no finding' test "$(records intact)" = 1
doubt_()
{
	cp "$f" none.dcm && chmod u+w none.dcm
	dcmodify -q -nb "$3" "$4" none.dcm
	exits 0 "$1" imgverify -q --phi blank none.dcm
	ok "$1: told" grep -q "\"phi-word\",\"tag\":\"$2\"" out
}
doubt_ 'but a name in a comment' '(0020,4000)' -i '0020,4000=see siemens'
doubt_ 'and a word where it came from' '(0010,0020)' -m '0010,0020=none'
dcmodify -q -nb -i '0020,4000=born 19000101' none.dcm
exits 1 'and the day in a text' imgverify -q --phi blank none.dcm

# sure TEXT WHERE dcmodify's options: the same values where they do identify
sure()
{
	text_=$1 where_=$2
	shift 2
	cp "$f" maybe.dcm && chmod u+w maybe.dcm
	dcmodify -q -nb "$@" maybe.dcm
	exits 1 "$text_" imgverify -q --phi odd maybe.dcm
	ok "$text_: its tag" grep -q "\"severity\":\"error\",\"rule\":\"phi\",\"tag\":\"$where_\"" out
}
sure 'a day in a text' '(0020,4000)' -i '0020,4000=born 19700102, left'
sure 'the name, word by word' '(0020,4000)' -i '0020,4000=for Quandtmeier'
sure 'the whole name' '(0020,4000)' -i '0020,4000=KNEE QUANDTMEIER'
sure 'the attribute itself' '(0010,0020)' -m '0010,0020=48213'
sure 'an identifier in a text' '(0020,4000)' -i '0020,4000=see 48213.'

printf '%s\n' 'Müller' 'Secret Clinic' >list
img utf8.dcm 1 --charset 'ISO_IR 100' --name "$(printf 'MULLER^X')"
exits 1 'a list of words' imgverify -q --phi list utf8.dcm
ok 'folded as names are' grep -q '"tag":"(0010,0010)","text":"holds a value of the source: a line of the list"' out
exits 0 'not in another' imgverify -q --phi list "$f"
printf '\357\273\277Müller\r\nSecret Clinic\r\n' >list
exits 1 'a list as a spreadsheet writes it' imgverify -q --phi list utf8.dcm
printf 'Secret Clinic\nM\374ller\n' >list
exits 3 'a list of another character set is no proof' \
	imgverify -q --phi list "$f"
ok 'and its line is named' grep -qx 'imgverify: list: line 2: not UTF-8' err
printf 'S\000e\000c\000r\000e\000t\000\n\000' >list
exits 3 'nor is one of UTF-16' imgverify -q --phi list "$f"
exits 1 'with --deep, too' imgverify -q --deep --phi arch bad.dcm
head -c 700 "$f" >cut.dcm
exits 1 'what cannot be read to its end' imgverify -q --phi arch cut.dcm
ok 'was not searched to its end' grep -q '"findings":\[{"severity":"error","rule":"truncated"' out
exits 3 'no source' imgverify -q --phi nothere "$f"
: >empty
exits 3 'a source without values' imgverify -q --phi empty "$f"
finish
