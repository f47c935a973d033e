/*
 * export_private.h - the parts of the verb.
 *
 * export.c           open, the steps of finish, close
 * export_crew.c      threads
 * export_record.c    records
 * export_input.c     operands and records become items
 * export_audit.c     what leaves has its line
 * export_order.c     headers are read, items are sorted, twins set aside
 * export_layout.c    the template, safe names, collisions
 * export_read.c      objects are opened and their digests compared
 * export_place.c     the destination: temporary name, sync, final name
 * export_volumes.c   where volumes lie, and what lies beside
 * export_folder.c    the form folder
 * export_archive.c   the forms tar, zip and iso
 * export_prove.c     what they have become is read again
 * export_manifest.c  MANIFEST.TXT
 * export_convert.c   objects in another transfer syntax
 * export_media.c     file-sets
 * export_image.c     the forms png, jpeg and npy
 * export_nifti.c     the form nifti
 * export_process.c   other programs; discs are burned
 */
#ifndef IMG_EXPORT_PRIVATE_H
#define IMG_EXPORT_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "archive/archive.h"
#include "catalog/catalog.h"
#include "codec/codec.h"
#include "media/media.h"
#include "picture/picture.h"
#include "store/store.h"
#include "work/arena.h"
#include "work/export.h"
#include "work/probe.h"

#define EXPORT_JOBS  16
#define EXPORT_BLOCK (256u * 1024)
/* Attributes that are read of every header, before those of the layout. */
enum export_field {
	EX_TS,
	EX_MEDIA_CLASS,
	EX_SOP_CLASS,
	EX_SOP,
	EX_DATE,
	EX_TIME,
	EX_MODALITY,
	EX_PATIENT,
	EX_ISSUER,
	EX_STUDY,
	EX_SERIES,
	EX_SERIES_NUMBER,
	EX_INSTANCE_NUMBER,
	EX_PADDING, /* makes the reader walk the object to its end */
	EX_FIELDS
};
#define EXPORT_PARTS 32

enum export_state { EX_WANTED, EX_FAILED, EX_IGNORED, EX_WRITTEN };

struct export_item {
	const char *name;  /* what messages call it: its path or digest */
	const char *place; /* path of its file; NULL: in the store */
	const char *line;  /* the record that named it, or NULL */
	size_t line_n;
	uint64_t number; /* in the order of the inputs */
	bool known;      /* digest is what it must be */
	bool archived;   /* it is of the archive */
	bool in_folder;  /* found in a folder: what is no object is ignored */
	bool proved;     /* read again where it was written */
	uint8_t digest[IMG_DIGEST_SIZE], sha256[IMG_DIGEST_SIZE];
	uint64_t bytes;
	const char *value[EX_FIELDS]; /* "" where there is none */
	const char *const *layout;    /* by the layout's fields */
	int64_t series_number, instance_number;
	int64_t mtime;
	enum export_state state;
	const char *reason;        /* EX_IGNORED */
	const struct img_err *why; /* EX_FAILED */
	const char *cause;         /* of all that failed with it, or NULL */
	const char *out;           /* its name below the destination */
	unsigned volume;
	const char *target; /* transfer syntax it has to get, or NULL */
	bool converted;     /* it has got it; source is what it was */
	uint8_t source[IMG_DIGEST_SIZE];
	const char *shown;  /* of the forms of pictures: its first file */
	uint32_t files;     /* and how many */
	const char *odd[2]; /* warnings about these, or NULL */
	size_t media;       /* its number in the file-set */
	bool planned, dropped;
};

/* A file that is no object: MANIFEST.TXT, DICOMDIR. */
struct export_extra {
	const char *name;
	const void *p;
	size_t n;
	uint8_t digest[IMG_DIGEST_SIZE], sha256[IMG_DIGEST_SIZE];
	bool proved;
};

struct export_layout {
	struct {
		const char *text; /* what stands before the field */
		int field;        /* index of path; -1: none */
		unsigned width;   /* zeros in front; 0: as it is */
		bool last;        /* ends a component */
		int level;        /* enum img_level that names it; -1 */
	} part[EXPORT_PARTS];
	unsigned parts;
	struct img_probe_path path[EXPORT_PARTS];
	unsigned paths;
	char literal[2 * IMG_PATH_MAX]; /* what text points to */
};

/* Where it is written: a folder or a file beside the final name. */
struct export_place {
	char parent[IMG_PATH_MAX], base[256];
	char part[300]; /* temporary name in parent; "": none yet */
	int parent_fd;
	int fd; /* of the folder or file being written */
	bool folder;
	bool inside; /* the folder stays, as others have mounted it there */
	bool stream; /* standard output */
	bool taken;  /* there is something that may be replaced */
};

/* A folder, an archive or an image of its own; there is one, unless the
   export is split. */
