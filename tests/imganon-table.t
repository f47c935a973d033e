# imganon-table.t - every row of Table E.1-1, at every depth and in every
# encoding: what leaks, what becomes of it, and that this test can fail.
. "$(dirname "$0")/lib.sh"
need dcmdump
csv=$TOP/common/anon/ps3.15-e1-1.csv
vrs=$TOP/common/anon/ps3.15-e1-1-vr.csv
safe=$TOP/common/anon/safe-private.csv
imganon --new-key key

# made COMMAND ...: the one object that imganon writes; nothing on failure.
made()
{
	rm -rf new
	"$@" -q --key key -o new >records 2>messages && find new -type f
}

# ---- leaks --------------------------------------------------------------

for syntax in implicit explicit big deflated; do
	for depth in 0 2 8; do
		for charset in 'ISO_IR 192' 'ISO_IR 100' 'ISO 2022 IR 87'; do
			what="$syntax, depth $depth, $charset"
			anonrows plant "$csv" "$vrs" $syntax $depth "$charset" \
				in >markers
			anonrows find markers in >control
			ok "$what: planted" test "$(wc -l <control)" -ge 650
			new=$(made imganon in)
			ok "$what: written" test -s "$new"
			exits 0 "$what: nothing leaks" anonrows find markers "$new"
			cut -d ' ' -f 1 markers >words
			exits 1 "$what: nor into the record" \
				grep -qFf words records messages
		done
	done
	anonplaces plant $syntax in >markers
	anonrows find markers in >control
	ok "$syntax: other places: planted" test "$(wc -l <control)" -ge 37
	new=$(made imganon in)
	exits 0 "$syntax: nothing leaks" anonrows find markers "$new"
	exits 0 "$syntax: nothing harmless is lost" anonplaces keepers "$new"
	anonplaces private "$safe" $syntax in
	ok "$syntax: safe private attributes: planted" test \
		"$(anonplaces count "$safe" in)" = '479 90 26'
	new=$(made imganon --option retain-safe-private in)
	ok "$syntax: all stay with the option" test \
		"$(anonplaces count "$safe" "$new")" = '479 0 26'
	exits 1 "$syntax: but no name inside" grep -q 'QZINSAFE\|QZUNSAFE' "$new"
	anonplaces defined "$safe" $syntax in
	new=$(made imganon --option retain-safe-private in)
	ok "$syntax: of defined length, too" test \
		"$(anonplaces count "$safe" "$new")" = '479 0 26'
	dcmdump -q "$new" >inside 2>&1
	exits 1 "$syntax: looked into" grep -q 'QZINSAFE\|QZUNSAFE' inside
	exits 0 "$syntax: what is harmless inside stays" \
		grep -q ' (0018,0060) DS \[120\]' inside
	new=$(made imganon in)
	ok "$syntax: none without" test \
		"$(anonplaces count "$safe" "$new")" = '0 0 0'
done

# ---- this test can fail -------------------------------------------------

# mutant TAG: a build without that row.
# shellcheck disable=SC2046,SC2086 # options and names, each a word
mutant()
{
	tables=$(make -s --no-print-directory -C "$TOP" anon-tables) &&
	rm -rf anon && mkdir anon && to=$PWD/anon &&
	(cd "$TOP" && cp $tables common/anon/tables.awk "$to") &&
	grep -v "^\"$1\"" "$csv" >anon/ps3.15-e1-1.csv &&
	(cd anon && LC_ALL=C awk -f tables.awk $(basename -a $tables)) \
		>mutant.c &&
	cc -I"$TOP/common" -c -o mutant.o mutant.c &&
	cc -pthread -o mutant "$O/cmd/imganon.o" mutant.o "$O/libimg.a" \
		$(make -s --no-print-directory -C "$TOP" libs)
}
if nm "$O/libimg.a" 2>/dev/null | grep -q '__asan\|__tsan'; then
	skip 'a build without a row' 'built with a sanitizer'
elif ! command -v cc >/dev/null; then
	skip 'a build without a row' 'no compiler'
else
	anonrows plant "$csv" "$vrs" explicit 2 'ISO_IR 192' in >markers
	for tag in 0010,2160 0018,1000 0008,1030 4008,0300 0010,0040; do
		ok "a build without ($tag)" mutant "($tag)"
		new=$(made ./mutant in)
		exits 1 'leaks' anonrows find markers "$new"
		ok 'exactly that' test "$(cat out)" = "($tag)"
	done
fi

# ---- what becomes of each row -------------------------------------------

anonrows plant "$csv" "$vrs" explicit 0 'ISO_IR 192' in >markers
options='retain-safe-private retain-uids retain-device retain-institution
	retain-patient retain-dates modify-dates clean-desc clean-struct
	clean-graphics'
truth()
{
	given=
	for given_; do
		given="$given --option $given_"
	done
	# shellcheck disable=SC2086 # words
	new=$(made imganon $given in)
	exits 0 "as the table tells: basic $*" \
		anonrows truth "$csv" "$vrs" in "$new" "$@"
}
truth
for a in $options; do
	truth $a
	rest=${options#*"$a"}
	for b in $rest; do
		case $a$b in
		retain-datesmodify-dates) ;;
		*) truth $a $b ;;
		esac
	done
done
exits 1 'the wrong table is told from the right one' \
	anonrows truth "$csv" "$vrs" in "$(made imganon in)" retain-device
finish
