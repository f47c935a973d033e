# imgsend-orthanc.t - objects to Orthanc: C-STORE, storage commitment on an
# association of its own, STOW-RS.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
. "$TOP/tests/peer.sh"
. "$TOP/tests/orthanc.sh"
need Orthanc curl perl

for i in 1 2 3 4 5 6; do
	mkdir -p in && img in/$i.dcm $i
done
head -c 900 in/6.dcm >in/cut.dcm

free_port && back=$port
ok 'Orthanc is there' orthanc_start \
	"\"DicomModalities\": { \"us\": [ \"IMGSEND\", \"127.0.0.1\", $back ] }"

exits 2 'six objects, and one that is cut off' timeout 60 imgsend -q -C none \
	--commit --commit-port "$back" -c "ORTHANC@127.0.0.1:$dicom" in
ok 'six are committed, by an association of its own' \
	test "$(records committed)" = 6
ok 'one is failed' test "$(records failed)" = 1
ok 'so many are there' sh -c "curl -sf $url/statistics |
	grep -q '\"CountInstances\" : 6'"
if [ -n "${plugin:-}" ]; then
	img new.dcm 7
	exits 0 'by STOW-RS' timeout 60 imgsend -q -C none \
		-c "$url/web" new.dcm
	ok 'it is there, too' sh -c "curl -sf \
		$url/statistics |
		grep -q '\"CountInstances\" : 7'"
else
	skip 'STOW-RS' 'orthanc-dicomweb is not here'
fi
finish
