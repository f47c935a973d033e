# imgexport-dry.t - what a dry run says is what the export does.
. "$(dirname "$0")/lib.sh"
need perl dcmcrle dcmcjpeg

mkdir in
phantom one --uid 2.25.1 --modality CT --rows 33 --cols 17 in/1.dcm
phantom one --uid 2.25.2 --modality CT --frames 3 in/2.dcm
phantom one --uid 2.25.3 --modality CT in/3.dcm
phantom head head && cp head/sr/* in/sr.dcm
echo 'Read me' >in/readme.txt
# Frames that end too early, and loss.
phantom one --uid 2.25.4 --modality CT plain.dcm
dcmcrle plain.dcm rle.dcm
perl -0777 -pe 's/(\xfe\xff\x00\xe0....\x02\0\0\0)/"$1"/se;
	substr($_, -300, 200) = "\x7f" x 200' rle.dcm >in/broken.dcm
dcmcjpeg +ee plain.dcm in/lossy.dcm
head -c 700 in/1.dcm >in/cut.dcm

# both STATUS TEXT OPTION ...: the same records, and nothing there after -n.
both()
{
	status=$1 text=$2
	shift 2
	rm -rf to
	exits "$status" "$text: dry" imgexport -q -n -o to "$@"
	ok "$text: nothing is made" test ! -e to
	ok "$text: and nothing left" test -z "$(find . -name '.to*')"
	sed 's/,"dry_run":true//' out | sort >dry
	exits "$status" "$text: in earnest" imgexport -q -o to "$@"
	sort out >real
	ok "$text: the same records" diff dry real
}
both 2 'a folder' in
both 2 'native' --transfer-syntax explicit in
ok 'broken frames are found' grep -q '"failed","path":"in/broken.dcm"' dry
ok 'so is loss' grep -q '"failed","path":"in/lossy.dcm"' dry
both 2 'JPEG 2000' --transfer-syntax j2k in
both 2 'a tar file' --as tar --transfer-syntax rle in
both 2 'a disc' --as iso --media --volume TEST in
for form in png jpeg npy; do
	both 2 "$form" --as $form in
	ok "$form: a report is no picture" \
		grep -q '"failed","path":"in/sr.dcm"' dry
done
exits 0 'nifti: dry' imgexport -q -n --as nifti -o nii in/1.dcm
ok 'has no name and no digest for what was not made' grep -q \
	'^{"status":"exported","path":"nii",.*"Modality":"CT","dry_run":true}$' out
ok 'nor anything of the object' sh -c '! grep "digest\|bytes\|Transfer" out'

imgimport -q -C arch in/1.dcm in/2.dcm in/3.dcm >/dev/null 2>&1
victim=$(find arch/objects -type f -exec grep -l '2\.25\.2' {} + | head -n 1)
chmod u+w "$victim"
printf X | dd of="$victim" bs=1 seek=1500 conv=notrunc status=none
study=$(imgquery -C arch -l study | sed -n 's/.*"StudyInstanceUID":"\([^"]*\)".*/\1/p' | head -n 1)
both 2 'a damaged object' -C arch "$study"
ok 'is found' grep -q '"failed".*damaged: ' dry
finish
