#!/bin/sh
# recv.sh - a listener that is killed, or loses its power, while four senders
# are at work: what was answered 0000 is there.
#
#	recv.sh kill [moments]	300 by default
#	recv.sh cut [cuts]	200 by default; needs root and loop devices
#	recv.sh control [cuts]	30 by default: storescp, losses are expected
#	recv.sh late [moments]	30 by default: killed, and objects have their
#				names late: the losses must be told
#	recv.sh calls [every]	the first FIRST of each system call of each of
#				its processes and threads, and then one in so
#				many: killed, or failing, once and from then on
#	CALLS='fdatasync write' ERRORS='KILL EIO' recv.sh calls 1
#	recv.sh calls-control	objects have their names late and it is killed,
#				or it is not told that they get none
#				(swallow.c): the losses must be told
#
# FS: ext4, ext4-writeback or xfs.  SEED: another series of moments.
# shellcheck disable=SC2034,SC2154
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/fs.sh"
. "$(dirname "$0")/moments.sh"
need b2sum imgrecv imgverify killer phantom setsid sqlite3 storer
mode=${1:-kill}
FS=${FS:-ext4}
# A kill needs fewer, and is done in memory.
if [ "$mode" = kill ] || [ "$mode" = late ]; then
	FILES=${FILES:-240}
	ground imgrecv
elif [ "$mode" = calls ] || [ "$mode" = calls-control ]; then
	need strace
	FILES=${FILES:-12}
	ground imgrecv
else
	FILES=${FILES:-400}
	T_=$(mktemp -d "${TMPDIR:-/var/tmp}/imgrecv.XXXXXX") && cd "$T_" ||
		exit 3
	trap 'grep -s "^recv: " said.cut >&2
		cd / && umount "$T_/m" 2>/dev/null; rm -rf "$T_"' EXIT
	trap 'exit 130' INT TERM
fi
mkdir raw && phantom small raw "$FILES" >/dev/null || quit 'no inputs'
for i in 0 1 2 3; do mkdir part$i; done
find raw -type f | LC_ALL=C sort | awk '{ print NR % 4, NR, $0 }' |
	while read -r i n f; do mv "$f" "part$i/$n.dcm"; done
rm -rf raw

# start ARCH: the listener, in a group of its own; $port and $recv.  In
# the control it is storescp.
start()
{
	: >recv.err
	if [ "$mode" = control ]; then
		mkdir -p "$1"
		port=$((20000 + $$ % 20000))
		setsid storescp --fork -od "$1" $port >recv.err 2>&1 &
		recv=$!
		sleep 0.3
		return
	fi
	setsid imgrecv -C "$1" -p 0 >>out 2>recv.err &
	recv=$!
	listens recv.err
}

