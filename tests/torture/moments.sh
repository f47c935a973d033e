# moments.sh - what the tests share that kill at random moments.
#
#   ground NAME          a folder of its own, in memory: a kill needs no disk
#   strike OUT [-r]      runs the plan on stdin, see tests/tools/killer.c
#   wrong WHERE [FILE]   counts a loss and says what
#   shuffle N            its lines in the Nth order
#   left                 whether moments are left to go
#   strikes LOOK [singly]  strikes what is in lines, all of it or one by one, and
#                        looks; records to out
#   all_groups           runs group_ [singly] until no moments are left
#   at_call CALL K COMMAND ...  kills it at the Kth such call
#   turn K FIRST EVERY   whether the Kth call has its turn: the first ones have,
#                        and then one of so many, of EVERY if that is set
#   total NAME           the last line, and its status
#   late LOOK SAID       the control: kills the command of line right after a
#                        record, as often as there are moments; its names come
#                        late.  Each that has SAID something must fail LOOK
#   harm LOOK WHAT COMMAND ...  the control: after the harm LOOK must fail
#   controlled NAME      the last line of both, and its status
#
# A group of moments goes by before all of what was said in them is looked at;
# a group that has gone wrong is begun again, and looked at after each moment.
#
# shellcheck shell=sh disable=SC2034,SC2154
kills=0 runs=0 struck=0 ended=0 failed=0 checked=0 told=0 group=0
begun=$(date +%s)

ground()
{
	[ -n "${TMPDIR-}" ] || { [ -d /dev/shm ] && TMPDIR=/dev/shm; }
	T_=$(mktemp -d "${TMPDIR:-/var/tmp}/$1.XXXXXX") && cd "$T_" || exit 3
	trap 'cd / && chmod -R u+rwX "$T_" && rm -rf "$T_"' EXIT
	# What has been found until then is worth telling.
	exec 5>&1
	trap 'total "$(basename "$0" .sh), so far" >&5; exit 130' INT TERM
	: >acks
}

wrong()
{
	failed=$((failed + 1))
	echo "$1: $(head -n 5 "${2:-why}" | tr '\n' ' ')"
	tail -n "${3:-0}" moments 2>/dev/null
}

strike()
{
	cat >plan
	: >moments
	killer ${2-} -s $((SEED * 100003 + runs)) -t times -l moments -e err -a acks \
		-o "$1" <plan >struck
	case $? in
	0) ;;
	2) grep '^moment' moments >why && wrong "group $group" ;;
	*) quit 'the killer fails' ;;
	esac
	read -r r_ k_ s_ e_ <struck
	runs=$((runs + r_)) kills=$((kills + k_))
	struck=$((struck + s_)) ended=$((ended + e_))
}

strikes()
{
	[ "${2-}" = singly ] || {
		strike out <lines
		$1 >why
		return
	}
	while read -r line; do
		echo "$line" >line
		strike out <line
		$1 >why || return
	done <lines
}

left()
{
	[ $kills -lt "$moments" ]
}

# group_ is the caller's: 0, or why says what is wrong.
all_groups()
{
	while left; do
		group=$((group + 1))
		group_ || {
			wrong "group $group" why 60
			group_ singly || wrong "group $group, again" why 1
		}
	done
}

at_call()
{
	call_=$1 k_=$2
	shift 2
	strace -f -qq -o /dev/null -e trace="$call_" \
		-e inject="$call_:signal=KILL:when=$k_" "$@"
}

turn()
{
	[ "$1" -le "${FIRST:-$2}" ] || [ $(($1 % ${EVERY:-$3})) = 0 ]
}

# What the caller's fresh leaves is begun with.
late()
{
	cc -shared -fPIC -pthread -o late.so "$TOP/tests/torture/late.c" ||
		quit 'no compiler'
	while left; do
		fresh
		was_=$kills
		strike out -r <line
		[ $kills -gt $was_ ] && $2 || continue
		checked=$((checked + 1))
		$1 >why 2>&1 && echo "not told: killed $(tail -n 1 moments)" ||
			told=$((told + 1))
	done
}

harm()
{
	look_at_=$1 what_=$2
	shift 2
	"$@" || quit "cannot do harm: $what_"
	checked=$((checked + 1))
	$look_at_ >why 2>&1 && echo "not told: $what_" || told=$((told + 1))
}

controlled()
{
	echo "$1 control: $kills kills, $told of $checked losses and harms told"
	[ $checked -gt 0 ] && [ $told = $checked ]
}

shuffle()
{
	awk -v seed="$((SEED * 100003 + $1))" 'BEGIN { srand(seed); rand() }
		{ printf "%.9f %s\n", rand(), $0 }' | sort | cut -d ' ' -f 2-
}

total()
{
	echo "$1: $kills kills, $struck of them of a child;" \
		"$checked acknowledged ${2:-objects} checked, $failed wrong," \
		"$(($(date +%s) - begun)) s"
	[ $failed = 0 ]
}
