# imgverify-signatures.t - digital signatures in objects (PS3.15 Annex C), made
# by dcmsign: which fit, which do not, and who vouches for them.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
need dcmsign dcmodify openssl perl dcmcrle

# certificate NAME CA: a key and its certificate
certificate()
{
	openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" \
		-subj "/CN=Signer^Synthetic" 2>/dev/null
	openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -days 30 \
		-set_serial "$$" -out "$1.pem" 2>/dev/null
}
for ca in ca other; do
	openssl req -x509 -newkey rsa:2048 -nodes -keyout $ca.key -out $ca.pem \
		-subj "/CN=Test $ca" -days 30 2>/dev/null
done
certificate signer ca
img plain.dcm 1 --modality CT --set '0008,103e=LO:first'
sleep 1.1 # a certificate of this second is not valid yet

# sign FILE [OPTION ...]: plain.dcm with a signature
sign()
{
	to_=$1
	shift
	dcmsign -q +s signer.key signer.pem "$@" plain.dcm "$to_"
}
# said: verdict, tag, MAC and number of elements of each signature
said()
{
	perl -MJSON::PP -ne 'print map { join(" ", $_->{verdict}, $_->{tag},
		$_->{mac} // "-", $_->{elements} ? "some" : "all",
		$_->{text} // "-"), "\n" } @{ decode_json($_)->{signatures} }' out
}
# judged STATUS TEXT FILE [OPTION ...] <<'!'
judged()
{
	cat >want
	want_status=$1 text_=$2 file_=$3
	shift 3
	exits "$want_status" "$text_" imgverify -q --deep "$@" "$file_"
	said >got
	same "$text_: each signature" got <want
}

sign signed.dcm +m2
judged 0 'one that fits' signed.dcm --ca ca.pem <<!
valid (fffa,fffa) SHA256 some -
!
judged 0 'nobody is trusted' signed.dcm <<!
unknown-certificate (fffa,fffa) SHA256 some no authority is trusted
!
ok 'which is no finding' sh -c '! grep -q "\"rule\":\"signature\"" out'
judged 0 'somebody else is trusted' signed.dcm --ca other.pem <<!
unknown-certificate (fffa,fffa) SHA256 some unable to get local issuer certificate
!
ok 'is a warning' grep -q '"severity":"warning","rule":"signature","tag":"(fffa,fffa)"' out
ok 'no name is told' sh -c '! grep -i synthetic out'

# Altered afterwards: a value, a pixel, the signature itself.
cp signed.dcm bad.dcm && dcmodify -q -nb -m '0008,103e=second' bad.dcm
judged 1 'a value was changed' bad.dcm --ca ca.pem <<!
broken (fffa,fffa) SHA256 some what was signed was changed
!
ok 'is an error' grep -q '"severity":"error","rule":"signature","tag":"(fffa,fffa)"' out
ok 'the object is invalid' grep -q '^{"status":"invalid"' out
perl -0777 -pe 's/(\xe0\x7f\x10\x00OW..(?:....)).{2}/$1ZZ/s' signed.dcm >bad.dcm
ok 'a pixel is another' sh -c '! cmp -s signed.dcm bad.dcm'
judged 1 'a pixel was changed' bad.dcm --ca ca.pem <<!
broken (fffa,fffa) SHA256 some what was signed was changed
!
cp signed.dcm bad.dcm && dcmodify -q -nb -ea '(fffa,fffa)[0].(0400,0120)' bad.dcm
judged 1 'the signature is gone' bad.dcm --ca ca.pem <<!
broken (fffa,fffa) SHA256 some it is incomplete
!
cp signed.dcm bad.dcm && dcmodify -q -nb -ea '(4ffe,0001)' bad.dcm
judged 1 'so are the MAC parameters' bad.dcm --ca ca.pem <<!
broken (fffa,fffa) - all its MAC parameters are not there
!
cp signed.dcm bad.dcm &&
	dcmodify -q -nb -m '(4ffe,0001)[0].(0400,0015)=WHIRLPOOL' bad.dcm
