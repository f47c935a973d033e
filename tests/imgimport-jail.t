# imgimport-jail.t - archives are read by a process that can do nothing else;
# what happens to it costs the archive it was reading.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
need zip genisoimage
[ -f "$O/tools/failio.so" ] || skip_all 'failio.so is not here'

mkdir s
for i in 1 2 3 4 5; do
	img s/$i.dcm $i --rows 600 --cols 600
done
(cd s && zip -q0 ../a.zip 1.dcm 2.dcm 3.dcm 4.dcm 5.dcm)
tar -C s -cf a.tar 1.dcm 2.dcm 3.dcm 4.dcm 5.dcm
genisoimage -quiet -R -o a.iso -V T s 2>/dev/null
img b.dcm 6
zip -q c.zip b.dcm

# ---- it dies -------------------------------------------------------------

for a in a.zip a.tar a.iso; do
	rm -rf arch
	exits 2 "$a: a crash in the middle" \
		failio "child-pread:crash:$a:8" imgimport -q -C arch $a c.zip b.dcm
	grep '"rejected"' out | tail -n 1 | sed 's/"members":[1-4]/"members":N/' \
		>got
	same "$a: is said of the archive" got <<!
{"status":"rejected","path":"$a","error":{"code":"malformed","message":"$a: the process at work on it crashed (SIGSEGV)","by":"imgimport"},"members":N}
!
	ok "$a: members told before are stored" \
		grep -q "\"stored\",\"path\":\"$a!/1.dcm\"" out
	ok "$a: the next archive is read" \
		grep -q '"path":"c.zip","reason":"archive","members":1}' out
	ok "$a: and the next file" \
		grep -q '"\(stored\|duplicate\)","path":"b.dcm"' out
	sound "$a"
	exits 0 "$a: is read again the next time" import $a
	ok "$a: to its end" \
		grep -q "\"path\":\"$a\",\"reason\":\"archive\",\"members\":[5-7]}" out
	ok "$a: all is there" test "$(rows 'SELECT count(*) FROM object')" = 6
done

rm -rf arch
exits 3 'a crash at once' failio child-pread:crash:a.zip imgimport -q -C arch a.zip
ok 'is one record' test "$(wc -l <out)" = 1
ok 'of the archive' grep -q '"path":"a.zip","error":{"code":"malformed"' out

exits 2 'a crash on standard input' sh -c '
	exec "$@" <a.tar' sh env "LD_PRELOAD=$O/tools/failio.so" \
	FAILIO=child-pread:crash:a.tar:8 \
	"ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0" \
	imgimport -q -C arch --from-tar -
ok 'is told' grep -q '"rejected","path":"-","error":{"code":"malformed","message":"-: the process at work on it crashed' out

exits 3 'imgverify of an image of a disc' \
	failio child-pread:crash:a.iso:2 imgverify --media a.iso
ok 'says what became of it' grep -q \
	'^imgverify: a.iso: the process at work on it crashed (SIGSEGV)$' err

# An archive in an archive: both end.
zip -q0 n.zip a.tar c.zip
rm -rf arch
exits 2 'a crash within an inner archive' \
	failio 'child-pread:crash:n.zip:8' imgimport -q -C arch n.zip b.dcm
brief | grep -v 'stored\|a.tar!/' >got
same 'ends both' got <<!
rejected n.zip!/a.tar
rejected n.zip
!

# ---- it is killed --------------------------------------------------------

# worker PID: the processes that the program PID has in a jail at work
workers()
{
	for p_ in $(pgrep -P "$1"); do
		awk -v p="$1" '$1 == "PPid:" && $2 == p { mine = 1 }
			$1 == "Pid:" { pid = $2 }
			$1 == "Seccomp:" && $2 == 2 { jailed = 1 }
			$1 == "NoNewPrivs:" && $2 == 1 { bound = 1 }
			$1 == "CapEff:" && $2 ~ /^0*$/ { weak = 1 }
			END { if (mine && jailed && bound && weak) print pid }' \
			"/proc/$p_/status" 2>/dev/null
	done
}

# at_work: one of those of $pid, as soon as there is one
at_work()
{
	for _ in $(seq 200); do
		workers $pid | grep . && return
		kill -0 $pid 2>/dev/null || return
		sleep 0.02
	done
}

