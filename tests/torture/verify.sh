#!/bin/sh
# verify.sh - imgverify killed while it changes an archive, at random moments
# and at system calls: --rebuild leaves the old catalog or the new one, whole;
# --scrub leaves all rows as they were; the next run completes.  Keys that are
# made are whole or not there; of a pair that is half there the next run makes
# the other half.
#
#	verify.sh [moments]     300 by default, and then every system call
#	verify.sh control       what is left is harmed: it must be told
#	CALLS='rename link' verify.sh 0
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/moments.sh"
. "$(dirname "$0")/keys.sh"
need b2sum imganon imgimport imgverify killer phantom sqlite3 strace
moments=${1:-300} control=
[ "$moments" != control ] || control=yes moments=0
CALLS=${CALLS-write pwrite64 fsync fdatasync rename link linkat unlink openat \
	close ftruncate fcntl}
ground imgverify

phantom small in "${OBJECTS:-24}" >/dev/null || quit 'no inputs'
with_twin base
state base >ref
objects=$(wc -l <ref)

# copy NAME KIND: an archive like base; its catalog is gone, or has lost half
copy()
{
	cp -al base "$1" && rm "$1"/catalog.db* "$1"/audit.log &&
		cp base/audit.log "$1"/ || quit 'no copy'
	case $2 in
	none) ;;
	half)
		cp base/catalog.db "$1"/
		sqlite3 "$1/catalog.db" 'DELETE FROM object WHERE instance % 2' ||
			quit 'no harm done'
		;;
	*) cp base/catalog.db "$1"/ ;;
	esac
}

# rows ARCH KIND: whether a catalog is there, the old or the new one
rows()
{
	[ "$2" != none ] || [ -s "$1/catalog.db" ] || return 0
	rm -rf c.copy && mkdir c.copy && cp "$1"/catalog.db c.copy/ || {
		echo "$1: no catalog"
		return 1
	}
	[ ! -e "$1/catalog.db-wal" ] || cp "$1"/catalog.db-wal c.copy/
	[ "$(sqlite3 c.copy/catalog.db 'PRAGMA integrity_check')" = ok ] || {
		echo "$1: catalog damaged"
		return 1
	}
	state c.copy >c.state
	cmp -s c.state ref || { [ "$2" = half ] && cmp -s c.state half; } || {
		echo "$1: neither the old catalog nor the new one"
		return 1
	}
}
copy harmed half
state harmed >half

# done_ ARCH: what a run in peace leaves
done_()
{
	rows "$1" whole || return
	find "$1" -maxdepth 1 ! -name 'catalog.db.before-*' | sed 's|.*/||' |
		grep -vxE "$1|catalog.db(-wal|-shm)?|audit.log|lock|objects|quarantine|tmp" \
			>c.diff
	[ ! -s c.diff ] || { echo "$1: left: $(cat c.diff)"; return 1; }
	imgverify -q -C "$1" --all >c.verify 2>&1 &&
		imgverify -q --audit -C "$1" >>c.verify 2>&1 || {
		echo "$1: imgverify: $(tail -n 1 c.verify)"
		return 1
	}
}

# ---- random moments ------------------------------------------------------

KINDS='whole none half'

# pass: each archive once, the scrub of one of them often
pass()
{
	for kind in $KINDS; do
		for i in 1 2 3; do
			echo "rebuild imgverify --rebuild -q -C $kind$i"
		done
	done
	for i in 1 2 3; do
		echo 'scrub imgverify --scrub -v -q -C scrub'
		echo 'all imgverify --all -q -C scrub'
		echo "key imganon --new-key key$1$i"
		echo "trustee imganon --new-trustee trustee$1$i"
		echo "sign imgverify -q --new-sign-key sign$1$i"
	done
}

look_()
{
	for kind in $KINDS; do
		for i in 1 2 3; do
			rows "$kind$i" "$kind" || return
		done
	done
	rows scrub whole && keys
}

