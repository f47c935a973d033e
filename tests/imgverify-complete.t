# imgverify-complete.t - is all of a study there?  Each witness by itself, and
# what healthy series are not to be accused of.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
. "$TOP/tests/peer.sh"
need perl dump2dcm dcmmkdir dcmqrscp

# slice FILE UID NUMBER Z [OPTION ...]: an axial CT slice
slice()
{
	file_=$1 uid_=$2 no_=$3 z_=$4
	shift 4
	img "$file_" "$uid_" --instance "$no_" --modality CT \
		--set '0020,0037=DS:1\0\0\0\1\0' --set "0020,0032=DS:0\\0\\$z_" \
		"$@"
}
# stack DIR "NUMBERS" SPACING [OPTION ...]: slices at number times spacing
stack()
{
	dir_=$1 list_=$2 mm_=$3
	shift 3
	rm -rf "$dir_" && mkdir "$dir_"
	for i_ in $list_; do
		slice "$dir_/$i_.dcm" "1$i_" "$i_" "$((i_ * mm_))" "$@"
	done
}
# heard: status, then what the witnesses say, one a line
heard()
{
	perl -MJSON::PP -ne '$r = decode_json($_);
		next if $r->{status} eq "ignored"; print "$r->{status}\n";
		print join(" ", $_->{witness}, $_->{says}, defined
		$_->{expected} ? "$_->{found}/$_->{expected}" : "-",
		$_->{missing} // "-", $_->{numbers} // "-"), "\n"
		for @{ $r->{witnesses} }' out
}
# verdict STATUS TEXT DIR <<'!': the status of imgverify, and what was heard
verdict()
{
	cat >want
	exits "$1" "$2" imgverify -q --complete "$3"
	heard >got
	same "$2: the witnesses" got <want
}

# ---- numbers and positions -----------------------------------------------

stack a '1 2 3 4 5 6 7 8' 5
verdict 1 'nothing is missing between, and nobody vouches' a <<!
unknown
!
ok 'the reason says so' grep -q '"reason":"nobody knows what belongs to it"' out
stack a '1 2 3 4 7 8 9' 5
verdict 1 'slices and numbers have a hole' a <<!
incomplete
slices incomplete - 2 -
instance-numbers incomplete - 2 5-6
!
ok 'the series is named' grep -q '"SeriesInstanceUID":"2.25.2"' out
ok 'the reason names the witness' \
	grep -q '"reason":"slices: 2 slices are missing between others"' out
rm -rf a && mkdir a
for i in 1 2 3 4 6 7 8; do slice a/$i.dcm 1$i $i $((i * 5)); done
for i in 1 2 3 4 6 7 8; do
	slice a/b$i.dcm 2$i $i $((i * 5)) --series 2.25.9 \
		--set '0020,0037=DS:0.6\0.8\0\0\0\-1' \
		--set "0020,0032=DS:$((i * 4))\\$((i * -3))\\7"
done
verdict 1 'oblique slices have one, too' a <<!
incomplete
slices incomplete - 1 -
instance-numbers incomplete - 1 5
slices incomplete - 1 -
instance-numbers incomplete - 1 5
!
rm -rf a && mkdir a
for i in 1 2 3 4 6 7 8; do slice a/$i.dcm 1$i $i $(((i > 5 ? i - 1 : i) * 5)); done
verdict 1 'numbers alone have one: a doubt' a <<!
unknown
instance-numbers unknown - 1 5
!
rm -rf a && mkdir a
for i in 1 2 3 4 5 6 7; do slice a/$i.dcm 1$i $i $(((i > 4 ? i + 1 : i) * 5)); done
verdict 1 'slices alone have one: a doubt' a <<!
unknown
slices unknown - 1 -
!
rm -rf a && mkdir a
for i in 1 2 3 4 6 7 8; do
	slice a/$i.dcm 1$i 1 $((i * 5)) --omit 0020,0013
done
verdict 1 'slices without numbers' a <<!
incomplete
slices incomplete - 1 -
!
rm -rf a && mkdir a
for i in 1 2 4; do
	img a/$i.dcm 1$i --instance $i --modality CT --omit 0020,0032
done
verdict 1 'slices without positions' a <<!
incomplete
instance-numbers incomplete - 1 3
!
rm -rf a && mkdir a
for i in 1 2 4; do img a/$i.dcm 1$i --instance $i --modality US; done
verdict 1 'images that are no slices: a doubt' a <<!
unknown
instance-numbers unknown - 1 3
!
rm -rf a && mkdir a
for i in 1 2 3 4 5 6; do
	img a/$i.dcm 1$i --instance $i --modality CR --series 2.25.2$((i % 2))
done
verdict 1 'numbers that count through the study' a <<!
unknown
!
# Two phases of one stack: each position twice, but for one.
rm -rf a && mkdir a
for i in 1 2 3 4 5 6 7 8; do
	slice a/$i.dcm 1$i $i $((i * 3))
	[ $i = 3 ] || slice a/1$i.dcm 2$i $((i + 8)) $((i * 3))
done
verdict 1 'a phase lacks a slice' a <<!
incomplete
slices incomplete - 1 -
instance-numbers incomplete - 1 11
!
# What lies unevenly by itself: slabs, two thicknesses, localizers.
rm -rf a && mkdir a
n=0
for z in 0 4 8 40 44 48 88 92 96; do n=$((n + 1)) && slice a/$n.dcm 1$n $n $z; done
verdict 1 'slabs' a <<!
unknown
slices unknown - 16 -
!
rm -rf a && mkdir a
n=0
for z in 0 4 8 12 16 24 32 40 48; do n=$((n + 1)) && slice a/$n.dcm 1$n $n $z; done
verdict 1 'slices of two thicknesses' a <<!
unknown
slices unknown - 4 -
!
rm -rf a && mkdir a
n=0
for z in 0 7 9 20 21; do n=$((n + 1)) && slice a/$n.dcm 1$n $((n * 2)) $z; done
verdict 1 'unevenly, with numbers left out' a <<!
unknown
instance-numbers unknown - 4 3,5,7,9
!
stack a '1 2 3 4 5 6' 5
for i in 1 2 3; do
	slice a/l$i.dcm 2$i $((i + 6)) $((i * 37)) \
		--set '0008,0008=CS:ORIGINAL\PRIMARY\LOCALIZER'
done
img a/m.dcm 30 --instance 10 --modality MR --frames 3
verdict 1 'localizers and a multi-frame' a <<!
unknown
!

# ---- counts --------------------------------------------------------------

stack a '1 2 3 4 5' 5 --set '0020,0012=IS:1' --set '0020,1002=IS:6'
verdict 1 'an image of the acquisition' a <<!
incomplete
images-in-acquisition incomplete 5/6 1 -
!
stack a '1 2 3 4 5' 5 --set '0020,0012=IS:1' --set '0020,1002=IS:5'
verdict 1 'the acquisition is whole; the study may have others' a <<!
unknown
images-in-acquisition complete 5/5 - -
!
ok 'the reason says so' grep -q '"reason":"each series is whole, and nobody' out
rm -rf a && mkdir a
for i in 1 2 3 4 5 6; do
	slice a/$i.dcm 1$i $i $((i * 5)) \
		--set "0020,0012=IS:$((i / 2))" --set "0020,1002=IS:$((i == 1 || i == 6 ? 1 : 2))"
done
verdict 1 'a series of acquisitions has one line' a <<!
unknown
images-in-acquisition complete 6/6 - -
!
stack a '1 2 3' 5 --set '0020,1002=IS:6'
for i in 4 5 6; do
	slice a/$i.dcm 1$i $i $((i * 5)) --series 2.25.9 --set '0020,1002=IS:6'
done
verdict 1 'an acquisition of two series' a <<!
unknown
!
stack a '1 2 3' 5 --set '0020,1209=IS:4' --set '0020,1208=IS:4'
verdict 1 'counts of series and study' a <<!
incomplete
series-instances incomplete 3/4 1 -
study-instances incomplete 3/4 1 -
!
stack a '1 2 3' 5 --set '0020,1208=IS:3'
verdict 0 'the study is as many as it says' a <<!
complete
study-instances complete 3/3 - -
!
stack a '1 2 3' 5 --set '0020,1208=IS:2'
verdict 1 'what was counted too early says nothing' a <<!
unknown
!
stack a '1 2 3' 5 --set '0020,1209=IS:3' --set '0020,1206=IS:1'
verdict 0 'each series whole, and all of them here' a <<!
complete
series-instances complete 3/3 - -
study-series complete 1/1 - -
!
stack a '1 2 3' 5 --set '0020,1209=IS:3' --set '0020,1206=IS:2'
verdict 1 'a series is not here' a <<!
incomplete
series-instances complete 3/3 - -
study-series incomplete 1/2 1 -
!
stack a '1 2 3' 5 --class 1.2.840.10008.5.1.4.1.1.128 \
	--set '0054,1000=CS:DYNAMIC\IMAGE' --set '0054,0081=US:3' \
	--set '0054,0101=US:2'
verdict 1 'PET says how many slices it has' a <<!
incomplete
pet-slices incomplete 3/6 3 -
!
rm -rf a && mkdir a
for i in 1 2; do
	img a/$i.dcm 1$i --instance $i --frames 2 --set '0020,9161=UI:2.25.77' \
		--set "0020,9162=US:$i" --set '0020,9163=US:3'
done
verdict 1 'a part of a concatenation' a <<!
incomplete
concatenation incomplete 2/3 1 -
!

# ---- lists ---------------------------------------------------------------

# selection FILE UID CODE "UIDS": a key object selection of series 2.25.2
selection()
{
	{
		cat <<!
(0002,0010) UI =LittleEndianExplicit
(0008,0016) UI [1.2.840.10008.5.1.4.1.1.88.59]
(0008,0018) UI [2.25.$2]
(0008,0060) CS [KO]
(0020,000d) UI [2.25.1]
(0020,000e) UI [2.25.900]
(0040,a043) SQ
(fffe,e000) -
(0008,0100) SH [$3]
(0008,0102) SH [DCM]
(fffe,e00d) -
(fffe,e0dd) -
(0040,a375) SQ
(fffe,e000) -
(0008,1115) SQ
(fffe,e000) -
(0008,1199) SQ
!
		for u in $4; do
			printf '%s\n' '(fffe,e000) -' \
				'(0008,1150) UI [1.2.840.10008.5.1.4.1.1.2]' \
				"(0008,1155) UI [2.25.$u]" '(fffe,e00d) -'
		done
		cat <<!
(fffe,e0dd) -
(0020,000e) UI [2.25.2]
(fffe,e00d) -
(fffe,e0dd) -
(0020,000d) UI [2.25.1]
(fffe,e00d) -
(fffe,e0dd) -
!
	} >dump
	dump2dcm -q dump "$1"
}
stack a '1 2 3' 5
selection a/k.dcm 50 113030 '11 12 13'
verdict 0 'a manifest of all of it' a <<!
complete
manifest complete 3/3 - -
!
selection a/k.dcm 50 113030 '11 12 13 14'
verdict 1 'a manifest of more' a <<!
incomplete
manifest incomplete 3/4 1 -
!
ok 'what is not here is named' grep -q '"absent":\["2.25.14"\]' out
ok 'and who says so' grep -q '"source":"a/k.dcm"' out
selection a/k.dcm 50 113030 '11 12'
verdict 1 'a manifest of less' a <<!
unknown
manifest unknown 2/2 - -
!
selection a/k.dcm 50 113000 '11 12 13'
verdict 1 'what is of interest is no list of all' a <<!
unknown
!
selection a/k.dcm 50 113000 '11 15'
verdict 1 'but it has to be there' a <<!
incomplete
references incomplete 1/2 1 -
!
selection a/k.dcm 50 113001 '11 15'
verdict 1 'unless it was rejected' a <<!
unknown
!
selection k.dcm 50 113032 '11 12 13'
rm a/k.dcm
exits 0 'a manifest from elsewhere' imgverify -q --complete --witness k.dcm a
ok 'is no part of it' grep -q '"objects":3' out
exits 3 'what is no list' imgverify -q --complete --witness a/1.dcm a
ok 'says so' grep -q 'neither a DICOMDIR nor a key object selection' err

import a >/dev/null
imgexport -q -C arch --media -o disc 2.25.1 >exported
exits 0 'a disc with its DICOMDIR' imgverify -q --complete disc
heard >got
same 'is all that it lists' got <<!
complete
dicomdir complete 3/3 - -
!
exits 0 'in the archive, by the DICOMDIR' imgverify -q -C arch --complete \
	--witness disc/DICOMDIR 2.25.1
rm -f "$(find disc -type f ! -name DICOMDIR ! -name '*.TXT' | sort | head -n 1)"
exits 1 'one is lost' imgverify -q --complete disc
heard >got
same 'and named' got <<!
incomplete
dicomdir incomplete 2/3 1 -
!
(cd disc && bsdtar -a -cf ../disc.zip .)
exits 1 'an archive as it is' imgverify -q --complete disc.zip
heard >got
same 'is as good as a folder' got <<!
incomplete
dicomdir incomplete 2/3 1 -
!
ok 'its DICOMDIR is named' grep -q '"source":"disc.zip!/\(./\)\?DICOMDIR"' out
head -c 300 disc.zip >cut.zip
exits 2 'a damaged archive' imgverify -q --complete cut.zip a
ok 'is told' grep -q '"status":"failed"' out
echo text >text
exits 0 'a text' imgverify -q --complete text
ok 'is ignored' grep -q '^{"status":"ignored","path":"text"' out
mkdir none && cp disc/DICOMDIR none
exits 1 'a DICOMDIR without its files' imgverify -q --complete none
heard >got
same 'lists what is not here' got <<!
incomplete
dicomdir incomplete 0/3 3 -
!
stack b '21 22 23' 5 --study 2.25.8 --series 2.25.81
import b >/dev/null
exits 1 'the whole archive by a DICOMDIR' imgverify -q -C arch --complete \
	--witness disc/DICOMDIR --all
same 'a record for each study' out <<!
{"status":"complete","StudyInstanceUID":"2.25.1","reason":"dicomdir: all that it lists is here","objects":3,"series":1,"witnesses":[{"witness":"dicomdir","says":"complete","source":"disc/DICOMDIR","expected":3,"found":3,"text":"all that it lists is here"}]}
{"status":"unknown","StudyInstanceUID":"2.25.8","reason":"nobody knows what belongs to it","objects":3,"series":1,"witnesses":[]}
!
mkdir other && imgimport -q -C other b >/dev/null
exits 1 'an archive that lacks a study of the DICOMDIR' imgverify -q -C other \
	--complete --witness disc/DICOMDIR --all
ok 'names it' grep -q '^{"status":"incomplete","StudyInstanceUID":"2.25.1"' out

# ---- what is asked for ---------------------------------------------------

exits 1 'records of images' sh -c \
	'imgquery -C arch -l image --format jsonl | imgverify -q -C arch --complete'
ok 'are judged by study' test "$(wc -l <out)" = 2
exits 1 'a series stands for its study' imgverify -q -C arch --complete 2.25.81
ok 'which is named' grep -q '"status":"unknown","StudyInstanceUID":"2.25.8"' out
exits 1 'a UID that is nowhere' imgverify -q -C arch --complete 2.25.4444
ok 'is missing' grep -q '^{"status":"missing"' out
stack a '1 2 3' 5 --set '0020,1208=IS:3'
head -c 500 a/2.dcm >short && mv -f short a/2.dcm
echo text >a/readme
exits 2 'a damaged file' imgverify -q --complete a
ok 'is not there' grep -q '"study-instances","says":"incomplete","expected":3,"found":2' out
ok 'and told' grep -q '^{"status":"failed","path":"a/2.dcm","error":{"code":"truncated"' out
ok 'what is no DICOM is ignored' grep -q '^{"status":"ignored","path":"a/readme"' out
exits 64 'not with --deep' imgverify --complete --deep a
exits 64 '--peer goes with it' imgverify --peer x a
exits 3 'no room for the records' sh -c 'exec imgverify -q --complete a >/dev/full'

# ---- a peer --------------------------------------------------------------

serve_qr
ok 'dcmqrscp is there' listening
stack c '1 2 3 4 5' 5
stack d '1 2 3 4' 5
exits 0 'it gets five' timeout 60 imgsend -q -C x -c "QR@127.0.0.1:$port" c
exits 0 'all that it has is here' timeout 60 imgverify -q --complete \
	--peer "QR@127.0.0.1:$port" c
heard >got
same 'so it says' got <<!
complete
peer complete 5/5 - -
!
exits 1 'it has one more' timeout 60 imgverify -q --complete \
	--peer "QR@127.0.0.1:$port" d
ok 'which is named' grep -q '"absent":\["2.25.15"\]' out
slice c/6.dcm 16 6 30
exits 1 'it has less' timeout 60 imgverify -q --complete \
	--peer "QR@127.0.0.1:$port" c
ok 'and cannot vouch' grep -q '"peer","says":"unknown".*all that it has is here, and more' out
exits 1 'a study that it has not' timeout 60 imgverify -q -C arch --complete \
	--peer "QR@127.0.0.1:$port" 2.25.8
ok 'says nothing' grep -q '"text":"it does not have this study"' out
cat >arch/peers.json <<!
{ "pacs": { "aet": "QR", "host": "127.0.0.1", "port": $port } }
!
exits 1 'by name, one more than here' timeout 60 imgverify -q -C arch \
	--complete --peer pacs 2.25.1
ok 'it has two more' grep -q '"peer","says":"incomplete","source":"pacs","expected":5,"found":3' out
gone "$peer"
exits 3 'nobody to ask' timeout 60 imgverify -q -C arch --complete \
	--peer pacs 2.25.1
ok 'cannot be told' grep -q '^{"status":"failed","StudyInstanceUID":"2.25.1".*"code":"transport"' out

# One that has a series and tells neither an image of it nor how many.
rm -f port
serve perl "$TOP/tests/tools/badpeer.pl" port no-images
while [ ! -e port ]; do sleep 0.05; done
exits 3 'a peer that lists no image of a series' timeout 60 imgverify -q \
	--complete --peer "BAD@127.0.0.1:$(cat port)" d
ok 'vouches for nothing' grep -q \
	'^{"status":"failed",.*"code":"refused","message":"[^"]*: lists a series and none of its images"' out
ok 'nor is anything complete' sh -c '! grep -q "\"complete\"" out'
gone "$peer"
finish
