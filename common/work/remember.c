/* remember.c - what became of an item: the word for it, and what a second run
   is to know of it. */
#include <stdio.h>
#include <string.h>

#include "work/ingest_private.h"

bool is_refused(const struct img_ingest *g, const struct item *it)
{
	return it->put.verdict == IMG_CONFLICT &&
	       g->opts.on_conflict == IMG_REJECT;
}

const char *item_status(const struct img_ingest *g, const struct item *it)
{
	static const char *const words[] = { [IMG_STORED] = "stored",
					     [IMG_DUPLICATE] = "duplicate",
					     [IMG_CONFLICT] = "conflict" };

	switch (it->outcome) {
	case OBJECT:
		if (is_equivalent(it))
			return "equivalent";
		return is_refused(g, it) ? "rejected" : words[it->put.verdict];
	case KNOWN:
		return "duplicate";
	case IGNORED:
		return "ignored";
	case REJECTED:
		return "rejected";
	default:
		return "failed";
	}
}

static const char *field(const struct item *it, const char *keyword)
{
	const char *v = it->in.field[img_catalog_field(keyword)];

	return v && *v ? v : NULL;
}

void fill_warnings(struct img_record *rec, const struct item *it)
{
	memcpy(rec->warning, it->warning, sizeof(rec->warning));
	rec->warnings = it->warnings;
}

void fill_facts(struct img_record *rec, const struct item *it)
{
	rec->study = field(it, "StudyInstanceUID");
	rec->series = field(it, "SeriesInstanceUID");
	rec->sop = field(it, "SOPInstanceUID");
	rec->sop_class = field(it, "SOPClassUID");
	rec->transfer_syntax = field(it, "TransferSyntaxUID");
	rec->modality = field(it, "Modality");
}

/* What the catalog will not say of the object: what was odd about it, and its
   attributes when the rows have those of another one. */
static int own_facts(struct arena *a, const struct item *it, const char **out,
		     struct img_err *err)
{
	struct img_record rec;
	struct img_buf line;
	int rc;

	*out = NULL;
	if (!it->warnings && it->put.object == 0)
		return 0;
	img_record_init(&rec);
	img_buf_init(&line, IMG_LINE_MAX + 1);
	fill_facts(&rec, it);
	fill_warnings(&rec, it);
	rc = img_record_write(&rec, "", &line, err);
	if (rc == 0 && !(*out = arena_text(a, line.data, line.len)))
		rc = img_err_set(err, IMG_E_NOMEM, "out of memory");
	img_buf_release(&line);
	return rc;
}

/* The message, without the path: the input may bear another one in its record
   when it is met again.  What else its record says comes on a second line. */
static const char *text_of(struct arena *a, const struct item *it)
{
	size_t n = strlen(it->path), m, k;
	const char *text = it->text;
	char *both;

	if (it->outcome != IGNORED && strncmp(text, it->path, n) == 0 &&
	    text[n] == ':')
		text += n;
	m = strlen(text);
	k = it->extra ? strlen(it->extra) : 0;
	both = k ? arena_alloc(a, m + k + 2) : NULL;
	if (!both)
		return text;
	memcpy(both, text, m);
	both[m] = '\n';
	memcpy(both + m + 1, it->extra, k + 1);
	return both;
}

/* Members are replayed from memory all or none: an archive whose members are
   not all remembered must not be, either.  It comes after its members. */
int note_forgotten(struct img_ingest *g, struct arena *a, struct item *it,
		   struct img_err *err)
{
	(void)a, (void)err;
	if (it->member && it->container)
		snprintf(g->forgotten, sizeof(g->forgotten), "%s",
			 it->container);
	return 0;
}

static bool lacks_members(const struct img_ingest *g, const struct item *it)
{
	char key[CONTAINER_MAX];

	return !it->member && it->seen_as && archive_key(it, key) &&
	       strcmp(key, g->forgotten) == 0;
}

int remember(struct img_ingest *g, struct arena *a, struct item *it,
	     struct img_err *err)
{
	char key[CONTAINER_MAX];
	struct img_seen s = { .container = key,
			      .name = it->name,
			      .size = it->size,
			      .inode = it->inode,
			      .device = it->device,
			      .mtime_ns = it->mtime_ns,
			      .instance = -1,
			      .object = -1 };

	if (!it->remember || !it->container || it->outcome == FAILED ||
	    is_refused(g, it) || !container_key(g, it->container, key))
		return note_forgotten(g, a, it, err);
	if (lacks_members(g, it))
		return 0;
	s.status = it->seen_as ? it->seen_as : item_status(g, it);
	if (it->outcome == OBJECT) {
		s.instance = it->put.instance;
		s.object = it->put.object;
		if (own_facts(a, it, &s.text, err) < 0)
			return -1;
	} else {
		s.text = text_of(a, it);
		s.code =
			it->outcome == IGNORED ? NULL : img_code_word(it->code);
	}
	return img_catalog_remember(g->catalog, &s, err);
}
