#!/bin/sh
# anon.sh - de-identification that is killed, at random moments and at system
# calls: what was reported is there, with its lines in the map, the report and
# the linkage; nothing else is under its name; the same command again finishes
# the work, with the same bytes.
#
#	anon.sh [moments]       300 by default, and then every system call
#	anon.sh control [moments]  30 by default: the names come late, and what
#				is there is harmed: it must be told
#	CALLS='linkat write' anon.sh 0
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/moments.sh"
need b2sum imganon imgimport killer phantom strace zip
moments=${1:-300} control=
[ "$moments" != control ] || control=yes moments=${2:-30}
CALLS=${CALLS-write fsync fdatasync syncfs linkat link renameat2 openat mkdir \
	close unlink fchmod}
PARTS=${PARTS:-12} PER=${PER:-8}
ground imganon

mkdir in && phantom small raw $((PARTS * PER)) >/dev/null ||
	quit 'no inputs'
find raw -type f | sort | awk -v parts="$PARTS" '
	{ print NR % parts " " $0 }' | while read -r n f; do
	mkdir -p "in/$n" && mv "$f" "in/$n/"
done
# One part comes from an archive.
mv in/0 first && imgimport -q -C arch first >/dev/null || quit 'no archive'
sqlite3 arch/catalog.db 'SELECT SOPInstanceUID FROM instance' >uids
ls in >names
imganon --new-key key && imganon --new-trustee trustee &&
	imganon -q --key key -o ref in >out 2>err &&
	imganon -q --key key -o ref -C arch <uids >>out 2>err ||
	quit "no reference: $(cat err)"

# made DIR: what has a name there, and its digest
made()
{
	find "$1" -type f -exec b2sum -l 256 {} + 2>/dev/null |
		sed 's|^\([^ ]*\)  [^/]*/\(.*\)|\2 \1|' | sort
}
made ref >ref.made
[ "$(wc -l <ref.made)" = $((PARTS * PER)) ] || quit 'the reference is not whole'

# plan_ OUT: each part once
plan_()
{
	{ cat names && echo uids; } | shuffle $((group * 4 + $1)) |
		while read -r part; do
		w_="-j $((1 + group % 3)) --key key -o an --report report"
		w_="$w_ --id-map map.$1.$part"
		w_="$w_ --linkage links --trustee trustee.pub"
		case $part in
		uids) echo "archive imganon -q $w_ -C arch <uids" ;;
		*) echo "anon imganon -q $w_ in/$part" ;;
		esac
	done
}

# look_: 0, or why
look_()
{
	bad_=0
	sed -n 's/^{"status":"deidentified","path":"an\/\([^"]*\)".*"digest":"\([0-9a-f]*\)".*}$/\1 \2/p' \
		out | sort -u >c.said
	made an >c.made
	within c.said c.made 'reported, and not there'
	within c.made ref.made 'under its name, and not as it should be'
	sed 's|.*/\(.*\)\.dcm .*|\1|' c.said | sort -u >c.uids
	cat map.*-uids.csv 2>/dev/null | cut -d , -f 2 | sort -u >c.map
	within c.uids c.map 'reported, and not in the map'
	sed -n 's/^{"SOPInstanceUID":"\([^"]*\)",.*}$/\1/p' report | sort -u \
		>c.report
	within c.uids c.report 'reported, and not in the report'
	imganon -q --reidentify --linkage links --trustee trustee 2>/dev/null |
		sed -n 's/^U,[^,]*,//p' | sort -u >c.links
	within c.uids c.links 'reported, and not sealed'
	return $bad_
}

# peace: all of it, to the end
peace()
{
	imganon -q --key key -o an in >>out 2>err &&
		imganon -q --key key -o an -C arch <uids >>out 2>err || {
		echo "the last time fails: $(tail -n 1 err)"
		return 1
	}
	made an | cmp -s - ref.made || {
		echo 'not what comes without interruption'
		return 1
	}
	find an -name '.*' >c.diff
	[ ! -s c.diff ] || { echo "left behind: $(cat c.diff)"; return 1; }
	imgverify -q --audit -C arch >c.diff 2>&1 || {
		echo "imgverify --audit: $(tail -n 1 c.diff)"
		return 1
	}
}

fresh()
{
	rm -rf an map.* links report && : >links && : >report && : >out
}

# group_ [singly]: 0, or why says what is wrong
group_()
{
	fresh
	for time in 1 2; do
		plan_ $time >lines
		strikes look_ "${1-}" || return
	done
	checked=$((checked + $(wc -l <c.said)))
	peace >why
}

if [ -n "$control" ]; then
	said()
	{
		grep -q '^{"status":"deidentified"' out
	}
	# The last line of FILE is gone.
	shorter()
	{
		sed -i '$d' "$1"
	}
	again()
	{
		fresh
		imganon -q --key key -o an --report report --id-map map.0 \
			--linkage links --trustee trustee.pub in/1 >out 2>err
		chmod -R u+w an
		file=$(find an -name '*.dcm' | head -n 1)
	}
	echo "control env LD_PRELOAD=$PWD/late.so imganon -q --key key" \
		"-o an --report report --id-map map.0 --linkage links" \
		"--trustee trustee.pub in/1" >line
	late look_ said
	again && look_ >why || quit "no control: $(cat why)"
	harm look_ 'a file is gone' rm "$file"
	again
	harm look_ 'a file is cut off' truncate -s -1 "$file"
	again
	harm look_ 'a file too many' cp "$file" an/other.dcm
	again
	harm look_ 'a line of the map is gone' shorter map.0-uids.csv
	again
	harm look_ 'a line of the report is gone' shorter report
	again
	harm look_ 'nothing is sealed' truncate -s 0 links
	controlled anon
	exit
fi

all_groups
[ "$moments" = 0 ] || total anon

# ---- system calls --------------------------------------------------------

at=0
for call in $CALLS; do
	fresh
	k=0
	while :; do
		k=$((k + 1))
		turn $k 30 20 || continue
		at_call "$call" $k imganon -q --key key -o an --report report \
			--id-map map.$k --linkage links --trustee trustee.pub \
			in/1 >said 2>err
		status=$?
		grep '}$' said >>out
		[ $status != 0 ] || break
		at=$((at + 1))
		[ $status = 137 ] ||
			{ echo "status $status" >why && wrong "$call $k"; }
		look_ >why || wrong "$call $k"
		# Now and then there is something left to do.
		[ $((k % 3)) != 0 ] || fresh
	done
	peace >why || wrong "after $call"
done
[ -z "$CALLS" ] || echo "anon: $at system calls, $failed wrong in all"
[ $failed = 0 ] && { [ -z "$CALLS" ] || [ $at -gt 0 ]; }
