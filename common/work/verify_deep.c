/* verify_deep.c - what is inside an object: read whole, and judged. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "work/verify_private.h"

#define SIGNATURES IMG_TAG(0xFFFA, 0xFFFA) /* DigitalSignaturesSequence */

void verify_deep_release(struct deep *deep)
{
	img_dicom_reader_free(deep->reader);
	img_check_free(deep->check);
	img_codec_session_close(deep->session);
	phi_release(&deep->phi);
	free(deep->block);
	deep->block = NULL;
	deep->phi.phi = NULL;
	deep->session = NULL;
	deep->reader = NULL;
	deep->check = NULL;
}

static int ready(struct deep *deep, struct img_err *err)
{
	if (!deep->reader)
		deep->reader = img_dicom_reader_new(err);
	if (!deep->check)
		deep->check = img_check_new(err);
	return deep->reader && deep->check ? 0 : -1;
}

/* What says something about the object, and not about us. */
static bool is_verdict(enum img_code code)
{
	return code == IMG_E_NOT_DICOM || code == IMG_E_TRUNCATED ||
	       code == IMG_E_MALFORMED || code == IMG_E_LIMIT ||
	       code == IMG_E_UNSUPPORTED;
}

/* 0 read, 1 it cannot be read (why), -1. */
static int read_all(const struct img_verify *v, struct deep *deep, int fd,
		    uint64_t size, const char *name, struct img_err *why,
		    struct img_err *err)
{
	struct img_dicom_event ev;
	int rc = img_dicom_start_fd(deep->reader, fd, size, name,
				    &img_check_limits, why);

	while (rc >= 0 && (rc = img_dicom_next(deep->reader, &ev, why)) == 1) {
		deep->is_signed |= ev.tag == SIGNATURES;
		if (img_check_event(deep->check, deep->reader, &ev, why) < 0)
			rc = -1;
		else if (v->phi && phi_event(&deep->phi, deep->check,
					     deep->reader, &ev, why) < 0)
			rc = -1;
	}
	if (rc == 0)
		return 0;
	if (is_verdict(why->code))
		return 1;
	return img_err_set(err, why->code, "%s", why->text);
}

const char *verify_said(const struct img_err *why, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(why->text, name, n) == 0 &&
	    strncmp(why->text + n, ": ", 2) == 0)
		return why->text + n + 2;
	return why->text;
}

/* ---- the record --------------------------------------------------------- */

static int put_finding(const struct img_finding *f, struct img_buf *b,
		       struct img_err *err)
{
	if (img_json_open(b, '{', err) < 0 ||
	    img_json_put(b, "severity", f->error ? "error" : "warning", err) <
		    0 ||
	    img_json_put(b, "rule", f->rule, err) < 0 ||
	    img_json_put(b, "tag", f->where[0] ? f->where : NULL, err) < 0 ||
	    img_json_put(b, "text", f->text, err) < 0)
		return -1;
	return img_json_close(b, '}', err);
}

/* Where only identity was asked for, only that is told, and that not all of it
   could be searched. */
static bool is_told(const struct img_verify *v, const struct deep *deep,
		    const struct img_finding *f)
{
	return v->opts.deep || !v->phi || strncmp(f->rule, "phi", 3) == 0 ||
	       (img_check_facts(deep->check)->parse_failed && f->error &&
		!f->where[0]);
}

static int put_findings(const struct img_verify *v, const struct deep *deep,
			struct deep_out *out, struct img_err *err)
{
	const struct img_finding *f;
	struct img_buf *b = &out->extra;
	size_t total, n = img_check_findings(deep->check, &f, &total);
	bool all = v->opts.deep || !v->phi;

	for (size_t i = 0; i < n; i++) {
		out->error |= f[i].error && is_told(v, deep, &f[i]);
		out->deviates |= is_told(v, deep, &f[i]);
	}
	if (!out->deviates)
		return 0;
	if (img_json_key(b, "findings", err) < 0 ||
	    img_json_open(b, '[', err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (is_told(v, deep, &f[i]) && put_finding(&f[i], b, err) < 0)
			return -1;
	if (img_json_close(b, ']', err) < 0)
		return -1;
	return total > n && all
		       ? img_json_put_u64(b, "more_findings", total - n, err)
		       : 0;
}

static int put_digest(const char *key, const uint8_t *digest, struct img_buf *b,
		      struct img_err *err)
{
	char hex[IMG_DIGEST_HEX];

	img_hex(hex, digest, IMG_DIGEST_SIZE);
	return img_json_put(b, key, hex, err);
}

static int describe_out(const struct img_verify *v, const struct deep *deep,
			struct deep_out *out, struct img_err *err)
{
	out->facts = *img_check_facts(deep->check);
	out->doubtful = v->phi && deep->phi.weak && !deep->phi.strong;
	if (put_findings(v, deep, out, err) < 0)
		return -1;
	if (out->facts.complete && (v->opts.deep || !v->phi) &&
	    put_digest("data_digest", out->facts.data, &out->extra, err) < 0)
		return -1;
	out->done = true;
	return 0;
}

/* What lies about the data set may hold something, too. */
static int search_around(struct deep *deep, int fd, uint64_t size,
			 const char *name, struct img_err *err)
{
	const struct img_dicom_facts *facts = img_dicom_facts(deep->reader);
	uint8_t bytes[65536];
	ssize_t n = img_pread_full(fd, bytes, 128, 0);

	if (n == 128)
		phi_bytes(&deep->phi, deep->check, "preamble", bytes, 128);
	if (n >= 0 && !facts->deflated && facts->end < size) {
		n = img_pread_full(fd, bytes, sizeof(bytes), (off_t)facts->end);
		if (n > 0)
			phi_bytes(&deep->phi, deep->check, "after the end",
				  bytes, (size_t)n);
	}
	return n < 0 ? img_err_sys(err, "%s", name) : 0;
}

int verify_deep(struct img_verify *v, struct deep *deep, int fd,
		const char *name, struct deep_out *out, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	const struct img_dicom_facts *facts;
	struct stat st;
	int rc;

	if (ready(deep, err) < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return img_err_sys(err, "%s", name);
	img_check_start(deep->check);
	deep->is_signed = false;
	if (v->phi)
		phi_start(&deep->phi, v->phi);
	rc = read_all(v, deep, fd, (uint64_t)st.st_size, name, &why, err);
	if (rc < 0)
		return -1;
	if (rc)
		memmove(why.text, verify_said(&why, name),
			strlen(verify_said(&why, name)) + 1);
	facts = img_dicom_facts(deep->reader);
	if (img_check_end(deep->check, rc ? NULL : facts, &why, err) < 0)
		return -1;
	if (rc == 0)
		memcpy(out->ts, facts->transfer_syntax, sizeof(out->ts));
	if (rc == 0 && v->codec &&
	    (img_check_facts(deep->check)->has_pixels
		     ? verify_pixels(v, deep, fd, name, out, err)
		     : img_json_put_u64(&out->extra, "frames", 0, err)) < 0)
		return -1;
	if (rc == 0 && deep->is_signed && v->signatures &&
	    verify_signatures(v, deep, fd, out, err) < 0)
		return -1;
	if (rc == 0 && v->phi &&
	    search_around(deep, fd, (uint64_t)st.st_size, name, err) < 0)
		return -1;
	return describe_out(v, deep, out, err);
}
