# imgrecv-turns.t - comparisons that take long, and whose turn it is: who sends
# many of them waits for himself.
. "$(dirname "$0")/lib.sh"
need dcmconv xargs
. "$TOP/tests/recv.sh"

# Each is in the archive in another encoding than it comes in, at the end.
mkdir first next alone
for n in 1 2 901 902 903 904 905 906; do
	phantom one next/$n.dcm --uid 2.25.$n --modality CT
	dcmconv +ti next/$n.dcm first/$n.dcm
done
# Those of 2.25.90x take their time.
cp "$O/bin/imgrecv" alone/
cat >alone/imgverify <<!
#!/bin/sh
cat >list.\$\$
if xargs -0 grep -qF 2.25.90 <list.\$\$; then
	echo x >>started
	sleep 4
fi
exec "$O/bin/imgverify" "\$@" <list.\$\$
!
chmod +x alone/imgverify
PATH=$PWD/alone:$PATH

begin()
{
	rm -rf archive started
	recv_start
	imgsend -q -C sender --again -c "IMGRECV@127.0.0.1:$port" first >sent
	grep -c '"status":"sent"' sent
}
# slow ADDRESS NAME: sends that from there
slow()
{
	storer -b "$1" "$port" IMGRECV next/"$2".dcm >slow.out &
	sends="$sends $!"
}
# in_hand N: so many slow ones are
in_hand()
{
	test -e started && test "$(wc -l <started)" -ge "$1"
}
# quick SECONDS NAME: one from here has its answer by then
quick()
{
	timeout "$1" storer "$port" IMGRECV next/"$2".dcm >quick.out &&
		grep -qx "2.25.$2" quick.out
}
words()
{
	sed 's/^{"status":"\([a-z]*\)".*/\1/' recv.out | sort | uniq -c | xargs
}

begin >got
sends=''
for n in 901 902 903; do
	slow 127.0.0.2 $n
done
until_ in_hand 1
ok 'one address has many slow ones, another has not to wait' quick 3 1
ok 'who has, waits' test "$(wc -l <slow.out)" = 0
# shellcheck disable=SC2086 # some
wait $sends
exits 143 'ends' recv_stop
words >got
same 'all were compared' got <<!
4 equivalent 8 stored
!

# Two with slow ones have all places, and more of them wait.
begin >got
sends=''
slow 127.0.0.2 901
until_ in_hand 1
slow 127.0.0.3 902
until_ in_hand 2
for n in 903 905; do
	slow 127.0.0.2 $n
	slow 127.0.0.3 $((n + 1))
done
sleep 0.5
ok 'the next one is that of the third' quick 6 2
# shellcheck disable=SC2086 # some
wait $sends
exits 143 'ends' recv_stop
words >got
same 'all were compared' got <<!
7 equivalent 8 stored
!
finish
