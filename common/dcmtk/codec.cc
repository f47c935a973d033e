/*
 * codec.cc - single frames of RLE, JPEG and JPEG-LS, by DCMTK's codecs.
 *
 * The codec classes are called one by one, with a data set that holds the
 * image's attributes and nothing else: nothing is registered, and the codecs
 * change nothing that outlives the call.
 */
#include "dcmtk/guard.hh"

#include "dcmtk/dcmdata/dcrleccd.h"
#include "dcmtk/dcmdata/dcrlecce.h"
#include "dcmtk/dcmdata/dcrlecp.h"
#include "dcmtk/dcmdata/dcrlerp.h"
#include "dcmtk/dcmdata/dcpxitem.h"
#include "dcmtk/dcmdata/dctk.h"
#include "dcmtk/dcmjpeg/djcparam.h"
#include "dcmtk/dcmjpeg/djdeclol.h"
#include "dcmtk/dcmjpeg/djeijg16.h"
#include "dcmtk/dcmjpeg/djeijg8.h"
#include "dcmtk/dcmjpls/djcodecd.h"
#include "dcmtk/dcmjpls/djcodece.h"
#include "dcmtk/dcmjpls/djcparam.h"
#include "dcmtk/dcmjpls/djrparam.h"

#include "dcmtk/warnings.hh"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

enum kind { NONE, RLE, JPEG, JPEG_LOSSLESS, JPEG_LS };

static const struct {
	const char *ts;
	enum kind kind;
	bool encodes;
} table[] = {
	{ "1.2.840.10008.1.2.5", RLE, true },
	{ "1.2.840.10008.1.2.4.50", JPEG, false },
	{ "1.2.840.10008.1.2.4.51", JPEG, false },
	{ "1.2.840.10008.1.2.4.53", JPEG, false },
	{ "1.2.840.10008.1.2.4.55", JPEG, false },
	{ "1.2.840.10008.1.2.4.57", JPEG_LOSSLESS, false },
	{ "1.2.840.10008.1.2.4.70", JPEG_LOSSLESS, true },
	{ "1.2.840.10008.1.2.4.80", JPEG_LS, true },
	{ "1.2.840.10008.1.2.4.81", JPEG_LS, false },
};

static enum kind kind_of(const char *ts, bool encode)
{
	for (const auto &row : table)
		if (std::strcmp(row.ts, ts) == 0)
			return !encode || row.encodes ? row.kind : NONE;
	return NONE;
}

int img_dcmtk_prepare(struct img_err *err)
{
	return guard(err, [&] {
		img_dcmtk_watch();
		return img_dcmtk_dictionary(err);
	});
}

/* What is wrong with a frame, unless it was memory.  A value that got none is
   looked for in a stream later, and there is no stream here. */
static int fail(struct img_err *err, enum img_code code, const char *what,
		const OFCondition &cond)
{
	if (cond == EC_MemoryExhausted || cond == EC_InvalidStream)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	return img_dcmtk_fail(err, code, what, cond);
}

/* What the codecs look up.  Color by pixel, whatever the object says: the
   codecs then give and take that. */
static OFCondition describe(DcmItem &item, const struct img_dcmtk_image *image)
{
	const struct {
		DcmTagKey tag;
		uint32_t value;
	} numbers[] = {
		{ DCM_SamplesPerPixel, image->samples },
		{ DCM_Rows, image->rows },
		{ DCM_Columns, image->columns },
		{ DCM_BitsAllocated, image->allocated },
		{ DCM_BitsStored, image->stored },
		{ DCM_HighBit, image->high },
		{ DCM_PixelRepresentation, image->representation },
		{ DCM_PlanarConfiguration, 0 },
	};
	OFCondition cond;

	for (const auto &n : numbers) {
		if (n.value > 65535)
			return EC_IllegalParameter;
		cond = item.putAndInsertUint16(n.tag, Uint16(n.value));
		if (cond.bad())
			return cond;
	}
	/* The codecs want one; where it matters, it is there. */
	const char *model = image->photometric[0] ? image->photometric
			    : image->samples == 1 ? "MONOCHROME2"
						  : "RGB";

	return item.putAndInsertString(DCM_PhotometricInterpretation, model);
}

static bool is_ybr(const struct img_dcmtk_image *image)
{
	return std::strncmp(image->photometric, "YBR_FULL", 8) == 0 ||
	       std::strncmp(image->photometric, "YBR_PARTIAL", 11) == 0;
}