struct export_volume {
	struct export_place place;
	unsigned number; /* from 0 */
	char label[40];
	struct export_extra *extra;
	size_t extras, extras_room;
	size_t more; /* files to come that are no items, at most */
	struct img_archive_out *out;
	const char **stem; /* of the form nifti: names of series so far */
	size_t stems;
};

/* What one thread needs to convert. */
struct export_tools {
	struct img_codec_session *session;
	struct img_dicom_reader *reader;
};

struct img_export {
	struct img_export_opts opts;
	struct img_export_host host;
	struct img_store *store;
	struct img_catalog *archive;
	struct export_layout layout;
	struct export_volume *volume;
	unsigned volumes;
	struct export_item *item;
	size_t items, room;
	struct arena arena;
	struct arena worker_arena[EXPORT_JOBS + 1];
	const char *syntax; /* UID of --transfer-syntax, or NULL */
	struct img_codec *codec;
	struct img_picture_window window;
	pthread_mutex_t lock; /* of the volumes' lists of files */
	struct export_tools tools[EXPORT_JOBS + 1];
	struct img_media_set *media;
	int64_t newest; /* the greatest of the items' times */
	uint64_t total; /* bytes of all items */
	unsigned jobs;
	bool unaudited;        /* the archive may only be read */
	bool named;            /* what was written has its name */
	const char *last_line; /* of the record in hand */
	size_t last_line_n;
	_Atomic uint64_t done, done_bytes;
};

struct export_sum {
	struct img_bulk digest;
	struct img_sha256 sha256;
	uint64_t bytes;
};

/* ---- all --------------------------------------------------------------- */

char *export_text(struct img_export *x, const char *s, struct img_err *err);
/* Calls f for each item of the volume (NULL: of all) that is wanted or
   written, by several threads; worker tells them apart.  A -1 of f ends it. */
int export_each(struct img_export *x, const struct export_volume *v,
		int (*f)(struct img_export *x, unsigned worker,
			 struct export_item *it, void *arg,
			 struct img_err *err),
		void *arg, struct img_err *err);
/* The item's failure; worker's arena keeps it. */
void export_fail(struct img_export *x, unsigned worker, struct export_item *it,
		 const struct img_err *why);
/* What could not be dealt with: 0 it fails alone, -1 so does all. */
int export_failed(struct img_export *x, unsigned worker, struct export_item *it,
		  const struct img_err *why, struct img_err *err);
bool export_stopped(struct img_export *x);
/* One more is written: progress. */
void export_done(struct img_export *x, const struct export_item *it);
/* all: also what was exported. */
int export_emit_all(struct img_export *x, bool all);
/* A file of n bytes at p, which are copied. */
int export_extra(struct img_export *x, struct export_volume *v,
		 const char *name, const void *p, size_t n,
		 struct img_err *err);

/* A file that was written already, from any thread. */
int export_wrote(struct img_export *x, struct export_volume *v,
		 const char *name, struct export_sum *sum, struct img_err *err);
/* It is taken away again. */
void export_unwrote(struct img_export *x, struct export_volume *v,
		    const char *name);

/* ---- the audit log ----------------------------------------------------- */

/* A line for each item of the archive in this state, durable on return. */
int export_audit(struct img_export *x, enum export_state state,
		 struct img_err *err);
/* The lines were there, and so many objects did not leave after all. */
void export_audit_undone(struct img_export *x, uint64_t objects);

/* ---- order ------------------------------------------------------------- */

int export_order(struct img_export *x, struct img_err *err);

/* ---- names ------------------------------------------------------------- */

int export_layout_parse(struct export_layout *l, const char *text,
			struct img_err *err);
/* A value as a name that leads nowhere else. */
#define EXPORT_SAFE_NAME 208
void export_safe_name(const char *value, char name[EXPORT_SAFE_NAME]);
int export_name_all(struct img_export *x, struct img_err *err);

/* ---- reading ----------------------------------------------------------- */

/* Whoever has begun one drops it, ended or not. */
void export_sum_init(struct export_sum *s);
void export_sum_drop(struct export_sum *s);
void export_sum_add(struct export_sum *s, const void *p, size_t n);
/* Sets what the item's bytes are; -1 if they are not what they must be. */
int export_sum_end(struct export_sum *s, struct export_item *it,
		   struct img_err *err);
/* -1 and err, or a descriptor of the object. */
int export_source(struct img_export *x, const struct export_item *it,
		  struct img_err *err);
/* Reads fd to its end: *sum gets it all, and f where there is one. */
int export_read(int fd, const char *name, struct export_sum *sum,
		int (*f)(void *arg, const void *p, size_t n,
			 struct img_err *err),
		void *arg, struct img_err *err);
/* The digest of what fd has; fresh: from the disk, not from memory. */
int export_hash(int fd, const char *name, bool fresh,
		uint8_t digest[IMG_DIGEST_SIZE], struct img_err *err);
