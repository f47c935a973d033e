# imgsend-link.t - big objects, slow links, links that are cut.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
. "$TOP/tests/peer.sh"
need storescp perl

phantom one --rows 4096 --cols 4096 --frames 3 --uid 2.25.1 big.dcm
for i in 2 3 4 5; do
	img $i.dcm $i --rows 256 --cols 256
done
store_scp got

data_set()
{
	perl -e 'open F, "<", $ARGV[0] or die; local $/; $_ = <F>;
		print substr $_, 144 + unpack "V", substr $_, 140, 4' "$1"
}

exits 0 'an object that does not fit into memory' timeout 60 imgsend -q \
	-C none -c "P@127.0.0.1:$port" big.dcm
ok 'it is over 64 MiB' test "$(wc -c <big.dcm)" -gt 67108864
data_set big.dcm >a
data_set got/*.2.25.1 >b
ok 'arrives as it was' cmp a b
rm -f a b
if command -v /usr/bin/time >/dev/null; then
	/usr/bin/time -f %M -o memory timeout 60 imgsend -q -C none \
		-c "P@127.0.0.1:$port" big.dcm >/dev/null
	ok 'in bounded memory' test "$(cat memory)" -lt 65536
fi
rm -f big.dcm got/*

# 5 objects of 128 KiB at 256 KiB a second
began=$(date +%s%N)
exits 0 'no faster than it may' timeout 60 imgsend -q -C none -j 2 \
	--limit-rate 256K -c "P@127.0.0.1:$port" 2.dcm 3.dcm 4.dcm 5.dcm
took=$((($(date +%s%N) - began) / 1000000))
ok 'it takes its time' test $took -ge 1300
mkdir many
for i in 20 21 22 23 24 25 26 27 28 29; do
	img many/$i.dcm $i --rows 256 --cols 256
done
exits 143 'asked to stop' timeout --preserve-status 2 imgsend -q -C none \
	--limit-rate 128K -c "P@127.0.0.1:$port" many
ok 'it sends no more than what is in hand' test "$(records sent)" -lt 7
now=$(date +%H:%M)
later=$(date -d '+2 hours' +%H:%M)
past=$(date -d '-1 hour' +%H:%M)
exits 0 'within the time of the day' timeout 60 imgsend -q -C none \
	--window "$past-$later" -c "P@127.0.0.1:$port" 2.dcm
exits 143 'not outside of it' timeout --preserve-status 2 imgsend -q -C none \
	--window "$later-$now" -c "P@127.0.0.1:$port" 2.dcm
ok 'nothing is sent' test ! -s out

# ---- a peer that comes back ------------------------------------------------

was=$port
free_port
mkfifo inputs
timeout 120 imgsend -q -C none --retries 0 -c "P@127.0.0.1:$port" <inputs \
	>out 2>err &
sender=$!
exec 8>inputs
echo 2.dcm >&8
sleep 2
serve storescp --fork -od got "$port" 8>&-
listening
echo 3.dcm >&8
sleep 32
echo 4.dcm >&8
exec 8>&-
wait $sender
ok 'some failed, some not' test $? = 2
ok 'what comes at once fails' test "$(records failed)" = 2
ok 'what comes later is sent' sh -c 'grep "4.dcm" out | grep -q "\"sent\""'
port=$was

# ---- a link of its own ---------------------------------------------------

if ! is_root || ! command -v ip >/dev/null || ! command -v nft >/dev/null ||
	! ip netns add "imgsend$$" 2>/dev/null; then
	skip 'a link that is cut' 'no name spaces of the network here'
	finish
fi
ns=imgsend$$
trap 'for p_ in $peers_; do kill "$p_" 2>/dev/null; done
	ip netns del $ns 2>/dev/null
	cd / && chmod -R u+rwX "$T" "${W:-$T}" 2>/dev/null
	rm -rf "$T" "${W:-$T}"' EXIT
there()
{
	ip netns exec $ns "$@"
}
ip link add "v$$" type veth peer name "w$$" netns $ns
ip addr add 10.213.77.1/24 dev "v$$" && ip link set "v$$" up
there ip addr add 10.213.77.2/24 dev "w$$" && there ip link set "w$$" up
there ip link set lo up
rm -f got/*
serve ip netns exec $ns storescp --fork -od got "$port"
to="P@10.213.77.2:$port"
i=0
until timeout 5 imgsend -C none -c "$to" --echo >/dev/null 2>&1; do
	i=$((i + 1))
	[ $i -lt 50 ] || break
	sleep 0.2
done
tc qdisc add dev "v$$" root tbf rate 8mbit burst 32k latency 400ms
exits 0 'a slow link' timeout 60 imgsend -q -C none -c "$to" 2.dcm 3.dcm
ok 'all is sent' test "$(records sent)" = 2
tc qdisc del dev "v$$" root
import [2-5].dcm >/dev/null

# The answer is lost on the way: cut while the objects go.
tc qdisc add dev "v$$" root tbf rate 1mbit burst 32k latency 400ms
timeout 60 imgsend -q -C arch -c "$to" --timeout 2 --retries 0 \
	2.dcm 3.dcm 4.dcm 5.dcm >out 2>err &
pid=$!
sleep 2
there nft add table inet cut
there nft add chain inet cut input '{ type filter hook input priority 0; }'
there nft add rule inet cut input drop
wait $pid
status=$?
ok 'a link that is cut: some have failed' test $status = 2 -o $status = 3
ok 'each has a record' test "$(wc -l <out)" = 4
ok 'those that failed say so' test "$(records failed)" -ge 1
records sent >before
there nft delete table inet cut
tc qdisc del dev "v$$" root
exits 0 'mended: the same again' timeout 60 imgsend -q -C arch -c "$to" \
	2.dcm 3.dcm 4.dcm 5.dcm
ok 'sends the rest' test "$(($(cat before) + $(records sent)))" = 4
ok 'and no more' test "$(records skipped)" = "$(cat before)"
finish
