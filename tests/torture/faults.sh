#!/bin/sh
# faults.sh - commands in which system calls fail: once, and from then on.
# What was said to be done is, nothing that has its name is half made, the exit
# status tells the truth, and the same command again finishes the work.
#
#	faults.sh MODE [every]  of each call that it makes the first three of
#				each of its processes and threads, and then one
#				in so many; 1 by default: each
#	CALLS='fsync close' ERRORS=EIO KINDS=zip faults.sh export
#	faults.sh MODE control  writes that fail, and a program that is not told
#				(swallow.c): it has to be found out
#
# MODE: import, export, anon, send, rebuild, scrub or keys; see acts.sh.  The
# loader's own calls do not fail (traced.c).
# shellcheck disable=SC2034,SC2154
. "$(dirname "$0")/lib.sh"
mode=${1:-import} every=${2:-1} PER=${PER:-2} PARTS=1
. "$(dirname "$0")/acts.sh"
. "$(dirname "$0")/keys.sh"
need b2sum bsdtar cksum imganon imgexport imgimport imgsend imgverify perl \
	phantom sqlite3 strace zip
control=
[ "$every" != control ] || control=yes every=10
ERRORS=${ERRORS-EIO ENOSPC EINTR ENOMEM}

# What cannot fail, or only as the kernel never lets it.
NEVER='brk clock_nanosleep exit exit_group futex getegid geteuid getgid
	getpid getppid getrandom gettid getuid kill munmap
	restart_syscall rseq rt_sigaction rt_sigprocmask rt_sigreturn
	rt_sigtimedwait sched_yield set_robust_list set_tid_address
	umask'

T_=$(mktemp -d "${TMPDIR:-/dev/shm}/imgfault.XXXXXX") && cd "$T_" || exit 3
away()
{
	cd /
	[ -z "${peer-}" ] || kill "$peer" 2>/dev/null
	chmod -R u+rwX "$T_" && rm -rf "$T_"
}
trap away EXIT
trap 'exit 130' INT TERM
failed=0 runs=0 told=0 own=0 n=0 ends=0
cc -shared -fPIC -o traced.so "$TOP/tests/torture/traced.c" &&
	cc -shared -fPIC -o swallow.so "$TOP/tests/torture/swallow.c" || exit 3
preload=$PWD/traced.so
[ -z "$control" ] || {
	preload=$preload:$PWD/swallow.so
	CALLS='write pwrite64' ERRORS=ENOSPC
}

wrong()
{
	failed=$((failed + 1))
	echo "$1: $2"
}

# ---- what is done -----------------------------------------------------------

# Its status is kept.
lies()
{
	timeout -k 1 90 ${PRELOAD:+env LD_PRELOAD="$PRELOAD"} "$@"
	code=$?
	echo $code >status
	return $code
}

# Into an archive that is there: its folders are made only once.
make_import()
{
	few
	mkdir one && phantom one --uid 2.25.99 one/1.dcm
	imgimport -q -C used one >/dev/null && cp -a used whole.arch &&
		imgimport -q -C whole.arch in >/dev/null || quit 'no archive'
	state whole.arch >ref
}

base_import()
{
	cp -a used m/arch
}

do_import()
{
	lies imgimport -q -C m/arch in >>f/out 2>err || quit 'no import'
}

# One key of its kind, at m.
make_keys()
{
	mkdir in && phantom one in/1.dcm && whole_keys
}

do_keys()
{
	for kind in $KINDS; do
		key "${kind}11" && echo "${kind}11" >>f/out || quit 'no key'
	done
}

