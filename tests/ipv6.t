# ipv6.t - peers and listeners at addresses of IPv6.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/recv.sh"
need openssl perl
perl -MSocket=:DEFAULT -e 'socket(S, AF_INET6, SOCK_STREAM, 0) or exit 1;
	bind(S, Socket::pack_sockaddr_in6(0, Socket::inet_pton(AF_INET6, "::1")))
	or exit 1' || skip_all 'this machine has no ::1'

for n in 1 2 3 4 5 6 7; do phantom one --uid 2.25.$n --modality CT $n.dcm; done

# to ADDRESS [OPTION ...]
to()
{
	a_=$1
	shift
	timeout 30 imgsend -q -C sender --retries 0 --connect-timeout 5 \
		-c "IMGRECV@$a_:$port" "$@"
}
# from: where what came last came from
from()
{
	tail -n 1 recv.out | sed 's/.*"from":"\([^"]*\)".*/\1/'
}

# ---- one address -------------------------------------------------------------

recv_at='\[::1\]'
recv_start --listen ::1
imgimport -q -C sender 7.dcm >/dev/null
exits 0 'a listener at ::1' to '[::1]' 1.dcm
ok 'knows who came' test "$(from)" = IMGSEND@::1
ok 'the record has the address in brackets' grep -q \
	"\"peer\":\"IMGRECV@\\[::1\\]:$port\"" out
exits 0 'C-ECHO' to '[::1]' --echo
exits 0 'the same address in other digits' to '[0:0::0:1]' 1.dcm
ok 'is the same peer' grep -q '^{"status":"skipped"' out
imgimport -q -C sender 2.dcm >/dev/null
exits 0 'what it has not' imgquery -C sender -l image --count \
	--not-sent-to "IMGRECV@[0::1]:$port"
same 'is known' out <<!
2
!
exits 3 'where nobody listens' to 127.0.0.1 2.dcm
if getent ahosts localhost | grep -q '^::1 '; then
	exits 0 'a name with more than one address' to localhost 3.dcm
	ok 'comes by the one that answers' test "$(from)" = IMGSEND@::1
else
	skip 'a name with more than one address' 'localhost is not ::1 here'
fi
cat >sender/peers.json <<!
{ "pacs": { "aet": "IMGRECV", "host": "[::1]", "port": $port } }
!
exits 0 'by its name in peers.json' timeout 30 imgsend -q -C sender -c pacs 2.dcm
exits 0 'by its address' to '[::1]' 2.dcm
ok 'is the same' grep -q '^{"status":"skipped",.*"peer":"pacs"' out
port=1
exits 3 'a port where nobody is' to '[::1]' 2.dcm --again
ok 'is named' grep -q '\[::1\]:1: Connection refused' out
for bad in ::1 '[::1' '[127.0.0.1]' '[::g]' '[]' 'x y'; do
	exits 64 "no address: $bad" to "$bad" 2.dcm
done
rm sender/peers.json
exits 143 'ends' recv_stop

# ---- a report of storage commitment on an association of the peer's --------

recv_start --listen '[::1]'
port_in=$((port + 1))
cat >archive/peers.json <<!
{ "back": { "aet": "IMGSEND", "host": "::1", "port": $port_in } }
!
exits 0 'storage commitment' to '[::1]' --commit --commit-port $port_in 4.dcm
ok 'is there' grep -q '^{"status":"committed"' out
exits 143 'ends' recv_stop

# ---- all addresses, and who may come -------------------------------------------

exits 64 'other machines can reach ::' imgrecv -C archive -p 0 --listen ::
recv_at='\[::\]'
recv_start --listen :: --allow IMGSEND@::1
exits 0 'a listener at ::' to '[::1]' 5.dcm
exits 3 'is none of IPv4' to 127.0.0.1 5.dcm --again
exits 143 'ends' recv_stop

# may RULE: who gets in, of ::1 and 127.0.0.1
may()
{
	recv_at='\[::1\]'
	recv_start --listen ::1 --listen 127.0.0.1 --allow "$1"
	for at in '[::1]' 127.0.0.1; do
		to $at --echo >o_ 2>&1 && printf '%s ' "$at"
	done
	recv_stop
	echo .
}
may @::1 >got
may '@[::1]' >>got
may @::/64 >>got
may @::/0 >>got
may @0.0.0.0/0 >>got
may @::ffff:127.0.0.1 >>got
may '@*' >>got
may @2001:db8::/32 >>got
same 'rules with addresses' got <<!
[::1] .
[::1] .
[::1] .
[::1] .
127.0.0.1 .
127.0.0.1 .
[::1] 127.0.0.1 .
.
!
ok 'who is sent away is named' grep -q \
	'^imgrecv: ::1: refused: address not allowed' recv.err
ok 'in the audit log, too' sh -c 'imgquery -C archive --audit --format jsonl |
	grep -q "\"act\":\"refused\",\"from\":\"::1\""'
for bad in @::1/129 @::g '@[::1' @::1/x; do
	exits 64 "no rule: $bad" imgrecv -C archive -p 0 --allow "$bad"
done

# ---- TLS ----------------------------------------------------------------------

cert()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
		-nodes -subj /CN=imgrecv -days 2 -keyout "$1.key" -out "$1.pem" \
		-addext "subjectAltName=IP:$2" 2>/dev/null
}
cert right ::1 && cert wrong ::2
recv_at='\[::1\]'
for c in right wrong; do
	recv_start --listen ::1 --tls-cert $c.pem --tls-key $c.key --tls-any-peer
	to '[::1]' --tls --ca $c.pem 6.dcm --again >o.$c 2>&1
	echo "$c $?"
	recv_stop
done >got
same 'a certificate is for an address' got <<!
right 0
wrong 3
!
exits 0 'all that came is intact' imgverify -C archive --all
finish
