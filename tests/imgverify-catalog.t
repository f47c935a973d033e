# imgverify-catalog.t - bits flipped in the catalog's pages are found.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"

# Values that stand nowhere else in the file.
mkdir in
for i in 1 2 3; do
	img in/$i.dcm $i --id "PATID-$i" --name "Qvist$i^Synthetic" \
		--birth "1931010$i" --study "2.25.7700$i" \
		--study-desc "Descr$i of study" --accession "ACCNO-$i" \
		--series "2.25.8800$i" --series-desc "Descr$i of series" \
		--set "0008,1010=SH:STATION$i" --set "0008,0008=CS:ZTYPE$i"
done
img in/conflict.dcm 2 --id PATID-2 --study 2.25.77002 --series 2.25.88002 \
	--pixel 4
echo text >in/remembered.txt
mkdir place && img place/inplace.dcm 4 --series 2.25.88004
import in >/dev/null
import --in-place place >/dev/null
cp -a arch pristine
digest=$(b2sum -l 256 in/3.dcm | cut -c 1-64)

again()
{
	cp pristine/catalog.db arch/catalog.db
	rm -f arch/catalog.db-shm arch/catalog.db-wal
}

# flip TEXT WHERE ...: bitflip's options; what is said must be damage, and
# never that all is well
flip()
{
	text_=$1
	shift
	n_=0
	while again && bitflip "$@" -n $((n_ += 1)) arch/catalog.db \
		>flipped 2>/dev/null; do
		timeout 60 imgverify -q -C arch --all >out 2>err
		got_=$?
		if [ $got_ = 1 ] && grep -q '^{"status":"damaged"' out; then
			pass_ "$text_, place $n_"
		else
			{ echo "status $got_" && cat flipped err out; } >why
			fail_ "$text_, place $n_" why
		fi
	done
	ok "$text_: is there" test $n_ -gt 1
	again
}

exits 0 'as it was made' verify --all
ok 'five objects' test "$(records intact)" = 5

flip 'a PatientName' -s 'Qvist2^Synthetic'
flip 'a PatientID' -s PATID-1
flip 'a PatientBirthDate' -s 19310103
flip 'a StudyInstanceUID' -s 2.25.77001
flip 'a StudyDescription' -s 'Descr2 of study'
flip 'an AccessionNumber' -s ACCNO-3
flip 'a SeriesInstanceUID' -s 2.25.88002
flip 'a SeriesDescription' -s 'Descr1 of series'
flip 'a StationName' -s STATION3
flip 'an ImageType' -s ZTYPE2
flip 'a digest' -x "$digest"
flip 'a place' -s place/inplace.dcm
flip 'a container' -s "$PWD/place"
flip 'an input' -s remembered.txt

# A row that was changed says whose object it is.
again
bitflip -s 'Descr2 of study' arch/catalog.db >/dev/null
exits 1 'a study that was changed' verify --all
sed 's/.*"SOPInstanceUID":"\([^"]*\)".*,"reason":/\1 /' out |
	grep -v intact | sed 's/page [0-9]*/page N/' | sort >got
same 'is told with its objects, and alone' got <<!
2.25.2 "its row in the catalog was changed"}
2.25.2 "its row in the catalog was changed"}
{"status":"damaged","path":"catalog.db","reason":"page N is not what was written"}
{"status":"damaged","path":"catalog.db","reason":"study row 2 has another sum"}
!
exits 1 'by UID' verify 2.25.2
ok 'both objects are damaged' test "$(records damaged)" = 2
exits 0 'other images are not' verify 2.25.1 2.25.3
ok 'what was changed is evidence and stays' test "$(rows \
	"SELECT count(*) FROM study WHERE StudyDescription = 'Descr2 of study'")" = 0

