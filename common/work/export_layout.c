/* export_layout.c - the template of names, safe names, collisions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog.h"
#include "dicom/dicom.h"
#include "work/export_private.h"

#define COMPONENT 200 /* bytes of a component, a number behind it included */
#define VALUE     96  /* bytes of one value in it */

/* ---- the template ------------------------------------------------------ */

/* Whose name it is: two of them with one name are two.  Dates and modalities
   are what many share; -1. */
static int level_of(const struct img_probe_path *p)
{
	static const struct {
		const char *keyword;
		enum img_level level;
	} names[] = {
		{ "PatientID", IMG_PATIENT },
		{ "PatientName", IMG_PATIENT },
		{ "AccessionNumber", IMG_STUDY },
		{ "StudyDescription", IMG_STUDY },
		{ "StudyID", IMG_STUDY },
		{ "StudyInstanceUID", IMG_STUDY },
		{ "SeriesDescription", IMG_SERIES },
		{ "SeriesInstanceUID", IMG_SERIES },
		{ "SeriesNumber", IMG_SERIES },
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(p->name, names[i].keyword) == 0)
			return (int)names[i].level;
	return -1;
}

static int add_field(struct export_layout *l, const char *text, size_t n,
		     struct img_err *err)
{
	struct img_probe_path *path = &l->path[l->paths];
	const char *colon = memchr(text, ':', n);
	size_t name = colon ? (size_t)(colon - text) : n;
	uint64_t width = 0;
	char word[128], digits[8];

	if (name >= sizeof(word))
		return img_err_set(err, IMG_E_USAGE, "--layout: too long");
	snprintf(word, sizeof(word), "%.*s", (int)name, text);
	if (!img_probe_parse(path, word))
		return img_err_set(err, IMG_E_USAGE,
				   "--layout: {%s} is no attribute", word);
	if (colon) {
		snprintf(digits, sizeof(digits), "%.*s", (int)(n - name - 1),
			 colon + 1);
		if (!img_parse_u64(digits, 20, &width))
			return img_err_set(err, IMG_E_USAGE,
					   "--layout: {%.*s}: a width is a "
					   "number up to 20",
					   (int)n, text);
	}
	l->part[l->parts].width = (unsigned)width;
	l->part[l->parts].level = level_of(path);
	l->part[l->parts].field = (int)l->paths++;
	return 0;
}

/* Literal text, up to a field or the end of a component; then that. */
static int add_part(struct export_layout *l, const char **at, char **room,
		    struct img_err *err)
{
	size_t n = strcspn(*at, "{}/");
	const char *end;

	if (l->parts == EXPORT_PARTS)
		return img_err_set(err, IMG_E_USAGE,
				   "--layout: more than %d parts",
				   EXPORT_PARTS);
	l->part[l->parts].text = memcpy(*room, *at, n);
	(*room)[n] = '\0';
	*room += n + 1;
	l->part[l->parts].field = -1;
	l->part[l->parts].level = -1;
	*at += n;
	if (**at == '}')
		return img_err_set(err, IMG_E_USAGE, "--layout: } without {");
	if (**at == '{') {
		end = strchr(*at, '}');
		if (!end)
			return img_err_set(err, IMG_E_USAGE,
					   "--layout: { without }");
		if (add_field(l, *at + 1, (size_t)(end - *at - 1), err) < 0)
			return -1;
		*at = end + 1;
	}
	l->part[l->parts].last = **at == '/' || !**at;
	if (**at == '/' && !*++*at)
		return img_err_set(err, IMG_E_USAGE,
				   "--layout: ends with a slash");
	l->parts++;
	return 0;
}

int export_layout_parse(struct export_layout *l, const char *text,
			struct img_err *err)
{
	char *room = l->literal;

	memset(l, 0, sizeof(*l));
	if (!*text || *text == '/' || strlen(text) >= IMG_PATH_MAX)
		return img_err_set(err, IMG_E_USAGE,
				   "--layout: a path below the destination is "
				   "wanted");
	if (strstr(text, "//") || strchr(text, '\\'))
		return img_err_set(err, IMG_E_USAGE,
				   "--layout: names are separated by single "
				   "slashes");
	while (*text)
		if (add_part(l, &text, &room, err) < 0)
			return -1;
	return 0;
}

/* ---- safe names -------------------------------------------------------- */

/* What no file system and no shell takes amiss; UTF-8 stays. */
static bool is_safe(unsigned char c)
{
	return c >= 0x20 && c != 0x7f && !strchr("/\\:*?\"<>|^'`$&;!", c);
}

