# imgrecv-places.t - nobody holds more than a share of the places, whatever
# good it did before.
. "$(dirname "$0")/lib.sh"
need openssl peer perl
. "$TOP/tests/recv.sh"

held=
# holds N ADDRESS [SCRIPT]: so many associations from there; what becomes of
# them is in held.ADDRESS
holds()
{
	for _ in $(seq "$1"); do
		peer -b "$2" "$port" "${3:-silent}" >>"held.$2" &
		held="$held $!"
	done
}
# good ADDRESS ...: each has a C-ECHO
good()
{
	for a_; do
		peer -b "$a_" "$port" echo 1 >/dev/null || return
	done
}
# let_all_go: those that are held
let_all_go()
{
	# shellcheck disable=SC2086
	kill $held 2>/dev/null
	# shellcheck disable=SC2086
	wait $held 2>/dev/null
	held=
	rm -f held.*
	sleep 0.5
}
# within MS COMMAND ...: it succeeds in that time
within()
{
	ms_=$1 at_=$(date +%s%N)
	shift
	"$@" && test $((($(date +%s%N) - at_) / 1000000)) -le "$ms_"
}
fails()
{
	! "$@"
}
workers()
{
	pgrep -cP "$recv"
}
gave_way()
{
	grep -c 'nothing came, and others wait for its place$' recv.err
}

# ---- a share ----------------------------------------------------------------

recv_start --timeout-request 8
idle=$(workers)
ok 'four addresses do something' good 127.0.1.1 127.0.1.2 127.0.1.3 127.0.1.4
for i in 1 2 3 4; do holds 16 127.0.1.$i; done
until_ test "$(workers)" -ge $((idle + 50))
sleep 1
ok 'they get no more than is left beside a share' \
	test "$(workers)" -le $((idle + 60))
ok 'a new one comes in at once' within 700 good 127.0.0.9
ok 'and again' within 700 good 127.0.0.9
same 'of nobody'"'"'s' held.127.0.1.1 </dev/null
let_all_go
exits 143 'ends' recv_stop

# ---- idle ones give way -------------------------------------------------------

recv_start --max-associations 7 --timeout-request 8
ok 'seven addresses do something' good 127.0.1.1 127.0.1.2 127.0.1.3 127.0.1.4 \
	127.0.1.5 127.0.1.6 127.0.1.7
holds 1 127.0.1.1 broken-slow
holds 1 127.0.1.2 echoes
sleep 0.3
for i in 3 4 5 6 7; do holds 1 127.0.1.$i; done
sleep 0.5
ok 'one that came last gets a place of theirs' within 6000 good 127.0.0.9
ok 'C-ECHOs do not keep it' grep -qx 'echoes: sent away' held.127.0.1.2
same 'who stores keeps it' held.127.0.1.1 </dev/null
ok 'one is enough' test "$(gave_way)" = 1
holds 1 127.0.0.8
sleep 0.5
ok 'who is idle is not always the same' within 6000 good 127.0.0.9
ok 'but who has been so for longest' test "$(cat held.127.0.1.[3-7])" = \
	'silent: aborted'
same 'and not who came last' held.127.0.0.8 </dev/null
let_all_go
exits 143 'ends' recv_stop

recv_start --max-per-peer 2 --timeout-request 8
holds 2 127.0.1.1
sleep 0.5
ok 'the own ones of an address, too' within 6000 good 127.0.1.1
ok 'it is told' grep -q '^imgrecv: PEER@127.0.1.1: nothing came, and' recv.err
let_all_go
exits 143 'ends' recv_stop

