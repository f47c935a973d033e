#!/bin/sh
# export.sh - exports that are killed, at random moments and at system calls:
# what has the final name is whole, what was reported exported is there, and
# the same command again finishes the work and leaves nothing beside it.
#
#	export.sh [moments]     300 by default, and then every system call
#	export.sh control [moments]  30 by default: the names come late, and
#				exports are harmed: it must be told
#	CALLS='fsync rename' export.sh 0
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/moments.sh"
need b2sum bsdtar cksum imgexport imgimport imgquery killer phantom strace
moments=${1:-300} control=
[ "$moments" != control ] || control=yes moments=${2:-30}
CALLS=${CALLS-write fsync syncfs renameat renameat2 linkat openat2 mkdirat \
	fchmod unlinkat flock}
ground imgexport

phantom small in "${OBJECTS:-20}" >/dev/null &&
	imgimport -q -C arch in >/dev/null || quit 'no inputs'
imgquery -C arch -l study >studies || quit 'no studies'
objects=$(find in -type f | wc -l)
find in -type f -exec b2sum -l 256 {} + | cut -c 1-64 >digests

# The forms: words for imgexport, and what the name ends in.
FORMS='folder: link: tar:.tar zip:.zip iso:.iso media: mediso:.iso'
words()
{
	case $1 in
	link) echo --link ;;
	media) echo --media ;;
	mediso) echo --media --as iso ;;
	*) echo --as "$1" ;;
	esac
}

# whole DEST ...: what has the name is all there, and as its manifest says
whole()
{
	[ ! -d look ] || chmod -R u+rwX look
	rm -rf look && mkdir look || return
	for d_; do
		if [ -d "$d_" ]; then
			cp -rl "$d_" look/
		else
			mkdir "look/$d_" && bsdtar -xf "$d_" -C "look/$d_"
		fi || { echo "$d_ cannot be read"; return 1; }
		(cd "look/$d_" && cksum -c --quiet MANIFEST.TXT) ||
			{ echo "$d_ is not as its manifest says"; return 1; }
	done
	find look -type f -exec b2sum -l 256 {} + | grep -Ff digests |
		sed 's|^\([^ ]*\)  look/\([^/]*\)/.*|\2 \1|' | sort -u |
		cut -d ' ' -f 1 | uniq -c >look.n
	for d_; do
		grep -q "^ *$objects $d_\$" look.n ||
			{ echo "$d_ has not all objects"; return 1; }
	done
}

clear_()
{
	rm -rf "$1"
	find . -maxdepth 1 -name '.*imgexport*' -exec rm -rf {} +
}

# ---- random moments ------------------------------------------------------
#
# Each form is made twice, under names of their own; then what has a name is
# looked at, and all is made again with --force and killed: what had a name has
# it, old or new.  At last all is made in peace.

# plan_ [--force]: as lines of tag, destination, words
plan_()
{
	for i in 1 2; do
		for f in $FORMS; do
			echo "${f%%:*} $i${f#*:}"
		done
	done | while read -r form suffix; do
		echo "$form imgexport -q -C arch $* $(words "$form")" \
			"-o $form$suffix <studies >out.$form$suffix"
	done
}

# there: sets dests to what has its name; what was reported has to
there()
{
	dests=
	for o_ in out.*; do
		d_=${o_#out.}
		if [ -e "$d_" ]; then
			dests="$dests $d_"
		elif grep -q '^{"status":"exported"' "$o_"; then
			echo "$d_: reported, and not there"
			return 1
		fi
	done
}

reported()
{
	cat out.* | grep -c '^{"status":"exported".*}$'
}

look_()
{
	there || return
	# shellcheck disable=SC2086 # words
	whole $dests 2>&1 || return
	# What had a name keeps it.
	for d_ in $had; do
		[ -e "$d_" ] || { echo "$d_ is gone"; return 1; }
	done
	had=$dests
}

# group_ [singly]: 0, or why says what is wrong
group_()
{
	for f in $FORMS; do
		for i in 1 2; do
			clear_ "${f%%:*}$i${f#*:}"
		done
	done
	rm -f out.* && had=
	for force in '' --force; do
		# shellcheck disable=SC2086 # a word or none
		plan_ $force | shuffle $group >lines
		strikes look_ "${1-}" || return
	done
	checked=$((checked + $(reported)))
	while read -r line; do
		# shellcheck disable=SC2086 # words
		set -- ${line#* }
		while [ "$1" != '<studies' ]; do
			set -- "$@" "$1" && shift
		done
		shift 2
		"$@" <studies >out 2>err || {
			echo "the last time fails: $* $(tail -n 1 err)" >why
			return 1
		}
	done <lines
	there >why || return
	# shellcheck disable=SC2086 # words
	whole $dests >why 2>&1 || return
	[ "$(echo "$dests" | wc -w)" = "$(wc -l <lines)" ] || {
		echo 'not all is there at last' >why
		return 1
	}
	find . -maxdepth 1 -name '.*imgexport*' >why
	[ ! -s why ]
}

if [ -n "$control" ]; then
	fresh()
	{
		group=$((group + 1)) had=
		# shellcheck disable=SC2086 # words
		[ -z "$dests" ] || rm -rf $dests
		rm -f out.*
		find . -maxdepth 1 -name '.*imgexport*' -exec rm -rf {} +
		plan_ | sed -n "$((group % $(plan_ | wc -l) + 1))p" |
			sed "s| | env LD_PRELOAD=$PWD/late.so |" >line
		dests=$(sed 's/.* -o \([^ ]*\) .*/\1/' line)
	}
	made()
	{
		[ "$(reported)" -gt 0 ]
	}
	harmed()
	{
		rm -rf x x.tar out.* && had=
		imgexport -q -C arch -o x <studies >out.x
		imgexport -q -C arch --as tar -o x.tar <studies >out.x.tar
		chmod -R u+w x
		find x -name '*.dcm' >names
		object=$(head -n 1 names)
	}
	dests=
	late look_ made
	harmed && look_ >why || quit "no control: $(cat why)"
	harm look_ 'an export is gone' rm -r x
	harmed
	harm look_ 'an archive is cut off' truncate -s -4096 x.tar
	harmed
	harm look_ 'an object is gone' rm "$object"
	harmed
	harm look_ 'an object is another' cp x/MANIFEST.TXT "$object"
	harmed && look_ >why
	harm look_ 'what had a name has none' rm -r x out.x
	controlled export
	exit
fi

all_groups
[ "$moments" = 0 ] || total export 'records of objects'

# judge WHERE FORM DEST
judge()
{
	why=
	if [ -e "$3" ]; then
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

# ---- system calls --------------------------------------------------------

at=0
for f in $FORMS; do
	form=${f%%:*} dest=x${f#*:}
	for call in $CALLS; do
		k=0
		while :; do
			k=$((k + 1))
			# Objects are made one like the other.
			turn $k 8 25 || continue
			clear_ "$dest"
			# shellcheck disable=SC2046 # words
			at_call "$call" $k imgexport -q -C arch $(words "$form") \
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
[ $failed = 0 ] && { [ -z "$CALLS" ] || [ $at -gt 0 ]; }