# send: four at a time; what is acknowledged goes to acks.
send()
{
	senders=
	for i in 0 1 2 3; do
		storer "$port" IMGRECV part$i/*.dcm >>acks 2>/dev/null &
		senders="$senders $!"
	done
}

sent()
{
	all_=0
	for s_ in $senders; do
		wait "$s_" || all_=1
	done
	return $all_
}

fresh()
{
	rm -rf "$1"
	: >acks
	: >out
}

# acknowledged ARCH: every UID of acks is in the catalog, or has its file.
acknowledged()
{
	grep -xE '[0-9.]+' acks | LC_ALL=C sort -u >c.acks
	if [ "$mode" = control ]; then
		# A file that storescp had written whole has this size.
		find "$1" -type f -size +8k | sed 's/.*CT\.//' |
			LC_ALL=C sort >c.have
	else
		rm -rf c.copy && mkdir c.copy && cp "$1"/catalog.db* c.copy/ \
			2>/dev/null
		rm -f c.copy/*-shm
		sqlite3 c.copy/catalog.db \
			'SELECT SOPInstanceUID FROM instance' 2>/dev/null |
			LC_ALL=C sort -u >c.have
	fi
	LC_ALL=C comm -23 c.acks c.have >c.lost
	[ ! -s c.lost ] || {
		echo "acknowledged and lost: $(wc -l <c.lost)"
		return 1
	}
	[ "$mode" = control ] || check "$1" out
}

# finished ARCH: what is sent again ends as without interruption.
finished()
{
	start "$1"
	send
	sent || { echo "the senders fail: $(tail -n 1 recv.err)"; return 1; }
	kill -TERM $recv
	wait $recv
	status=$?
	[ $status = 143 ] || { echo "ends with $status"; return 1; }
	acknowledged "$1" || return 1
	[ "$(wc -l <c.have)" = "$FILES" ] || {
		echo "$(wc -l <c.have) of $FILES objects"
		return 1
	}
	[ -z "$(ls "$1/tmp")" ] || { echo 'left in tmp'; return 1; }
	imgverify -q -C "$1" --audit >c.verify 2>&1 || {
		echo "imgverify --audit: $(tail -n 1 c.verify)"
		return 1
	}
}

n=0 lost=0 acked=0 some=0

judge()
{
	acknowledged "$2" >why
	ok_=$?
	acked=$((acked + $(wc -l <c.acks)))
	[ ! -s c.acks ] || some=$((some + 1))
	if [ $ok_ != 0 ] || { [ "$3" = yes ] &&
		! finished "$2" >>why; }; then
		lost=$((lost + 1))
		[ "$mode" = control ] || sed "s/^/$1: /" why
	fi
}

# ---- kills ---------------------------------------------------------------

# A moment is a listener and four senders with some of the files; the files of
# ten moments are all of them.
plan_()
{
	for i in 0 1 2 3; do
		find part$i -type f | shuffle $((group * 8 + $1 * 4 + i)) |
			awk -v at=$i '{ print (NR - 1) % 10, at, $0 }'
	done | sort -s -n | awk '
		BEGIN { was = -1 }
		$1 != was { if (NR > 1) print ""
			printf "recv imgrecv -C arch -p 0"; sender = -1 }
		$2 != sender { printf " & storer @ IMGRECV" }
		{ printf " %s", $3; was = $1; sender = $2 }
		END { print "" }'
}

# group_ [singly]: 0, or why says what is wrong
group_()
{
	rm -rf arch && : >acks && : >out
	for time in 0 1; do
		plan_ $time >lines
		strikes 'acknowledged arch' "${1-}" || return
	done
	acked=$((acked + $(wc -l <c.acks)))
	finished arch >why
}

kills()
{
	moments=$1
	all_groups
	checked=$acked
	total recv
	[ $failed = 0 ] && [ $acked -gt 0 ]
}

late_names()
{
	moments=$1
	plan_ 0 | head -n 1 |
		sed "s|^recv imgrecv|recv env LD_PRELOAD=$PWD/late.so imgrecv|" \
		>line
	fresh()
	{
		rm -rf arch && : >acks && : >out
	}
	late 'acknowledged arch' 'test -s acks'
	controlled recv
}

# ---- cuts ----------------------------------------------------------------

# How long all takes without interruption.
duration()
{
	mode_=$mode
	mode='kill'
	fresh arch
	start arch
	begin_=$(date +%s.%N)
	send
	sent || quit 'the senders fail'
	T=$(awk -v a="$begin_" -v b="$(date +%s.%N)" 'BEGIN { printf "%.3f", b - a }')
	kill -TERM $recv
	wait $recv
	mode=$mode_
}

cuts()
{
	times=$1
	duration
	[ "$(id -u)" = 0 ] || quit 'only root can mount'
	mkdir m
	why=$(make_fs "$FS" image) || {
		[ $? = 4 ] || quit "no $FS: $why"
		echo "recv $FS: skipped: $why"
		exit 0
	}
	mount_fs "$FS" image m || quit 'cannot mount'
	while [ $n -lt "$times" ]; do
		n=$((n + 1))
		fresh m/arch && sync -f m
		start m/arch
		send
		sleep "$(random "$T" $n)"
		# What is said behind the cut does not count: a sync that is
		# under way when the journal is aborted may still return 0.
		said=$(stat -c %s out)
		heard=$(shutdown m acks) || quit 'no shutdown'
		sent
		kill -s KILL -- -$recv
		wait $recv
		truncate -s "$heard" acks
		truncate -s "$said" out
		power
		# Every tenth goes on afterwards.
		[ $((n % 10)) = 0 ] && [ "$mode" = cut ] &&
			judge "cut $n" m/arch yes || judge "cut $n" m/arch no
	done 2>said.cut
	unmount m
	check_fs "$FS" image >fsck
	[ "$mode" = control ] || [ ! -s fsck ] ||
		{ head -n 5 fsck && lost=$((lost + 1)); }
	echo "recv $FS $mode: $n cuts, $acked acknowledged objects checked," \
		"$lost of $some cuts after something was said with a loss"
}

# ---- system calls ----------------------------------------------------------

CALLS=${CALLS-openat read pread64 write pwrite64 fdatasync fsync syncfs \
	renameat2 unlinkat ftruncate fcntl flock mmap close newfstatat \
	getdents64 recvmsg sendmsg recvfrom sendto poll epoll_wait accept4 \
	clone clone3 socketpair dup2 setsockopt seccomp}
ERRORS=${ERRORS-KILL EIO ENOSPC EINTR ENOMEM}
careless=

# traced WORD ...: a listener in an archive that is there, under strace with
# these words, as long as the senders are at work; its status
traced()
{
	fresh arch && cp -a used arch && : >recv.err
	setsid strace -D -f -qq ${preload:+-E LD_PRELOAD="$preload"} "$@" \
		imgrecv -C arch -p 0 >>out 2>recv.err &
	recv=$!
	for _ in $(seq 150); do
		# One of the two lines may have failed.
		port=$(sed -n 's/^imgrecv: listening at .*:\([0-9]*\)$/\1/p;T;q' \
			recv.err)
		[ -z "$port" ] && kill -0 $recv 2>/dev/null || break
		sleep 0.02
	done
	if [ -n "$port" ]; then
		senders=
		for i in 0 1 2 3; do
			timeout 2 storer "$port" IMGRECV part$i/*.dcm >>acks \
				2>/dev/null &
			senders="$senders $!"
		done
		sent
	fi
	kill -TERM $recv 2>/dev/null
	# Whoever has not ended by then hangs; after a lock that could not be
	# let go SQLite itself waits for some 15 s, a batch.
	for _ in $(seq 3000); do
		kill -0 $recv 2>/dev/null || break
		sleep 0.04
	done
	kill -s KILL $recv 2>/dev/null && hung=1
	wait $recv
	status=$?
	kill -s KILL -- -$recv 2>/dev/null
	return $status
}

# The most calls that one of its processes or threads makes.
most()
{
	traced -o trace -e trace="$1"
	awk -v call="$1(" 'index($0, call) { n[$1]++ }
		END { for (i in n) if (n[i] > most) most = n[i]
		print most + 0 }' trace
}

# Something had been said, and the listener was killed, or its call has failed.
harmed()
{
	[ $status = 137 ] || grep -q INJECTED trace || return
	[ -s out ] || [ -s acks ] || return
	checked=$((checked + 1))
	acknowledged arch >why 2>&1 && echo "not told: $1" ||
		told=$((told + 1))
}

# fault CALL ERROR WHEN
fault()
{
	how="error=$2" preload=$careless hung=0
	# A call that the tracer lets fail is none that the jail allows.
	case $2,$1 in
	KILL,*) how=signal=KILL ;;
	*,seccomp) ;;
	*) preload="$preload $O/tools/nowalls.so" ;;
	esac
	traced -o trace -e trace="$1" -e inject="$1:$how:when=$3"
	status=$?
	n=$((n + 1))
	[ -z "$careless" ] || {
		harmed "$1 $2 $3"
		return
	}
	{
		case $2,$status in
		*,143 | KILL,137 | *,2 | *,3 | *,75) ;;
		# The loader, which is not ours.
		*,127 | E*,139)
			[ "$status $1 ${3%+}" = '139 mmap 1' ] ||
				[ $status = 127 ] && [ ! -s out ] ||
				echo "status $status: $(tail -n 1 recv.err)"
			;;
		*) echo "status $status: $(tail -n 1 recv.err)" ;;
		esac
		[ $hung = 0 ] || echo 'does not end when told to'
		! grep -qi synthetic recv.err || echo 'a name on stderr'
		acknowledged arch
		acked=$((acked + $(wc -l <c.acks)))
		finished arch
	} >why 2>&1
	[ ! -s why ] || wrong "$1 $2 $3" why
}

used()
{
	mkdir one && phantom one --uid 2.25.99 one/1.dcm &&
		imgimport -q -C used one >/dev/null || quit 'no archive'
	FILES=$((FILES + 1))
}

calls()
{
	every=$1
	used
	for call in $CALLS; do
		most_=$(most "$call")
		k=0
		while [ $k -lt "$most_" ]; do
			k=$((k + 1))
			[ $k -le "${FIRST:-3}" ] || [ $((k % every)) = 0 ] ||
				continue
			for error in $ERRORS; do
				# A close that fails has closed; one that the
				# tracer lets fail has not.
				[ "$call $error" = 'close KILL' ] ||
					[ "$call" != close ] || continue
				fault "$call" "$error" $k
				# What is always interrupted never ends.
				case $error in
				KILL | EINTR) ;;
				*) fault "$call" "$error" $k+ ;;
				esac
			done
		done
	done
	echo "recv: $n runs, each with a system call that kills or fails;" \
		"$acked acknowledged objects checked, $failed wrong"
	[ $failed = 0 ] && [ $acked -gt 0 ]
}

# careless_ SOURCE ERROR CALL ...: each of the first calls
careless_()
{
	cc -shared -fPIC -pthread -o careless.so "$TOP/tests/torture/$1.c" ||
		quit 'no compiler'
	careless=$PWD/careless.so error=$2
	shift 2
	for call; do
		for k in 1 2 3 4 5 6 7 8; do
			fault "$call" "$error" $k
		done
	done
}

calls_control()
{
	used
	careless_ late KILL fdatasync write sendmsg
	careless_ swallow EIO renameat2
	echo "recv calls, control: $told of $checked runs with a loss told"
	[ $checked -gt 6 ] && [ $told = $checked ]
}

case $mode in
kill) kills "${2:-300}" ;;
cut)
	cuts "${2:-200}"
	[ $lost = 0 ] && [ $acked -gt 0 ]
	;;
control)
	need storescp
	cuts "${2:-30}"
	[ $some -gt 0 ] && [ $((lost * 100)) -ge $((some * 95)) ]
	;;
late) late_names "${2:-30}" ;;
calls) calls "${2:-20}" ;;
calls-control) calls_control ;;
*) quit 'kill, cut, control, late, calls or calls-control' ;;
esac
