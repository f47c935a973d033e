# imgimport-places.t - objects in place whose files move, go, or are copied.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"

# where: each object's UID and where it lies, "store" for the archive itself.
where()
{
	rows 'SELECT SOPInstanceUID, coalesce(place, "store") FROM object
		JOIN instance ON instance.id = instance
		ORDER BY 1' | sed "s|$PWD/||" >got
}

# acts: of the audit log, behind the last call.
acts_=0
acts()
{
	tail -n "+$((acts_ + 1))" arch/audit.log |
		sed -n 's/.*"act":"\([a-z]*\)".*/\1/p' >got
	acts_=$(wc -l <arch/audit.log)
}

mkdir old && img old/x.dcm 1 && img old/y.dcm 2
img long.dcm 3 --rows 1200 --cols 1200 && mv long.dcm old/
import --in-place old >/dev/null && acts

# ---- a tree that was moved ------------------------------------------------

mv old new
exits 0 'a dry run of what was moved' import -n --in-place new
ok 'says what would be' test "$(records stored)" = 3
where
same 'and changes nothing' got <<!
2.25.1|old/x.dcm
2.25.2|old/y.dcm
2.25.3|old/long.dcm
!
exits 0 'in place, where it lies now' import --in-place new
ok 'all are there again' test "$(records stored)" = 3
where
same 'in the catalog, too' got <<!
2.25.1|new/x.dcm
2.25.2|new/y.dcm
2.25.3|new/long.dcm
!
acts
same 'the log has it' got <<!
catalogued
catalogued
catalogued
!
exits 0 'all is intact' verify --all
exits 0 'once more' import --in-place new
ok 'nothing is new' test "$(records duplicate)" = 3

# ---- two places ------------------------------------------------------------

cp -r new twin
exits 0 'the same files at a second place' import --in-place twin
ok 'are duplicates' test "$(records duplicate)" = 3
where
ok 'the first place stays' grep -q '|new/x.dcm$' got
rm new/x.dcm && bitflip new/y.dcm 600 >/dev/null
touch -r twin/y.dcm new/y.dcm
exits 0 'the first is lost, the second known' import --in-place twin
ok 'and stands in' test "$(records stored)$(records duplicate)" = 12
exits 0 'damage that the size does not show' import --rehash --in-place twin
ok 'is seen with --rehash' test "$(records stored)$(records duplicate)" = 12
where
same 'each lies where it is whole' got <<!
2.25.1|twin/x.dcm
2.25.2|twin/y.dcm
2.25.3|new/long.dcm
!
exits 0 'all is intact' verify --all
ok 'and three' test "$(records intact)" = 3

# ---- a copy ----------------------------------------------------------------

acts
zip -qj both.zip twin/y.dcm
exits 0 'a dry run without --in-place' import -n twin both.zip
ok 'would store' test "$(records stored)" = 4
exits 0 'a copy of what lies in place' import both.zip twin/x.dcm
ok 'is stored' test "$(records stored)$(objects)" = 22
where
same 'and is what counts' got <<!
2.25.1|store
2.25.2|store
2.25.3|new/long.dcm
!
acts
same 'the log has it' got <<!
stored
stored
!
rm new/y.dcm
exits 0 'the rest, by its own name' import new
ok 'is copied, too' grep -q '^{"status":"stored","path":"new/long.dcm"' out
rm -r new twin
exits 0 'all is intact without the files' verify --all
ok 'all three' test "$(records intact)" = 3
exits 0 'a rebuild' verify --rebuild
ok 'sees no difference' test ! -s out

# ---- the archive's own object is lost ----------------------------------------

img w.dcm 4 && import w.dcm >/dev/null
find arch/objects -type f -name "$(b2sum -l 256 w.dcm | cut -c 1-64)" -delete
exits 0 'in place' import --in-place w.dcm
ok 'it is there again' test "$(records stored)" = 1
exits 0 'all is intact' verify --all
exits 0 'known' import --in-place w.dcm
ok 'from then on' test "$(records duplicate)" = 1

finish
