/* verify_signatures.c - digital signatures in an object, each with its
   verdict. */
#include <stdio.h>
#include <string.h>

#include "work/verify_private.h"

static const char *const words[] = { [IMG_SIGNED_VALID] = "valid",
				     [IMG_SIGNED_BROKEN] = "broken",
				     [IMG_SIGNED_UNKNOWN] =
					     "unknown-certificate",
				     [IMG_SIGNED_UNSUPPORTED] = "unsupported" };

static int put_one(const struct img_signature *s, struct img_buf *b,
		   struct img_err *err)
{
	if (img_json_open(b, '{', err) < 0 ||
	    img_json_put(b, "verdict", words[s->verdict], err) < 0 ||
	    img_json_put(b, "tag", s->where, err) < 0 ||
	    img_json_put(b, "uid", *s->uid ? s->uid : NULL, err) < 0 ||
	    img_json_put(b, "mac", *s->mac ? s->mac : NULL, err) < 0 ||
	    (s->elements &&
	     img_json_put_u64(b, "elements", s->elements, err) < 0) ||
	    img_json_put(b, "text", *s->text ? s->text : NULL, err) < 0)
		return -1;
	return img_json_close(b, '}', err);
}

static int put_all(const struct img_signature *s, size_t n, struct img_buf *b,
		   struct img_err *err)
{
	if (img_json_key(b, "signatures", err) < 0 ||
	    img_json_open(b, '[', err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (put_one(&s[i], b, err) < 0)
			return -1;
	return img_json_close(b, ']', err);
}

/* One that nobody vouches for deviates only where somebody was asked. */
static void find(struct img_check *c, const struct img_signature *s, bool asked)
{
	bool broken = s->verdict == IMG_SIGNED_BROKEN;

	if (broken || s->verdict == IMG_SIGNED_UNSUPPORTED ||
	    (asked && s->verdict == IMG_SIGNED_UNKNOWN))
		img_check_add(c, broken, "signature", s->where,
			      "a digital signature: %s", s->text);
}

int verify_signatures(struct img_verify *v, struct deep *deep, int fd,
		      struct deep_out *out, struct img_err *err)
{
	struct img_signature s[IMG_SIGNATURES];
	struct img_err why = IMG_ERR_INIT;
	size_t total = 0, n;

	if (img_signatures_check(v->signatures, fd, s, &total, &why) < 0) {
		if (why.code == IMG_E_NOMEM || why.code == IMG_E_IO)
			return img_err_set(err, why.code, "%s", why.text);
		img_check_add(deep->check, false, "signature", "(fffa,fffa)",
			      "digital signatures: %s", why.text);
		return 0;
	}
	n = total < IMG_SIGNATURES ? total : IMG_SIGNATURES;
	for (size_t i = 0; i < n; i++)
		find(deep->check, &s[i], v->opts.ca != NULL);
	if (total > n)
		img_check_add(deep->check, false, "signature", "",
			      "%zu digital signatures more than are checked",
			      total - n);
	return n ? put_all(s, n, &out->extra, err) : 0;
}
