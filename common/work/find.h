/*
 * find.h - rows of the catalog and what their objects' headers say, by
 * Keyword=value.
 *
 * Keys and fields that the catalog holds are answered by it.  For any other
 * keyword, tag or path (probe.h) the headers of the objects are read that the
 * catalog's keys leave: a patient, study or series matches when one of its
 * objects matches all such keys, and its fields are of that object (of its
 * first one where there are no such keys).
 */
#ifndef IMG_FIND_H
#define IMG_FIND_H

#include "catalog/catalog.h"
#include "work/probe.h"

struct img_find_opts {
	enum img_level level;
	const char *const *key; /* "Keyword=value" */
	size_t keys;
	const char *extra_key; /* keyword of a key that img_find_set_key
				   gives values; NULL */
	const char *fields;    /* "Keyword,gggg,eeee,..."; NULL: those of
				   defaults, then those of the keys */
	const char *defaults;
	const char *const *sort; /* "Keyword", "-Keyword" */
	size_t sorts;
	uint64_t limit; /* 0: none */
	bool conflicts;
	const char *not_sent_to;     /* a peer, by name or address; NULL */
	const char *unchecked_since; /* see img_find_since; NULL */
	bool identity; /* give the UIDs of the levels in any case */
	/* An object's header cannot be read: the row is left out. */
	void (*trouble)(void *arg, const struct img_err *err);
	void *arg;
};

/* A field to be given, with what a writer must know of it. */
struct img_find_field {
	int field; /* of img_query_fields, -1: from headers */
	const char *name;
	char vr[3];
	const uint32_t *tag; /* path */
	unsigned tags;
};

struct img_found {
	enum img_level level;
	int64_t id;
	const char *const *value;  /* by field; NULL: none */
	const struct img_row *row; /* with its object at the image level */
	/* facts of ours, set by who found it */
	const char *status, *key, *prior_of, *reason;
	const struct img_err *error;
};

struct img_find;

/* "2026-11-21", "20261121", "2026-11-21T22:10" (here; with a Z: UTC), or how
   long ago, "30d": the time in UTC as the catalog writes it. */
bool img_find_since(const char *text, char out[IMG_TIME_MAX]);

/* dir: the archive, for the headers.  A keyword that does not exist, a bad
   value or sort is IMG_E_USAGE. */
int img_find_new(struct img_find **f, struct img_catalog *c, const char *dir,
		 const struct img_find_opts *opts, struct img_err *err);
void img_find_free(struct img_find *f);
const struct img_find_field *img_find_fields(const struct img_find *f,
					     size_t *n);
int img_find_set_key(struct img_find *f, const char *value,
		     struct img_err *err);
/* Only what lies under this row; 0: everything again. */
void img_find_within(struct img_find *f, enum img_level level, int64_t id);
/* Begins (again). */
int img_find_start(struct img_find *f, struct img_err *err);
/* 1, 0, -1; what is found lives until the next call. */
int img_find_next(struct img_find *f, struct img_found *out,
		  struct img_err *err);
int img_find_count(struct img_find *f, uint64_t *n, struct img_err *err);

#endif
