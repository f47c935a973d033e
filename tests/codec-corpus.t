# codec-corpus.t - frames of the corpus: decoded, encoded and decoded again, and
# compared with what the peers decode; each difference has its reason here.
. "$(dirname "$0")/lib.sh"
need frames dcmdjpeg dcmdjpls dcmdrle dcmconv
[ -d "$CORPUS" ] || skip_all 'corpus absent'
here=$PWD
plain=yes
grep -q __asan_init "$O/tools/frames" && plain=

# ---- everything, natively --------------------------------------------------

(cd "$CORPUS" && find . -type f | LC_ALL=C sort | sed 's|^\./||') >files
(cd "$CORPUS" && tr '\n' '\0' <"$here/files" |
	xargs -0 frames -s) >ours 2>peak
[ -z "$plain" ] || ok 'the program needs at most 64 MiB for all of it' \
	awk '$1 > 65536 { exit 1 }' peak

# What has pixels and cannot be decoded; the reason is behind the bar.
awk -F '\t' 'NF > 1 { path = $1
	if (NF == 3 && $2 != "not-dicom") print $2 ": " path
	if (NF == 4) split($3, n, "/")
	if (NF == 4 && n[1] != n[2] && n[1]) print "fewer: " path
	next }
	$1 !~ /^[0-9]+ [0-9]+x/ { split($1, w, " ")
	if (!seen[path]++) print w[2] ": " path }' ours | LC_ALL=C sort >got
sed 's/ *|.*//' <<'!' | LC_ALL=C sort >want
malformed: GoogleCloudPlatform+healthcare-dicom-dicomweb-adapter/integration_test/data/example3.dcm | a data set in the place of a JPEG
malformed: ImagingDataCommons+libdicom/data/test_files/generated_encapsulated_defined_bot_1_to_1.dcm | numbers in the place of JPEG 2000
malformed: ImagingDataCommons+libdicom/data/test_files/generated_encapsulated_defined_bot_2_to_1.dcm | the same
malformed: ImagingDataCommons+libdicom/data/test_files/generated_encapsulated_defined_bot_2_to_2.dcm | the same
malformed: ImagingDataCommons+libdicom/data/test_files/generated_encapsulated_empty_bot_1_to_1.dcm | the same
malformed: ImagingDataCommons+libdicom/data/test_files/generated_encapsulated_empty_bot_2_to_1.dcm | the same
malformed: dicom+ruby-dicom/samples/invalid_compression.dcm | text in the place of a JPEG
malformed: dicom+ruby-dicom/samples/no-header_explicit(two-pass).dcm | no file meta: nothing says that the fragments are JPEG
malformed: fo-dicom+fo-dicom/Tests/FO-DICOM.Benchmark/Data/multiframe.dcm | 23 of 140 tiles are smaller than Rows and Columns
malformed: fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH179B.dcm | the reader refuses its structure
malformed: fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH364.dcm | the same
malformed: fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH626.dcm | the same
malformed: fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/genFile.dcm | native pixels in a fragment
malformed: ivmartel+dwv/tests/data/dwv-test_no-number-rows.dcm | no Rows
malformed: pydicom+pydicom-data/data_store/data/JLSL_08_07_0_1F.dcm | 7 bits: DCMTK's CharLS gives up, GDCM's does not
malformed: pydicom+pydicom/src/pydicom/data/test_files/JPEG2000-embedded-sequence-delimiter.dcm | a delimiter written into the size of the codestream
malformed: pydicom+pydicom/src/pydicom/data/test_files/badVR.dcm | NumberOfFrames is no number; GDCM takes it for 1
malformed: pydicom+pydicom/src/pydicom/data/test_files/meta_missing_tsyntax.dcm | no Rows
malformed: pydicom+pydicom/src/pydicom/data/test_files/nested_priv_SQ.dcm | no Rows
truncated: dcm4che+dcm4che/dcm4che-test-data/src/main/resources/3gb-bulk-data-truncated | the file
truncated: fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH1339.dcm | the file
truncated: pydicom+pydicom-data/data_store/data/emri_small_jpeg_2k_lossless_too_short.dcm | the file
truncated: pydicom+pydicom/src/pydicom/data/test_files/MR_truncated.dcm | the file; GDCM fills it up
truncated: pydicom+pydicom/src/pydicom/data/test_files/dicomdirtests/DICOMDIR-nooffset | the file
truncated: pydicom+pydicom/src/pydicom/data/test_files/rtplan_truncated.dcm | the file
unsupported: dcm4che+dcm4che/dcm4che-test-data/src/main/resources/will-jxl.dcm | JPEG XL
unsupported: fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH340.dcm | 12 bits packed, of ACR-NEMA
!
ok 'what cannot be decoded is known, each with its reason' diff want got

# ---- one of each make ------------------------------------------------------

# The first small object of each transfer syntax, shape and color model.
awk -F '\t' 'NF == 4 { path = $1; ts = $2; table = $4; next }
	NF == 3 { path = ""; next }
	path != "" && /^1 [0-9]+x/ { split($1, w, " ")
		sub(/^[0-9]+x[0-9]+x/, "", w[2])
		key = ts " " w[2] " " w[3] " " w[4] " " table
		if (w[5] <= 800000 && !seen[key]++) print path }' ours >chosen
ok 'the corpus has many of them' test "$(wc -l <chosen)" -gt 80

