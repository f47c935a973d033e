# orthanc-corpus.t - real files of many makers to Orthanc, by C-STORE and by
# STOW-RS, and from there to imgrecv: what was answered with success is there.
#
# Orthanc encodes what it gets anew, so that pixels and attributes are compared
# and not bytes.  Of several objects with one UID it keeps the last: they go one
# after the other, and it is looked at in between.  Some files are not what they
# were when they come back: DCMTK drops groups that no data set may have (PS3.5
# 7.8.1: 0002, 0007), a UID that is none, and the end of odd pixel data.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
. "$TOP/tests/peer.sh"
. "$TOP/tests/corpus.sh"
. "$TOP/tests/orthanc.sh"
need Orthanc curl perl
[ -d "$CORPUS" ] || skip_all 'corpus absent'

# rounds: round.1, round.2 ...: files such that no UID is in one of them twice
rounds()
{
	find "$CORPUS" -type f | LC_ALL=C sort >files
	tr '\n' '\0' <files | xargs -0 dataset -p 2>/dev/null >parsed
	cut -f 2 parsed | LC_ALL=C comm -23 files - | sed 's/^/-\t/' |
		cat parsed - | awk -F '[ \t]' '{
			n = $1 == "-" ? 1 : ++seen[$1]
			sub(/^[^\t]*\t/, "")
			print >("round." n)
		}'
}

# in_rounds COMMAND ...: of files on stdin; all records in out, all that
# Orthanc had at any time in have
in_rounds()
{
	: >all
	: >have.all
	worst=0
	for r in $(seq "$(find . -name 'round.*' | wc -l)"); do
		"$@" <"round.$r" >out 2>err
		status=$?
		[ $status -le $worst ] || worst=$status
		cat out >>all
		rm -rf new
		orthanc_new | orthanc_files new
		find new -type f | identities | cut -f 1 >>have.all
	done
	mv all out
	LC_ALL=C sort -u have.all >have
}

cat >changed <<'!'
/CT-SC-Philips_Brilliance16P.dcm$
/DX-Im-Carestream_DRX.dcm$
/GH1376.dcm$
/SC_rgb_jpeg.dcm$
/ctbrain2.dcm$
/gdcm-CT-MONO2-8-abdo.dcm$
/jpeg_baseline_synthetic.dcm$
!

# there: what was sent is there.
there()
{
	{ as_is && recoded; } | grep -v -f changed |
		identities_of >want
	LC_ALL=C comm -23 want have >lost
	head lost
	[ -s want ] && ! [ -s lost ]
}

by_store()
{
	timeout 120 imgsend -q -C none --retries 0 -c "ORTHANC@127.0.0.1:$dicom"
}
by_stow()
{
	timeout 120 imgsend -q -C none --retries 0 -c "$url/web"
}

rounds
ok 'the corpus in rounds' test "$(cat round.* | LC_ALL=C sort | cmp - files &&
	find . -name 'round.*' | wc -l)" -gt 5

free_port && recv=$port
ok 'Orthanc is there' orthanc_start \
	"\"DicomModalities\": { \"r\": [ \"R\", \"127.0.0.1\", $recv ] }"

in_rounds by_store
ok 'C-STORE: some fail' test $worst = 2
ok 'C-STORE: each file has its record' each_told
ok 'C-STORE: most are sent' test "$(records sent)" -gt 1000
ok 'C-STORE: what was sent is there' there
ok 'HTJ2K, JPEG XL and private SOP classes have records' test "$(grep -c \
	'/\(HTJ2KLossless_08_RGB.dcm\|will-jxl.dcm\|GH220.dcm\)"' out)" = 3
ok 'Japanese is sent' grep -q '^{"status":"sent".*/chrH32.dcm"' out

# ---- and back ----------------------------------------------------------------

serve imgrecv -C theirs -p "$recv" -a R
port=$recv
ok 'imgrecv is there' listening
curl -sf "$url/instances" | tr -d '[]" \n' | tr ',' '\n' | grep . >ids
# It gives up a whole study at the first that is refused: one at a time.
while read -r id; do
	printf 'url = %s/modalities/r/store\ndata = %s\noutput = /dev/null\nwrite-out = "%%{http_code} %s\\n"\n' \
		"$url" "$id" "$id"
done <ids | sed '/^url/s/^/next\n/' | sed 1d >curlrc
curl -s --parallel --parallel-max 4 -K curlrc >answers 2>/dev/null
grep '^200 ' answers | cut -d ' ' -f 2 >acked
ok 'nearly all are acknowledged' test "$(wc -l <acked)" -gt \
	$(($(wc -l <ids) * 98 / 100))
orthanc_files back <acked
# Mostly to the byte; of the others the content is looked at.
find theirs/objects -type f | tr '\n' '\0' | xargs -0 dataset -p >have
find back -type f | tr '\n' '\0' | xargs -0 dataset -p |
	awk 'NR == FNR { had[$3]; next } !($3 in had)' have - >lost
cut -f 2 lost | identities | cut -f 1 | LC_ALL=C sort -u >want
awk 'NR == FNR { want[$1]; next } $1 in want' lost have | cut -f 2 |
	identities | cut -f 1 | LC_ALL=C sort -u | LC_ALL=C comm -23 want - >missed
ok 'each of them is in the archive' test -s have -a ! -s missed
imgquery -C theirs -l image --format jsonl >o
sed 's/.*"SOPInstanceUID":"\([^"]*\)".*/\1/' o | LC_ALL=C sort -u >uids
find back -type f | sums >want
ok 'and in the catalog' sh -c 'cut -d " " -f 1 want | LC_ALL=C sort -u |
	LC_ALL=C comm -23 - uids | grep . && exit 1 || test -s uids'
exits 0 'and intact' sh -c 'imgverify -q -C theirs <o'
gone "$peer"
rm -rf back theirs

# ---- STOW-RS -----------------------------------------------------------------

if [ -z "${plugin:-}" ]; then
	skip 'STOW-RS' 'orthanc-dicomweb is not here'
	finish
fi
curl -sf "$url/patients" | tr -d '[]" \n' | tr ',' '\n' | grep . |
	sed "s,.*,url = $url/patients/&\nrequest = DELETE," | curl -sf -K - \
	>/dev/null
in_rounds by_stow
ok 'STOW-RS: some fail' test $worst = 2
ok 'STOW-RS: each file has its record' each_told
ok 'STOW-RS: most are sent' test "$(records sent)" -gt 1000
ok 'STOW-RS: what was sent is there' there
finish
