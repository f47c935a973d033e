/* send_uids.c - peers vouch for UIDs, not for bytes. */
#include <stdlib.h>
#include <string.h>

#include "work/send_private.h"

/* Where it is, or the free place where it would be. */
static struct send_uid *place(const struct send_uids *u, uint64_t sop)
{
	size_t at = sop & (u->room - 1);

	while (u->at[at].sop && u->at[at].sop != sop)
		at = (at + 1) & (u->room - 1);
	return &u->at[at];
}

static int grow(struct send_uids *u)
{
	struct send_uids more = { .room = u->room ? 2 * u->room : 1024 };

	more.at = calloc(more.room, sizeof(*more.at));
	if (!more.at)
		return -1;
	for (size_t i = 0; i < u->room; i++)
		if (u->at[i].sop)
			*place(&more, u->at[i].sop) = u->at[i];
	free(u->at);
	u->at = more.at;
	u->room = more.room;
	return 0;
}

/* Neither is 0. */
static struct send_uid sums(const struct send_item *it)
{
	return (struct send_uid){
		.sop = img_sum64(it->sop, strlen(it->sop)) | 1,
		.digest = img_sum64(it->digest, sizeof(it->digest)) | 1
	};
}

void send_uids_note(struct img_send *s, const struct send_item *it)
{
	const struct send_uid new = sums(it);
	struct send_uids *u = &s->uids;
	struct send_uid *at;

	pthread_mutex_lock(&s->event_lock);
	if (u->n >= u->room - u->room / 4 && grow(u) < 0) {
		u->lost = true;
		goto out;
	}
	at = place(u, new.sop);
	if (!at->sop) {
		*at = new;
		u->n++;
	} else if (at->digest != new.digest) {
		at->digest = 0;
	}
out:
	pthread_mutex_unlock(&s->event_lock);
}

bool send_uids_alone(struct img_send *s, const struct send_item *it)
{
	const struct send_uids *u = &s->uids;
	bool alone;

	pthread_mutex_lock(&s->event_lock);
	alone = !u->lost && u->room &&
		place(u, sums(it).sop)->digest == sums(it).digest;
	pthread_mutex_unlock(&s->event_lock);
	return alone && send_ledger_other(s, it) == 0;
}

void send_uids_release(struct send_uids *u)
{
	free(u->at);
}
