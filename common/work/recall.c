/* recall.c - inputs that a former run has seen and that have not changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "work/ingest_private.h"

static const char *copy(struct img_ingest *g, const char *s)
{
	return s ? item_text(g, s) : NULL;
}

static void set_facts(struct img_ingest *g, struct item *it,
		      const struct img_record *r)
{
	const char **f = it->in.field;

	f[img_catalog_field("StudyInstanceUID")] = copy(g, r->study);
	f[img_catalog_field("SeriesInstanceUID")] = copy(g, r->series);
	f[img_catalog_field("SOPInstanceUID")] = copy(g, r->sop);
	f[img_catalog_field("SOPClassUID")] = copy(g, r->sop_class);
	f[img_catalog_field("TransferSyntaxUID")] = copy(g, r->transfer_syntax);
	f[img_catalog_field("Modality")] = copy(g, r->modality);
	it->warnings = 0;
	for (size_t i = 0; i < r->warnings; i++)
		it->warning[it->warnings++] = copy(g, r->warning[i]);
}

/* From a line that own_facts wrote. */
static int recall_facts(struct img_ingest *g, struct item *it, const char *line,
			struct img_err *err)
{
	struct img_record r;

	if (img_record_parse(&r, line, strcspn(line, "\n"), err) < 0)
		return -1;
	set_facts(g, it, &r);
	img_record_release(&r);
	return 0;
}

/* Whether an object in place makes it needless to look at the input again: it
   lies there, or it is one that lies elsewhere still.  Who wants a copy does
   not have it yet. */
static bool will_do(const struct img_ingest *g, const struct item *it,
		    const struct img_object *o)
{
	char own[CONTAINER_MAX + IMG_PATH_MAX];
	struct stat st;
	size_t n;

	if (!it->member) {
		if (!g->opts.in_place)
			return false;
		n = strlen(it->container);
		snprintf(own, sizeof(own), "%s%s%s", it->container,
			 n && it->container[n - 1] == '/' ? "" : "/", it->name);
		if (strcmp(own, o->place) == 0)
			return true;
	}
	return stat(o->place, &st) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == o->bytes;
}

static bool is_there(struct img_ingest *g, const struct item *it,
		     const struct img_object *o)
{
	if (o->place)
		return will_do(g, it, o);
	/* A worker looks whether a file's object is still there. */
	return !it->member || img_store_has(g->store, o->digest, o->bytes);
}

/* The object that the input led to, if it is still there. */
static int recall_object(struct img_ingest *g, struct item *it,
			 const struct img_seen *s, struct img_err *err)
{
	struct img_object o;
	bool own = s->text && *s->text == '{';
	int rc;

	/* s is lent only until the catalog is asked again. */
	if (own && recall_facts(g, it, s->text, err) < 0)
		return -1;
	rc = img_catalog_object(g->known, s->instance, s->object, &o, err);
	if (rc <= 0)
		return rc;
	if (!is_there(g, it, &o)) {
		memset(&it->in, 0, sizeof(it->in));
		it->warnings = 0;
		return 0;
	}
	it->look = !o.place && !it->member;
	if (!own)
		set_facts(g, it,
			  &(struct img_record){
				  .study = o.current ? o.study : NULL,
				  .series = o.current ? o.series : NULL,
				  .sop = o.sop,
				  .sop_class = o.current ? o.sop_class : NULL,
				  .transfer_syntax =
					  o.current ? o.transfer_syntax : NULL,
				  .modality = o.current ? o.modality : NULL });
	memcpy(it->in.digest, o.digest, sizeof(o.digest));
	it->in.bytes = o.bytes;
	it->outcome = KNOWN;
	return 1;
}

/* As text_of has written it. */
static int recall_text(struct img_ingest *g, struct item *it, const char *text,
		       struct img_err *err)
{
	struct img_err all = IMG_ERR_INIT;
	size_t n = text ? strcspn(text, "\n") : 0;

	if (!text)
		return 0;
	img_err_set(&all, it->code, "%s%.*s", *text == ':' ? it->path : "",
		    (int)n, text);
	it->text = item_text(g, all.text);
	it->extra = text[n] ? item_text(g, text + n + 1) : NULL;
	if (!it->text || (text[n] && !it->extra))
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	return 0;
}

/* 1 filled in, 0 must be looked at. */
static int fill(struct img_ingest *g, struct item *it, const struct img_seen *s,
		struct img_err *err)
{
	if (s->instance >= 0)
		return recall_object(g, it, s, err);
	if (strcmp(s->status, "ignored") == 0)
		it->outcome = IGNORED;
	else if (strcmp(s->status, "rejected") == 0)
		it->outcome = REJECTED;
	else
		return 0;
	it->code = s->code ? img_code_of(s->code) : IMG_OK;
	return recall_text(g, it, s->text, err) < 0 ? -1 : 1;
}

struct replay {
	struct img_ingest *g;
	const struct item *archive;
	uint64_t members;
};

static int replay_member(void *arg, const struct img_seen *s,
			 struct img_err *err)
{
	struct replay *r = arg;
	struct item *it = item_new(r->g, err);
	const char *name = strchr(s->name, '/');
	char path[CONTAINER_MAX + IMG_PATH_MAX];
	int n;

