/* command.cc - command sets (PS3.7 6.3.1, E.1). */
#include "dcmtk/guard.hh"

#include "dcmtk/dcmdata/dctk.h"
#include "dcmtk/dcmdata/dcistrmb.h"
#include "dcmtk/dcmdata/dcostrmb.h"

#include <cstring>

#define NO_DATA_SET 0x0101

static uint32_t le(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

/* A command set has no sequences: what is nested never reaches a parser that
   recurses. */
static bool is_flat(const uint8_t *p, size_t n)
{
	while (n >= 8) {
		uint32_t length = le(p + 4, 4);

		if (le(p, 2) != 0 || length > n - 8)
			return false;
		p += 8 + length;
		n -= 8 + length;
	}
	return n == 0;
}

/* Which attributes carry the SOP class and instance: requests of DIMSE-N name
   what is requested, all others what is affected. */
static bool is_requested(uint16_t field)
{
	return field == IMG_N_ACTION_RQ;
}

static OFCondition put_uid(DcmDataset &d, const DcmTagKey &tag, const char *uid)
{
	return *uid ? d.putAndInsertString(tag, uid) : EC_Normal;
}

static OFCondition fill(DcmDataset &d, const struct img_command *c)
{
	bool answer = (c->field & IMG_DIMSE_RSP) != 0;
	bool cancel = c->field == IMG_C_CANCEL_RQ;
	OFCondition rc = d.putAndInsertUint16(DCM_CommandField, c->field);

	if (rc.good())
		rc = put_uid(d,
			     is_requested(c->field) ? DCM_RequestedSOPClassUID
						    : DCM_AffectedSOPClassUID,
			     c->sop_class);
	if (rc.good())
		rc = d.putAndInsertUint16(
			answer || cancel ? DCM_MessageIDBeingRespondedTo
					 : DCM_MessageID,
			c->message);
	if (rc.good() && !answer &&
	    (c->field == IMG_C_STORE_RQ || c->field == IMG_C_FIND_RQ))
		rc = d.putAndInsertUint16(DCM_Priority, c->priority);
	if (rc.good())
		rc = d.putAndInsertUint16(DCM_CommandDataSetType,
					  c->data ? 0 : NO_DATA_SET);
	if (rc.good() && answer)
		rc = d.putAndInsertUint16(DCM_Status, c->status);
	if (rc.good() && answer && *c->comment)
		rc = d.putAndInsertString(DCM_ErrorComment, c->comment);
	if (rc.good())
		rc = put_uid(d,
			     is_requested(c->field)
				     ? DCM_RequestedSOPInstanceUID
				     : DCM_AffectedSOPInstanceUID,
			     c->instance);
	if (rc.good() && (c->field & ~IMG_DIMSE_RSP) == IMG_N_EVENT_RQ)
		rc = d.putAndInsertUint16(DCM_EventTypeID, c->type);
	if (rc.good() && (c->field & ~IMG_DIMSE_RSP) == IMG_N_ACTION_RQ)
		rc = d.putAndInsertUint16(DCM_ActionTypeID, c->type);
	return rc;
}

int img_command_put(const struct img_command *c, struct img_buf *out,
		    struct img_err *err)
{
	return guard(err, [&] {
		char bytes[1024];
		DcmOutputBufferStream stream(bytes, sizeof(bytes));
		DcmDataset d;
		void *p = NULL;
		offile_off_t n = 0;
		OFCondition rc = fill(d, c);

		if (rc.good()) {
			d.transferInit();
			rc = d.write(stream, EXS_LittleEndianImplicit,
				     EET_ExplicitLength, NULL, EGL_recalcGL);
			d.transferEnd();
		}
		if (rc.bad())
			return img_dcmtk_fail(err, IMG_E_BUG, "command set",
					      rc);
		stream.flushBuffer(p, n);
		return img_buf_add(out, p, (size_t)n, err);
	});
}

static void get_uid(DcmDataset &d, const DcmTagKey &one, const DcmTagKey &other,
		    char out[65])
{
	const char *s = NULL;

	*out = '\0';
	if ((d.findAndGetString(one, s).bad() || !s) &&
	    (d.findAndGetString(other, s).bad() || !s))
		return;
	if (strlen(s) < 65)
		memcpy(out, s, strlen(s) + 1);
}

static uint16_t get_u16(DcmDataset &d, const DcmTagKey &tag, uint16_t absent)
{
	Uint16 v = 0;

	return d.findAndGetUint16(tag, v).good() ? v : absent;
}

static void take(DcmDataset &d, struct img_command *c)
{
	memset(c, 0, sizeof(*c));
	c->field = get_u16(d, DCM_CommandField, 0);
	c->message =
		get_u16(d,
			c->field & IMG_DIMSE_RSP ? DCM_MessageIDBeingRespondedTo
						 : DCM_MessageID,
			0);
	c->priority = get_u16(d, DCM_Priority, 0);
	c->data =
		get_u16(d, DCM_CommandDataSetType, NO_DATA_SET) != NO_DATA_SET;
	/* An answer that does not say how it went is no success. */
	c->status = get_u16(d, DCM_Status, 0xFFFF);
	c->type = get_u16(d, DCM_EventTypeID, get_u16(d, DCM_ActionTypeID, 0));
	get_uid(d, DCM_AffectedSOPClassUID, DCM_RequestedSOPClassUID,
		c->sop_class);
	get_uid(d, DCM_AffectedSOPInstanceUID, DCM_RequestedSOPInstanceUID,
		c->instance);
}

int img_command_get(struct img_command *c, const void *p, size_t n,
		    struct img_err *err)
{
	return guard(err, [&] {
		DcmInputBufferStream stream;
		DcmDataset d;
		OFCondition rc;

		if (n > IMG_COMMAND_MAX ||
		    !is_flat(static_cast<const uint8_t *>(p), n))
			return img_err_set(err, IMG_E_MALFORMED,
					   "the peer's command set is "
					   "malformed");
		stream.setBuffer(const_cast<void *>(p), (offile_off_t)n);
		stream.setEos();
		d.transferInit();
		rc = d.read(stream, EXS_LittleEndianImplicit);
		d.transferEnd();
		if (rc.bad())
			return img_dcmtk_fail(err, IMG_E_MALFORMED,
					      "the peer's command set", rc);
		take(d, c);
		return 0;
	});
}
