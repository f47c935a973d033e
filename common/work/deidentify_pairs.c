/*
 * deidentify_pairs.c - old and new identifiers, for those who asked for them:
 * in the clear (id map), or sealed to a trustee (linkage).
 *
 * Pairs of an object are kept aside until it is written; each is told once in
 * a run.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/deidentify_private.h"

#define PAIRS_MAX       (64u << 20) /* bytes for one object */
#define LINE_MAX_SEALED (2 * IMG_SEAL_MAX)

static int put_cell(struct img_buf *b, const char *p, size_t n,
		    struct img_err *err)
{
	bool plain = true;

	for (size_t i = 0; i < n; i++)
		plain &= p[i] != '"' && p[i] != ',' && p[i] != '\n' &&
			 p[i] != '\r';
	if (plain)
		return img_buf_add(b, p, n, err);
	if (img_buf_putc(b, '"', err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		/* A line is a line, whatever was in the value. */
		char c = p[i] == '\n' || p[i] == '\r' ? ' ' : p[i];

		if ((c == '"' && img_buf_putc(b, '"', err) < 0) ||
		    img_buf_putc(b, c, err) < 0)
			return -1;
	}
	return img_buf_putc(b, '"', err);
}

/* "U,old,new" */
static int hear(void *arg, char kind, const char *old, size_t n,
		const char *new_value, struct img_err *err)
{
	struct img_buf *b = arg;

	if (img_buf_putc(b, kind, err) < 0 || img_buf_putc(b, ',', err) < 0 ||
	    put_cell(b, old, n, err) < 0 || img_buf_putc(b, ',', err) < 0 ||
	    put_cell(b, new_value, strlen(new_value), err) < 0)
		return -1;
	return img_buf_putc(b, '\n', err);
}

void deid_pairs_listen(struct deid_worker *w)
{
	img_buf_init(&w->pairs, PAIRS_MAX);
	w->ear = (struct img_anon_ear){ hear, &w->pairs };
	if (w->d->patients_fd >= 0 || w->d->link_fd >= 0)
		img_anon_listen(w->anon, &w->ear);
}

/* ---- once ------------------------------------------------------------- */

static int grow(struct img_deid *d, struct img_err *err)
{
	size_t room = d->told_room ? d->told_room * 2 : 1024;
	uint64_t *more = calloc(room, sizeof(*more));

	if (!more)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (size_t i = 0; i < d->told_room; i++) {
		size_t at = d->told[i] & (room - 1);

		if (!d->told[i])
			continue;
		while (more[at])
			at = (at + 1) & (room - 1);
		more[at] = d->told[i];
	}
	free(d->told);
	d->told = more;
	d->told_room = room;
	return 0;
}

/* 1: for the first time, 0: not, -1. */
static int is_news(struct img_deid *d, const char *line, size_t n,
		   struct img_err *err)
{
	uint64_t v = img_sum64(line, n);
	size_t at;

	v = v ? v : 1;
	if (d->tellings * 2 >= d->told_room && grow(d, err) < 0)
		return -1;
	at = v & (d->told_room - 1);
	while (d->told[at]) {
		if (d->told[at] == v)
			return 0;
		at = (at + 1) & (d->told_room - 1);
	}
	d->told[at] = v;
	d->tellings++;
	return 1;
}

/* ---- writing ---------------------------------------------------------- */

static int seal(struct img_deid *d, const char *p, size_t n,
		struct img_err *err)
{
	struct img_buf line;
	int rc = -1;

	img_buf_init(&line, 2 * IMG_SEAL_MAX);
	if (img_seal(d->trustee, p, n, &line, err) == 0) {
		if (img_write_full(d->link_fd, line.data, line.len) == 0)
			rc = 0;
		else
			img_err_sys(err, "%s", d->opts.linkage);
	}
	img_buf_release(&line);
	return rc;
}

/* As many lines as may be sealed at once. */
static int seal_all(struct img_deid *d, const struct img_buf *b,
		    struct img_err *err)
{
	const char *p = b->data;
	size_t left = b->len;

