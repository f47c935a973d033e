# imgsend.t - objects to storescp; answers, the ledger, exit statuses.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
. "$TOP/tests/peer.sh"
need storescp dcmconv dcmdump

for i in 1 2 3 4 5 6; do
	mkdir -p in && img in/$i.dcm $i --study "2.25.10$((i % 2))" \
		--series "2.25.20$((i % 3))"
done
import in >/dev/null
store_scp got +xa
to="PACS@127.0.0.1:$port"

send()
{
	timeout 60 imgsend -q -C arch -c "$to" --retries 0 "$@"
}

# data_set FILE: its bytes after the file meta information
data_set()
{
	perl -e 'local $/; open F, "<", $ARGV[0] or die; $_ = <F>;
		print substr $_, 144 + unpack "V", substr $_, 140, 4' "$1"
}

# arrived N FILE: what the peer has of 2.25.N is the data set of FILE
arrived()
{
	f_=$(find got -name "*.2.25.$1")
	data_set "$f_" >a_ && data_set "$2" >b_ && [ -s a_ ] && cmp a_ b_
}

# ---- is it there? --------------------------------------------------------

exits 0 'C-ECHO' timeout 60 imgsend -c "$to" --echo
ok 'it answers' grep -q "^imgsend: $to answers, [0-9]* ms$" err
ok 'no records' test ! -s out
busy=$port
free_port
exits 3 'nobody there' timeout 60 imgsend -c "PACS@127.0.0.1:$port" --echo \
	--retries 0
same 'says why' err <<!
imgsend: 127.0.0.1:$port: Connection refused
!
exits 3 'nobody there to take an object' timeout 60 imgsend -C none \
	-c "PACS@127.0.0.1:$port" --retries 0 in/1.dcm in/2.dcm
ok 'both failed' test "$(records failed)" = 2
ok 'for that reason' test "$(grep -c '"code":"transport"' out)" = 2
sed 's/, [0-9.]* s$//' err >told
same 'people are told once, and of how many' told <<!
imgsend: in/1.dcm: 127.0.0.1:$port: Connection refused
imgsend: 1 more: 127.0.0.1:$port: Connection refused
imgsend: 2 inputs: 2 failed
!
port=$busy
printf '(0010,0010)\tPN\tPatientName\t1\tDICOM\n' >part.dic
for dic in /nowhere part.dic; do
	exits 3 "DCMTK finds no whole data dictionary: $dic" \
		env DCMDICTPATH=$dic timeout 60 \
		imgsend -C none -c "$to" --retries 0 in/1.dcm
	ok 'is no mistake of ours' \
		grep -q '"code":"io","message":"in/1.dcm: DCMTK' out
done

# ---- what arrives --------------------------------------------------------

exits 0 'a file' send in/1.dcm
sed 's/"digest":"[0-9a-f]\{64\}"/"digest":"D"/' out >o
same 'its record' o <<!
{"status":"sent","path":"in/1.dcm","StudyInstanceUID":"2.25.101","SeriesInstanceUID":"2.25.201","SOPInstanceUID":"2.25.1","SOPClassUID":"1.2.840.10008.5.1.4.1.1.7","TransferSyntaxUID":"1.2.840.10008.1.2.1","Modality":"OT","bytes":$(wc -c <in/1.dcm),"digest":"D","peer":"$to","response":"0000","proof":"response"}
!
ok 'its data set arrives as it was' arrived 1 in/1.dcm
exits 0 'a study of the archive' send 2.25.100
ok 'three images' test "$(records sent)" = 3
for i in 2 4 6; do
	ok "image $i arrives as it was" arrived $i in/$i.dcm
done
exits 0 'records from a pipe' sh -c \
	"imgquery -C arch -l image --format jsonl | timeout 60 imgsend -q \
	-C arch -c '$to'"
