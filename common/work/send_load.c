/* send_load.c - an object read and checked before it leaves. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/inputs.h"
#include "work/send_private.h"

#define DICOMDIR_CLASS "1.2.840.10008.1.3.10"
#define EXPLICIT_LE    "1.2.840.10008.1.2.1"
#define BLOCK          (1u << 20)

/* ---- what the header says --------------------------------------------- */

enum {
	P_META_CLASS,
	P_META_SOP,
	P_DIRECTORY,
	P_CLASS,
	P_SOP,
	P_MODALITY,
	P_STUDY,
	P_SERIES,
	P_COUNT
};
static const uint32_t tags[P_COUNT] = {
	IMG_TAG(0x0002, 0x0002), IMG_TAG(0x0002, 0x0003),
	IMG_TAG(0x0004, 0x1220), IMG_TAG(0x0008, 0x0016),
	IMG_TAG(0x0008, 0x0018), IMG_TAG(0x0008, 0x0060),
	IMG_TAG(0x0020, 0x000D), IMG_TAG(0x0020, 0x000E)
};

/* A value without its padding; false, and empty, when it does not fit. */
static bool text_of(const struct img_dicom_pick *v, char *out, size_t size)
{
	size_t n = v->p ? v->length : 0;
	bool fits;

	while (n && (v->p[n - 1] == ' ' || v->p[n - 1] == '\0'))
		n--;
	fits = n ? n < size && !memchr(v->p, '\0', n) : v->p || !v->length;
	if (!fits)
		n = 0;
	if (n)
		memcpy(out, v->p, n);
	out[n] = '\0';
	return fits;
}

/* How it is really encoded: that is what the peer has to be told. */
static void true_syntax(const struct img_dicom_facts *f, char out[IMG_UID_MAX])
{
	const char *is = f->transfer_syntax;

	if (f->notes & IMG_NOTE_NATIVE_PIXELS)
		is = EXPLICIT_LE;
	else if (f->notes & IMG_NOTE_WRONG_SYNTAX)
		is = f->implicit ? "1.2.840.10008.1.2"
		     : f->big    ? "1.2.840.10008.1.2.2"
				 : EXPLICIT_LE;
	memcpy(out, is, strlen(is) + 1);
}

struct header {
	char text[P_COUNT][IMG_UID_MAX];
	char ts[IMG_UID_MAX];
	bool directory;
};

/* Walks all of a started input. */
static int read_header(struct img_dicom_reader *r, const char *name,
		       struct header *h, struct img_err *err)
{
	struct img_dicom_pick v[P_COUNT];
	bool fits[P_COUNT];

	if (img_dicom_pick(r, tags, P_COUNT, v, err) < 0)
		return -1;
	for (size_t i = 0; i < P_COUNT; i++)
		fits[i] = text_of(&v[i], h->text[i], sizeof(h->text[i]));
	true_syntax(img_dicom_facts(r), h->ts);
	h->directory = v[P_DIRECTORY].present ||
		       strcmp(h->text[P_META_CLASS], DICOMDIR_CLASS) == 0;
	if (h->directory)
		return 0;
	for (size_t i = 0; i < 2; i++)
		if (!*h->text[P_CLASS + i] && fits[P_CLASS + i])
			memcpy(h->text[P_CLASS + i], h->text[P_META_CLASS + i],
			       IMG_UID_MAX);
	if (!img_uid_ok(h->text[P_CLASS]) || !img_uid_ok(h->text[P_SOP]))
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: without a valid SOPClassUID and "
				   "SOPInstanceUID it cannot be sent",
				   name);
	return 0;
}

static void take_header(struct send_item *it, const struct header *h)
{
	memcpy(it->sop_class, h->text[P_CLASS], IMG_UID_MAX);
	memcpy(it->sop, h->text[P_SOP], IMG_UID_MAX);
	memcpy(it->study, h->text[P_STUDY], IMG_UID_MAX);
	memcpy(it->series, h->text[P_SERIES], IMG_UID_MAX);
	memcpy(it->ts, h->ts, IMG_UID_MAX);
	if (strlen(h->text[P_MODALITY]) < sizeof(it->modality))
		memcpy(it->modality, h->text[P_MODALITY],
		       strlen(h->text[P_MODALITY]) + 1);
}