	while (left) {
		size_t n = left;

		if (n > IMG_SEAL_MAX) {
			n = IMG_SEAL_MAX;
			while (n && p[n - 1] != '\n')
				n--;
		}
		if (!n || seal(d, p, n, err) < 0)
			return n ? -1
				 : img_err_set(err, IMG_E_LIMIT,
					       "an identifier too long");
		p += n;
		left -= n;
	}
	return 0;
}

static int write_map(struct img_deid *d, const struct img_buf *b,
		     struct img_err *err)
{
	const char *end = b->data + b->len;

	for (const char *p = b->data; p < end;) {
		const char *next =
			(const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
		int fd = *p == 'U'   ? d->uids_fd
			 : *p == 'P' ? d->patients_fd
				     : -1;

		if (fd >= 0 &&
		    img_write_full(fd, p + 2, (size_t)(next - p) - 2) < 0)
			return img_err_sys(err, "%s", d->opts.id_map);
		p = next;
	}
	return 0;
}

/* Those of w->pairs that are new, moved to the front. */
static int only_news(struct deid_worker *w, struct img_err *err)
{
	struct img_buf *b = &w->pairs;
	size_t kept = 0;

	for (size_t at = 0; at < b->len;) {
		char *p = b->data + at;
		size_t n =
			(size_t)((char *)memchr(p, '\n', b->len - at) - p) + 1;
		int rc = is_news(w->d, p, n, err);

		if (rc < 0)
			return -1;
		if (rc) {
			memmove(b->data + kept, p, n);
			kept += n;
		}
		at += n;
	}
	b->len = kept;
	return 0;
}

int deid_pairs_commit(struct deid_worker *w, struct img_err *err)
{
	struct img_deid *d = w->d;
	int rc = 0;

	if (!w->pairs.len)
		return 0;
	pthread_mutex_lock(&d->pairs_lock);
	rc = only_news(w, err);
	if (rc == 0 && w->pairs.len && d->link_fd >= 0)
		rc = seal_all(d, &w->pairs, err);
	if (rc == 0 && w->pairs.len && d->patients_fd >= 0)
		rc = write_map(d, &w->pairs, err);
	pthread_mutex_unlock(&d->pairs_lock);
	return rc;
}

/* ---- open and close --------------------------------------------------- */

static int open_map(struct img_deid *d, const char *what, int *fd,
		    struct img_err *err)
{
	char name[IMG_PATH_MAX];

