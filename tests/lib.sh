# lib.sh - what every tests/*.t begins with: `. "$(dirname "$0")/lib.sh"`.
#
# The test then stands in a folder of its own that goes when it ends, has the
# commands and the test tools in PATH, and prints TAP:
#
#   exits 2 'one bad, one good' imgfoo a b   exact status; stdout in the file
#                                            out, stderr in err, which may
#                                            hold no value of a patient
#   ok 'the bad one is named' grep -q b err  status 0; out and err stay
#   same 'the good one comes out' out <<'!'  the file is what stdin says
#   skip 'what was to be tested' 'why not'
#   skip_all 'why nothing can be tested'
#   finish                                   the last line: a test that does
#                                            not reach it has failed; so has one
#                                            that leaves a value of a patient in
#                                            an audit log or a core
#
# shellcheck shell=sh
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
O=${O:-$TOP/build}
case $O in /*) ;; *) O=$(pwd)/$O ;; esac
CORPUS=${IMG_CORPUS:-$TOP/build/corpus/dev}
PATH=$O/bin:$O/tools:$PATH
LC_ALL=C.UTF-8
TZ=UTC
export TOP O CORPUS PATH LC_ALL TZ

# A finding of a sanitizer must not look like a status of ours; memory that is
# not there is none.
ASAN_OPTIONS=${ASAN_OPTIONS:-exitcode=99:allocator_may_return_null=1}
LSAN_OPTIONS=${LSAN_OPTIONS:-exitcode=99:print_suppressions=0:suppressions=$TOP/tests/lsan.supp}
UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:exitcode=99}
export ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS

T=$(mktemp -d "${TMPDIR:-/tmp}/imgtest.XXXXXX") || exit 1
# Objects are read-only, and so may be folders that a test made.
trap 'cd / && chmod -R u+rwX "$T" 2>/dev/null; rm -rf "$T"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$T/home" "$T/work" && cd "$T/work" || exit 1

# Nothing here may touch the archive of whoever runs the tests.
HOME=$T/home
export HOME
unset IMG_CATALOG XDG_DATA_HOME COLUMNS NO_COLOR

# What names patients in the images of the tests, and never may be on stderr, in
# an audit log or in a core.
PLANTED='[a-z]\^synthetic|test-000[0-9]'

# What a sanitizer says, maybe of a jailed process whose end is a verdict.
REPORTED='==(ERROR|WARNING): [a-z]*Sanitizer|: runtime error: |\(sanitizer\)'

tests=0 failures=0

pass_()
{
	tests=$((tests + 1))
	echo "ok $tests - $1"
}

# fail_ TEXT [FILE]: FILE is shown as the reason.
fail_()
{
	tests=$((tests + 1)) failures=$((failures + 1))
	echo "not ok $tests - $1"
	[ $# -lt 2 ] || head -n 40 "$2" | cut -c 1-400 | sed 's/^/#   /'
}

ok()
{
	text_=$1
	shift
	"$@" >"$T/ok" 2>&1
	got_=$?
	if [ $got_ = 0 ]; then
		pass_ "$text_"
	else
		echo "status $got_: $*" >>"$T/ok"
		fail_ "$text_" "$T/ok"
	fi
}

exits()
{
	want_=$1 text_=$2
	shift 2
	"$@" >out 2>err
	got_=$?
	if grep -aiE "$PLANTED|$REPORTED" err >"$T/ok"; then
		if grep -aiqE "$REPORTED" "$T/ok"; then
			cat err >"$T/ok"
		else
			echo 'a value of a patient is on stderr' >"$T/ok"
		fi
		fail_ "$text_" "$T/ok"
	elif [ $got_ = "$want_" ]; then
		pass_ "$text_"
	else
		{
			echo "status $got_ instead of $want_: $*"
			echo 'stdout:' && head -n 10 out
			echo 'stderr:' && head -n 25 err
		} >"$T/ok"
		fail_ "$text_" "$T/ok"
	fi
}

same()
{
	cat >"$T/want"
	if diff -u "$T/want" "$2" >"$T/ok" 2>&1; then
		pass_ "$1"
	else
		fail_ "$1" "$T/ok"
	fi
}

# until_ COMMAND: it succeeds within ten seconds
until_()
{
	for _ in $(seq 100); do
		"$@" && return
		sleep 0.1
	done
	return 1
}

skip()
{
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 0
}

# need COMMAND ...: skips all where one is absent.
need()
{
	for c_; do
		command -v "$c_" >/dev/null || skip_all "$c_ is not here"
	done
}

finish()
{
	# archive.sh has its folder elsewhere.
	find "$T" ${W:+"$W"} -type f \( -name 'audit.log*' -o -name core -o \
		-name 'core.[0-9]*' \) -exec grep -laiE "$PLANTED" {} + \
		>"$T/left" 2>/dev/null
	[ ! -s "$T/left" ] || fail_ 'a value of a patient is left' "$T/left"
	echo "1..$tests"
	[ $failures = 0 ]
	exit
}
