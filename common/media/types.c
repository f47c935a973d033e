/*
 * types.c - directory records and their keys (PS3.3 2024e, F.4 and F.5).
 *
 * Keys of type 1C are those that the standard wants where the object has them.
 * Keys of type 3 are the few that readers show; (0008,0005) is added to each
 * record by itself (encode.c).
 */
#include <string.h>

#include "media/plan.h"

#define T IMG_TAG

/* F.5.1 */
static const struct key patient_keys[] = {
	{ T(0x0010, 0x0010), KEY_2 }, /* PatientName */
	{ T(0x0010, 0x0020), KEY_1 }, /* PatientID */
	{ T(0x0010, 0x0021), KEY_3 }, /* IssuerOfPatientID */
	{ T(0x0010, 0x0030), KEY_3 }, /* PatientBirthDate */
	{ T(0x0010, 0x0040), KEY_3 }, /* PatientSex */
};

/* F.5.2 */
static const struct key study_keys[] = {
	{ T(0x0008, 0x0020), KEY_1 }, /* StudyDate */
	{ T(0x0008, 0x0030), KEY_1 }, /* StudyTime */
	{ T(0x0008, 0x0050), KEY_2 }, /* AccessionNumber */
	{ T(0x0008, 0x1030), KEY_2 }, /* StudyDescription */
	{ T(0x0020, 0x000D), KEY_1 }, /* StudyInstanceUID */
	{ T(0x0020, 0x0010), KEY_1 }, /* StudyID */
};

/* F.5.3 */
static const struct key series_keys[] = {
	{ T(0x0008, 0x0060), KEY_1 }, /* Modality */
	{ T(0x0008, 0x103E), KEY_3 }, /* SeriesDescription */
	{ T(0x0020, 0x000E), KEY_1 }, /* SeriesInstanceUID */
	{ T(0x0020, 0x0011), KEY_1 }, /* SeriesNumber */
};

#define INSTANCE                                                               \
	{                                                                      \
		T(0x0020, 0x0013), KEY_1                                       \
	}
#define DATE                                                                   \
	{                                                                      \
		T(0x0008, 0x0023), KEY_1                                       \
	}
#define TIME                                                                   \
	{                                                                      \
		T(0x0008, 0x0033), KEY_1                                       \
	}
#define CONCEPT_NAME(t)                                                        \
	{                                                                      \
		T(0x0040, 0xA043), t                                           \
	}
#define CONTENT_ITEMS                                                          \
	{                                                                      \
		T(0x0040, 0xA730), KEY_1C                                      \
	}
/* Content Identification Macro, PS3.3 table 10-12 */
#define CONTENT_LABEL                                                          \
	{ T(0x0070, 0x0080), KEY_1 }, { T(0x0070, 0x0081), KEY_2 },            \
	{                                                                      \
		T(0x0070, 0x0084), KEY_2                                       \
	}