# Numbers, through sqlite, so that its own structure stays whole.
sql()
{
	again
	sqlite3 arch/catalog.db "PRAGMA ignore_check_constraints = 1; $2"
	exits 1 "$1" timeout 60 imgverify -q -C arch --all
	ok "$1: damaged" grep -q '^{"status":"damaged"' out
}
sql 'bytes of an object' 'UPDATE object SET bytes = bytes + 1 WHERE instance = 1'
sql 'the number of an object' 'UPDATE object SET n = 7 WHERE instance = 3'
sql 'the current one of a conflict' 'UPDATE instance SET current = 1 WHERE id = 2'
sql 'current that is none' 'UPDATE instance SET current = 5 WHERE id = 1'
sql 'the time of entry' "UPDATE object SET added = '2001-01-01T00:00:00Z'"
sql 'the series of an image' 'UPDATE instance SET series = 1 WHERE id = 3'
sql 'a series that is not there' 'UPDATE instance SET series = 99 WHERE id = 3'
sql 'an object of no image' 'UPDATE object SET instance = 99 WHERE instance = 3'
sql 'a row taken away' 'DELETE FROM instance WHERE id = 1'
sql 'a study taken away' 'DELETE FROM study WHERE id = 1'
sql 'a sum' 'UPDATE patient SET sum = sum + 1 WHERE id = 1'
sql 'the size of an input' 'UPDATE input SET size = size + 1'
sql 'a status' "UPDATE input SET status = 'ignored'"
sql 'a row added' "INSERT INTO patient (id, lone, PatientID, IssuerOfPatientID,
	sum) VALUES (99, '', 'X', '', 0)"
again
sqlite3 arch/catalog.db 'DELETE FROM object WHERE instance = 3'
exits 1 'an object taken out of the catalog' verify --all
ok 'is extra' grep -q "^{\"status\":\"extra\",.*$digest" out
again

# Any bit: 300 of them, all over the file, unused bytes too.
perl - 300 <<'!' >offsets
open F, '<', 'pristine/catalog.db' or die;
binmode F;
local $/;
my $db = <F>;
srand 20240102;
my @at = 0 .. length($db) - 1;
print $at[rand @at], ' ', int rand 8, "\n" for 1 .. $ARGV[0];
!
: >missed
: >odd
while read -r at bit; do
	again
	bitflip arch/catalog.db "$at" "$bit" >/dev/null
	timeout 60 imgverify -q -C arch --all >out 2>err
	case $? in
	1 | 3) ;;
	0) echo "$at $bit" >>missed ;;
	*) echo "status $?: $at $bit: $(cat err)" >>odd ;;
	esac
done <offsets
ok 'of 300 bits flipped anywhere none ends in disorder' test ! -s odd
ok 'and none is missed' test ! -s missed
again
ok 'the schema is checked, too' sh -c \
	'bitflip -s "StudyDescription TEXT" arch/catalog.db >/dev/null
	imgverify -q -C arch --all >out 2>&1; test $? = 1 -o $? = 3'

# Another sum would mean that all catalogs made before are refused.
sqlite3 pristine/catalog.db 'SELECT sql FROM sqlite_schema ORDER BY name' |
	cksum >got
same 'each catalog has the same tables' got <<'!'
2222085988 3321
!

# A catalog of version 1 becomes one of version 4, whose pages have sums.
rm -rf arch && mkdir arch
{
	cat "$TOP/common/catalog/schema.sql"
	echo 'PRAGMA application_id = 0x696D6763; PRAGMA user_version = 1;'
	echo 'PRAGMA journal_mode = WAL;'
} | sqlite3 arch/catalog.db >/dev/null
exits 0 'an old catalog is upgraded' import in/1.dcm
rows 'PRAGMA user_version' >got
same 'to version 4' got <<'!'
4
!
exits 0 'and is intact' verify --all
bitflip arch/catalog.db $(($(wc -c <arch/catalog.db) - 3)) >/dev/null
exits 1 'a bit of a sum' verify --all
rm -rf arch && cp -a pristine arch

# One of version 3, which had no index by the time of the check.
again
sqlite3 arch/catalog.db 'DROP INDEX object_checked; PRAGMA user_version = 3;'
ok 'a catalog of version 3 is read as it is' test "$(imgquery -C arch --count \
	-l image --unchecked-since 1d)" = 4
exits 0 'and upgraded by who writes' verify 2.25.1
rows "PRAGMA user_version; SELECT name FROM sqlite_schema
	WHERE name = 'object_checked'" >got
same 'with its index' got <<'!'
4
object_checked
!
ok 'which knows all of it' test "$(rows 'SELECT count(*) FROM object
	INDEXED BY object_checked WHERE checked IS NULL')" = 4
rm -rf arch && cp -a pristine arch

again
truncate -s 8192 arch/catalog.db
exits 3 'a catalog cut off' verify --all
again
truncate -s -4096 arch/catalog.db
exits 3 'a catalog without its last page' verify --all
ok 'is told' grep -q 'catalog.db: open: database disk image is malformed' err
again
: >arch/catalog.db
exits 3 'an empty catalog' verify --all
rm -f arch/catalog.db
exits 3 'no catalog' verify --all
ok 'is not made' test ! -e arch/catalog.db
finish
