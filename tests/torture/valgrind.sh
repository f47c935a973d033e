#!/bin/sh
# valgrind.sh - every command with phantoms under valgrind's memcheck: nothing
# is read or written where it should not be, nothing used that was never set,
# nothing lost.
#
#	valgrind.sh [command]	all by default
#	valgrind.sh control	mistakes made on purpose (tests/tools/faulty.c),
#				each of which has to be found
#	valgrind.sh suite [test ...]
#				the same of every process that the tests of
#				make check start: NAME of tests/NAME.t,
#				unit/NAME, unit, all by default; each has 900 s
#				or SECONDS_EACH
#
# Of the suite what valgrind reports decides, not what the tests say: many look
# at times, memory, processes or walls, which are not the same here.
#
# The processes of the jail, in which archives, codecs and associations are
# handled, are followed like all others.  Their walls are left out: valgrind
# makes system calls of its own, and takes more memory (tests/tools/nowalls.c).
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
need faulty imgimport phantom storer valgrind xorriso zip
only=${1:-}

T_=$(mktemp -d "${TMPDIR:-/var/tmp}/imgvalgrind.XXXXXX") && cd "$T_" || exit 3
recv=
trap 'kill $recv 2>/dev/null; cd / && rm -rf "$T_"' EXIT
trap 'exit 130' INT TERM
mkdir logs
failed=0 ran=0
valgrind="valgrind -q --vgdb=no --leak-check=full --show-leak-kinds=definite
	--errors-for-leak-kinds=definite --num-callers=30
	--suppressions=$TOP/tests/torture/valgrind.supp"
if [ "$only" = suite ]; then
	shift
	# shellcheck source=suite.sh
	. "$TOP/tests/torture/suite.sh"
	suite "$@"
	exit
fi

# In place of the shell that calls it: $! is the command's.
under()
{
	# shellcheck disable=SC2086 # words
	exec env LD_PRELOAD="$O/tools/nowalls.so" $valgrind --trace-children=yes \
		--log-file="logs/$ran.%p" "$@"
}

# judge NAME GOT WANT: what has been reported, but for system calls that
# valgrind does not know
judge()
{
	grep -hv '^--[0-9]*-- ' logs/"$ran".* >found
	if [ "$2" != "$3" ] || [ -s found ]; then
		failed=$((failed + 1))
		echo "valgrind: $1: FOUND (status $2)"
		head -n 60 found
		tail -n 3 err
	else
		echo "valgrind: $1: clean, $(find logs -name "$ran.*" |
			wc -l) processes"
	fi
}

# run NAME STATUS COMMAND ...
run()
{
	name_=$1 want_=$2
	shift 2
	[ -z "$only" ] || [ "$only" = "$1" ] || return 0
	ran=$((ran + 1))
	(under "$@") >out 2>err
	judge "$name_" $? "$want_"
}

if [ "$only" = control ]; then
	only=
	run 'nothing planted' 0 faulty none >>said
	run 'nothing planted, jailed' 0 faulty jail none >>said
	[ $failed = 0 ] || quit "something is found where nothing is: $(cat said)"
	for word in unset over lost; do
		run "$word" 0 faulty $word >>said
		run "jail $word" 0 faulty jail $word >>said
	done
	grep ': clean' said | sed 1,2d
	. "$TOP/tests/torture/suite.sh"
	n=$failed
	suite_control
	echo "valgrind, control: $((n + failed)) of 9 mistakes found"
	[ $((n + failed)) = 9 ]
	exit
fi
phantom small in 6 >/dev/null || quit 'no inputs'
(cd in && zip -qr ../in.zip .)
xorriso -as mkisofs -quiet -o in.iso in 2>/dev/null || quit 'no image'
file=$(find in -type f | head -n 1)
head -c 600 "$file" >torn.dcm
imgimport -q -C arch in >/dev/null || quit 'no archive'
study=$(imgquery -C arch -l study -f StudyInstanceUID --limit 1 --format csv |
	tail -n 1 | tr -d '\r')

run 'import of files, one torn' 2 imgimport -C new in torn.dcm
run 'import again' 0 imgimport -C arch in
run 'import of a zip' 0 imgimport -C arch in.zip
run 'import of an image' 0 imgimport -C arch in.iso
run 'query of names' 0 imgquery -C arch -l image 'PatientName=*' --format jsonl
run 'query of headers' 0 imgquery -C arch -l series -f KVP,Rows Rows='*'
run 'query as FHIR' 0 imgquery -C arch --format fhir
run 'query of nothing' 1 imgquery -C arch PatientID=nobody
run 'verify' 0 imgverify -C arch --all
run 'verify deep' 0 imgverify -C arch --all --deep
run 'verify a torn file' 1 imgverify torn.dcm
run 'verify the log' 0 imgverify -C arch --audit
run 'rebuild' 0 imgverify -C arch --rebuild
run 'export to a folder' 0 imgexport -C arch -o folder "$study"
run 'export to a disc' 0 imgexport -C arch --media --as iso -o disc.iso "$study"
run 'export as JPEG-LS' 0 imgexport --transfer-syntax jpegls -o jpegls in
run 'export as JPEG 2000' 0 imgexport --transfer-syntax j2k -o j2k in
run 'export as JPEG' 0 imgexport --transfer-syntax jpeg -o jpeg in
run 'export as HTJ2K in a zip' 0 imgexport --transfer-syntax htj2k --as zip \
	-o htj2k.zip in
run 'export of pictures' 0 imgexport --as png -o png in
run 'new key' 0 imganon --new-key key
run 'de-identify' 0 imganon --key key -o anon in
run 'de-identify, pixels cleaned' 0 imganon --key key --pixels clean \
	--mask 0,0,8,8 -o clean in

# A listener and a sender, both.
if [ -z "$only" ] || [ "$only" = imgrecv ] || [ "$only" = imgsend ]; then
	ran=$((ran + 1)) both=$ran
	under imgrecv -C got -p 0 >recv.out 2>recv.err &
	recv=$!
	listens recv.err
	only=
	run 'send' 0 imgsend -c "IMGRECV@127.0.0.1:$port" --commit in
	run 'send a torn file' 3 imgsend -c "IMGRECV@127.0.0.1:$port" torn.dcm
	run 'echo' 0 imgsend -c "IMGRECV@127.0.0.1:$port" --echo
	storer "$port" IMGRECV "$file" >/dev/null || quit 'storer'
	kill -TERM $recv
	wait $recv
	got_=$?
	ran=$both recv=
	cp recv.err err
	judge 'receive' $got_ 143
fi
echo "valgrind: $failed with a finding"
[ $failed = 0 ]
