# imgsend-proof.t - storage commitment, C-FIND, peers by name, what is not
# sent yet.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
. "$TOP/tests/peer.sh"
need storescp dcmqrscp

for i in 1 2 3 4 5 6; do
	mkdir -p in && img in/$i.dcm $i --study "2.25.10$((i % 2))" \
		--series "2.25.20$((i % 2))"
done
import in >/dev/null

# unsent PEER [OPTION ...]: how many images it lacks
unsent()
{
	peer_=$1
	shift
	imgquery -C arch -l image --count --not-sent-to "$peer_" "$@"
}

# ---- a peer that commits -------------------------------------------------

free_port
recv_port=$port
serve imgrecv -C theirs -p "$port" -a RECV
ok 'imgrecv is there' listening
exits 0 'with --commit' timeout 60 imgsend -q -C arch --commit \
	-c "RECV@127.0.0.1:$port" 2.25.100
ok 'all is committed' test "$(records committed)" = 3
ok 'so the record says' test "$(grep -c '"proof":"committed"' out)" = 3
exits 0 'again' timeout 60 imgsend -q -C arch --commit \
	-c "RECV@127.0.0.1:$port" 2.25.100
ok 'is skipped' test "$(records skipped)" = 3
exits 0 'sent without' timeout 60 imgsend -q -C arch \
	-c "RECV@127.0.0.1:$port" 2.25.101
ok 'is not committed' test "$(records sent)" = 3
cp -a theirs before
exits 0 'then with' timeout 60 imgsend -q -C arch --commit \
	-c "RECV@127.0.0.1:$port" 2.25.101
ok 'is proved' test "$(records committed)" = 3
rows 'SELECT status, proof, count(*) FROM sent GROUP BY 1, 2' >o
same 'the ledger' o <<!
sent|committed|6
!

exits 0 'a rebuild of the catalog' verify --rebuild
rows 'SELECT status, proof, count(*) FROM sent GROUP BY 1, 2' >o
same 'keeps it' o <<!
sent|committed|6
!

# ---- two objects, one UID ------------------------------------------------

img in/twin.dcm 1 --study 2.25.101 --series 2.25.201 --pixel 9
img one.dcm 21 && img two.dcm 21 --pixel 9
for where in none arch; do
	exits 1 "two of one UID, to be committed ($where)" timeout 60 \
		imgsend -q -C $where --commit -c "RECV@127.0.0.1:$port" \
		one.dcm two.dcm in/2.dcm --again
	ok 'of them nothing is proved' test "$(records sent)" = 2
	ok 'and the reason told' test "$(grep -c '"warning":\["unproved: other bytes with its UID were sent there, too"\]' out)" = 2
	ok 'the third one is' test "$(records committed)" = 1
done
exits 1 'a UID of which other bytes went there in another run' timeout 60 \
	imgsend -q -C arch --commit -c "RECV@127.0.0.1:$port" in/twin.dcm
ok 'is not proved' grep -q '^{"status":"sent".*"unproved: other bytes' out
exits 0 'one that is given twice' timeout 60 imgsend -q -C none --commit \
	-c "RECV@127.0.0.1:$port" in/5.dcm in/5.dcm
ok 'is' test "$(records committed)" = 2
serve_bad other-class
exits 1 'a peer that commits to other SOP classes' timeout 60 imgsend -q \
	-C none --commit --commit-timeout 2 -c "BAD@127.0.0.1:$(cat port)" \
	in/1.dcm
ok 'commits to nothing' test "$(records sent)" = 1
port=$recv_port

# ---- what is not sent ----------------------------------------------------

ok 'nothing is left for it' test "$(unsent "RECV@127.0.0.1:$port")" = 0
ok 'all is for another' test "$(unsent "OTHER@127.0.0.1:$port")" = 6
import --on-conflict replace "$(img new.dcm 3 --study 2.25.101 --series \
	2.25.201 --pixel 9 && echo new.dcm)" >/dev/null
ok 'new bytes are not there yet' test "$(unsent "RECV@127.0.0.1:$port")" = 1
imgquery -C arch --format jsonl -l study --not-sent-to \
	"RECV@127.0.0.1:$port" >o
ok 'its study is listed' grep -q '"StudyInstanceUID":"2.25.101"' o
ok 'alone' test "$(wc -l <o)" = 1
exits 64 'a peer that is none' imgquery -C arch --not-sent-to nobody

# ---- peers by name -------------------------------------------------------

cat >arch/peers.json <<!
{ "near": { "aet": "RECV", "host": "127.0.0.1", "port": $port,
            "calling": "US" },
  "safe": { "aet": "SAFE", "host": "127.0.0.1", "port": $port, "tls": true } }
