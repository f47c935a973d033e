# cli.t - what every command has from common/cli, shown on imgecho.
. "$(dirname "$0")/lib.sh"

# ---- operands and lines -------------------------------------------------

exits 0 'operands come out as records' imgecho a 'b "c"'
same 'one record each' out <<'!'
{"status":"stored","path":"a"}
{"status":"stored","path":"b \"c\""}
!
ok 'the sum stands last on stderr' \
	grep -qx 'imgecho: 2 inputs: 2 stored, [0-9.]* s' err
exits 0 'words in the order of the table, conflict in the plural' \
	imgecho x.con a y.con b.dup
ok 'and nothing that is none' grep -qx \
	'imgecho: 4 inputs: 1 stored, 1 duplicate, 2 conflicts, [0-9.]* s' err
exits 0 'one is singular' imgecho x.con
ok 'one input, one conflict' grep -qx \
	'imgecho: 1 input: 1 conflict, [0-9.]* s' err
exits 0 '-q: no sum' imgecho -q a
ok 'stderr is empty' test ! -s err

printf 'a\n\n{"path":"r","k":[1, 2],"status":"old"}\n{ "k":1 }\n./{x\nb' >in
exits 0 'lines: paths and records, an empty one, no newline at the end' \
	imgecho <in
same 'each judged by its first byte' out <<'!'
{"status":"stored","path":"a"}
{"status":"stored","path":"r","k":[1, 2]}
{"status":"stored","k":1}
{"status":"stored","path":"./{x"}
{"status":"stored","path":"b"}
!
printf 'a\nb\0{"x":1}\0' >in
exits 0 '-0: paths, whatever they look like' imgecho -0 <in
same 'newlines and braces are of the name' out <<'!'
{"status":"stored","path":"a\nb"}
{"status":"stored","path":"{\"x\":1}"}
!
echo in-stdin >in
exits 0 '- among operands is stdin' imgecho first - last <in
same 'in its place' out <<'!'
{"status":"stored","path":"first"}
{"status":"stored","path":"in-stdin"}
{"status":"stored","path":"last"}
!
exits 0 '-- ends the options' imgecho -- -q
same 'and -q is a path' out <<'!'
{"status":"stored","path":"-q"}
!
exits 0 'nothing in, nothing to do' imgecho </dev/null
same 'no record' out <<'!'
!

# ---- what is wrong with an input ----------------------------------------

exits 2 'one bad, one good: status 2' imgecho a b.bad
same 'a record each' out <<'!'
{"status":"stored","path":"a"}
{"status":"failed","path":"b.bad","error":{"code":"not-dicom","message":"b.bad: not a DICOM file","by":"imgecho"}}
!
ok 'the bad one is named on stderr' \
	grep -qx 'imgecho: b.bad: not a DICOM file' err
exits 3 'only bad ones: status 3' imgecho a.bad b.bad
exits 1 'a no: status 1' imgecho a b.no
exits 2 'a failure outweighs a no' imgecho a b.no c.bad
exits 75 'all that failed was busy: status 75' imgecho a b.busy
exits 2 'not so when another failed otherwise' imgecho a b.busy c.bad
exits 70 'our own mistake: status 70' imgecho a b.bug c.bad
exits 75 'cannot begin, busy: status 75' imgecho --fail
ok 'and says so' grep -qx 'imgecho: the archive is busy' err

printf '%s\n' a '{"path":"x", "error":{"code":"io","extra":1}}' b >in
exits 2 'an error from before: status 2' imgecho <in
same 'it rides through untouched' out <<'!'
{"status":"stored","path":"a"}
{"path":"x", "error":{"code":"io","extra":1}}
{"status":"stored","path":"b"}
!
ok 'and counts as failed' \
	grep -qx 'imgecho: 3 inputs: 2 stored, 1 failed, [0-9.]* s' err
ok 'but is not said again' test "$(wc -l <err)" = 1
printf '%s\n' '{"error":{}}' >in
exits 3 'nothing but errors from before: status 3' imgecho <in

printf '%s\n' '{"status":"ignored", "path":"README"}' a \
	'{"status":"ignored","SOPInstanceUID":"2.25.1"}' >in
