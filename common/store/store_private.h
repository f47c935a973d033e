/* store_private.h - what the files of the store share. */
#ifndef IMG_STORE_PRIVATE_H
#define IMG_STORE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/store.h"

/* Up to so many files are synced one by one: on a busy machine syncfs waits
   for what everybody else has written, too. */
#define STORE_FEW 8

/* Threads that sync side by side, and what they have to do.  Those of a batch
   share one commit of the file system's journal; one after the other each
   would pay for its own. */
struct store_syncer {
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	pthread_t thread[STORE_FEW];
	size_t threads;
	int shard[STORE_FEW]; /* 0 to 255; -1 all of the file system */
	size_t jobs, begun, ended;
	int error; /* errno of one that failed */
	bool over;
};

struct img_store {
	char *dir;
	int dirfd, objects, tmp, session, lock;
	uint64_t dev, ino;
	char session_name[20];
	atomic_uint serial; /* names within the session */
	bool touched[256];  /* shards with names not yet synced */
	unsigned adopted;   /* since names were synced last */
	bool given; /* what is made there may be for others, see img_give */
	atomic_bool broken; /* a sync failed: nothing can be promised */
	struct store_syncer *syncer; /* NULL: not needed so far */
};

/* objects/ab/... of a digest, relative to s->objects: "ab/abcd...". */
#define IMG_OBJECT_NAME 68
void img_store_name(char out[IMG_OBJECT_NAME],
		    const uint8_t digest[IMG_DIGEST_SIZE]);

/* As mkdirat; whose it is, see img_give. */
int store_make_folder(struct img_store *s, int at, const char *name);
int store_fail_sync(struct img_store *s, struct img_err *err);
int store_sync_one(struct img_store *s, int at, const char *name, int flags,
		   struct img_err *err);
void store_syncer_free(struct store_syncer *y);

#endif