/* F.5.4 */
static const struct key image_keys[] = { INSTANCE };
/* F.5.19 */
static const struct key dose_keys[] = {
	INSTANCE, { T(0x3004, 0x000A), KEY_1 }, /* DoseSummationType */
};
/* F.5.20 */
static const struct key structure_keys[] = {
	INSTANCE,
	{ T(0x3006, 0x0002), KEY_1 }, /* StructureSetLabel */
	{ T(0x3006, 0x0008), KEY_2 }, /* StructureSetDate */
	{ T(0x3006, 0x0009), KEY_2 }, /* StructureSetTime */
};
/* F.5.21 */
static const struct key plan_keys[] = {
	INSTANCE,
	{ T(0x300A, 0x0002), KEY_1 }, /* RTPlanLabel */
	{ T(0x300A, 0x0006), KEY_2 }, /* RTPlanDate */
	{ T(0x300A, 0x0007), KEY_2 }, /* RTPlanTime */
};
/* F.5.22 */
static const struct key treatment_keys[] = {
	INSTANCE,
	{ T(0x3008, 0x0250), KEY_2 }, /* TreatmentDate */
	{ T(0x3008, 0x0251), KEY_2 }, /* TreatmentTime */
};
/* F.5.23 */
static const struct key presentation_keys[] = {
	{ T(0x0008, 0x1115), KEY_1C }, /* ReferencedSeriesSequence */
	INSTANCE,
	CONTENT_LABEL,
	{ T(0x0070, 0x0082), KEY_1 },  /* PresentationCreationDate */
	{ T(0x0070, 0x0083), KEY_1 },  /* PresentationCreationTime */
	{ T(0x0070, 0x0402), KEY_1C }, /* BlendingSequence */
};
/* F.5.24, F.5.40: WAVEFORM */
static const struct key waveform_keys[] = {
	DATE,
	TIME,
	INSTANCE,
};
/* F.5.25 */
static const struct key sr_keys[] = {
	DATE,
	TIME,
	INSTANCE,
	{ T(0x0040, 0xA030), KEY_1C }, /* VerificationDateTime */
	CONCEPT_NAME(KEY_1),
	{ T(0x0040, 0xA491), KEY_1 }, /* CompletionFlag */
	{ T(0x0040, 0xA493), KEY_1 }, /* VerificationFlag */
	CONTENT_ITEMS,
};
/* F.5.26 */
static const struct key key_object_keys[] = {
	DATE, TIME, INSTANCE, CONCEPT_NAME(KEY_1), CONTENT_ITEMS,
};
/* F.5.27 */
static const struct key spectroscopy_keys[] = {
	{ T(0x0008, 0x0008), KEY_1 }, /* ImageType */
	DATE,
	TIME,
	{ T(0x0008, 0x9092), KEY_1C }, /* ReferencedImageEvidenceSequence */
	INSTANCE,
	{ T(0x0028, 0x0008), KEY_1 }, /* NumberOfFrames */
	{ T(0x0028, 0x0010), KEY_1 }, /* Rows */
	{ T(0x0028, 0x0011), KEY_1 }, /* Columns */
	{ T(0x0028, 0x9001), KEY_1 }, /* DataPointRows */
	{ T(0x0028, 0x9002), KEY_1 }, /* DataPointColumns */
};
/* F.5.28 */
static const struct key raw_keys[] = {
	DATE, TIME, { T(0x0020, 0x0013), KEY_2 }, /* InstanceNumber */
};
/* F.5.29 REGISTRATION, F.5.30 FIDUCIAL, F.5.33 VALUE MAP, F.5.41 MEASUREMENT,
   F.5.42 SURFACE, F.5.44 TRACT, F.5.47 ANNOTATION */
static const struct key content_keys[] = {
	DATE,
	TIME,
	INSTANCE,
	CONTENT_LABEL,
};
/* F.5.31 */
static const struct key hanging_keys[] = {
	{ T(0x0072, 0x0008), KEY_1 }, /* HangingProtocolCreator */
	{ T(0x0072, 0x000A), KEY_1 }, /* HangingProtocolCreationDateTime */
	{ T(0x0072, 0x000C), KEY_1 }, /* HangingProtocolDefinitionSequence */
	{ T(0x0072, 0x000E),
	  KEY_2 }, /* HangingProtocolUserIdentificationCodeSequence */
	{ T(0x0072, 0x0014), KEY_1 }, /* NumberOfPriorsReferenced */
};
/* F.5.32 */
static const struct key document_keys[] = {
	{ T(0x0008, 0x0023), KEY_2 }, /* ContentDate */
	{ T(0x0008, 0x0033), KEY_2 }, /* ContentTime */
	INSTANCE,
	{ T(0x0040, 0xE001), KEY_1C }, /* HL7InstanceIdentifier */
	CONCEPT_NAME(KEY_2),
	{ T(0x0042, 0x0010), KEY_2 }, /* DocumentTitle */
	{ T(0x0042, 0x0012), KEY_1 }, /* MIMETypeOfEncapsulatedDocument */
};
/* F.5.35 */
static const struct key palette_keys[] = {
	{ T(0x0070, 0x0080), KEY_1 }, /* ContentLabel */
	{ T(0x0070, 0x0081), KEY_2 }, /* ContentDescription */
};
/* F.5.36 to F.5.38 */
static const struct key implant_keys[] = {
	{ T(0x0008, 0x0070), KEY_1 },  /* Manufacturer */
	{ T(0x0022, 0x1095), KEY_1 },  /* ImplantName */
	{ T(0x0068, 0x6210), KEY_1C }, /* ImplantSize */
	{ T(0x0022, 0x1097), KEY_1 },  /* ImplantPartNumber */
};
static const struct key assembly_keys[] = {
	{ T(0x0008, 0x0070), KEY_1 }, /* Manufacturer */
	{ T(0x0076, 0x0001), KEY_1 }, /* ImplantAssemblyTemplateName */
	{ T(0x0076, 0x0020), KEY_1 }, /* ProcedureTypeCodeSequence */
};
static const struct key implant_group_keys[] = {
	{ T(0x0078, 0x0001), KEY_1 }, /* ImplantTemplateGroupName */
	{ T(0x0078, 0x0020), KEY_1 }, /* ImplantTemplateGroupIssuer */
};
/* F.5.43 */
static const struct key scan_keys[] = { DATE, TIME };
/* F.5.45 */
static const struct key assessment_keys[] = {
	{ T(0x0008, 0x0012), KEY_1 }, /* InstanceCreationDate */
	{ T(0x0008, 0x0013), KEY_2 }, /* InstanceCreationTime */
	INSTANCE,
};
/* F.5.46 */
static const struct key radiotherapy_keys[] = {
	INSTANCE,
	{ T(0x0070, 0x0081), KEY_2 },  /* ContentDescription */
	{ T(0x0070, 0x0084), KEY_2 },  /* ContentCreatorName */
	{ T(0x3010, 0x0033), KEY_1C }, /* UserContentLabel */
	{ T(0x3010, 0x0034), KEY_1C }, /* UserContentLongLabel */
};

