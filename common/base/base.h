/*
 * base.h - the ground floor: failure value, bounded buffer, paths, checked
 * files, clock, addresses of hosts.
 *
 * A failure is a value.  The caller owns a struct img_err and passes it last;
 * it is never NULL, untouched on success, and keeps the first failure that is
 * set.  It holds no heap memory, so running out of memory can be reported.
 * Setting it returns -1, so that `return img_err_set(err, ...)` reads well.
 */
#ifndef IMG_BASE_H
#define IMG_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IMG_VERSION "0.1"

#define IMG_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* ---- failure ---------------------------------------------------------- */

/* The words that records and manuals use are those of img_code_word(). */
enum img_code {
	IMG_OK,
	IMG_E_NOT_DICOM,   /* these bytes are not DICOM */
	IMG_E_TRUNCATED,   /* ends before what it announces */
	IMG_E_MALFORMED,   /* breaks the encoding rules */
	IMG_E_LIMIT,       /* over a ceiling of ours */
	IMG_E_UNSUPPORTED, /* well formed, but not for us */
	IMG_E_IO,          /* the system refused to read or write */
	IMG_E_BUSY,        /* held by somebody else: try again */
	IMG_E_DENIED,      /* not allowed */
	IMG_E_REFUSED,     /* a policy or a peer said no */
	IMG_E_TRANSPORT,   /* the network failed */
	IMG_E_USAGE,       /* asked for wrongly */
	IMG_E_BUG,         /* our own mistake */
	IMG_E_NOMEM        /* memory; the word is "limit" */
};

struct img_err {
	enum img_code code;
	char text[512]; /* one line, no newline, never an attribute's value */
};

#define IMG_ERR_INIT                                                           \
	{                                                                      \
		IMG_OK,                                                        \
		{                                                              \
			0                                                      \
		}                                                              \
	}

int img_err_set(struct img_err *err, enum img_code code, const char *fmt, ...)
	IMG_PRINTF(3, 4);
/* Adds ": " and the text of errno; the code follows from errno. */
int img_err_sys(struct img_err *err, const char *fmt, ...) IMG_PRINTF(2, 3);
void img_err_clear(struct img_err *err);
const char *img_code_word(enum img_code code);
/* The code of a word; IMG_E_BUG for a word that is none. */
enum img_code img_code_of(const char *word);

/* ---- bounded buffer --------------------------------------------------- */

/*
 * A growing byte buffer with a ceiling given at birth.  data is always
 * followed by a NUL that len does not count (data may be NULL while len is 0:
 * use img_buf_str).  Going over the ceiling is IMG_E_LIMIT.
 */
struct img_buf {
	char *data;
	size_t len;
	size_t room;
	size_t max;
};

void img_buf_init(struct img_buf *b, size_t max);
void img_buf_release(struct img_buf *b);
void img_buf_reset(struct img_buf *b); /* len = 0, memory is kept */
int img_buf_grow(struct img_buf *b, size_t more, struct img_err *err);
int img_buf_add(struct img_buf *b, const void *p, size_t n,
		struct img_err *err);
int img_buf_puts(struct img_buf *b, const char *s, struct img_err *err);
int img_buf_putc(struct img_buf *b, char c, struct img_err *err);
int img_buf_printf(struct img_buf *b, struct img_err *err, const char *fmt, ...)
	IMG_PRINTF(3, 4);
const char *img_buf_str(const struct img_buf *b); /* never NULL */

/* How an archive or a part of it is opened. */
enum img_mode { IMG_READ, IMG_WRITE };

/* ---- paths ------------------------------------------------------------ */

#define IMG_PATH_MAX 4096

/* dir + "/" + name into out; IMG_E_LIMIT if it does not fit. */
int img_path_join(char *out, size_t size, const char *dir, const char *name,
		  struct img_err *err);
const char *img_path_base(const char *path); /* what follows the last '/' */
/* Whether name ends with ext (".dcm"), without regard to ASCII case. */
bool img_path_has_ext(const char *path, const char *ext);
/* Whether both are there, and one file or folder, by whatever names. */
bool img_path_same(const char *a, const char *b);