all()
{
	(cd "$CORPUS" && tr '\n' '\0' <"$here/chosen" | xargs -0 frames "$@")
}
# Encoded, decoded again and compared, but for bits a codec cannot hold.
encoded()
{
	all -p -t "$1" | awk -F '\t' -v sure="$2" 'NF > 1 { path = $1; next }
		!/^[0-9]+ [0-9]+x/ && $0 !~ sure { print path ": " $0 }
		/^[0-9]+ [0-9]+x/ { n++ }
		END { print n + 0, "frames" >"count" }' >lost
	cat count lost
	[ ! -s lost ] && [ "$(cut -d ' ' -f 1 <count)" -gt "$3" ]
}
known='JPEG|the object says|single bits|cannot be encoded|no codec'
ok 'encoded and proved: RLE' encoded rle "$known" 200
for c in jpeg jpegls j2k htj2k; do
	ok "encoded and proved: $c" encoded $c "$known" 130
done

# ---- the peers -------------------------------------------------------------

# digests FILE: number and digest of each of its frames, and the color model.
digests()
{
	frames "$1" | awk -F '\t' 'NF == 1 && /^[0-9]+ [0-9]+x/ {
		split($1, w, " "); print w[1], w[4], w[6] }'
}

compare()
{
	while IFS= read -r path; do
		ts=$(awk -F '\t' -v p="$path" '$1 == p { print $2 }' ours)
		case $1:$ts in
		gdcm:*) set -- "$1" gdcmconv --raw ;;
		*.1.2.5) set -- "$1" dcmdrle ;;
		*.4.8[01]) set -- "$1" dcmdjpls ;;
		*.4.[57]?) set -- "$1" dcmdjpeg ;;
		*.4.9? | *.4.20? | *.8.1) continue ;; # not in DCMTK
		*) set -- "$1" dcmconv +te ;;
		esac
		rm -f theirs
		peer=$1
		shift
		if ! timeout 20 "$@" "$CORPUS/$path" theirs >log 2>&1; then
			echo "fails: $path"
		else
			digests theirs >a
			awk -F '\t' -v p="$path" 'NF > 1 { on = $1 == p; next }
				on && /^[0-9]+ [0-9]+x/ { split($1, w, " ")
				print w[1], w[4], w[6] }' ours >b
			# The same color, by another name or not converted.
			if [ "$peer" = gdcm ] && grep -q 'YBR_FULL ' a &&
				grep -q 'RGB ' b; then
				echo "ybr: $path"
			elif ! cmp -s a b; then
				echo "differs: $path"
			fi
		fi
		set -- "$peer"
	done <chosen | LC_ALL=C sort >"$1.raw"
}

differences()
{
	sed 's/ *|.*//' | LC_ALL=C sort >want
	compare "$1"
	ok "$1 decodes the same, but for what has its reason here" \
		diff want "$1.raw"
}
differences dcmtk <<'!'
fails: ThalesMMS+DICOM-Swift/Tests/DicomCoreTests/Fixtures/Compressed/jpeg_baseline_synthetic.dcm | a JPEG without fragments
fails: pydicom+pydicom-data/data_store/data/liver_nonbyte_aligned_rle.dcm | RLE of single bits
fails: wearemothership+dicom-test-files/dicom-ts-issues/20-wrong-transfer-syntax.dcm | native under a JPEG-LS syntax
!
if command -v gdcmconv >/dev/null; then
	differences gdcm <<'!'
differs: pydicom+pydicom-data/data_store/data/liver_j2k.dcm | single bits become bytes
differs: pydicom+pydicom/src/pydicom/data/test_files/SC_rgb_rle_16bit.dcm | GDCM's samples are not those of SC_rgb_16bit.dcm, ours are
differs: pydicom+pydicom/src/pydicom/data/test_files/SC_rgb_rle_32bit.dcm | the same
fails: QIICR+dcmqi/data/segmentations/sparse-labelmap-noppv.dcm | a storage class it does not know
fails: ThalesMMS+DICOM-Swift/Tests/DicomCoreTests/Fixtures/DecoderParity/htj2k_lossless_parity.dcm | HTJ2K
fails: cornerstonejs+dicomParser/testImages/encapsulated/multi-frame/CT0012.fragmented_no_bot_jpeg_ls.80.dcm | many fragments, no offset table
fails: cornerstonejs+dicomParser/testImages/encapsulated/multi-frame/CT0012.fragmented_no_bot_jpeg_ls.81.dcm | the same
fails: pydicom+pydicom-data/data_store/data/liver_deflate.dcm | deflated frames
fails: pydicom+pydicom-data/data_store/data/liver_nonbyte_aligned_rle.dcm | RLE of single bits
fails: pydicom+pydicom/src/pydicom/data/test_files/SC_rgb_rle_16bit_2frame.dcm | frames of 16 bits in a class it takes for 8
ybr: GoogleCloudPlatform+EZ-WSI-DICOMweb/ez_wsi_dicomweb/test_utils/dicom_store_mock/testdata/test_wsi.dcm | not converted to RGB
ybr: GoogleCloudPlatform+healthcare-dicom-dicomweb-adapter/import/src/test/resources/1.2.840.113543.6.6.1.1.2.2415947926921624359.201235357587280 | the same
!
else
	skip 'gdcm decodes the same' 'gdcmconv is not here'
fi
finish
