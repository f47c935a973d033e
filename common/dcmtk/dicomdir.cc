/*
 * dicomdir.cc - a DICOMDIR, its records chained by DCMTK.
 *
 * The records come complete but for the offsets, as explicit VR little endian
 * that our own writer made, so that nothing is looked up, read from a file or
 * filled in here.
 */
#include "dcmtk/guard.hh"

#include "dcmtk/dcmdata/dctk.h"
#include "dcmtk/dcmdata/dcdicdir.h"
#include "dcmtk/dcmdata/dcdirrec.h"
#include "dcmtk/dcmdata/dcistrmb.h"

#include <memory>
#include <vector>

/* The elements of a record, as a data set. */
static OFCondition parse(const struct img_dcmtk_record &in, DcmDataset &ds)
{
	DcmInputBufferStream stream;

	stream.setBuffer(in.data, in.size);
	stream.setEos();
	ds.transferInit();
	OFCondition cond = ds.read(stream, EXS_LittleEndianExplicit);
	ds.transferEnd();
	return cond;
}

/* Moves them into a directory record of their type. */
static OFCondition make(DcmDataset &ds,
			std::unique_ptr<DcmDirectoryRecord> &out)
{
	OFString type;
	OFCondition cond = ds.findAndGetOFString(DCM_DirectoryRecordType, type);

	if (cond.bad())
		return cond;
	out.reset(new DcmDirectoryRecord(type.c_str(), NULL, OFFilename()));
	if (out->error().bad())
		return out->error();
	while (cond.good() && ds.card() > 0) {
		DcmElement *e = ds.remove((unsigned long)0);

		cond = out->insert(e, OFTrue);
		if (cond.bad())
			delete e;
	}
	return cond;
}

static int fail(struct img_err *err, size_t i, const OFCondition &cond)
{
	char what[64];

	snprintf(what, sizeof what, "directory record %zu", i + 1);
	return img_dcmtk_fail(err, IMG_E_UNSUPPORTED, what, cond);
}

int img_dcmtk_dicomdir(const char *path, const char *file_set_id,
		       const char *sop, const struct img_dcmtk_record *record,
		       size_t count, struct img_err *err)
{
	return guard(err, [&] {
		if (img_dcmtk_dictionary(err) < 0)
			return -1;
		DcmDicomDir dir(path, file_set_id);
		std::vector<DcmDirectoryRecord *> made(count);
		OFCondition cond = dir.error();

		if (cond.bad())
			return img_dcmtk_fail(err, IMG_E_IO, "DICOMDIR", cond);
		for (size_t i = 0; i < count; i++) {
			std::unique_ptr<DcmDirectoryRecord> rec;
			DcmDataset ds;

			cond = parse(record[i], ds);
			if (cond.good())
				cond = make(ds, rec);
			if (cond.bad())
				return fail(err, i, cond);
			DcmDirectoryRecord &up =
				record[i].parent == SIZE_MAX
					? dir.getRootRecord()
					: *made.at(record[i].parent);
			cond = up.insertSub(rec.get());
			if (cond.bad())
				return fail(err, i, cond);
			made[i] = rec.release();
		}
		cond = dir.getDirFileFormat().getMetaInfo()->putAndInsertString(
			DCM_MediaStorageSOPInstanceUID, sop);
		if (cond.good())
			cond = dir.write(EXS_LittleEndianExplicit,
					 EET_ExplicitLength, EGL_withoutGL);
		if (cond.bad())
			return img_dcmtk_fail(err, IMG_E_IO, "DICOMDIR", cond);
		return 0;
	});
}
