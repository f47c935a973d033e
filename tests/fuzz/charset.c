/*
 * charset.c - fuzz target of character sets (PS3.3 C.12.1.1.2, PS3.5 6.1.2.5).
 *
 * The first byte says how.  Even: any bytes under any terms; out comes UTF-8,
 * twice the same, and its search key is its own search key.  Odd: characters
 * that iconv puts into one to three sets, with escapes between; out comes what
 * they were.
 */
#include <iconv.h>

#include "dicom/dicom.h"
#include "fuzz.h"

#define SETS  14
#define CHARS 12000

/* A set as iconv knows it, and how it is designated. */
static struct set {
	const char *alone, *extended; /* terms; NULL: not so */
	const char *iconv;
	uint8_t prefix;      /* of its bytes in iconv's words */
	const char *g0, *g1; /* escapes; G0 takes 7 bits */
	uint8_t bytes;       /* of a character */
	size_t n;
	uint16_t code[CHARS];
	char utf8[CHARS][4];
} sets[SETS] = {
#define G1(ir, name, escape)                                                   \
	{                                                                      \
		.alone = "ISO_IR " ir, .extended = "ISO 2022 IR " ir,          \
		.iconv = name, .g1 = escape, .bytes = 1                        \
	}
	G1("100", "ISO-8859-1", "\33-A"),
	G1("101", "ISO-8859-2", "\33-B"),
	G1("109", "ISO-8859-3", "\33-C"),
	G1("110", "ISO-8859-4", "\33-D"),
	G1("144", "ISO-8859-5", "\33-L"),
	G1("127", "ISO-8859-6", "\33-G"),
	G1("126", "ISO-8859-7", "\33-F"),
	G1("138", "ISO-8859-8", "\33-H"),
	G1("148", "ISO-8859-9", "\33-M"),
	G1("166", "TIS-620", "\33-T"),
	{ .extended = "ISO 2022 IR 87",
	  .iconv = "EUC-JP",
	  .g0 = "\33$B",
	  .bytes = 2 },
	{ .extended = "ISO 2022 IR 159",
	  .iconv = "EUC-JP",
	  .prefix = 0x8F,
	  .g0 = "\33$(D",
	  .bytes = 2 },
	{ .extended = "ISO 2022 IR 149",
	  .iconv = "EUC-KR",
	  .g1 = "\33$)C",
	  .bytes = 2 },
	{ .extended = "ISO 2022 IR 58",
	  .iconv = "EUC-CN",
	  .g1 = "\33$)A",
	  .bytes = 2 },
};

static const char *const vrs[] = { "PN", "LO", "SH", "LT", "ST", "UT", "UC" };

static struct img_buf raw, want, out, again;

/* ---- what iconv says -------------------------------------------------- */

static void note(iconv_t cd, struct set *s, const uint8_t *p, size_t n,
		 uint16_t code)
{
	char *in = (char *)p, *to = s->utf8[s->n];
	size_t left = n, room = 4;

	memset(to, 0, 4);
	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &in, &left, &to, &room) != 0 || left || room == 4 ||
	    s->n + 1 == CHARS)
		return;
	/* Three bytes at the most: the basic plane; no controls. */
	if (room == 0 || ((uint8_t)s->utf8[s->n][0] == 0xC2 &&
			  (uint8_t)s->utf8[s->n][1] < 0xA0))
		return;
	s->code[s->n++] = code;
}

static void fill(struct set *s)
{
	iconv_t cd = iconv_open("UTF-8", s->iconv);
	uint8_t b[3] = { s->prefix };
	size_t p = s->prefix ? 1 : 0;

	if (cd == (iconv_t)-1)
		return;
	for (unsigned hi = 0xA0; hi < 0x100; hi++)
		for (unsigned lo = 0xA1; lo < 0xFF; lo++) {
			if (s->bytes == 1 && lo > 0xA1)
				break;
			if (s->bytes == 2 && (hi < 0xA1 || hi > 0xFE))
				break;
			b[p] = (uint8_t)hi;
			b[p + 1] = (uint8_t)lo;
			note(cd, s, b, p + s->bytes, (uint16_t)(hi << 8 | lo));
		}
	iconv_close(cd);
}