/* ---- decoding ----------------------------------------------------------- */

static OFCondition decode(enum kind kind, DcmPixelSequence &frame,
			  DcmItem &item, void *out, Uint32 size,
			  OFString &model)
{
	Uint32 first = 1;

	switch (kind) {
	case RLE: {
		DcmRLECodecParameter param;
		DcmRLECodecDecoder codec;

		return codec.decodeFrame(NULL, &frame, &param, &item, 0, first,
					 out, size, model);
	}
	case JPEG:
	case JPEG_LOSSLESS: {
		/* A lossless process gives its samples as they are (PS3.5
		   8.2.1): a conversion would round them. */
		DJCodecParameter param(ECC_lossyYCbCr,
				       kind == JPEG
					       ? EDC_photometricInterpretation
					       : EDC_never,
				       EUC_never, EPC_colorByPixel);
		DJDecoderLossless codec; /* takes any process and precision */

		return codec.decodeFrame(NULL, &frame, &param, &item, 0, first,
					 out, size, model);
	}
	case JPEG_LS: {
		DJLSCodecParameter param(EJLSUC_never, EJLSPC_colorByPixel);
		DJLSLosslessDecoder codec; /* reads near-lossless too */

		return codec.decodeFrame(NULL, &frame, &param, &item, 0, first,
					 out, size, model);
	}
	default:
		return EC_IllegalCall;
	}
}

/* A pixel sequence of an empty offset table and one fragment. */
static OFCondition one_fragment(DcmPixelSequence &frame, const void *p,
				size_t n)
{
	OFCondition cond;

	for (int i = 0; i < 2; i++) {
		auto part = new DcmPixelItem(DCM_PixelItemTag);

		cond = frame.insert(part);
		if (cond.bad()) {
			delete part;
			return cond;
		}
		if (i == 1)
			cond = part->putUint8Array(
				static_cast<const Uint8 *>(p), Uint32(n));
	}
	return cond;
}

int img_dcmtk_decode(const char *ts, struct img_dcmtk_image *image,
		     const void *p, size_t n, void *out, size_t size,
		     struct img_err *err)
{
	return guard(err, [&] {
		enum kind kind = kind_of(ts, false);
		DcmPixelSequence frame(DCM_PixelSequenceTag);
		DcmItem item;
		OFString model;
		OFCondition cond;

		if (kind == NONE)
			return img_err_set(err, IMG_E_UNSUPPORTED,
					   "no decoder for this transfer "
					   "syntax");
		if (n == 0 || n > 0xFFFFFFF0u || size > 0xFFFFFFF0u)
			return img_err_set(err, IMG_E_LIMIT,
					   "size of a coded frame");
		cond = describe(item, image);
		if (cond.good())
			cond = one_fragment(frame, p, n);
		if (cond.bad())
			return fail(err, IMG_E_BUG, "coded frame", cond);
		img_dcmtk_watch();
		cond = decode(kind, frame, item, out, Uint32(size), model);
		if (cond.bad())
			return fail(err, IMG_E_MALFORMED, "cannot be decoded",
				    cond);
		if (img_dcmtk_saw_damage())
			return img_err_set(err, IMG_E_MALFORMED,
					   "coded data is damaged");
		image->planar = 0;
		if (image->samples == 3 && kind == JPEG && is_ybr(image))
			std::snprintf(image->photometric,
				      sizeof(image->photometric), "RGB");
		else if (std::strcmp(image->photometric, "YBR_FULL_422") == 0)
			std::snprintf(image->photometric,
				      sizeof(image->photometric), "YBR_FULL");
		return 0;
	});
}

/* ---- encoding ----------------------------------------------------------- */

/* Hands over coded bytes as memory of malloc, padded to an even length. */
static int give(const Uint8 *p, size_t n, uint8_t **out, size_t *len,
		struct img_err *err)
{
	auto copy = static_cast<uint8_t *>(std::malloc(n + 1));

	if (!copy)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	std::memcpy(copy, p, n);
	copy[n] = 0; /* PS3.5 A.4 */
	*out = copy;
	*len = n + (n & 1);
	return 0;
}

