/* send_group.c - objects of one SOP class in one transfer syntax go together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "work/send_private.h"

#define GROUPS_MAX 100000

static uint64_t sum_of(const char *sop_class, const char *ts)
{
	char both[2 * IMG_UID_MAX];

	snprintf(both, sizeof(both), "%s %s", sop_class, ts);
	return img_sum64(both, strlen(both));
}

/* Where it is in the table, or the free place where it would be. */
static uint32_t *place(const struct img_send *s, const char *sop_class,
		       const char *ts)
{
	size_t at = sum_of(sop_class, ts) & (s->group_room - 1);

	while (s->group_at[at]) {
		const struct send_group *g = &s->groups[s->group_at[at] - 1];

		if (strcmp(g->sop_class, sop_class) == 0 &&
		    strcmp(g->ts, ts) == 0)
			break;
		at = (at + 1) & (s->group_room - 1);
	}
	return &s->group_at[at];
}

/* Half of the table stays free; there are as many groups as that. */
static int grow(struct img_send *s)
{
	size_t room = s->n_groups ? 2 * s->n_groups : 16;
	uint32_t *at = calloc(2 * room, sizeof(*at));
	struct send_group *g = reallocarray(s->groups, room, sizeof(*g));

	if (g)
		s->groups = g;
	if (!g || !at) {
		free(at);
		return -1;
	}
	free(s->group_at);
	s->group_at = at;
	s->group_room = 2 * room;
	for (size_t i = 0; i < s->n_groups; i++)
		*place(s, g[i].sop_class, g[i].ts) = (uint32_t)i + 1;
	return 0;
}

size_t send_group_find(struct img_send *s, const struct send_item *it)
{
	struct send_group *g;
	uint32_t *at = NULL;

	if (s->group_room) {
		at = place(s, it->sop_class, it->ts);
		if (*at)
			return *at - 1;
	}
	if (s->n_groups == GROUPS_MAX)
		return SIZE_MAX;
	if (2 * s->n_groups == s->group_room) {
		if (grow(s) < 0)
			return SIZE_MAX;
		at = place(s, it->sop_class, it->ts);
	}
	g = &s->groups[s->n_groups++];
	memset(g, 0, sizeof(*g));
	memcpy(g->sop_class, it->sop_class, sizeof(g->sop_class));
	memcpy(g->ts, it->ts, sizeof(g->ts));
	*at = (uint32_t)s->n_groups;
	return s->n_groups - 1;
}

size_t send_group_of(struct img_send *s, const struct send_item *it)
{
	size_t i;

	pthread_mutex_lock(&s->lock);
	i = send_group_find(s, it);
	pthread_mutex_unlock(&s->lock);
	return i;
}