judge_keys()
{
	said_=$(wc -l <out)
	rm -f key?? trustee?? sign?? ./*[0-9].pub
	cp m/keys/* . 2>/dev/null
	keys || return
	while read -r name; do
		[ -e "m/keys/$name" ] || {
			echo "$name: reported, and not there"
			return 1
		}
	done <out
}

# What was half a pair is one, and no key is made anew in its place.
again_keys()
{
	for kind in $KINDS; do
		[ -e "m/keys/${kind}11" ] || key "${kind}11" || {
			echo "$kind, again: $(tail -n 1 err)"
			return 1
		}
	done
	find m/keys -name '.*' >c.diff
	[ ! -s c.diff ] || { echo "left: $(cat c.diff)"; return 1; }
	judge_keys
}

# ---- how it fails -----------------------------------------------------------

# run WORDS: the command, from nothing, traced with these words
run()
{
	rm -rf m f && mkdir m f || exit 3
	[ ! -d got ] || find got -type f -delete
	: >f/out && : >err && rm -f status
	PRELOAD=
	[ "$mode" != import ] && [ -z "$BASE" ] || base_"$mode"
	(
		TRACED=$1 PRELOAD=$so
		export TRACED
		do_"$mode"
	) >log 2>&1
	status=$(cat status)
	grep '}$' f/out >out
	[ "$mode" != keys ] && [ "$mode" != rebuild ] || cp f/out out
	rm -f c.made
}

# with_peer: what was said to be sent is there
with_peer()
{
	[ "$mode" = send ] || return 0
	find got -name '[!.]*' -type f | sed 's|^[^.]*\.||' | sort >c.got
	within c.said c.got 'said to be sent, and not with the peer'
	return $bad_
}

# one CALL ERROR WHEN.  A call that the tracer lets fail is none that the jail
# allows: but for that of its walls, they are not there.
one()
{
	so=$preload
	[ "$1" = seccomp ] || so=$preload:$O/tools/nowalls.so
	before_=$failed n=$((n + 1)) where="$kind $1 $2 $3"
	run "-o /dev/null -e trace=$1 -e inject=$1:error=$2:when=$3"
	runs=$((runs + 1)) ROT=
	[ "$mode $2" != 'scrub EIO' ] || ROT=yes
	cp err said.err
	judge_"$mode" >why && with_peer >>why ||
		wrong "$where" "$(head -n 1 why)"
	case $status in
	"$good")
		[ "$said_" = "$want" ] ||
			wrong "$where" "status $status, and $said_ of $want"
		;;
	1)
		[ -n "$ROT" ] && grep -q '^{"status":"damaged"' out ||
			wrong "$where" "status 1: $(tail -n 1 said.err)"
		;;
	2 | 3 | 75)
		[ -s said.err ] || [ "$1" = write ] ||
			wrong "$where" "status $status, and not said why"
		;;
	134)
		# It ends the program when it cannot read fips_enabled.
		grep -q '^FATAL: .* in libgcrypt' said.err &&
			ends=$((ends + 1)) || wrong "$where" "status $status"
		;;
	*) wrong "$where" "status $status: $(tail -n 1 said.err)" ;;
	esac
	! grep -qi synthetic said.err || wrong "$where" 'the name of a patient'
	[ -z "${ERRS-}" ] || sed "s/^/$where: $status /" said.err >>"$ERRS"
	again_"$mode" >why || wrong "$where, again" "$(head -n 1 why)"
	if [ $failed != $before_ ]; then
		told=$((told + 1))
	elif [ "$status" != "$good" ]; then
		own=$((own + 1))
	fi
}

# calls: each that it makes, and how many one process or thread does
calls()
{
	awk '{
		sub(/\(.*/, "", $2)
		if ($2 ~ /^[a-z]/) {
			n[$2 " " $1]++
			if (n[$2 " " $1] > most[$2])
				most[$2] = n[$2 " " $1]
		}
	}
	END { for (call in most) print call, most[call] }' trace | sort
}

sweep()
{
	calls >most
	for call in ${CALLS-$(cut -d ' ' -f 1 most)}; do
		case " $(echo $NEVER) " in
		*" $call "*) continue ;;
		esac
		k=0 most=$(sed -n "s/^$call //p" most)
		while [ $k -lt "${most:-0}" ]; do
			k=$((k + 1))
			[ $k -le "${FIRST:-3}" ] || [ $((k % every)) = 0 ] ||
				continue
			for error in $ERRORS; do
				one "$call" $error $k
				# A call that is always interrupted never ends.
				[ $error = EINTR ] || one "$call" $error $k+
			done
		done
	done
}

make_"$mode"
for kind in ${KINDS:-$mode}; do
	[ -z "$KINDS" ] || KINDS=$kind
	so=$preload
	run '-o trace'
	good=$status
	judge_"$mode" >why && with_peer >why && [ "$good" -le 1 ] &&
		[ "$said_" -gt 0 ] ||
		quit "$kind: $(cat err why)"
	want=$said_
	sweep
done
if [ -n "$control" ]; then
	echo "faults $mode, control: a program that does not look at its writes" \
		"is found out in $told of $runs runs, and finds it out in $own"
	[ $told -gt 0 ] && [ $((told + own)) -gt $((runs / 2)) ]
	exit
fi
echo "faults $mode: $runs runs, each with failing system calls; ended by" \
	"libgcrypt: $ends; $failed wrong"
[ $failed = 0 ] && [ $runs -gt 0 ]
