/* guard.cc - DCMTK's log and conditions, kept inside the room. */
#include "dcmtk/guard.hh"

#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcdict.h"
#include "dcmtk/oflog/oflog.h"

#include <mutex>

void img_dcmtk_quiet()
{
	static std::once_flag once;

	std::call_once(once, [] { OFLog::configure(OFLogger::OFF_LOG_LEVEL); });
}

int img_dcmtk_dictionary(struct img_err *err)
{
	/* One of the last of its file, which DCMTK may have read in part. */
	bool there =
		dcmDataDict.rdlock().findEntry(DCM_PixelData, NULL) != NULL;

	dcmDataDict.rdunlock();
	return there ? 0
		     : img_err_set(err, IMG_E_IO,
				   "DCMTK finds no data dictionary");
}

int img_dcmtk_fail(struct img_err *err, enum img_code code, const char *what,
		   const OFCondition &cond)
{
	return img_err_set(err, code, "%s (DCMTK %04x:%04x)", what,
			   cond.module(), cond.code());
}
