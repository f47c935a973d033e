# imgrecv-reporter.t - the process that reports storage commitment dies, and what
# is owed is not forgotten.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/peer.sh"
need storescu
. "$TOP/tests/recv.sh"
CT=1.2.840.10008.5.1.4.1.1.2
TS=1.2.840.10008.1.2

phantom one --uid 2.25.1 --modality CT 1.dcm
free_port && other=$port
recv_start
cat >archive/peers.json <<!
{ "back": { "aet": "STGCMT", "host": "127.0.0.1", "port": $other } }
!
exits 0 'an object' storescu -aec IMGRECV 127.0.0.1 "$port" 1.dcm

# reporter: its process: of the listener's children the one with the lock.
reporter()
{
	for p in $(pgrep -P "$recv"); do
		# shellcheck disable=SC2010 # links of the system's
		ls -l "/proc/$p/fd" 2>/dev/null |
			grep -q 'reports/lock$' && echo "$p" && return
	done
	return 1
}
dies()
{
	kill -KILL "$(reporter)"
}
begun()
{
	until_ reporter >/dev/null
}
said() # DELAY: its death, and when another one begins
{
	until_ grep -qx "imgrecv: reports of storage commitment: the process at work on it was killed; another one begins in $1 s" recv.err
}

exits 0 'a peer that leaves and cannot be reached' \
	stgcmt -r "$port" IMGRECV $TS $CT 2.25.1
until_ grep -q 'no report of storage commitment yet' recv.err
ok 'the process that reports is killed' dies
ok 'which is said' said 1
exits 0 'one that leaves while there is none' \
	stgcmt -r "$port" IMGRECV $TS $CT 2.25.1 2.25.2
exits 0 'another one begins, and gives' stgcmt -w "$other"
sort out >got
same 'both of them' got <<!
2.25.1 0000
2.25.1 0000
2.25.2 0112
report 1 2.25.77
report 2 2.25.77
!
ls -A archive/reports >got
same 'and nothing is left' got <<!
lock
!

# What an association still owes is not the process's.
begun
: >slow
stgcmt -s "$port" IMGRECV $TS $CT 2.25.1 >slow &
slow=$!
until_ grep -q report slow
ls archive/reports/*-* >name
lines=$(wc -l <recv.err)
ok 'it is killed again' dies
ok 'and the next one takes its time' said 2
ok 'it is there' begun
sleep 0.5
ok 'a report that is on its way is still owed' test -e "$(cat name)"
wait $slow
same 'to its peer' slow <<!
answer 0000
report 1 2.25.77
2.25.1 0000
!
gone()
{
	! test -e "$(cat name)"
}
ok 'until that has it' until_ gone
tail -n +$((lines + 1)) recv.err >got
same 'and nobody else is called' got <<!
imgrecv: reports of storage commitment: the process at work on it was killed; another one begins in 2 s
!

ok 'once more' dies
ok 'it takes longer still' said 4
exits 143 'ends without it' recv_stop

# Killed while it wrote one anew.
recv_start
exits 0 'a peer that leaves' stgcmt -r "$port" IMGRECV $TS $CT 2.25.1
kill -KILL "$recv"
wait "$recv" 2>/dev/null
for f in archive/reports/*-*; do
	cp "$f" "archive/reports/.new-${f##*/}"
done
recv_start
exits 0 'half a file is in no way of the whole one' stgcmt -w "$other"
same 'which is given' out <<!
report 1 2.25.77
2.25.1 0000
!
ls -A archive/reports >got
same 'and nothing is left' got <<!
lock
!
exits 143 'ends' recv_stop
finish
