# imgrecv-who.t - who may come: users with passcodes, and certificates.
. "$(dirname "$0")/lib.sh"
need echoscu openssl storescu
. "$TOP/tests/recv.sh"

# echo_ [OPTION ...]: C-ECHO
echo_()
{
	timeout 30 echoscu -aet SENDER -aec IMGRECV "$@" 127.0.0.1 "$port"
}
# store_ [OPTION ...]: the same of an object
phantom one --uid 2.25.1 one.dcm
store_()
{
	timeout 30 storescu -aet SENDER -aec IMGRECV "$@" 127.0.0.1 "$port" \
		one.dcm
}

# ---- users ----------------------------------------------------------------

printf 'open sesame\nnot this' >code
exits 0 'a line for a user' imgrecv --new-user alice <code
ok 'has a hash, and not the passcode' grep -qx \
	'alice \$argon2id\$v=19\$m=65536,[^ ]*' out
ok 'nothing else is said' test ! -s err
cp out users
# On its way here a passcode may have got another end of line.
printf 'open sesame\r\n' >code.dos
exits 0 'from another system' imgrecv --new-user carol <code.dos
cat out >>users
mkfifo terminal
sleep 10 >terminal &
sleeps=$!
exits 143 'it can be stopped while it waits' timeout --preserve-status -k 3 1 \
	imgrecv --new-user alice <terminal
kill $sleeps
exits 0 'another line of the same' imgrecv --new-user alice <code
ok 'has another salt' sh -c '! cmp -s out users'
exits 64 'a name with a blank' imgrecv --new-user 'a b' <code
exits 64 'no passcode' imgrecv --new-user alice </dev/null
head -c 100 /dev/zero | tr '\0' x >long
exits 64 'a long passcode' imgrecv --new-user alice <long
exits 3 'output that cannot be written' sh -c \
	'imgrecv --new-user alice <code >/dev/full'
echo 'viewer # without a passcode' >>users
chmod 644 users
exits 3 'a file that others can read' imgrecv -C archive -p 0 --users users
chmod 600 users
recv_start --users users
exits 0 'name and passcode' store_ -usr alice -pwd 'open sesame'
exits 0 'the same from another system' store_ -usr carol -pwd 'open sesame'
exits 0 'it is told so if it asks' store_ -usr alice -pwd 'open sesame' -rsp
exits 0 'a name without a passcode' store_ -usr viewer -rsp
exits 1 'another passcode' store_ -usr alice -pwd 'open sesam'
ok 'says why' why '^imgrecv: SENDER@127.0.0.1: refused: user or passcode not known$'
exits 1 'a name that needs a passcode' store_ -usr alice
exits 1 'a passcode where none is known' store_ -usr viewer -pwd x
exits 1 'a name that is not known' store_ -usr alicf -pwd 'open sesame'
exits 1 'nobody' store_
ok 'says why' why 'refused: it does not say who it is$'
exits 1 'a ticket of Kerberos' store_ -kt code
ok 'says why' why 'refused: a kind of identity that is not known$'
echo 'bob' >users
kill -HUP "$recv"
sleep 1
exits 0 'users are read again' store_ -usr bob
exits 1 'those that were are not known' store_ -usr viewer
echo 'bob $argon2id$v=19$m=1' >users
kill -HUP "$recv"
sleep 1
exits 0 'bad lines change nothing' store_ -usr bob
ok 'and are told' grep -q 'users:1: what is behind a name.*stay as they were' \
	recv.err
exits 143 'ends' recv_stop
printf 'bob\n\nalice\0\neve\n' >broken && chmod 600 broken
exits 64 'a NUL is no end of the file' imgrecv -C none -p 0 --users broken
ok 'its line is named' grep -qx 'imgrecv: broken:3: a NUL byte' err
for _ in 1 2 3 4 5 6 7; do echo refused; done >want
grep -o '"act":"refused","from":"SENDER@127.0.0.1"' archive/audit.log |
	sed 's/.*act":"\([a-z]*\).*/\1/' >got
ok 'refusals are in the audit log' cmp got want
ok 'passcodes and names of users are not' sh -c \
	'! grep -q "sesam\|alic\|viewer" archive/audit.log recv.err'
recv_start
exits 1 'who is not asked is not confirmed' store_ -usr alice -rsp
exits 0 'but let in' store_ -usr alice
recv_stop

# ---- certificates ---------------------------------------------------------

certificate()
{
	openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" \
		-subj "/CN=$1" 2>/dev/null
	openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key \
		-CAcreateserial -days 30 -out "$1.pem" 2>/dev/null
}
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem \
	-days 30 -subj "/CN=Test ca" 2>/dev/null
for c in ours ct mr; do certificate $c; done
pin=$(openssl x509 -in ct.pem -outform DER | sha256sum | cut -d ' ' -f 1)
recv_start --tls-cert ours.pem --tls-key ours.key --tls-ca ca.pem \
	--allow "SENDER@127.0.0.1 $pin" --allow MR
exits 0 'the title and its certificate' \
	echo_ +tls ct.key ct.pem +cf ca.pem
exits 1 'the title with the certificate of another' \
	echo_ +tls mr.key mr.pem +cf ca.pem
ok 'says why' why 'calling AE title not allowed, or not with this certificate'
exits 0 'a title without one' timeout 30 echoscu -aet MR -aec IMGRECV \
	+tls ct.key ct.pem +cf ca.pem 127.0.0.1 "$port"
recv_stop
exits 64 'a certificate without TLS' imgrecv -C archive -p 0 \
	--allow "SENDER@127.0.0.1 $pin"
exits 64 'a certificate that is none' imgrecv -C archive -p 0 \
	--tls-cert ours.pem --tls-key ours.key --tls-ca ca.pem \
	--allow "SENDER@127.0.0.1 x${pin#?}"
finish