# slow ARGUMENT ...: imgimport, whose child takes its time; pid is its own.
slow()
{
	env "LD_PRELOAD=$O/tools/failio.so" FAILIO=child-pread:slow:l.tar \
		"ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0" \
		imgimport -q "$@" >out 2>err &
	pid=$!
}

# It takes longer than to find who reads it.
for _ in 1 2 3 4; do
	echo 1.dcm 2.dcm 3.dcm 4.dcm 5.dcm
done | xargs tar --hard-dereference -C s -cf l.tar
rm -rf arch
slow -C arch l.tar b.dcm
at_work=$(at_work)
ok 'an archive is read by a jailed process without privileges' \
	test -n "$at_work"
ok 'that has its socket, the archive and nothing else' sh -c "
	find /proc/$at_work/fd -type l -printf '%f %l\n' 2>/dev/null |
		grep -v '^[012] ' | grep -v 'socket:' | grep -v '/l.tar\$' |
		grep -v memfd: >others; ! test -s others"
kill -KILL "$at_work"
wait $pid
status=$?
ok 'killed: status 75' test $status = 75
ok 'killed: try again' grep -q '"failed","path":"l.tar","error":{"code":"busy","message":"l.tar: the process at work on it was killed"' out
ok 'killed: the rest goes on' grep -q '"stored","path":"b.dcm"' out
exits 0 'the next run' import l.tar
ok 'has all' test "$(rows 'SELECT count(*) FROM object')" = 6

# ---- nothing is left -----------------------------------------------------

# Whatever ends the program ends its processes.
slow -C arch2 l.tar
at_work=$(at_work)
ok 'another one is at work' test -n "$at_work"
kill -KILL $pid
wait $pid 2>/dev/null
gone()
{
	tries=0
	while kill -0 "$at_work" 2>/dev/null && [ $tries -lt 100 ]; do
		grep -q '^State:.*Z' "/proc/$at_work/status" 2>/dev/null && break
		sleep 0.05
		tries=$((tries + 1))
	done
	[ $tries -lt 100 ]
}
ok 'a killed import takes its process along' gone

# ---- no memory -----------------------------------------------------------

# A sanitizer has memory of its own.
grep -q __asan_init "$O/bin/imgimport" && {
	skip 'requests of memory' 'built with a sanitizer'
	finish
}
# scant WHICH: how many requests there were, and what is wrongly said
scant()
{
	rm -rf new log
	timeout -k 1 60 env LD_PRELOAD="$O/tools/scant.so" SCANT="$1" \
		SCANT_LOG="$PWD/log" imgimport -q -C new c.zip >out 2>err
	[ $? != 124 ] || echo "$1 hangs" >>wrong
	perl -e 'read STDIN, my $x, 8; print unpack "Q", $x' <log >met
	grep -h 'forbidden system call' out err >>wrong
}
: >wrong
scant memory:0
met=$(cat met)
ok 'requests of memory are met' test "$met" -gt 1000
for k in 2 8 10 11 22 $(seq 100 $((met / 20)) "$met"); do
	scant "memory:$k"
done
same 'no memory is not said to be anything else, nor hangs' wrong </dev/null

# ---- waiting that fails -----------------------------------------------------

if ! command -v strace >/dev/null || grep -q __asan_init "$O/bin/imgimport"; then
	skip 'waiting for it that fails' 'nothing can be traced'
	finish
fi
# What it reads comes late, so that there is something to wait for.
rm -rf new
exits 0 'waiting for it fails each time' strace -f -qq -o trace \
	-e trace=poll,pread64 -e inject=poll:error=ENOMEM \
	-e inject=pread64:delay_enter=500000:when=1 imgimport -q -C new c.zip
ok 'and is no busy loop' test "$(grep -c 'poll(.*INJECTED' trace)" -lt 200
ok 'but was met' grep -q 'poll(.*INJECTED' trace
rm -rf arch
exits 2 'and it crashes then' timeout -k 1 60 strace -f -qq -o trace -e trace=poll \
	-e inject=poll:error=ENOMEM env LD_PRELOAD="$O/tools/failio.so" \
	FAILIO=child-pread:crash:a.zip:8 imgimport -q -C arch a.zip b.dcm
ok 'which is found out all the same' grep -q 'at work on it crashed' out
finish
