# imganon-dciodvfy.t - files of other projects before and after: dciodvfy finds
# no error in what comes out that it did not find in what went in, dcentvfy no
# entity that differs from itself.
#
# Every twelfth file; IMG_EVERY=1 for all of them (five minutes).
. "$(dirname "$0")/lib.sh"
[ -d "$CORPUS" ] || skip_all 'corpus absent'
need dciodvfy dcentvfy dcmconv dcmodify comm
every=${IMG_EVERY:-12}
imganon --new-key key 2>/dev/null

# What Table E.1-1 removes although PS3.3 wants it there, be it empty:
# requests in reports, and who is responsible for an animal.
cat >listed <<'!'
RequestedProcedureID(0040,1001).* - Missing attribute for Type 2 Required - Module=<SRDocumentGeneral>
ResponsiblePerson(0010,2297)> - Missing attribute for Type 2C Conditional - Module=<Patient>
ResponsibleOrganization(0010,2299)> - Missing attribute for Type 2C Conditional - Module=<Patient>
ResponsiblePersonRole(0010,2298)> - Attribute present when condition unsatisfied .* - Module=<Patient>
!

# errors FILE: without the values, which are others now.
errors()
{
	# It does not inflate.
	dcmconv +te "$1" flat 2>/dev/null || cp "$1" flat
	timeout 20 dciodvfy -new flat 2>&1 | grep -a '^Error' |
		sed 's/ = <[^>]*>/ = <>/g' | LC_ALL=C sort -u
}

# What it gave up on says nothing of what comes behind.
gave_up()
{
	grep -qa 'read failed\|Information Object Not found\|Tags out of order\|Seek failed' "$1"
}

n=0 judged=0 given_up=0
find "$CORPUS" -type f | LC_ALL=C sort | awk "NR % $every == 0" >files
: >new
while read -r f; do
	n=$((n + 1))
	imganon -q --key key --pixels keep -o - "$f" >out.dcm 2>/dev/null
	[ -s out.dcm ] || continue # refused, or a DICOMDIR
	errors "$f" >before
	if gave_up before; then
		given_up=$((given_up + 1))
		continue
	fi
	judged=$((judged + 1))
	errors out.dcm | LC_ALL=C comm -13 before - | grep -v -f listed |
		sed "s|^|${f#"$CORPUS"/}: |" >>new
done <files
echo "# $n files, $judged judged, dciodvfy gives up on $given_up of the inputs"
ok 'dciodvfy: most files can be judged' test $judged -gt $((n / 2))
same 'dciodvfy: no error is new' new </dev/null

# dcentvfy stops at what it cannot read, so a study at a time.
tr '\n' '\0' <files | xargs -0 imganon -q --key key --pixels keep -o all \
	>/dev/null 2>&1
entities()
{
	grep -ah '^Error.* for same ' "$@" |
		sed 's/\( for same [A-Za-z]*\).*/\1/' | LC_ALL=C sort -u
}
tr '\n' '\0' <files | timeout 60 xargs -0 -n 50 dcentvfy >in.entities 2>&1
for s in all/*/; do
	[ "$(find "$s" -type f | wc -l)" -gt 1 ] || continue
	find "$s" -type f -print0 | xargs -0 timeout 20 dcentvfy 2>&1
done >out.entities
entities in.entities >was
entities out.entities | LC_ALL=C comm -13 was - >new
same 'dcentvfy: no entity differs that did not before' new </dev/null

# This test can fail.
phantom one --modality CT a.dcm
errors a.dcm >before
cp a.dcm broken.dcm && dcmodify -nb -e '0008,0060' broken.dcm
errors broken.dcm | LC_ALL=C comm -13 before - >new
ok 'a Modality that is gone is found' grep -q 'Modality(0008,0060)' new
finish
