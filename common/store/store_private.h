/* store_private.h - what the files of the store share. */
#ifndef IMG_STORE_PRIVATE_H
#define IMG_STORE_PRIVATE_H

#include <stdatomic.h>

#include "store/store.h"

struct img_store {
	char *dir;
	int dirfd, objects, tmp, session, lock;
	uint64_t dev, ino;
	char session_name[20];
	atomic_uint serial; /* names within the session */
	bool touched[256];  /* shards with names not yet synced */
	unsigned adopted;   /* since names were synced last */
	atomic_bool broken; /* a sync failed: nothing can be promised */
};

/* objects/ab/... of a digest, relative to s->objects: "ab/abcd...". */
#define IMG_OBJECT_NAME 68
void img_store_name(char out[IMG_OBJECT_NAME],
		    const uint8_t digest[IMG_DIGEST_SIZE]);

#endif
