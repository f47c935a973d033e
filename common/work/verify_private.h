/* verify_private.h - what the files of img_verify share. */
#ifndef IMG_VERIFY_PRIVATE_H
#define IMG_VERIFY_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "check/check.h"
#include "codec/codec.h"
#include "signature/signature.h"
#include "store/store.h"
#include "work/journal.h"
#include "work/verify.h"
#include "work/verify_phi.h"

#define VERIFY_JOBS  16
#define VERIFY_LOCK  60 /* seconds */
#define VERIFY_EXTRA (256 * 1024)
#define VERIFY_FILES 128 /* files judged side by side */

/* What looking inside has found. */
struct deep_out {
	bool done, error, deviates;
	bool over;     /* frames over a limit were not looked at */
	bool doubtful; /* what may identify was found, and nothing that does */
	struct img_check_facts facts;
	char ts[IMG_UID_MAX];
	bool has_pixels; /* each frame was decoded */
	uint8_t pixels[IMG_DIGEST_SIZE];
	struct img_buf extra; /* members of the record */
};

struct verdict {
	bool done; /* judged, and not given up on the way */
	enum img_fixity fixity;
	bool row_ok;
	struct img_err err;
	uint8_t digest[IMG_DIGEST_SIZE]; /* of a file without a digest */
	uint64_t bytes;
	struct deep_out deep;
};

/* What a thread needs to look inside. */
struct deep {
	struct img_dicom_reader *reader;
	struct img_check *check;
	struct img_codec_session *session;
	struct phi_search phi;
	uint8_t *block; /* that objects are read into */
	bool is_signed; /* the object in hand has signatures */
};

struct file_job {
	char *path;
	bool has_digest;
	uint8_t digest[IMG_DIGEST_SIZE];
};

/* What is still to be written down of an object that was read. */
struct later {
	int64_t instance, object;
	const char *word; /* NULL: nothing */
	bool has_identity;
	struct img_identity identity;
};

struct img_verify {
	struct img_verify_opts opts;
	struct img_verify_host host;
	struct img_store *store;
	struct img_catalog *catalog;
	bool writes;             /* what is found is written down */
	struct img_audit *audit; /* then, when there is something to say */
	bool unlogged;           /* the log takes no line: nothing is */
	bool log_told;           /* that it is no log */
	uint64_t checked;        /* objects whose check was written down */
	bool by_and_by;          /* objects come singly: several at once are */
	struct later later[IMG_PAGE];
	size_t n_later;
	double written; /* when that was done last */
	unsigned jobs;
	uint64_t items, bytes;
	const struct img_record *given; /* the record in hand */

	struct img_page_order last;
	struct img_codec *codec; /* with deep */
	struct img_signatures *signatures;
	struct phi *phi;
	struct complete *complete;
	bool collect;          /* for a statement: */
	struct img_buf leaves; /* digests of what is intact */
	uint64_t unfit;
	struct img_json *statement; /* that was signed before */
	struct deep deep[VERIFY_JOBS];
	struct verdict verdict[IMG_PAGE];
	/* What the threads do: objects of the catalog, or files. */
	const struct img_object *page;
	struct file_job file[VERIFY_FILES];
	size_t n_files;
	size_t n;
	atomic_size_t next;
	double until; /* when no new object is begun; 0: never */
	/* What is read is noted as of then at least; "": as of now. */
	char not_before[IMG_TIME_MAX];
	size_t judged; /* of the page: those before it ended */
	pthread_mutex_t pace_lock;
	double pace_at; /* when the next bytes may be read */
};

/* Opens the archive for the first who needs it. */
int verify_archive(struct img_verify *v, struct img_err *err);
/* The same for what is no file: without an archive that is what is wrong with
   a name that is no UID. */
int verify_named(struct img_verify *v, const char *name, struct img_err *err);
/* Judges v->page[0..n) or, without a page, v->file[0..n). */
void verify_side_by_side(struct img_verify *v, size_t n);
int verify_page(void *arg, const struct img_object *o, size_t n,
		struct img_err *err);
/* How objects are read: past the cache, at the rate that was asked for. */
struct img_store_how verify_how(struct img_verify *v, struct deep *deep);
/* Verdicts on v->page[0..n) into the catalog, findings into the log first; by
   and by where objects come singly, as each time waits for the disk, but
   findings at once. */
int verify_write_down(struct img_verify *v, size_t n, struct img_err *err);
/* A transaction under the archive's lock; end: 0, or rc with nothing written. */
int verify_begin(struct img_verify *v, struct img_err *err);
int verify_end(struct img_verify *v, int rc, struct img_err *err);
/* Before the rows of a scope, and after them: the pages of the catalog, its
   rows, what is in none. */
int verify_catalog_pages(struct img_verify *v, struct img_err *err);
/* The audit log as far as the catalog knows it: told if it is not intact. */
int verify_audit_log(struct img_verify *v, struct img_err *err);
/* That the log takes no line, as err says, is told once, and is no error. */
int verify_tell_unlogged(struct img_verify *v, struct img_err *err);
int verify_catalog_rows(struct img_verify *v,
			const struct img_catalog_scope *scope,
			struct img_err *err);
/* A catalog that sqlite cannot read, or not as we wrote it, is a verdict and
   no failure.  0: told. */
int verify_tell_catalog(struct img_verify *v, struct img_err *err);
/* UTC, so many days ago. */
bool verify_before(int64_t days, char out[IMG_TIME_MAX]);
/* The record of a verdict; borrows from all of them. */
const char *verify_word(const struct img_verify *v, const struct verdict *d);
/* The same for the record; what the catalog keeps is about its bytes. */
const char *verify_shown(const struct img_verify *v, const struct verdict *d);
/* err: where frames were over a limit, and nothing else is wrong. */
void verify_not_told(const struct verdict *d, const char *name,
		     struct img_err *err);
int verify_emit(struct img_verify *v, struct img_record *rec);
/* The record of what could not be told; sop and cause may be NULL. */
int verify_failed(struct img_verify *v, const char *path, const char *sop,
		  const char *cause, const struct img_err *why,
		  struct img_err *err);
/* For a signature: the digest of what is intact. */
int verify_collect(struct img_verify *v, const struct img_record *rec,
		   struct img_err *err);

void verify_file_job(struct img_verify *v, struct deep *deep,
		     const struct file_job *job, struct verdict *out);
/* The digest of all bytes and their number into out. */
int verify_digest_fd(int fd, struct verdict *out, const char *name,
		     struct img_err *err);

/* Reads all of fd and says in out what is wrong with it. */
int verify_deep(struct img_verify *v, struct deep *deep, int fd,
		const char *name, struct deep_out *out, struct img_err *err);
/* The message without the name it begins with: the record has it already. */
const char *verify_said(const struct img_err *why, const char *name);
/* Decodes every frame; findings go to deep->check, members to out->extra. */
int verify_pixels(struct img_verify *v, struct deep *deep, int fd,
		  const char *name, struct deep_out *out, struct img_err *err);
/* Checks the digital signatures in it, in the same way. */
int verify_signatures(struct img_verify *v, struct deep *deep, int fd,
		      struct deep_out *out, struct img_err *err);
void verify_deep_release(struct deep *deep);

#endif
