#!/bin/sh
# imgimport-corpus.t - real files of many makers, each with its verdict.
. "$(dirname "$0")/lib.sh"

[ -d "$CORPUS" ] || skip_all 'corpus absent'

# status, path and error's code of what is not in the archive afterwards
rest()
{
	sed -n 's/^{"status":"\(rejected\|ignored\|failed\)","path":"\.\/\([^"]*\)".*"code":"\([^"]*\)".*/\1 \3 \2/p
		t
		s/^{"status":"\(rejected\|ignored\|failed\)","path":"\.\/\([^"]*\)".*"reason":"\([^"]*\)".*/\1 \3 \2/p' "$1" | sort
}

words()
{
	sed 's/^{"status":"\([a-z]*\)".*/\1/' "$1" | sort | uniq -c |
		awk '{ print $2, $1 }'
}

here=$(pwd)
A=$T/archive
cd "$CORPUS" || exit 1
imgimport -C "$A" . >"$here/first" 2>"$here/first.err"
echo $? >"$here/first.status"
imgimport -C "$A" . >"$here/second" 2>"$here/second.err"
echo $? >"$here/second.status"
cd "$here" || exit 1

same 'some are not taken: status 2' first.status <<'!'
2
!
same 'and again' second.status <<'!'
2
!

# One record for each file, and one for each member of the three archives.
find "$CORPUS" -type f | sed "s,^$CORPUS/,./," | sort >files
sed 's/.*"path":"\([^"]*\)".*/\1/' first | grep -v '!/' | sort >named
ok 'as many records as files, each once' cmp files named
words first >out
same 'verdicts' out <<'!'
conflict 74
duplicate 27
equivalent 67
ignored 19
rejected 33
stored 924
!
words second >out
same 'verdicts when it is done again' out <<'!'
duplicate 1092
ignored 19
rejected 33
!

# Without a SOPInstanceUID (0008,0018) an object has no name in an archive:
# these are malformed although they can be parsed.
rest first >out
same 'what is not taken, and why' out <<'!'
ignored DICOMDIR dcm4che+dcm4che/dcm4che-test-data/src/main/resources/DICOMDIR
ignored DICOMDIR fo-dicom+fo-dicom/Tests/FO-DICOM.Benchmark/Data/DICOMDIR
ignored DICOMDIR grailbio+go-dicom/examples/testdicomdir
ignored DICOMDIR ivmartel+dwv/tests/data/DICOMDIR
ignored DICOMDIR pydicom+pydicom/src/pydicom/data/test_files/dicomdirtests/DICOMDIR
ignored DICOMDIR pydicom+pydicom/src/pydicom/data/test_files/dicomdirtests/DICOMDIR-bigEnd
ignored DICOMDIR pydicom+pydicom/src/pydicom/data/test_files/dicomdirtests/DICOMDIR-empty.dcm
ignored DICOMDIR pydicom+pydicom/src/pydicom/data/test_files/dicomdirtests/DICOMDIR-implicit
ignored DICOMDIR pydicom+pydicom/src/pydicom/data/test_files/dicomdirtests/DICOMDIR-nopatient
ignored DICOMDIR pydicom+pydicom/src/pydicom/data/test_files/dicomdirtests/DICOMDIR-reordered
ignored DICOMDIR pydicom+pydicom/src/pydicom/data/test_files/dicomdirtests/TINY_ALPHA/DICOMDIR
ignored DICOMDIR wearemothership+dicom-test-files/medical.nema.org/compsamples_refanddir/DICOMDIR
ignored DICOMDIR wearemothership+dicom-test-files/medical.nema.org/compsamples_rle_20040210/DICOMDIR
ignored DICOMDIR wearemothership+dicom-test-files/medical.nema.org/multiframe/DISCIMG/DICOMDIR
ignored archive fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/abd1.zip
ignored archive ivmartel+dwv/tests/data/bbmri.zip
ignored archive ivmartel+dwv/tests/data/dwv-test_bad.zip
ignored text jodogne+OrthancMirror/OrthancFramework/Resources/Patches/dcmtk-3.6.2-private.dic
ignored text pydicom+pydicom/src/pydicom/data/test_files/dicomdirtests/TINY_ALPHA/README
rejected malformed dcm4che+dcm4che/dcm4che-test-data/src/main/resources/no_preamble_dicm_in_data
rejected malformed fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH179B.dcm
rejected malformed fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH340.dcm
rejected malformed fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH364.dcm
rejected malformed fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH626.dcm
rejected malformed ivmartel+dwv/tests/annotation/dwv034/sr-arrow.dcm
rejected malformed ivmartel+dwv/tests/annotation/dwv034/sr-circle.dcm
rejected malformed ivmartel+dwv/tests/annotation/dwv034/sr-ellipse.dcm
rejected malformed ivmartel+dwv/tests/annotation/dwv034/sr-protractor.dcm
rejected malformed ivmartel+dwv/tests/annotation/dwv034/sr-rectangle.dcm
rejected malformed ivmartel+dwv/tests/annotation/dwv034/sr-roi.dcm
rejected malformed ivmartel+dwv/tests/annotation/dwv034/sr-ruler.dcm
rejected malformed ivmartel+dwv/tests/data/dwv-test_bad.zip!/dwv-test_bad/dwv-test-simple.dcm
rejected malformed ivmartel+dwv/tests/data/dwv-test_bad.zip!/dwv-test_bad/dwv-test_no-number-rows.dcm
rejected malformed ivmartel+dwv/tests/data/leadtools-8BitsJpegLossyGrayScale.dcm
rejected malformed ivmartel+dwv/tests/data/leadtools-flowers-16-mono2-rle.dcm
rejected malformed ivmartel+dwv/tests/data/leadtools-flowers-8-mono2-rle.dcm
rejected malformed pydicom+pydicom-data/data_store/data/JLSL_RGB_ILV0.dcm
rejected malformed pydicom+pydicom-data/data_store/data/JLSL_RGB_ILV1.dcm
rejected malformed pydicom+pydicom-data/data_store/data/JLSL_RGB_ILV2.dcm
rejected malformed pydicom+pydicom-data/data_store/data/JLSN_RGB_ILV0.dcm
rejected malformed pydicom+pydicom/src/pydicom/data/test_files/empty_charset_LEI.dcm
rejected malformed pydicom+pydicom/src/pydicom/data/test_files/meta_missing_tsyntax.dcm
rejected malformed pydicom+pydicom/src/pydicom/data/test_files/nested_priv_SQ.dcm
rejected not-dicom blairconrad+dicognito/tests/orig_data/test_conversion_error_logs_filename_and_error_type/bad.dcm
rejected not-dicom pydicom+pydicom/src/pydicom/data/test_files/no_meta.dcm
rejected not-dicom slicebox+slicebox/src/test/resources/se/nimsa/sbx/util/invalid.dcm
rejected truncated dcm4che+dcm4che/dcm4che-test-data/src/main/resources/3gb-bulk-data-truncated
rejected truncated fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH1339.dcm
rejected truncated pydicom+pydicom-data/data_store/data/emri_small_jpeg_2k_lossless_too_short.dcm
rejected truncated pydicom+pydicom/src/pydicom/data/test_files/MR_truncated.dcm
rejected truncated pydicom+pydicom/src/pydicom/data/test_files/dicomdirtests/DICOMDIR-nooffset
rejected truncated pydicom+pydicom/src/pydicom/data/test_files/rtplan_truncated.dcm
!
rest second >out2
ok 'and the same again' cmp out out2

exits 0 'all that was stored is intact' imgverify -C "$A" --all
exits 0 'a catalog made from the objects is the same' imgverify -C "$A" --rebuild
ok 'it tells no difference' test ! -s out
exits 0 'the audit log is unbroken' imgverify -C "$A" --audit
finish
