# imgsend-stow.t - objects to a DICOMweb server (STOW-RS).
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
. "$TOP/tests/peer.sh"
need openssl perl

for i in 1 2 3; do
	mkdir -p in && img in/$i.dcm $i --rows 256 --cols 256
done
import in >/dev/null
img big.dcm 9 --rows 2500 --cols 2500

# web ANSWER: a server that gives it
web()
{
	rm -rf port got && mkdir got
	serve perl "$TOP/tests/tools/stowpeer.pl" port got "$1"
	i_=0
	while [ ! -e port ] && [ $i_ -lt 100 ]; do
		i_=$((i_ + 1))
		sleep 0.05
	done
	to="http://127.0.0.1:$(cat port)/web"
}

send()
{
	timeout 60 imgsend -q -C arch --retries 0 -c "$to" "$@"
}

data_set()
{
	perl -e 'local $/; open F, "<", $ARGV[0] or die; $_ = <F>;
		print substr $_, 144 + unpack "V", substr $_, 140, 4' "$1"
}

web 200
exits 0 'three objects' send -j 2 in
ok 'are sent' test "$(records sent)" = 3
ok 'the answer is in the record' test "$(grep -c '"response":"200"' out)" = 3
for i in 1 2 3; do
	data_set got/2.25.$i.dcm >a && data_set in/$i.dcm >b
	ok "object $i arrives as it was" cmp a b
done
exits 0 'again' send in
ok 'the ledger knows' test "$(records skipped)" = 3
exits 0 'with --again, a slash at the end' timeout 60 imgsend -q -C arch \
	-c "$to/" --again in
ok 'is sent' test "$(records sent)" = 3
web 202
exits 0 'a warning' send in/1.dcm
ok 'is in the record' grep -q \
	'"status":"sent".*"warning":\["peer-warning: B000: ' out
web empty
exits 3 'a success that names no instance' send in/1.dcm
ok 'is none' grep -q '^{"status":"failed".*does not name' out
for how in other but why text; do
	web $how
	exits 3 "$how: a success that does not name it as stored" send in/1.dcm
	ok "$how: is none" grep -q '^{"status":"failed".*"code":"refused"' out
done
web early
exits 3 'a success before the object is there' send --timeout 3 big.dcm
ok 'is not believed' grep -q '^{"status":"failed".*"code":"transport"' out
web drip
exits 3 'an answer that drips' send --timeout 1 in/1.dcm
ok 'is not waited for' grep -q 'no whole answer from the peer in 1 s' out
web endless
exits 3 'an answer without an end' send --timeout 5 in/1.dcm
ok 'is cut off' grep -q '^{"status":"failed".*"code":"transport"' out
web 307
exits 3 'a server that sends us elsewhere' send in/1.dcm
ok 'is not followed' grep -q 'the peer answers 307' out
web 409
exits 3 'a conflict' send in/1.dcm
ok 'is told with its reason' grep -q 'answers 409, A900: ' out
for s in 401 403 415; do
	web $s
	exits 3 "status $s" send in/1.dcm
	ok "status $s: refused" grep -q '^{"status":"refused".*"code":"refused"' out
done
for s in 400 404 500; do
	web $s
	exits 3 "status $s" send in/1.dcm
	ok "status $s: failed" grep -q '^{"status":"failed".*"code":"refused"' out
done
web 503
exits 75 'status 503' send in/1.dcm
ok 'try again later' grep -q '^{"status":"refused".*"code":"busy"' out
web wait3
began=$(date +%s)
exits 0 'a server that wants 3 s' timeout 60 imgsend -q -C none --retries 1 \
	-c "$to" in/1.dcm
ok 'has them' test $(($(date +%s) - began)) -ge 3
web 200
later=$(($(date +%-H) + 12))
exits 143 'at another time of the day' timeout --preserve-status 2 imgsend -q -C none \
	--window "$((later % 24)):00-$(((later + 1) % 24)):00" -c "$to" in
ok 'nothing is sent' test -z "$(ls got)"
free_port
to="http://127.0.0.1:$port/web"
exits 3 'nobody there' send in/1.dcm
ok 'is told' grep -q '"code":"transport"' out
exits 64 'a URL without a host' imgsend -c 'https://' x
ok 'is told' grep -q 'a URL needs a host' err
exits 64 'a password in the URL' imgsend -c 'https://me:secret@host/web' x
exits 64 'an echo of a web server' imgsend -c "$to" --echo
mkdir -p peers
printf '{"w":{"url":"https://h.example/web","tls_host":"x.example"}}' \
	>peers/peers.json
exits 64 'another name in the certificate' imgsend -C peers -c w x

# https CA: to a server whose certificate ca.pem has signed
https()
{
	timeout 20 imgsend -q -C none --retries 0 --timeout 2 --ca "$1" \
		-c "https://localhost:$port/web" in/1.dcm
}
for ca in ca other; do
	openssl req -x509 -newkey rsa:2048 -nodes -keyout $ca.key -out $ca.pem \
		-days 30 -subj "/CN=localhost" -addext \
		subjectAltName=DNS:localhost 2>/dev/null
	mkdir $ca && cp $ca.pem $ca && openssl rehash $ca
done
free_port
serve openssl s_server -quiet -accept "$port" -cert ca.pem -key ca.key -www
listening
for ca in other.pem other; do
	exits 3 "https: $ca is trusted" https $ca
	ok 'and not the server' grep -q '"code":"refused".*certificate' out
done
for ca in ca.pem ca; do
	exits 3 "https: $ca is trusted" https $ca
	ok 'and so is the server' grep -q '"code":"transport"' out
done

# with_token: in/1.dcm to a server that keeps what comes and never answers
with_token()
{
	chmod 600 token
	timeout 20 imgsend -q -C tokened --retries 0 --timeout 2 --ca ca.pem \
		-c w in/1.dcm
}
gone "$peer"
free_port
mkfifo quiet
mkdir tokened
serve sh -c "exec openssl s_server -quiet -accept $port -cert ca.pem \
	-key ca.key <>quiet"
listening
printf '{"w":{"url":"https://localhost:%s/web","token_file":"%s"}}' "$port" \
	"$PWD/token" >tokened/peers.json
perl -e 'print "eyJ0.", "x-_~+/" x 500, "==\n"' >token
exits 3 'a token of 3 KB' with_token
ok 'is sent' grep -aqE '^Authorization: Bearer eyJ0\.(x-_~\+/){500}==.?$' peer.log
printf 'one\r\nX-Injected: two\n' >token
exits 3 'a token of two lines' with_token
ok 'is none' grep -q 'token: not a bearer token' out err
: >token
exits 3 'an empty token' with_token
ok 'is none' grep -q 'token: not a bearer token' out err
ok 'and nothing of it is sent' sh -c '! grep -aq X-Injected peer.log'
finish