#define RECORD(name, keys, root)                                               \
	{                                                                      \
		name, keys, sizeof(keys) / sizeof(*keys), root                 \
	}
/* F.5.34 STEREOMETRIC and F.5.39 PLAN have no keys of their own. */
#define EMPTY(name)                                                            \
	{                                                                      \
		name, NULL, 0, false                                           \
	}

const struct record_type media_patient = RECORD("PATIENT", patient_keys, true);
const struct record_type media_study = RECORD("STUDY", study_keys, false);
const struct record_type media_series = RECORD("SERIES", series_keys, false);

enum type {
	IMAGE,
	DOSE,
	STRUCTURES,
	RTPLAN,
	TREATMENT,
	PRESENTATION,
	WAVEFORM,
	SR,
	KEY_OBJECT,
	SPECTROSCOPY,
	RAW,
	REGISTRATION,
	FIDUCIAL,
	HANGING,
	DOCUMENT,
	VALUE_MAP,
	STEREOMETRIC,
	PALETTE,
	IMPLANT,
	IMPLANT_ASSEMBLY,
	IMPLANT_GROUP,
	PLAN,
	MEASUREMENT,
	SURFACE,
	SURFACE_SCAN,
	TRACT,
	ASSESSMENT,
	RADIOTHERAPY,
	ANNOTATION
};

static const struct record_type types[] = {
	[IMAGE] = RECORD("IMAGE", image_keys, false),
	[DOSE] = RECORD("RT DOSE", dose_keys, false),
	[STRUCTURES] = RECORD("RT STRUCTURE SET", structure_keys, false),
	[RTPLAN] = RECORD("RT PLAN", plan_keys, false),
	[TREATMENT] = RECORD("RT TREAT RECORD", treatment_keys, false),
	[PRESENTATION] = RECORD("PRESENTATION", presentation_keys, false),
	[WAVEFORM] = RECORD("WAVEFORM", waveform_keys, false),
	[SR] = RECORD("SR DOCUMENT", sr_keys, false),
	[KEY_OBJECT] = RECORD("KEY OBJECT DOC", key_object_keys, false),
	[SPECTROSCOPY] = RECORD("SPECTROSCOPY", spectroscopy_keys, false),
	[RAW] = RECORD("RAW DATA", raw_keys, false),
	[REGISTRATION] = RECORD("REGISTRATION", content_keys, false),
	[FIDUCIAL] = RECORD("FIDUCIAL", content_keys, false),
	[HANGING] = RECORD("HANGING PROTOCOL", hanging_keys, true),
	[DOCUMENT] = RECORD("ENCAP DOC", document_keys, false),
	[VALUE_MAP] = RECORD("VALUE MAP", content_keys, false),
	[STEREOMETRIC] = EMPTY("STEREOMETRIC"),
	[PALETTE] = RECORD("PALETTE", palette_keys, true),
	[IMPLANT] = RECORD("IMPLANT", implant_keys, true),
	[IMPLANT_ASSEMBLY] = RECORD("IMPLANT ASSY", assembly_keys, true),
	[IMPLANT_GROUP] = RECORD("IMPLANT GROUP", implant_group_keys, true),
	[PLAN] = EMPTY("PLAN"),
	[MEASUREMENT] = RECORD("MEASUREMENT", content_keys, false),
	[SURFACE] = RECORD("SURFACE", content_keys, false),
	[SURFACE_SCAN] = RECORD("SURFACE SCAN", scan_keys, false),
	[TRACT] = RECORD("TRACT", content_keys, false),
	[ASSESSMENT] = RECORD("ASSESSMENT", assessment_keys, false),
	[RADIOTHERAPY] = RECORD("RADIOTHERAPY", radiotherapy_keys, false),
	[ANNOTATION] = RECORD("ANNOTATION", content_keys, false),
};

