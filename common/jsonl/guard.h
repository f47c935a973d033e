/* guard.h - inside jsonl: what json-c lets by, and walking checked text. */
#ifndef IMG_JSONL_GUARD_H
#define IMG_JSONL_GUARD_H

#include "base/base.h"

/* Refuses what json-c accepts although RFC 8259 does not, and NUL characters;
   *members is the number of members of all objects in it. */
int img_json_guard(const char *s, size_t n, size_t *members,
		   struct img_err *err);

/* Pieces of the text of an object that has passed guard and json-c. */
struct img_json_span {
	const char *key, *value; /* key with its quotes */
	size_t key_n, value_n;
};
/* *at starts at 0; true while there is a member. */
bool img_json_walk(const char *s, size_t n, size_t *at,
		   struct img_json_span *span);

#endif