exits 0 'what was set aside before' imgecho <in
same 'stays so, unless it names an object' out <<'!'
{"status":"ignored", "path":"README"}
{"status":"stored","path":"a"}
{"status":"stored","SOPInstanceUID":"2.25.1"}
!
ok 'and counts as ignored' \
	grep -qx 'imgecho: 3 inputs: 2 stored, 1 ignored, [0-9.]* s' err

printf '%s\n' '{bad' a '{"path":1}' '{}{}' '{"a":1,"a":2}' >in
exits 2 'lines that are no records' imgecho <in
same 'each has a record of its own' out <<'!'
{"status":"failed","path":"-","error":{"code":"malformed","message":"stdin: line 1: not JSON at byte 1: unexpected character","by":"imgecho"}}
{"status":"stored","path":"a"}
{"status":"failed","path":"-","error":{"code":"malformed","message":"stdin: line 3: record: \"path\" is of the wrong type","by":"imgecho"}}
{"status":"failed","path":"-","error":{"code":"malformed","message":"stdin: line 4: not JSON at byte 2: unexpected character","by":"imgecho"}}
{"status":"failed","path":"-","error":{"code":"malformed","message":"stdin: line 5: a key stands twice in one object","by":"imgecho"}}
!
printf 'a\0b\nc\n' >in
exits 2 'a NUL in a line' imgecho <in
ok 'is told' grep -q 'line 1: NUL in a path; -0 is for' err
ok 'and the next line is read' grep -q '"path":"c"' out
touch "$(printf 'mac\r')"
printf 'mac\r\na b\r\n{"path":"c"}\r\nd\n' >in
exits 2 'a list with CR' imgecho <in
same 'each name that is none fails and says so' out <<'!'
{"status":"stored","path":"mac\r"}
{"status":"failed","path":"a b\r","error":{"code":"usage","message":"stdin: line 2: nothing has this name, and it ends in CR: the list looks like one from Windows, and tr -d '\\r' mends it","by":"imgecho"}}
{"status":"stored","path":"c"}
{"status":"stored","path":"d"}
!
rm mac*
tr '\n' '\0' <in >in.0
exits 2 'with -0, too' imgecho -0 <in.0
ok 'it is told' grep -q 'line 2: nothing has this name, and it ends in CR' err
printf '\357\273\277a\nb\n' >in
exits 2 'a list with a byte order mark' imgecho <in
ok 'is told' grep -q 'line 1: .* begins with a byte order mark: the list' err
ok 'and the next line is read' grep -q '"path":"b"' out
touch "$(printf '\357\273\277a')"
exits 0 'a name with one' imgecho <in
printf '\377\376a\0\n\0b\0\n\0' >in
exits 3 'a list in UTF-16' imgecho <in
same 'is one failure that says so' out <<'!'
{"status":"failed","path":"-","error":{"code":"usage","message":"stdin: line 1: UTF-16, where UTF-8 is read; nothing of it was","by":"imgecho"}}
!
printf '\377\376a\n' >in
exits 0 'a name of such bytes' imgecho <in
{ head -c 128 /dev/zero; printf 'DICMa\nDoe^Jane\nb\n'; } >in
for option in '' -0; do
	exits 3 "an object for a list $option" sh -c "imgecho $option <in"
	ok 'is one failure' test "$(wc -l <out)" = 1
	ok 'that says so' grep -q 'a DICOM object, where paths' err
done
{ head -c 3000000 /dev/zero | tr '\0' x; echo; echo after; } >in
exits 2 'a line of three megabytes' imgecho <in
ok 'is over the limit' grep -q '"code":"limit"' out
ok 'and the next line is read' grep -q '"path":"after"' out
{ head -c 1048577 /dev/zero | tr '\0' x; echo; echo after; } >in
exits 2 'a line one byte over the limit' imgecho <in
ok 'is one failure' test "$(wc -l <out)" = 2
{ head -c 1100000 /dev/zero | tr '\0' x; } >in
exits 3 'a line too long at the end of stdin' imgecho <in
ok 'is one failure' test "$(wc -l <out)" = 1
{ printf '{"k":"'; head -c 1048560 /dev/zero | tr '\0' x; echo '"}'; } >in
exits 0 'a record that would grow over the limit' imgecho <in
ok 'is told in a shorter one' grep -q '^{"status":"stored","warning":\["cut: ' out
exits 3 'stdin is a folder' imgecho - <.
ok 'is told' grep -qx 'imgecho: stdin: Is a directory' err
exits 3 'stdin is closed' sh -c 'imgecho <&-'
printf 'M\374ller\033[2J\n' >in
exits 0 'a name in Latin-1 with an escape sequence' imgecho -v <in
same 'comes out as UTF-8 that drives no terminal' out <<'!'
{"status":"stored","path":"M�ller\u001b[2J"}
!
exits 2 'nor does its message' imgecho "$(printf 'a\033[2J\302\233.bad')" b
ok 'control characters are ?' grep -qx 'imgecho: a?\[2J?.bad: not.*' err
exits 0 '-v: warnings are told' imgecho -v a.warn
ok 'on stderr' grep -qx 'imgecho: a.warn: warning: two names' err

