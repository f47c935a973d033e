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
ok 'its report cannot be given' until_ grep -q \
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
exits 143 'ends' recv_stop
ok 'and has said what was not told, once' test "$(grep -c \
	'^imgrecv: STGCMT@127.0.0.1: no report of storage commitment yet: ' \
	recv.err)" = 1
grep another recv.err >got
same 'which is kept' got <<!
imgrecv: storage commitment: 1 report kept for another start
!
# shellcheck disable=SC2012 # names of ours
prefix=$(ls archive/reports | sed -n 's/^\([0-9a-f]\{16\}-\)[0-9a-f]*$/\1/p')
ok 'in a file' test ${#prefix} = 17

# await: a peer is there before the listener begins, which tries again after 2 s
# where there is none.  told: what came of it.
await()
{
	stgcmt -w "$other" >told.out 2>told.err &
	waits=$!
}
told()
{
	wait "$waits"
	told_=$?
	cat told.out
	return $told_
}

# What is owed is owed by the archive, not by a process.
await
recv_start -p "$listen"
exits 0 'the next listener gives it' told
same 'as it is' out <<!
report 1 2.25.77
2.25.1 0000
!
exits 0 'a peer that leaves and cannot be reached' \
	stgcmt -r "$listen" IMGRECV 1.2.840.10008.1.2 $CT 2.25.1 2.25.2
kill -KILL "$recv"
wait "$recv" 2>/dev/null
echo >archive/reports/.new-0123456789abcdef-0123456789abcdef
await
recv_start -p "$listen"
exits 0 'is told by another listener when the first was killed' told
same 'all of it' out <<!
report 2 2.25.77
2.25.2 0112
2.25.1 0000
!
ls -A archive/reports >got
same 'and nothing is left' got <<!
lock
!
exits 143 'ends' recv_stop

# owed FILE JUDGED TRANSACTION: what a listener that died has left.
owed()
{
	{
		cat <<-!
		imgtools storage commitment 1
		at $(date +%s)
		judged $2
		transaction $3
		address 127.0.0.1
		called IMGRECV
		title STGCMT
		!
		cat
	} >text
	echo "digest $(b2sum -l 256 text | cut -d ' ' -f 1)" >>text
	mv text "archive/reports/$prefix$1"
}
owed 0000000000000001 0 2.25.79 <<!
$CT 2.25.1 0110
$CT 2.25.2 0110
1.2.3 2.25.1 0110
!
owed 0000000000000002 1 2.25.80 <<!
$CT 2.25.1 0000
!
sed -i 's/2.25.1 0000/2.25.2 0000/' "archive/reports/${prefix}0000000000000002"
await
recv_start -p "$listen"
exits 0 'what nobody had looked at' told
same 'is looked at then' out <<!
report 2 2.25.79
2.25.2 0112
2.25.1 0119
2.25.1 0000
!
until_ test ! -e "archive/reports/${prefix}0000000000000002"
ok 'what is not what was written is not told, and that is said' until_ grep -q \
	"^imgrecv: STGCMT@127.0.0.1: no report of storage commitment, given up: reports/${prefix}0000000000000002: is not" \
	recv.err
ls -A archive/reports >got
same 'and it is gone' got <<!
lock
!

# What a peer will never take is in nobody's way.
exits 143 'ends' recv_stop
for i in $(seq 10 29); do
	owed 00000000000000$i 1 2.25.90.$i <<-!
	$CT 2.25.1 0000
	!
done
for i in 30 31; do
	owed 00000000000000$i 1 2.25.91 <<-!
	$CT 2.25.1 0000
	!
done
recv_start -p "$listen"
exits 0 'a peer that refuses twenty reports' stgcmt -w "$other" 2.25.91
same 'has the other two at once' out <<!
report 1 2.25.91
2.25.1 0000
report 1 2.25.91
2.25.1 0000
!
exits 143 'ends' recv_stop
rm archive/reports/"$prefix"*
recv_start -p "$listen"

# What peers that are dead for ever can cost.
i=0
while [ $i -lt 1000 ]; do
	echo "archive/reports/$prefix$(printf %016x $i)"
	i=$((i + 1))
done >names
xargs touch <names
exits 0 'one that is owed a thousand reports' \
	stgcmt -r "$listen" IMGRECV 1.2.840.10008.1.2 $CT 2.25.1
same 'is promised no more' out <<!
answer 0213
!
ok 'which is said' grep -q \
	'^imgrecv: STGCMT@127.0.0.1: storage commitment refused: too many' recv.err
if grep -q 'listening at \[::1\]' recv.err; then
	exits 0 'one of its title at another address' \
		stgcmt -6 "$listen" IMGRECV 1.2.840.10008.1.2 $CT 2.25.1
	same 'has a share of its own' out <<-!
	answer 0000
	!
else
	skip 'one of its title at another address' 'no IPv6 here'
fi
xargs rm <names
exits 143 'ends' recv_stop
rm -f archive/reports/*-*
recv_start --report-for 1s
exits 0 'one that never comes back' \
	stgcmt -r "$port" IMGRECV 1.2.840.10008.1.2 $CT 2.25.1 2.25.2
ok 'is given up' until_ grep -q \
	'^imgrecv: STGCMT@127.0.0.1: no report of storage commitment, given up: 127.0.0.1:' \
	recv.err
exits 143 'ends' recv_stop
imgquery -C archive --audit --format jsonl |
	sed -n 's/.*"act":"unreported",\(.*\),"prev".*/\1/p' >got
same 'and the audit log has what was given up' got <<!
"from":"STGCMT@127.0.0.1","count":1
"from":"STGCMT@127.0.0.1"
"from":"STGCMT@127.0.0.1","count":2
!
exits 64 'no time at all' imgrecv -C archive --report-for 0

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
ok 'and what was not told is kept' grep -q \
	'^imgrecv: storage commitment: 2 reports kept for another start' recv.err

exits 3 'what ends at once' imgrecv -C archive -p 0 --users nobody
same 'says why, and no more' err <<!
imgrecv: nobody: No such file or directory
!
finish