	if (!it)
		return -1;
	/* Both have passed as names before: cut is no more than ugly. */
	snprintf(path, sizeof(path), "%s!/%s", r->archive->path,
		 name ? name + 1 : s->name);
	it->path = item_text(r->g, path);
	it->member = true;
	n = fill(r->g, it, s, err);
	if (n < 0)
		return -1;
	if (n == 0) {
		struct img_err gone = IMG_ERR_INIT;

		img_err_set(&gone, IMG_E_IO,
			    "%s: stored before, but its object is gone; "
			    "import again with --rehash",
			    path);
		item_fail(&r->g->open->arena, it, FAILED, &gone);
	}
	r->members++;
	return item_add(r->g, it, err);
}

/* The record's own text names the container again. */
static int replay_archive(struct img_ingest *g, const struct item *seen,
			  const struct img_seen *s, struct img_err *err)
{
	struct replay r = { g, seen, 0 };
	struct item *it;
	char key[CONTAINER_MAX], file[CONTAINER_MAX], extra[64];
	char *text = NULL, *path = NULL;
	enum img_code code = s->code ? img_code_of(s->code) : IMG_OK;
	int rc = -1;

	path = strdup(seen->path);
	text = strdup(s->text ? s->text : "");
	if (!path || !text) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		goto out;
	}
	if (!archive_key(seen, file) || !container_key(g, file, key))
		goto out;
	r.archive = &(struct item){ .path = path };
	if (img_catalog_seen_each(g->known, key, replay_member, &r, err) < 0)
		goto out;
	it = item_new(g, err);
	if (!it)
		goto out;
	snprintf(extra, sizeof(extra), "\"members\":%llu",
		 (unsigned long long)r.members);
	it->path = item_text(g, path);
	if (recall_text(g, it, text, err) < 0)
		goto out;
	it->extra = item_text(g, extra);
	it->code = code;
	it->outcome = code == IMG_OK ? IGNORED : REJECTED;
	rc = item_add(g, it, err);
out:
	free(path);
	free(text);
	return rc;
}

bool container_key(const struct img_ingest *g, const char *container,
		   char out[CONTAINER_MAX])
{
	int n = snprintf(out, CONTAINER_MAX, "%s%s", container, g->set_key);

	return n >= 0 && n < CONTAINER_MAX;
}

bool archive_key(const struct item *archive, char out[CONTAINER_MAX])
{
	int n = snprintf(out, CONTAINER_MAX, "%s/%s//%llx.%llx.%llx",
			 archive->container, archive->name,
			 (unsigned long long)archive->size,
			 (unsigned long long)archive->inode,
			 (unsigned long long)archive->mtime_ns);

	return n >= 0 && n < CONTAINER_MAX;
}

/* One state of the catalog serves for a while.  That it is an old one is no
   harm: what it does not know is looked at. */
static int refresh(struct img_ingest *g, struct img_err *err)
{
	double now = img_time_mono();

	if (now < g->known_until)
		return 0;
	g->known_until = now + 0.5;
	if (img_catalog_hold(g->known, false, err) < 0)
		return -1;
	return img_catalog_hold(g->known, true, err);
}

static int note_rejected(void *arg, const struct img_seen *s,
			 struct img_err *err)
{
	(void)err;
	*(bool *)arg |= strcmp(s->status, "rejected") == 0;
	return 0;
}

/* Whether a copy is wanted of the input, or of a member of it: what was
   rejected by a former run may not be in quarantine.  1, 0, -1. */
static int is_wanted(struct img_ingest *g, const struct item *it,
		     const struct img_seen *s, struct img_err *err)
{
	char key[CONTAINER_MAX], file[CONTAINER_MAX];
	bool rejected = s->code || strcmp(s->status, "rejected") == 0;

	if (!g->opts.quarantine || rejected ||
	    strcmp(s->status, "expanded") != 0)
		return g->opts.quarantine && rejected;
	if (archive_key(it, file) && container_key(g, file, key) &&
	    img_catalog_seen_each(g->known, key, note_rejected, &rejected,
				  err) < 0)
		return -1;
	return rejected;
}

int recall(struct img_ingest *g, struct item *it, struct img_err *err)
{
	char key[CONTAINER_MAX];
	struct img_seen s;
	int rc;

	if (!g->known || !container_key(g, it->container, key))
		return 0;
	if (refresh(g, err) < 0)
		return -1;
	rc = img_catalog_seen(g->known, key, it->name, &s, err);
	if (rc <= 0)
		return rc;
	if (s.size != it->size || s.mtime_ns != it->mtime_ns ||
	    s.inode != it->inode)
		return 0;
	rc = is_wanted(g, it, &s, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	/* s was lent until the catalog was asked for the members. */
	if (g->opts.quarantine &&
	    img_catalog_seen(g->known, key, it->name, &s, err) <= 0)
		return err->code == IMG_OK ? 0 : -1;
	if (strcmp(s.status, "expanded") == 0)
		return replay_archive(g, it, &s, err) < 0 ? -1 : 1;
	rc = fill(g, it, &s, err);
	if (rc > 0 && item_add(g, it, err) < 0)
		return -1;
	return rc;
}
