# imgrecv-report.t - reports of storage commitment to peers that did not wait:
# on an association of ours, to where peers.json has them.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/peer.sh"
. "$TOP/tests/orthanc.sh"
need Orthanc curl perl storescu
. "$TOP/tests/recv.sh"
CT=1.2.840.10008.5.1.4.1.1.2

for n in 1 2; do phantom one --uid 2.25.$n --modality CT $n.dcm; done
free_port && listen=$port
ok 'Orthanc is there' orthanc_start \
	"\"DicomModalities\": { \"us\": [ \"IMGRECV\", \"127.0.0.1\", $listen ] }"
trap 'for p_ in $peers_; do kill "$p_" 2>/dev/null; done; recv_quit_' EXIT
recv_start -p "$listen"
port=$listen
cat >archive/peers.json <<!
{
	"pacs": { "aet": "ORTHANC", "host": "127.0.0.1", "port": $dicom },
	"web": { "url": "http://127.0.0.1/x" }
}
!
exits 0 'an object' storescu -aec IMGRECV 127.0.0.1 "$port" 1.dcm

# asked STATUS: Orthanc's word on the transaction
asked()
{
	id=$(curl -sf "$url/modalities/us/storage-commitment" -d "{
		\"DicomInstances\": [
			{ \"SOPClassUID\": \"$CT\", \"SOPInstanceUID\": \"2.25.1\" }
			$1 ] }" | sed -n 's/.*"ID" : "\([^"]*\)".*/\1/p')
	for _ in $(seq 100); do
		curl -sf "$url/storage-commitment/$id" >said
		grep -q '"Status" : "Pending"' said || break
		sleep 0.1
	done
	sed -n 's/.*"Status" : "\(.*\)".*/\1/p' said
}
asked '' >got
same 'Orthanc asks for one, and is told' got <<!
Success
!
asked ', { "SOPClassUID": "'$CT'", "SOPInstanceUID": "2.25.2" }' >got
same 'one that is not here' got <<!
Failure
!
ok 'is named, with the reason' grep -q 'NO_SUCH_OBJECT_INSTANCE\|"FailureReason" : 274' said

exits 0 'a peer that is not known leaves at once' \
	stgcmt -r "$port" IMGRECV 1.2.840.10008.1.2 $CT 2.25.1
for _ in 1 2 3 4 5 6 7 8 9 10; do
	grep -q 'not in peers.json' recv.err && break
	sleep 0.2
done
ok 'its report cannot be given' grep -q \
	'^imgrecv: STGCMT@127.0.0.1: gone before its report .* not in peers.json' \
	recv.err
cat >archive/peers.json <<!
{ "gone": { "aet": "STGCMT", "host": "127.0.0.1", "port": 1 } }
!
exits 0 'one that cannot be reached' \
	stgcmt -r "$port" IMGRECV 1.2.840.10008.1.2 $CT 2.25.1
free_port && other=$port
cat >archive/peers.json <<!
{ "back": { "aet": "STGCMT", "host": "127.0.0.1", "port": $other } }
!
exits 0 'one that asks twice and leaves then' timeout 60 stgcmt -2 "$other" \
	"$listen" IMGRECV 1.2.840.10008.1.2 $CT 2.25.1 2.25.2
same 'is told later of what it asked for last' out <<!
answer 0000
report 2 2.25.77
2.25.2 0112
2.25.1 0000
report 1 2.25.78
2.25.1 0000
!
exits 143 'ends, and tries once more' recv_stop
ok 'and says that it is not told' grep -q \
	'^imgrecv: gone: no report of storage commitment: ' recv.err

recv_start
free_port && mute=$port
serve perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(
	LocalAddr => "127.0.0.1", LocalPort => shift, Listen => 9,
	ReuseAddr => 1) or exit 1; push @c, $s->accept while 1' "$mute"
port=$(sed -n 's/^imgrecv: listening at 127.0.0.1://p' recv.err)
cat >archive/peers.json <<!
{ "mute": { "aet": "STGCMT", "host": "127.0.0.1", "port": $mute } }
!
for _ in 1 2; do
	exits 0 'one that is there and says nothing' \
		stgcmt -r "$port" IMGRECV 1.2.840.10008.1.2 $CT 2.25.1
done
exits 143 'does not hold up the end' recv_stop
ok 'and what was not tried is told, too' grep -q \
	'^imgrecv: no time for all reports of storage commitment' recv.err

exits 3 'what ends at once' imgrecv -C archive -p 0 --users nobody
same 'says why, and no more' err <<!
imgrecv: nobody: No such file or directory
!
finish
