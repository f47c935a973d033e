/* fields.c - the attributes that the catalog holds. */
#include <string.h>

#include "catalog/inside.h"

/* Ascending tags: importers pick values in one walk through the header. */
static const struct img_field fields[] = {
	{ "TransferSyntaxUID", 0x00020010, "UI", IMG_IMAGE },
	{ "ImageType", 0x00080008, "CS", IMG_IMAGE },
	{ "SOPClassUID", 0x00080016, "UI", IMG_IMAGE },
	{ "SOPInstanceUID", 0x00080018, "UI", IMG_IMAGE },
	{ "StudyDate", 0x00080020, "DA", IMG_STUDY },
	{ "SeriesDate", 0x00080021, "DA", IMG_SERIES },
	{ "ContentDate", 0x00080023, "DA", IMG_IMAGE },
	{ "AcquisitionDateTime", 0x0008002A, "DT", IMG_IMAGE },
	{ "StudyTime", 0x00080030, "TM", IMG_STUDY },
	{ "SeriesTime", 0x00080031, "TM", IMG_SERIES },
	{ "AccessionNumber", 0x00080050, "SH", IMG_STUDY },
	{ "Modality", 0x00080060, "CS", IMG_SERIES },
	{ "Manufacturer", 0x00080070, "LO", IMG_SERIES },
	{ "InstitutionName", 0x00080080, "LO", IMG_SERIES },
	{ "ReferringPhysicianName", 0x00080090, "PN", IMG_STUDY },
	{ "StationName", 0x00081010, "SH", IMG_SERIES },
	{ "StudyDescription", 0x00081030, "LO", IMG_STUDY },
	{ "SeriesDescription", 0x0008103E, "LO", IMG_SERIES },
	{ "ManufacturerModelName", 0x00081090, "LO", IMG_SERIES },
	{ "PatientName", 0x00100010, "PN", IMG_PATIENT },
	{ "PatientID", 0x00100020, "LO", IMG_PATIENT },
	{ "IssuerOfPatientID", 0x00100021, "LO", IMG_PATIENT },
	{ "PatientBirthDate", 0x00100030, "DA", IMG_PATIENT },
	{ "PatientSex", 0x00100040, "CS", IMG_PATIENT },
	{ "BodyPartExamined", 0x00180015, "CS", IMG_SERIES },
	{ "ProtocolName", 0x00181030, "LO", IMG_SERIES },
	{ "StudyInstanceUID", 0x0020000D, "UI", IMG_STUDY },
	{ "SeriesInstanceUID", 0x0020000E, "UI", IMG_SERIES },
	{ "StudyID", 0x00200010, "SH", IMG_STUDY },
	{ "SeriesNumber", 0x00200011, "IS", IMG_SERIES },
	{ "InstanceNumber", 0x00200013, "IS", IMG_IMAGE },
	{ "FrameOfReferenceUID", 0x00200052, "UI", IMG_SERIES },
	{ "Laterality", 0x00200060, "CS", IMG_SERIES },
	{ "NumberOfFrames", 0x00280008, "IS", IMG_IMAGE },
	{ "Rows", 0x00280010, "US", IMG_IMAGE },
	{ "Columns", 0x00280011, "US", IMG_IMAGE },
	/* Worked out when asked for (PS3.4 C.3.4); their SQL is in expr.c
	   in the same order. */
	{ "ModalitiesInStudy", 0x00080061, "CS", IMG_STUDY },
	{ "SOPClassesInStudy", 0x00080062, "UI", IMG_STUDY },
	{ "NumberOfPatientRelatedStudies", 0x00201200, "IS", IMG_PATIENT },
	{ "NumberOfPatientRelatedSeries", 0x00201202, "IS", IMG_PATIENT },
	{ "NumberOfPatientRelatedInstances", 0x00201204, "IS", IMG_PATIENT },
	{ "NumberOfStudyRelatedSeries", 0x00201206, "IS", IMG_STUDY },
	{ "NumberOfStudyRelatedInstances", 0x00201208, "IS", IMG_STUDY },
	{ "NumberOfSeriesRelatedInstances", 0x00201209, "IS", IMG_SERIES },
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]) - IMG_DERIVED_COUNT)

_Static_assert(FIELDS <= IMG_FIELDS_MAX, "an instance holds every field");
_Static_assert(FIELDS == IMG_F_COUNT, "the numbers of inside.h");

const struct img_field *img_catalog_fields(size_t *n)
{
	*n = FIELDS;
	return fields;
}

const struct img_field *img_query_fields(size_t *n)
{
	*n = FIELDS + IMG_DERIVED_COUNT;
	return fields;
}

static int find(const char *keyword, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i].keyword, keyword) == 0)
			return (int)i;
	return -1;
}

int img_catalog_field(const char *keyword)
{
	return find(keyword, FIELDS);
}

int img_query_field(const char *keyword)
{
	return find(keyword, FIELDS + IMG_DERIVED_COUNT);
}
