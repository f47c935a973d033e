# imgsend-orthanc.t - objects to Orthanc: C-STORE, storage commitment on an
# association of its own, STOW-RS.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
. "$TOP/tests/peer.sh"
need Orthanc curl perl

for i in 1 2 3 4 5 6; do
	mkdir -p in && img in/$i.dcm $i
done
head -c 900 in/6.dcm >in/cut.dcm

free_port && http=$port
free_port && back=$port
free_port && dicom=$port
plugin=$(ls /usr/share/orthanc/plugins/libOrthancDicomWeb.so 2>/dev/null)
mkdir db
cat >orthanc.json <<!
{ "StorageDirectory": "$PWD/db", "IndexDirectory": "$PWD/db",
  "HttpPort": $http, "DicomPort": $dicom, "DicomAet": "ORTHANC",
  "AuthenticationEnabled": false, "Plugins": ["${plugin:-/nowhere}"],
  "DicomModalities": { "us": ["IMGSEND", "127.0.0.1", $back] },
  "DicomWeb": { "Enable": true, "Root": "/web/" } }
!
[ -n "$plugin" ] || sed -i 's/"Plugins".*/"Plugins": [],/' orthanc.json
serve Orthanc orthanc.json
i=0
until curl -sf "http://127.0.0.1:$http/system" >/dev/null; do
	i=$((i + 1))
	[ $i -lt 200 ] || break
	sleep 0.1
done
ok 'Orthanc is there' test $i -lt 200

exits 2 'six objects, and one that is cut off' timeout 60 imgsend -q -C none \
	--commit --commit-port "$back" -c "ORTHANC@127.0.0.1:$dicom" in
ok 'six are committed, by an association of its own' \
	test "$(records committed)" = 6
ok 'one is failed' test "$(records failed)" = 1
ok 'so many are there' sh -c "curl -sf http://127.0.0.1:$http/statistics |
	grep -q '\"CountInstances\" : 6'"
if [ -n "$plugin" ]; then
	img new.dcm 7
	exits 0 'by STOW-RS' timeout 60 imgsend -q -C none \
		-c "http://127.0.0.1:$http/web" new.dcm
	ok 'it is there, too' sh -c "curl -sf \
		http://127.0.0.1:$http/statistics |
		grep -q '\"CountInstances\" : 7'"
else
	skip 'STOW-RS' 'orthanc-dicomweb is not here'
fi
finish
