#!/bin/sh
# run.sh - run the fuzz targets: make fuzz [RUNS=n] [SECONDS_EACH=s] [T=name]
#
# Needs clang with libFuzzer.  New inputs stay in $O/fuzz/<target>; those worth
# keeping are copied to tests/fuzz/corpus/<target> by hand.  Exits 0 if no
# target found anything, 2 if one did (the input lies in $O/fuzz).
#
# run.sh control fuzzes a target that is wrong (control/planted.c): 0 if each
# mistake has been found.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd) && cd "$top" || exit 1
O=${O:-$top/build}
CLANG=${CLANG:-clang}
CLANGXX=${CLANGXX:-$CLANG++}
RUNS=${RUNS:-0}
SECONDS_EACH=${SECONDS_EACH:-60}
runs=-1
[ "$RUNS" = 0 ] || { runs=$RUNS SECONDS_EACH=0; }

if ! command -v "$CLANG" >/dev/null; then
	echo 'fuzz: clang is missing: apt-get install clang' >&2
	exit 3
fi

# DCMTK's classes come without the type information that vptr asks for.
san='-fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all'
make --no-print-directory -s O="$O/fuzz/lib" CC="$CLANG" CXX="$CLANGXX" \
	CFLAGS='-O2 -g -fno-omit-frame-pointer' \
	CXXFLAGS='-O2 -g -fno-omit-frame-pointer -fno-sanitize=vptr' \
	SAN="-fsanitize=fuzzer-no-link $san" "$O/fuzz/lib/libimg.a" || exit 3
libs=$(make --no-print-directory -s libs)

# Shadow of big blocks is cleared in place, and what was freed is kept for as
# long as an input takes: the kernel's part of a run is half as much.
ASAN_OPTIONS=clear_shadow_mmap_threshold=16777216:allocator_release_to_os_interval_ms=-1:quarantine_size_mb=16${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export ASAN_OPTIONS

# compile NAME SOURCE
compile()
{
	# shellcheck disable=SC2086
	"$CLANG" -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Icommon -std=c11 \
		-O2 -g -fno-omit-frame-pointer -fsanitize=fuzzer $san -fsanitize-link-c++-runtime \
		-o "$O/fuzz/$1.run" "$2" "$O/fuzz/lib/libimg.a" \
		$libs -lunistring -ldcmdata -loflog -lofstd -lopenjph -lstdc++ -lm ||
		exit 3
}

# fuzz NAME FOLDER ... [-OPTION=VALUE ...]
fuzz()
{
	name_=$1
	shift
	"$O/fuzz/$name_.run" -runs="$runs" -max_total_time="$SECONDS_EACH" \
		-timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$O/fuzz/$name_-" "$@"
}

# Each mistake has to be found, and named; and nothing where there is none.
control()
{
	compile planted tests/fuzz/control/planted.c
	found=0 runs=-1 SECONDS_EACH=120
	for word in none over lost shift hang oracle; do
		case $word in
		none) says='Done [0-9]* runs in ' ;;
		over) says='AddressSanitizer: heap-buffer-overflow' ;;
		lost) says='LeakSanitizer: detected memory leaks' ;;
		shift) says='runtime error: shift exponent 40' ;;
		hang) says='libFuzzer: timeout' ;;
		oracle) says='oracle: planted' ;;
		esac
		rm -rf "$O/fuzz/planted" "$O"/fuzz/planted-* &&
			mkdir "$O/fuzz/planted"
		[ $word != none ] || set -- -runs=100000
		PLANTED=$word fuzz planted "$@" -timeout=2 "$O/fuzz/planted" \
			>"$O/fuzz/planted.log" 2>&1
		code=$?
		set --
		if [ $word = none ] && [ $code != 0 ] ||
			! grep -q "$says" "$O/fuzz/planted.log"; then
			echo "fuzz: planted, $word: not so"
			tail -n 5 "$O/fuzz/planted.log"
		elif [ $word != none ] && [ $code != 0 ] &&
			[ -n "$(find "$O/fuzz" -name 'planted-*')" ]; then
			found=$((found + 1))
		fi
	done
	echo "fuzz, control: $found of 5 planted mistakes found"
	[ $found = 5 ]
}

if [ "${1-}" = control ]; then
	control
	exit
fi
status=0
for source in tests/fuzz/*.c; do
	name=$(basename "$source" .c)
	[ "$name" = replay ] && continue
	[ -n "${T-}" ] && [ "$T" != "$name" ] && continue
	compile "$name" "$source"
	# The first folder gets what is found: never the saved corpus.
	mkdir -p "$O/fuzz/$name" "tests/fuzz/corpus/$name"
	dict=
	[ -f "tests/fuzz/$name.dict" ] && dict="-dict=tests/fuzz/$name.dict"
	len=4096 malloc=1024 leaks=1
	# An image's first folder is that far, and libarchive reserves as much
	# as its size says before the bytes are refused.
	[ "$name" = archive ] && len=16384 malloc=16384
	# SQLite keeps pages for later, and a search for leaks after each input
	# takes longer than the input; the replay searches at its end.
	[ "$name" = catalog ] || [ "$name" = query ] && leaks=0
	echo "fuzz: $name"
	# shellcheck disable=SC2086
	fuzz "$name" -malloc_limit_mb="$malloc" -max_len="$len" \
		-detect_leaks=$leaks $dict \
		"$O/fuzz/$name" "tests/fuzz/corpus/$name" || status=2
done
exit "$status"
