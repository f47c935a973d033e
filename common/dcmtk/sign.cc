/* sign.cc - digital signatures in objects, by DCMTK's dcmdsig. */
#include "dcmtk/guard.hh"

#include "dcmtk/dcmdata/dcistrmb.h"
#include "dcmtk/dcmdata/dctk.h"
#include "dcmtk/dcmdata/dcvrat.h"
#include "dcmtk/dcmdata/dcvrdt.h"
#include "dcmtk/dcmsign/dcsignat.h"
#include "dcmtk/dcmsign/sicert.h"
#include "dcmtk/dcmsign/sitypes.h"

#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <unistd.h>

/* Of the process: a worker inherits it. */
static X509_STORE *trusted;

static int prepare(const char *ca, struct img_err *err)
{
	static const char *const macs[] = { "RIPEMD160", "SHA1",   "MD5",
					    "SHA256",    "SHA384", "SHA512" };
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n;

	DcmSignature::initializeLibrary();
	dcmEnableAutomaticInputDataCorrection.set(OFFalse);
	/* OpenSSL finds its algorithms when they are used first. */
	for (const char *mac : macs) {
		const EVP_MD *type = EVP_get_digestbyname(mac);

		if (type)
			(void)EVP_Digest("", 0, md, &n, type, NULL);
	}
	if (!ca)
		return 0;
	if (access(ca, R_OK) < 0)
		return img_err_sys(err, "%s", ca);
	trusted = X509_STORE_new();
	if (!trusted || X509_STORE_load_file(trusted, ca) != 1)
		return img_err_set(err, IMG_E_IO,
				   "%s: has no certificates (PEM)", ca);
	return 0;
}

int img_dcmtk_signatures_prepare(const char *ca, struct img_err *err)
{
	if (img_dcmtk_prepare(err) < 0)
		return -1;
	return guard(err, [&] { return prepare(ca, err); });
}

/* ---- one signature ------------------------------------------------------- */

static void say(struct img_signature *out, enum img_signed verdict,
		const char *text)
{
	out->verdict = verdict;
	std::snprintf(out->text, sizeof(out->text), "%s", text);
}

static const struct {
	const OFConditionConst &condition;
	enum img_signed verdict;
	const char *text;
} failures[] = {
	{ SI_EC_VerificationFailed_Corrupted, IMG_SIGNED_BROKEN,
	  "what was signed was changed" },
	{ SI_EC_VerificationFailed_NoMAC, IMG_SIGNED_BROKEN,
	  "its MAC parameters are not there" },
	{ SI_EC_VerificationFailed_NoSignature, IMG_SIGNED_BROKEN,
	  "it is incomplete" },
	{ SI_EC_VerificationFailed_NoDataElementsSigned, IMG_SIGNED_BROKEN,
	  "it does not say which elements it is about" },
	{ SI_EC_VerificationFailed_AttributeNotSignable, IMG_SIGNED_BROKEN,
	  "it is about what cannot be signed" },
	{ SI_EC_VerificationFailed_NoCertificate, IMG_SIGNED_UNSUPPORTED,
	  "its certificate is not there, or cannot be read" },
	{ SI_EC_VerificationFailed_UnsupportedMACAlgorithm,
	  IMG_SIGNED_UNSUPPORTED, "its MAC algorithm is not known here" },
	{ SI_EC_UnsupportedMAC, IMG_SIGNED_UNSUPPORTED,
	  "its MAC algorithm is not known here" },
	{ SI_EC_WrongTransferSyntax, IMG_SIGNED_UNSUPPORTED,
	  "it was made in a transfer syntax that cannot be had here" },
	/* These come after the signature itself was found to fit. */
	{ SI_EC_VerificationFailed_CertExpiredAtSignature, IMG_SIGNED_UNKNOWN,
	  "its certificate had expired when it was made" },
	{ SI_EC_VerificationFailed_CertNotYetValidAtSig, IMG_SIGNED_UNKNOWN,
	  "its certificate was not valid yet when it was made" },
	{ SI_EC_EllipticCurveNotSupported, IMG_SIGNED_UNSUPPORTED,
	  "its key is not known here" },
};

static void say_why(struct img_signature *out, const OFCondition &cond)
{
	for (const auto &f : failures)
		if (cond == f.condition) {
			say(out, f.verdict, f.text);
			return;
		}
	std::snprintf(out->text, sizeof(out->text),
		      "it cannot be checked (DCMTK %04x:%04x)", cond.module(),
		      cond.code());
	out->verdict = IMG_SIGNED_UNSUPPORTED;
}

