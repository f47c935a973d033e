#!/bin/sh
# powercut.sh - imports into a file system that loses its power at random
# moments: nothing that was said to be stored may be lost.
#
#	powercut.sh [cuts]      200 by default
#	powercut.sh -c [cuts]   the control: without syncs 95 % of the cuts after
#				something was said must have a loss
#
# FS: ext4, ext4-writeback or xfs; what cannot be had here is skipped, and so is
# btrfs, which cannot be shut down (replay.sh has it).
# Needs root and loop devices.  SEED: another series of moments.
# shellcheck disable=SC2034,SC2154
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/fs.sh"
need b2sum bsdtar imgimport imgverify phantom setsid sqlite3 zip
control=
[ "${1-}" = -c ] && control=yes && shift
cuts=${1:-200} FS=${FS:-ext4}
[ "$(id -u)" = 0 ] || quit 'only root can mount'

T_=$(mktemp -d "${TMPDIR:-/var/tmp}/imgcut.XXXXXX") && cd "$T_" || exit 3
trap 'cd / && umount "$T_/m" 2>/dev/null; rm -rf "$T_"' EXIT
trap 'exit 130' INT TERM
mkdir m
why=$(make_fs "$FS" image) || {
	[ $? = 4 ] || quit "no $FS: $why"
	echo "powercut $FS: skipped: $why"
	exit 0
}
mount_fs "$FS" image m || quit 'cannot mount'
: >out
shutdown m out >/dev/null 2>&1 || {
	echo "powercut $FS: skipped: this kernel cannot shut it down"
	exit 0
}
umount m && mount_fs "$FS" image m || quit 'cannot mount again'
inputs
reference
[ -z "$control" ] || {
	cc -shared -fPIC -o nosync.so "$TOP/tests/torture/nosync.c" || exit 3
	PRELOAD=$PWD/nosync.so
}

lost=0 acked=0 cut=0 again=0 some=0
while [ $cut -lt "$cuts" ]; do
	cut=$((cut + 1))
	if [ $again = 0 ]; then
		rm -rf m/arch && sync -f m && : >out
	fi
	session m/arch out &
	pid=$!
	sleep "$(random "$T" $cut)"
	heard=$(shutdown m out) || quit 'no shutdown'
	wait $pid
	truncate -s "$heard" out
	power
	check m/arch out >why
	status=$?
	[ "$said_" = 0 ] || some=$((some + 1))
	if [ $status != 0 ]; then
		[ -n "$control" ] && [ "$said_" = 0 ] ||
			lost=$((lost + 1))
		[ -n "$control" ] || sed "s/^/cut $cut: /" why
		again=0
		continue
	fi
	acked=$((acked + said_))
	[ -z "$control" ] || continue
	# One in three is cut again while it recovers.
	again=$((cut % 3 == 0))
	[ $again = 0 ] || continue
	recover m/arch out >why || {
		lost=$((lost + 1))
		sed "s/^/cut $cut, afterwards: /" why
	}
done
umount m
check_fs "$FS" image >fsck
[ -n "$control" ] || [ ! -s fsck ] ||
	{ head -n 5 fsck && lost=$((lost + 1)); }

if [ -n "$control" ]; then
	echo "$FS, control without syncs: $cuts cuts, $some after something" \
		"was said, $lost lost data"
	[ $some -gt 0 ] && [ $((lost * 100)) -ge $((some * 95)) ]
else
	echo "powercut $FS: $cuts cuts, $acked acknowledged objects checked," \
		"$lost cuts with a loss"
	[ $lost = 0 ] && [ $acked -gt 0 ]
fi
