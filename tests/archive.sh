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
