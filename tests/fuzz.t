# fuzz.t - every fuzz target over its saved inputs, without libFuzzer.
. "$(dirname "$0")/lib.sh"

for source in "$TOP"/tests/fuzz/*.c; do
	name=$(basename "$source" .c)
	[ "$name" = replay ] && continue
	exits 0 "$name: all saved inputs pass" \
		"fuzz-$name" "$TOP/tests/fuzz/corpus/$name"
	ok "$name: there were some" grep -q '^[1-9][0-9]* inputs$' out
done

finish