/* PS3.4 table B.5-1: what follows ROOT.  A tail that ends in '.' stands for
   all below it; the first that fits counts.  Standalone overlays, curves and
   the like, whose records are retired, have none. */
#define ROOT "1.2.840.10008.5.1.4."

static const struct class
{
	const char *tail;
	enum type type;
	const char *modality;
} classes[] = {
	{ "1.1.1", IMAGE, "CR" },
	{ "1.1.1.1", IMAGE, NULL }, /* DX or PX */
	{ "1.1.1.1.1", IMAGE, NULL },
	{ "1.1.1.2", IMAGE, "MG" },
	{ "1.1.1.2.1", IMAGE, "MG" },
	{ "1.1.1.3", IMAGE, "IO" },
	{ "1.1.1.3.1", IMAGE, "IO" },
	{ "1.1.2", IMAGE, "CT" },
	{ "1.1.2.", IMAGE, "CT" },
	{ "1.1.3", IMAGE, "US" },
	{ "1.1.3.1", IMAGE, "US" },
	{ "1.1.4.2", SPECTROSCOPY, "MR" },
	{ "1.1.4", IMAGE, "MR" },
	{ "1.1.4.", IMAGE, "MR" },
	{ "1.1.5", IMAGE, "NM" },
	{ "1.1.6", IMAGE, "US" },
	{ "1.1.6.1", IMAGE, "US" },
	{ "1.1.6.2", IMAGE, "US" },
	{ "1.1.6.3", IMAGE, "PA" },
	{ "1.1.7", IMAGE, NULL },
	{ "1.1.7.", IMAGE, NULL },
	{ "1.1.9.1.", WAVEFORM, "ECG" },
	{ "1.1.9.2.1", WAVEFORM, "HD" },
	{ "1.1.9.3.1", WAVEFORM, "EPS" },
	{ "1.1.9.4.", WAVEFORM, "AU" },
	{ "1.1.9.5.1", WAVEFORM, NULL },
	{ "1.1.9.6.", WAVEFORM, "RESP" },
	{ "1.1.9.7.", WAVEFORM, NULL },
	{ "1.1.9.8.1", WAVEFORM, "POS" },
	{ "1.1.11.", PRESENTATION, "PR" },
	{ "1.1.12.1", IMAGE, "XA" },
	{ "1.1.12.1.1", IMAGE, "XA" },
	{ "1.1.12.2", IMAGE, "RF" },
	{ "1.1.12.2.1", IMAGE, "RF" },
	{ "1.1.12.3", IMAGE, "XA" },
	{ "1.1.13.", IMAGE, NULL },
	{ "1.1.14.", IMAGE, NULL },
	{ "1.1.20", IMAGE, "NM" },
	{ "1.1.30", IMAGE, NULL },
	{ "1.1.66", RAW, NULL },
	{ "1.1.66.1", REGISTRATION, "REG" },
	{ "1.1.66.2", FIDUCIAL, "FID" },
	{ "1.1.66.3", REGISTRATION, "REG" },
	{ "1.1.66.4", IMAGE, "SEG" },
	{ "1.1.66.5", SURFACE, "SEG" },
	{ "1.1.66.6", TRACT, NULL },
	{ "1.1.66.7", IMAGE, "SEG" },
	{ "1.1.66.8", IMAGE, "SEG" },
	{ "1.1.67", VALUE_MAP, "RWV" },
	{ "1.1.68.", SURFACE_SCAN, NULL },
	{ "1.1.77.1.5.3", STEREOMETRIC, NULL },
	{ "1.1.77.1.5.1", IMAGE, "OP" },
	{ "1.1.77.1.5.2", IMAGE, "OP" },
	{ "1.1.77.1.5.4", IMAGE, "OPT" },
	{ "1.1.77.1.6", IMAGE, "SM" },
	{ "1.1.77.", IMAGE, NULL },
	{ "1.1.78.6", SR, "SR" },
	{ "1.1.78.", MEASUREMENT, NULL },
	{ "1.1.79.1", SR, "SR" },
	{ "1.1.80.1", MEASUREMENT, "OPV" },
	{ "1.1.81.1", IMAGE, "OPM" },
	{ "1.1.82.1", IMAGE, "OPM" },
	{ "1.1.88.59", KEY_OBJECT, "KO" },
	{ "1.1.88.", SR, "SR" },
	{ "1.1.90.1", ASSESSMENT, "ASMT" },
	{ "1.1.91.1", ANNOTATION, "ANN" },
	{ "1.1.104.", DOCUMENT, NULL },
	{ "1.1.128", IMAGE, "PT" },
	{ "1.1.128.1", IMAGE, "PT" },
	{ "1.1.130", IMAGE, "PT" },
	{ "1.1.131", PRESENTATION, "PR" },
	{ "1.1.481.1", IMAGE, "RTIMAGE" },
	{ "1.1.481.2", DOSE, "RTDOSE" },
	{ "1.1.481.3", STRUCTURES, "RTSTRUCT" },
	{ "1.1.481.4", TREATMENT, "RTRECORD" },
	{ "1.1.481.5", RTPLAN, "RTPLAN" },
	{ "1.1.481.6", TREATMENT, "RTRECORD" },
	{ "1.1.481.7", TREATMENT, "RTRECORD" },
	{ "1.1.481.8", RTPLAN, "RTPLAN" },
	{ "1.1.481.9", TREATMENT, "RTRECORD" },
	{ "1.1.481.23", IMAGE, "RTIMAGE" },
	{ "1.1.481.24", IMAGE, "RTIMAGE" },
	{ "1.1.481.", RADIOTHERAPY, NULL },
	{ "1.1.601.", IMAGE, NULL },
	{ "34.7", PLAN, "PLAN" },
	{ "34.10", PLAN, "PLAN" },
	{ "38.1", HANGING, NULL },
	{ "39.1", PALETTE, NULL },
	{ "43.1", IMPLANT, NULL },
	{ "44.1", IMPLANT_ASSEMBLY, NULL },
	{ "45.1", IMPLANT_GROUP, NULL },
};

