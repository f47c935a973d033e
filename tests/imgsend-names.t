# imgsend-names.t - name servers that do not answer hold nobody longer than a
# connection may take.
. "$(dirname "$0")/lib.sh"
need perl unshare ip mount
CT=1.2.840.10008.5.1.4.1.1.2

test "$(id -u)" = 0 && unshare -mn true 2>/dev/null ||
	skip_all 'wants a network namespace'
phantom one --uid 2.25.1 --modality CT 1.dcm

# A machine whose name server takes questions and says nothing.
cat >machine.sh <<'!'
ip link set lo up || exit 99
printf 'nameserver 127.0.0.1\noptions timeout:30 attempts:5\n' >resolv.conf
echo 'hosts: dns' >nsswitch.conf
mount --bind resolv.conf /etc/resolv.conf &&
	mount --bind nsswitch.conf /etc/nsswitch.conf || exit 98
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Proto => "udp",
	LocalAddr => "127.0.0.1", LocalPort => 53) or exit 1;
	open F, ">ready"; close F; sleep 100' &
server=$!
while ! test -e ready && kill -0 $server 2>/dev/null; do sleep 0.1; done
. "$1"
kill $server
!
cat >send.sh <<'!'
begin=$(date +%s)
imgsend -q -C sender --retries 0 --connect-timeout 2 \
	-c TEST@nobody.example.test:104 1.dcm >send.out 2>send.err
echo $? >send.status
imgsend -q -C sender --retries 0 --connect-timeout 2 --echo \
	-c TEST@nobody.example.test:104 >echo.out 2>echo.err
echo $? >echo.status
imgsend -q -C sender --retries 0 --connect-timeout 2 --commit \
	--commit-port 11113 -c TEST@nobody.example.test:104 \
	1.dcm >wait.out 2>wait.err
echo $? >wait.status
echo $(($(date +%s) - begin)) >seconds
!
ok 'a name server that says nothing' timeout -k 1 60 \
	unshare -mn sh machine.sh ./send.sh
ok 'holds nobody for long' test "$(cat seconds)" -lt 15
ok 'an object is not sent' test "$(cat send.status)" = 3
ok 'and says why' grep -q 'nobody.example.test: no answer of a name server' \
	send.out
ok 'nor is the peer there' test "$(cat echo.status)" = 3
ok 'nor waited for' test "$(cat wait.status)" = 3

# The process that reports storage commitment, too, goes on.
cat >report.sh <<'!'
. "$TOP/tests/recv.sh"
recv_start
cat >archive/peers.json <<-,
	{ "far": { "aet": "STGCMT", "host": "nobody.example.test", "port": 104 } }
,
stgcmt -r "$port" IMGRECV 1.2.840.10008.1.2 $CT 2.25.1
for _ in $(seq 150); do
	grep -q 'commitment yet' recv.err && break
	sleep 0.1
done
cp recv.err said
recv_stop
trap - EXIT
!
export TOP CT
ok 'a report to such a peer' timeout -k 1 60 unshare -mn sh machine.sh ./report.sh
ok 'is put off, and why is said' grep -q \
	'^imgrecv: STGCMT@127.0.0.1: no report .* yet: nobody.example.test: no answer of a name server' \
	said
finish
