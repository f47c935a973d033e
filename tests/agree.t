# agree.t - option table, --help, manual, completions and tests say the same
# of every command there is.
. "$(dirname "$0")/lib.sh"

# The options of a command, one a line: letter, long name, argument.
table()
{
	awk -F '\t' '{ printf "%s %s %s\n", $1 == "" ? "-" : $1, $2, $3 }' \
		"$1" | sed 's/ $//' | sort
}

# The same from the items of the option list in a manual:
# .It Fl C Ar dir , Fl -catalog Ar dir
manual()
{
	perl -ne '
		next unless s/^\.It (?=Fl )//;
		chomp;
		s/ Ns / /g; s/\bAr //g; s/\b(Li|Cm) //g; s/\\-/-/g;
		my ($letter, $long, $arg) = ("-", "", "");
		for my $o (split / , /) {
			$o =~ s/^Fl // or next;
			my ($name, $a) = split / /, $o, 2;
			($arg = $a // "") =~ s/ = /=/g;
			$arg =~ s/ //g;
			if ($name =~ s/^-//) { $long = $name }
			else { $letter = $name }
		}
		print join(" ", $letter, $long, $arg) =~ s/ $//r, "\n"
	' "$1" | sort
}

# The same from --help.
help()
{
	sed -n '/^Options:$/,/^$/p' "$1" | sed 1d |
		sed -n 's/^  \(-.,\|   \) --\([^ ]*\)\( \([^ ]\{1,\}\)\)\{0,1\}.*/\1 \2 \4/p' |
		sed 's/^-\(.\), /\1 /; s/^    */- /; s/ $//' | sort
}

# What a shell offers must be all options and nothing else.
offers()
{
	awk -F '\t' '{ if ($1 != "") print "-" $1; print "--" $2 }' options |
		LC_ALL=C sort >want.offers
	LC_ALL=C sort -u "$1" | grep . | diff -u want.offers -
}

in_bash()
{
	# Registered by name, as installed, and by asking for a completion.
	bash --norc -c '
		source "$1" && complete -p "$2" >/dev/null || exit 1
		COMP_WORDS=("$2" -) COMP_CWORD=1 COMP_LINE="$2 -" COMP_POINT=99
		f=$(complete -p "$2" | sed "s/.*-F \([^ ]*\).*/\1/")
		"$f" "$2" - "$2"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$1" "$2"
}

check()
{
	c=$1
	exits 0 "$c: --options" "$c" --options
	cp out options
	ok "$c: five fields, none empty that must not be" \
		awk -F '\t' 'NF != 5 || $2 == "" || $5 == "" { exit 1 }' options
	ok "$c: no name and no letter twice" sh -c '
		[ "$(cut -f 2 options | sort | uniq -d)" = "" ] &&
		[ "$(cut -f 1 options | grep . | sort | uniq -d)" = "" ]'
	table options >want
	exits 0 "$c: --help" "$c" --help
	ok "$c: --help begins with the usage" \
		sh -c 'head -n 1 out | grep -q "^usage: '"$c"' "'
	help out >have
	ok "$c: --help has every option" diff -u want have
	exits 0 "$c: -h" "$c" -h
	exits 0 "$c: --version" "$c" --version
	same "$c: its version" out <<-!
	$c (imgtools) 0.1${edition:+
	$edition}
	!
	exits 0 "$c: -V" "$c" -V
	exits 64 "$c: a wrong option" "$c" --no-such-option
	ok "$c: is named" grep -qx "$c: unknown option --no-such-option" err
	ok "$c: with the usage and without records" \
		sh -c 'grep -q "^usage: " err && [ ! -s out ]'
	exits 3 "$c: --help to a full disk" sh -c "$c --help >/dev/full"

	# The letters that mean the same everywhere.
	ok "$c: common letters" awk -F '\t' '
		BEGIN { w["C"] = "catalog"; w["q"] = "quiet"; w["h"] = "help"
			w["v"] = "verbose"; w["0"] = "null"
			w["V"] = "version"; w["n"] = "dry-run"
			w["o"] = "output"; w["j"] = "jobs" }
		$1 in w && w[$1] != $2 { print; bad = 1 }
		END { exit bad }' options
}

# The options that the synopsis of a manual lacks, of those in the file options:
# by letter or by name.
not_in_synopsis()
{
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$1" | tr ' ' '\n' |
		sed -n '/^\.\{0,1\}Fl$/{n;p;}' >flags
	while IFS='	' read -r line; do
		name=$(echo "$line" | cut -d , -f 1)
		letter=$(echo "$line" | cut -d , -f 2)
		case $name in help | version) continue ;; esac
		grep -qx -e "-$name" flags || { [ -n "$letter" ] &&
			grep -q "^[^-]*$letter" flags; } || echo "$name"
	done <<-!
	$(awk -F '\t' '{ print $2 "," $1 }' options)
	!
}

check_manual()
{
	c=$1 man=$TOP/man/$1.1
	ok "$c: has a manual" test -f "$man"
	[ -f "$man" ] || return
	manual "$man" >have
	ok "$c: the manual has every option" diff -u want have
	not_in_synopsis "$man" >lacking
	ok "$c: the synopsis has every option" diff lacking /dev/null
	for s in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' EXAMPLES \
		'SEE ALSO'; do
		ok "$c: the manual has $s" grep -qx ".Sh $s" "$man"
	done
	ok "$c: stands in img(7)" grep -q "^\.\(Xr\|It Xr\) $c 1" \
		"$TOP/man/img.7"
}

check_completions()
{
	c=$1
	if command -v bash >/dev/null; then
		cp "$TOP/completions/img.bash" "$c"
		exits 0 "$c: completion in bash" in_bash "./$c" "$c"
		mv out have
		ok "$c: bash offers its options" offers have
	else
		skip "$c: completion in bash" 'bash is not here'
	fi
	if command -v zsh >/dev/null; then
		exits 0 "$c: completion in zsh" timeout 60 zsh -f \
			"$TOP/tests/complete.zsh" "$TOP/completions" "$c -"
		mv out have
		ok "$c: zsh offers its options" offers have
	else
		skip "$c: completion in zsh" 'zsh is not here'
	fi
	if command -v fish >/dev/null; then
		sed "s/@COMMAND@/$c/g" "$TOP/completions/img.fish" >"$c.fish"
		exits 0 "$c: completion in fish" fish --no-config -c \
			"source $c.fish; complete -C'$c -'; complete -C'$c --'"
		cut -f 1 out | grep '^-' >have
		ok "$c: fish offers its options" offers have
	else
		skip "$c: completion in fish" 'fish is not here'
	fi
}

# imgecho stands for the commands that are still to come.
edition=
check imgecho
check_completions imgecho
for f in "$TOP"/cmd/img*.c; do
	[ -f "$f" ] || continue
	c=$(basename "$f" .c)
	edition=
	[ "$c" = imganon ] && edition='DICOM PS3.15 2026d Table E.1-1'
	if [ ! -x "$O/bin/$c" ]; then
		fail_ "$c: is built"
		continue
	fi
	check "$c"
	check_manual "$c"
	check_completions "$c"
	ok "$c: has a test" test -f "$TOP/tests/$c.t"
done

# imgrecord(5) has every word that a record can hold.  (What a DICOMDIR lists
# and is absent is counted and has no record.)
words()
{
	while read -r w; do
		grep -q "^\.\(It\|It Li\) $w\( \|\$\)" "$TOP/man/imgrecord.5" ||
			echo "imgrecord(5) lacks: $w"
	done >lacking
	[ ! -s lacking ] || { cat lacking; return 1; }
}
(cd "$TOP/common" && grep -ohE '"[a-z]+(-[a-z]+)+: ' work/*.c) | tr -d '": ' |
	sort -u >warnings
sed -n '/words\[\] = {/,/};/s/.*= "\([a-z-]*\)".*/\1/p' \
	"$TOP/common/base/err.c" | grep -v '^ok$' | sort -u >codes
cat "$TOP"/cmd/*.c | tr '\n\t' '  ' | sed 's/" *"//g' |
	grep -o 'cli\.verbs = "[^"]*' | sed 's/.*"//' |
	tr ' ' '\n' | grep -vx absent | sort -u >statuses
ok 'imgrecord(5): the warnings' words <warnings
ok 'imgrecord(5): the error codes' words <codes
ok 'imgrecord(5): the status words' words <statuses
ok 'all three were found in the sources' test "$(wc -l <warnings)" -gt 5 \
	-a "$(wc -l <codes)" -gt 10 -a "$(wc -l <statuses)" -gt 1

# Sourced as it is, bash finds the commands beside imgimport.
mkdir bin
for c in imgimport imgfoo; do
	cp "$O/tools/imgecho" "bin/$c"
done
printf '#!/bin/sh\n' >bin/img2png && chmod +x bin/img2png
if command -v bash >/dev/null; then
	# shellcheck disable=SC2016 # for bash
	exits 0 'bash: img.bash sourced by hand' env PATH="$PWD/bin:$PATH" \
		bash --norc -c 'source "$1"; complete -p' bash \
		"$TOP/completions/img.bash"
	ok 'registers what is of this suite' sh -c \
		'grep -q imgimport out && grep -q imgfoo out'
	ok 'and no other command' sh -c '! grep -q img2png out'
fi

# Values are offered, too.
echo keep >want
echo reject >>want
echo replace >>want
if command -v zsh >/dev/null; then
	timeout 60 zsh -f "$TOP/tests/complete.zsh" "$TOP/completions" \
		'imgecho --choice ' | grep . | sort -u >have
	ok 'zsh offers the choices of an option' diff -u want have
	cp bin/img2png img2png
	printf '#!/bin/sh\ntouch ran\n' >bin/img2png
	PATH=$PWD/bin:$PATH timeout 60 zsh -f "$TOP/tests/complete.zsh" \
		"$TOP/completions" 'img2png -' >/dev/null
	ok 'zsh does not run commands of others' test ! -e ran
fi
if command -v fish >/dev/null; then
	sed "s/@COMMAND@/imgecho/g" "$TOP/completions/img.fish" >imgecho.fish
	fish --no-config -c "source imgecho.fish
		complete -C'imgecho --choice '" | cut -f 1 | sort >have
	ok 'fish offers the choices of an option' diff -u want have
fi
if command -v bash >/dev/null; then
	cp "$TOP/completions/img.bash" imgecho
	# shellcheck disable=SC2016 # for bash
	bash --norc -c 'source ./imgecho
		COMP_WORDS=(imgecho --choice = re) COMP_CWORD=3
		_img imgecho re =; printf "%s\n" "${COMPREPLY[@]}"
		COMP_WORDS=(imgecho -c k) COMP_CWORD=2
		_img imgecho k -c; printf "%s\n" "${COMPREPLY[@]}"' |
		sort >have
	ok 'bash offers the choices of an option' diff -u want have
fi
finish