static unsigned tags_of(const struct record_type *t, uint32_t *out,
			unsigned max)
{
	unsigned n = 0;

	while (n < t->count && n < max) {
		out[n] = t->keys[n].tag;
		n++;
	}
	return n;
}

unsigned media_type_tags(uint32_t *out, unsigned max)
{
	unsigned n = 0;

	n += tags_of(&media_patient, out, max);
	n += tags_of(&media_study, out + n, max - n);
	n += tags_of(&media_series, out + n, max - n);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		n += tags_of(&types[i], out + n, max - n);
	return n;
}

static const struct class *find(const char *sop_class)
{
	const char *tail = sop_class + strlen(ROOT);

	if (strncmp(sop_class, ROOT, strlen(ROOT)) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		size_t n = strlen(classes[i].tail);

		if (classes[i].tail[n - 1] == '.'
			    ? strncmp(tail, classes[i].tail, n) == 0
			    : strcmp(tail, classes[i].tail) == 0)
			return &classes[i];
	}
	return NULL;
}

const struct record_type *media_type_of(const char *sop_class)
{
	const struct class *c = find(sop_class);

	return c ? &types[c->type] : NULL;
}

const struct record_type *media_type_named(const char *name)
{
	static const struct record_type *const upper[] = { &media_patient,
							   &media_study,
							   &media_series };

	for (size_t i = 0; i < sizeof upper / sizeof *upper; i++)
		if (strcmp(upper[i]->name, name) == 0)
			return upper[i];
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

const char *media_modality_of(const char *sop_class)
{
	const struct class *c = find(sop_class);

	return c ? c->modality : NULL;
}

/* PS3.3 A.45: the document's type follows from the class. */
const char *media_mime_of(const char *sop_class)
{
	static const char *const mime[] = { "application/pdf", "text/XML",
					    "model/stl", "model/obj",
					    "model/mtl" };
	const char *prefix = ROOT "1.1.104.";
	size_t n = strlen(prefix);

	if (strncmp(sop_class, prefix, n) != 0 || sop_class[n] < '1' ||
	    sop_class[n] > '5' || sop_class[n + 1])
		return NULL;
	return mime[sop_class[n] - '1'];
}
