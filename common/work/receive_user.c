/* receive_user.c - who a peer says it is. */
#include <string.h>

#include "work/receive_private.h"

/* Whether the passcode is the one of hash.  It takes memory and time: one at a
   time. */
static bool is_passcode(struct img_receive *r, const char *hash,
			const struct img_accept_request *q)
{
	bool is;

	pthread_mutex_lock(&r->passcodes);
	is = img_passcode_is(hash, q->passcode, q->passcode_len);
	pthread_mutex_unlock(&r->passcodes);
	return is;
}

const char *receive_identify(struct img_receive *r,
			     const struct img_accept_request *q, bool *confirm)
{
	char name[sizeof(q->user) + 1] = "", hash[IMG_PASSCODE_HASH];
	bool asked, known = false;

	*confirm = false;
	if (q->user_len <= sizeof(q->user))
		memcpy(name, q->user, q->user_len);
	pthread_mutex_lock(&r->lock);
	asked = r->users;
	if (asked)
		known = img_users_find(r->users, name, hash) &&
			strlen(name) == q->user_len;
	pthread_mutex_unlock(&r->lock);
	if (!asked)
		return NULL;
	if (q->identity < 1 || q->identity > 2)
		return q->identity ? "a kind of identity that is not known"
				   : "it does not say who it is";
	if (q->identity == 1)
		known = known && !*hash;
	else if (!*hash || q->passcode_len > sizeof(q->passcode) ||
		 !is_passcode(r, hash, q))
		known = false;
	*confirm = known;
	return known ? NULL : "user or passcode not known";
}
