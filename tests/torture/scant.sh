#!/bin/sh
# scant.sh - reads and writes that move half of what was asked for, and memory
# that cannot be had (tests/tools/scant.c): all of them, each in turn, and
# memory from then on.  What is half goes on and is never seen; what has no
# memory ends as it may, but what it said is true, and the same command again
# finishes the work.
#
#	scant.sh [every]        each call, or every so many
#	MOST=1000		no more requests of memory than that, of each
#	COMMANDS='import zip' scant.sh
#	scant.sh control        a program that writes once: half of it is gone;
#				one that uses what it was not given: its crash
#				is not taken for one of a library
#
# Some libraries crash when there is no memory; only those named in KNOWN may,
# and are counted by themselves, also in a process of the jail.
# shellcheck disable=SC2046,SC2086,SC2091,SC2154 # the words of a command
. "$(dirname "$0")/lib.sh"
need b2sum imganon imgexport imgimport imgverify perl phantom sqlite3 zip
every=${1:-1} MOST=${MOST:-1000} SO=$O/tools/scant.so
[ -f "$SO" ] || quit 'scant.so is not here'

T_=$(mktemp -d "${TMPDIR:-/dev/shm}/imgscant.XXXXXX") && cd "$T_" || exit 3
trap 'cd / && chmod -R u+rwX "$T_" && rm -rf "$T_"' EXIT
trap 'exit 130' INT TERM
failed=0 runs=0
: >ends

# Of DCMTK it is the dictionary, the lists of a sequence that has none, and the
# log's own end when the program ends.
KNOWN='fts libjson-c.so libgcrypt.so libseccomp.so liboflog.so libofstd.so
	libdcmdata.so'

# scant WHICH COMMAND ...: its status; met is how many calls there were
scant()
{
	which_=$1
	shift
	rm -f log
	timeout -k 1 60 env LD_PRELOAD="$SO" SCANT="$which_" \
		SCANT_LOG="$PWD/log" "$@" >said 2>err
	status=$?
	[ $status != 124 ] || echo "$which_ hangs: $*"
	met=$(perl -e 'read STDIN, my $x, 8; print unpack "Q", $x' <log)
	tail -c +17 log | tr -d '\000' >crashes
	runs=$((runs + 1))
}

# crashed: whose code it was, of each process that did
crashed()
{
	awk '{
		for (i = 2; i <= NF; i++)
			if ($i ~ /^libc\.so.*:fts_/) {
				print "fts"
				next
			} else if ($i !~ /^(scant|libc|libstdc\+\+|libgcc_s)\.so/)
				break
		sub(/[:+].*/, "", $i)
		sub(/\.so.*/, ".so", $i)
		print (i > NF ? "?" : $i)
	}' crashes
}

wrong()
{
	failed=$((failed + 1))
	echo "$1: $2"
}

if [ "$every" = control ]; then
	scant io:1+ perl -e 'syswrite STDOUT, "x" x 1000'
	n=$(wc -c <said)
	echo "scant, control: $n of 1000 bytes of a program that writes once"
	printf '#include <stdlib.h>\nint main(void)\n{\n%s\n}\n' \
		'volatile char *p = malloc(9); return *p = 0;' >careless.c
	cc -O0 -o careless careless.c || quit 'no compiler'
	scant memory:1 ./careless
	echo "scant, control: status $status, a crash of $(crashed)"
	[ "$n" = 500 ] && [ "$(crashed)" = careless ]
	exit
fi

