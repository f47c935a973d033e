# imgverify-scrub.t - the archive read bit by bit, longest unread first.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"

for i in 1 2 3 4 5 6 7 8 9; do
	mkdir -p in && img in/$i.dcm $i --study "2.25.10$((i % 2))" \
		--series "2.25.20$((i % 3))" --id "TEST-000$((i % 2))"
done
import in >/dev/null

# scrub ...: of ./arch
scrub()
{
	imgverify -C arch --scrub "$@"
}

# aged N TIME ...: 2.25.N was read then ('': never), and was intact
aged()
{
	while [ $# -ge 2 ]; do
		imgage arch "$1" "$2" || return 1
		shift 2
	done
}

# when: the images in the order in which they were read
when()
{
	rows "SELECT SOPInstanceUID FROM object JOIN instance
		ON instance.id = instance ORDER BY checked, SOPInstanceUID"
}

exits 0 'a first scrub' scrub
ok 'says nothing of what is intact' test ! -s out
ok 'but how many' grep -qx 'imgverify: 9 inputs: 9 intact, [0-9.]* s' err
rows 'SELECT count(*), min(verdict), max(verdict) FROM object
	WHERE checked LIKE "20%Z"' >got
same 'each object has its verdict and its time' got <<'!'
9|intact|intact
!
exits 0 'a second pass' scrub -v
ok 'reads all of them again' test "$(records intact)" = 9
ok 'and is over' test -z "$(rows "SELECT value FROM meta WHERE key = 'scrub'")"
exits 0 'only what was not read for a day' scrub --older-than 1
ok 'is none' grep -q '^imgverify: 0 inputs' err

# ---- the order -------------------------------------------------------------

# Times of ours, with the sums that belong to them.
for i in 1 2 3 4 5 6 7 8 9; do
	aged $i "2026-01-0$((10 - i))T00:00:00Z"
done
aged 4 '' 8 ''
exits 0 'one thread' scrub -v -j 1
sed 's/.*"SOPInstanceUID":"\([^"]*\)".*/\1/' out | xargs >got
same 'the never read ones first, then the longest unread' got <<!
2.25.4 2.25.8 2.25.9 2.25.7 2.25.6 2.25.5 2.25.3 2.25.2 2.25.1
!
exits 0 'the sums are right' verify --all

aged 3 2026-01-03T00:00:00Z 5 2026-01-01T00:00:00Z
exits 0 'what has gone unread for 30 days' scrub -v -j 1 --older-than 30
sed 's/.*"SOPInstanceUID":"\([^"]*\)".*/\1/' out | xargs >got
same 'is those two' got <<!
2.25.5 2.25.3
!
aged 6 2199-01-01T00:00:00Z
exits 0 'a clock that was wrong' scrub -v --older-than 30
ok 'hides nothing' grep -q '"2.25.6"' out

# ---- rate, time, signals ---------------------------------------------------

size=$(cat in/*.dcm | wc -c)
exits 0 'at a rate' timed time imgverify -C arch --scrub \
	--limit-rate $((size / 2)) -j 2
ok 'that takes two seconds, less the first block' \
	awk '{ exit !($1 > 1.2 && $1 < 8) }' time
exits 0 'all of it is read' scrub --older-than 0 -q

exits 0 'no more than a second' timed time imgverify -C arch --scrub -j 1 \
	--limit-rate $((size / 5)) --max-time 1
ok 'is told' grep -qx 'imgverify: time is over; the next scrub goes on' err
ok 'takes a second' awk '{ exit !($1 < 4) }' time
first=$(sed -n 's/^imgverify: \([0-9]*\) inputs\{0,1\}: .*/\1/p' err)
ok 'some were read, not all' test "$first" -ge 1 -a "$first" -lt 9
ok 'the pass is remembered' test -n "$(rows \
	"SELECT value FROM meta WHERE key = 'scrub'")"
exits 0 'the next one' scrub -v
ok 'goes on with the rest' test "$(records intact)" = $((9 - first))
ok 'and ends the pass' test -z "$(rows \
	"SELECT value FROM meta WHERE key = 'scrub'")"

# A block is waited for, so a signal comes while something is being read.
imgverify -q -v -C arch --scrub -j 1 --limit-rate $((size / 9)) >out 2>err &
pid=$!
sleep 2
kill -TERM $pid
wait $pid
ok 'a signal: 143' test $? = 143
n=$(records intact)
ok 'what was read is told' test "$n" -ge 1 -a "$n" -lt 9
exits 0 'the next one' scrub -v
ok 'reads what was not' test "$(records intact)" = $((9 - n))

# Killed at any moment: six passes, each killed once and then ended.
: >bad
for i in 1 2 3 4 5 6; do
	timeout -s KILL 0.$((i * 14 + 10)) imgverify -q -v -C arch --scrub -j 2 \
		--limit-rate $((size * 3)) >killed 2>err
	{ imgverify -q -v -C arch --scrub >out 2>err &&
		test ! -s err; } || cat err >>bad
	done_=$(cat killed out | sed 's/.*"SOPInstanceUID":"\([^"]*\)".*/\1/' |
		sort -u | wc -l)
	[ "$done_" -ge 9 ] || [ ! -s killed ] || echo "only $done_" >>bad
	[ "$(rows "SELECT count(*) FROM object WHERE checked IS NULL")" = 0 ] ||
		echo 'one was never read' >>bad
	verify --all >verdicts 2>&1 || cat verdicts >>bad
done
ok 'killed six times, nothing is left out' test ! -s bad

# ---- findings --------------------------------------------------------------

object()
{
	rows "SELECT 'arch/objects/' || substr(lower(hex(digest)), 1, 2) ||
		'/' || lower(hex(digest)) FROM object JOIN instance
		ON instance.id = instance WHERE SOPInstanceUID = '2.25.$1'"
}
cp -a arch pristine
# findings: lines of the log that are neither the begin nor the end of a run
findings()
{
	grep -v '"act":"verif' arch/audit.log
}
lines=$(findings | wc -l)
o=$(object 5) && chmod u+w "$o" && echo >>"$o"
rm -f "$(object 7)"
d=$(basename "$o") m=$(basename "$(object 7)")
exits 1 'findings' scrub -q
sed 's/.*"status":"\([a-z]*\)".*"SOPInstanceUID":"\([^"]*\)".*/\1 \2/' out |
	sort >got
same 'only they are told' got <<'!'
damaged 2.25.5
missing 2.25.7
!
findings | tail -n 2 | sed 's/.*"by":"\([a-z]*\)".*"act":"\([a-z]*\)",\(.*\),"prev".*/\1 \2 \3/' |
	sort >got
same 'and are in the audit log' got <<!
imgverify damaged "digest":"$d"
imgverify missing "digest":"$m"
!
exits 0 'which is unbroken' verify --audit
exits 1 'found again' scrub -q
ok 'is no news' test "$(findings | wc -l)" = $((lines + 2))
rows 'SELECT verdict, count(*) FROM object GROUP BY verdict' >got
same 'the catalog has the verdicts' got <<'!'
damaged|1
intact|7
missing|1
!
exits 1 'the catalog made again' verify --rebuild
ok 'does not take a finding for an object' test "$(grep -c "$d" out)" = 2
rm -rf arch && cp -a pristine arch

chmod u+w "$o" && cp "$o" keep && echo >>"$o"
exits 1 'damaged' scrub -q
cp -f keep "$o"
exits 0 'mended' scrub -q
ok 'is in the log, too' grep -q '"by":"imgverify",.*"act":"intact"' arch/audit.log
exits 0 'the log is unbroken' verify --audit

rm -rf arch && cp -a pristine arch
img extra.dcm 77
e=$(b2sum -l 256 extra.dcm | cut -d ' ' -f 1)
mkdir -p "arch/objects/$(printf '%.2s' "$e")"
cp extra.dcm "arch/objects/$(printf '%.2s' "$e")/$e"
exits 1 'at the end of a pass: what is in no row' scrub -q
ok 'is extra' grep -q '^{"status":"extra"' out
rm -rf arch && cp -a pristine arch
bitflip arch/catalog.db $(($(wc -c <arch/catalog.db) - 3)) >/dev/null
exits 1 'at its begin: the pages of the catalog' scrub -q
ok 'one is told' grep -q '"reason":"page [0-9]* is not what was written"' out
rm -rf arch && cp -a pristine arch

if is_root; then
	chmod -R a+rX,a-w arch && chmod 755 "$T" . 2>/dev/null
	exits 3 'without the right to write' nobody "$(command -v imgverify)" \
		-C arch --scrub
	rm -rf arch && cp -a pristine arch
else
	skip 'without the right to write' 'only as root'
fi

# ---- imgquery --------------------------------------------------------------

# query ...: SOPInstanceUID, when, verdict
query()
{
	imgquery -C arch "$@" >out 2>err
	got_=$?
	sed 's/.*"SOPInstanceUID":"\([^"]*\)".*"InstanceNumber":"[0-9]*"\(.*\)}/\1\2/' \
		out >got
	return $got_
}
exits 0 'all of it is read' verify --all
ok 'nothing has gone unread for a day: 1' test "$(imgquery -C arch \
	--unchecked-since 1d; echo $?)" = 1
aged 2 '' 6 2026-01-02T03:04:05Z 9 2026-01-03T00:00:00Z
ok 'three have' query -l image --unchecked-since 1d -s InstanceNumber
same 'and when' got <<'!'
2.25.2
2.25.6,"last_checked":"2026-01-02T03:04:05Z","last_verdict":"intact"
2.25.9,"last_checked":"2026-01-03T00:00:00Z","last_verdict":"intact"
!
ok 'since a day' query -l image --unchecked-since 2026-01-03 -s InstanceNumber
cut -d , -f 1 got | xargs >now
same 'two' now <<!
2.25.2 2.25.6
!
ok 'the count' test "$(imgquery -C arch -l image --count \
	--unchecked-since 20260104)" = 3
ok 'since an hour of it' test "$(imgquery -C arch -l image --count \
	--unchecked-since 2026-01-02T03:04Z)" = 1
ok 'and its second' test "$(imgquery -C arch -l image --count \
	--unchecked-since 2026-01-02T03:04:06Z)" = 2
exits 0 'studies' imgquery -C arch --unchecked-since 30d -s StudyInstanceUID
sed 's/.*"StudyInstanceUID":"\([^"]*\)".*Instances":"[0-9]*"\(.*\)}/\1\2/' \
	out >got
same 'have the time of the longest unread one below' got <<'!'
2.25.100
2.25.101,"last_checked":"2026-01-03T00:00:00Z","last_verdict":"intact"
!
exits 0 'a patient' imgquery -C arch -l patient --unchecked-since 30d \
	PatientID=TEST-0001
ok 'too' grep -q '"last_checked":"2026-01-03T00:00:00Z"' out
exits 0 'a series' imgquery -C arch -l series --unchecked-since 30d \
	SeriesInstanceUID=2.25.200
ok 'of two studies, with other keys' test "$(wc -l <out)" = 2
exits 0 'into imgverify' sh -c 'imgquery -C arch -l image --unchecked-since 1d |
	imgverify -q -C arch'
ok 'three are read' test "$(records intact)" = 3
exits 1 'then none is left' imgquery -C arch --unchecked-since 1d
for v in 20261131 2026-13-01 1y '' d 1.5d -1d 2026 99999999999d 2026-01-01Z; do
	exits 64 "'$v' is no time" imgquery -C arch --unchecked-since "$v"
done

# ---- beside others ----------------------------------------------------------

mkfifo hold
sqlite3 arch/catalog.db <hold >/dev/null 2>&1 &
exec 9>hold
echo 'BEGIN; SELECT count(*) FROM object;' >&9
sleep 0.5
exits 0 'somebody reads' timeout 15 imgverify -q -C arch --scrub
exits 0 'and goes on for a rebuild' timeout 15 imgverify -q -C arch --rebuild
exec 9>&-
wait

# ---- usage -----------------------------------------------------------------

exits 64 '--scrub with --all' verify --scrub --all
exits 64 '--scrub with an operand' verify --scrub 2.25.1
exits 64 '--max-time alone' verify --max-time 1h
exits 64 'no time' verify --scrub --max-time soon
exits 64 '--limit-rate with --audit' verify --audit --limit-rate 1M
exits 3 'no archive' imgverify -C nothing --scrub
ok 'is not made' test ! -e nothing
exits 3 'a full disk' sh -c 'imgverify -v -q -C arch --scrub >/dev/full'
finish
