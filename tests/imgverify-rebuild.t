# imgverify-rebuild.t - the catalog made again from the objects alone.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"

mkdir in
for i in 1 2 3 4 5; do
	img in/$i.dcm $i --id "TEST-000$((i % 2))" \
		--study "2.25.10$((i % 2))" --series "2.25.20$i"
done
for p in 11 12 13; do img in/k$p.dcm 6 --pixel $p; done
for p in 21 22; do img in/r$p.dcm 7 --pixel $p; done
mkdir place && img place/x.dcm 8 && img place/y.dcm 9 && img place/z.dcm 6 \
	--pixel 30
import -j 1 in/?.dcm in/k*.dcm >/dev/null
import -j 1 --on-conflict replace in/r21.dcm in/r22.dcm >/dev/null
import --in-place place >/dev/null
cp -a arch pristine

again()
{
	chmod -R u+w arch 2>/dev/null
	rm -rf arch && cp -a pristine arch
}

# state: all that the catalog says, without our own numbers and times
state()
{
	rows 'SELECT PatientID, PatientName, StudyInstanceUID, StudyDate,
		SeriesInstanceUID, Modality, SOPInstanceUID, "Rows", bytes,
		hex(digest), place, n = current
		FROM object JOIN instance ON instance.id = instance
		JOIN series ON series.id = series JOIN study ON study.id = study
		JOIN patient ON patient.id = patient
		ORDER BY SOPInstanceUID, hex(digest)'
}

# order: the store's conflicts in their order
order()
{
	rows 'SELECT SOPInstanceUID, hex(digest) FROM object
		JOIN instance ON instance.id = instance
		WHERE place IS NULL ORDER BY SOPInstanceUID, n'
}
state >was
order >order.was

olds()
{
	find arch -maxdepth 1 -name 'catalog.db.before-*' ! -name '*-wal' \
		! -name '*-shm' | wc -l
}

exits 0 'an archive as it was made' imgverify -C arch --rebuild
ok 'differs in nothing' test ! -s out
state >now
same 'the new catalog says the same' now <was
order >now
same 'conflicts have their order' now <order.was
ok 'the old one is kept' test "$(olds)" = 1
# shellcheck disable=SC2010 # names of ours
ok 'nothing else is left' test -z "$(ls arch | grep -v \
	'^\(audit.log\|catalog.db\|catalog.db-shm\|catalog.db-wal\|lock\|objects\|quarantine\|tmp\|catalog.db.before-.*\)$')"
ok 'tmp is empty' test -z "$(ls arch/tmp)"
exits 0 'all is intact' verify --all
ok 'all of it' test "$(records intact)" = 13
exits 0 'the audit log is whole' verify --audit
exits 0 'the same files are known' import in
ok 'by their bytes' test "$(records duplicate)" = 10
exits 0 'and again, by memory' import in
sleep 1
exits 0 'a second time' verify --rebuild
ok 'two are kept' test "$(olds)" = 2
again

# ---- dry run -------------------------------------------------------------

find arch -type f -size +0 ! -name '*-shm' -exec b2sum {} + | sort >before
exits 0 '-n' verify --rebuild -n
find arch -type f -size +0 ! -name '*-shm' -exec b2sum {} + | sort >after
ok '-n changes nothing' cmp before after
sqlite3 arch/catalog.db "DELETE FROM object WHERE instance = 1"
exits 1 '-n of one that differs' verify --rebuild -n
ok 'says so' test "$(records extra)" = 1
ok 'and leaves it' test "$(rows \
	'SELECT count(*) FROM object WHERE instance = 1')" = 0
ok 'none is kept' test "$(olds)" = 0
again

# ---- lost and damaged catalogs -------------------------------------------

cp arch/audit.log log
for kind in gone empty 'gone, with its log' 'empty, with its log'; do
	rm -f arch/catalog.db* arch/audit.log
	case $kind in empty*) : >arch/catalog.db ;; esac
	case $kind in
	*log) [ ! -e arch/catalog.db ] || : >arch/audit.log ;;
	*) cp log arch/audit.log ;;
	esac
	find arch -not -path 'arch/tmp*' | sort >before
	exits 3 "a catalog that is $kind: no import makes one" import in/1.dcm
	same 'and it is said what does' err <<'!'