# ---- stdout -------------------------------------------------------------

exits 3 'stdout is full: status 3' sh -c 'imgecho a >/dev/full'
ok 'is told' grep -qx 'imgecho: stdout: No space left on device' err
exits 3 'full at the end only' sh -c \
	'trap "" XFSZ; ulimit -f 1; seq 100 | imgecho >big'
exits 3 'stdout is closed' sh -c 'imgecho a >&-'
exits 141 'the reader has gone: as if SIGPIPE had come' sh -c \
	'{ sleep .3; echo a; } | { imgecho -q; echo $? >rc; } | true; exit $(cat rc)'
same 'of which nothing is said' err </dev/null
exits 141 'a reader that has enough' sh -c \
	'{ seq 100000 | imgecho -q; echo $? >rc; } | head -n 1; exit $(cat rc)'
same 'is nothing to speak of' err </dev/null
exits 141 'nor is one of --help' sh -c \
	'{ sleep .3; imgecho --help; echo $? >rc; } | true; exit $(cat rc)'
same 'who is gone' err </dev/null
exits 3 '--help says when it cannot be written' \
	sh -c 'imgecho --help >/dev/full'
exits 3 'so does --version' sh -c 'imgecho --version >/dev/full'
exits 0 'a pipe gets each record at once' sh -c '
	{ echo a; sleep 2; echo b; } | imgecho -q |
	{ read -r one; date +%s >t1; read -r two; date +%s >t2; }
	[ $(($(cat t2) - $(cat t1))) -ge 1 ]'

# ---- options ------------------------------------------------------------

exits 0 'every kind of option' imgecho -f -w text --list=a -l b -m 100 \
	--size 1.5K -c replace options
same 'is set' out <<'!'
flag 1 word text list 2 number 100 size 1536 choice replace
!
wrong()
{
	message=$1
	shift
	exits 64 "wrong: $*" imgecho "$@"
	ok 'says what' grep -qFx "imgecho: $message" err
	ok 'and how it is used' \
		grep -qFx 'usage: imgecho [-f] [-C dir] [path ...]' err
	ok 'and nothing else' test "$(wc -l <err)" = 2 -a ! -s out
}
wrong 'unknown option -x' -x
wrong 'unknown option -x' -qx
wrong 'unknown option --nosuch' --nosuch
wrong 'unknown option --nosuch=1' --nosuch=1
wrong 'option --n is short for several: --number, --null' --n
wrong 'option --n is short for several: --number, --null' --n=1
wrong 'option --flag takes no argument' --flag=1
wrong 'option -C needs an argument' -C
wrong 'option --word needs an argument' --word
wrong '--number: 101: not a whole number up to 100' -m 101
wrong '--number: -1: not a whole number up to 100' -m -1
wrong '--number: : not a whole number up to 100' -m ''
wrong '--number: 1x: not a whole number up to 100' --number=1x
wrong '--size: 5Q: not a size like 700M' --size 5Q
wrong '--choice: kee: not one of keep|replace|reject' -c kee
wrong '--choice: keep|replace: not one of keep|replace|reject' \
	-c 'keep|replace'
wrong '--catalog: no dir is given' -C ''
wrong '--catalog: no dir is given' --catalog=
wrong '--choice: : not one of keep|replace|reject' -c ''
exits 0 '--version' imgecho --version
same 'name, suite and number' out <<'!'
imgecho (imgtools) 0.1
!
exits 0 '--help' imgecho --help
same 'is made from the table' out <<'!'
usage: imgecho [-f] [-C dir] [path ...]
imgecho - say what came in

