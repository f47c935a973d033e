# archive.sh - what the tests of imgimport and imgverify share; after lib.sh.
#
#   brief [FILE]   records as "status path", one a line (FILE: out)
#   rows SQL       what the catalog of ./arch says, | between columns
#   objects        how many objects lie in the store of ./arch
#   img FILE N     a small image with SOPInstanceUID 2.25.N
#   import ...     imgimport -q into ./arch
#   verify ...     imgverify -q of ./arch
#
# shellcheck shell=sh

# These tests sync a lot; in memory that takes no time.  What goes wrong must
# not fill it: no file grows over 500 MB.
ulimit -f 1000000
if room_=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }') &&
	[ "${room_:-0}" -gt 1000000 ] &&
	W=$(mktemp -d /dev/shm/imgtest.XXXXXX 2>/dev/null); then
	trap 'cd / && chmod -R u+rwX "$T" "$W" 2>/dev/null; rm -rf "$T" "$W"' \
		EXIT
	cd "$W" || exit 1
fi

brief()
{
	sed 's/^{"status":"\([a-z]*\)","path":"\(\([^"\\]\|\\.\)*\)".*/\1 \2/' \
		"${1:-out}"
}

rows()
{
	sqlite3 -readonly arch/catalog.db "$1"
}

objects()
{
	find arch/objects -type f | wc -l
}

img()
{
	file_=$1 n_=$2
	shift 2
	phantom one --uid "2.25.$n_" --instance "$n_" "$@" "$file_"
}

import()
{
	imgimport -q -C arch "$@"
}

verify()
{
	imgverify -q -C arch "$@"
}

# records STATUS: how many of them have it
records()
{
	grep -c "^{\"status\":\"$1\"" out
}

# A user who is not root, for what root may do all the same.
nobody()
{
	setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"
}

is_root()
{
	[ "$(id -u)" = 0 ]
}

# todo TEXT WHY COMMAND ...: a test that is known to fail; it is shown, and
# counts once it passes.
todo()
{
	text_=$1 why_=$2
	shift 2
	tests=$((tests + 1))
	if "$@" >"$T/ok" 2>&1; then
		echo "ok $tests - $text_ # TODO $why_"
	else
		echo "not ok $tests - $text_ # TODO $why_"
	fi
}

# failio RULES COMMAND ...: with system calls that fail, see tools/failio.c;
# the calls that were met are in the file met.
failio()
{
	rules_=$1
	shift
	rm -f met
	env LD_PRELOAD="$O/tools/failio.so" FAILIO="$rules_" \
		FAILIO_LOG="$PWD/met" \
		ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0" "$@"
}

# sound TEXT [FILE]: what the records in FILE (out) promise is true, and
# nothing in the archive is damaged or missing.
sound()
{
	sed -n 's/^{"status":"\(stored\|duplicate\|conflict\)".*"digest":"\([0-9a-f]*\)".*/\2/p' \
		"${2:-out}" | sort -u >"$T/promised"
	rows 'SELECT lower(hex(digest)) FROM object' | sort -u >"$T/there"
	comm -23 "$T/promised" "$T/there" >"$T/lost"
	verify --all >"$T/verdicts" 2>"$T/verr" </dev/null
	grep -v '^{"status":"\(intact\|extra\)"' "$T/verdicts" >>"$T/lost"
	cat "$T/verr" >>"$T/lost"
	# A kill can leave a part of a line, which the next writer cuts off.
	torn_=
	[ -z "$(tail -c 1 arch/audit.log 2>/dev/null)" ] ||
		torn_='"reason":"line [0-9]*: cut off, or not a line'
	verify --audit </dev/null 2>&1 |
		grep -v "^{\"status\":\"intact\"${torn_:+\\|$torn_}" >>"$T/lost"
	if [ -s "$T/lost" ]; then
		fail_ "$1: nothing that was promised is lost" "$T/lost"
	else
		pass_ "$1: nothing that was promised is lost"
	fi
}