recv_start --max-associations 2 --timeout-request 8
holds 2 127.0.1.1 broken-slow
sleep 0.5
peer -b 127.0.1.1 -t OTHER "$port" object-good >first &
first=$!
sleep 0.2
peer -b 127.0.1.2 "$port" object-good >second &
second=$!
sleep 0.5
# shellcheck disable=SC2086
kill ${held##* }
wait $first $second
ok 'a free place is for who has fewest' sh -c 'grep -v failed recv.out | sed -n 1p |
	grep -q "\"from\":\"PEER@127.0.1.2\""'
ok 'then for the others' test "$(grep -c duplicate recv.out)" = 1
held=${held% *}
let_all_go
exits 143 'ends' recv_stop

# ---- slow ones ------------------------------------------------------------------

# slow ADDRESS RATE: an object of so many bytes a second, for long
slow()
{
	peer -b "$1" "$port" slow "$2" 100000000 60 >"held.$1" &
	held="$held $!"
}
recv_start --max-associations 4 --timeout-request 7
ok 'six addresses do something' good 127.0.1.1 127.0.1.2 127.0.1.3 127.0.1.4 \
	127.0.1.5 127.0.1.6
slow 127.0.1.1 1200
slow 127.0.1.2 8000
slow 127.0.1.3 100000
slow 127.0.1.4 100000
sleep 11
ok 'half of the places may be slow' fails good 127.0.0.9
for i in 1 2; do
	# shellcheck disable=SC2086
	kill ${held##* }
	held=${held% *}
done
sleep 0.5
slow 127.0.1.5 8000
slow 127.0.1.6 9000
sleep 11
ok 'of more one gives up its place' within 6900 good 127.0.0.9
until_ test -s held.127.0.1.1
same 'the slowest' held.127.0.1.1 <<'!'
slow: 0 stored, closed
!
sleep 2
cat held.127.0.1.[2-6] >got
same 'and nobody else' got </dev/null
ok 'it is told' grep -q \
	'^imgrecv: PEER@127.0.1.1: little came, and others wait for its' recv.err
ok 'and counts' grep -q '"status":"failed".*not complete: little came' recv.out
let_all_go
exits 143 'ends' recv_stop

# ---- a disk that stalls makes nobody slow ---------------------------------------

truncate -s 32M fs.img
mkdir mnt
if command -v fsfreeze >/dev/null && mkfs.ext4 -q fs.img 2>/dev/null &&
	mount -o loop fs.img mnt 2>/dev/null; then
	mounted=$PWD/mnt
	trap 'fsfreeze -u "$mounted" 2>/dev/null; kill "$recv" 2>/dev/null
		sleep 1; umount "$mounted"; rm -rf "$T"' EXIT
	imgimport -q -C mnt/archive mnt >/dev/null 2>&1
	mv archive apart 2>/dev/null
	ln -s mnt/archive archive
	recv_start --max-associations 4 --timeout-request 7
	ok 'four addresses do something' good 127.0.1.1 127.0.1.2 127.0.1.3 \
		127.0.1.4
	for i in 1 2 3 4; do slow 127.0.1.$i 100000; done
	sleep 2
	fsfreeze -f mnt
	sleep 9
	fails good 127.0.0.9
	fsfreeze -u mnt
	sleep 2
	cat held.127.0.1.[1-4] >got
	same 'none of four gives way while the disk stalls' got </dev/null
	ok 'and nothing of them is told' \
		sh -c '! grep -q "little came\|not complete" recv.err recv.out'
	let_all_go
	exits 143 'ends' recv_stop
	rm archive && mv apart archive 2>/dev/null
	umount mnt
	trap recv_quit_ EXIT
else
	skip 'a disk that stalls' 'nothing can be mounted'
fi

# ---- a network of IPv6 is one peer ----------------------------------------------

cat >network <<'!'
. "$TOP/tests/recv.sh"
trap - EXIT
ip link set lo up
for a in fd00::1 fd00::2 fd00::3 fd00:0:0:1::1; do
	ip -6 addr add $a/128 dev lo nodad
done
recv_at='\[::1\]'
recv_start --listen ::1 --max-per-peer 2 --timeout-request 1
for a in fd00::1 fd00::2; do
	peer -b $a "$port" silent >/dev/null &
	held="${held-} $!"
done
sleep 0.5
for a in fd00::3 fd00:0:0:1::1; do
	peer -b $a "$port" object-good
done >got
kill $held
recv_stop
!
if unshare -rn true 2>/dev/null && command -v ip >/dev/null; then
	export TOP
	exits 143 'a network of its own' unshare -rn sh ./network
	same 'the third of a network waits' got <<'!'
object-good: no association
object-good: status 0000
!
else
	skip 'IPv6' 'no network of our own is to be had here'
fi

# ---- TLS ----------------------------------------------------------------------

openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out pem -days 2 \
	-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
# secure: a C-ECHO from 127.0.0.1
secure()
{
	imgsend -q -C sender --retries 0 --tls --ca pem --echo \
		-c "IMGRECV@127.0.0.1:$port" >/dev/null
}
# bytes ADDRESS: what comes back to who asks in plain, in hexadecimal digits
bytes()
{
	perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(
		PeerAddr => "127.0.0.1:$ARGV[1]", LocalAddr => $ARGV[0]);
		local $/; print unpack("H*", <$s>), "\n"' "$1" "$port"
}
# shakes ADDRESS: a handshake
shakes()
{
	timeout 20 openssl s_client -bind "$1" -connect "127.0.0.1:$port" \
		</dev/null >/dev/null 2>&1
}
tls='--tls-cert pem --tls-key key --tls-any-peer'
# shellcheck disable=SC2086
recv_start $tls --max-associations 4 --timeout-request 8
idle=$(workers)
for i in 1 2 3 4 5 6; do holds 1 127.0.1.$i tls; done
sleep 0.5
ok 'no process for half a ClientHello' test "$(workers)" = "$idle"
ok 'nobody waits for those' within 900 secure
let_all_go
for i in 1 2 3 4 5 6; do holds 1 127.0.2.$i tls-hello; done
sleep 0.5
ok 'half of a handshake has one' test "$(workers)" -gt "$idle"
ok 'and gives it up soon' within 4000 shakes 127.0.0.5
ok 'which is said' grep -q \
	'^imgrecv: 127.0.2.[1-6]: nothing came, and others wait' recv.err
let_all_go
exits 143 'ends' recv_stop

# shellcheck disable=SC2086
recv_start $tls --allow @127.0.0.1
ok 'who may come' secure
bytes 127.0.0.3 >got
same 'who may not gets an alert: access denied' got <<'!'
15030300020231
!
exits 1 'as a client has it' timeout 20 openssl s_client -bind 127.0.0.3 \
	-connect "127.0.0.1:$port"
ok 'which understands it' grep -q 'alert access denied' err
exits 143 'ends' recv_stop

phantom one --uid 2.25.1 --modality CT 1.dcm
# shellcheck disable=SC2086
recv_start $tls --max-associations 1 --timeout-request 1
(echo 1.dcm; exec sleep 10) | imgsend -q -C none --tls --ca pem \
	-c "IMGRECV@127.0.0.1:$port" >sent 2>&1 &
slow=$!
until_ grep -q stored recv.out
exits 1 'no place' timeout 20 openssl s_client -connect "127.0.0.1:$port"
ok 'is an alert, too' grep -q 'alert internal error' err
kill $slow
wait $slow 2>/dev/null
exits 143 'ends' recv_stop
finish
