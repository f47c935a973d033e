#!/bin/sh
# damaged.sh - one bit of nearly every object of an archive is flipped, and all
# of them are exported, sent and de-identified: what was harmed does not leave,
# and what was not does.
#
#	damaged.sh [objects]    100000 by default: harmed objects, over all forms
#	damaged.sh control [objects]    the same files given out by dcmsend
. "$(dirname "$0")/lib.sh"
need b2sum bsdtar imganon imgexport imgimport imgsend perl phantom sqlite3 \
	storescp
control=
[ "${1-}" = control ] && control=1 && shift
wanted=${1:-100000}
PER=${PER:-1000}

T_=$(mktemp -d "${TMPDIR:-/var/tmp}/imgdamaged.XXXXXX") && cd "$T_" || exit 3
peer='' port=''
trap '[ -z "$peer" ] || kill "$peer" 2>/dev/null; cd / && rm -rf "$T_"' EXIT
trap 'exit 130' INT TERM

phantom small in "$PER" >/dev/null && imgimport -q -C arch in >/dev/null ||
	quit 'no archive'
sqlite3 arch/catalog.db 'SELECT lower(hex(digest)), SOPInstanceUID FROM object
	JOIN instance ON instance.id = instance' | tr '|' ' ' |
	LC_ALL=C sort >uid_of
find arch/objects -type f | LC_ALL=C sort >files
[ "$(wc -l <files)" = "$PER" ] || quit 'not every object is there'
chmod -R u+w arch/objects

# wound SEED: flips a bit of each file but about one in fifty, whose digests
# go to unharmed; once more with the same seed heals.
wound()
{
	perl -e 'my $seed = shift; my $n = 0;
		for my $f (<STDIN>) { chomp $f; srand($seed * 1000003 + $n++);
			my $at = int(rand(-s $f)); my $bit = int(rand(8));
			if (rand(50) < 1) { print $f =~ s|.*/||r, "\n"; next }
			open my $h, "+<:raw", $f or die "$f: $!";
			seek $h, $at, 0; read $h, my $c, 1;
			seek $h, $at, 0; print $h chr(ord($c) ^ 1 << $bit);
			close $h or die "$f: $!" }' "$1" <files >unharmed
	LC_ALL=C join unharmed uid_of | cut -d ' ' -f 2 | LC_ALL=C sort >good
}

# give FORM: everything, to dest
give()
{
	case $1 in
	send) set -- imgsend --again -c "P@127.0.0.1:$port" ;;
	anon) set -- imganon -o dest/new ;;
	link) set -- imgexport -o dest/new --link ;;
	media) set -- imgexport -o dest/new --media ;;
	rle) set -- imgexport -o dest/new \
		--transfer-syntax 1.2.840.10008.1.2.5 ;;
	png) set -- imgexport -o dest/new --as png ;;
	*) set -- imgexport -o "dest/new.$1" --as "$1" ;;
	esac
	imgquery -C arch -l image | "$@" -q -C arch - >out 2>err
}

# left FORM: the UIDs of what left, from what is there where that can be
left()
{
	case $1 in
	send) find got -type f | sed 's|.*/[^.]*\.||' ;;
	folder | tar | zip | iso | link | media)
		for archive in dest/new.*; do
			[ ! -f "$archive" ] || bsdtar -xf "$archive" -C dest
		done
		find dest -type f ! -name 'new.*' -exec b2sum -l 256 {} + |
			sed 's/  .*//' | LC_ALL=C sort >digests
		LC_ALL=C join digests uid_of | cut -d ' ' -f 2
		# Whole images of which the archive knows no digest.
		find dest -type f ! -name 'new.*' ! -name DICOMDIR -size +2 \
			-exec sh -c 'head -c 132 "$1" | tail -c 4 |
				grep -q DICM' - {} \; -exec b2sum -l 256 {} + |
			cut -d ' ' -f 1 | LC_ALL=C sort |
			LC_ALL=C join -v 1 - uid_of
		;;
	*) sed -n 's/^{"status":"\(exported\|deidentified\)".*/&/p' out |
		grep -o '"\(SOPInstanceUID\|source\)":"[0-9.]*"' |
		sed 's/.*:"//; s/"//' ;;
	esac | LC_ALL=C sort -u
}

if [ "$control" ]; then
	into_got
	wound 1
	dcmsend "127.0.0.1" "$port" +sd +r -nh arch/objects >/dev/null 2>&1
	out_=$(($(find got -type f | wc -l) - $(wc -l <unharmed)))
	echo "control: of $((PER - $(wc -l <unharmed))) harmed objects" \
		"$out_ left with dcmsend"
	[ "$out_" -gt 0 ]
	exit
fi

into_got
harmed=0 failed=0 round=0
while [ "$harmed" -lt "$wanted" ]; do
	for form in folder send tar zip link iso media rle png anon; do
		round=$((round + 1))
		rm -rf dest got/* && mkdir dest
		wound $round
		harmed=$((harmed + PER - $(wc -l <unharmed)))
		give $form
		status=$?
		left $form >gone
		wound $round
		case $form in
		anon) [ "$(grep -c '^{"status":"deidentified"' out)" = \
			"$(wc -l <good)" ] ;;
		*) cmp -s gone good ;;
		esac && [ $status = 2 ] && continue
		failed=$((failed + 1))
		echo "round $round, $form: status $status," \
			"$(wc -l <gone) left instead of $(wc -l <good)"
		head -n 2 err
	done
done
echo "damaged: $harmed harmed objects given out in $round runs:" \
	"$failed runs in which one left or a good one stayed"
[ $failed = 0 ]