fresh()
{
	rm -rf whole? none? half? scrub key?? trustee?? sign?? ./*[0-9].pub && : >out
	for kind in $KINDS; do
		for i in 1 2 3; do
			copy "$kind$i" "$kind"
		done
	done
	copy scrub whole
}

group_()
{
	fresh
	for time in 1 2; do
		pass $time | shuffle $((group * 2 + time)) >lines
		rm -f key?? trustee?? sign?? ./*[0-9].pub
		strikes look_ "${1-}" || return
		checked=$((checked + 10 * objects))
	done
	for kind in $KINDS; do
		# What was not there differs.
		imgverify --rebuild -q -C "${kind}1" >out 2>err
		[ $? -le 1 ] || {
			echo "the last time fails: $(tail -n 1 err)" >why
			return 1
		}
		done_ "${kind}1" >why || return
	done
	imgverify --scrub -q -C scrub >out 2>err || {
		echo "the last scrub fails: $(tail -n 1 err)" >why
		return 1
	}
	done_ scrub >why
}

whole_keys
# The harms of the control; each begins with what is as it should be.
row()
{
	sqlite3 "$1/catalog.db" 'DELETE FROM object WHERE instance = 2'
}
key_cut()
{
	imganon --new-key key11 && chmod u+w key11 && truncate -s -1 key11
}
alone()
{
	imgverify -q --new-sign-key sign11 && rm sign11
}
stranger()
{
	imgverify -q --new-sign-key sign11 && rm sign11.pub &&
		rm -f sign12 sign12.pub && imgverify -q --new-sign-key sign12 &&
		mv sign12.pub sign11.pub && rm sign12
}
fits()
{
	fit sign11
}
finished()
{
	done_ scrub
}
if [ -n "$control" ]; then
	fresh
	look_ >why && finished >why || quit "no control: $(cat why)"
	harm look_ 'a row is gone' row whole2
	fresh
	harm look_ 'a row is gone of a scrub' row scrub
	fresh
	harm look_ 'no catalog' rm whole1/catalog.db
	fresh
	harm look_ 'the catalog is cut off' truncate -s -4096 half1/catalog.db
	fresh
	harm look_ 'half a catalog is the new one' cp half1/catalog.db none1/
	fresh
	harm look_ 'half a key' key_cut
	fresh
	harm look_ 'a public key alone' alone
	fresh
	harm fits 'the public key of another' stranger
	fresh
	harm finished 'something is left' touch scrub/catalog.db.new
	fresh
	harm finished 'an object is gone' rm "$(find scrub/objects -type f |
		head -n 1)"
	controlled verify
	exit
fi

all_groups
[ "$moments" = 0 ] || total verify 'rows'

# ---- system calls --------------------------------------------------------

at=0
for kind in $KINDS; do
	for call in $CALLS; do
		k=0
		while :; do
			k=$((k + 1))
			turn $k 25 25 || continue
			rm -rf one && copy one "$kind"
			at_call "$call" $k imgverify --rebuild -q -C one >out 2>err
			status=$?
			[ $status -gt 1 ] || break
			at=$((at + 1))
			[ $status = 137 ] || { echo "status $status" >why &&
				wrong "$kind $call $k"; }
			rows one "$kind" >why || wrong "$kind $call $k"
			# Shown by the next one, as a listing is long.
			imgverify --rebuild -q -C one >out 2>err
			[ $? -le 1 ] && done_ one >why ||
				wrong "$kind $call $k, again"
		done
	done
done
for maker in 'imganon --new-key key' 'imganon --new-trustee trustee' \
	'imgverify -q --new-sign-key sign'; do
	for call in $CALLS; do
		k=0
		while :; do
			k=$((k + 1))
			turn $k 3 1 || continue
			rm -f key?? trustee?? sign?? ./*[0-9].pub
			# shellcheck disable=SC2086 # words
			at_call "$call" $k ${maker}11 >out 2>err
			[ $? = 137 ] || break
			at=$((at + 1))
			keys >why || wrong "$maker $call $k"
		done
	done
done
[ -z "$CALLS" ] || echo "verify: $at system calls, $mended pairs mended," \
	"$failed wrong in all"
[ $failed = 0 ] && { [ -z "$CALLS" ] || [ $at -gt 0 ]; }
