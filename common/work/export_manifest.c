/* export_manifest.c - MANIFEST.TXT: what lies there, with its digests, in the
   form that cksum -c of coreutils 9 reads. */
#include <stdlib.h>
#include <string.h>

#include "work/export_private.h"

/* A digest lists as the length that b2sum wants: BLAKE2b-256. */
static int line(struct img_buf *b, const char *name,
		const uint8_t digest[IMG_DIGEST_SIZE],
		const uint8_t sha256[IMG_DIGEST_SIZE], struct img_err *err)
{
	char one[IMG_DIGEST_HEX], two[IMG_DIGEST_HEX];

	img_hex(one, digest, IMG_DIGEST_SIZE);
	img_hex(two, sha256, IMG_DIGEST_SIZE);
	return img_buf_printf(b, err,
			      "BLAKE2b-256 (%s) = %s\nSHA256 (%s) = %s\n", name,
			      one, name, two);
}

int export_manifest(struct img_export *x, struct export_volume *v,
		    struct img_err *err)
{
	struct img_buf b;
	int rc;

	img_buf_init(&b, (size_t)1 << 30);
	rc = img_buf_puts(&b,
			  "# imgexport " IMG_VERSION
			  ": cksum -c MANIFEST.TXT compares\n",
			  err);
	for (size_t i = 0; rc == 0 && i < v->extras; i++)
		rc = line(&b, v->extra[i].name, v->extra[i].digest,
			  v->extra[i].sha256, err);
	for (size_t i = 0; rc == 0 && i < x->items; i++)
		if (x->item[i].state == EX_WRITTEN && !x->item[i].files &&
		    x->item[i].volume == v->number)
			rc = line(&b, x->item[i].out, x->item[i].digest,
				  x->item[i].sha256, err);
	if (rc == 0)
		rc = export_extra(x, v, "MANIFEST.TXT", b.data, b.len, err);
	img_buf_release(&b);
	return rc;
}
