# suite.sh - the suite with every program of ours under valgrind; valgrind.sh
# sources it.
#
# shellcheck shell=sh disable=SC2154

# What is left out: why
left_out()
{
	case $1 in
	floors) echo 'looks at the sources' ;;
	jail_walls) echo 'is about the walls' ;;
	torture) echo 'has a tracer, and the rest of this folder' ;;
	unread) echo 'has a tracer' ;;
	*) return 1 ;;
	esac
}

# watched FOLDER NAME: a script in place of the program.  What a command starts
# that is not of ours is not looked at.
watched()
{
	cat >"$T_/O/$1/$2" <<!
#!/bin/sh
# As with __asan_init: memory is not to be measured.
read -r now _ </proc/uptime
LD_PRELOAD=$O/tools/nowalls.so\${LD_PRELOAD:+:\$LD_PRELOAD} \\
	exec $(echo $valgrind) \\
	--log-file=$T_/logs/$2.\$now.%p $O/$1/$2 "\$@"
!
	chmod 755 "$T_/O/$1/$2"
}

# A build folder in which the programs are scripts.
scripts()
{
	mkdir -p O/bin O/tools O/unit && chmod 755 . && chmod 1777 logs
	for f_ in "$O"/*; do
		[ -e "O/${f_##*/}" ] || ln -s "$f_" O/
	done
	for f_ in "$O"/bin/* "$O"/unit/*; do
		f_=${f_#"$O"/}
		watched "${f_%/*}" "${f_#*/}"
	done
	for f_ in "$O"/tools/*; do
		case ${f_##*/} in
		# Others are peers, and make inputs.
		dcmevents | faulty | frames | fuzz-* | imgecho | lsarchive | mkmedia)
			watched tools "${f_##*/}"
			;;
		*) ln -s "$f_" O/tools/ ;;
		esac
	done
}

# reports [LOST]: in blocks of lines, but for crashes on purpose; without LOST
# what is lost is not told, nor of a process that left a core.
reports()
{
	find logs -type f -size +0 ! -name '*.core.*' >logs.list
	while read -r log_; do
		if [ -n "$(find logs -path "$log_.core.*")" ]; then
			blocks '' <"$log_"
		else
			blocks "${1-}" <"$log_"
		fi
	done <logs.list
}

# blocks [LOST]: those of one log
blocks()
{
	# With its stdout closed a program writes its records there.
	grep -v -e '^--[0-9]*-- ' -e '^{' |
		awk -v lost="${1-}" '
		BEGIN {
			meant = " at 0x[0-9A-F]*: [^ ]+ " \
				"\\((failio\\.c|jail_jobs\\.h|members_lies\\.h):"
		}
		function out() {
			if (block !~ meant && (lost || block !~ / lost in loss/))
				printf "%s", block
			block = ""
		}
		$1 != process { out() }
		{ process = $1 }
		/^==[0-9]+== *$/ { out(); next }
		{ block = block $0 "\n" }
		END { out() }'
}

# one TEST: runs it, and says what came of it
one()
{
	name_=${1##*/} at_=$(date +%s)
	name_=${name_%.[ct]}
	[ -f "$1" ] || quit "no test $1"
	if why_=$(left_out "$name_"); then
		echo "suite: $name_: left out: $why_"
		omitted=$((omitted + 1))
		return
	fi
	rm -rf logs/*
	case $1 in
	*.t) set -- sh "$1" ;;
	*) set -- "$T_/O/unit/$name_" ;;
	esac
	O=$T_/O CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 10 "${SECONDS_EACH:-900}" \
		"$@" >tap 2>&1 </dev/null
	got_=$? note_=
	[ $got_ -lt 124 ] || note_=", CUT OFF ($got_)" cut=$((cut + 1))
	# What was left running writes its log as it ends.
	for _ in $(seq 100); do
		pgrep -f "log-file=$T_/logs/" >/dev/null || break
		sleep 0.1
	done
	processes_=$(find logs -type f | wc -l)
	passed_=$(grep '^ok ' tap | grep -vc '# SKIP')
	failed_=$(grep '^not ok ' tap | grep -vc '# SKIP')
	# A unit test that fails jumps out of its function.
	lost_=yes
	case $1:$failed_ in
	sh:* | *:0) ;;
	*) lost_='' note_="$note_, leaks not looked at" ;;
	esac
	reports $lost_ >found || quit 'the logs cannot be read'
	files=$((files + 1)) processes=$((processes + processes_))
	passed=$((passed + passed_)) failed_all=$((failed_all + failed_))
	if [ -s found ]; then
		failed=$((failed + 1)) word_=FOUND
	else
		word_=clean
	fi
	echo "suite: $name_: $word_, $processes_ processes," \
		"$passed_ tests passed, $failed_ not$note_," \
		"$(($(date +%s) - at_)) s"
	[ ! -s found ] || head -n "${LINES_EACH:-120}" found
	[ -z "${KEEP-}" ] || {
		cp tap "$KEEP/$name_.tap"
		cp found "$KEEP/$name_.found"
	}
}

# suite [TEST ...]: NAME of tests/NAME.t, unit/NAME, or unit for all of these
suite()
{
	[ $# -gt 0 ] || set -- unit "$TOP"/tests/*.t
	files=0 processes=0 passed=0 failed_all=0 omitted=0 cut=0 failed=0
	[ -d O ] || scripts
	for t_; do
		case $t_ in
		unit)
			for u_ in "$TOP"/tests/unit/*.c; do
				one "$u_"
			done
			;;
		unit/*) one "$TOP/tests/$t_.c" ;;
		/*) one "$t_" ;;
		*) one "$TOP/tests/$t_.t" ;;
		esac
	done
	echo "suite: $files files ($omitted left out, $cut cut off)," \
		"$processes processes, $passed tests passed, $failed_all not:" \
		"$failed with a finding"
	[ $failed = 0 ]
}

# Tests that pass with each of three mistakes; failed is how many were found.
suite_control()
{
	for word in none unset over lost; do
		echo "\"\$O/tools/faulty\" jail $word && echo ok 1" >$word.t
	done
	suite "$T_/none.t" >said || quit "the suite finds: $(cat said)"
	suite "$T_/unset.t" "$T_/over.t" "$T_/lost.t" >said
	grep -q ' 3 tests passed, 0 not: ' said || quit "did not run: $(cat said)"
	grep ': clean' said
}
