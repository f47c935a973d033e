# imgrecv.t - a listener: what is stored, what is answered, who may come.
. "$(dirname "$0")/lib.sh"
need storescu echoscu dcmsend dump2dcm
. "$TOP/tests/recv.sh"

one()
{
	file_=$1 n_=$2
	shift 2
	phantom one --study 2.25.10 --series 2.25.11 --uid "2.25.$n_" \
		--instance "$n_" --modality CT --date 20240102 "$@" "$file_"
}
# sends: storescu with the listener's title
sends()
{
	storescu -aet SENDER -aec IMGRECV 127.0.0.1 "$port" "$@"
}
statuses()
{
	sed -n 's/.*"status":"\([^"]*\)".*/\1/p' recv.out | tr '\n' ' '
}
mkdir in
for n in 1 2 3; do one in/$n.dcm $n; done

# ---- storing --------------------------------------------------------------

ok 'listens' recv_start
exits 0 'C-ECHO' echoscu -aec IMGRECV 127.0.0.1 "$port"
exits 3 'a port that is in use' imgrecv -q -C second -p "$port"
same 'is named' err <<!
imgrecv: 127.0.0.1, port $port: Address already in use
!
exits 3 'called by another title' imgsend -C none --echo \
	-c "OTHER@127.0.0.1:$port"
same 'is said, and by which' err <<!
imgsend: OTHER@127.0.0.1:$port: the peer rejects the association: it is not called by that AE title
!
exits 0 'C-STORE' sends in/1.dcm in/2.dcm
ok 'a record for each' test "$(statuses)" = 'stored stored '
d=$(b2sum -l 256 "$(file_of 2.25.1)" | cut -d ' ' -f 1)
head -n 1 recv.out >first
same 'the record of the first' first <<!
{"status":"stored","StudyInstanceUID":"2.25.10","SeriesInstanceUID":"2.25.11","SOPInstanceUID":"2.25.1","SOPClassUID":"1.2.840.10008.5.1.4.1.1.2","TransferSyntaxUID":"1.2.840.10008.1.2.1","Modality":"CT","bytes":$(wc -c <"$(file_of 2.25.1)" | tr -d ' '),"digest":"$d","from":"SENDER@127.0.0.1"}
!
dataset in/1.dcm >want
dataset "$(file_of 2.25.1)" >have
ok 'the data set is what was sent' cmp want have
exits 0 'the same again' sends in/1.dcm
ok 'is a duplicate' test "$(statuses)" = 'stored stored duplicate '
one in/4.dcm 4
exits 0 'an object from a disc' imgimport -q -C archive in/4.dcm
exits 0 'that comes over the network, too' sends in/4.dcm
ok 'is a duplicate: its file meta is not of it' test "$(statuses)" = \
	'stored stored duplicate duplicate '
ok 'and the digest is that of the first' grep -q \
	"2.25.4\".*$(b2sum -l 256 in/4.dcm | cut -d ' ' -f 1)" recv.out
one in/other.dcm 2 --date 20240103
exits 0 'other bytes with a known UID' sends in/other.dcm
ok 'are a conflict' test "$(statuses)" = \
	'stored stored duplicate duplicate conflict '
ok 'and kept' test "$(imgquery -C archive --conflicts --format jsonl |
	wc -l)" = 2
exits 0 'four associations side by side' sh -c "
	for i in 1 2 3 4; do
		dcmsend -aec IMGRECV 127.0.0.1 $port +sd in & p=\"\$p \$!\"
	done
	for i in \$p; do wait \$i || exit 1; done"
exits 143 'ends when asked to' recv_stop
ok 'nothing is in tmp' test -z "$(find archive/tmp -type f)"
ok 'sums up' grep -q '^imgrecv: 25 inputs: 3 stored, [12][0-9] duplicate' recv.err
exits 0 'what it stored is intact' imgverify -C archive 2.25.10
exits 0 'and the log is whole' imgverify -C archive --audit
ok 'and says who sent it' grep -q '"act":"stored","from":"SENDER@127.0.0.1",' \
	archive/audit.log

