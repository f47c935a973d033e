# imgrecv-tls.t - TLS: who is let in, and who is not.
. "$(dirname "$0")/lib.sh"
need echoscu storescu openssl
. "$TOP/tests/recv.sh"

# certificate NAME SUBJECT SIGNER DAYS [KEY]: NAME.pem and NAME.key
certificate()
{
	openssl genpkey -algorithm "${5:-RSA}" ${6:+-pkeyopt "$6"} \
		-out "$1.key" 2>/dev/null
	openssl req -new -key "$1.key" -subj "/CN=$2" -out "$1.csr"
	printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >"$1.ext"
	openssl x509 -req -in "$1.csr" -CA "$3.pem" -CAkey "$3.key" \
		-CAcreateserial -days "$4" -extfile "$1.ext" -out "$1.pem" \
		2>/dev/null
}
for ca in ca other; do
	openssl req -x509 -newkey rsa:2048 -nodes -keyout $ca.key -out $ca.pem \
		-days 30 -subj "/CN=Test $ca" 2>/dev/null
done
certificate ours localhost ca 30
certificate peer peer ca 30
certificate stranger peer other 30
certificate old peer ca 0
certificate ec localhost ca 30 EC ec_paramgen_curve:P-256
phantom one --uid 2.25.1 one.dcm

# echo_ [OPTION ...]: C-ECHO with TLS
echo_()
{
	timeout 30 echoscu -aec IMGRECV "$@" 127.0.0.1 "$port"
}
# client [OPTION ...]: what a handshake without DICOM comes to
client()
{
	timeout 20 openssl s_client -connect "127.0.0.1:$port" -CAfile ca.pem \
		-cert peer.pem -key peer.key "$@" </dev/null
}

recv_start --tls-cert ours.pem --tls-key ours.key --tls-ca ca.pem
exits 0 'a peer with a certificate' echo_ +tls peer.key peer.pem +cf ca.pem
exits 0 'stores' storescu -aec IMGRECV +tls peer.key peer.pem +cf ca.pem \
	127.0.0.1 "$port" one.dcm
ok 'what it has sent' grep -q '"status":"stored"' recv.out
exits 1 'no certificate' echo_ +tla +cf ca.pem
ok 'says why' why 'TLS: .*peer did not return a certificate'
exits 1 'a certificate of another CA' \
	echo_ +tls stranger.key stranger.pem +cf ca.pem
ok 'says why' why 'TLS: .*unable to get local issuer certificate'
exits 1 'an expired certificate' echo_ +tls old.key old.pem +cf ca.pem
ok 'says why' why 'TLS: .*certificate has expired'
exits 1 'no TLS at all' echo_
ok 'says why' why 'TLS: .*wrong version number\|http request\|unsupported\|packet'
exits 1 'TLS 1.1' client -tls1_1 -cipher 'ALL:@SECLEVEL=0'
ok 'says why' why 'TLS: .*unsupported protocol\|no protocols'
exits 1 'CBC' client -tls1_2 -cipher 'ECDHE-RSA-AES256-SHA384:AES128-SHA'
ok 'says why' why 'TLS: .*no shared cipher'
exits 0 'TLS 1.2 with GCM' client -tls1_2
ok 'asks for nothing' why 'association request: the peer closed the connection'
exits 0 'TLS 1.3' client -tls1_3
ok 'asks for nothing' why 'association request: the peer closed the connection'
exits 0 'after all that' echo_ +tls peer.key peer.pem +cf ca.pem
# One that begins a handshake and does not go on.
peer "$port" tls >/dev/null &
exits 0 'beside half a handshake' echo_ +tls peer.key peer.pem +cf ca.pem
exits 143 'ends' recv_stop
ok 'no key is said' sh -c '! grep -l PRIVATE recv.err recv.out archive/audit.log'

recv_start --tls-cert ec.pem --tls-key ec.key --tls-any-peer
exits 0 'an ECDSA certificate with TLS 1.2' client -tls1_2
ok 'its suite' grep -q 'Cipher is ECDHE-ECDSA-AES' out
exits 0 'no certificate where none is wanted' echo_ +tla +cf ca.pem
exits 1 'our certificate is not the one of another CA' \
	echo_ +tla +cf other.pem
recv_stop

exits 64 'a certificate without its key' imgrecv --tls-cert ours.pem
exits 64 'neither CA nor any' imgrecv --tls-cert ours.pem --tls-key ours.key
exits 64 'both' imgrecv --tls-cert ours.pem --tls-key ours.key --tls-ca ca.pem \
	--tls-any-peer
exits 64 'a CA without a certificate' imgrecv --tls-ca ca.pem
exits 3 'a file that is not there' imgrecv -C archive -p 0 \
	--tls-cert none.pem --tls-key ours.key --tls-ca ca.pem
exits 64 'the key of another' imgrecv -C archive -p 0 \
	--tls-cert ours.pem --tls-key peer.key --tls-ca ca.pem
finish