static void prepare(void)
{
	if (raw.max)
		return;
	for (unsigned i = 0; i < SETS; i++)
		fill(&sets[i]);
	img_buf_init(&raw, 1 << 20);
	img_buf_init(&want, 1 << 20);
	img_buf_init(&out, 4 << 20);
	img_buf_init(&again, 4 << 20);
}

static void add(struct img_buf *b, const void *p, size_t n)
{
	struct img_err err = IMG_ERR_INIT;

	if (img_buf_add(b, p, n, &err) < 0)
		fuzz_wrong("room", &err);
}

static void decode(const struct img_charset *cs, const char *vr,
		   struct img_buf *to, unsigned *notes)
{
	struct img_err err = IMG_ERR_INIT;

	img_buf_reset(to);
	if (img_charset_utf8(cs, vr, raw.data, raw.len, to, notes, &err) < 0)
		fuzz_wrong("no room for text", &err);
	if (to->len && !img_utf8_ok(to->data, to->len))
		fuzz_wrong("not UTF-8", NULL);
}

/* ---- any bytes -------------------------------------------------------- */

static void fold_is_stable(void)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf once, twice;

	img_buf_init(&once, 64 << 20);
	img_buf_init(&twice, 64 << 20);
	if (img_text_fold(img_buf_str(&out), out.len, &once, &err) < 0 ||
	    img_text_fold(img_buf_str(&once), once.len, &twice, &err) < 0)
		fuzz_wrong("fold", &err);
	if (once.len && !img_utf8_ok(once.data, once.len))
		fuzz_wrong("a search key that is not UTF-8", NULL);
	if (once.len != twice.len ||
	    (once.len && memcmp(once.data, twice.data, once.len) != 0))
		fuzz_wrong("the search key of a search key is another", NULL);
	(void)img_text_width(img_buf_str(&out), out.len);
	img_buf_release(&once);
	img_buf_release(&twice);
}

static void any(struct fuzz_in *in, unsigned how)
{
	struct img_charset cs;
	unsigned notes = 0, more = 0;
	size_t n = fuzz_byte(in) & 63;
	const uint8_t *terms = fuzz_take(in, &n);
	const char *vr = vrs[how % (sizeof(vrs) / sizeof(vrs[0]))];

	img_charset_parse(&cs, terms, n);
	img_buf_reset(&raw);
	add(&raw, in->p, in->n);
	if (!raw.len)
		return;
	decode(&cs, vr, &out, &notes);
	decode(&cs, vr, &again, &more);
	fuzz_must(out.len == again.len && notes == more &&
			  (!out.len ||
			   memcmp(out.data, again.data, out.len) == 0),
		  "twice is not the same");
	fold_is_stable();
}

/* ---- what was put in -------------------------------------------------- */

struct writing {
	const struct set *use[3];
	unsigned n;
	bool alone;  /* one set, and no escapes */
	bool person; /* PN: its delimiters reset, too */
	int first;   /* set that holds in G1 at the beginning; -1 */
	int g0, g1;  /* what holds; -1: ASCII, nothing */
};

static void reset(struct writing *w)
{
	/* A G0 set has to be left before a delimiter. */
	if (w->g0 >= 0)
		add(&raw, "\33(B", 3);
	w->g0 = -1;
}

static void put_plain(struct writing *w, char c, bool delimiter)
{
	if (w->g0 >= 0)
		reset(w);
	add(&raw, &c, 1);
	add(&want, &c, 1);
	if (delimiter)
		w->g1 = w->first;
}