ok 'what it has is skipped' test "$(records skipped)" = 4
ok 'the others are sent' test "$(records sent)" = 2
exits 0 'all of it again' send in
ok 'is skipped' test "$(records skipped)" = 6
exits 0 'all of it with --again' send --again in
ok 'is sent' test "$(records sent)" = 6
exits 0 'another peer' timeout 60 imgsend -q -C arch \
	-c "OTHER@127.0.0.1:$port" in
ok 'has a ledger of its own' test "$(records sent)" = 6
echo '{"status":"stored","path":"in/3.dcm","SOPInstanceUID":"2.25.3","note":{"a":[1]},"n":2,"m":""}' |
	send --again >out
ok 'what a record says else goes on' \
	grep -q '[^,],"note":{"a":\[1\]},"n":2,"m":""}$' out
echo '{"status":"stored","path":"in/3.dcm","digest":"xyz"}' >rec
exits 3 'a record with a digest that is none' send --again <rec
ok 'fails' grep -q '^{"status":"failed".*"code":"usage".*digest is not 64' out
exits 3 'the ledger cannot be written' failio write:ENOSPC:audit.log timeout \
	60 imgsend -q -C arch -c "$to" --again in/1.dcm
ok 'what the peer has taken is not called sent' grep -q '^{"status":"failed".*"message":"in/1.dcm: the peer has taken it, but the ledger could not be written: .*audit.log: No space left' out
echo '{"status":"failed","path":"x","error":{"code":"io","message":"m","by":"z"}}' >rec
exits 3 'a record with an error' send <rec
same 'passes through' out <rec
rows 'SELECT name, status, count(*), min(response), max(proof) FROM sent
	JOIN peer ON peer.id = peer GROUP BY 1, 2 ORDER BY 1' >o
same 'the ledger' o <<!
OTHER@127.0.0.1:$port|sent|6|0|response
$to|sent|6|0|response
!

if is_root; then
	cp -a arch theirs && chmod -R go+rX theirs && chmod 711 . "$T"
	exits 3 'an archive that cannot be written' nobody imgsend -q \
		-C theirs -c "$to" 2.25.1
	same 'is not sent from, and it is said what to do' err <<'!'
imgsend: theirs/lock: Permission denied; what is sent has to be noted there: send from a copy, or what imgexport gives out, with another -C
!
	ok 'and nothing is said to be sent' test ! -s out
	exits 0 'what it gives out' imgexport -q -C theirs -o given 2.25.1
	exits 0 'can be sent' imgsend -q -C none -c "$to" given
	ok 'without a ledger' test "$(records sent)" = 1 -a ! -e none
	rm -rf theirs given
else
	skip 'an archive that cannot be written' 'not root'
fi

# ---- an odd length cannot be sent ----------------------------------------

cp in/1.dcm odd.dcm
printf '\341\177\020\000LO\003\000abc' >>odd.dcm
exits 0 'a data set of odd length' send odd.dcm
ok 'its record says that it was padded' grep -q \
	'"warning":\["padded: [a-z ]*"\].*"response":"0000"' out
cp in/1.dcm even.dcm
printf '\341\177\020\000LO\004\000abc ' >>even.dcm
ok 'with a space, as text is' arrived 1 even.dcm
exits 0 'as it was' send --again in/1.dcm

# ---- what does not go ----------------------------------------------------

