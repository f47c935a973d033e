# audit.t - everything that changes the archive, or leaves it, has its line in
# the audit log, and nobody can take one away unseen.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
. "$TOP/tests/peer.sh"
need storer storescp

# lines [KEY ...]: what the log has of them: how often, by, act, from, to,
# count, and + where there is a digest.  That it was read is left out.
lines()
{
	imgquery -C arch --audit --format csv "$@" | tr -d '\r' |
		sed 1d | grep -v ',audit-read,' |
		awk -F , '{ for (i = 6; i <= 9; i++) if ($i == "") $i = "-"
			print $3, $5, $6, $7, $8, ($9 == "-" ? "-" : "+") }' |
		sed 's/127.0.0.1:[0-9]*/HERE/' | uniq -c | sed 's/^ *//'
}
seen=0
# since: the lines that were not shown before
since()
{
	lines "n=$((seen + 1))-" >got
	seen=$(wc -l <arch/audit.log)
}

mkdir in
for i in 1 2 3; do
	img in/$i.dcm $i --study 2.25.71 --series 2.25.81 --modality CT
done
exits 0 'imgimport' import in
since
same 'one line for each object' got <<'!'
3 imgimport stored - - - +
!
mkdir place && img place/4.dcm 4 --study 2.25.71 --series 2.25.81
exits 0 'in place' import --in-place place
img 1b.dcm 1 --study 2.25.71 --series 2.25.81 --pixel 9
img 2b.dcm 2 --study 2.25.71 --series 2.25.81 --pixel 9
img 3b.dcm 3 --study 2.25.71 --series 2.25.81 --pixel 9
import 1b.dcm >out 2>err
import --on-conflict replace 2b.dcm >out 2>err
import --on-conflict reject 3b.dcm >out 2>err
import in >out 2>err
since
same 'conflicts have theirs, what is not taken has none' got <<'!'
1 imgimport catalogued - - - +
1 imgimport conflict - - - +
1 imgimport replaced - - - +
!

imganon -q --new-key key
imganon -q --key key -o anon -C arch --pixels keep 2.25.71 >anon.jsonl 2>err
exits 0 'imganon | imgimport' import --on-conflict keep anon
since
same 'and what imganon made' got <<'!'
4 imganon deidentified - - - +
4 imgimport stored - - - +
!

exits 0 'imgexport' imgexport -q -C arch -o dest 2.25.71
exits 0 'as a file' imgexport -q -C arch --as zip -o x.zip 2.25.1
imgexport -q -C arch --as tar -o - 2.25.1 >x.tar
exits 0 'as a disc' imgexport -q -C arch --media -o disc 2.25.3
exits 0 'a dry run' imgexport -q -C arch -n -o none 2.25.71
exits 0 'files, not of the archive' imgexport -q -C arch -o own in
since
same 'each object that has left' got <<'!'
4 imgexport exported - folder - +
1 imgexport exported - zip - +
1 imgexport exported - tar - +
1 imgexport exported - media - +
!

# listen [OPTION ...]: imgrecv, at $port
listen()
{
	: >peer.log
	serve imgrecv -C arch -p 0 "$@"
	for _ in $(seq 400); do
		port=$(sed -n 's/^imgrecv: listening at 127.0.0.1://p' peer.log)
		[ -z "$port" ] || return 0
		sleep 0.02
	done
	return 1
}
listen
img 5.dcm 5 --study 2.25.72 --modality CT
ok 'imgrecv' storer "$port" IMGRECV 5.dcm
gone "$peer"
since
same 'begin, objects with their sender, end' got <<'!'
1 imgrecv started - - - -
1 imgrecv stored STORER@127.0.0.1 - - +
1 imgrecv stopped - - - -
!
listen --allow NOBODY@127.0.0.1
storer "$port" IMGRECV 5.dcm >out 2>err
gone "$peer"
since
same 'who was not let in' got <<'!'
1 imgrecv started - - - -
1 imgrecv refused STORER@127.0.0.1 - - -
1 imgrecv stopped - - - -
!

store_scp scp
exits 0 'imgsend' imgsend -q -C arch -c "P@127.0.0.1:$port" 2.25.5 2.25.1
exits 0 'once more' imgsend -q -C arch -c "P@127.0.0.1:$port" 2.25.5
since
same 'what a peer has taken' got <<'!'
2 imgsend sent - P@HERE - +
!