static void put(struct writing *w, unsigned which, unsigned at)
{
	const struct set *s = w->use[which];
	uint8_t b[2];

	if (!s->n)
		return;
	at %= (unsigned)s->n;
	if (s->g0 && w->g0 != (int)which) {
		add(&raw, s->g0, strlen(s->g0));
		w->g0 = (int)which;
	}
	if (s->g1 && w->g1 != (int)which) {
		if (w->alone)
			fuzz_wrong("escapes where none belong", NULL);
		add(&raw, s->g1, strlen(s->g1));
		w->g1 = (int)which;
	}
	b[0] = (uint8_t)(s->code[at] >> 8) & (s->g0 ? 0x7F : 0xFF);
	b[1] = (uint8_t)s->code[at] & (s->g0 ? 0x7F : 0xFF);
	add(&raw, b, s->bytes);
	add(&want, s->utf8[at], strnlen(s->utf8[at], 3));
}

/* SpecificCharacterSet; the first value is what holds at the beginning. */
static void choose(struct writing *w, struct fuzz_in *in, char terms[128])
{
	unsigned how = fuzz_byte(in);
	bool empty = how & 4;

	w->n = 1 + how % 3;
	w->alone = how & 8;
	w->first = -1;
	*terms = '\0';
	for (unsigned i = 0; i < w->n; i++) {
		const struct set *s = &sets[fuzz_byte(in) % SETS];

		w->use[i] = s;
		if (w->alone && s->alone) {
			strcpy(terms, s->alone);
			w->use[0] = s;
			w->n = 1;
			w->first = 0;
			return;
		}
		if (i == 0 && s->bytes == 1 && !empty)
			w->first = 0;
		if (i || w->first < 0)
			strcat(terms, "\\");
		strcat(terms, s->extended);
	}
	w->alone = false;
}

static void known(struct fuzz_in *in, const char *vr)
{
	struct writing w = { .g0 = -1, .person = strcmp(vr, "PN") == 0 };
	bool lines = strcmp(vr, "LT") == 0 || strcmp(vr, "ST") == 0 ||
		     strcmp(vr, "UT") == 0;
	struct img_charset cs;
	unsigned notes = 0;
	char terms[128];

	choose(&w, in, terms);
	w.g1 = w.first;
	img_buf_reset(&raw);
	img_buf_reset(&want);
	while (in->n) {
		unsigned b = fuzz_byte(in), at;

		if (b < 128) {
			char c = (char)(b % 95 + 32);
			bool ends = (c == '\\' && !lines) ||
				    (w.person && (c == '^' || c == '='));

			/* In sets of 7 bits a space is no character. */
			put_plain(&w, c, ends);
			continue;
		}
		at = fuzz_word(in);
		put(&w, b % w.n, at);
	}
	put_plain(&w, '.', false); /* no padding at the end */
	img_charset_parse(&cs, terms, strlen(terms));
	fuzz_must(cs.notes == 0, "a term that is not known");
	decode(&cs, vr, &out, &notes);
	if (notes & (IMG_CHARSET_REPLACED | IMG_CHARSET_UNDECLARED |
		     IMG_CHARSET_UNKNOWN))
		fuzz_wrong("good text is said to be bad", NULL);
	/* What is valid in two ways is taken as UTF-8 or GBK: noted. */
	if (notes & (IMG_CHARSET_IS_UTF8 | IMG_CHARSET_IS_GBK))
		return;
	if (out.len != want.len || memcmp(out.data, want.data, out.len) != 0) {
		fprintf(stderr, "%s %s: %s: want %s\n", terms, vr,
			img_buf_str(&out), img_buf_str(&want));
		fuzz_wrong("other text than was written", NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	unsigned how = fuzz_byte(&in);

	prepare();
	if (how & 1)
		known(&in, vrs[how / 2 % (sizeof(vrs) / sizeof(vrs[0]))]);
	else
		any(&in, how / 2);
	return 0;
}
