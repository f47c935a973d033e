/*
 * rules.c - fuzz target of the rules that imganon reads.
 *
 * Whatever comes in: no crash.  A refusal names file and line.  What is taken
 * answers for every attribute of the table as a search from the last rule to
 * the first does, never rules what the object cannot do without, and keeps
 * nothing private without its creator.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anon/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void wrong(const char *what, uint32_t tag)
{
	fprintf(stderr, "oracle: %s: (%04x,%04x)\n", what, tag >> 16,
		tag & 0xFFFF);
	abort();
}

static bool fits(const struct anon_user_rule *r, uint32_t tag,
		 const char *creator, size_t n)
{
	if ((tag & r->mask) != r->tag)
		return false;
	if (r->creator_n)
		return n == r->creator_n && memcmp(creator, r->creator, n) == 0;
	return !(tag >> 16 & 1) || r->action == IMG_ACT_X;
}

static void ask(const struct img_anon_rules *r, uint32_t tag,
		const char *creator, size_t n)
{
	const struct anon_user_rule *got = anon_user_rule(r, tag, creator, n);
	const struct anon_user_rule *want = NULL;

	for (size_t i = 0; i < r->n; i++)
		if (fits(&r->rule[i], tag, creator, n))
			want = &r->rule[i];
	if (anon_unruled(tag))
		want = NULL;
	if (got != want)
		wrong("not the last rule that fits", tag);
	if (got && (tag >> 16 & 1) && got->action != IMG_ACT_X && !n)
		wrong("private, and nobody's", tag);
}

static void check(struct img_anon_rules *r)
{
	static struct img_anon_profile p;
	struct img_err err = IMG_ERR_INIT;
	bool keeps = false;

	for (unsigned i = 0; i < anon_row_count; i += 7)
		ask(r, anon_rows[i].tag, NULL, 0);
	for (size_t i = 0; i < r->n; i++) {
		const struct anon_user_rule *one = &r->rule[i];

		ask(r, one->tag, one->creator, one->creator_n);
		ask(r, one->tag | (~one->mask & 0x10101010u), NULL, 0);
		ask(r, one->tag | 0x1000, one->creator, one->creator_n);
		keeps |= one->action == IMG_ACT_K || one->action == IMG_ACT_C;
	}
	img_anon_profile_init(&p);
	p.rules = r;
	if (img_anon_ready(&p, &err) < 0)
		wrong("no profile", 0);
	if (p.weaker && !keeps)
		wrong("weaker, and nothing is kept", 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct img_anon_rules *r = NULL;
	struct img_err err = IMG_ERR_INIT;

	if (img_anon_rules_parse(&r, "rules", (const char *)data, size, &err) <
	    0) {
		if (strncmp(err.text, "rules:", 6) != 0)
			wrong(err.text, 0);
		return 0;
	}
	check(r);
	img_anon_rules_free(r);
	return 0;
}
