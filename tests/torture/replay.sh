#!/bin/sh
# replay.sh - a command works on a disk that writes down each write and flush;
# then that disk loses its power at random moments: what was flushed is there,
# of what was written since only some, in no order.  Nothing that was reported
# before that moment may be lost.
#
#	replay.sh [-c] MODE [cuts]	100 by default
#	-c	the control: without syncs, losses are expected
#
# MODE: import, receive, export, anon, send, rebuild or keys; see acts.sh.
#
# FS: ext4, ext4-writeback, xfs or btrfs.  SEED: another series of moments.
# Needs root, loop devices and FUSE.
# shellcheck disable=SC2034,SC2154
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/fs.sh"
need b2sum blocklog bsdtar cksum imganon imgexport imgimport imgrecv imgsend \
	imgverify perl phantom setsid sqlite3 storer zip
control=
[ "${1-}" = -c ] && control=yes && shift
mode=${1:-import} cuts=${2:-100} FS=${FS:-ext4} PER=${PER:-20}
. "$(dirname "$0")/acts.sh"
[ "$(id -u)" = 0 ] || quit 'only root can mount'
[ -e /dev/fuse ] || { echo "replay $FS: skipped: no FUSE here"; exit 0; }

T_=$(mktemp -d "${TMPDIR:-/dev/shm}/imgreplay.XXXXXX") && cd "$T_" || exit 3
away()
{
	cd /
	[ -z "${recv-}" ] || kill -s KILL -- "-$recv" 2>/dev/null
	[ -z "${peer-}" ] || kill "$peer" 2>/dev/null
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
# What is said, is said at once, as to a pipe.
cc -shared -fPIC -o prompt.so "$TOP/tests/torture/prompt.c" || exit 3
so=$PWD/prompt.so
[ -z "$control" ] || {
	cc -shared -fPIC -o nosync.so "$TOP/tests/torture/nosync.c" || exit 3
	so=$so:$PWD/nosync.so
}

# ---- what is written down ------------------------------------------------

make_"$mode"
if [ -n "$BASE" ]; then
	mount_fs "$FS" base m || quit "cannot mount $FS"
	base_"$mode"
	umount m || quit 'cannot unmount'
fi
cp base disk
blocklog serve f disk log >serve.log 2>&1 &
served=$!
for _ in $(seq 100); do
	[ ! -e f/disk ] || break
	sleep 0.05
done
mount_fs "$FS" f/disk m || quit "cannot mount $FS"
PRELOAD=$so
do_"$mode"
PRELOAD=
umount m || quit 'cannot unmount'
# The loop device lets go of its file a little later.
for try_ in 1 2 3 4 5 6 7 8 9; do
	umount f 2>umount.err && break
	[ "$try_" -lt 9 ] || quit "cannot unmount: $(cat umount.err)"
	sleep "0.$try_"
done
wait $served
rm disk
# shellcheck disable=SC2046 # two numbers
set -- $(blocklog count log)
records=$1 flushes=$2
blocklog said log >said.at
sayings=$(wc -l <said.at)

# ---- cuts ------------------------------------------------------------------

# Of how many records there is something left: a random number of them; every
# fourth time there is nothing behind one of those that say something.
moment()
{
	of=$records
	[ $((n % 4)) != 0 ] || of=$sayings
	# The random numbers of random() have three places.
	at=$(awk -v r="$(random 1 $n)" -v s="$(random 1 $((n + 7000)))" \
		-v of="$of" 'BEGIN { printf "%d", (r + s / 1000) * of }')
	[ "$at" -le "$of" ] || at=$of
	[ $((n % 4)) != 0 ] ||
		at=$(sed -n "$((at < of ? at + 1 : of))p" said.at)
}

lost=0 acked=0 n=0 told=0
while [ $n -lt "$cuts" ]; do
	n=$((n + 1))
	moment
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
	judge_"$mode" >why
	status=$?
	[ $said_ = 0 ] || told=$((told + 1))
	if [ $status != 0 ]; then
		lost=$((lost + 1))
		[ -n "$control" ] || sed "s/^/cut $n at $at: /" why
	elif [ -z "$control" ]; then
		acked=$((acked + said_))
		# Some go on afterwards.
		if [ $((n % OFTEN)) = 0 ] && ! again_"$mode" >why; then
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
		"$cuts cuts, $acked acknowledged $WHAT checked," \
		"$lost cuts with a loss"
	[ $lost = 0 ] && [ $acked -gt 0 ]
fi
