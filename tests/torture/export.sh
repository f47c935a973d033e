#!/bin/sh
# export.sh - exports that are killed, at random moments and at system calls:
# what has the final name is whole, what was reported exported is there, and
# the same command again finishes the work and leaves nothing beside it.
#
#	export.sh [moments]     300 by default, and then every system call
#	CALLS='fsync rename' export.sh 0
. "$(dirname "$0")/lib.sh"
need bsdtar cksum imgexport imgimport phantom strace
moments=${1:-300}
CALLS=${CALLS-write fsync syncfs renameat renameat2 linkat openat2 mkdirat \
	fchmod unlinkat flock}

T_=$(mktemp -d "${TMPDIR:-/var/tmp}/imgkill.XXXXXX") && cd "$T_" || exit 3
trap 'cd / && rm -rf "$T_"' EXIT
trap 'exit 130' INT TERM
failed=0 runs=0 finished=0

phantom small in "${OBJECTS:-60}" >/dev/null &&
	imgimport -q -C arch in >/dev/null || quit 'no inputs'
imgquery -C arch -l study >studies || quit 'no studies'
objects=$(find in -type f | wc -l)

# The forms: words for imgexport, and the destination.
FORMS='folder:dest link:dest tar:x.tar zip:x.zip iso:x.iso media:disc mediso:d.iso'
words()
{
	case $1 in
	link) echo --link ;;
	media) echo --media ;;
	mediso) echo --media --as iso ;;
	*) echo --as "$1" ;;
	esac
}

# whole DEST: what has the name is all there, and as its manifest says
whole()
{
	rm -rf look
	if [ -d "$1" ]; then
		cp -r "$1" look
	else
		mkdir look && bsdtar -xf "$1" -C look || return 1
	fi
	(cd look && chmod -R u+rwX . && cksum -c --quiet MANIFEST.TXT) &&
		[ "$(find look -type f -exec b2sum -l 256 {} + |
			cut -c 1-64 | grep -cFf digests)" = "$objects" ]
}
find in -type f -exec b2sum -l 256 {} + | cut -c 1-64 >digests

# judge WHERE FORM DEST
judge()
{
	runs=$((runs + 1))
	why=
	if [ -e "$3" ]; then
		finished=$((finished + 1))
		whole "$3" >log 2>&1 || why='under its name, and not whole'
	elif grep -q '^{"status":"exported"' out; then
		why='reported, and not there'
	fi
	if [ -z "$why" ]; then
		# shellcheck disable=SC2046 # words
		imgexport -q -C arch --force $(words "$2") -o "$3" <studies \
			>out 2>log || why='the second time failed'
		[ -n "$why" ] || whole "$3" >>log 2>&1 ||
			why='the second time is not whole'
		[ -z "$(find . -maxdepth 1 -name '.*imgexport*')" ] ||
			why='something is left beside it'
	fi
	[ -z "$why" ] && return
	failed=$((failed + 1))
	echo "$1, $2: $why"
	sed 's/^/  /' log | head -n 5
}

clear_()
{
	rm -rf "$1"
	find . -maxdepth 1 -name '.*imgexport*' -exec rm -rf {} +
}

# ---- random moments ------------------------------------------------------

n=0
while [ $n -lt "$moments" ]; do
	for f in $FORMS; do
		form=${f%:*} dest=${f#*:}
		n=$((n + 1))
		[ $n -le "$moments" ] || break
		# What a killed one has left is the next one's to remove.
		[ $((n % 3)) = 0 ] || clear_ "$dest"
		rm -rf "$dest"
		: >out
		# shellcheck disable=SC2046 # words
		imgexport -q -C arch $(words "$form") -o "$dest" <studies \
			>out 2>/dev/null &
		pid=$!
		sleep "$(random "${T:-0.08}" $n)"
		kill -KILL $pid 2>/dev/null
		wait $pid 2>/dev/null
		judge "kill $n" "$form" "$dest"
		rm -rf "$dest"
	done
done
[ "$moments" = 0 ] ||
	echo "export: $runs moments, $finished had finished, $failed wrong"

# ---- system calls --------------------------------------------------------

at=0
for f in $FORMS; do
	form=${f%:*} dest=${f#*:}
	for call in $CALLS; do
		k=0
		while :; do
			k=$((k + 1))
			# Objects are made one like the other.
			[ $k -le 8 ] || [ $((k % 25)) = 0 ] || continue
			[ $k -le 200 ] || break
			clear_ "$dest"
			# shellcheck disable=SC2046 # words
			strace -f -qq -o /dev/null -e trace="$call" \
				-e inject="$call:signal=KILL:when=$k" \
				imgexport -q -C arch $(words "$form") \
				-o "$dest" <studies >out 2>/dev/null
			status=$?
			[ $status != 0 ] || break
			[ $status = 137 ] || {
				echo "$form $call $k: status $status"
				failed=$((failed + 1))
			}
			at=$((at + 1))
			judge "$call $k" "$form" "$dest"
			rm -rf "$dest"
		done
	done
done
[ -z "$CALLS" ] || echo "export: $at system calls, $failed wrong in all"
[ $failed = 0 ]