	if (snprintf(name, sizeof(name), "%s-%s.csv", d->opts.id_map, what) >=
	    (int)sizeof(name))
		return img_err_set(err, IMG_E_LIMIT, "--id-map: too long");
	*fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (*fd < 0 || img_write_full(*fd, "old,new\n", 8) < 0)
		return img_err_sys(err, "%s", name);
	return 0;
}

/* Half a line that a crash or a full disk has left takes none of ours with
   it; a file that is new has its name after a power cut, too. */
int deid_lines_open(const char *name, int *fd, struct img_err *err)
{
	struct stat st;
	char last = '\n';

	*fd = open(name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (*fd < 0 || fstat(*fd, &st) < 0)
		return img_err_sys(err, "%s", name);
	if (!S_ISREG(st.st_mode))
		return 0;
	if (st.st_size == 0)
		return img_sync_folder_of(name, err);
	if (img_pread_full(*fd, &last, 1, st.st_size - 1) < 0)
		return img_err_sys(err, "%s", name);
	if (last != '\n' && img_write_full(*fd, "\n", 1) < 0)
		return img_err_sys(err, "%s", name);
	return 0;
}

int deid_pairs_open(struct img_deid *d, struct img_err *err)
{
	const struct img_deid_opts *o = &d->opts;

	pthread_mutex_init(&d->pairs_lock, NULL);
	d->patients_fd = d->uids_fd = d->link_fd = -1;
	if (o->linkage) {
		if (img_seal_public(o->trustee, d->trustee, err) < 0)
			return -1;
		if (deid_lines_open(o->linkage, &d->link_fd, err) < 0)
			return -1;
	}
	if (!o->id_map)
		return 0;
	if (open_map(d, "patients", &d->patients_fd, err) < 0)
		return -1;
	if (open_map(d, "uids", &d->uids_fd, err) < 0)
		return -1;
	return img_sync_folder_of(o->id_map, err);
}

int deid_told_sync(struct img_deid *d, struct img_err *err)
{
	if ((d->report_fd >= 0 &&
	     img_sync_fd(d->report_fd, d->opts.report, err) < 0) ||
	    (d->link_fd >= 0 &&
	     img_sync_fd(d->link_fd, d->opts.linkage, err) < 0) ||
	    (d->patients_fd >= 0 &&
	     (img_sync_fd(d->patients_fd, d->opts.id_map, err) < 0 ||
	      img_sync_fd(d->uids_fd, d->opts.id_map, err) < 0)))
		return -1;
	return 0;
}

void deid_pairs_close(struct img_deid *d)
{
	const int fd[] = { d->link_fd, d->patients_fd, d->uids_fd };

	for (size_t i = 0; i < 3; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	free(d->told);
	pthread_mutex_destroy(&d->pairs_lock);
}

/* ---- reading again ---------------------------------------------------- */

/* 1 with a line without its end, 0 no more, -1.  Of one longer than any that
   was sealed only the beginning is kept. */
static int next_line(FILE *f, struct img_buf *line, struct img_err *err)
{
	int c;

	img_buf_reset(line);
	while ((c = getc_unlocked(f)) != EOF && c != '\n')
		if (line->len < LINE_MAX_SEALED &&
		    img_buf_putc(line, (char)c, err) < 0)
			return -1;
	return c != EOF || line->len > 0;
}

/* One line: into text, or why not. */
static int reidentify(const struct img_deid_reading *r, struct img_trustee *t,
		      const struct img_buf *line, uint64_t number,
		      struct img_buf *text, struct img_err *err)
{
	struct img_err bad = IMG_ERR_INIT, why = IMG_ERR_INIT;

	img_buf_reset(text);
	if (img_unseal(t, img_buf_str(line), line->len, text, &bad) < 0) {
		img_err_set(&why, bad.code, "%s: line %llu: %s", r->linkage,
			    (unsigned long long)number, bad.text);
		r->done(r->arg, &why);
		return 0;
	}
	r->done(r->arg, NULL);
	return text->len && r->emit(r->arg, text->data, text->len) < 0
		       ? img_err_set(err, IMG_E_IO, "stdout")
		       : 0;
}

static int reidentify_all(const struct img_deid_reading *r,
			  struct img_trustee *t, FILE *f, struct img_err *err)
{
	struct img_buf line, text;
	uint64_t number = 0;
	int rc = 0, more = 0;

	img_buf_init(&line, LINE_MAX_SEALED + 1);
	img_buf_init(&text, 2 * IMG_SEAL_MAX);
	if (r->emit(r->arg, "kind,old,new\n", 13) < 0)
		rc = img_err_set(err, IMG_E_IO, "stdout");
	while (rc == 0 && !r->stopped(r->arg) &&
	       (more = next_line(f, &line, err)) > 0)
		rc = reidentify(r, t, &line, ++number, &text, err);
	if (rc == 0 && more == 0 && ferror(f))
		rc = img_err_sys(err, "%s", r->linkage);
	img_buf_release(&text);
	img_buf_release(&line);
	return more < 0 ? -1 : rc;
}

int img_deid_reidentify(const struct img_deid_reading *r, struct img_err *err)
{
	struct img_trustee *t = NULL;
	FILE *f;
	int rc;

	if (img_trustee_load(&t, r->secret, err) < 0)
		return -1;
	f = fopen(r->linkage, "re");
	if (f)
		rc = reidentify_all(r, t, f, err);
	else
		rc = img_err_sys(err, "%s", r->linkage);
	if (f)
		fclose(f);
	img_trustee_free(t);
	return rc;
}