# ---- answers --------------------------------------------------------------

# What storescu says of the answers.
answers()
{
	sends -v "$@" 2>&1 | sed -n 's/.*Received Store Response (\(.*\)).*/\1/p'
}
recv_start --on-conflict reject
one in/third.dcm 3 --date 20240105
answers in/third.dcm >got
ok 'a rejected conflict is refused' grep -q 'Duplicate\|0x0111\|111' got
ok 'and has a record that says so' grep -q '"status":"rejected".*"code":"refused"' recv.out
recv_stop
recv_start --warn-conflict
answers in/third.dcm >got
ok 'a conflict can be a warning' grep -q 'Warning' got
recv_stop

# ---- the catalog is made anew meanwhile ------------------------------------

recv_start
sends in/1.dcm
exits 0 'a rebuild' imgverify -q -C archive --rebuild
one in/5.dcm 5
exits 0 'is no end of storing' sends in/5.dcm
one in/6.dcm 5 --date 20240106
exits 0 'a conflict' sends in/6.dcm
exits 0 'another rebuild' imgverify -q -C archive --rebuild
exits 1 'a refusal' echoscu -aec OTHER 127.0.0.1 "$port"
exits 143 'ends' recv_stop
ok 'each has its record' test "$(statuses)" = 'duplicate stored conflict '
ok 'what came is in the new catalog' test \
	"$(imgquery -C archive --count -l image SOPInstanceUID=2.25.5)" = 1
exits 0 'and in the audit log' imgquery -C archive --audit --format csv
cut -d, -f3,5,6 out | tail -n 4 >got
same 'with all that was behind it' got <<'!'
imgverify,rebuilt,
imgrecv,refused,ECHOSCU@127.0.0.1
imgrecv,stopped,
imgquery,audit-read,
!

# ---- who may come ---------------------------------------------------------

recv_start -a ' IMGRECV ' --allow 'SEN* @127.0.0.0/8' --allow NOBODY@10.1.2.3
exits 0 'one that is allowed' echoscu -aet SENDER -aec IMGRECV 127.0.0.1 "$port"
exits 1 'another title' echoscu -aet OTHER -aec IMGRECV 127.0.0.1 "$port"
ok 'says so' grep -q '^imgrecv: OTHER@127.0.0.1: refused: calling AE title' \
	recv.err
exits 1 'a title from another address' \
	echoscu -aet NOBODY -aec IMGRECV 127.0.0.1 "$port"
exits 1 'called by another name' \
	echoscu -aet SENDER -aec OTHER 127.0.0.1 "$port"
ok 'is told the reason' grep -q 'Called AE Title Not Recognized' err
ok 'as we are' grep -qx \
	'imgrecv: SENDER@127.0.0.1: refused: called by another AE title' recv.err
exits 1 'by a longer one' echoscu -aet SENDER -aec IMGRECV2 127.0.0.1 "$port"
exits 1 'in small letters' echoscu -aet SENDER -aec imgrecv 127.0.0.1 "$port"
exits 143 'ends' recv_stop
ok 'refusals are in the audit log' test "$(grep -c \
	'"act":"refused","from":"\(OTHER\|NOBODY\|SENDER\)@127.0.0.1"' \
	archive/audit.log)" = 5
exits 0 'which is whole' imgverify -C archive --audit
recv_start --allow @10.0.0.0/8
exits 1 'an address that is not allowed' \
	echoscu -aec IMGRECV 127.0.0.1 "$port"
recv_stop
echo '# rules' >rules
recv_start --any-called --allow-file rules
exits 1 'rules that let nobody in' echoscu -aec OTHER 127.0.0.1 "$port"
echo '@127.0.0.1' >>rules
kill -HUP "$recv"
sleep 1
exits 0 'any title will do' echoscu -aec OTHER 127.0.0.1 "$port"
echo 'NOBODY@10.1.2.3 # only' >rules
kill -HUP "$recv"
sleep 1
exits 1 'rules are read again' echoscu -aec OTHER 127.0.0.1 "$port"
echo 'NOBODY@10.1.2' >>rules
kill -HUP "$recv"
sleep 1
ok 'bad ones are not taken' grep -q 'the rules stay as they were' recv.err
recv_stop

