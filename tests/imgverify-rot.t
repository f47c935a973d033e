# imgverify-rot.t - single bits flipped, and files cut off, anywhere in objects,
# the catalog, the audit log and a disc's manifest: each is found.  IMG_FLIPS=1000000 for all.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
need rot

mkdir in
for i in 1 2 3 4 5 6; do
	img in/$i.dcm $i --study "2.25.7$((i % 2))" --series "2.25.8$i" \
		--modality CT
done
import in >/dev/null
imgexport -q -o disc --media in/1.dcm in/2.dcm >/dev/null
chmod -R u+w disc
exits 0 'every bit that flips is found' rot "${IMG_FLIPS:-20000}" 1 arch disc
ok 'none was not' grep -qx 'not found 0' out
exits 0 'the archive is as it was' verify --all
exits 0 'and the log' verify --audit
exits 0 'and the disc' imgverify -q --media disc
cp disc/MANIFEST.TXT whole
for cut in '-n -1' '-c -1'; do
	# shellcheck disable=SC2086 # words
	head $cut whole >disc/MANIFEST.TXT
	exits 1 "its manifest without its end: $cut" imgverify -q --media disc
done
finish
