#!/bin/sh
# lint.sh - what can be said about the sources without running them.
#
# CPPFLAGS as the Makefile gives them.  A tool that is not here is named and
# skipped; exit status 1 when anything was found.
set -u
top=$(cd "$(dirname "$0")/.." && pwd) && cd "$top" || exit 1
O=${O:-build}
CPPFLAGS=${CPPFLAGS:--D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Icommon}
found=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# part NAME COMMAND ...: silent when it finds nothing.
part()
{
	name=$1
	shift
	if "$@" >"$tmp/out" 2>&1; then
		echo "lint: $name: clean"
	else
		cat "$tmp/out"
		echo "lint: $name: FOUND"
		found=1
	fi
}

have()
{
	command -v "$1" >/dev/null && return
	echo "lint: $1: skipped, it is not here"
	return 1
}

# All files of one kind, built and foreign ones left out.
files()
{
	find Makefile cmd common man tests completions -type f -name "$1" \
		2>/dev/null | grep -v '^tests/data/' | sort
}
files '*.c' >"$tmp/c"
files '*.h' >"$tmp/h"
files '*.cc' >"$tmp/cc"
{ files '*.sh' && files '*.t'; } >"$tmp/sh"
cat "$tmp/c" "$tmp/h" "$tmp/cc" >"$tmp/all"

# shellcheck disable=SC2013,SC2046,SC2086,SC2317 # names of ours have no blanks
{
manuals()
{
	mandoc -Tlint -W warning man/*.[157]
}

headers()
{
	rc=0
	for h in $(cat "$tmp/h"); do
		${CC:-cc} -std=c11 -Wall -Wextra -fsyntax-only $CPPFLAGS \
			-I"$(dirname "$h")" -x c -include "$h" /dev/null ||
			rc=1
	done
	return $rc
}

white_space()
{
	! grep -nE '[[:blank:]]+$' $(cat "$tmp/all" "$tmp/sh") \
		Makefile man/*.[157] completions/* &&
	! grep -nE '^ {8}' $(cat "$tmp/all")
}

banned()
{
	! grep -nE '\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atof|gets|system|popen|mktemp|tmpnam|alloca)[[:blank:]]*\(' \
		$(grep -E '^(cmd|common)/' "$tmp/all")
}

long_lines()
{
	! expand $(cat "$tmp/c" "$tmp/h") | grep -nE '^.{100,}'
}

formatted()
{
	rc=0
	for f in $(cat "$tmp/all"); do
		clang-format "$f" | cmp -s - "$f" || { echo "$f"; rc=1; }
	done
	return $rc
}

tidy()
{
	# Not the analyzer: it cannot see that img_err_set says -1.
	clang-tidy --quiet --warnings-as-errors='*' --checks='-*,bugprone-suspicious-*,bugprone-terminating-continue,bugprone-integer-division,bugprone-macro-repeated-side-effects,bugprone-misplaced-*,bugprone-string-*,bugprone-not-null-terminated-result' \
		$(grep -E '^(cmd|common)/' "$tmp/c") -- -std=c11 $CPPFLAGS
}

part 'manuals' manuals
part 'headers stand alone' headers
part 'white space' white_space
part 'functions we do without' banned
part 'line length' long_lines
have shellcheck && part shellcheck \
	shellcheck -S warning -x -e SC1090,SC1091,SC2016 -s sh $(cat "$tmp/sh")
have shellcheck && [ -f completions/img.bash ] &&
	part 'shellcheck, bash' shellcheck -s bash completions/img.bash
have clang-format && part 'clang-format (make fmt mends it)' formatted
have cppcheck && part cppcheck cppcheck -q --std=c11 -j 2 \
	--error-exitcode=1 --inline-suppr --suppress=missingIncludeSystem \
	--suppress=normalCheckLevelMaxBranches --suppress=uninitvar \
	--enable=warning,portability -I common \
	$(grep -E '^(cmd|common)/' "$tmp/c")
have clang-tidy && part clang-tidy tidy
}
exit $found