few
reference
imgimport -q -C kept in >/dev/null || quit 'no archive'
mkdir plain && cp in/*.dcm plain
mkdir key && imganon --new-key key/k >/dev/null || quit 'no key'

# The commands, and what each leaves: out or a folder called new.
words()
{
	case $1 in
	import) echo imgimport -q -C arch in ;;
	verify) echo imgverify -q -C kept --all ;;
	folder) echo imgexport -q -o new plain ;;
	zip) echo imgexport -q --as zip -o new plain ;;
	media) echo imgexport -q --media -o new plain ;;
	jpegls) echo imgexport -q --transfer-syntax jpegls -o new plain ;;
	anon) echo imganon -q --key key/k -o new plain ;;
	esac
}

# left NAME: what the command has made, as one sum; arch is looked at by state
left()
{
	case $1 in
	import) state arch ;;
	verify) sort said ;;
	zip) (mkdir look && cd look && bsdtar -xf ../new && sums_) ;;
	# Their names are numbers of those that are there.
	media) (cd new && sums_) | cut -d ' ' -f 1 | sort ;;
	images) (cd new/DICOM && sums_) | cut -d ' ' -f 1 | sort ;;
	*) (cd new && sums_) ;;
	esac
	rm -rf look
}
sums_()
{
	find . -type f ! -name DICOMDIR ! -name MANIFEST.TXT ! -name README.TXT \
		-exec b2sum {} + | sort
}
clean_()
{
	chmod -R u+rwX new arch 2>/dev/null
	rm -rf new arch
	find . -maxdepth 1 -name '.*img*' -exec rm -rf {} +
}

# whole NAME WHERE: status 0, and all of it as without
whole()
{
	[ $status = 0 ] || { wrong "$1 $2" "status $status: $(tail -n 1 err)"
		return; }
	left "$1" | cmp -s - "$1.want" || wrong "$1 $2" 'not the same'
}

# true_ NAME WHERE: whatever the status, what was said is so
true_()
{
	case $status in
	0) whole "$1" "$2" ;;
	1 | 2 | 3 | 75) ;;
	134 | 139) [ -s crashes ] || wrong "$1 $2" "status $status" ;;
	*) wrong "$1 $2" "status $status: $(tail -n 1 err)" ;;
	esac
	for whose in $(crashed); do
		case " $(echo $KNOWN) " in
		*" $whose "*) echo "$whose" >>ends ;;
		*) wrong "$1 $2" "$whose crashed: $(cut -c 1-300 crashes)" ;;
		esac
	done
	grep -q 'forbidden system call' said err &&
		wrong "$1 $2" 'said to be a forbidden system call'
	grep -qi synthetic err && wrong "$1 $2" 'the name of a patient'
	case $1 in
	import)
		check arch said >why || wrong "$1 $2" "$(head -n 1 why)"
		cp said out
		recover arch out >why || wrong "$1 $2" "$(head -n 1 why)"
		;;
	verify) ;;
	*)
		if [ -e new ] && [ "$1" != anon ]; then
			left "$1" >has
			# One that failed is not in it, nor on a page.
			[ $status$1 != 2media ] || left images >has
			[ $status != 2 ] || comm -23 has "$1.want" >has.not
			cmp -s has "$1.want" ||
				{ [ $status = 2 ] && [ ! -s has.not ]; } ||
				wrong "$1 $2" 'has its name, and is not whole'
		fi
		rm -rf new
			$(words "$1") >said 2>err &&
			left "$1" | cmp -s - "$1.want" ||
			wrong "$1 $2, again" "$(tail -n 1 err)"
		;;
	esac
}

for name in ${COMMANDS:-import verify folder zip media jpegls anon}; do
	clean_
	$(words $name) >said 2>err || quit "$name: $(tail -n 1 err)"
	left $name >$name.want
	clean_
	scant io:1+ $(words $name)
	whole $name 'all by halves'
	n=$met k=1
	[ "$n" -gt 0 ] || wrong $name 'no call is met'
	while [ $k -le "$n" ]; do
		clean_
		scant io:$k $(words $name)
		whole $name io:$k
		k=$((k + every))
	done
	clean_
	scant memory:0 $(words $name)
	n=$met k=1 step=$every
	[ "$n" -gt 0 ] || wrong $name 'no request is met'
	[ $((n / step)) -le "$MOST" ] || step=$((n / MOST))
	while [ $k -le "$n" ]; do
		for on in '' +; do
			clean_
			scant memory:$k$on $(words $name)
			true_ $name memory:$k$on
		done
		k=$((k + step))
	done
done
echo "scant: $runs runs, each with half a read or write or no memory;" \
	"crashes in libraries: $(sort ends | uniq -c |
	awk '{ n = n s $2 " " $1; s = ", " } END { print n ? n : "none" }');" \
	"$failed wrong"
[ $failed = 0 ] && [ $runs -gt 0 ]
