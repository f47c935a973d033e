#!/bin/sh
# demo.sh - the main job on a synthetic patient, each step checked.
#
# Leaves everything in $DEMO, or in $O/demo, which it makes anew.
set -u
O=${O:-$(pwd)/build}
demo=${DEMO:-$O/demo}
PATH=$O/bin:$O/tools:$PATH

die()
{
	echo "demo: FAILED: $*" >&2
	exit 1
}

say()
{
	printf '\n# %s\n' "$*"
}

# run STATUS COMMAND: shows the command, runs it, insists on its status.
run()
{
	want=$1
	printf '\n$ %s\n' "$2"
	sh -c "$2"
	got=$?
	[ "$want" = 0 ] || echo "exit status $got"
	[ "$got" = "$want" ] ||
		die "exit status $got where $want was announced: $2"
}

# lines N PATTERN FILE: the file has N lines that match.
lines()
{
	n=$(grep -c -- "$2" "$3")
	[ "$n" = "$1" ] || die "$3: $n lines with $2, not $1"
	echo "($3: $n with $2)"
}

if [ -n "${DEMO:-}" ] && [ -e "$demo" ]; then
	die "$demo is there already; it will not be overwritten"
fi
rm -rf "$demo" || exit 1
mkdir -p "$demo" && cd "$demo" || exit 1

say 'A synthetic patient: a head phantom as two CT, one CR and one report.'
run 0 'phantom head in'
run 0 'ls in/*/* | wc -l'

say 'One study comes as a ZIP, one as a disc image, the rest as folders.'
run 0 'cd in && zip -qr ../current.zip current'
run 0 'genisoimage -quiet -J -R -V PRIOR -o prior.iso in/prior'

say 'All of it goes in with one command: one record for each input.'
run 0 'imgimport -C archive current.zip prior.iso in/cr in/sr > in.jsonl'
lines 130 '"status":"stored"' in.jsonl
run 0 'head -n 1 in.jsonl'

say 'Once more: nothing is stored twice.'
run 0 'imgimport -C archive current.zip prior.iso in/cr in/sr > again.jsonl'
lines 130 '"status":"duplicate"' again.jsonl

say 'What is there, for people.'
run 0 'imgquery -C archive --format table'
say 'And for programs.'
run 0 "imgquery -C archive -l series PatientName='test*' StudyDate=2024-"
run 0 'imgquery -C archive --count -l image Modality=CT'

say 'Nothing matched is an answer too: exit status 1.'
run 1 'imgquery -C archive PatientID=NOBODY'

say 'Records ride through pipes: the study before the current one.'
run 0 'imgquery -C archive StudyDate=20240611 | imgquery -C archive --priors 1'

say 'Is everything still what was stored?  One study, then the archive.'
run 0 'imgquery -C archive StudyDate=20240611 | imgverify -C archive > one.jsonl'
lines 65 '"status":"intact"' one.jsonl
run 0 'imgverify -C archive --all > all.jsonl'
lines 130 '"status":"intact"' all.jsonl
run 0 'imgverify -C archive --audit'

say 'Now one byte of one object changes behind its back.'
victim=$(find archive/objects -type f | LC_ALL=C sort | sed -n 7p)
[ -n "$victim" ] || die 'the archive has no objects'
run 0 "chmod u+w $victim"
byte=$(od -An -tu1 -j2000 -N1 "$victim")
octal=$(printf '%03o' $((byte ^ 1)))
run 0 "printf '\\$octal' | dd of=$victim bs=1 seek=2000 conv=notrunc status=none"

say 'imgverify finds it, and its exit status says so.'
run 1 'imgverify -C archive --all > damaged.jsonl'
lines 1 '"status":"damaged"' damaged.jsonl
lines 129 '"status":"intact"' damaged.jsonl
run 0 "grep '\"damaged\"' damaged.jsonl"
grep '"damaged"' damaged.jsonl | grep -q "$(basename "$victim")" ||
	die 'another object is called damaged'

say 'Importing the same files once more, byte by byte, mends it.'
run 0 'imgimport -C archive --rehash current.zip prior.iso in/cr in/sr > mended.jsonl'
run 0 'imgverify -C archive --all > mended.jsonl'
lines 130 '"status":"intact"' mended.jsonl

say 'The current study and the one before it go out as a patient disc.'
run 0 'imgquery -C archive StudyDate=20240611 > study.jsonl'
run 0 '(cat study.jsonl; imgquery -C archive --priors 1 < study.jsonl) |
    imgexport -C archive --media --as iso -o disc.iso > export.jsonl'
lines 129 '"status":"exported"' export.jsonl
run 0 'isoinfo -f -i disc.iso | grep -v "/DICOM/"'

say 'It was read again before it got its name; another archive takes it in.'
run 0 'imgimport -C second disc.iso > second.jsonl'
lines 129 '"status":"stored"' second.jsonl
digests()
{
	grep "$1" "$2" | sed 's/.*"digest":"\([0-9a-f]*\)".*/\1/' | LC_ALL=C sort
}
digests '"exported"' export.jsonl >out.digests
digests '"stored"' second.jsonl >back.digests
cmp out.digests back.digests || die 'the digests differ'
echo "($(wc -l <back.digests) digests are equal)"

say 'De-identified copies go over the network to another archive.'
run 0 'imganon --new-key study.key'
run 0 'imgquery -C archive StudyDate=20240611 |
    imganon -C archive --key study.key -o anon > anon.jsonl'
lines 65 '"status":"deidentified"' anon.jsonl
: >third.err
imgrecv -C third -p 0 -a THIRD >third.jsonl 2>third.err &
recv=$!
trap 'kill $recv 2>/dev/null' EXIT
i=0
until port=$(sed -n 's/^imgrecv: listening at 127.0.0.1:\([0-9]*\)$/\1/p' \
	third.err) && [ -n "$port" ]; do
	i=$((i + 1))
	[ $i -lt 100 ] || die 'imgrecv does not listen'
	sleep 0.1
done
run 0 "imgsend -C archive -c THIRD@127.0.0.1:$port --commit anon > sent.jsonl"
lines 65 '"status":"committed"' sent.jsonl
say 'The same again: the ledger knows that they are there.'
run 0 "imgsend -C archive -c THIRD@127.0.0.1:$port --commit anon > again.jsonl"
lines 65 '"status":"skipped"' again.jsonl
kill $recv && wait $recv
lines 65 '"status":"stored"' third.jsonl
run 0 'imgverify -C third --all > third-verified.jsonl'
lines 65 '"status":"intact"' third-verified.jsonl

say "Done.  The archive is in $demo/archive; to look around:"
echo "  PATH=$O/bin:\$PATH; imgquery -C $demo/archive"
