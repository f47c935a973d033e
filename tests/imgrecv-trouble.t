# imgrecv-trouble.t - a full disk, a locked archive, an end in the middle, a
# crowd: what was answered Success is there, and the rest is told.
# shellcheck disable=SC2046 # names without blanks
. "$(dirname "$0")/lib.sh"
need storescu echoscu perl
. "$TOP/tests/recv.sh"

phantom small in 200 >/dev/null
set -- $(find in -type f | LC_ALL=C sort)

# kept: every UID in acks is in the catalog with its bytes.
kept()
{
	LC_ALL=C sort -u acks >want
	imgquery -C archive -l image -f SOPInstanceUID --format jsonl |
		grep -o '[0-9.]\{10,\}' | LC_ALL=C sort -u >have
	test -z "$(LC_ALL=C comm -23 want have)" &&
		imgverify -q -C archive >verify.out 2>verify.err
}
# one_status FILE: what the answer to it was
one_status()
{
	storescu -v -aec IMGRECV 127.0.0.1 "$port" "$1" 2>&1 | sed -n \
		's/.*Received Store Response (\(.*\)).*/\1/p'
}

# ---- no room --------------------------------------------------------------

mounted=
if mkdir archive && mount -t tmpfs -o size=18m,mode=700 none archive \
	2>/dev/null; then
	mounted=$(pwd)/archive
	trap 'cd / && umount "$mounted"; recv_quit_' EXIT
	phantom large big 12 >/dev/null
	recv_start
	storer "$port" IMGRECV $(find big -type f | LC_ALL=C sort) >acks
	ok 'some had room' test -s acks
	ok 'not all' test "$(wc -l <acks)" -lt 12
	ok 'the rest is told' grep -q \
		'"status":"failed".*"code":"io".*no room for another object' \
		recv.out
	one_status "$1" >got
	ok 'and answered A700' grep -qi 'a700\|OutOfResources' got
	ok 'what was acknowledged is intact' kept
	ok 'one record for each' test "$(wc -l <recv.out)" = 13
	ok 'C-ECHO is answered' echoscu -aec IMGRECV 127.0.0.1 "$port"
	mount -o remount,size=80m archive
	exits 0 'with room, all of it' \
		storer "$port" IMGRECV $(find big -type f)
	cat out >>acks
	ok 'is there' test "$(LC_ALL=C sort -u acks | wc -l)" = 12
	ok 'and intact' kept
	exits 143 'ends' recv_stop
	ok 'nothing is left in tmp' test -z "$(find archive/tmp -type f)"
	umount archive
	trap recv_quit_ EXIT
else
	skip 'a full disk' 'nothing can be mounted'
fi
rm -rf archive

# ---- a locked archive -----------------------------------------------------

# ends_soon WHEN OBJECT SECONDS: asked to while an object waits to be stored
ends_soon()
{
	storer "$port" IMGRECV "$2" >acks &
	sender=$!
	sleep 1
	begin=$(date +%s)
	exits 143 "asked to end while $1" recv_stop
	ok 'it does so soon' test $(($(date +%s) - begin)) -lt "$3"
	wait $sender
	ok 'nothing was acknowledged' test ! -s acks
}
recv_start
holdlock archive/lock 3 >held &
holder=$!
until_ test -s held
exits 0 'somebody else is at work' storer "$port" IMGRECV "$1"
cp out acks
ok 'is waited for' sh -c "! kill -0 $holder 2>/dev/null"
ok 'nothing is lost' kept
: >held
holdlock archive/lock 60 >held &
holder=$!
until_ test -s held
ends_soon 'the archive is locked' "$2" 15
ok 'and that is told' grep -q '"status":"failed".*"code":"busy"' recv.out
kill $holder
wait $holder 2>/dev/null
recv_start
exits 0 'the next time' storer "$port" IMGRECV "$2"
cp out acks
ok 'it is stored' kept
recv_stop
if command -v sqlite3 >/dev/null; then
	recv_start
	mkfifo sql
	: >held
	sqlite3 archive/catalog.db <sql >held &
	holder=$!
	exec 3>sql
	echo 'BEGIN IMMEDIATE; SELECT 1;' >&3
	until_ test -s held
	ends_soon 'another program has the catalog' "$3" 30
	exec 3>&-
	wait $holder