/* Whether what was written has this digest. */
int export_compare(int fd, const char *name,
		   const uint8_t digest[IMG_DIGEST_SIZE], struct img_err *err);

/* ---- destination ------------------------------------------------------- */

/* Whether the destination can be had; looks only. */
int export_place_init(struct export_place *p, const char *out, bool folder,
		      bool force, struct img_err *err);
/* Nothing is written into the archive. */
int export_place_outside(const struct export_place *p, const char *archive,
			 struct img_err *err);
/* Makes the temporary folder or file. */
int export_place_begin(struct export_place *p, struct img_err *err);
/* The final name, made durable. */
int export_place_commit(struct export_place *p, bool force,
			struct img_err *err);
/* Takes the final name away again, where nothing was replaced. */
void export_place_withdraw(struct export_place *p);
void export_remove_below(const struct export_place *p, const char *name);
void export_place_release(struct export_place *p);

/* ---- forms ------------------------------------------------------------- */

int export_manifest(struct img_export *x, struct export_volume *v,
		    struct img_err *err);
/* Objects; then the other files, when they are known; then the proof. */
int export_folder_items(struct img_export *x, struct export_volume *v,
			struct img_err *err);
/* The folders above a name. */
int export_folders(int dir, const char *name, struct img_err *err);
int export_new_file(int dir, const char *name, struct img_err *err);
void export_set_time(int fd, int64_t mtime);
/* A full disk ends it all; anything else is wrong with the one object, whose
   name its message begins with. */
bool export_is_general(const struct export_item *it, const struct img_err *why);
int export_folder_extras(struct img_export *x, struct export_volume *v,
			 struct img_err *err);
int export_folder_prove(struct img_export *x, struct export_volume *v,
			struct img_err *err);
/* ECMA-119 6.5.1, in level 1. */
int export_fits_iso(const struct export_item *it, uint64_t bytes,
		    struct img_err *err);
int export_archive_items(struct img_export *x, struct export_volume *v,
			 struct img_err *err);
int export_archive_extras(struct img_export *x, struct export_volume *v,
			  struct img_err *err);
int export_archive_prove(struct img_export *x, struct export_volume *v,
			 struct img_err *err);

/* ---- conversion -------------------------------------------------------- */

/* A new file for what is in between. */
int export_scratch(struct img_export *x, const struct export_volume *v,
		   struct img_err *err);
/* Writes the object in fd to out as its target wants it, after comparing its
   digest: 1; 0 if it can stay as it is. */
int export_convert(struct img_export *x, unsigned worker,
		   struct export_item *it, int fd, int out,
		   struct img_err *err);
int export_tools_ready(struct img_export *x, unsigned worker,
		       struct img_err *err);
void export_tools_release(struct img_export *x);
/* Sets the digest of the object, or compares it with the one known. */
int export_check(struct export_item *it, int fd, struct img_err *err);
/* A JPEG of its middle frame: 1, 0 none, -1. */
int export_preview(struct img_export *x, const struct export_item *it,
		   unsigned size, struct img_buf *jpeg, struct img_err *err);
void export_sort_extras(struct export_volume *v);
int export_nifti_items(struct img_export *x, struct export_volume *v,
		       struct img_err *err);
/* Runs a program to its end, its words to nobody; seconds of processor time.
   With x it does not outlive the export. */
int export_run(struct img_export *x, const char *const argv[], unsigned seconds,
	       struct img_err *err);
/* The image that was made, onto a disc, which is read back. */
int export_burn(struct img_export *x, struct img_err *err);
/* Whether there is a drive, before anything is made. */
int export_burn_ready(struct img_export *x, struct img_err *err);
/* ".png"; NULL: files are not named by it. */
const char *export_extension(enum img_export_form form);
/* Shows all of it to nobody; what is found wrong with it. */
int export_image_try(struct img_export *x, unsigned worker,
		     struct export_item *it, int fd, struct img_err *err);
/* Whether dcm2niix may be given it; it is not run. */
int export_nifti_try(struct export_item *it, int fd, struct img_err *err);
/* Instead of writing: which items would fail. */
int export_dry(struct img_export *x, struct img_err *err);
int export_image_items(struct img_export *x, struct export_volume *v,
		       struct img_err *err);

/* ---- media ------------------------------------------------------------- */

/* As many places to write to, with numbers in their names. */
int export_volumes(struct img_export *x, unsigned n, struct img_err *err);
int export_media_open(struct img_export *x, struct img_err *err);
int export_media_plan(struct img_export *x, struct img_err *err);
int export_media_files(struct img_export *x, struct export_volume *v,
		       struct img_err *err);
int export_media_changes(struct img_export *x, const struct export_item *it,
			 struct img_buf *b, struct img_err *err);

#endif