/* When it says that it was made; 0 if it does not. */
static time_t made_at(DcmSignature &s)
{
	DcmDateTime *at = s.getCurrentSignatureDateTime();
	OFDateTime when;
	struct tm tm = {};
	double zone;

	if (!at || at->getOFDateTime(when).bad())
		return 0;
	tm.tm_year = static_cast<int>(when.getDate().getYear()) - 1900;
	tm.tm_mon = static_cast<int>(when.getDate().getMonth()) - 1;
	tm.tm_mday = static_cast<int>(when.getDate().getDay());
	tm.tm_hour = static_cast<int>(when.getTime().getHour());
	tm.tm_min = static_cast<int>(when.getTime().getMinute());
	tm.tm_sec = when.getTime().getIntSecond();
	zone = when.getTime().getTimeZone();
	return timegm(&tm) - static_cast<time_t>(zone * 3600);
}

/*
 * Years later a certificate may have expired, and the signature is as good as
 * it was: it is judged by the time that it says it was made at.
 */
static void judge_certificate(DcmSignature &s, struct img_signature *out)
{
	SiCertificate *certificate = s.getCurrentCertificate();
	X509 *x = certificate ? certificate->getRawCertificate() : NULL;
	std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> c(
		X509_STORE_CTX_new(), X509_STORE_CTX_free);
	time_t at = made_at(s);

	say(out, IMG_SIGNED_UNKNOWN, "no authority is trusted");
	if (!trusted)
		return;
	if (!x || !c || X509_STORE_CTX_init(c.get(), trusted, x, NULL) != 1) {
		say(out, IMG_SIGNED_UNSUPPORTED,
		    "its certificate cannot be checked");
		return;
	}
	if (at)
		X509_STORE_CTX_set_time(c.get(), 0, at);
	if (X509_verify_cert(c.get()) == 1)
		say(out, IMG_SIGNED_VALID, "");
	else
		say(out, IMG_SIGNED_UNKNOWN,
		    X509_verify_cert_error_string(
			    X509_STORE_CTX_get_error(c.get())));
}

/* What is in the object is told in characters that do no harm. */
static void copy(char *out, size_t size, const OFString &text)
{
	std::snprintf(out, size, "%s", text.c_str());
	for (; *out; out++)
		if (*out < ' ' || *out > '~')
			*out = '?';
}

static void describe(DcmSignature &s, struct img_signature *out)
{
	DcmAttributeTag tags(DCM_DataElementsSigned);
	OFString text;

	if (s.getCurrentSignatureUID(text).good())
		copy(out->uid, sizeof(out->uid), text);
	if (s.getCurrentMacName(text).good())
		copy(out->mac, sizeof(out->mac), text);
	if (s.getCurrentDataElementsSigned(tags).good())
		out->elements = static_cast<uint32_t>(tags.getVM());
}

static void check(DcmSignature &s, unsigned long i, struct img_signature *out)
{
	OFCondition cond = s.selectSignature(i);

	if (cond.good()) {
		describe(s, out);
		cond = s.verifyCurrent();
	}
	if (cond.good())
		judge_certificate(s, out);
	else
		say_why(out, cond);
}

/* ---- all of an object ---------------------------------------------------- */

/* The sequences around the item, as findings name places. */
static void place(const DcmStack &stack, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	for (unsigned long i = stack.card(); i-- > 0;) {
		DcmObject *o = stack.elem(i);

		if (!o || o->ident() != EVR_SQ || at + 13 >= size ||
		    o->getTag() == DCM_DigitalSignaturesSequence)
			continue;
		at += static_cast<size_t>(
			std::snprintf(out + at, size - at, "(%04x,%04x)/",
				      o->getGTag(), o->getETag()));
	}
	std::snprintf(out + at, size - at, "(fffa,fffa)");
}

static int check_all(DcmDataset &dataset, struct img_signature *out, size_t max,
		     size_t *total)
{
	DcmStack stack;
	DcmItem *item = DcmSignature::findFirstSignatureItem(dataset, stack);

	for (*total = 0; item;
	     item = DcmSignature::findNextSignatureItem(dataset, stack)) {
		DcmSignature s;

		s.attach(item);
		for (unsigned long i = 0; i < s.numberOfSignatures(); i++) {
			struct img_signature *one;

			if ((*total)++ >= max)
				continue;
			one = &out[*total - 1];
			std::memset(one, 0, sizeof(*one));
			place(stack, one->where, sizeof(one->where));
			check(s, i, one);
		}
		s.detach();
	}
	return 0;
}

int img_dcmtk_signatures(const void *p, size_t n, struct img_signature *out,
			 size_t max, size_t *total, struct img_err *err)
{
	return guard(err, [&] {
		DcmInputBufferStream stream;
		DcmFileFormat file;
		OFCondition cond;

		stream.setBuffer(p, static_cast<offile_off_t>(n));
		stream.setEos();
		file.transferInit();
		cond = file.read(stream);
		file.transferEnd();
		if (cond.bad())
			return img_dcmtk_fail(err, IMG_E_UNSUPPORTED,
					      "cannot be read for its "
					      "signatures",
					      cond);
		return check_all(*file.getDataset(), out, max, total);
	});
}
