/* reject.cc - why there is no association. */
#include "dcmtk/reject.hh"

#include <cstring>

static const char *reason_of(const T_ASC_RejectParameters &rj)
{
	switch (rj.reason) {
	case ASC_REASON_SU_APPCONTEXTNAMENOTSUPPORTED:
		return "it does not know DICOM's application context";
	case ASC_REASON_SU_CALLINGAETITLENOTRECOGNIZED:
		return "it does not know our AE title";
	case ASC_REASON_SU_CALLEDAETITLENOTRECOGNIZED:
		return "it is not called by that AE title";
	case ASC_REASON_SP_ACSE_PROTOCOLVERSIONNOTSUPPORTED:
		return "it speaks another version of the protocol";
	case ASC_REASON_SP_PRES_TEMPORARYCONGESTION:
		return "it has too much to do";
	case ASC_REASON_SP_PRES_LOCALLIMITEXCEEDED:
		return "it has too many associations";
	default:
		return "it gives no reason";
	}
}

int img_rejected(T_ASC_Parameters *params, struct img_err *err)
{
	T_ASC_RejectParameters rj;

	ASC_getRejectParameters(params, &rj);
	return img_err_set(
		err,
		rj.result == ASC_RESULT_REJECTEDTRANSIENT ? IMG_E_BUSY
							  : IMG_E_REFUSED,
		"the peer rejects the association: %s", reason_of(rj));
}

std::string img_plain_text(const OFCondition &rc)
{
	static const char part[] = "TCP Initialization Error: ";
	const char *text = rc.text();

	if (strncmp(text, part, sizeof(part) - 1) == 0)
		text += sizeof(part) - 1;
	return std::string(text, strcspn(text, "\n"));
}
