#!/bin/sh
# threads.sh - everything that runs in several threads under ThreadSanitizer:
# no two threads at the same bytes, no locks in two orders.
#
#	threads.sh control	a race made on purpose (tests/tools/faulty.c): it
#				has to be found
#
# Makes the programs once more, in $O/tsan.  The walls of the jail are left out
# (tests/tools/nowalls.c): the sanitizer needs more memory than they leave.
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
# By the name that others use, too: make knows what depends on what by names.
what=programs
[ "${1-}" != control ] || what=${O#"$TOP"/}/tsan/tools/faulty
cd "$TOP" && make -s O="${O#"$TOP"/}/tsan" CFLAGS='-O1 -g' CXXFLAGS='-O1 -g' \
	SAN=-fsanitize=thread "$what" || quit 'cannot be made'
PATH=$O/tsan/bin:$O/tsan/tools:$PATH
need imgimport imgsend peer phantom zip

T_=$(mktemp -d "${TMPDIR:-/var/tmp}/imgthreads.XXXXXX") && cd "$T_" || exit 3
recv=
trap 'kill $recv 2>/dev/null; cd / && rm -rf "$T_"' EXIT
trap 'exit 130' INT TERM
failed=0

# run STATUS COMMAND ...
run()
{
	want_=$1
	shift
	TSAN_OPTIONS="log_path=$T_/report exitcode=66" \
		LD_PRELOAD=$O/tools/nowalls.so "$@" >/dev/null 2>err
	got_=$?
	# shellcheck disable=SC2144 # one is enough
	if [ $got_ != "$want_" ] || [ -f report.* ]; then
		failed=$((failed + 1))
		echo "threads: $1: FOUND (status $got_)"
		head -n 80 report.* 2>/dev/null
		tail -n 3 err
		rm -f report.*
	else
		echo "threads: $1: clean"
	fi
}

if [ "${1-}" = control ]; then
	run 0 faulty none
	[ $failed = 0 ] || quit 'a race is found where none is'
	run 0 faulty race >said
	grep -q 'SUMMARY: ThreadSanitizer: data race' said || failed=0
	echo "threads, control: $failed of 1 race found"
	[ $failed = 1 ]
	exit
fi
phantom small in 300 >/dev/null || quit 'no inputs'
(cd in && zip -qr ../in.zip .)
run 0 imgimport -q -C arch -j 4 in
run 0 imgimport -q -C zip -j 4 in.zip
run 0 imgverify -q -C arch -j 4 --all --deep
run 0 imgexport -q -j 4 -o out in
run 0 imgexport -q -j 4 --transfer-syntax jpegls -o coded in
run 0 imganon -q -j 4 -o anon in

TSAN_OPTIONS="log_path=$T_/report exitcode=66" \
	LD_PRELOAD=$O/tools/nowalls.so imgrecv -C got -p 0 >recv.out 2>recv.err &
recv=$!
for _ in $(seq 600); do
	port=$(sed -n 's/^imgrecv: listening at 127.0.0.1://p' recv.err)
	[ -z "$port" ] || break
	sleep 0.1
done
[ -n "$port" ] || quit "does not listen: $(cat recv.err)"
to=IMGRECV@127.0.0.1:$port
run 0 imgsend -q -j 4 --commit -c "$to" in
peer "$port" object-good object-torn commitment-2000 broken-abort \
	command-junk >/dev/null
imgsend -q -j 3 -c "$to" anon >/dev/null 2>&1 &
run 0 imgsend -q -j 3 --again -c "$to" in
wait $!
kill -TERM $recv
wait $recv
status=$?
recv=
# shellcheck disable=SC2144
if [ $status != 143 ] || [ -f report.* ]; then
	failed=$((failed + 1))
	echo "threads: imgrecv: FOUND (status $status)"
	head -n 80 report.* 2>/dev/null
else
	echo 'threads: imgrecv: clean'
fi
echo "threads: $failed with a finding"
[ $failed = 0 ]
