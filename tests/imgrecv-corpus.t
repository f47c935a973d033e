# imgrecv-corpus.t - real peers send real files: dcmsend, storescu, Orthanc.
# What they are told is stored is in the catalog and intact.
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
ok 'dcmsend: hundreds were acknowledged' test "$acked" -gt 900
ok 'dcmsend: as many as the records say' test "$(grep -c \
	'"status":"\(stored\|duplicate\|conflict\)"' recv.out)" = "$acked"
sed -n 's/.*"status":"\(stored\|duplicate\|conflict\)".*"SOPInstanceUID":"\([^"]*\)".*/\2/p' \
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

recv_start
find "$CORPUS" -type f -size -300k | LC_ALL=C sort | awk 'NR % 4 == 0' |
	tr '\n' '\0' | xargs -0 -n 40 storescu -v -nh -R -aec IMGRECV \
	127.0.0.1 "$port" >sent 2>&1
n=$(grep -c 'Received Store Response (Success)' sent)
ok 'storescu: most were acknowledged' test "$n" -gt 30
ok 'storescu: a record for each' test "$(grep -c \
	'"status":"\(stored\|duplicate\|conflict\)"' recv.out)" = "$n"
exits 143 'ends' recv_stop
exits 0 'all are intact' intact
chmod -R u+rwX archive && rm -rf archive

# ---- Orthanc --------------------------------------------------------------

if ! command -v Orthanc >/dev/null || ! command -v curl >/dev/null; then
	skip 'Orthanc' 'Orthanc or curl is not here'
	finish
fi
recv_start
eval "$(perl -MIO::Socket::INET -e 'my @s = map { IO::Socket::INET->new(
	Listen => 1, LocalAddr => "127.0.0.1") } 1, 2;
	printf "http=%d dicom=%d\n", map { $_->sockport } @s')"
mkdir orthanc
# shellcheck disable=SC2154
cat >orthanc.json <<!
{ "Name": "TEST", "StorageDirectory": "orthanc", "IndexDirectory": "orthanc",
  "HttpPort": $http, "DicomPort": $dicom, "RemoteAccessAllowed": false,
  "AuthenticationEnabled": false, "Plugins": [],
  "DicomModalities": { "imgrecv": [ "IMGRECV", "127.0.0.1", $port ] } }
!
Orthanc orthanc.json >orthanc.log 2>&1 &
orthanc=$!
url=http://127.0.0.1:$http
for _ in $(seq 100); do
	curl -s "$url/system" >/dev/null && break
	sleep 0.1
done
find "$CORPUS" -type f -size -200k | LC_ALL=C sort | awk 'NR % 8 == 1' |
	while read -r f; do
		curl -s -o /dev/null --data-binary "@$f" "$url/instances"
	done
# It gives up at the first that is refused: one after the other.
curl -s "$url/instances" | tr -d '[]" \n' | tr ',' '\n' >ids
while read -r id; do
	curl -s -o /dev/null -w '%{http_code}\n' -X POST -d "$id" \
		"$url/modalities/imgrecv/store"
done <ids >answers
acked=$(grep -c 200 answers)
ok 'Orthanc: nearly all of dozens were acknowledged' \
	test "$acked" -gt 60 -a "$acked" -gt $(($(wc -l <ids) - 5))
ok 'Orthanc: as many as the records say' test "$(grep -c \
	'"status":"\(stored\|duplicate\|conflict\)"' recv.out)" = "$acked"
kill $orthanc
wait $orthanc 2>/dev/null
exits 143 'ends' recv_stop
exits 0 'all are intact' intact
finish
