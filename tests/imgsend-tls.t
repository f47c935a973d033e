# imgsend-tls.t - TLS: who is spoken to, and who is not.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
. "$TOP/tests/peer.sh"
need storescp openssl

img one.dcm 1

# certificate NAME SUBJECT SAN SIGNER DAYS [KEY]: NAME.pem and NAME.key
certificate()
{
	openssl genpkey -algorithm "${6:-RSA}" \
		${7:+-pkeyopt "$7"} -out "$1.key" 2>/dev/null
	openssl req -new -key "$1.key" -subj "/CN=$2" -out "$1.csr"
	printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\n' "$3" >"$1.ext"
	openssl x509 -req -in "$1.csr" -CA "$4.pem" -CAkey "$4.key" \
		-CAcreateserial -days "$5" -extfile "$1.ext" -out "$1.pem" \
		2>/dev/null
}

for ca in ca other; do
	openssl req -x509 -newkey rsa:2048 -nodes -keyout $ca.key -out $ca.pem \
		-days 30 -subj "/CN=Test $ca" 2>/dev/null
done
certificate good localhost DNS:localhost,IP:127.0.0.1 ca 30
certificate ours us DNS:us.example ca 30
certificate wrong elsewhere DNS:elsewhere.example ca 30
certificate stranger localhost DNS:localhost,IP:127.0.0.1 other 30
certificate ec localhost DNS:localhost,IP:127.0.0.1 ca 30 EC \
	ec_paramgen_curve:P-256
certificate old localhost DNS:localhost,IP:127.0.0.1 ca 0
# A CA whose time is over, and what it has signed before.
openssl req -new -newkey rsa:2048 -nodes -keyout oldca.key -subj '/CN=Test old' \
	-out oldca.csr 2>/dev/null
openssl x509 -req -in oldca.csr -signkey oldca.key -days 0 -out oldca.pem \
	2>/dev/null
certificate young localhost DNS:localhost,IP:127.0.0.1 oldca 30

# tls_scp CERTIFICATE [OPTION ...]: storescp with it; who connects shows none
tls_scp()
{
	cert_=$1
	shift
	mkdir -p "got.$cert_"
	free_port
	serve storescp --fork -od "got.$cert_" +tls "$cert_.key" "$cert_.pem" \
		+cf ca.pem "$@" "$port"
	listening
}

# tls [OPTION ...]: imgsend to it
tls()
{
	timeout 60 imgsend -q -C none --retries 0 --tls --ca ca.pem \
		-c "S@localhost:$port" "$@" one.dcm
}

# no TEXT WHY: it was refused, with this reason
no()
{
	ok "$1: is refused" grep -q '^{"status":"refused".*"code":"refused"' out
	ok "$1: and says why" grep -q "$2" err
}

tls_scp good -ic
exits 0 'a good certificate' tls
ok 'the object is sent' test "$(records sent)" = 1
exits 3 'the host by another name' timeout 60 imgsend -q -C none --retries 0 \
	--tls --ca other.pem -c "S@localhost:$port" one.dcm
no 'a CA that is not trusted' 'certificate'
exits 0 'by its address' timeout 60 imgsend -q -C none --retries 0 --tls \
	--ca ca.pem -c "S@127.0.0.1:$port" one.dcm
exits 3 'no CA but those of the system' timeout 60 imgsend -q -C none \
	--retries 0 --tls -c "S@localhost:$port" one.dcm
no 'the system does not know it' certificate
exits 3 'plain text to TLS' timeout 60 imgsend -q -C none --retries 0 \
	--assoc-timeout 3 -c "S@localhost:$port" one.dcm
ok 'nothing is sent' test "$(records sent)" = 0
# pin_of NAME
pin_of()
{
	openssl x509 -in "$1.pem" -outform DER | sha256sum | cut -d ' ' -f 1
}
pin=$(pin_of good)
exits 0 'pinned' timeout 60 imgsend -q -C none --retries 0 --tls \
	--ca other.pem --pin "$pin" -c "S@localhost:$port" one.dcm
exits 3 'another pin' tls --pin "$(printf '%s' "$pin" | tr 0-9a-f 1-9a-f0)"
no 'another pin' 'not the one it is known by'

for bad in wrong:mismatch old:expired stranger:certificate; do
	tls_scp ${bad%:*} -ic
	exits 3 "certificate: ${bad%:*}" tls
	no "${bad%:*}" "${bad#*:}"
done
tls_scp old -ic
exits 3 'pinned, and its time is over' tls --pin "$(pin_of old)"
no 'pinned, and its time is over' expired
tls_scp young -ic
exits 3 'a CA whose time is over' tls --ca oldca.pem
no 'a CA whose time is over' expired
exits 0 'does not matter to a pin' tls --ca oldca.pem --pin "$(pin_of young)"
tls_scp ec -ic
exits 0 'an ECDSA certificate' tls
tls_scp good -rc
exits 3 'a peer that wants to see ours' tls
ok 'nothing is sent without' test "$(records sent)" = 0
tls_scp good -rc
exits 0 'with ours' tls --certificate ours.pem --key ours.key
exits 3 'with that of another CA' tls --certificate stranger.pem \
	--key stranger.key
tls_scp good -rc
exits 3 'with the key of another' tls --certificate ours.pem --key good.key
ok 'is not sent' test "$(records sent)" = 0

# openssl s_server ends the handshake, or does not: nothing else is asked.
server()
{
	free_port
	serve openssl s_server -quiet -accept "127.0.0.1:$port" \
		-cert good.pem -key good.key "$@"
	sleep 0.5
}
server -tls1_1 -cipher 'ALL:@SECLEVEL=0'
exits 3 'TLS 1.1' tls --assoc-timeout 3
ok 'TLS 1.1: says why' grep -qi 'TLS' err
server -tls1_2 -cipher 'AES256-SHA256:AES128-SHA'
exits 3 'CBC' tls --assoc-timeout 3
ok 'CBC: says why' grep -qi 'TLS' err

# ---- user identity -------------------------------------------------------

printf 'secret\n' >code
chmod 644 code
tls_scp good -ic
exits 64 'a passcode without TLS' imgsend -c "S@localhost:$port" --user me \
	--passcode-file code one.dcm
exits 3 'a passcode that others can read' tls --user me --passcode-file code
ok 'says so' grep -q 'others can read it' err
ok 'which the peer has not refused' test "$(records failed)" = 1
chmod 600 code
exits 3 'a peer that does not confirm who we are' tls --user me \
	--passcode-file code
ok 'gets nothing' grep -q 'does not confirm our user identity' err
exits 64 'a certificate without its key' imgsend --tls -c "S@localhost:1" \
	--certificate ours.pem one.dcm
exits 64 'a CA without TLS' imgsend -c "S@localhost:1" --ca ca.pem one.dcm
exits 64 'a pin that is none' imgsend --tls -c "S@localhost:1" --pin 12 one.dcm

# ---- a peer that is too slow -------------------------------------------------

tls_scp good -ic
# In the handshake, and in the answer to the object.
for free in 0 3000; do
	rm -f slow
	serve perl "$TOP/tests/tools/dripproxy.pl" slow "$port" $free
	while [ ! -s slow ]; do
		sleep 0.05
	done
	exits 3 "an answer that drips after $free bytes" timeout -k 1 20 \
		imgsend -q -C none --retries 0 --tls --ca ca.pem \
		--connect-timeout 1 --assoc-timeout 1 --timeout 1 \
		-c "S@localhost:$(cat slow)" one.dcm
	ok 'is not waited for' grep -q '"code":"transport".* in 1 s' out
	gone "$peer"
done
finish
