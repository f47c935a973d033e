# recv.sh - what the tests of imgrecv have in common; sourced after lib.sh.
# shellcheck shell=sh

recv_at='127\.0\.0\.1'

# recv_start [OPTION ...]: a listener on a free port; $port and $recv are it.
# Its records are in recv.out, what it says in recv.err.  $recv_at: where it
# listens, for sed.
recv_start()
{
	: >recv.err
	: >recv.out
	imgrecv -C archive -p 0 "$@" >recv.out 2>recv.err &
	recv=$!
	for _ in $(seq 400); do
		# shellcheck disable=SC2034 # for the test
		port=$(sed -n "s/^imgrecv: listening at $recv_at://p" recv.err)
		[ -z "$port" ] || return 0
		kill -0 $recv 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

# recv_stop: ends it; its exit status.
recv_stop()
{
	kill -TERM "$recv" 2>/dev/null
	wait "$recv"
}
recv_quit_()
{
	kill -KILL "${recv:-}" 2>/dev/null
	# archive.sh has its folder elsewhere.
	cd / && chmod -R u+rwX "$T" ${W:+"$W"} 2>/dev/null
	rm -rf "$T" ${W:+"$W"}
}
trap recv_quit_ EXIT

# why TEXT: what the listener said of the last one
why()
{
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		tail -n 1 recv.err | grep -q "$1" && return
		sleep 0.2
	done
	tail -n 2 recv.err
	return 1
}

# file_of SOP: its object in the archive.
file_of()
{
	imgquery -C archive -l image -f SOPInstanceUID --format jsonl \
		"SOPInstanceUID=$1" | sed -n 's/.*"digest":"\([^"]*\)".*/\1/p' |
		while read -r d; do
			echo "archive/objects/$(printf %.2s "$d")/$d"
		done
}