Options:
  -C, --catalog dir           archive to use
  -f, --flag                  a flag
  -w, --word text             any text
  -l, --list file             more than one
  -m, --number n              up to 100
      --size bytes            a size
  -c, --choice how            one of three (keep|replace|reject)
      --table                 print a table
      --fail                  cannot begin
  -0, --null                  paths on stdin end in NUL
  -q, --quiet                 no summing-up line, no progress
  -v, --verbose               say more on stderr
  -h, --help                  show this help
  -V, --version               show the version

Examples:
  imgecho a b
!
exits 0 '-C names the archive' imgecho -C /x where
ok 'and it is taken' test "$(cat out)" = /x
export IMG_CATALOG=/y
exits 0 'so does IMG_CATALOG' imgecho where
ok 'and it is taken' test "$(cat out)" = /y
unset IMG_CATALOG
exits 0 'or it is in the home folder' imgecho where
ok 'under .local/share' test "$(cat out)" = "$HOME/.local/share/imgtools"
exits 0 'or where XDG_DATA_HOME says' env XDG_DATA_HOME=/z imgecho where
ok 'and it is taken' test "$(cat out)" = /z/imgtools

# ---- signals ------------------------------------------------------------

# The first input takes a second, the signal comes meanwhile.
for s in INT:130 TERM:143 HUP:129; do
	exits "${s#*:}" "SIG${s%:*}: the item in hand is finished" \
		perl -e '
		my $pid = fork // die;
		if (!$pid) { $SIG{INT} = "DEFAULT";
			exec "imgecho", "a.nap", "b" or die }
		select undef, undef, undef, .3;
		kill $ARGV[0], $pid; waitpid $pid, 0;
		exit($? & 127 ? 99 : $? >> 8)' "${s%:*}"
	same 'and its record is there, and no other' out <<'!'
{"status":"stored","path":"a.nap"}
!
	exits "${s#*:}" "SIG${s%:*} while waiting for stdin" perl -e '
		pipe my $r, my $w;
		my $pid = fork // die;
		if (!$pid) { $SIG{INT} = "DEFAULT"; open STDIN, "<&", $r;
			exec "imgecho" or die }
		select undef, undef, undef, .3;
		kill $ARGV[0], $pid; waitpid $pid, 0;
		exit($? & 127 ? 99 : $? >> 8)' "${s%:*}"
done

# ---- terminals ----------------------------------------------------------

if command -v script >/dev/null; then
	tty()
	{
		TERM=xterm script -qec "$1" /dev/null </dev/null |
			tr -d '\r' >tty.out
	}
	exits 64 'no operands and stdin a terminal: wrong usage' \
		script -qec 'imgecho' /dev/null
	TERM=xterm script -qec 'imgecho -f a b c' /dev/null >tty.out 2>&1 \
		</dev/null
	ok 'progress on a terminal' \
		grep -q '1 items, 1.0 MB, .*/s, .* left' tty.out
	ok 'is erased' grep -q "$(printf '\r\033\\[K')imgecho: 3 inputs" tty.out
	tty 'imgecho -qf a b c'
	ok '-q: no progress' sh -c '! grep -q items tty.out'
	tty 'TERM=dumb imgecho -f a b c'
	ok 'a dumb terminal: no progress' sh -c '! grep -q items tty.out'
	tty 'COLUMNS=20 imgecho -q --table Name-that-is-much-too-long value'
	ok 'a table is shortened to the terminal' \
		grep -qx 'Name-that-is…  value' tty.out
	ok 'and its heading is aligned' grep -qx 'Name           Value' tty.out
	tty 'COLUMNS=14 imgecho -q --table Name-too-long 2024-01-31'
	ok 'but no date is cut' grep -qx 'Name-…  2024-01-31' tty.out
else
	skip 'terminals' 'script is not here'
fi
exits 0 'a table' imgecho -q --table 'Müller^Jürgen' 1 '山田^太郎' 2 \
	'محمد' 3 "$(printf 'a\tb\033\342\200\256')" 4
same 'is aligned by display width and drives no terminal' out <<'!'
Name           Value
Müller^Jürgen  1
山田^太郎      2
محمد           3
a?b??          4
!
finish
