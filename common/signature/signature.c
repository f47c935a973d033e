/* signature.c - a worker for each object with signatures, and its answer. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jail/jail.h"
#include "signature/signature.h"

#define MEMORY  ((uint64_t)1 << 30)
#define SECONDS 60

struct img_signatures {
	struct img_jail *jail;
};

struct answer {
	int32_t code;
	char text[512]; /* as in struct img_err */
	uint64_t total;
	struct img_signature one[IMG_SIGNATURES];
};

/* ---- the worker ---------------------------------------------------------- */

static int read_object(int fd, uint8_t **p, size_t *n, struct img_err *err)
{
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) < 0)
		return img_err_sys(err, "the object");
	if ((uint64_t)st.st_size > IMG_SIGNED_MAX)
		return img_err_set(err, IMG_E_LIMIT,
				   "signatures of objects over 256 MiB are not "
				   "checked");
	*n = (size_t)st.st_size;
	*p = malloc(*n + 1);
	if (!*p)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	got = img_pread_full(fd, *p, *n, 0);
	if (got < 0)
		return img_err_sys(err, "the object");
	return (size_t)got == *n ? 0
				 : img_err_set(err, IMG_E_TRUNCATED,
					       "the object became shorter");
}

static int serve(int sock, void *arg)
{
	struct answer *a = calloc(1, sizeof(*a));
	struct img_err err = IMG_ERR_INIT;
	uint8_t *p = NULL, go;
	size_t n = 0, total = 0;
	int fd = -1, rc = 1;

	(void)arg;
	if (!a || img_jail_recv(sock, &go, sizeof(go), &fd, -1, &err) < 0)
		goto out;
	if (read_object(fd, &p, &n, &err) == 0)
		(void)img_dcmtk_signatures(p, n, a->one, IMG_SIGNATURES, &total,
					   &err);
	a->code = err.code;
	memcpy(a->text, err.text, sizeof(a->text));
	a->total = total;
	img_err_clear(&err);
	if (img_jail_send(sock, a, sizeof(*a), -1, -1, &err) == 0)
		rc = 0;
out:
	if (fd >= 0)
		close(fd);
	free(p);
	free(a);
	return rc;
}

/* ---- the program --------------------------------------------------------- */

int img_signatures_open(struct img_signatures **out, const char *ca,
			struct img_err *err)
{
	static const struct img_jail_limits limits = { .memory = MEMORY,
						       .cpu = SECONDS };
	struct img_signatures *s = calloc(1, sizeof(*s));

	if (!s)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	if (img_dcmtk_signatures_prepare(ca, err) < 0 ||
	    img_jail_open(&s->jail, serve, NULL, &limits, err) < 0) {
		free(s);
		return -1;
	}
	*out = s;
	return 0;
}

void img_signatures_close(struct img_signatures *s)
{
	if (!s)
		return;
	img_jail_close(s->jail);
	free(s);
}

static bool harmless(const char *p, size_t size)
{
	size_t n = strnlen(p, size);

	for (size_t i = 0; i < n; i++)
		if (p[i] < ' ' || p[i] > '~')
			return false;
	return n < size;
}

static bool makes_sense(const struct answer *a)
{
	size_t n =
		a->total < IMG_SIGNATURES ? (size_t)a->total : IMG_SIGNATURES;

	if (a->code < 0 || a->code > IMG_E_NOMEM ||
	    !harmless(a->text, sizeof(a->text)))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct img_signature *s = &a->one[i];

		if (s->verdict < 0 || s->verdict > IMG_SIGNED_UNSUPPORTED ||
		    !harmless(s->where, sizeof(s->where)) ||
		    !harmless(s->uid, sizeof(s->uid)) ||
		    !harmless(s->mac, sizeof(s->mac)) ||
		    !harmless(s->text, sizeof(s->text)))
			return false;
	}
	return true;
}

static int ask(const struct img_jail_worker *w, int fd, struct answer *a,
	       struct img_err *err)
{
	const uint8_t go = 1;

	return img_jail_send(w->fd, &go, sizeof(go), fd, SECONDS * 1000, err) <
				       0 ||
			       img_jail_recv(w->fd, a, sizeof(*a), NULL,
					     SECONDS * 1000, err) < 0
		       ? -1
		       : 0;
}

int img_signatures_check(struct img_signatures *s, int fd,
			 struct img_signature out[IMG_SIGNATURES],
			 size_t *total, struct img_err *err)
{
	struct answer *a = calloc(1, sizeof(*a));
	struct img_err lost = IMG_ERR_INIT;
	struct img_jail_worker worker;
	int rc = -1;

	if (!a)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	if (img_jail_start(s->jail, &worker, err) < 0)
		goto out;
	if (ask(&worker, fd, a, &lost) < 0) {
		if (img_jail_end(&worker, lost.code == IMG_E_LIMIT ? 0 : 1,
				 "signature", err) == 0)
			img_err_set(err, IMG_E_MALFORMED,
				    "the checker of signatures gave up");
		goto out;
	}
	(void)img_jail_end(&worker, 1, "signature", &lost);
	if (!makes_sense(a)) {
		img_err_set(err, IMG_E_MALFORMED,
			    "the answer of the checker of signatures makes no "
			    "sense");
	} else if (a->code) {
		img_err_set(err, (enum img_code)a->code, "%s", a->text);
	} else {
		memcpy(out, a->one, sizeof(a->one));
		*total = (size_t)a->total;
		rc = 0;
	}
out:
	free(a);
	return rc;
}
