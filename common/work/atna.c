/* atna.c - lines of the audit log, sorted into messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work/atna_private.h"

#define WINDOW  65536 /* lines whose objects are looked up at once */
#define CLASSES 1024
/* Of studies, SOP classes and objects in one message: with it, a message stays
   below the 32 KiB that every receiver takes (PS3.15 A.6). */
#define PARTS 48

struct entry {
	uint64_t n;
	uint32_t event, sop_class;
	bool has_digest;
	uint8_t digest[IMG_DIGEST_SIZE];
	int64_t instance, patient, study; /* rows; 0: not known */
};

struct img_atna {
	struct img_catalog *c;
	int (*out)(void *arg, const char *text, size_t n);
	void *arg;
	struct entry *entry;
	size_t entries;
	uint32_t *by_digest;
	size_t digests;
	struct img_buf events; /* struct atna_event */
	char (*sop_class)[72];
	uint32_t classes;
	struct atna_message m;
	char host[256], log[3 * IMG_PATH_MAX];
};

/* ---- opening ------------------------------------------------------------ */

/* A file's URI, RFC 8089. */
static void make_uri(struct img_atna *a, const char *dir)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-._~/";
	char path[IMG_PATH_MAX];
	size_t n;

	if (!realpath(dir, path))
		snprintf(path, sizeof(path), "/");
	n = (size_t)snprintf(a->log, sizeof(a->log), "file://%s", a->host);
	for (const char *s = path; *s && n + 32 < sizeof(a->log); s++)
		n += (size_t)snprintf(a->log + n, sizeof(a->log) - n,
				      strchr(plain, *s) ? "%c" : "%%%02X",
				      (unsigned char)*s);
	snprintf(a->log + n, sizeof(a->log) - n, "/audit.log");
}

int img_atna_new(struct img_atna **out, struct img_catalog *c, const char *dir,
		 int (*f)(void *arg, const char *text, size_t n), void *arg,
		 struct img_err *err)
{
	struct img_atna *a = calloc(1, sizeof(*a));

	*out = a;
	if (!a)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	a->c = c;
	a->out = f;
	a->arg = arg;
	img_buf_init(&a->events, WINDOW * sizeof(struct atna_event));
	img_buf_init(&a->m.b, 1 << 20);
	a->entry = calloc(WINDOW, sizeof(*a->entry));
	a->by_digest = calloc(WINDOW, sizeof(*a->by_digest));
	a->sop_class = calloc(CLASSES, sizeof(*a->sop_class));
	if (!a->entry || !a->by_digest || !a->sop_class)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	a->classes = 1; /* 0: not known */
	if (gethostname(a->host, sizeof(a->host) - 1) < 0 || !*a->host)
		snprintf(a->host, sizeof(a->host), "localhost");
	make_uri(a, dir);
	a->m.host = a->host;
	a->m.log = a->log;
	return 0;
}

void img_atna_free(struct img_atna *a)
{
	if (!a)
		return;
	img_buf_release(&a->events);
	img_buf_release(&a->m.b);
	free(a->entry);
	free(a->by_digest);
	free(a->sop_class);
	free(a);
}

/* ---- lines -------------------------------------------------------------- */

static void set(char out[ATNA_TEXT], const char *s)
{
	snprintf(out, ATNA_TEXT, "%s", s ? s : "");
}

int img_atna_add(struct img_atna *a, const struct img_audit_entry *e,
		 struct img_err *err)
{
	struct atna_event event, *last;
	struct entry *to;

	if (a->entries == WINDOW && img_atna_flush(a, err) < 0)
		return -1;
	memset(&event, 0, sizeof(event));
	snprintf(event.time, sizeof(event.time), "%s", e->time);
	set(event.by, e->by);
	set(event.act, e->act);
	set(event.from, e->from);
	set(event.to, e->to);
	event.uid = e->uid;
	event.count = e->count;
	last = a->events.len
		       ? (struct atna_event *)(a->events.data + a->events.len) -
				 1
		       : NULL;
	/* A line without an object is an event by itself. */
	if ((!last || !e->has_digest || !a->entry[a->entries - 1].has_digest ||
	     memcmp(last, &event, sizeof(event)) != 0) &&
	    img_buf_add(&a->events, &event, sizeof(event), err) < 0)
		return -1;
	to = &a->entry[a->entries];
	memset(to, 0, sizeof(*to));
	to->n = e->n;
	to->event = (uint32_t)(a->events.len / sizeof(event) - 1);
	to->has_digest = e->has_digest;
	memcpy(to->digest, e->digest, sizeof(to->digest));
	if (e->has_digest)
		a->by_digest[a->digests++] = (uint32_t)a->entries;
	a->entries++;
	return 0;
}

/* ---- whose they are ----------------------------------------------------- */

static int digest_order(const void *x, const void *y, void *arg)
{
	const struct entry *e = arg;

	return memcmp(e[*(const uint32_t *)x].digest,
		      e[*(const uint32_t *)y].digest, IMG_DIGEST_SIZE);
}

