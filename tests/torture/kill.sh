#!/bin/sh
# kill.sh - imports that are killed: at random moments, and at each system
# call.  Whatever was said to be stored is there, and the same command again
# finishes the work.
#
#	kill.sh [moments]       300 by default; then every system call
#	kill.sh control [moments]  only moments; objects are written late
#	kill.sh 0               only the system calls
#	CALLS='fsync close' kill.sh 0
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/moments.sh"
need b2sum bsdtar imgimport imgverify killer phantom sqlite3 strace zip
moments=${1:-300}
CALLS=${CALLS-write pwrite64 fsync fdatasync syncfs renameat2 linkat openat \
	close unlink unlinkat ftruncate fcntl mkdir mkdirat pread64 read}
PARTS=${PARTS:-24} PER=${PER:-8}

ground imgkill

# judge WHERE: after a kill at a system call
judge()
{
	if ! check arch out >why || ! recover arch out >>why; then
		failed=$((failed + 1))
		sed "s/^/$1: /" why
	fi
}

# ---- random moments ------------------------------------------------------
#
# The parts go into one archive, each of them killed; what was acknowledged of
# all of them is looked at, as no part comes twice until then.  Then they come
# again, are killed and looked at again; the last time they come in peace.

parts()
{
	mkdir in
	phantom small raw $((PARTS * PER)) >/dev/null || quit 'no inputs'
	find raw -type f | sort | awk -v per="$PER" '
		{ print int((NR - 1) / per) " " $0 }' | while read -r n f; do
		mkdir -p "raw/p$n" && mv "$f" "raw/p$n/"
	done
	for n in $(seq 0 $((PARTS - 1))); do
		case $((n % 4)) in
		2) (cd raw && zip -qr "../in/$n.zip" "p$n") ;;
		3) bsdtar -C raw -czf "in/$n.tar.gz" "p$n" ;;
		*) mv "raw/p$n" "in/$n" ;;
		esac
	done
	rm -rf raw
	ls in >names
	mkdir bad
	find in/0 -type f | while read -r f; do
		head -c 3000 "$f" >"bad/$(basename "$f")"
	done
}

# pass GROUP ARCH OUT: each part once
pass()
{
	shuffle "$1" <names | sed "s|.*|import imgimport -q -C $2 in/&|"
}

# peace ARCH OUT REF WHAT: the rest of the work
peace()
{
	imgimport -q -C "$1" "$4" >>"$2" 2>err || {
		echo "the import does not finish: $(tail -n 1 err)"
		return 1
	}
	all_of "$1" "$2" "$3"
}

# rejected ARCH OUT: what was, is in quarantine
rejected()
{
	bad_=0
	sed -n 's/^{"status":"rejected","path":"\([^"]*\)".*}$/\1/p' "$2" |
		xargs -r b2sum -l 256 | cut -c 1-64 | sort -u >c.said
	find "$1/quarantine" -type f -exec b2sum -l 256 {} + 2>/dev/null |
		sed 's|^\([^ ]*\)  .*/|\1 |' | sort >c.files
	sed 's/.* //' c.files >c.names
	within c.said c.names 'said to be put aside, and not there'
	awk '$1 != $2' c.files >c.diff
	[ ! -s c.diff ] || problem 'put aside with wrong bytes' c.diff
	said_=$(wc -l <c.said)
	return $bad_
}

# placed ARCH OUT: what lies in its place is catalogued
placed()
{
	bad_=0
	grep -E '^{"status":"(stored|duplicate)".*}$' "$2" |
		sed 's/.*"digest":"\([0-9a-f]*\)".*/\1/' | sort -u >c.said
	state "$1" 2>/dev/null | cut -d '|' -f 4 | sort -u >c.rows
	within c.said c.rows 'said to be catalogued, and is not'
	said_=$(wc -l <c.said)
	return $bad_
}

# first HOW: an import into an archive that is not there, with this option
first()
{
	part=$(grep -v '[.]' names | shuffle $((group + runs)) | head -n 1)
	look=check from=in/$part
	case $1 in
	--quarantine) look=rejected from=bad ;;
	--in-place) look=placed ;;
	esac
	rm -rf new && : >out
	for time in 1 2; do
		echo "create$1 imgimport -q -C new $1 $from" >line
		strike out <line
		$look new out >why || return
	done
	checked=$((checked + said_))
	# shellcheck disable=SC2086 # a word or none
	imgimport -q -C new $1 "$from" >>out 2>err
	status=$?
	[ $status = 0 ] || { [ $from = bad ] && [ $status -le 3 ]; } || {
		echo "a new archive does not finish: $(tail -n 1 err)" >why
		return 1
	}
	$look new out >why || return
	[ "$said_" = "$PER" ] || {
		echo "$said_ of $PER have a record: $1 $from" >why
		return 1
	}
}

# group_ [singly]: 0, or why says what is wrong
group_()
{
	rm -rf arch && : >out
	for time in 1 2; do
		pass $((group * 2 + time)) arch >lines
		strikes 'check arch out' "${1-}" || return
	done
	peace arch out ref in >why || return
	checked=$((checked + said_))
	# The first moments of an archive.
	for how in '' '' --quarantine --in-place; do
		first "$how" || return
	done
}

if [ "$moments" = control ]; then
	parts
	moments=${2:-30}
	fresh()
	{
		rm -rf arch && : >out
	}
	said()
	{
		grep -q '^{"status":"stored"' out
	}
	echo "control env LD_PRELOAD=$PWD/late.so imgimport -q -C arch in" \
		>line
	late 'check arch out' said
	controlled kill
	exit
fi

if [ "$moments" -gt 0 ]; then
	parts
	imgimport -q -C arch in >out && state arch >ref && [ -s ref ] ||
		quit 'no reference'
	all_groups
	total kill
	rm -rf in ref arch new bad out
fi

# ---- every system call ------------------------------------------------

# each NAME: kills at the k-th of each call, into arch made from ./$1 if any
each()
{
	for call in $CALLS; do
		k=0
		while :; do
			k=$((k + 1))
			# The 256 shards are made one like the other.
			[ "$call" != mkdirat ] || [ $k -le 20 ] ||
				[ $((k % 50)) = 0 ] || [ $k -gt 260 ] || continue
			turn $k 3 1 || continue
			rm -rf arch && : >out
			[ ! -d "$1" ] || cp -a "$1" arch
			at_call "$call" $k \
				imgimport -q -C arch in >>out 2>>err
			status=$?
			tried=$((tried + 1))
			[ $status != 0 ] || break
			[ $status = 137 ] || {
				echo "$1 $call $k: status $status"
				failed=$((failed + 1))
			}
			judge "$1 $call $k"
		done
	done
}

[ -n "$CALLS" ] || exit $((failed > 0))
few
reference
mkdir one && phantom one --uid 2.25.99 one/1.dcm
tried=0
each fresh
imgimport -q -C used one >/dev/null || quit 'no archive'
rm -rf arch && cp -a used arch && imgimport -q -C arch in >/dev/null &&
	state arch >ref
each used
echo "kill: $tried runs, each killed at one system call;" \
	"$failed losses in all"
[ $failed = 0 ] && [ $tried -gt 0 ]