judged 0 'a MAC that nobody knows' bad.dcm --ca ca.pem <<!
unsupported (fffa,fffa) WHIRLPOOL some its MAC algorithm is not known here
!
cp signed.dcm bad.dcm && dcmodify -q -nb -ea '(fffa,fffa)[0].(0400,0115)' bad.dcm
judged 0 'no certificate' bad.dcm --ca ca.pem <<!
unsupported (fffa,fffa) SHA256 some its certificate is not there, or cannot be read
!

# About some elements only: the others may change.
sign some.dcm +m5 -t 0010,0010 -t 0010,0020
dcmodify -q -nb -m '0008,103e=second' some.dcm
judged 0 'what is not signed was changed' some.dcm --ca ca.pem <<!
valid (fffa,fffa) SHA512 some -
!
dcmodify -q -nb -m '0010,0020=TEST-0009' some.dcm
judged 1 'what is signed was' some.dcm --ca ca.pem <<!
broken (fffa,fffa) SHA512 some what was signed was changed
!

# Two, one of them in an item.
dcmodify -q -nb -i '(0008,1140)[0].(0008,1155)=2.25.9' \
	-i '(0008,1140)[0].(0008,1150)=1.2.840.10008.5.1.4.1.1.2' plain.dcm
dcmsign -q +si signer.key signer.pem 'ReferencedImageSequence[0]' +m2 plain.dcm item.dcm
dcmsign -q +s signer.key signer.pem +ms item.dcm two.dcm
judged 0 'two, one in an item' two.dcm --ca ca.pem <<!
valid (0008,1140)/(fffa,fffa) SHA256 some -
valid (fffa,fffa) SHA1 some -
!
cp two.dcm bad.dcm &&
	dcmodify -q -nb -m '(0008,1140)[0].(0008,1155)=2.25.8' bad.dcm
judged 1 'the item was changed' bad.dcm --ca ca.pem <<!
broken (0008,1140)/(fffa,fffa) SHA256 some what was signed was changed
broken (fffa,fffa) SHA1 some what was signed was changed
!

# Written anew in another encoding, and one that cannot be undone.
dcmconv -q +ti signed.dcm implicit.dcm
judged 0 'in implicit VR' implicit.dcm --ca ca.pem <<!
valid (fffa,fffa) SHA256 some -
!
dcmcrle -q signed.dcm rle.dcm
judged 0 'compressed afterwards' rle.dcm --ca ca.pem <<!
unsupported (fffa,fffa) SHA256 some it was made in a transfer syntax that cannot be had here
!

# A certificate that expires after it has signed.
printf '[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase=index\nserial=serial\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' >ca.cnf
: >index && echo 01 >serial
end=$(($(date +%s) + 3))
openssl ca -batch -notext -config ca.cnf -cert ca.pem -keyfile ca.key \
	-in signer.csr -startdate 20200101000000Z \
	-enddate "$(date -u -d "@$end" +%Y%m%d%H%M%SZ)" -out short.pem 2>/dev/null
dcmsign -q +s signer.key short.pem +m2 plain.dcm short.dcm
while [ "$(date +%s)" -le "$end" ]; do sleep 0.5; done
judged 0 'a certificate that has expired since' short.dcm --ca ca.pem <<!
valid (fffa,fffa) SHA256 some -
!

import signed.dcm >/dev/null
exits 0 'in the archive' imgverify -q -C arch --all --deep --ca ca.pem
ok 'it is checked, too' grep -q '"verdict":"valid"' out
exits 0 'a file is looked into' imgverify -q signed.dcm
ok 'its signature, too' grep -q '"signatures":\[{"verdict":"unknown-certificate"' out
exits 3 'authorities that are none' imgverify -q --deep --ca plain.dcm signed.dcm
same 'are named' err <<!
imgverify: plain.dcm: has no certificates (PEM)
!
exits 3 'authorities that are not there' imgverify -q --deep --ca gone signed.dcm
same 'are named, too' err <<!
imgverify: gone: No such file or directory
!
exits 64 '--ca is for --deep' imgverify -q -C arch --all --ca ca.pem
finish