!
exits 0 'by name' timeout 60 imgsend -q -C arch -c near in/1.dcm
ok 'the ledger has the name' grep -q '"peer":"near"' out
exits 0 'by the address that is listed' timeout 60 imgsend -q -C arch \
	-c "RECV@127.0.0.1:$port" in/1.dcm
ok 'it is the same peer' test "$(records skipped)" = 1
exits 3 'set up for TLS' timeout 60 imgsend -q -C arch --retries 0 \
	-c "SAFE@127.0.0.1:$port" in/1.dcm
ok 'is not sent to in plain text' grep -q '"status":"\(refused\|failed\)"' out
for as in "SAFE @127.0.0.1" "SAFE@127.0.0.01" "SAFE@127.1" "SAFE@127.1." " SAFE@127.0.0.1"; do
	exits 3 "'$as' is the same" timeout 60 imgsend -q -C arch --retries 0 \
		-c "$as:$port" in/1.dcm
	ok 'and has its name' grep -q '"peer":"safe"' out
done
echo "{ \"safe\": { \"aet\": \"SAFE\", \"host\": \"localhost.\",
	\"port\": $port, \"tls\": true } }" >arch/peers.json
exits 3 'a name without its dot' timeout 60 imgsend -q -C arch --retries 0 \
	-c "SAFE@localhost:$port" in/1.dcm
ok 'is the same' grep -q '"peer":"safe"' out
echo '{ "two": { "aet": "RECV", "host": "h", "port": 1,
	"url": "https://h.example/web" } }' >arch/peers.json
exits 64 'a peer of both kinds' imgsend -C arch -c two in/1.dcm
ok 'is told' grep -q 'url stands instead of' err
exits 64 'a name that is not listed' imgsend -C arch -c far in/1.dcm
echo '{ "near": { "aet": "RECV", "host": "h", "port": 1, "tsl": true } }' \
	>arch/peers.json
exits 64 'a key that is misspelt' imgsend -C arch -c near in/1.dcm
ok 'is named' grep -q 'tsl is a key that is not known' err
printf '%s\n' '{ "near": { "aet": "RE\\CV", "host": "h", "port": 1 } }' \
	>arch/peers.json
exits 64 'a title with a backslash' imgsend -C arch -c near in/1.dcm
ok 'is told' grep -q 'peer .near.: an AE title has 1 to 16 char.* no backslash' err
echo '{ "near": { "url": "https:///web" } }' >arch/peers.json
exits 64 'a URL without a host' imgsend -C arch -c near in/1.dcm
ok 'is told' grep -q 'peer .near.: url is not https:// and a host' err
head -c 1200000 /dev/zero | tr '\0' ' ' >arch/peers.json
exits 3 'a file that is too big' imgsend -C arch -c near in/1.dcm
ok 'is named' grep -q '^imgsend: arch/peers.json: over 1048576 bytes' err
echo '{ "near": ' >arch/peers.json
exits 64 'a file that is no JSON' imgsend -C arch -c near in/1.dcm
rm arch/peers.json

# ---- no descriptor for a report that comes -------------------------------

: >peer.log
serve_bad status0000
free_port
back=$port
imgsend -q -C none --commit --commit-port "$back" --commit-timeout 60 \
	-c "BAD@127.0.0.1:$(cat port)" in/1.dcm >o 2>e &
sender=$!
peers_="$peers_ $sender"
ok 'it listens for the report' listening
ok 'it has asked' until_ grep -q '^asked to commit$' peer.log
# ticks: what it has had of the processors, in hundredths of a second
ticks()
{
	cut -d ' ' -f 14,15 "/proc/$sender/stat" | tr ' ' '+'
}
prlimit --pid $sender --nofile=3:3
serve perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(
	PeerAddr => "127.0.0.1", PeerPort => $ARGV[0]) or die; sleep 60' "$back"
sleep 0.5
before=$(($(ticks)))
sleep 2
ok 'it is waited for without turning round' test $(($(ticks) - before)) -lt 20
gone $sender

# ---- a peer that is asked ------------------------------------------------

serve_qr
ok 'dcmqrscp is there' listening
exits 0 'a peer without storage commitment' timeout 60 imgsend -q -C arch \
	--commit -c "QR@127.0.0.1:$port" in/1.dcm in/2.dcm in/3.dcm
ok 'is asked what it has' test "$(grep -c '"proof":"found"' out)" = 3
store_scp got
exits 1 'one that cannot be asked' timeout 60 imgsend -q -C arch --commit \
	-c "ST@127.0.0.1:$port" in/1.dcm
ok 'is not believed' grep -q '^{"status":"sent".*"warning":\["unproved: ' out
finish
