/* verify_file.c - a verdict on what is in no catalog of ours: a file that a
   record names, as imganon has written it, against the record's digest. */
#include "store/store.h"
#include "work/verify.h"

static int compare(const struct img_record *rec,
		   const uint8_t digest[IMG_DIGEST_SIZE],
		   struct img_record *out, struct img_err *err)
{
	static const char *const words[] = { [IMG_INTACT] = "intact",
					     [IMG_DAMAGED] = "damaged",
					     [IMG_MISSING] = "missing" };
	enum img_fixity fixity;

	if (img_store_verify_path(rec->path, digest, true, &fixity, err) < 0)
		return -1;
	*out = *rec;
	out->in = NULL;
	out->status = words[fixity];
	out->reason = fixity == IMG_DAMAGED
			      ? "its bytes are not those of the record"
		      : fixity == IMG_MISSING ? "no such file"
					      : NULL;
	return 0;
}

int img_verify_unlisted(const struct img_record *rec, const char *name,
			struct img_record *out, struct img_err *err)
{
	uint8_t digest[IMG_DIGEST_SIZE];

	if (rec && rec->path && rec->digest &&
	    img_unhex(digest, sizeof(digest), rec->digest))
		return compare(rec, digest, out, err);
	img_record_init(out);
	out->status = "missing";
	out->path = name;
	out->reason = "not in the catalog";
	if (rec) {
		out->study = rec->study;
		out->series = rec->series;
		out->sop = rec->sop;
	}
	return 0;
}
