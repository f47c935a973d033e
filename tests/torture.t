#!/bin/sh
# torture.t - a taste of tests/torture, so that it is known to work; make
# torture does it in full.
. "$(dirname "$0")/lib.sh"
need b2sum setsid sqlite3 strace zip
grep -q __asan_init "$O/bin/imgimport" &&
	skip_all 'a sanitizer does not bear a tracer'

exits 0 'killed: nothing is lost' env PARTS=12 CALLS='fsync fdatasync renameat2' \
	sh "$TOP/tests/torture/kill.sh" 20
ok 'at random moments' grep -q '^kill: [1-9].* kills, .* 0 wrong, ' out
ok 'and at system calls' grep -q '^kill: [1-9].* 0 losses in all$' out
controls()
{
	exits 0 "$1" env IMAGES=48 FILES=80 PARTS=12 \
		sh "$TOP/tests/torture/$2" "$3" 4
	ok 'all of them' grep -q '^[a-z]* control: .* losses and harms told$' out
}
controls 'objects that are written late: the test finds the loss' kill.sh control
controls 'exports that are not there, or harmed, are told' export.sh control
controls 'so is what is de-identified' anon.sh control
controls 'so are catalogs and keys' verify.sh control
controls 'so is what a peer has not kept, and what is sent twice' \
	send.sh control
controls 'so is what a listener has not kept' recv.sh late

exits 0 'exports that are killed: no half under a final name' \
	env CALLS='fsync renameat2' sh "$TOP/tests/torture/export.sh" 14
ok 'at random moments' grep -q '^export: [1-9].* kills, .* 0 wrong, ' out
ok 'and at system calls' grep -q '^export: [1-9].* 0 wrong in all$' out

exits 0 'de-identification that is killed: what was reported is there' \
	env CALLS=linkat sh "$TOP/tests/torture/anon.sh" 20
ok 'at random moments' grep -q '^anon: [1-9].* kills, .* 0 wrong, ' out
ok 'and at system calls' grep -q '^anon: [1-9].* 0 wrong in all$' out

exits 0 'verification that is killed: the old catalog or the new one' \
	env CALLS='link linkat' sh "$TOP/tests/torture/verify.sh" 20
ok 'at random moments' grep -q '^verify: [1-9].* kills, .* 0 wrong, ' out
ok 'and at system calls' grep -q '^verify: [1-9].* 0 wrong in all$' out

exits 0 'system calls that fail: the status tells the truth' \
	env CALLS='write fsync' ERRORS='EIO ENOSPC' \
	sh "$TOP/tests/torture/faults.sh" import 4
ok 'and nothing is lost' grep -q '^faults import: [1-9].* 0 wrong$' out
for mode in export:zip anon:in0 send: keys:sign; do
	exits 0 "the same: $mode" env CALLS='fsync fdatasync' \
		ERRORS=EIO FIRST=1 KINDS="${mode#*:}" \
		sh "$TOP/tests/torture/faults.sh" "${mode%:*}" 100
	ok 'in some runs' grep -q '^faults [a-z]*: [1-9].* 0 wrong$' out
done
exits 0 'writes that fail unseen: the test finds it out' env FIRST=1 \
	KINDS=sign sh "$TOP/tests/torture/faults.sh" keys control

exits 0 'halves of reads and writes, and no memory: what is said is so' \
	env COMMANDS='import folder jpegls anon' MOST=8 \
	sh "$TOP/tests/torture/scant.sh" 200
ok 'in some runs' grep -q '^scant: [1-9].* 0 wrong$' out
exits 0 'half of what a program writes is gone, and a crash is its own' \
	sh "$TOP/tests/torture/scant.sh" control

exits 0 'hostile files: bounded memory and time' \
	sh "$TOP/tests/torture/hostile.sh" 50/150
ok 'nothing wrong' grep -q '^hostile: [1-9].* 0 wrong, ' out
exits 0 'hostile files to dcmdump: the test finds the crash' \
	sh "$TOP/tests/torture/hostile.sh" control

exits 0 'a listener that is killed: nothing acknowledged is lost' \
	env FILES=80 sh "$TOP/tests/torture/recv.sh" kill 16
ok 'at random moments' grep -q '^recv: [1-9].* kills, .* 0 wrong, ' out

exits 0 'system calls of a listener that fail: nothing acknowledged is lost' \
	env CALLS=sendmsg ERRORS=EIO FIRST=1 \
	sh "$TOP/tests/torture/recv.sh" calls 4
ok 'in some runs' grep -q '^recv: [1-9].* [1-9].* checked, 0 wrong$' out

exits 0 'sendings that are killed: none is lost, none is done twice' \
	env CALLS= IMAGES=48 sh "$TOP/tests/torture/send.sh" 16
ok 'at random moments' grep -q '^send: [1-9].* kills, .* 0 wrong, ' out

if [ "$(id -u)" = 0 ] && [ -e /dev/loop-control ] &&
	truncate -s 8M image && mkfs.ext4 -q image 2>/dev/null &&
	mkdir m && mount -o loop image m 2>/dev/null; then
	umount m
	exits 0 'power cuts: nothing is lost' \
		sh "$TOP/tests/torture/powercut.sh" 4
	exits 0 'power cuts without syncs: the test finds the loss' \
		sh "$TOP/tests/torture/powercut.sh" -c 6
	exits 0 'power cuts of a listener: nothing acknowledged is lost' \
		env FILES=80 sh "$TOP/tests/torture/recv.sh" cut 3
	if [ -e /dev/fuse ]; then
		exits 0 'writes between flushes in any order: nothing is lost' \
			env PER=8 sh "$TOP/tests/torture/replay.sh" import 4
		ok 'after some of them' grep -q \
			'^replay ext4 import: [1-9].* 4 cuts, [1-9].* 0 cuts with' out
		for mode in export anon send rebuild keys; do
			exits 0 "the same: $mode" env PER=6 \
				sh "$TOP/tests/torture/replay.sh" $mode 4
		done
		exits 0 'without syncs: the test finds the loss' \
			env PER=8 sh "$TOP/tests/torture/replay.sh" -c import 4
	else
		skip 'reordered writes' 'no FUSE here'
	fi
else
	skip 'power cuts' 'no loop device can be mounted here'
fi

finish
