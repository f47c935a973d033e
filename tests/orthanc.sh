# orthanc.sh - Orthanc as a peer of the tests; after lib.sh and peer.sh.
#
#   orthanc_start [MEMBER ...]   with these members of its configuration, too;
#                                its ports are $http and $dicom, its web
#                                service is $url, its title ORTHANC
#   orthanc_new                  what has come since the last time: its IDs
#   orthanc_files FOLDER         the files of the IDs on stdin
#
# shellcheck shell=sh disable=SC2154

# Its own limit of 30 s for a peer that says nothing would only cost time.
orthanc_start()
{
	free_port && http=$port
	free_port && dicom=$port
	url=http://127.0.0.1:$http
	plugin=$(ls /usr/share/orthanc/plugins/libOrthancDicomWeb.so 2>/dev/null)
	mkdir -p db
	{
		echo "{ \"StorageDirectory\": \"$PWD/db\","
		echo "\"IndexDirectory\": \"$PWD/db\", \"HttpPort\": $http,"
		echo "\"DicomPort\": $dicom, \"DicomAet\": \"ORTHANC\","
		echo '"AuthenticationEnabled": false, "OverwriteInstances": true,'
		echo '"UnknownSopClassAccepted": true, "DicomScpTimeout": 2,'
		echo '"DicomWeb": { "Enable": true, "Root": "/web/" },'
		for m_; do
			echo "$m_,"
		done
		echo "\"Plugins\": [ ${plugin:+\"$plugin\"} ] }"
	} >orthanc.json
	serve Orthanc orthanc.json
	# shellcheck disable=SC2034 # for the test
	orthanc=$peer
	for _ in $(seq 200); do
		curl -sf "$url/system" >/dev/null && return 0
		sleep 0.1
	done
	return 1
}

orthanc_new()
{
	[ -e orthanc.seq ] || echo 0 >orthanc.seq
	curl -sf "$url/changes?since=$(cat orthanc.seq)&limit=100000" |
		tr -d ' \n' >orthanc.changes
	sed 's/.*"Last":\([0-9]*\).*/\1/' orthanc.changes >orthanc.seq
	tr '{' '\n' <orthanc.changes |
		sed -n 's/.*"ChangeType":"NewInstance".*"ID":"\([^"]*\)".*/\1/p' |
		sort -u
}

orthanc_files()
{
	mkdir -p "$1"
	while read -r id_; do
		printf 'url = %s/instances/%s/file\noutput = %s/%s\n' \
			"$url" "$id_" "$1" "$id_"
	done | curl -sf -K -
}
