# imgrecv-corpus.t - real peers send real files: dcmsend, storescu (Orthanc does
# in orthanc-corpus.t).  What they are told is stored is in the catalog and
# intact.
. "$(dirname "$0")/lib.sh"
need dcmsend storescu
[ -d "$CORPUS" ] || skip_all 'corpus absent'
. "$TOP/tests/recv.sh"

catalogued()
{
	imgquery -C archive -l image -f SOPInstanceUID --format jsonl |
		sed -n 's/.*"SOPInstanceUID":"\([^"]*\)".*/\1/p' |
		LC_ALL=C sort -u
}
# all_there FILE: each UID of it is in the catalog
all_there()
{
	catalogued >have
	LC_ALL=C sort -u "$1" | LC_ALL=C comm -23 - have >lacking
	[ ! -s lacking ] || { head lacking; return 1; }
}
intact()
{
	imgquery -C archive -l image | imgverify -q -C archive >verdicts
}

# ---- dcmsend --------------------------------------------------------------

recv_start
dcmsend -aec IMGRECV -nuc -nh -dn +sd +r +crf report 127.0.0.1 "$port" \
	"$CORPUS" >sent 2>&1
acked=$(grep -c '^DIMSE Status.*0x0000' report)
echo "# dcmsend: $acked acknowledged"
ok 'dcmsend: hundreds were acknowledged' test "$acked" -gt 900
ok 'dcmsend: as many as the records say' test "$(grep -c \
	'"status":"\(stored\|duplicate\|equivalent\|conflict\)"' recv.out)" = "$acked"
sed -n 's/.*"status":"\(stored\|duplicate\|equivalent\|conflict\)".*"SOPInstanceUID":"\([^"]*\)".*/\2/p' \
	recv.out >acked
ok 'dcmsend: all of them are catalogued' all_there acked
n=$(grep -c '^DIMSE Status *: 0x' report)
ok 'dcmsend: a record for each that was sent' \
	test "$(grep -c . recv.out)" = "$n"
exits 143 'ends' recv_stop
exits 0 'all are intact' intact
exits 0 'the log is whole' imgverify -C archive --audit
chmod -R u+rwX archive && rm -rf archive

# ---- storescu: each file in its own transfer syntax ------------------------

# It gives up at the first file whose SOP class or transfer syntax was not
# accepted, and at the first it cannot read: some at a time.
recv_start
find "$CORPUS" -type f | LC_ALL=C sort | tr '\n' '\0' |
	TCP_NODELAY=1 xargs -0 -n 25 storescu -v -nh -R -aec IMGRECV \
	127.0.0.1 "$port" >sent 2>&1
n=$(grep -c 'Received Store Response (Success)' sent)
echo "# storescu: $n acknowledged"
ok 'storescu: hundreds were acknowledged' test "$n" -gt 600
ok 'storescu: a record for each' test "$(grep -c \
	'"status":"\(stored\|duplicate\|equivalent\|conflict\)"' recv.out)" = "$n"
sed -n 's/.*"status":"\(stored\|duplicate\|equivalent\|conflict\)".*"SOPInstanceUID":"\([^"]*\)".*/\2/p' \
	recv.out >acked
ok 'storescu: all of them are catalogued' all_there acked
exits 143 'ends' recv_stop
exits 0 'all are intact' intact
finish
