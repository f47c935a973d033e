# media.t - file-sets: what is planned, the DICOMDIR, what lies beside it, and
# media that are checked.  mkmedia is a small program around the media room.
. "$(dirname "$0")/lib.sh"
need dcmdump dcdirdmp dciodvfy dump2dcm perl

mkdir tmp && TMPDIR=$PWD/tmp && export TMPDIR

# one FILE N [...]: image N of study 2.25.10, series 2.25.11
one()
{
	file_=$1 n_=$2
	shift 2
	phantom one --study 2.25.10 --series 2.25.11 --uid "2.25.$n_" \
		--instance "$n_" --modality CT "$@" "$file_"
}
# plan FILE ...: what mkmedia -n says of these
plan()
{
	mkmedia -n "$@" >out 2>err
}
# bad DIR: what dciodvfy finds wrong with the DICOMDIR
bad()
{
	dciodvfy "$1/DICOMDIR" 2>&1 | grep -a '^Error\|^Abort'
}
clean()
{
	! bad "$1"
}
# The file IDs of a DICOMDIR, and the files of the folder.
ids()
{
	dcmdump +P 0004,1500 "$1/DICOMDIR" |
		perl -ne 'if (/\[(.*)\]/) { $_ = $1; tr{\\}{/}; print "$_\n" }' |
		LC_ALL=C sort
}
files()
{
	(cd "$1" && find DICOM -type f | LC_ALL=C sort)
}
both()
{
	ids "$1" >ids_ && files "$1" >files_ && [ -s ids_ ] && cmp ids_ files_
}
# records DIR: the DICOMDIR as text, without offsets and comments
records()
{
	dcmdump +L "$1/DICOMDIR" | perl -ne '
		s/ *#.*//; s/^ *//;
		next if /^\((0002|0004,(12|14[012])|fffe)/ || !/^\(/;
		s/\(no value available\)/[]/; s/=(\w+)/$1/; print' |
		sed 's/ *$//'
}

# ---- the smallest one, whole ----------------------------------------------

one a.dcm 1
one b.dcm 2 --series 2.25.12 --series-no 2 --series-desc Scout
one c.dcm 3
exits 0 'three objects' mkmedia -f SMALL m a.dcm b.dcm c.dcm
same 'lie in two series' out <<'!'
0 DICOM/P00001/ST00001/SE00001/IM00001 IMAGE
0 DICOM/P00001/ST00001/SE00002/IM00001 IMAGE
0 DICOM/P00001/ST00001/SE00001/IM00002 IMAGE
!
records m >got
same 'every record' got <<'!'
(0004,1130) CS [SMALL]
(0004,1430) CS [PATIENT]
(0010,0010) PN [Test^Synthetic]
(0010,0020) LO [TEST-0001]
(0010,0030) DA [19700101]
(0010,0040) CS [O]
(0004,1430) CS [STUDY]
(0008,0020) DA [20240102]
(0008,0030) TM [030405]
(0008,0050) SH [A1]
(0008,1030) LO [Test study]
(0020,000d) UI [2.25.10]
(0020,0010) SH [1]
(0004,1430) CS [SERIES]
(0008,0060) CS [CT]
(0008,103e) LO [Test series]
(0020,000e) UI [2.25.11]
(0020,0011) IS [1]
(0004,1430) CS [IMAGE]
(0004,1500) CS [DICOM\P00001\ST00001\SE00001\IM00001]
(0004,1510) UI CTImageStorage
(0004,1511) UI [2.25.1]
(0004,1512) UI LittleEndianExplicit
(0020,0013) IS [1]
(0004,1430) CS [IMAGE]
(0004,1500) CS [DICOM\P00001\ST00001\SE00001\IM00002]
(0004,1510) UI CTImageStorage
(0004,1511) UI [2.25.3]
(0004,1512) UI LittleEndianExplicit
(0020,0013) IS [3]
(0004,1430) CS [SERIES]
(0008,0060) CS [CT]
(0008,103e) LO [Scout]
(0020,000e) UI [2.25.12]
(0020,0011) IS [2]
(0004,1430) CS [IMAGE]
(0004,1500) CS [DICOM\P00001\ST00001\SE00002\IM00001]
(0004,1510) UI CTImageStorage
(0004,1511) UI [2.25.2]
(0004,1512) UI LittleEndianExplicit
(0020,0013) IS [2]
!
ok 'lists the files and only those' both m
ok 'dciodvfy finds no error' clean m
ok 'dcdirdmp reads it' sh -c 'dcdirdmp m/DICOMDIR 2>&1 | grep -c IMAGE | grep -qx 3'
ok 'the files are the inputs' cmp c.dcm m/DICOM/P00001/ST00001/SE00001/IM00002
ok 'it is as it should be' mkmedia -c -p STD-GEN-CD m
mkmedia -c -v m >got
same 'under its name' got <<'!'
file-set SMALL
!
mkmedia -f SMALL again a.dcm b.dcm c.dcm >/dev/null
ok 'the same objects, the same bytes' cmp m/DICOMDIR again/DICOMDIR
mkmedia -f OTHER again2 a.dcm b.dcm c.dcm >/dev/null
ok 'another name, another UID' sh -c '! cmp -s m/DICOMDIR again2/DICOMDIR'
ok 'nothing stays behind' rmdir tmp && mkdir tmp
exits 0 'nothing that has a place' mkmedia none /nowhere
ok 'makes no set' test ! -e none/DICOMDIR

# DCMTK says nothing of a disk that is full: what it wrote is read back.
exits 3 'no folder for temporary files' env TMPDIR=/nowhere mkmedia -d x a.dcm
same 'is said' err <<'!'
mkmedia: /nowhere: No such file or directory
!
for i in $(seq 40); do one many$i.dcm $i; done
exits 3 'no room for the DICOMDIR' sh -c \
	'trap "" XFSZ; ulimit -f 4; exec mkmedia -d full many*.dcm'
ok 'is said' grep -q '^mkmedia: DICOMDIR' err
ok 'and none is made' test ! -e full/DICOMDIR
ok 'nothing stays behind' rmdir tmp && mkdir tmp

# ---- options ---------------------------------------------------------------

for id in '' toolonganame123456 lower 'A B' 'A-B'; do
	exits 3 "a file-set ID '$id'" mkmedia -f "$id" x a.dcm
done
exits 3 'an unknown profile' mkmedia -p STD-NO x a.dcm
exits 3 'a syntax that is not in the profile' mkmedia -t 1.2.840.10008.1.2.4.90 x a.dcm
same 'is named' err <<'!'
mkmedia: JPEG 2000 Image Compression (Lossless Only) is no transfer syntax of STD-GEN-CD
!
exits 3 'a keyword that no record has' mkmedia -s Rows=5 x a.dcm
exits 3 'a UID is not set' mkmedia -s StudyInstanceUID=1.2 x a.dcm
exits 3 'a value that breaks its VR' mkmedia -s StudyDate=yesterday x a.dcm
same 'is not repeated' err <<'!'
mkmedia: StudyDate: not a valid value of VR DA
!

# ---- repairs ---------------------------------------------------------------

# repair TEXT [--omit ...]: the changes of one image
repair()
{
	text_=$1
	shift
	one r.dcm 1 "$@"
	rm -rf r && mkmedia r r.dcm >all
	grep '^  \|^refused' all >got
	same "$text_"  got
	[ ! -f r/DICOMDIR ] || ok '- and the DICOMDIR is valid' clean r
}
one r.dcm 1
repair 'nothing to repair' </dev/null
repair 'StudyID from AccessionNumber' --omit 0020,0010 <<'!'
  key (0020,0010) AccessionNumber STUDY
!
ok 'is that' sh -c 'dcmdump +P 0020,0010 r/DICOMDIR | grep -q "\[A1\]"'
repair 'StudyID from StudyInstanceUID' --omit 0020,0010 --accession '' \
	--study 2.25.123456789012345678901234 <<'!'
  key (0020,0010) StudyInstanceUID STUDY
!
ok 'is the end of it' \
	sh -c 'dcmdump +P 0020,0010 r/DICOMDIR | grep -q "\[9012345678901234\]"'
repair 'numbers from the file ID' --omit 0020,0011 --omit 0020,0013 <<'!'
  key (0020,0013) ReferencedFileID IMAGE
  key (0020,0011) ReferencedFileID SERIES
!
repair 'Modality from the SOP class' --omit 0008,0060 <<'!'
  key (0008,0060) SOPClassUID SERIES
!
repair 'StudyDate from SeriesDate, StudyTime with it' --omit 0008,0020 \
	--omit 0008,0030 --set 0008,0021=DA:20010203 \
	--set 0008,0031=TM:040506 <<'!'
  key (0008,0020) SeriesDate STUDY
  key (0008,0030) SeriesTime STUDY
!
repair 'or from AcquisitionDateTime' --omit 0008,0020 --omit 0008,0030 \
	--omit 0008,0021 --omit 0008,0022 --omit 0008,0023 \
	--set 0008,002A=DT:20010203040506.5 <<'!'
  key (0008,0020) AcquisitionDateTime STUDY
  key (0008,0030) AcquisitionDateTime STUDY
!
repair 'no time of another day' --omit 0008,0030 --omit 0008,0013 --set 0008,0021=DA:20010203 \
	--set 0008,0031=TM:040506 --omit 0008,0022 --omit 0008,0032 \
	--omit 0008,0023 --omit 0008,0033 <<'!'
refused refused: no StudyTime (0008,0030), and the directory needs it
!
repair 'but the first of that day' --omit 0008,0030 \
	--set 0008,0021=DA:20010203 --set 0008,0031=TM:040506 \
	--set 0008,0022=DA:20240102 --set 0008,0032=TM:1112 <<'!'
  key (0008,0030) AcquisitionTime STUDY
!
no_dates='--omit 0008,0020 --omit 0008,0021 --omit 0008,0022
	--omit 0008,0023 --omit 0008,0012 --omit 0008,0030 --omit 0008,0031
	--omit 0008,0032 --omit 0008,0033 --omit 0008,0013'
# shellcheck disable=SC2086
repair 'no date at all: today is none' $no_dates <<'!'
refused refused: no StudyDate (0008,0020), and the directory needs it
!
# shellcheck disable=SC2086
repair 'of a de-identified object: the dummy of PS3.15' $no_dates \
	--set 0012,0062=CS:YES <<'!'
  key (0008,0020) PatientIdentityRemoved STUDY
  key (0008,0030) PatientIdentityRemoved STUDY
!
ok 'which is 1900' sh -c 'dcmdump +P 0008,0020 r/DICOMDIR | grep -q "\[19000101\]"'
repair 'a date as it was written before 1993' --set 0008,0020=DA:2001.02.03 </dev/null
ok 'as it is written now' sh -c 'dcmdump +P 0008,0020 r/DICOMDIR | grep -q "\[20010203\]"'
repair 'no PatientID' --omit 0010,0020 <<'!'
refused refused: r.dcm: no PatientID (0010,0020), and the directory needs it
!
repair 'of a de-identified object: the study' --omit 0010,0020 \
	--set 0012,0062=CS:YES <<'!'
  key (0010,0020) StudyInstanceUID PATIENT
!
long=$(printf '%070d' 0)
repair 'a name that is too long is not listed' --name "$long" <<'!'
  drop (0010,0010) PATIENT
!
repair 'nor a code in lower case' --sex male <<'!'
  drop (0010,0040) PATIENT
!
repair 'a StudyID of two values is none' --study-id '1\2' <<'!'
  key (0020,0010) AccessionNumber STUDY
!
repair 'a StudyInstanceUID that is none' --study 1..2 <<'!'
refused refused: r.dcm: no valid StudyInstanceUID (0020,000D)
!
repair 'a UID without a root' --study 0.1.2 <<'!'
refused refused: r.dcm: its StudyInstanceUID has no registered root
!

one r.dcm 1 --omit 0010,0020 --omit 0008,0030 --omit 0020,0010 \
	--set 0008,0021=DA:20240102
exits 0 'values of the user' mkmedia -s PatientID=P1 -s StudyTime=1200 \
	-s 'StudyID=S 1' -s 'PatientName=No^One' set r.dcm
same 'fill what is empty, and only that' out <<'!'
0 DICOM/P00001/ST00001/SE00001/IM00001 IMAGE
  key (0010,0020) set PATIENT
  key (0008,0030) set STUDY
  key (0020,0010) set STUDY
!
records set | grep '0010,00[12]0\|0008,0030\|0020,0010' >got
same 'as given' got <<'!'
(0010,0010) PN [Test^Synthetic]
(0010,0020) LO [P1]
(0008,0030) TM [1200]
(0020,0010) SH [S 1]
!
ok 'the object is as it was' cmp r.dcm set/DICOM/P00001/ST00001/SE00001/IM00001

# What one object of a study lacks, another has.
one r.dcm 1 --omit 0008,0020 --omit 0008,1030 --set 0008,0021=DA:20000101
one s.dcm 2 --date 20240102
exits 0 'two objects of a study' mkmedia two r.dcm s.dcm
records two | grep '0008,0020\|0008,1030' >got
same 'one record of both' got <<'!'
(0008,0020) DA [20240102]
(0008,1030) LO [Test study]
!

# ---- what does not go together ---------------------------------------------

one r.dcm 1
one s.dcm 2 --id TEST-0002
one t.dcm 3 --study 2.25.99
one u.dcm 1
plan x r.dcm s.dcm t.dcm u.dcm
same 'each is refused for a reason' out <<'!'
refused refused: s.dcm: its study is listed under another PatientID
refused refused: t.dcm: its series is listed in another study
refused refused: u.dcm: its SOPInstanceUID is listed already
0 DICOM/P00001/ST00001/SE00001/IM00001 IMAGE
!
one s.dcm 2 --name Other^Synthetic
plan x r.dcm s.dcm
same 'one ID, two names: said, not hidden' out <<'!'
0 DICOM/P00001/ST00001/SE00001/IM00001 IMAGE
0 DICOM/P00001/ST00001/SE00001/IM00002 IMAGE
  differs (0010,0010) PATIENT
!
one r.dcm 1 --set 0010,0021=LO:HERE
one s.dcm 2 --study 2.25.98 --series 2.25.97 --set 0010,0021=LO:THERE
plan x r.dcm s.dcm
ok 'one ID of two issuers' grep -q 's.dcm: its PatientID is listed for a patient of another issuer' out
printf 'no DICOM at all, but a text that is long enough to be looked at' >t.txt
head -c 700 a.dcm >cut.dcm
plan x t.txt cut.dcm m/DICOMDIR
same 'what is no object' out <<'!'
refused not-dicom: t.txt: not DICOM
refused truncated: cut.dcm: ends at byte 700, element (0010,0020) needs 6 more
refused refused: m/DICOMDIR: a DICOMDIR, which is made anew
!

# ---- syntaxes and profiles -------------------------------------------------

# coded FILE: its native pixel data becomes a fragment of four bytes
coded()
{
	perl -0777 -i -pe 's/\xE0\x7F\x10\x00O[BW]\0\0.*/
		"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF" .
		"\xFE\xFF\x00\xE0\0\0\0\0\xFE\xFF\x00\xE0\4\0\0\0\1\2\3\4" .
		"\xFE\xFF\xDD\xE0\0\0\0\0"/xse' "$1"
}
# syntax OPTIONS UID: what becomes of an image of that transfer syntax
syntax()
{
	one r.dcm 1 --syntax-uid "$2"
	[ "$2" = 1.2.840.10008.1.2.1 ] || coded r.dcm
	# shellcheck disable=SC2086
	mkmedia -n $1 x r.dcm | tr '\n' ' ' | sed 's/0 DICOM[^ ]* IMAGE//; s/refused [a-z]*: r.dcm://; s/^ *//; s/ *$//' >got
	echo >>got
}
J=1.2.840.10008.1.2
LE='Explicit VR Little Endian'
while IFS='|' read -r opt uid want; do
	syntax "$opt" $J$uid
	same "profile and syntax: $opt $uid" got <<E
$want
E
done <<!
|.1|
|.4.70|rewrite   syntax (0002,0010) JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1]) $LE
|.4.50|lossy frames of JPEG Baseline (Process 1) would have to be decoded for STD-GEN-CD: another --profile has them, or --allow lossy
-p STD-GEN-DVD-JPEG|.4.50|
-p STD-GEN-DVD-JPEG|.4.51|
-p STD-GEN-DVD-JPEG|.4.90|rewrite   syntax (0002,0010) JPEG 2000 Image Compression (Lossless Only) $LE
-p STD-GEN-USB-J2K|.4.90|
-p STD-GEN-BD-J2K|.4.70|rewrite   syntax (0002,0010) JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1]) $LE
-p STD-GEN-BD-J2K|.4.91|
-p std-ctmr-dvd|.4.70|
-p STD-GEN-CD|.4.100|video, and STD-GEN-CD has none
-p any|.4.100|
|.4.94|its pixel data lies elsewhere (JPIP)
|.9.9.9|unknown transfer syntax, and STD-GEN-CD has others
!
one r.dcm 1 --syntax implicit
plan x r.dcm
same 'implicit VR becomes explicit' out <<!
0 DICOM/P00001/ST00001/SE00001/IM00001 IMAGE rewrite
  syntax (0002,0010) Implicit VR Little Endian $LE