/* ---- files ------------------------------------------------------------ */

/* Reads until n bytes, the end or an error; the number read, or -1 (errno). */
ssize_t img_read_full(int fd, void *p, size_t n);
/* The same, but a signal ends it (EINTR): nobody may be there who writes. */
ssize_t img_read_or_signal(int fd, void *p, size_t n);
ssize_t img_pread_full(int fd, void *p, size_t n, off_t at);
/* Writes all of it; 0, or -1 with errno. */
int img_write_full(int fd, const void *p, size_t n);
/*
 * A failed sync is final: the kernel may have thrown the pages away, so it is
 * never tried again (the caller gives up the file or the batch).
 */
int img_sync_fd(int fd, const char *name, struct img_err *err);
/* The same for a folder: an entry of it has to survive a power cut, too. */
int img_sync_dir(const char *dir, struct img_err *err);
/* The same for the folder that has path as an entry. */
int img_sync_folder_of(const char *path, struct img_err *err);
/* Closes and reports what close says; *fd becomes -1 in any case. */
int img_close(int *fd, const char *name, struct img_err *err);
/* What was made in a folder (at and folder as for fstatat) is for those whose
   folder it is: what root has made there becomes its owner's, and where it has
   the set-group-ID bit, its group may do with it what the owner may.  fd: it,
   just made.  Where that is not possible it stays as it is. */
void img_give(int fd, int at, const char *folder);
/* Gives what is a in the folder from the name b in the folder to, which
   nothing has yet: 0, or -1 with errno, EEXIST if something has.  Works also
   where the file system has no such call (NFS, FUSE, FAT). */
int img_rename_new(int from, const char *a, int to, const char *b);
/*
 * Takes an open-file-description lock on the whole of fd, waiting up to
 * seconds (0: one try); IMG_E_BUSY if it cannot be had.  The kernel drops it
 * when the process ends, so no lock is ever stale.
 */
int img_lock(int fd, bool exclusive, int seconds, const char *name,
	     struct img_err *err);
void img_unlock(int fd);

/* ---- clock ------------------------------------------------------------ */

#define IMG_TIME_MAX 32

/* Now in UTC as "2026-11-21T22:10:22Z". */
void img_time_now(char out[IMG_TIME_MAX]);
double img_time_mono(void); /* seconds on the monotonic clock */

/* ---- threads ---------------------------------------------------------- */

/* Starts a detached thread that gets no signals: they are for main.  stack in
   bytes, 0 for the usual.  0, or errno. */
int img_thread_apart(void *(*run)(void *arg), void *arg, size_t stack);

/* ---- hosts ------------------------------------------------------------ */

struct addrinfo;
/* Addresses for streams to a port, until then (img_time_mono) at the longest,
   whatever name servers do; for freeaddrinfo().  IMG_E_TRANSPORT. */
int img_lookup(const char *host, const char *port, double until,
	       struct addrinfo **found, struct img_err *err);

/* ---- numbers and bytes ------------------------------------------------ */

/* Whole number in base 10 without sign; false if it is none or above max. */
bool img_parse_u64(const char *s, uint64_t max, uint64_t *out);
/* "700M", "4.7G", "64KiB", "12": bytes (K = 1024); false if it is none. */
bool img_parse_size(const char *s, uint64_t *out);
/* "90", "90s", "30m", "4h", "30d", "2w": seconds, as sleep(1) has them;
   false if it is none or over a thousand years. */
#define IMG_DURATION_MAX (1000ull * 366 * 86400)
bool img_parse_duration(const char *s, uint64_t *out);
void img_hex(char *out, const uint8_t *p, size_t n); /* 2n + 1 bytes */
bool img_unhex(uint8_t *out, size_t n, const char *hex);
/* Whether all of it is well-formed UTF-8 (no surrogates, no overlong). */
bool img_utf8_ok(const char *p, size_t n);
/* Length of the byte order mark that other systems begin UTF-8 with; or 0. */
size_t img_utf8_mark(const char *p, size_t n);
/* Whether it begins with the byte order mark of UTF-16. */
bool img_utf16_mark(const char *p, size_t n);

#ifdef __cplusplus
}
#endif
#endif
