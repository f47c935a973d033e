/* receive_same.c - whether what came is in the archive already, behind other
   file meta information: on the network there is none, and each program that
   writes a file makes its own. */
#include <string.h>
#include <unistd.h>

#include "work/receive_private.h"

#define BLOCK 65536

/* Both files from these offsets on to their ends. */
static bool same_bytes(int a, uint64_t at_a, int b, uint64_t at_b, uint64_t n)
{
	static uint8_t x[BLOCK], y[BLOCK];

	while (n) {
		size_t part = n < BLOCK ? (size_t)n : BLOCK;

		if (img_pread_full(a, x, part, (off_t)at_a) != (ssize_t)part ||
		    img_pread_full(b, y, part, (off_t)at_b) != (ssize_t)part ||
		    memcmp(x, y, part) != 0)
			return false;
		at_a += part;
		at_b += part;
		n -= part;
	}
	return true;
}

static bool skip_meta(struct img_dicom_reader *in, struct img_err *err)
{
	struct img_dicom_event ev;

	do
		if (img_dicom_next(in, &ev, err) <= 0)
			return false;
	while (ev.meta);
	return true;
}

/* Whether the object has the data set that fd has from offset dataset on. */
static bool has_data_set(struct assoc *s, const struct img_object *o, int fd)
{
	const struct item *it = &s->chunk.item[0];
	struct img_receive *r = s->r;
	struct img_err err = IMG_ERR_INIT;
	uint64_t dataset, n = it->in.bytes - s->dataset;
	bool same = false;
	int old;

	if (o->place)
		return false; /* a file of somebody else's promises nothing */
	old = img_store_get(r->g->store, o->digest, &err);
	if (old < 0)
		return false;
	/* Where the data set begins is known with its first element. */
	if (img_dicom_start_fd(r->reader, old, o->bytes, "object", NULL,
			       &err) == 0 &&
	    skip_meta(r->reader, &err)) {
		dataset = img_dicom_facts(r->reader)->dataset;
		same = dataset < o->bytes && o->bytes - dataset == n &&
		       same_bytes(old, dataset, fd, s->dataset, n);
	}
	close(old);
	return same;
}

void receive_same(struct assoc *s)
{
	struct img_ingest *g = s->r->g;
	struct item *it = &s->chunk.item[0];
	int syntax = img_catalog_field("TransferSyntaxUID");
	struct img_err err = IMG_ERR_INIT;
	struct img_put put;
	struct img_object o;
	int fd;

	if (it->outcome != OBJECT ||
	    img_catalog_judge(g->catalog, &it->in, &put, &err) < 0 ||
	    put.verdict != IMG_CONFLICT)
		return;
	fd = img_store_reopen(g->store, &it->file, &err);
	for (int64_t n = 0;
	     fd >= 0 &&
	     img_catalog_object(g->catalog, put.instance, n, &o, &err) > 0;
	     n++) {
		if (!o.transfer_syntax || !it->in.field[syntax] ||
		    strcmp(o.transfer_syntax, it->in.field[syntax]) != 0 ||
		    !has_data_set(s, &o, fd))
			continue;
		img_store_drop(g->store, &it->file);
		it->outcome = KNOWN;
		memcpy(it->in.digest, o.digest, sizeof(it->in.digest));
		it->in.bytes = o.bytes;
		break;
	}
	if (fd >= 0)
		close(fd);
}