exits 0 'imgverify' verify --all
o=$(rows 'SELECT lower(hex(digest)) FROM object JOIN instance ON
	instance.id = instance WHERE SOPInstanceUID = "2.25.5"')
o=arch/objects/$(printf %.2s "$o")/$o
chmod u+w "$o" && cp "$o" keep && bitflip "$o" 900 >/dev/null
exits 1 'of what is damaged' verify 2.25.5
rm "$o"
exits 1 'of what is gone' verify 2.25.5
cp keep "$o"
imgverify -q --new-sign-key sign
exits 0 'signed' verify --sign sign 2.25.71
since
same 'checks have a line, findings one each, statements one' got <<'!'
1 imgverify verifying - - - -
1 imgverify verified - - 11 -
1 imgverify verifying - - - -
1 imgverify damaged - - - +
1 imgverify verified - - 1 -
1 imgverify verifying - - - -
1 imgverify missing - - - +
1 imgverify verified - - 1 -
1 imgverify verifying - - - -
1 imgverify signed - - 6 -
1 imgverify verified - - 6 -
!
exits 0 'a rebuild that only compares' verify --rebuild -n
exits 0 'a rebuild' verify --rebuild
since
same 'has its line' got <<'!'
1 imgverify rebuilt - - 11 -
!
exits 0 'all of it is one chain' verify --audit

# ---- who may only read ---------------------------------------------------

if is_root; then
	chmod -R a+rX arch && mkdir -m 777 open && chmod 755 . "$T" "${W:-$T}"
	# The build may lie where only its owner may go.
	cp "$O/bin/imgexport" open/
	nobody open/imgexport -q -C arch -o open/dest 2.25.1 >out 2>err
	ok 'who may only read can export' grep -q '"status":"exported"' out
	ok 'the record says that the log does not' \
		grep -q '"warning":\["unaudited: ' out
	since
	same 'which is so' got </dev/null
else
	skip 'exports by others' 'only root can become one'
fi

# ---- cuts, swaps, edits --------------------------------------------------

# A small log: every line, pair of lines and value of it.
rm -rf arch log && import in >out 2>err
imgexport -q -C arch -o log 2.25.71 >out 2>err
verify --all >out 2>err
ok 'a small log' verify --audit
cp arch/audit.log whole
n=$(wc -l <whole)
: >unseen
: >tried
# try WHAT: of the changed log on standard input
try()
{
	cat >arch/audit.log
	cmp -s arch/audit.log whole && return
	echo "$*" >>tried
	imgverify -q -C arch --audit >out 2>err
	[ $? = 1 ] || echo "$*" >>unseen
}
for i in $(seq "$n"); do
	sed "${i}d" whole | try "delete $i"
	sed "${i}p" whole | try "double $i"
	head -n "$i" whole | try "only $i"
	tail -n +"$((i + 1))" whole | try "without $i"
	for j in $(seq "$((i + 1))" "$n"); do
		awk -v i="$i" -v j="$j" '{ l[NR] = $0 } END {
			t = l[i]; l[i] = l[j]; l[j] = t
			for (k = 1; k <= NR; k++) print l[k] }' whole |
			try "swap $i $j"
	done
	for value in '"n":[0-9]*' '"time":"[^"]*' '"by":"[a-z]*' \
		'"uid":[0-9]*' '"act":"[a-z-]*' '"to":"[a-z]*' \
		'"count":[0-9]*' '"digest":"[0-9a-f]*' '"prev":"[0-9a-f]*'; do
		sed "${i}s/\($value\)/\11/" whole | try "edit $i $value"
	done
done
sed '2s/^{/{ /' whole | try 'a blank'
cp whole arch/audit.log
same "all of them are found ($(wc -l <tried))" unseen </dev/null
ok 'and there were enough' test "$(wc -l <tried)" -gt 80
ok 'as it was, it is whole' verify --audit

# ---- no memory ------------------------------------------------------------

# What it cannot look at is neither whole nor broken.  Sanitizers have a memory
# of their own.
plain=$(nm -D "$O/bin/imgverify" 2>/dev/null | grep -c __asan_init)
if [ "$plain" = 0 ] && [ -f "$O/tools/scant.so" ]; then
	cp -a arch short
	sed '$d' whole >short/audit.log
	for a in arch short; do
		rm -f scant.log
		LD_PRELOAD=$O/tools/scant.so SCANT=memory:0 \
			SCANT_LOG=$PWD/scant.log \
			imgverify -q -C $a --audit >out 2>err
		all=$(perl -e 'read STDIN, my $x, 8; print unpack "Q", $x' \
			<scant.log)
		for k in $(seq $((all - 450)) 11 "$all"); do
			LD_PRELOAD=$O/tools/scant.so SCANT=memory:$k \
				imgverify -q -C $a --audit >out 2>err
			echo "$a $? $(sed 's/,"lines".*//' out)"
		done
	done 2>/dev/null | LC_ALL=C sort -u >told
	# One that crashes (libjson-c) says nothing.
	grep -v '^[a-z]* 1[0-9][0-9] ' told | grep -v ' 3 $' >said
	same 'no memory: nothing is said that is not so' said <<-!
	arch 0 {"status":"intact","path":"audit.log"
	short 1 {"status":"damaged","path":"audit.log","reason":"line $n: the newest lines are gone"
	!
	ok 'and there were some that could not say it' grep -q ' 3 $' told
else
	skip 'no memory' 'there is no tool for it'
fi
finish