fi
if [ -n "${IMG_EVERY:-}" ]; then
	recv_start
	: >held
	holdlock archive/lock 60 >held &
	holder=$!
	until_ test -s held
	one_status "$3" >got
	ok 'locked for longer than we wait: A700' \
		grep -qi 'a700\|OutOfResources' got
	kill $holder
	wait $holder 2>/dev/null
	exits 0 'it goes on' storer "$port" IMGRECV "$3"
	recv_stop
fi

# ---- an end in the middle -------------------------------------------------

: >acks
storers=
recv_start
for i in 0 1 2 3; do
	storer "$port" IMGRECV $(printf '%s\n' "$@" | awk "NR % 4 == $i") \
		>acks.$i 2>/dev/null &
	storers="$storers $!"
done
until_ sh -c 'test "$(grep -c stored recv.out)" -gt 10'
exits 143 'asked to end while four are sending' recv_stop
# shellcheck disable=SC2086
wait $storers
cat acks.? >acks
ok 'some were acknowledged' test -s acks
ok 'they are there' kept
ok 'nothing is left in tmp' test -z "$(find archive/tmp -type f)"
exits 0 'the log is whole' imgverify -q -C archive --audit

# ---- a process of its own that somebody ends ------------------------------

recv_start
# shellcheck disable=SC2046 # one word each
kill -9 $(pgrep -P "$recv")
exits 1 'without the process that starts others' \
	echoscu -aec IMGRECV 127.0.0.1 "$port"
exits 3 'a listener ends' wait "$recv"
ok 'and says why' grep -q 'its keeper is gone' recv.err

# ---- a crowd --------------------------------------------------------------

# crowd N: so many associations that say nothing, until it is ended
crowd()
{
	rm -f there
	perl -MIO::Socket::INET -e '
		my $title = sprintf "%-16s%-16s", "IMGRECV", "SILENT";
		my $context = pack "Cx n/a", 0x20, pack("Cx3", 1) .
			pack("Cx n/a", 0x30, "1.2.840.10008.1.1") .
			pack("Cx n/a", 0x40, "1.2.840.10008.1.2");
		my $user = pack "Cx n/a", 0x50, pack("Cx n N", 0x51, 4, 16384) .
			pack("Cx n/a", 0x52, "2.25.5");
		my $rq = pack "Cx N/a", 1, pack("n x2 a32 x32", 1, $title) .
			pack("Cx n/a", 0x10, "1.2.840.10008.3.1.1.1") .
			$context . $user;
		sub one {
			my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
				PeerPort => $ARGV[0]) or die;
			my $type = "";
			syswrite $s, $rq;
			sysread $s, $type, 1;
			return $type eq "\x02" ? $s : ();
		}
		my @s;
		for (1 .. 100) {
			push @s, one();
			last if @s == $ARGV[1];
			select undef, undef, undef, 0.05;
		}
		@s == $ARGV[1] or die;
		open my $f, ">", "there"; close $f; sleep 60' "$port" "$1" &
	crowd=$!
	until_ test -e there
}
# silent N: so many connections
silent()
{
	peer "$port" hold "$1" 60 &
	silent=$!
}
echoes()
{
	echoscu -aec IMGRECV 127.0.0.1 "$port" >out 2>err
}
for option in --max-associations --max-per-peer; do
	recv_start $option 3 --timeout-request 1
	crowd 2
	ok "$option: one more" until_ echoes
	silent 300
	sleep 1
	exits 0 'beside many that have not asked' \
		echoscu -aec IMGRECV 127.0.0.1 "$port"
	kill $silent
	wait $silent 2>/dev/null
	kill $crowd
	wait $crowd 2>/dev/null
	crowd 3
	exits 1 "$option: one too many" echoscu -aec IMGRECV 127.0.0.1 "$port"
	ok 'is rejected for now' grep -qi 'transient' err
	ok 'and that is told' grep -q 'refused: too many associations' recv.err
	kill $crowd
	wait $crowd 2>/dev/null
	ok 'when they are gone, it is let in' until_ echoes
	exits 143 'ends' recv_stop
done
finish
