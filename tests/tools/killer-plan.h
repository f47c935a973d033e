/* killer-plan.h - the part of killer that reads its plan, and learns how long
   the commands of a tag take. */
#ifndef KILLER_PLAN_H
#define KILLER_PLAN_H

#include "killer.h"

static struct tag *tag_of(const char *name)
{
	for (size_t i = 0; i < ntags; i++)
		if (strcmp(tags[i].name, name) == 0)
			return &tags[i];
	if (ntags == TAGS || strlen(name) >= sizeof(tags[0].name)) {
		fprintf(stderr, "killer: too many tags, %zu: %s\n", ntags,
			name);
		exit(64);
	}
	strcpy(tags[ntags].name, name);
	tags[ntags].us = 20000;
	return &tags[ntags++];
}

static void load(const char *path)
{
	char name[32];
	struct tag t;
	FILE *f = fopen(path, "r");

	while (f && fscanf(f, "%31s %lf %u", name, &t.us, &t.seen) == 3) {
		tag_of(name)->us = t.us;
		tag_of(name)->seen = t.seen;
	}
	if (f)
		fclose(f);
}

static void save(const char *path)
{
	FILE *f = fopen(path, "w");

	for (size_t i = 0; f && i < ntags; i++)
		fprintf(f, "%s %.0f %u\n", tags[i].name, tags[i].us,
			tags[i].seen);
	if (!f || fclose(f) != 0)
		die(path);
}

/* One of eleven is to end before its moment. */
static void learn(struct tag *t, bool ended)
{
	double step = t->seen++ < 100 ? 0.05 : 0.01;

	t->us *= ended ? 1 - 10 * step : 1 + step;
}

/* false: an empty line. */
static bool parse(struct run *r, char *line)
{
	size_t n = 0;
	char *save_ = NULL, *w = strtok_r(line, " \n", &save_);

	memset(r, 0, sizeof(*r));
	if (!w)
		return false;
	r->tag = tag_of(w);
	while ((w = strtok_r(NULL, " \n", &save_)) && n < WORDS - 2) {
		if (w[0] == '<') {
			r->in = w + 1;
		} else if (w[0] == '>') {
			r->to = w + 1;
		} else if (strcmp(w, "&") == 0 && r->npeers < PEERS) {
			r->words[n++] = NULL;
			r->peers[r->npeers++] = r->words + n;
		} else {
			r->words[n++] = w;
		}
	}
	return n > 0;
}

#endif
