# imgverify-truth.t - what could not be told is not claimed, and costs itself.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"

for i in 1 2 3 4 5 6; do
	mkdir -p in && img in/$i.dcm $i
done
for p in 1 2; do img in/p$p.dcm 6 --pixel $p; done
import -j 1 in >/dev/null
cp -a arch pristine

# again: the archive as it was
again()
{
	chmod -R u+rwX arch 2>/dev/null
	rm -rf arch && cp -a pristine arch
}

# object N: the file of the first object of 2.25.N
object()
{
	rows "SELECT 'arch/objects/' || substr(lower(hex(digest)), 1, 2) ||
		'/' || lower(hex(digest)) FROM object JOIN instance
		ON instance.id = instance WHERE SOPInstanceUID = '2.25.$1' LIMIT 1"
}

# ---- conflicts -------------------------------------------------------------

ok 'objects of one UID' test "$(rows "SELECT count(*) FROM object")" = 8
exits 0 'in a pipe' sh -c 'imgquery -C arch --conflicts | imgverify -q -C arch -'
ok 'are read once each' test "$(records intact)" = 3
ok 'and each is told' test "$(sed 's/.*"digest":"\([^"]*\)".*/\1/' out |
	sort -u | wc -l)" = 3
exits 0 'the UID' verify 2.25.6
ok 'is all of them' test "$(records intact)" = 3
exits 0 'a record without a digest, too' sh -c \
	'echo "{\"SOPInstanceUID\":\"2.25.6\"}" | imgverify -q -C arch'
ok 'is all of them' test "$(records intact)" = 3

# ---- a folder that cannot be read ------------------------------------------

if is_root; then
	chmod 755 "$T" . && chmod -R a+rX arch && rm -f arch/catalog.db-wal \
		arch/catalog.db-shm
	o=$(object 2)
	chmod 700 "$(dirname "$o")"
	n=$(find "$(dirname "$o")" -type f | wc -l)
	exits 2 'a folder of objects that cannot be read' nobody \
		"$(command -v imgverify)" -q -C arch --all
	ok 'costs its own objects' test "$(records intact)" = $((8 - n))
	ok 'each has its record' test "$(grep -c \
		'^{"status":"failed","StudyInstanceUID".*"code":"denied"' \
		out)" = "$n"
	ok 'and so has the folder' test "$(grep -c \
		'^{"status":"failed","path":"objects","error":{"code":"denied"' \
		out)" = 1
	again
else
	skip 'a folder of objects that cannot be read' 'only as root'
fi

# ---- --rebuild -------------------------------------------------------------

img bad.dcm 77
head -c 200 bad.dcm >cut.dcm
d=$(b2sum -l 256 cut.dcm | cut -c 1-64)
mkdir -p "arch/objects/$(printf '%.2s' "$d")"
cp cut.dcm "arch/objects/$(printf '%.2s' "$d")/$d"
exits 2 'the catalog made again, one object cannot be read' verify --rebuild
ok 'it is told' test "$(records failed)" = 1
ok 'the others are in' test "$(rows 'SELECT count(*) FROM object')" = 8
again

# ---- frames over a limit ---------------------------------------------------

mkpixels rows=64 columns=64 allocated=8 >small.dcm
perl -e 'local $/; open my $f, "<", $ARGV[0] or die; my $h = <$f>;
	$h = substr $h, 0, index($h, "\xe0\x7f\x10\x00OW");
	for my $t ("\x10", "\x11") {
		$h =~ s/(\x28\x00\Q$t\E\x00US\x02\x00)\x40\x00/$1\x20\x4e/s or die;
	}
	print $h, "\xe0\x7f\x10\x00OW\0\0", pack "V", 400000000' small.dcm >big.dcm
truncate -s +400000000 big.dcm
exits 3 'a frame of 400 MB' imgverify -q --deep big.dcm
ok 'could not be looked at' grep -q \
	'^{"status":"failed","path":"big.dcm",.*"error":{"code":"limit"' out
exits 2 'beside others' imgverify -q --deep big.dcm in/1.dcm
ok 'these are' test "$(records intact)" = 1
finish
