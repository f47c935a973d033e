#!/bin/sh
# replay.sh - a command works on a disk that writes down each write and flush;
# then that disk loses its power at random moments: what was flushed is there,
# of what was written since only some, in no order.  Nothing that was reported
# before that moment may be lost.
#
#	replay.sh [-c] import|receive|export [cuts]	100 by default
#	-c	the control: without syncs, losses are expected
#
# FS: ext4, ext4-writeback, xfs or btrfs.  SEED: another series of moments.
# Needs root, loop devices and FUSE.
# shellcheck disable=SC2034,SC2154
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/fs.sh"
need b2sum blocklog bsdtar cksum imgexport imgimport imgrecv imgverify phantom \
	setsid sqlite3 storer zip
control=
[ "${1-}" = -c ] && control=yes && shift
mode=${1:-import} cuts=${2:-100} FS=${FS:-ext4} PER=${PER:-20}
[ "$(id -u)" = 0 ] || quit 'only root can mount'
[ -e /dev/fuse ] || { echo "replay $FS: skipped: no FUSE here"; exit 0; }

T_=$(mktemp -d "${TMPDIR:-/dev/shm}/imgreplay.XXXXXX") && cd "$T_" || exit 3
away()
{
	cd /
	[ -z "${recv-}" ] || kill -s KILL -- "-$recv" 2>/dev/null
	umount "$T_/m" 2>/dev/null
	umount "$T_/f" 2>/dev/null
	rm -rf "$T_"
}
trap away EXIT
trap 'exit 130' INT TERM
mkdir f m
why=$(make_fs "$FS" base) || {
	[ $? = 4 ] || quit "no $FS: $why"
	echo "replay $FS: skipped: $why"
	exit 0
}
[ -z "$control" ] || {
	cc -shared -fPIC -o nosync.so "$TOP/tests/torture/nosync.c" || exit 3
	PRELOAD=$PWD/nosync.so
}
lies()
{
	${PRELOAD:+env LD_PRELOAD="$PRELOAD"} "$@"
}

# ---- what is written down ------------------------------------------------

do_import()
{
	session m/arch f/out || quit "the import fails: $(cat err)"
}

do_receive()
{
	: >recv.err
	setsid ${PRELOAD:+env LD_PRELOAD="$PRELOAD"} \
		imgrecv -C m/arch -p 0 >>f/out 2>recv.err &
	recv=$!
	for _ in $(seq 500); do
		port=$(sed -n 's/^imgrecv: listening at 127.0.0.1://p' recv.err)
		[ -z "$port" ] || break
		sleep 0.02
	done
	for i in 0 1 2; do
		# shellcheck disable=SC2046 # no blanks in these names
		storer "$port" IMGRECV $(find "raw/$i" -type f) >>f/acks \
			2>/dev/null &
		eval "s$i=$!"
	done
	# shellcheck disable=SC2086
	wait $s0 $s1 $s2 || quit 'the senders fail'
	kill -TERM $recv
	wait $recv
	recv=
}

do_export()
{
	for form in folder zip media; do
		words="--as $form"
		[ $form != media ] || words=--media
		# shellcheck disable=SC2086 # words
		lies imgexport -q -C refarch $words -o m/$form <studies \
			>>f/out 2>err || quit "the export fails: $(cat err)"
	done
}

case $mode in
import)
	inputs
	PRELOAD_=${PRELOAD-} PRELOAD=
	reference
	PRELOAD=$PRELOAD_
	;;
receive)
	mkdir -p raw/0 raw/1 raw/2 all &&
		phantom small all $((PER * 6)) >/dev/null || quit 'no inputs'
	find all -type f | LC_ALL=C sort | awk '{ print NR % 3, NR, $0 }' |
		while read -r i n x; do mv "$x" "raw/$i/$n.dcm"; done
	;;
export)
	phantom small in $((PER * 3)) >/dev/null &&
		imgimport -q -C refarch in >/dev/null || quit 'no inputs'
	imgquery -C refarch -l study >studies
	objects=$(find in -type f | wc -l)
	;;