/* U+0080-009F, and the characters that turn or hide what follows. */
static bool is_hidden(const unsigned char *p)
{
	return (p[0] == 0xc2 && p[1] < 0xa0) ||
	       (p[0] == 0xe2 && p[1] == 0x80 &&
		((p[2] >= 0x8b && p[2] <= 0x8f) ||
		 (p[2] >= 0xa8 && p[2] <= 0xae))) ||
	       (p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf) ||
	       (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf);
}

static size_t sequence(unsigned char c)
{
	return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* Appends at most max bytes of value, whole characters only. */
static void put_value(char *out, size_t size, const char *value, size_t max)
{
	const unsigned char *p = (const unsigned char *)value;
	size_t at = strlen(out), end = at + max;

	if (end > size - 1)
		end = size - 1;
	while (*p) {
		size_t n = sequence(*p);

		if (at + n > end || strnlen((const char *)p, n) < n)
			break;
		if (n == 1)
			out[at++] = (char)(is_safe(*p) ? *p : '_');
		else if (is_hidden(p))
			out[at++] = '_';
		else
			for (size_t i = 0; i < n; i++)
				out[at++] = (char)p[i];
		p += n;
	}
	out[at] = '\0';
}

/* "7" as "0007". */
static void put_number(char *out, size_t size, const char *value,
		       unsigned width)
{
	size_t n = strlen(value);

	if (n && strspn(value, "0123456789") == n)
		for (; n < width; n++)
			put_value(out, size, "0", 1);
	put_value(out, size, value, VALUE);
}

static bool is_device(const char *name)
{
	static const char *const device[] = { "CON", "PRN", "AUX", "NUL" };
	size_t n = strcspn(name, ".");

	for (unsigned i = 0; i < sizeof(device) / sizeof(*device); i++)
		if (n == 3 && strncasecmp(name, device[i], 3) == 0)
			return true;
	return n == 4 &&
	       (strncasecmp(name, "COM", 3) == 0 ||
		strncasecmp(name, "LPT", 3) == 0) &&
	       name[3] >= '0' && name[3] <= '9';
}

/* No name begins like an option or a hidden file, ends in a way that other
   systems drop, is empty, or is a device elsewhere. */
static void finish_name(char *name, size_t size)
{
	size_t n = strlen(name);

	while (n && (name[n - 1] == ' ' || name[n - 1] == '.'))
		name[--n] = '\0';
	if (name[0] == '.' && name[1] && n < size - 1) {
		/* Nothing before an extension. */
		memmove(name + 1, name, n + 1);
		name[0] = '_';
	} else if (name[0] && strchr(" .-~", name[0])) {
		name[0] = '_';
	}
	if (!n)
		snprintf(name, size, "_");
	if (is_device(name)) {
		memmove(name + 1, name, n < size - 1 ? n + 1 : n);
		name[0] = '_';
	}
}

void export_safe_name(const char *value, char name[EXPORT_SAFE_NAME])
{
	name[0] = '\0';
	put_value(name, COMPONENT, value, VALUE);
	finish_name(name, EXPORT_SAFE_NAME);
}

/* ---- names that are taken ---------------------------------------------- */

/*
 * Keys are paths without case and, beyond ASCII, without accents: for some
 * file systems that is one name, or two forms of one letter are (APFS, NTFS).
 * A folder remembers for whom it was made, so that two series of one number
 * have two folders.
 */
struct slot {
	const char *key;   /* NULL: free */
	const char *owner; /* of a folder; NULL: a file */
	unsigned next;     /* number to try for the next one of this name */
};
struct export_names {
	struct slot *slot;
	size_t room, used;
	struct img_buf key;
	struct arena arena;
};

static int make_key(struct img_buf *key, const char *path, struct img_err *err)
{
	bool plain = true;

	img_buf_reset(key);
	for (const char *p = path; *p && plain; p++)
		plain = (unsigned char)*p < 0x80;
	if (!plain)
		return img_text_fold(path, strlen(path), key, err);
	for (; *path; path++)
		if (img_buf_putc(key,
				 *path >= 'A' && *path <= 'Z'
					 ? (char)(*path + 'a' - 'A')
					 : *path,
				 err) < 0)
			return -1;
	return 0;
}

static struct slot *find(const struct export_names *n, const char *key)
{
	uint64_t h = 14695981039346656037u;
	size_t at;

	for (const char *p = key; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211u;
	at = h & (n->room - 1);
	while (n->slot[at].key && strcmp(n->slot[at].key, key) != 0)
		at = (at + 1) & (n->room - 1);
	return &n->slot[at];
}

static int grow(struct export_names *n, struct img_err *err)
{
	struct export_names more = { .room = n->room ? 2 * n->room : 1024 };

	if (2 * (n->used + 1) <= n->room)
		return 0;
	more.slot = calloc(more.room, sizeof(*more.slot));
	if (!more.slot)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n->room; i++)
		if (n->slot[i].key)
			*find(&more, n->slot[i].key) = n->slot[i];
	free(n->slot);
	n->slot = more.slot;
	n->room = more.room;
	return 0;
}

/* "a.dcm" as "a-2.dcm"; false if there is no room. */
static bool numbered(char *out, size_t size, const char *dir, const char *name,
		     unsigned number, bool is_file)
{
	const char *dot = is_file ? strrchr(name, '.') : NULL;
	size_t stem = dot && dot > name && strlen(dot) <= 8
			      ? (size_t)(dot - name)
			      : strlen(name);
	int n = number < 2 ? snprintf(out, size, "%s%s", dir, name)
			   : snprintf(out, size, "%s%.*s-%u%s", dir, (int)stem,
				      name, number, name + stem);

	return n >= 0 && (size_t)n < size;
}

/* Appends "/name" to path, with a number where it is somebody else's. */
static int take_name(struct export_names *n, char path[IMG_PATH_MAX],
		     const char *name, const char *owner, struct img_err *err)
{
	char dir[IMG_PATH_MAX];
	struct slot *first = NULL, *s;

	snprintf(dir, sizeof(dir), "%s%s", path, *path ? "/" : "");
	if (grow(n, err) < 0)
		return -1;
	for (unsigned i = 1;; i++) {
		if (first && i == 2)
			i = first->next;
		if (!numbered(path, IMG_PATH_MAX, dir, name, i, !owner))
			return img_err_set(err, IMG_E_LIMIT,
					   "--layout: names are too long");
		if (make_key(&n->key, path, err) < 0)
			return -1;
		s = find(n, img_buf_str(&n->key));
		if (!s->key)
			break;
		if (owner && s->owner && strcmp(owner, s->owner) == 0)
			return 0;
		if (!first) {
			first = s;
			if (s->next < 2)
				s->next = 2;
		} else if (!owner) {
			/* All numbers up to here are taken for ever. */
			first->next = i + 1;
		}
	}
	s->key = arena_text(&n->arena, n->key.data, n->key.len);
	s->owner = owner ? arena_text(&n->arena, owner, strlen(owner)) : NULL;
	if (!s->key || (owner && !s->owner))
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	n->used++;
	return 0;
}

/* Whose folder it is when it is named by attributes of a level. */
static const char *owner_of(const struct export_item *it, int level)
{
	switch (level) {
	case IMG_PATIENT:
		return it->value[EX_PATIENT];
	case IMG_STUDY:
		return it->value[EX_STUDY];
	case IMG_SERIES:
		return it->value[EX_SERIES];
	default:
		return "";
	}
}

/* "1.dcm" as "1.png". */
static void put_extension(char *name, size_t size, const char *ext)
{
	size_t n = strlen(name);

	if (img_path_has_ext(name, ".dcm"))
		n -= 4;
	snprintf(name + n, size - n, "%s", ext);
}

static int name_one(struct img_export *x, struct export_names *n,
		    struct export_item *it, struct img_err *err)
{
	const char *ext = export_extension(x->opts.form);
	const struct export_layout *l = &x->layout;
	char path[IMG_PATH_MAX] = "", name[COMPONENT + 8] = "";
	int level = -1;

	for (unsigned i = 0; i < l->parts; i++) {
		put_value(name, COMPONENT, l->part[i].text, COMPONENT);
		if (l->part[i].field >= 0)
			put_number(name, COMPONENT,
				   it->layout[l->part[i].field],
				   l->part[i].width);
		if (l->part[i].level > level)
			level = l->part[i].level;
		if (!l->part[i].last)
			continue;
		finish_name(name, sizeof(name));
		if (i + 1 == l->parts && ext)
			put_extension(name, sizeof(name), ext);
		if (take_name(n, path, name,
			      i + 1 == l->parts ? NULL : owner_of(it, level),
			      err) < 0)
			return -1;
		name[0] = '\0';
	}
	it->out = export_text(x, path, err);
	return it->out ? 0 : -1;
}

/* In the order of the items, so that names do not depend on how they were
   given. */
int export_name_all(struct img_export *x, struct img_err *err)
{
	static const char *const ours[] = { "MANIFEST.TXT" };
	struct export_names n = { 0 };
	int rc = 0;

	img_buf_init(&n.key, 16 * IMG_PATH_MAX);
	for (unsigned i = 0; rc == 0 && i < sizeof(ours) / sizeof(*ours); i++) {
		char path[IMG_PATH_MAX] = "";

		rc = take_name(&n, path, ours[i], NULL, err);
	}
	for (size_t i = 0; rc == 0 && i < x->items; i++)
		if (x->item[i].state == EX_WANTED)
			rc = name_one(x, &n, &x->item[i], err);
	free(n.slot);
	img_buf_release(&n.key);
	arena_release(&n.arena);
	return rc;
}
