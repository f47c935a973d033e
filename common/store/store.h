/*
 * store.h - the objects of an archive, one file each, named by the digest of
 * its bytes; and the archive's folder itself.
 *
 *	DIR/objects/ab/abcdef...   0440, never overwritten
 *	DIR/tmp/<session>/         unfinished objects of one process
 *	DIR/quarantine/            inputs kept aside on request
 *	DIR/lock                   held while a batch is committed
 *
 * Storing, for one batch: begin, write and end for each object (any thread,
 * each with its own lane); img_store_sync_data once; img_store_lock;
 * img_store_link each; img_store_sync_names_begin and _end once; then the
 * audit line and the catalog commit; img_store_unlock.  Nothing may be
 * reported before that.
 *
 * A crash before link leaves a file in tmp, which the next process that opens
 * the archive for writing removes (a session's folder is locked while its
 * process lives).  A crash after link leaves an object without a row, which
 * the next import of the same bytes adopts and imgverify lists as extra.
 *
 * A sync that failed is final (the kernel may have dropped the pages): the
 * batch is lost and reported so, and the store refuses to go on.
 */
#ifndef IMG_STORE_H
#define IMG_STORE_H

#include "base/base.h"
#include "crypto/crypto.h"

struct img_store;

/* Whether dir is an archive, complete or not, or one may be made there: nothing
   is there yet, or an empty folder.  Files that begin with a dot, what systems
   put on a new disk, and peers.json do not count.  IMG_E_USAGE of another
   folder, IMG_E_REFUSED of one in an archive. */
int img_store_check_place(const char *dir, struct img_err *err);
/* IMG_WRITE makes what is missing of the layout, mode 0700 (img_give may add to
   that), where img_store_check_place allows it; IMG_READ of a folder that is no
   archive is IMG_E_IO, of "" IMG_E_USAGE. */
int img_store_open(struct img_store **s, const char *dir, enum img_mode mode,
		   struct img_err *err);
void img_store_close(struct img_store *s);
/* Whether st_dev and st_ino are those of the archive's folder. */
bool img_store_is_dir(const struct img_store *s, uint64_t dev, uint64_t ino);

/* An object being written.  lane: which of IMG_STORE_LANES folders of the
   session it is made in; threads that write side by side use different ones,
   or they queue for the folder's lock in the kernel. */
#define IMG_STORE_LANES 16
struct img_store_file {
	int fd;
	char name[48]; /* within the session; empty: no file */
	struct img_digest digest;
	uint64_t bytes;
};

int img_store_begin(struct img_store *s, unsigned lane,
		    struct img_store_file *f, struct img_err *err);
int img_store_write(struct img_store_file *f, const void *p, size_t n,
		    struct img_err *err);
/* A finished file that has no name yet, to be read again; -1. */
int img_store_reopen(struct img_store *s, const struct img_store_file *f,
		     struct img_err *err);
/* Closes; f->name stays until it is linked or dropped. */
int img_store_end(struct img_store_file *f, uint8_t digest[IMG_DIGEST_SIZE],
		  struct img_err *err);
/* Writes bytes whose digest is known already as one finished file. */
int img_store_put(struct img_store *s, unsigned lane, const void *p, size_t n,
		  struct img_store_file *f, struct img_err *err);
/* Removes an unfinished or unlinked file; nothing to do is no error. */
void img_store_drop(struct img_store *s, struct img_store_file *f);

/* Makes the bytes of all files ended so far durable: one syncfs, or a sync
   of each when they are few (n files at files). */
int img_store_sync_data(struct img_store *s,
			struct img_store_file *const *files, size_t n,
			struct img_err *err);
/* The same for one file that is still open; from any thread. */
int img_store_sync_file(struct img_store *s, const struct img_store_file *f,
			struct img_err *err);
/* Whether a sync has failed, so that nothing can be promised any more. */
bool img_store_is_broken(const struct img_store *s);
/* Bytes that can still be written. */
uint64_t img_store_room(const struct img_store *s);
/* Waits up to seconds for other writers; IMG_E_BUSY. */
int img_store_lock(struct img_store *s, int seconds, struct img_err *err);
void img_store_unlock(struct img_store *s);
/* Gives the file its name.  1: it is new there.  0: an intact object had the
   name already and f was dropped.  A damaged one is replaced (1). */
