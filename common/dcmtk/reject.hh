/* reject.hh - inside the room: why there is no association. */
#ifndef IMG_DCMTK_REJECT_HH
#define IMG_DCMTK_REJECT_HH

#include "dcmtk/guard.hh"

#include <string>

#include "dcmtk/dcmnet/assoc.h"

/* IMG_E_BUSY or IMG_E_REFUSED, with its reason (PS3.8 9.3.4). */
int img_rejected(T_ASC_Parameters *params, struct img_err *err);
/* What DCMTK says of it, without its further lines and its own parts. */
std::string img_plain_text(const OFCondition &rc);

#endif
