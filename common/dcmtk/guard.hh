/* guard.hh - inside the room: no exception and no C++ type leaves it. */
#ifndef IMG_DCMTK_GUARD_HH
#define IMG_DCMTK_GUARD_HH

#include "dcmtk/config/osconfig.h"
#include "dcmtk/ofstd/ofcond.h"

#include <exception>
#include <new>

#include "dcmtk/dcmtk.h"

/* Silences the log, once; DCMTK's messages hold values. */
void img_dcmtk_quiet();

/* Runs f, which returns 0 or -1 with err set. */
template <class F> int guard(struct img_err *err, F f)
{
	try {
		img_dcmtk_quiet();
		return f();
	} catch (const std::bad_alloc &) {
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	} catch (const std::exception &) {
		return img_err_set(err, IMG_E_BUG, "exception in DCMTK");
	} catch (...) {
		return img_err_set(err, IMG_E_BUG, "exception in DCMTK");
	}
}

/* Whether DCMTK has its data dictionary, without which it writes no element. */
int img_dcmtk_dictionary(struct img_err *err);

/* Sets err from a condition.  Texts that may hold values are not passed on:
   what says what was tried. */
int img_dcmtk_fail(struct img_err *err, enum img_code code, const char *what,
		   const OFCondition &cond);

#endif
