# hostile-dicom.t - every case of tests/data/hostile through the commands: the
# verdict of each is the one in its table, no name of a patient gets out, and
# what went through is sound.  tests/torture/hostile.sh measures them one by
# one.
. "$(dirname "$0")/lib.sh"
need b2sum dcmcjpeg mkcases
. "$TOP/tests/archive.sh"
. "$TOP/tests/cases.sh"
. "$TOP/tests/recv.sh"

if ! cases_make 2>err; then
	fail_ 'the cases are made' err
	finish
fi
ok '300 at least' test "$(wc -l <list.tsv)" -ge 300
ok 'each with six verdicts' test -z "$(awk -F '\t' 'NF != 8' list.tsv)"
ok 'no two of them are the same file' test -z "$(cut -f 1 digests | sort |
	uniq -d)"

# run STATUS COMMAND ARGUMENT ...: into $name.out and $name.err
run()
{
	name=$1 status=$2
	shift 2
	exits "$status" "$name: its status" timeout 120 "$@"
	mv out "$name.out"
	mv err "$name.err"
	cases_judge "$name"
	ok "$name: each has one record" test \
		"$(wc -l <"$name.out")" = "$(wc -l <list.tsv)"
}
imganon --new-key key >out
run import 2 imgimport -q -C arch in
run deep 2 imgverify -q --deep in
run anon 2 imganon -q --key key --pixels keep --id-map map -o anon in
run png 2 imgexport -q --as png --layout '{SOPInstanceUID}' -o png in
run recode 2 imgexport -q --transfer-syntax explicit --allow lossy \
	--layout '{SOPInstanceUID}' -o recode in
recv_start
run send 2 imgsend -q -C sent -c "IMGRECV@127.0.0.1:$port" in
exits 143 'the listener lives to the end' recv_stop

cases_join import deep anon png recode send
cut -f 1,3- list.tsv | LC_ALL=C sort >want
if diff want got >"$T/ok"; then
	pass_ 'the verdicts are those of the tables'
else
	fail_ 'the verdicts are those of the tables' "$T/ok"
fi
ok 'none of them is our bug' sh -c '! grep ":bug" got'

ok 'and no decoder crashed' sh -c '! grep -l "crashed (" ./*.out'

# Directories as what they are.
for f in in/dir-*.dcm; do
	mkdir medium && cp "$f" medium/DICOMDIR
	timeout 20 imgverify -q --media medium >out 2>err
	echo "$(basename "$f" .dcm) $? $(grep -o '"rule":"[a-z-]*"' out |
		cut -d '"' -f 4 | LC_ALL=C sort -u | paste -s -d ' ' -)"
	rm -r medium
done | sed 's| $||' | LC_ALL=C sort >media
same 'of media with such a DICOMDIR all faults are told' media <<'!'
dir-20000-records 1 chain record
dir-empty 0
dir-file-1000-parts 1 chain file-id missing record
dir-file-absolute 1 chain file-id missing record
dir-file-drive 1 chain file-id missing record
dir-file-itself 1 chain file-id missing record
dir-file-nul 1 chain file-id missing record
dir-file-outside 1 chain file-id missing record
dir-good 1 chain file-id missing record
dir-in-use-0 0
dir-lower-is-itself 1 chain
dir-nested 1 chain record
dir-next-is-itself 1 chain file-id missing record
dir-no-sequence 1 unsupported
dir-offset-beyond 1 chain file-id missing record
dir-offset-inside 1 chain file-id missing record
dir-root-beyond 1 chain file-id missing record
dir-sequence-open 1 chain file-id missing record truncated
dir-two-in-a-ring 1 chain file-id missing record
dir-type-unknown 1 chain record
!

# What was let through.
exits 0 'what is stored is intact' imgverify -q -C arch
exits 0 'the log is whole' imgverify -q -C arch --audit
exits 0 'what was received is intact' imgverify -q -C archive
ok 'nothing is beside in' test -z "$(find in ! -name '*.dcm' ! -name in)"

# Names: Test^Synthetic is the patient's, Canary^Synthetic lies elsewhere.
cat ./*.err recv.err >said
ok 'nothing of a patient is said' sh -c \
	'! grep -aiE "canary|test.synthetic|test-000[0-9]" said'
ok 'nor in the logs' sh -c \
	'! grep -aiE "canary|test.synthetic" arch/audit.log archive/audit.log'
imgexport -q --transfer-syntax explicit --allow lossy \
	--layout '{SOPInstanceUID}' -o plain anon >out 2>err
grep -rlaiE 'canary|test.synthetic|test-000[0-9]' anon plain |
	sed 's|.*/||; s|\.dcm$||' | LC_ALL=C sort -u | while read -r uid; do
	grep -a ",$uid\$" map-uids.csv | cut -d , -f 1 |
		grep -Ff - list.tsv | cut -f 1
done | LC_ALL=C sort >leaks
# Meanings of codes, which PS3.15 does not name.
same 'nothing of a patient is in a de-identified object' leaks <<'!'
phi-sr-code
!

finish