!
one r.dcm 1 --no-meta
plan x r.dcm
same 'no meta header: it gets one' out <<!
0 DICOM/P00001/ST00001/SE00001/IM00001 IMAGE rewrite
  meta (0002,0000)
!
one r.dcm 1 && dcmodify -q -nb -imt -m 0008,0018=2.25.9 r.dcm
perl -0777 -i -pe 's/(\x02\0\x03\0UI..)2\.25\.9/${1}2.25.8/s' r.dcm
plan x r.dcm
same 'a meta header that names another instance' out <<!
0 DICOM/P00001/ST00001/SE00001/IM00001 IMAGE rewrite
  meta (0002,0000)
!
one r.dcm 1 --set 0008,0119=UC:Long --set 0008,1190=UR:http://example.invalid
plan -u x r.dcm
same 'VRs that old readers do not know' out <<!
0 DICOM/P00001/ST00001/SE00001/IM00001 IMAGE rewrite
  vr (0008,0119) UC UN
  vr (0008,1190) UR UN
!
one r.dcm 1 --class 1.2.840.10008.5.1.4.1.1.6.1
plan -p STD-CTMR-CD x r.dcm
ok 'ultrasound is no part of STD-CTMR-CD' \
	grep -q 'Ultrasound Image Storage is not part of STD-CTMR-CD' out
one r.dcm 1 --set '0020,0032=DS:1\2\3' --set '0028,0030=DS:0.5\0.5'
mkmedia -p STD-CTMR-CD ctmr r.dcm >out
records ctmr | sed '1,/IMAGE/d' >got
same 'its images have more keys' got <<'!'
(0004,1500) CS [DICOM\P00001\ST00001\SE00001\IM00001]
(0004,1510) UI CTImageStorage
(0004,1511) UI [2.25.1]
(0004,1512) UI LittleEndianExplicit
(0020,0013) IS [1]
(0020,0032) DS [1\2\3]
(0020,0037) DS [1\0\0\0\1\0]
(0020,0052) UI [2.25.4]
(0028,0010) US 8
(0028,0011) US 8
(0028,0030) DS [0.5\0.5]
!

finish