o=$(rows "SELECT 'arch/objects/' || substr(lower(hex(digest)), 1, 2) || '/' ||
	lower(hex(digest)) FROM object JOIN instance ON instance.id = instance
	WHERE SOPInstanceUID = '2.25.5'")
bitflip "$o" 700 >/dev/null
exits 2 'a damaged object' send --again 2.25.5 2.25.1
ok 'is failed' grep -q '^{"status":"failed".*"code":"malformed".*damaged' out
ok 'and not sent; the other is' test "$(records sent)" = 1
cp in/1.dcm made.dcm
echo '{"status":"deidentified","path":"made.dcm","SOPInstanceUID":"2.25.99",'\
'"digest":"'"$(b2sum -l 256 made.dcm | cut -c1-64)"'"}' >rec
exits 0 'a file that is what its record says' timeout 60 imgsend -q -C none \
	-c "$to" - <rec
bitflip made.dcm 700 >/dev/null
exits 3 'no more after a flipped bit' timeout 60 imgsend -q -C none \
	-c "$to" - <rec
ok 'for its digest' grep -q '^{"status":"failed","path":"made.dcm".*damaged' out
sed 's/"SOPInstanceUID":"2.25.99",//' rec >bare
exits 3 'nor by a record without a UID' timeout 60 imgsend -q -C none \
	-c "$to" - <bare
ok 'for its digest' grep -q '^{"status":"failed","path":"made.dcm".*damaged' out
echo 'no image' >in/readme.txt
head -c 600 in/1.dcm >in/cut.dcm
head -c 600 /dev/zero >in/IM7
mkdir sub && ln -s ../sub in/tosub && ln -s absent in/nowhere && mkfifo in/pipe
exits 2 'a folder with others in it' send --again in
grep 'in/\(tosub\|nowhere\|pipe\)"' out | sed 's/,"peer":"[^"]*"//' |
	sort >others
same 'links and pipes have records' others <<!
{"status":"failed","path":"in/nowhere","error":{"code":"io","message":"in/nowhere: No such file or directory","by":"imgsend"}}
{"status":"ignored","path":"in/pipe","reason":"neither a file nor a folder"}
{"status":"ignored","path":"in/tosub","reason":"symbolic link to a folder"}
!
ok 'what is no image is ignored' grep -q \
	'^{"status":"ignored","path":"in/readme.txt"' out
ok 'what is cut off is failed' grep -q \
	'^{"status":"failed","path":"in/cut.dcm".*"code":"truncated"' out
ok 'so is what may have been an image' grep -q \
	'^{"status":"failed","path":"in/IM7".*"code":"not-dicom"' out
rm in/IM7
ok 'the images are sent' test "$(records sent)" = 6
mkdir paper && cp in/readme.txt paper
exits 1 'nothing but what is ignored' send paper
ok 'is none of it sent' test "$(records ignored)" = 1
exits 3 'no such thing' send nowhere.dcm 2.25.999
ok 'each has a record' test "$(records failed)" = 2
rm -f in/readme.txt in/cut.dcm in/tosub in/nowhere in/pipe

# ---- transfer syntaxes ---------------------------------------------------

store_scp plain +xi
exits 0 'a peer for implicit VR only' timeout 60 imgsend -q -C none \
	-c "P@127.0.0.1:$port" in/1.dcm
ok 'gets it recoded' grep -q '"sent_as":"1.2.840.10008.1.2"' out
dcmconv +ti in/1.dcm want.dcm
ok 'as dcmconv would' sh -c \
	'dcmdump -q want.dcm | grep -v "^#\|^$\|^(0002" >w
	dcmdump -q plain/*.2.25.1 | grep -v "^#\|^$\|^(0002" >g; cmp w g'
# The second is loaded while the first goes, and read anew to be recoded.
mkdir changes
cp in/1.dcm changes/1.dcm
cp in/2.dcm changes/2.dcm
store_scp slowly +xi -v --sleep-during 3
timeout 60 imgsend -q -C none -j 1 --retries 0 -c "P@127.0.0.1:$port" changes \
	>out 2>err &
sending=$!
while ! grep -q 'Received Store Request' peer.log &&
	kill -0 $sending 2>/dev/null; do
	sleep 0.1
done
sleep 1
bitflip changes/2.dcm "$(($(stat -c %s changes/2.dcm) - 9))" >/dev/null
wait "$sending"
status=$?
ok 'one that changes before it is recoded' test "$status" = 2
ok 'is not sent' grep -q '^{"status":"failed","path":"changes/2.dcm".*"code":"io".*changed' out
store_scp few +xe
dcmcrle in/2.dcm rle.dcm
dcmcjpeg +eb in/2.dcm lossy.dcm
few="P@127.0.0.1:$port"
exits 2 'compressed objects among plain ones' timeout 60 imgsend -q -C none \
	-c "$few" in/1.dcm rle.dcm lossy.dcm in/3.dcm
ok 'what was compressed with loss is refused' grep -q '^{"status":"refused","path":"lossy.dcm".*"message":"lossy.dcm: the peer does not take this transfer syntax"' out
ok 'alone' test "$(records sent)" = 3
ok 'what was without is decoded' grep -q \
	'"path":"rle.dcm".*"sent_as":"1.2.840.10008.1.2.1"' out
dcmdump -q +P 7fe0,0010 few/*.2.25.2 >g
dcmdump -q +P 7fe0,0010 in/2.dcm >w
ok 'to the pixels it had' cmp g w
cp lossy.dcm lossy2.dcm
exits 3 'two that it does not take' timeout 60 imgsend -q -C none -c "$few" \
	-j 1 lossy.dcm lossy2.dcm
ok 'each has a record' test "$(records refused)" = 2
same 'people are told once' err <<!
imgsend: lossy.dcm: the peer does not take this transfer syntax
imgsend: 1 more: the peer does not take this transfer syntax
!
exits 0 'unless it is allowed' timeout 60 imgsend -q -C none -c "$few" \
	--allow-lossy lossy.dcm
ok 'then it is decoded' grep -q '"sent_as":' out

# ---- what imganon has withheld is named by the original's path --------------

echo '{"status":"invalid","path":"in/1.dcm","findings":[]}' >held
exits 1 'what imgverify has found wrong' sh -c \
	"timeout 60 imgsend -q -C none -c '$few' --again <held"
ok 'is passed on, too' cmp out held
echo '{"status":"withheld","path":"in/1.dcm","reason":"pixels"}' >held
exits 1 'what was withheld' sh -c \
	"timeout 60 imgsend -q -C none -c '$few' --again <held"
ok 'is passed on' cmp out held
ok 'and does not go out' test "$(records sent)" = 0
echo '{"status":"missing","reason":"not in the catalog","key":"NOBODY"}' >gone
exits 1 'what nobody has, beside another' sh -c "(cat gone; echo in/1.dcm) |
	timeout 60 imgsend -q -C none -c '$few'"
ok 'is passed on' sh -c 'grep "\"missing\"" out | cmp - gone'
ok 'the other is sent' test "$(records sent)" = 1

phantom one long.dcm --uid "2.25.$(yes 1 | head -n 70 | tr -d '\n')"
exits 3 'a UID that is too long' timeout 60 imgsend -q -C none -c "$few" long.dcm
ok 'is not sent under another one' grep -q \
	'^{"status":"failed".*without a valid SOPClassUID and SOPInstanceUID' out

# ---- usage, output -------------------------------------------------------

exits 64 'no peer' imgsend in/1.dcm
exits 64 'no port' imgsend -c PACS@host in/1.dcm
exits 64 'a port of 70000' imgsend -c PACS@host:70000 in/1.dcm
exits 64 'a port for nothing' imgsend -c "$to" --commit-port 104 x
exits 64 'an AE title too long' imgsend -c ABCDEFGHIJKLMNOPQ@host:104 x
for w in 25:00-07:00 18:00-07:00x 18:00x-07:00 18:00-07 18:00-18:00; do
	exits 64 "a bad window: $w" imgsend -c "$to" --window $w in/1.dcm
done
mkdir empty
exits 1 'an empty folder' imgsend -C none -c "$to" empty
ok 'is not called sent' grep -qx 'imgsend: no files there' err
exits 0 'nothing on stdin' imgsend -q -C none -c "$to" </dev/null
exits 64 'an echo of files' imgsend -c "$to" --echo in/1.dcm
exits 3 'stdout is full' sh -c "timeout 60 imgsend -q -C arch -c '$to' \
	--again in >/dev/full"
finish
