#!/bin/sh
# send.sh - imgsend killed at random moments: what it said to be sent is with
# the peer, and the same command again sends exactly what has no record yet.
#
#	send.sh [moments]       300 by default
#
# The peer is storescp.  Each time that all has been sent, the next title of
# the peer begins with an empty ledger.
. "$(dirname "$0")/lib.sh"
need imgimport imgsend perl phantom setsid sqlite3 storescp
moments=${1:-300}

T_=$(mktemp -d "${TMPDIR:-/var/tmp}/imgsendkill.XXXXXX") && cd "$T_" || exit 3
peer=
trap '[ -z "$peer" ] || kill "$peer" 2>/dev/null; cd / && rm -rf "$T_"' EXIT
trap 'exit 130' INT TERM

images=${IMAGES:-300}
phantom small in "$images" && imgimport -q -C arch in >/dev/null ||
	quit 'no archive'
port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(
	Listen => 1, LocalAddr => "127.0.0.1")->sockport')
mkdir got
storescp --fork -od got "$port" >/dev/null 2>&1 &
peer=$!
perl -MIO::Socket::INET -e 'for (1 .. 100) { exit 0 if IO::Socket::INET->new(
	PeerAddr => "127.0.0.1", PeerPort => $ARGV[0]);
	select undef, undef, undef, 0.05 } exit 1' "$port" || quit 'no peer'
studies=$(sqlite3 -readonly arch/catalog.db \
	'SELECT StudyInstanceUID FROM study')

# uids STATUS FILE: of whole records
uids()
{
	sed -n 's/^{"status":"'"$1"'".*"SOPInstanceUID":"\([0-9.]*\)".*}$/\1/p' \
		"$2" | sort
}

# judge: the records of this title so far
judge()
{
	uids sent all >told
	sort -u told | cmp -s - told || { echo 'sent twice'; return 1; }
	ls got | sed 's/^[^.]*\.//' | sort >have
	comm -23 told have | grep -q . && { echo 'not with the peer'; return 1; }
	return 0
}

n=0 failed=0 title=0 runs=0
: >all
while [ $n -lt "$moments" ]; do
	n=$((n + 1)) runs=$((runs + 1))
	# shellcheck disable=SC2086
	setsid imgsend -q -C arch -j 2 -c "P$title@127.0.0.1:$port" $studies \
		>out 2>err &
	pid=$!
	sleep "$(random 0.5 $n)"
	kill -KILL -- -$pid 2>/dev/null
	wait $pid 2>/dev/null
	# A record that was cut off is none.
	grep '}$' out >>all
	if ! judge >why; then
		failed=$((failed + 1))
		sed "s/^/kill $n: /" why
	fi
	if [ "$(sqlite3 -readonly arch/catalog.db "SELECT count(*) FROM sent
		JOIN peer ON peer.id = peer WHERE name LIKE 'P$title@%'")" \
		-ge "$images" ] || [ $runs = 8 ]; then
		# shellcheck disable=SC2086
		imgsend -q -C arch -c "P$title@127.0.0.1:$port" $studies \
			>out 2>err || { echo "kill $n: the run after it failed" &&
			head -n 3 err; }
		cat out >>all
		{ uids sent out; uids skipped out; } | sort -u >end
		if ! judge >why || [ "$(wc -l <end)" != "$images" ]; then
			failed=$((failed + 1))
			sed "s/^/after kill $n: /" why
		fi
		title=$((title + 1)) runs=0
		: >all
		rm -rf got/*
	fi
done
echo "send: $moments moments, $failed with a loss or a second sending"
[ $failed = 0 ]