*) quit 'import, receive or export' ;;
esac
cp base disk
blocklog serve f disk log >serve.log 2>&1 &
served=$!
for _ in $(seq 100); do
	[ ! -e f/disk ] || break
	sleep 0.05
done
mount_fs "$FS" f/disk m || quit "cannot mount $FS"
do_$mode
umount m && umount f || quit 'cannot unmount'
wait $served
rm disk
# shellcheck disable=SC2046 # two numbers
set -- $(blocklog count log)
records=$1 flushes=$2

# ---- cuts ------------------------------------------------------------------

# What was said is true; $said_ are so many objects.
judge_import()
{
	check m/arch out
}

judge_receive()
{
	check m/arch out || return 1
	grep -xE '[0-9.]+' acks | LC_ALL=C sort -u >c.acks
	sqlite3 c.copy/catalog.db 'SELECT SOPInstanceUID FROM instance' \
		2>/dev/null | LC_ALL=C sort -u >c.have
	LC_ALL=C comm -23 c.acks c.have >c.diff
	said_=$(wc -l <c.acks)
	[ ! -s c.diff ] || problem 'acknowledged, and lost' c.diff
	return $bad_
}

judge_export()
{
	bad_=0 said_=0
	for form in folder zip media; do
		said=$(grep -c "\"path\":\"m/$form" out)
		said_=$((said_ + said))
		if [ ! -e m/$form ]; then
			[ "$said" = 0 ] || { echo "$form: reported, and gone"
				bad_=1; }
			continue
		fi
		rm -rf look && mkdir look
		if [ -d m/$form ]; then
			cp -r m/$form/. look
		else
			bsdtar -xf m/$form -C look
		fi >c.log 2>&1
		chmod -R u+rwX look
		(cd look && cksum -c --quiet MANIFEST.TXT) >c.log 2>&1 || {
			echo "$form: has its name and is not whole"
			bad_=1
		}
	done
	return $bad_
}

lost=0 acked=0 n=0 told=0
while [ $n -lt "$cuts" ]; do
	n=$((n + 1))
	# The random numbers of random() have three places.
	at=$(awk -v r="$(random 1 $n)" -v s="$(random 1 $((n + 7000)))" \
		-v of="$records" 'BEGIN {
		printf "%d", (r + s / 1000) * of }')
	[ "$at" -le "$records" ] || at=$records
	# Of its own: another name space may keep the last mount alive, and the
	# same file would be given its old blocks.
	rm -f image
	cp --sparse=always base image
	blocklog cut log image "$at" $((SEED * 100003 + n)) out acks ||
		quit 'cannot cut'
	mount_fs "$FS" image m 2>c.log || {
		lost=$((lost + 1))
		echo "cut $n at $at: cannot be mounted: $(head -n 1 c.log)"
		continue
	}
	judge_$mode >why
	status=$?
	[ $said_ = 0 ] || told=$((told + 1))
	if [ $status != 0 ]; then
		lost=$((lost + 1))
		[ -n "$control" ] || sed "s/^/cut $n at $at: /" why
	elif [ -z "$control" ]; then
		acked=$((acked + said_))
		# Every tenth goes on afterwards.
		if [ $mode = import ] && [ $((n % 10)) = 0 ] &&
			! recover m/arch out >why; then
			lost=$((lost + 1))
			sed "s/^/cut $n at $at, afterwards: /" why
		fi
	fi
	umount m
	[ $((n % 10)) = 0 ] && [ -z "$control" ] || continue
	check_fs "$FS" image >fsck
	[ ! -s fsck ] || { head -n 5 fsck && lost=$((lost + 1)); }
done

if [ -n "$control" ]; then
	echo "replay $FS $mode, control without syncs: $told cuts after" \
		"something was said, $lost lost data"
	[ $lost -gt 0 ]
else
	echo "replay $FS $mode: $records writes and flushes ($flushes)," \
		"$cuts cuts, $acked acknowledged objects checked," \
		"$lost cuts with a loss"
	[ $lost = 0 ] && [ $acked -gt 0 ]
fi