static uint32_t class_of(struct img_atna *a, const char *uid)
{
	for (uint32_t i = 1; uid && i < a->classes; i++)
		if (strcmp(a->sop_class[i], uid) == 0)
			return i;
	if (!uid || a->classes == CLASSES)
		return 0;
	snprintf(a->sop_class[a->classes], sizeof(*a->sop_class), "%s", uid);
	return a->classes++;
}

static int whose(struct img_atna *a, struct entry *e, int64_t instance,
		 struct img_err *err)
{
	struct img_whose w;
	int rc = img_catalog_whose(a->c, instance, &w, err);

	if (rc <= 0)
		return rc;
	e->instance = instance;
	e->patient = w.patient;
	e->study = w.study;
	e->sop_class = class_of(a, w.sop_class);
	return 0;
}

/* The first of by_digest that is not before it. */
static size_t find(const struct img_atna *a, const uint8_t *digest)
{
	size_t low = 0, high = a->digests;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (memcmp(a->entry[a->by_digest[mid]].digest, digest,
			   IMG_DIGEST_SIZE) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int look(void *arg, const struct img_object *o, size_t n,
		struct img_err *err)
{
	struct img_atna *a = arg;

	for (size_t i = 0; i < n; i++)
		for (size_t k = find(a, o[i].digest); k < a->digests; k++) {
			struct entry *e = &a->entry[a->by_digest[k]];

			if (memcmp(e->digest, o[i].digest, IMG_DIGEST_SIZE) !=
			    0)
				break;
			if (!e->instance && whose(a, e, o[i].instance, err) < 0)
				return -1;
		}
	return 0;
}

/* ---- messages ----------------------------------------------------------- */

static int entry_order(const void *x, const void *y)
{
	const struct entry *p = x, *q = y;

	if (p->patient != q->patient)
		return p->patient < q->patient ? -1 : 1;
	if (p->study != q->study)
		return p->study < q->study ? -1 : 1;
	if (p->sop_class != q->sop_class)
		return p->sop_class < q->sop_class ? -1 : 1;
	return p->n < q->n ? -1 : p->n > q->n;
}

/* One study, from e to end at most; how many entries it took. */
static size_t put_study(struct img_atna *a, const struct entry *e,
			const struct entry *end, const char *uid)
{
	const struct entry *p = e;
	uint64_t first = e->n, last = first;

	for (; p < end && p->study == e->study; p++) {
		first = p->n < first ? p->n : first;
		last = p->n > last ? p->n : last;
	}
	end = p;
	atna_study(&a->m, uid, first, last);
	for (p = e; p < end;) {
		const struct entry *begin = p;

		while (p < end && p->sop_class == begin->sop_class)
			p++;
		atna_sop_class(&a->m, a->sop_class[begin->sop_class],
			       (uint64_t)(p - begin));
	}
	atna_study_end(&a->m);
	return (size_t)(end - e);
}

/* All of one patient that one message holds. */
static int put_patient(struct img_atna *a, const struct entry *e,
		       const struct entry *end, size_t *took,
		       struct img_err *err)
{
	const struct entry *p = e;
	struct img_whose w = { 0 };

	while (p < end && p->patient == e->patient && a->m.parts < PARTS) {
		if (img_catalog_whose(a->c, p->instance, &w, err) < 0)
			return -1;
		p += put_study(a, p, end, w.study_uid ? w.study_uid : "");
	}
	if (w.patient_id && *w.patient_id)
		atna_patient(&a->m, w.patient_id, w.issuer);
	*took = (size_t)(p - e);
	return 0;
}

static int put_message(struct img_atna *a, const struct entry *e,
		       const struct entry *end, size_t *took,
		       struct img_err *err)
{
	const struct atna_event *event =
		(const struct atna_event *)a->events.data + e->event;
	const struct entry *p = e;

	a->m.err = err;
	atna_begin(&a->m, event);
	if (!e->has_digest) {
		p++;
	} else if (e->patient && a->m.act.kind != ATNA_ALERT) {
		if (put_patient(a, e, end, took, err) < 0)
			return -1;
		p += *took;
	} else {
		for (; p < end && a->m.parts < PARTS; p++) {
			if (p->patient && a->m.act.kind != ATNA_ALERT)
				break;
			atna_object(&a->m, p->digest);
		}
	}
	*took = (size_t)(p - e);
	atna_end(&a->m, event);
	return err->code == IMG_OK ? a->out(a->arg, a->m.b.data, a->m.b.len)
				   : -1;
}

int img_atna_flush(struct img_atna *a, struct img_err *err)
{
	const struct img_catalog_scope all = { 0 };
	size_t i = 0, end, took;

	qsort_r(a->by_digest, a->digests, sizeof(*a->by_digest), digest_order,
		a->entry);
	if (a->digests && img_catalog_pages(a->c, &all, look, a, err) < 0)
		return -1;
	for (; i < a->entries; i = end) {
		for (end = i + 1; end < a->entries &&
				  a->entry[end].event == a->entry[i].event;)
			end++;
		qsort(a->entry + i, end - i, sizeof(*a->entry), entry_order);
		for (; i < end; i += took)
			if (put_message(a, a->entry + i, a->entry + end, &took,
					err) < 0)
				return -1;
	}
	a->entries = a->digests = 0;
	img_buf_reset(&a->events);
	return 0;
}