imgimport: arch/catalog.db: is gone, and the archive is not new; imgverify --rebuild makes it again
!
	exits 3 'nor does a dry run say that it would' import -n in/1.dcm
	exits 3 'nor a listener' timeout 20 imgrecv -q -C arch -p 0
	exits 3 'nothing is sent without a ledger' timeout 20 imgsend -q \
		-C arch -c X@127.0.0.1:9 --retries 0 in/1.dcm
	exits 3 'a query says so, too' imgquery -C arch
	ok 'in these words' grep -qx 'imgquery: arch/catalog.db: is gone, .*' err
	find arch -not -path 'arch/tmp*' | sort >after
	ok 'nothing was made' cmp before after
done
rm -f arch/catalog.db*
cp log arch/audit.log
exits 1 'no catalog' verify --rebuild
same 'is told' out <<!
{"status":"missing","path":"catalog.db","reason":"there was no catalog"}
!
state >now
grep -v "$PWD/place" was | sed 's/|0$/|x/; s/|1$/|x/' >want
sed 's/|0$/|x/; s/|1$/|x/' now >got
same 'all but what was in place is there again' got <want
order >now
same 'with its conflicts in their order' now <order.was
exits 0 'what was in place is imported again' import --in-place place
exits 0 'all is intact' verify --all
again

for kind in gone empty; do
	rm -f arch/catalog.db* arch/audit.log
	[ $kind = gone ] || : >arch/catalog.db
	exits 1 "a catalog that is $kind, and no log" verify --rebuild
	grep 'audit.log' out >got
	same 'is told' got <<-!
	{"status":"missing","path":"audit.log","reason":"there was no log; of conflicts, which came first is not known"}
	!
	order | sort >got
	sort order.was >want
	same 'all that was in the store is there again' got <want
	ok 'the new log says so' grep -q "^{\"n\":1,.*\"act\":\"rebuilt\",\"count\":$(
		find arch/objects -type f | wc -l),\"prev\":\"0*\"}$" arch/audit.log
	exits 0 'which is whole' verify --audit
	exits 0 'and so is all' verify --all
	exits 0 'objects are known' import in/1.dcm
	ok 'as they were' test "$(records duplicate)" = 1
	again
done

# Killed before its first commit, an import leaves a catalog with its objects.
mkdir -p new/objects/00 new/objects/ff new/tmp new/quarantine
: >new/audit.log
exits 0 'folders without objects are a new archive' \
	imgimport -q -C new in/1.dcm
rm -f new/catalog.db* new/audit.log
o=$(find new/objects -type f)
mv "$o" "${o%?}"
exits 0 'what is no object is none of theirs' imgimport -q -C new in/1.dcm
ok 'and is stored' test "$(records stored)" = 1

img in/late.dcm 77
cp -a arch/catalog.db* . && import in/late.dcm >/dev/null
rm -f arch/catalog.db* && mv catalog.db* arch/
exits 0 'of an older catalog an import adds to the log' import in/late.dcm
d=$(b2sum -l 256 in/late.dcm | cut -d ' ' -f 1)
ok 'a second line' test "$(grep -c "\"stored\".*$d" arch/audit.log)" = 2
exits 0 'for the same object' imgverify -C arch --rebuild
want=$(find arch/objects -type f | wc -l)
want=$((want + $(find place -type f | wc -l)))
ok 'which counts once' grep -qx \
	"imgverify: $want objects read, differences: 0; .*" err
again

head -c 20000 /dev/urandom >arch/catalog.db
rm -f arch/catalog.db-wal arch/catalog.db-shm
exits 1 'a catalog that is none' verify --rebuild
ok 'is told' grep -q '^{"status":"damaged","path":"catalog.db"' out
order >now
same 'all in the store is there again' now <order.was
ok 'the old one is kept' test "$(olds)" = 1
again
truncate -s 30000 arch/catalog.db
exits 1 'a catalog that was cut' verify --rebuild
order >now
same 'all in the store is there again' now <order.was
exits 0 'and the next rebuild is content' verify --rebuild
again
for text in Test^Synthetic 2.25.101 TEST-0001; do
	bitflip -s "$text" arch/catalog.db >/dev/null
	exits 1 "a bit flipped in $text" verify --rebuild
	ok 'is told' grep -q '^{"status":"\(damaged\|extra\|missing\)"' out
	state >now
	same 'and the new catalog is right' now <was
	exits 0 'all is intact' verify --all
	again