static int encode_jpeg(const struct img_dcmtk_image *image, const void *p,
		       uint8_t **out, size_t *len, struct img_err *err)
{
	DJCodecParameter param(ECC_lossyYCbCr, EDC_never, EUC_never,
			       EPC_colorByPixel, OFFalse, OFFalse, OFFalse,
			       OFTrue);
	/* Not converted: the names only say how many samples there are. */
	EP_Interpretation model =
		image->samples == 1 ? EPI_Monochrome2 : EPI_RGB;
	auto in = const_cast<void *>(p); /* read only */
	Uint8 *coded = NULL;
	Uint32 n = 0;
	OFCondition cond;
	int rc;

	if (image->allocated == 8) {
		DJCompressIJG8Bit jpeg(param, EJM_lossless, 1, 0);

		cond = jpeg.encode(Uint16(image->columns), Uint16(image->rows),
				   model, image->samples,
				   static_cast<Uint8 *>(in), coded, n);
	} else {
		DJCompressIJG16Bit jpeg(param, EJM_lossless, 1, 0);

		cond = jpeg.encode(Uint16(image->columns), Uint16(image->rows),
				   model, image->samples,
				   static_cast<Uint16 *>(in), coded, n);
	}
	if (cond.bad())
		rc = fail(err, IMG_E_UNSUPPORTED, "cannot be encoded", cond);
	else
		rc = give(coded, n, out, len, err);
	delete[] coded;
	return rc;
}

static OFCondition encode(enum kind kind, DcmStack &stack, const void *p,
			  Uint32 n, DcmPixelSequence *&frame)
{
	auto in = static_cast<const Uint16 *>(p);
	OFBool remove = OFFalse;

	if (kind == RLE) {
		DcmRLECodecParameter param;
		DcmRLERepresentationParameter how;
		DcmRLECodecEncoder codec;

		return codec.encode(in, n, &how, frame, &param, stack, remove);
	}
	/* Raw: all bits allocated are kept as they are. */
	DJLSCodecParameter param(OFFalse, 0, 0, 0, 0, 0, OFFalse, EJLSUC_never,
				 OFFalse, EJLSPC_colorByPixel, OFFalse,
				 DJLSCodecParameter::interleaveLine, OFTrue);
	DJLSRepresentationParameter how(0, OFTrue);
	DJLSLosslessEncoder codec;

	return codec.encode(in, n, &how, frame, &param, stack, remove);
}

static int encode_sequence(enum kind kind, const struct img_dcmtk_image *image,
			   const void *p, size_t n, uint8_t **out, size_t *len,
			   struct img_err *err)
{
	DcmItem item;
	DcmPixelData pixels(DCM_PixelData);
	DcmPixelSequence *raw = NULL;
	DcmPixelItem *part = NULL;
	Uint8 *coded = NULL;
	DcmStack stack;
	OFCondition cond = describe(item, image);

	stack.push(&item);
	stack.push(&pixels);
	if (cond.good())
		cond = encode(kind, stack, p, Uint32(n), raw);
	std::unique_ptr<DcmPixelSequence> frame(raw);
	if (cond.good())
		cond = frame->getItem(part, 1);
	if (cond.good())
		cond = part->getUint8Array(coded);
	if (cond.bad() || !coded)
		return fail(err, IMG_E_UNSUPPORTED, "cannot be encoded", cond);
	return give(coded, part->getLength(), out, len, err);
}

int img_dcmtk_encode(const char *ts, struct img_dcmtk_image *image,
		     const void *p, size_t n, uint8_t **out, size_t *len,
		     struct img_err *err)
{
	return guard(err, [&] {
		enum kind kind = kind_of(ts, true);

		if (kind == NONE)
			return img_err_set(err, IMG_E_UNSUPPORTED,
					   "no encoder for this transfer "
					   "syntax");
		if (n == 0 || n > 0xFFFFFFF0u || image->rows > 65535 ||
		    image->columns > 65535)
			return img_err_set(err, IMG_E_LIMIT, "size of a frame");
		if (kind != RLE &&
		    ((image->samples != 1 && image->samples != 3) ||
		     (image->allocated != 8 && image->allocated != 16)))
			return img_err_set(err, IMG_E_UNSUPPORTED,
					   "%u samples of %u bits cannot be "
					   "encoded",
					   image->samples, image->allocated);
		image->planar = 0;
		if (kind == JPEG_LOSSLESS)
			return encode_jpeg(image, p, out, len, err);
		return encode_sequence(kind, image, p, n, out, len, err);
	});
}