int img_store_link(struct img_store *s, struct img_store_file *f,
		   const uint8_t digest[IMG_DIGEST_SIZE], struct img_err *err);
/* Relies on an object that is there already and that nobody has promised: an
   import that was killed may have left it without syncing its name. */
int img_store_adopt(struct img_store *s, const uint8_t digest[IMG_DIGEST_SIZE],
		    struct img_err *err);
/* Makes the names linked and adopted since the last call durable: between
   begin and end the caller may wait for the disk itself, and must not link.
   After a begin that did not fail there has to be an end. */
int img_store_sync_names_begin(struct img_store *s, struct img_err *err);
int img_store_sync_names_end(struct img_store *s, struct img_err *err);

/* 1 there with that size, 0 not. */
int img_store_has(struct img_store *s, const uint8_t digest[IMG_DIGEST_SIZE],
		  uint64_t bytes);
/* Read-only descriptor of an object; -1 with IMG_E_IO. */
int img_store_get(struct img_store *s, const uint8_t digest[IMG_DIGEST_SIZE],
		  struct img_err *err);

/* The bytes are those of the digest; are others; are not given by the medium;
   there is no such file. */
enum img_fixity { IMG_INTACT, IMG_DAMAGED, IMG_UNREADABLE, IMG_MISSING };
/* What is wrong with the bytes that were stored; NULL: nothing, or they are not
   there. */
const char *img_fixity_reason(enum img_fixity fixity);
/* Reads the object and compares.  fresh: past the page cache, from disk.
   -1 only when reading fails for a reason that says nothing about the object
   (memory, descriptors). */
int img_store_verify(struct img_store *s, const uint8_t digest[IMG_DIGEST_SIZE],
		     bool fresh, enum img_fixity *out, struct img_err *err);
/* The same for any file against a digest (objects in place). */
int img_store_verify_path(const char *path,
			  const uint8_t digest[IMG_DIGEST_SIZE], bool fresh,
			  enum img_fixity *out, struct img_err *err);
/* Where an object lies, for another program that is to read it; f not NULL: a
   finished file that has no name yet. */
int img_store_path(struct img_store *s, const struct img_store_file *f,
		   const uint8_t digest[IMG_DIGEST_SIZE],
		   char out[IMG_PATH_MAX], struct img_err *err);
/* Both, with more to say; place NULL: the store's. */
struct img_store_how {
	bool fresh;
	/* Before n bytes are read: may wait; not 0: the reading ends with
	   IMG_E_BUSY.  NULL. */
	int (*step)(void *arg, size_t n);
	void *arg;
	/* Room to read into, for many objects in a row: NULL is for one. */
	uint8_t *block;
};
/* IMG_STORE_BLOCK bytes as reading wants them; free with free(). */
#define IMG_STORE_BLOCK (1024 * 1024)
uint8_t *img_store_block(struct img_err *err);
int img_store_judge(struct img_store *s, const char *place,
		    const uint8_t digest[IMG_DIGEST_SIZE],
		    const struct img_store_how *how, enum img_fixity *out,
		    struct img_err *err);
/* Calls f for everything in objects/: digest is NULL for a name that is no
   digest, name is relative to the archive; in the order of names.  A folder
   that cannot be read is passed over: -1, after all others, and err names the
   first. */
int img_store_each(struct img_store *s,
		   int (*f)(void *arg, const uint8_t *digest, const char *name,
			    struct img_err *err),
		   void *arg, struct img_err *err);

/* Moves a file that was ended and synced to quarantine/, by its digest; durable
   on return.  f is dropped in any case. */
int img_store_set_aside(struct img_store *s, struct img_store_file *f,
			const uint8_t digest[IMG_DIGEST_SIZE],
			struct img_err *err);
/* Keeps n bytes (or what fd holds, p NULL) under quarantine/, named by their
   digest; durable on return. */
int img_store_quarantine(struct img_store *s, const void *p, size_t n, int fd,
			 struct img_err *err);

#endif
