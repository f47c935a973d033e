/* owed.c - reports of storage commitment that are owed, on disk. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "work/owed.h"

#define FIRST     "imgtools storage commitment 1"
#define FILES_MAX 10000
#define PEER_MAX  1000
#define BYTES_MAX ((uint64_t)1 << 30)
#define FILE_MAX  ((size_t)32 << 20)
#define HEAD_MAX  1024
#define TEMP      ".new-"

/* ---- the folder ------------------------------------------------------- */

void img_owed_close(struct img_owed_dir *d)
{
	if (d->fd >= 0)
		close(d->fd);
	if (d->lock >= 0)
		close(d->lock);
	d->fd = d->lock = -1;
}

static int make(int archive, struct img_owed_dir *d, const char *dir,
		struct img_err *err)
{
	bool fresh = mkdirat(archive, "reports", 0700) == 0;

	if (!fresh && errno != EEXIST)
		return img_err_sys(err, "%s/reports", dir);
	if (fresh && img_sync_fd(archive, dir, err) < 0)
		return -1;
	d->fd = openat(archive, "reports",
		       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->fd < 0)
		return img_err_sys(err, "%s/reports", dir);
	if (fresh)
		img_give(d->fd, archive, ".");
	d->lock = openat(d->fd, "lock",
			 O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (d->lock < 0)
		return img_err_sys(err, "%s/reports/lock", dir);
	if (fresh)
		img_give(d->lock, archive, ".");
	return 0;
}

int img_owed_open(struct img_owed_dir *d, const char *archive,
		  struct img_err *err)
{
	int at = open(archive, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	d->fd = d->lock = -1;
	rc = at < 0 ? img_err_sys(err, "%s", archive)
		    : make(at, d, archive, err);
	if (at >= 0)
		close(at);
	if (rc < 0)
		img_owed_close(d);
	return rc;
}

static int set_lock(struct img_owed_dir *d, const char *name, short type)
{
	struct flock lock = { .l_type = type,
			      .l_whence = SEEK_SET,
			      .l_len = 1 };

	lock.l_start = (off_t)(img_sum64(name, strlen(name)) >> 2);
	return fcntl(d->lock, F_OFD_SETLK, &lock);
}

bool img_owed_claim(struct img_owed_dir *d, const char *name)
{
	return set_lock(d, name, F_WRLCK) == 0;
}

void img_owed_let_go(struct img_owed_dir *d, const char *name)
{
	(void)set_lock(d, name, F_UNLCK);
}

bool img_owed_is_there(struct img_owed_dir *d, const char *name)
{
	return faccessat(d->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Their names are two numbers of 16 digits: of the peer, and any. */
static bool is_name(const char *name)
{
	return strlen(name) == 33 && name[16] == '-' &&
	       strspn(name, "0123456789abcdef") == 16 &&
	       strspn(name + 17, "0123456789abcdef") == 16;
}

static DIR *list(struct img_owed_dir *d)
{
	int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = fd < 0 ? NULL : fdopendir(fd);

	if (!all && fd >= 0)
		close(fd);
	return all;
}

size_t img_owed_each(struct img_owed_dir *d,
		     void (*f)(void *arg, const char *name), void *arg)
{
	DIR *all = list(d);
	struct dirent *e;
	size_t n = 0;

	while (all && (e = readdir(all)))
		if (is_name(e->d_name)) {
			n++;
			if (f)
				f(arg, e->d_name);
		}
	if (all)
		closedir(all);
	return n;
}

void img_owed_tidy(struct img_owed_dir *d)
{
	const size_t n = sizeof(TEMP) - 1;
	DIR *all = list(d);
	struct dirent *e;

	while (all && (e = readdir(all)))
		if (strncmp(e->d_name, TEMP, n) == 0 &&
		    is_name(e->d_name + n) &&
		    img_owed_claim(d, e->d_name + n)) {
			(void)unlinkat(d->fd, e->d_name, 0);
			img_owed_let_go(d, e->d_name + n);
		}
	if (all)
		closedir(all);
}

void img_owed_drop(struct img_owed_dir *d, const char *name)
{
	/* Not synced: at worst the peer is told twice. */
	(void)unlinkat(d->fd, name, 0);
	img_owed_let_go(d, name);
}

/* ---- writing ---------------------------------------------------------- */

struct census {
	struct img_owed_dir *d;
	const char *prefix;
	size_t of_peer;
	uint64_t bytes;
};

static void count(void *arg, const char *name)
{
	struct census *c = arg;
	struct stat st;

	c->of_peer += strncmp(name, c->prefix, 17) == 0;
	if (fstatat(c->d->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		c->bytes += (uint64_t)st.st_size;
}

static int check_room(struct img_owed_dir *d, const char *prefix,
		      struct img_err *err)
{
	struct census c = { .d = d, .prefix = prefix };
	size_t n = img_owed_each(d, count, &c);

	if (n >= FILES_MAX || c.of_peer >= PEER_MAX || c.bytes >= BYTES_MAX)
		return img_err_set(err, IMG_E_LIMIT,
				   "too many reports of storage commitment "
				   "are owed");
	return 0;
}

static int text_of(const struct img_owed *o, struct img_buf *b,
		   struct img_err *err)
{
	uint8_t digest[IMG_DIGEST_SIZE];
	char hex[IMG_DIGEST_HEX];

	if (img_buf_printf(b, err,
			   FIRST "\nat %" PRId64 "\njudged %d\n"
				 "transaction %s\naddress %s\ncalled %s\n"
				 "title %s\n",
			   o->at, o->judged, o->c.transaction, o->address,
			   o->called, o->title) < 0)
		return -1;
	for (size_t i = 0; i < o->c.n; i++) {
		const struct img_commitment_ref *r = &o->c.ref[i];

		if (img_buf_printf(b, err, "%s %s %04x\n",
				   *r->sop_class ? r->sop_class : "-", r->sop,
				   r->reason) < 0)
			return -1;
	}
	img_digest_of(digest, b->data, b->len);
	img_hex(hex, digest, sizeof(digest));
	return img_buf_printf(b, err, "digest %s\n", hex);
}

static int put(struct img_owed_dir *d, const char *name,
	       const struct img_buf *b, struct img_err *err)
{
	char temp[IMG_OWED_NAME + sizeof(TEMP)];
	int fd, rc = -1;

	snprintf(temp, sizeof(temp), TEMP "%s", name);
	fd = openat(d->fd, temp,
		    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return img_err_sys(err, "reports/%s", name);
	img_give(fd, d->fd, ".");
	if (img_write_full(fd, b->data, b->len) < 0)
		img_err_sys(err, "reports/%s", name);
	else if (img_sync_fd(fd, name, err) == 0)
		rc = 0;
	if (img_close(&fd, name, err) < 0)
		rc = -1;
	if (rc == 0 && renameat(d->fd, temp, d->fd, name) < 0)
		rc = img_err_sys(err, "reports/%s", name);
	if (rc == 0)
		return img_sync_fd(d->fd, "reports", err);
	(void)unlinkat(d->fd, temp, 0);
	return -1;
}

int img_owed_replace(struct img_owed_dir *d, const struct img_owed *o,
		     struct img_err *err)
{
	struct img_buf b;
	int rc = -1;

	img_buf_init(&b, FILE_MAX);
	if (text_of(o, &b, err) == 0)
		rc = put(d, o->name, &b, err);
	img_buf_release(&b);
	return rc;
}

int img_owed_add(struct img_owed_dir *d, struct img_owed *o,
		 struct img_err *err)
{
	char peer[IMG_AET_MAX + IMG_ADDRESS_MAX];
	uint64_t any;

	/* Who takes another's title has a share of his own. */
	snprintf(peer, sizeof(peer), "%s@%s", o->title, o->address);
	img_random(&any, sizeof(any));
	snprintf(o->name, sizeof(o->name), "%016" PRIx64 "-%016" PRIx64,
		 img_sum64(peer, strlen(peer)), any);
	o->at = (int64_t)time(NULL);
	if (check_room(d, o->name, err) == 0 && img_owed_claim(d, o->name)) {
		if (img_owed_replace(d, o, err) == 0)
			return 0;
		img_owed_drop(d, o->name);
	}
	*o->name = '\0';
	return err->code != IMG_OK ? -1 : img_err_sys(err, "reports/lock");
}

/* ---- reading ---------------------------------------------------------- */

/* The value of the line at *p, which begins with this word; NULL: it does not.
   *p is then behind it. */
static char *line(char **p, const char *word)
{
	size_t n = strlen(word);
	char *value = *p + n, *end = strchr(*p, '\n');

	if (!end || strncmp(*p, word, n) != 0)
		return NULL;
	*end = '\0';
	*p = end + 1;
	return value;
}

static bool copy(char *out, size_t size, const char *value)
{
	if (!value || strlen(value) >= size)
		return false;
	memcpy(out, value, strlen(value) + 1);
	return true;
}

static bool is_uid(const char *s)
{
	return !s[strspn(s, "0123456789.")];
}

static bool read_head(char **p, struct img_owed *o)
{
	const char *first = line(p, FIRST), *at, *judged;
	uint64_t seconds;

	if (!first || *first)
		return false;
	at = line(p, "at ");
	judged = line(p, "judged ");
	if (!at || !img_parse_u64(at, INT64_MAX, &seconds) || !judged)
		return false;
	o->at = (int64_t)seconds;
	o->judged = strcmp(judged, "1") == 0;
	return copy(o->c.transaction, sizeof(o->c.transaction),
		    line(p, "transaction ")) &&
	       is_uid(o->c.transaction) &&
	       copy(o->address, sizeof(o->address), line(p, "address ")) &&
	       copy(o->called, sizeof(o->called), line(p, "called ")) &&
	       copy(o->title, sizeof(o->title), line(p, "title ")) && *o->title;
}

/* "class instance reason" */
static bool read_ref(struct img_owed *o, char *text, struct img_err *err)
{
	char *sop = strchr(text, ' '), *reason = strrchr(text, ' '), *end;
	unsigned long v;

	if (!sop || sop == reason)
		return false;
	*sop++ = *reason++ = '\0';
	v = strtoul(reason, &end, 16);
	if (strcmp(text, "-") == 0)
		*text = '\0';
	return is_uid(text) && is_uid(sop) && *sop && *reason && !*end &&
	       v <= UINT16_MAX &&
	       img_commitment_add(&o->c, text, sop, (uint16_t)v, err) == 0;
}

/* The last line, and what is before it. */
static bool has_digest(struct img_buf *b)
{
	const size_t n = sizeof("digest ") - 1 + 2 * IMG_DIGEST_SIZE + 1;
	uint8_t digest[IMG_DIGEST_SIZE];
	char hex[IMG_DIGEST_HEX];
	const char *last;

	if (b->len <= n || strlen(b->data) != b->len)
		return false;
	b->len -= n;
	last = b->data + b->len;
	img_digest_of(digest, b->data, b->len);
	img_hex(hex, digest, sizeof(digest));
	if (strncmp(last, "digest ", 7) != 0 ||
	    strncmp(last + 7, hex, sizeof(hex) - 1) != 0)
		return false;
	b->data[b->len] = '\0';
	return true;
}

static int parse(struct img_buf *b, const char *name, bool head,
		 struct img_owed *o, struct img_err *err)
{
	char *p = b->data, *text;
	bool good = (head || has_digest(b)) && read_head(&p, o);

	while (good && !head && *p)
		good = (text = line(&p, "")) && read_ref(o, text, err);
	return good ? 0
		    : img_err_set(err, IMG_E_MALFORMED,
				  "reports/%s: is not what was written", name);
}

static int get(struct img_owed_dir *d, const char *name, size_t most,
	       struct img_buf *b, struct img_err *err)
{
	int fd = openat(d->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0 || fstat(fd, &st) < 0) {
		img_err_sys(err, "reports/%s", name);
	} else if (st.st_size < 0 || (uint64_t)st.st_size > FILE_MAX) {
		img_err_set(err, IMG_E_MALFORMED, "reports/%s: too long", name);
	} else {
		if ((size_t)st.st_size < most)
			most = (size_t)st.st_size;
		if (img_buf_grow(b, most + 1, err) == 0 &&
		    (n = img_read_full(fd, b->data, most)) < 0)
			img_err_sys(err, "reports/%s", name);
	}
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return -1;
	b->len = (size_t)n;
	b->data[n] = '\0';
	return 0;
}

int img_owed_read(struct img_owed_dir *d, const char *name, bool head,
		  struct img_owed *o, struct img_err *err)
{
	struct img_buf b;
	int rc = -1;

	memset(o, 0, sizeof(*o));
	img_buf_init(&b, FILE_MAX + 2);
	if (get(d, name, head ? HEAD_MAX : FILE_MAX, &b, err) == 0)
		rc = parse(&b, name, head, o, err);
	img_buf_release(&b);
	if (rc == 0)
		snprintf(o->name, sizeof(o->name), "%s", name);
	else
		img_commitment_release(&o->c);
	return rc;
}