done

sqlite3 arch/catalog.db "UPDATE study SET StudyDate = '19990101'
	WHERE StudyInstanceUID = '2.25.100'"
exits 1 'a study that was changed' verify --rebuild
sed 's/"digest":"[0-9a-f]*"/-/' out >got
same 'is told, object by object' got <<!
{"status":"damaged","SOPInstanceUID":"2.25.2",-,"reason":"the old catalog gave it other attributes"}
{"status":"damaged","SOPInstanceUID":"2.25.4",-,"reason":"the old catalog gave it other attributes"}
!
again

sqlite3 arch/catalog.db "UPDATE object SET digest = x'abcd' WHERE instance =
	(SELECT id FROM instance WHERE SOPInstanceUID = '2.25.1')"
exits 1 'a digest that is none' verify --rebuild
ok 'is not told' grep -qx \
	'{"status":"missing","SOPInstanceUID":"2.25.1","reason":"only the old catalog listed it"}' \
	out
again

# ---- objects and catalog apart -------------------------------------------

o=$(rows "SELECT 'arch/objects/' || substr(lower(hex(digest)), 1, 2) || '/' ||
	lower(hex(digest)) FROM object JOIN instance ON instance.id = instance
	WHERE SOPInstanceUID = '2.25.3'")
rm -f "$o"
exits 1 'an object that is gone' verify --rebuild
ok 'is told' grep -q \
	'^{"status":"missing","SOPInstanceUID":"2.25.3",.*"only the old catalog listed it"}$' out
ok 'and is in the new catalog no more' test "$(rows \
	"SELECT count(*) FROM instance WHERE SOPInstanceUID = '2.25.3'")" = 0
again
chmod u+w "$o" && bitflip "$o" 600 >/dev/null
exits 1 'an object that is damaged' verify --rebuild
ok 'is told' grep -q \
	"^{\"status\":\"damaged\",\"path\":\"${o#arch/}\"" out
exits 1 'and is extra from then on' verify --all
ok 'one' test "$(records extra)" = 1
again
img extra.dcm 77
d=$(b2sum -l 256 extra.dcm | cut -d ' ' -f 1)
cp extra.dcm "arch/objects/$(printf '%.2s' "$d")/$d"
exits 1 'an object that is in no row' verify --rebuild
ok 'is told' grep -q "^{\"status\":\"extra\",\"SOPInstanceUID\":\"2.25.77\"" out
ok 'and is in a row now' test "$(rows \
	"SELECT count(*) FROM instance WHERE SOPInstanceUID = '2.25.77'")" = 1
exits 0 'all is intact' verify --all
again
echo 'no image' >noimage
d=$(b2sum -l 256 noimage | cut -d ' ' -f 1)
cp noimage "arch/objects/$(printf '%.2s' "$d")/$d"
verify --rebuild >out 2>err
ok 'bytes in the store that are no image: status 2 or 3' \
	test $? = 2 -o $? = 3
ok 'are told' grep -q '^{"status":"failed",.*"code":"not-dicom"' out
again
rm place/y.dcm
bitflip place/x.dcm 600 >/dev/null
exits 1 'files in place that are gone and damaged' verify --rebuild
ok 'are missing' test "$(records missing)" = 2
again

rm arch/audit.log
exits 1 'no audit log' verify --rebuild
state | grep -v "$PWD/place" | sed 's/|[01]$//' >got
grep -v "$PWD/place" was | sed 's/|[01]$//' >want
same 'all objects are there all the same' got <want
again

# ---- others at work ------------------------------------------------------

holdlock arch/lock 2 >held &
while [ ! -s held ]; do sleep 0.1; done
img late.dcm 88
mkdir many && phantom small many 200
exits 1 'a rebuild waits its turn' verify --rebuild
wait
again
import -q many >o1 2>e1 &
a=$!
imgverify -q -C arch --rebuild >o2 2>e2
wait $a
status=$?
ok 'an import beside a rebuild: status 0, or 75 to try again' \
	test $status = 0 -o $status = 75
exits 0 'the import again' import many
exits 0 'nothing is lost' verify --all
ok 'all of it' test "$(records intact)" = 211
again
if is_root; then
	chmod 711 . "$T"
	exits 3 'an archive of somebody else' \
		nobody imgverify -q -C arch --rebuild
else
	skip 'an archive of somebody else' 'not root'
fi
exits 3 'no archive' imgverify -C none --rebuild
ok 'is not made' test ! -e none

# ---- of an older version -------------------------------------------------

mkdir two && img two/1.dcm 1 && img two/2.dcm 2
imgimport -q -C older two >/dev/null
imgverify -q -C older --scrub >/dev/null
sqlite3 older/catalog.db "DROP INDEX object_checked; DROP TABLE identity;
	INSERT INTO peer VALUES (1, 'X', 0);
	INSERT INTO sent SELECT 1, SOPInstanceUID, zeroblob(32), 'sent', 0,
		'response', '2026-01-01T00:00:00Z', 0 FROM instance;
	PRAGMA user_version = 2"
cp -a older oldest
sqlite3 oldest/catalog.db 'DROP TABLE sent; DROP TABLE peer;
	PRAGMA user_version = 1'
# knows ARCHIVE: how many were sent and read, and the version
knows()
{
	sqlite3 "$1/catalog.db" "SELECT count(*) FROM sent;
		SELECT count(*) FROM object WHERE checked NOT NULL;
		PRAGMA user_version" | tr '\n' ' '
}
cp -a older lacking
sqlite3 lacking/catalog.db 'DROP TABLE sent'
for c in 'imgquery -l study' 'imgverify --all' 'imgimport two'; do
	# shellcheck disable=SC2086 # words
	exits 3 "a table is gone: $c" $c -q -C lacking
	ok 'why' test "$(cat err)" = "${c%% *}: lacking/catalog.db: its tables \
are not those it had; imgverify --rebuild makes the catalog again"
done
exits 0 'from a catalog of version 2' imgverify -q -C older --rebuild
ok 'all that it knew is taken over' test "$(knows older)" = '2 2 4 '
exits 0 'one of version 1 had no ledger, which is none lost' \
	imgverify -q -C oldest --rebuild
ok 'and when objects were read is known' test "$(knows oldest)" = '0 2 4 '
exits 1 'one of version 2 without one has lost it' \
	imgverify -q -C lacking --rebuild
same 'and that is told' out <<'!'
{"status":"damaged","path":"catalog.db","reason":"what it knew beyond the objects cannot all be read"}
{"status":"damaged","path":"catalog.db","reason":"what it knew of the audit log cannot be read"}
!
exits 0 'it has them again' imgquery -q -C lacking -l study

# ---- what it knew of the log ----------------------------------------------

imgimport -q -C headless two >/dev/null
sqlite3 headless/catalog.db "UPDATE meta SET value = 'x' WHERE key = 'audit'"
exits 3 'nobody says that the log is whole' imgverify -q -C headless --audit
ok 'why' grep -q 'catalog.db: what it knew of the audit log is damaged' err
exits 1 'a rebuild begins anew with it' imgverify -q -C headless --rebuild
same 'and tells' out <<'!'
{"status":"damaged","path":"catalog.db","reason":"what it knew of the audit log cannot be read"}
!
exits 0 'from then on it is known again' imgverify -q -C headless --audit

# ---- one after the other --------------------------------------------------

mkdir three && img three/1.dcm 1
imgimport -q -C thrice three >/dev/null
for _ in 1 2 3; do
	imgverify -q -C thrice --rebuild
done
ok 'three in a second keep three' test \
	"$(find thrice -name 'catalog.db.before-*Z' | wc -l)" = 3
finish
