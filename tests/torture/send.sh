#!/bin/sh
# send.sh - imgsend killed at random moments: what it said to be sent is with
# the peer, and the same command again sends exactly what has no record yet.
#
#	send.sh [moments]       300 by default; then every system call
#	CALLS='sendto write' send.sh 0
#	send.sh control [moments]  30 by default: a peer that keeps nothing of
#				what it answers 0000, and a ledger that is
#				forgotten: it must be told
#
# The peer is storescp.  A moment sends some of the objects; when each of them
# had its moment, they have another; then what is left is sent.  The next title
# of the peer begins with an empty ledger.
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/moments.sh"
need imgimport imgsend killer perl phantom sqlite3 storescp strace
moments=${1:-300} control=
[ "$moments" != control ] || control=yes moments=${2:-30}
CALLS=${CALLS-write pwrite64 fsync fdatasync openat close unlink fcntl \
	ftruncate connect socket sendto read pread64}

peer=
ground imgsend
trap '[ -z "$peer" ] || kill "$peer" 2>/dev/null; cd / && rm -rf "$T_"' EXIT

images=${IMAGES:-192} parts=12
phantom small in "$images" >/dev/null && imgimport -q -C arch in >/dev/null ||
	quit 'no archive'
port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(
	Listen => 1, LocalAddr => "127.0.0.1")->sockport')
mkdir got
storescp ${control:+--ignore} --fork -od got "$port" >/dev/null 2>&1 &
peer=$!
perl -MIO::Socket::INET -e 'for (1 .. 100) { exit 0 if IO::Socket::INET->new(
	PeerAddr => "127.0.0.1", PeerPort => $ARGV[0]);
	select undef, undef, undef, 0.05 } exit 1' "$port" || quit 'no peer'
sqlite3 -readonly arch/catalog.db 'SELECT SOPInstanceUID FROM instance' >names
studies=$(sqlite3 -readonly arch/catalog.db \
	'SELECT StudyInstanceUID FROM study')
title=0

# uids STATUS FILE: of whole records
uids()
{
	sed -n 's/^{"status":"'"$1"'".*"SOPInstanceUID":"\([0-9.]*\)".*}$/\1/p' \
		"$2" | sort
}

# judge: the records of this title so far
judge()
{
	uids sent out >told
	sort -u told | cmp -s - told || { echo 'sent twice'; return 1; }
	find got -name '[!.]*' -type f | sed 's|^[^.]*\.||' | sort >have
	comm -23 told have | grep -q . && { echo 'not with the peer'; return 1; }
	return 0
}

to()
{
	echo "P$title@127.0.0.1:$port"
}

next_title()
{
	title=$((title + 1))
	find got -type f -delete
	: >out
}

# peace: the rest is sent, to the last object, and stays in the ledger
peace()
{
	# shellcheck disable=SC2086 # words
	imgsend -q -C arch -c "$(to)" $studies >end 2>err || {
		echo "the run after it failed: $(head -n 1 err)"
		return 1
	}
	cat end >>out
	judge || return
	{ uids sent end; uids skipped end; } | sort -u >all
	[ "$(wc -l <all)" = "$images" ] || {
		echo "$(wc -l <all) of $images have a record"
		return 1
	}
	cmp -s all have || { echo 'not all are with the peer'; return 1; }
	[ "$(sqlite3 -readonly arch/catalog.db 'PRAGMA integrity_check')" = ok ] ||
		{ echo 'catalog damaged'; return 1; }
}

# ---- random moments ------------------------------------------------------

# group_ [singly]: 0, or why says what is wrong
group_()
{
	next_title
	for time in 0 1; do
		shuffle $((group * 2 + time)) <names |
			awk -v parts=$parts -v to="$(to)" '
			{ part[NR % parts] = part[NR % parts] " " $0 }
			END { for (i in part) print "send imgsend -q -C arch",
				"-j", 1 + i % 2, "-c", to part[i] }' >lines
		strikes judge "${1-}" || return
	done
	checked=$((checked + $(wc -l <told)))
	peace >why
}

if [ -n "$control" ]; then
	fresh()
	{
		next_title
		shuffle $title <names | head -n 16 | tr '\n' ' ' |
			sed "s|^|control imgsend -q -C arch -c $(to) |" >line
	}
	said()
	{
		grep -q '^{"status":"sent"' out
	}
	not_twice()
	{
		judge >why
		! grep -q twice why
	}
	forget()
	{
		for time in 1 2; do
			sqlite3 arch/catalog.db "DELETE FROM sent"
			# shellcheck disable=SC2046 # words
			imgsend -q -C arch -c "$(to)" $(head -n 2 names) >>out 2>err ||
				return
		done
	}
	late judge said
	next_title
	harm not_twice 'the ledger is forgotten' forget
	controlled send
	exit
fi

all_groups
[ "$moments" = 0 ] || total send 'records of a sending'

# ---- every system call ---------------------------------------------------

at=0
for call in $CALLS; do
	next_title
	k=0
	while :; do
		k=$((k + 1))
		turn $k 40 20 || continue
		# shellcheck disable=SC2046 # words
		at_call "$call" $k imgsend -q -C arch -c "$(to)" $(head -n 8 names) \
			>said 2>err
		status=$?
		grep '}$' said >>out
		[ $status != 0 ] || break
		at=$((at + 1))
		[ $status = 137 ] || wrong "$call $k: status $status" /dev/null
		judge >why || wrong "$call $k"
		# Now and then there is something left to send.
		[ $((k % 4)) != 0 ] || next_title
	done
	peace >why || wrong "after $call"
done
[ -z "$CALLS" ] || echo "send: $at system calls, $failed wrong in all"
[ $failed = 0 ] && { [ -z "$CALLS" ] || [ $at -gt 0 ]; }