# ---- studies --------------------------------------------------------------

recv_start --on-stable 1s
sends in/1.dcm in/2.dcm
ok 'not yet' sh -c '! grep -q stable recv.out'
for _ in $(seq 50); do
	grep -q stable recv.out && break
	sleep 0.1
done
tail -n 1 recv.out >last
same 'a study that has become quiet' last <<!
{"status":"stable","StudyInstanceUID":"2.25.10","objects":2}
!
recv_stop
ok 'which was no input' grep -q '^imgrecv: 2 inputs: .* 1 stable, ' recv.err

# ---- service managers -----------------------------------------------------

cat >manager.pl <<'!'
# Opens what the manager would, and becomes the listener.
$^F = 100; # descriptors stay open
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX;
my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1');
my $n = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => 'notify');
if (fork() == 0) {
	$n->recv(my $said, 100);
	open my $out, '>', 'ready';
	print $out "$said\n";
	close $out;
	POSIX::_exit(0);
}
open my $out, '>', 'port.tmp';
print $out $l->sockport, "\n";
close $out;
POSIX::dup2(fileno($l), 3);
rename 'port.tmp', 'port';
$ENV{LISTEN_FDS} = 1;
$ENV{LISTEN_PID} = $$;
$ENV{NOTIFY_SOCKET} = "$ENV{PWD}/notify";
exec 'imgrecv', '-q', '-C', 'archive';
!
if command -v perl >/dev/null; then
	perl manager.pl >recv.out 2>recv.err &
	recv=$!
	for _ in $(seq 100); do
		[ -s ready ] && break
		sleep 0.1
	done
	ok 'says that it is ready' grep -qx 'READY=1' ready
	exits 0 'a socket that was opened for us' \
		echoscu -aec IMGRECV 127.0.0.1 "$(cat port)"
	exits 143 'ends' recv_stop
else
	skip 'sockets of a service manager' 'perl is not here'
fi

# ---- usage ----------------------------------------------------------------

exits 64 'operands' imgrecv x
exits 64 'a long title' imgrecv -a 12345678901234567
exits 64 'a title of blanks' imgrecv -a '  '
exits 64 'a title with a tab' imgrecv -a "A$(printf '\t')B"
exits 64 'a rule for blanks' imgrecv -C archive --allow ' @10.0.0.1'
exits 64 'no bytes' imgrecv -C archive --max-object 0
exits 64 'a time too long' imgrecv --on-stable 8d
exits 64 'no time' imgrecv --on-stable 5x
exits 64 'none' imgrecv --on-stable 0
exits 64 'a bad rule' imgrecv -C none --allow 'A@10.0.0.0/33'
exits 64 'a rule that ends with @' imgrecv -C none -p 0 --allow 'A@'
ok 'is none for all' grep -qx \
	'imgrecv: A@: no address behind @, as 10.1.2.3 or \*' err
printf '# ours\n\nA@10.0.0.1\nB@10.0.0.256\n' >lines
exits 64 'a bad rule in a file' imgrecv -C none -p 0 --allow-file lines
ok 'has its line named' grep -q '^imgrecv: lines:4: 10.0.0.256: no address' err
printf 'A@10.0.0.1\0\nB@10.0.0.2\n' >lines
exits 64 'a NUL is no end of it' imgrecv -C none -p 0 --allow-file lines
exits 64 'no such address' imgrecv -C none -p 0 --listen nowhere.invalid
exits 64 'open to others without rules' \
	imgrecv -C none -p 0 --listen 0.0.0.0
exits 64 'nor over IPv6' imgrecv -C none -p 0 --listen ::
ok 'wrong usage makes no archive' test ! -e none
exits 64 'a port that is none' imgrecv -p 65536
exits 64 'tiny PDUs' imgrecv --max-pdu 100
exits 3 'no archive can be made' imgrecv -C /dev/null/x -p 0
finish