static int open_file(const char *path, struct stat *sb, struct img_err *err)
{
	/* Not blocking: a FIFO would wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, sb) < 0) {
		img_err_sys(err, "%s", path);
	} else if (!S_ISREG(sb->st_mode)) {
		img_err_set(err, IMG_E_NOT_DICOM, "%s: not a regular file",
			    path);
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

int send_look(struct img_send *s, struct send_item *it, struct img_err *err)
{
	struct header h = { 0 };
	struct stat sb;
	int fd = open_file(it->path, &sb, err), rc = -1;

	if (fd < 0)
		return -1;
	if (img_dicom_start_fd(s->reader, fd, (uint64_t)sb.st_size, it->path,
			       NULL, err) == 0 &&
	    read_header(s->reader, it->path, &h, err) == 0) {
		take_header(it, &h);
		it->bytes = (uint64_t)sb.st_size;
		rc = 0;
	} else {
		input_explain(fd, NULL, 0, err);
	}
	close(fd);
	if (rc == 0 && h.directory) {
		it->status = "ignored";
		it->reason = "a directory of a medium (DICOMDIR)";
	}
	return rc;
}

/* ---- reading all of it ------------------------------------------------ */

void send_loaded_drop(struct send_loaded *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
	d->n = 0;
	/* A big buffer is not kept for small objects to come. */
	if (d->room > SEND_MEMORY / 4) {
		free(d->p);
		d->p = NULL;
		d->room = 0;
	}
}

int send_open(struct img_send *s, const struct send_item *it, uint64_t *bytes,
	      struct img_err *err)
{
	struct stat sb;
	int fd = it->in_store ? img_store_get(s->store, it->digest, err)
			      : open_file(it->path, &sb, err);

	if (fd >= 0 && it->in_store && fstat(fd, &sb) < 0) {
		img_err_sys(err, "object");
		close(fd);
		return -1;
	}
	if (fd >= 0)
		*bytes = (uint64_t)sb.st_size;
	return fd;
}

static int read_all(int fd, uint64_t size, const char *name,
		    struct send_loaded *out, struct img_err *err)
{
	ssize_t n;

	if (size > out->room) {
		uint8_t *p = realloc(out->p, size);

		if (!p)
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		out->p = p;
		out->room = size;
	}
	n = img_pread_full(fd, out->p, size, 0);
	if (n < 0)
		return img_err_sys(err, "%s", name);
	if ((uint64_t)n != size)
		return img_err_set(err, IMG_E_IO,
				   "%s: changed while it was "
				   "read",
				   name);
	out->n = size;
	return 0;
}

static int hash_fd(int fd, uint64_t size, const char *name,
		   uint8_t digest[IMG_DIGEST_SIZE], struct img_err *err)
{
	uint8_t *block = malloc(BLOCK);
	struct img_digest sum;
	uint64_t at = 0;
	ssize_t n = 0;

	if (!block)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	img_digest_init(&sum);
	while (at < size &&
	       (n = img_pread_full(fd, block, BLOCK, (off_t)at)) > 0) {
		img_digest_add(&sum, block, (size_t)n);
		at += (uint64_t)n;
	}
	free(block);
	if (n < 0)
		return img_err_sys(err, "%s", name);
	img_digest_end(&sum, digest);
	return 0;
}

static int changed(struct img_err *err)
{
	return img_err_set(err, IMG_E_IO, "it changed while it was sent");
}

/* The bytes, in memory or behind a descriptor, and their digest. */
static int read_object(struct send_item *it, int fd, uint64_t size,
		       const char *name, struct send_loaded *out,
		       struct img_err *err)
{
	uint8_t digest[IMG_DIGEST_SIZE];

	if (size <= SEND_MEMORY) {
		if (read_all(fd, size, name, out, err) < 0)
			return -1;
		img_digest_of(digest, out->p, out->n);
	} else {
		if (hash_fd(fd, size, name, digest, err) < 0)
			return -1;
		out->fd = fd;
	}
	it->bytes = size;
	if (it->has_digest && memcmp(digest, it->digest, sizeof(digest)) != 0)
		return img_err_set(err, IMG_E_MALFORMED,
				   "%s: damaged: its bytes are not those that "
				   "were stored; it is not sent",
				   name);
	memcpy(it->digest, digest, sizeof(digest));
	it->has_digest = true;
	return 0;
}

/* Where the data set lies. */
static int find_data(const struct img_dicom_facts *f, uint64_t size,
		     const char *name, struct send_loaded *out,
		     struct img_err *err)
{
	uint64_t end = f->deflated ? size : f->end;

	out->at = f->dataset;
	out->length = end > f->dataset ? end - f->dataset : 0;
	out->pad = false;
	if (out->length == 0)
		return img_err_set(err, IMG_E_MALFORMED, "%s: no data set",
				   name);
	/* PS3.5 A.5 lets a deflated stream end with a zero byte. */
	out->pad = f->deflated && (out->length & 1);
	out->length += out->pad;
	return 0;
}

static int walk(struct send_loader *l, struct send_item *it, int fd,
		const char *name, struct send_loaded *out, struct img_err *err)
{
	struct header h = { 0 };
	int rc = out->fd >= 0 ? img_dicom_start_fd(l->reader, fd, it->bytes,
						   name, NULL, err)
			      : img_dicom_start_mem(l->reader, out->p, out->n,
						    name, NULL, err);

	if (rc < 0 || read_header(l->reader, name, &h, err) < 0)
		return -1;
	if (strcmp(h.text[P_CLASS], it->sop_class) != 0 ||
	    strcmp(h.text[P_SOP], it->sop) != 0)
		return img_err_set(err, IMG_E_IO,
				   "%s: another object than it was before",
				   name);
	memcpy(out->ts, h.ts, sizeof(out->ts));
	return find_data(img_dicom_facts(l->reader), it->bytes, name, out, err);
}

int send_load(struct send_loader *l, struct send_item *it,
	      struct send_loaded *out)
{
	struct img_err why = IMG_ERR_INIT;
	bool known = it->has_digest;
	char hex[IMG_DIGEST_HEX];
	const char *name = it->path;
	uint64_t size = 0;
	int fd, rc = -1;

	if (!name) {
		img_hex(hex, it->digest, IMG_DIGEST_SIZE);
		name = hex;
	}
	fd = send_open(l->s, it, &size, &why);
	if (fd < 0)
		goto out;
	rc = read_object(it, fd, size, name, out, &why);
	if (rc == 0 && !known && send_ledger_has(l->s, NULL, it) && it->status)
		rc = 1;
	if (rc == 0)
		rc = walk(l, it, fd, name, out, &why);
	/* A guess of the catalog's, or of another edition of the file. */
	if (rc == 0 && strcmp(out->ts, it->ts) != 0) {
		memcpy(it->ts, out->ts, sizeof(it->ts));
		rc = 2;
	}
	memcpy(out->want, it->digest, sizeof(out->want));
	out->size = size;
	out->done = 0;
	img_digest_init(&out->sum);
out:
	if (rc < 0)
		send_item_fail(it, "failed", &why);
	if (fd >= 0 && fd != out->fd)
		close(fd);
	return rc < 0 ? 1 : rc;
}

int send_is_same(const struct send_item *it, int fd, uint64_t size,
		 struct img_err *err)
{
	uint8_t digest[IMG_DIGEST_SIZE];

	if (hash_fd(fd, size, it->path ? it->path : "object", digest, err) < 0)
		return -1;
	return memcmp(digest, it->digest, sizeof(digest)) == 0 ? 0
							       : changed(err);
}

/* Its digest is its own: what it was made of has been compared. */
int send_reload(struct send_loader *l, struct send_item *it, int out,
		struct send_loaded *d, struct img_err *err)
{
	struct send_item made = *it;
	struct stat sb;

	if (fstat(out, &sb) < 0)
		return img_err_sys(err, "object");
	send_loaded_drop(d);
	made.has_digest = false;
	if (read_object(&made, out, (uint64_t)sb.st_size, "object", d, err) <
		    0 ||
	    walk(l, &made, out, "object", d, err) < 0)
		return -1;
	memcpy(d->want, made.digest, sizeof(d->want));
	d->size = (uint64_t)sb.st_size;
	d->done = 0;
	img_digest_init(&d->sum);
	return 0;
}

/* ---- giving it -------------------------------------------------------- */

/* Hashes bytes that are not sent: the file's header and what trails. */
static int hash_between(struct send_loaded *d, uint64_t from, uint64_t to,
			struct img_err *err)
{
	uint8_t block[8192];

	while (from < to) {
		size_t n = to - from < sizeof(block) ? (size_t)(to - from)
						     : sizeof(block);
		ssize_t got = img_pread_full(d->fd, block, n, (off_t)from);

		if (got < 0)
			return img_err_sys(err, "read");
		if (got == 0)
			break;
		img_digest_add(&d->sum, block, (size_t)got);
		from += (uint64_t)got;
	}
	return 0;
}

/* From a descriptor: the bytes are hashed once more as they go, and the last
   ones do not go if all are not those that were checked. */
static int next_of_fd(struct send_loaded *d, uint8_t *p, size_t n, bool last,
		      struct img_err *err)
{
	uint64_t at = d->at + d->done;
	uint8_t digest[IMG_DIGEST_SIZE];
	ssize_t got;

	if (d->done == 0 && hash_between(d, 0, d->at, err) < 0)
		return -1;
	got = img_pread_full(d->fd, p, n, (off_t)at);
	if (got < 0)
		return img_err_sys(err, "read");
	if ((size_t)got != n)
		return changed(err);
	img_digest_add(&d->sum, p, n);
	if (!last)
		return 0;
	if (hash_between(d, at + n, d->size, err) < 0)
		return -1;
	img_digest_end(&d->sum, digest);
	return memcmp(digest, d->want, sizeof(digest)) == 0 ? 0 : changed(err);
}

int send_next(void *arg, void *p, size_t n, struct img_err *err)
{
	struct send_loaded *d = arg;
	size_t real = n;

	bool last = d->done + n == d->length;

	if (d->pad && last)
		((uint8_t *)p)[--real] = 0;
	if (d->fd < 0)
		memcpy(p, d->p + d->at + d->done, real);
	else if (next_of_fd(d, p, real, last, err) < 0)
		return -1;
	d->done += n;
	return 0;
}
