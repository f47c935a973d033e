/*
 * mkcases - DICOM files as a table says, each with a damage of its own.
 *
 *	mkcases [-b dir] table out [name ...]   out/NAME.dcm for each case
 *	mkcases -l table                        names, UIDs, verdicts, by tabs
 *
 * In the table `NAME verdict ...` begins a case, `@NAME` a macro, and the
 * indented lines behind it hold the words it is made of, in this order:
 *
 *	MACRO          the words of the macro
 *	ts:UID         transfer syntax ($t), and the encoding that goes with it
 *	enc:WORD       encoding from here on: explicit, implicit, big
 *	gggg,eeee:VR/LENGTH=VALUE
 *	               an element in its place, instead of one of that tag;
 *	               without VR: tag and length of 4 bytes, as items have.
 *	               /LENGTH is what is declared, whatever there is; ~ is
 *	               undefined
 *	<gggg,...      before the pixel data (else at the end), and
 *	+gggg,...      at the end, whatever is there already
 *	-gggg,eeee     not this one
 *	<raw=VALUE     bytes without a head; also +raw
 *	repeat:N       the word behind it N times
 *	pre=VALUE      preamble; magic=VALUE instead of DICM; nopre: neither
 *	load:FILE      the bytes of dir/FILE instead of all that
 *	deflate        all behind the meta header
 *	~HEX+N=VALUE   overwrites N bytes behind the first HEX; ~~HEX: last
 *	@N=VALUE       overwrites at N; from the end if negative
 *	cut=N keep=N append=VALUE
 *
 * VALUE is made of parts with & between: text (%41 is a byte, $u the UID of
 * the case, $t the transfer syntax), #hex, us:1,2 ul:1,2 uq:1 (numbers of 2,
 * 4, 8 bytes), rep:N:hex, frag:FILE (the first coded frame in dir/FILE),
 * off:HEX+N (where it is, when overwriting).  It
 * is padded to an even length unless it begins with !.
 */
#include "cases.h"

static char *slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	struct bytes b = { 0 };
	char block[65536];
	size_t got;

	if (!f)
		quit("no file %s", path);
	while ((got = fread(block, 1, sizeof(block), f)) > 0)
		put(&b, block, got);
	put(&b, "", 1);
	fclose(f);
	*n = b.n - 1;
	return (char *)b.p;
}

/* ---- the table ---------------------------------------------------------- */

#define ENTRIES_MAX 1000

struct entry {
	char *name, *verdicts;
	struct bytes words;
	bool macro;
};

static struct entry entries[ENTRIES_MAX];
static size_t n_entries;

static void add_entry(char *line)
{
	struct entry *e = &entries[n_entries++];

	if (n_entries == ENTRIES_MAX)
		quit("too many cases");
	e->macro = *line == '@';
	e->name = line + e->macro;
	e->verdicts = line + strcspn(line, " \t");
	if (*e->verdicts)
		*e->verdicts++ = '\0';
	e->verdicts += strspn(e->verdicts, " \t");
	for (size_t i = 0; i + 1 < n_entries; i++)
		if (strcmp(entries[i].name, e->name) == 0)
			quit("%s: twice", e->name);
}

static void read_table(const char *path)
{
	size_t n;
	char *next = slurp(path, &n), *line;

	while ((line = strsep(&next, "\n"))) {
		if (!*line || *line == '#')
			continue;
		if (*line != '\t') {
			add_entry(line);
		} else {
			if (!n_entries)
				quit("words of nothing: %s", line);
			puts_(&entries[n_entries - 1].words, line);
		}
	}
	for (size_t i = 0; i < n_entries; i++)
		put(&entries[i].words, "", 1);
}

static const struct entry *macro(const char *name)
{
	for (size_t i = 0; i < n_entries; i++)
		if (entries[i].macro && strcmp(entries[i].name, name) == 0)
			return &entries[i];
	return NULL;
}

/* ---- making one ----------------------------------------------------------- */

static void word(struct making *m, char *w);

static void words(struct making *m, const char *text)
{
	char *copy = strdup(text), *next = copy, *w;
	unsigned long times = 1;

	while ((w = strsep(&next, " \t"))) {
		if (!*w)
			continue;
		if (strncmp(w, "repeat:", 7) == 0) {
			times = strtoul(w + 7, NULL, 10);
			continue;
		}
		for (; times > 1; times--) {
			char *again = strdup(w);

			word(m, again);
			free(again);
		}
		word(m, w);
	}
	free(copy);
}

static void load(struct making *m, const char *name)
{
	char path[4096];
	size_t n;
	char *p;

	snprintf(path, sizeof(path), "%s/%s", m->dir ? m->dir : ".", name);
	p = slurp(path, &n);
	settle(m);
	m->out.n = 0;
	put(&m->out, p, n);
	free(p);
	/* Of the same length as ours. */
	for (size_t i = 0; i + UID_N <= m->out.n; i++)
		if (memcmp(m->out.p + i, BASE_UID, UID_N) == 0)
			memcpy(m->out.p + i, m->uid, UID_N);
}

static void word(struct making *m, char *w)
{
	const struct entry *e = macro(w);

	if (e)
		words(m, (const char *)e->words.p);
	else if (strncmp(w, "load:", 5) == 0)
		load(m, w + 5);
	else if (!build_word(m, w) && !patch_word(m, w))
		quit("%s: what is %s?", m->name, w);
}

static void make(const struct entry *e, unsigned n, const char *dir,
		 const char *out)
{
	struct making m = { .name = e->name, .dir = dir };
	char path[4096];
	FILE *f;

	start(&m, n);
	words(&m, (const char *)e->words.p);
	settle(&m);
	snprintf(path, sizeof(path), "%s/%s.dcm", out, e->name);
	f = fopen(path, "wb");
	if (!f || fwrite(m.out.p, 1, m.out.n, f) != m.out.n || fclose(f) != 0)
		quit("cannot write %s", path);
	release(&m);
}

static void list(void)
{
	char uid[UID_N + 1];

	for (size_t i = 0; i < n_entries; i++) {
		char *v = entries[i].verdicts, *w;

		if (entries[i].macro)
			continue;
		make_uid(uid, (unsigned)i);
		printf("%s\t%s", entries[i].name, uid);
		while ((w = strsep(&v, " \t")))
			if (*w)
				printf("\t%s", w);
		putchar('\n');
	}
}

static bool wanted(const char *name, char **names, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return n == 0;
}

int main(int argc, char **argv)
{
	const char *dir = NULL;
	int i = 1;

	if (argc == 3 && strcmp(argv[1], "-l") == 0) {
		read_table(argv[2]);
		list();
		return fflush(stdout) == 0 ? 0 : 3;
	}
	if (argc > 3 && strcmp(argv[1], "-b") == 0) {
		dir = argv[2];
		i = 3;
	}
	if (argc - i < 2)
		quit("mkcases [-b dir] table out [name ...]");
	read_table(argv[i]);
	for (size_t e = 0; e < n_entries; e++)
		if (!entries[e].macro &&
		    wanted(entries[e].name, argv + i + 2, argc - i - 2))
			make(&entries[e], (unsigned)e, dir, argv[i + 1]);
	return 0;
}
