/* members.c - the program's end of members.h: frames become members. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/cdrom.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "work/members_private.h"

/* libarchive reserves more than it uses. */
#define MEMORY   ((uint64_t)1 << 30)
#define PATIENCE 60 /* s of the worker's processor time without a byte */
/* Bytes out to bytes in are looked at from here on, as archive does. */
#define RATIO_FROM ((uint64_t)64 << 20)

enum state {
	BETWEEN,  /* members */
	IN_DATA,  /* of one */
	AT_INNER, /* the member is an archive */
	BROKEN    /* the member cannot be read: fault */
};

struct level {
	uint64_t members, total;
	uint64_t declared, out; /* of the member */
	bool file, inner, cut;  /* it is a file; an archive; left off */
};

struct img_members {
	struct img_jail_worker worker;
	struct img_jail_ring *in;
	char *name;
	struct img_archive_limits limits;
	uint64_t size; /* of the file, 0 if not known */
	unsigned depth, top;
	struct level level[IMG_MEMBERS_DEPTH];
	enum state state;
	size_t left; /* of the DATA frame */
	bool finished, died;
	struct img_err fault, dead;
	char refused[128];
};

int img_members_jail(struct img_jail **jail, struct img_err *err)
{
	static const struct img_jail_limits limits = { .memory = MEMORY };

	if (img_archive_warm_up(err) < 0)
		return -1;
	return img_jail_open(jail, members_worker, NULL, &limits, err);
}

/* ---- open and close ------------------------------------------------------ */

int members_on(struct img_members **out, const struct img_jail_worker *worker,
	       struct img_jail_ring *in, const char *name,
	       const struct img_archive_limits *limits, unsigned depth,
	       struct img_err *err)
{
	struct img_members *m = calloc(1, sizeof(*m));

	if (!m || !(m->name = strndup(name, IMG_PATH_MAX - 1))) {
		free(m);
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	}
	m->worker = *worker;
	m->in = in;
	m->depth = depth < IMG_MEMBERS_DEPTH ? depth : IMG_MEMBERS_DEPTH;
	if (limits)
		m->limits = *limits;
	img_archive_defaults(&m->limits);
	*out = m;
	return 0;
}

static int ask(struct img_members *m, int fd, struct img_err *err)
{
	const char *passphrase = m->limits.passphrase;
	struct members_request req;

	/* Nothing of ours goes with it, not between its members either. */
	memset(&req, 0, sizeof(req));
	req.limits.members = m->limits.members;
	req.limits.member = m->limits.member;
	req.limits.total = m->limits.total;
	req.limits.ratio = m->limits.ratio;
	req.limits.session = m->limits.session;
	req.depth = m->depth;
	req.name_n = (uint32_t)strlen(m->name);
	req.passphrase_n = passphrase ? (uint32_t)strlen(passphrase) : 0;
	if (img_jail_ring_open(&m->in, &m->worker, err) < 0 ||
	    img_jail_send(m->worker.fd, &req, sizeof(req), fd, -1, err) < 0 ||
	    img_jail_send(m->worker.fd, m->name, req.name_n, -1, -1, err) < 0)
		return -1;
	return req.passphrase_n ? img_jail_send(m->worker.fd, passphrase,
						req.passphrase_n, -1, -1, err)
				: 0;
}

static int lost(struct img_members *m, const struct img_err *why);

/* Where mount(8) looks for the volume, too; 0: at the begin. */
static uint64_t last_session(int fd)
{
	struct cdrom_multisession last = { .addr_format = CDROM_LBA };

	if (ioctl(fd, CDROMMULTISESSION, &last) < 0 || !last.xa_flag ||
	    last.addr.lba <= 0)
		return 0;
	return (uint64_t)last.addr.lba * CD_FRAMESIZE;
}

int img_members_open(struct img_members **out, struct img_jail *jail, int fd,
		     const char *name, const struct img_archive_limits *limits,
		     unsigned depth, struct img_err *err)
{
	static const struct img_jail_worker none = { -1, -1 };
	struct img_err why = IMG_ERR_INIT;
	struct img_members *m;
	struct stat st = { 0 };

	if (members_on(&m, &none, NULL, name, limits, depth, err) < 0)
		return -1;
	(void)fstat(fd, &st);
	if (S_ISREG(st.st_mode))
		m->size = (uint64_t)st.st_size;
	else if (S_ISBLK(st.st_mode))
		m->limits.session = last_session(fd);
	if (img_jail_start(jail, &m->worker, &why) == 0 &&
	    ask(m, fd, &why) == 0) {
		*out = m;
		return 0;
	}
	/* How a worker ended says more than that it is gone. */
	if (m->worker.pid > 0 && why.code == IMG_E_TRANSPORT && lost(m, &why))
		*err = m->dead;
	else
		img_err_set(err, why.code, "%s: %s", name, why.text);
	img_members_close(m);
	return -1;
}

void img_members_close(struct img_members *m)
{
	struct img_err ignored = IMG_ERR_INIT;

	if (!m)
		return;
	/* One that has told all may end by itself. */
	if (m->worker.pid > 0)
		(void)img_jail_end(&m->worker, m->finished ? 5 : 0, m->name,
				   &ignored);
	img_jail_ring_close(m->in);
	free(m->name);
	free(m);
}

/* ---- frames -------------------------------------------------------------- */

static int fail(const struct img_err *why, struct img_err *err)
{
	if (err->code == IMG_OK)
		*err = *why;
	return -1;
}

/* It said what no worker of ours says. */
static int broke(struct img_members *m)
{
	struct img_err ignored = IMG_ERR_INIT;

	m->died = true;
	img_err_set(&m->dead, IMG_E_MALFORMED,
		    "%s: the process at work on it cannot be believed",
		    m->name);
	if (m->worker.pid > 0)
		(void)img_jail_end(&m->worker, 0, m->name, &ignored);
	return -1;
}

/* The worker gives no more: why. */
static int lost(struct img_members *m, const struct img_err *why)
{
	if (m->dead.code != IMG_OK)
		return -1;
	m->died = true;
	if (why->code == IMG_E_LIMIT)
		img_err_set(&m->dead, IMG_E_LIMIT, "%s: %s", m->name,
			    why->text);
	else if (why->code != IMG_E_TRANSPORT)
		return broke(m);
	/* Nothing is wrong with how it ended, but it did not tell all. */
	if (img_jail_end(&m->worker, why->code == IMG_E_LIMIT ? 0 : 5, m->name,
			 &m->dead) >= 0)
		return broke(m);
	return -1;
}

static int get(struct img_members *m, void *p, size_t n)
{
	struct img_err why = IMG_ERR_INIT;

	if (m->dead.code != IMG_OK)
		return -1;
	if (img_jail_ring_get(m->in, p, n, PATIENCE, &why) < 0)
		return lost(m, &why);
	return 0;
}

static int get_head(struct img_members *m, struct members_head *head)
{
	if (get(m, head, sizeof(*head)) < 0)
		return -1;
	return head->size > FRAME_MAX ? broke(m) : 0;
}

/* Foreign text: one line, UTF-8. */
static void clean(char *text)
{
	bool utf8 = img_utf8_ok(text, strlen(text));

	for (; *text; text++)
		if ((uint8_t)*text < 0x20 || *text == 0x7F ||
		    (!utf8 && (uint8_t)*text >= 0x80))
			*text = '?';
}

static int get_end(struct img_members *m, size_t n, struct img_err *why)
{
	struct members_end end;

	memset(&end, 0, sizeof(end));
	if (n < sizeof(end.code) || n > sizeof(end))
		return broke(m);
	if (get(m, &end, n) < 0)
		return -1;
	end.text[sizeof(end.text) - 1] = '\0';
	if (end.code > IMG_E_NOMEM)
		return broke(m);
	clean(end.text);
	why->code = (enum img_code)end.code;
	memcpy(why->text, end.text, sizeof(why->text));
	return 0;
}

/* ---- members ------------------------------------------------------------- */

static int parse_member(struct img_members *m, uint8_t *p, size_t n,
			struct img_member *out)
{
	struct members_facts f;
	char name[IMG_PATH_MAX];
	const char *why;

	if (n < sizeof(f))
		return broke(m);
	memcpy(&f, p, sizeof(f));
	p += sizeof(f);
	if (n - sizeof(f) != (size_t)f.name_n + f.refused_n ||
	    f.name_n >= sizeof(name) || f.refused_n >= sizeof(m->refused) ||
	    memchr(p, 0, n - sizeof(f)) || f.kind > IMG_MEMBER_REFUSED)
		return broke(m);
	memcpy(name, p, f.name_n);
	name[f.name_n] = '\0';
	memcpy(m->refused, p + f.name_n, f.refused_n);
	m->refused[f.refused_n] = '\0';
	clean(m->refused);
	memset(out, 0, sizeof(*out));
	why = img_archive_name_check(out->name, name);
	out->kind = why ? IMG_MEMBER_REFUSED : (enum img_member_kind)f.kind;
	if (out->kind == IMG_MEMBER_REFUSED)
		out->refused = f.refused_n ? m->refused : why ? why : "refused";
	out->size = f.size;
	out->mtime = f.mtime;
	out->encrypted = f.encrypted != 0;
	return 0;
}

static int take_member(struct img_members *m, size_t n, struct img_member *out)
{
	uint8_t bytes[sizeof(struct members_facts) + IMG_PATH_MAX + 256];
	struct level *l = &m->level[m->top];

	if (n > sizeof(bytes))
		return broke(m);
	if (get(m, bytes, n) < 0 || parse_member(m, bytes, n, out) < 0)
		return -1;
	if (++l->members > m->limits.members)
		return broke(m);
	l->declared = out->size;
	l->out = 0;
	l->file = out->kind == IMG_MEMBER_FILE;
	l->inner = l->cut = false;
	m->left = 0;
	m->state = IN_DATA;
	img_err_clear(&m->fault);
	return 1;
}

/* n more bytes of the member come. */
static int count(struct img_members *m, size_t n)
{
	struct level *l = &m->level[m->top];

	l->out += n;
	l->total += n;
	if (n == 0 || l->out > m->limits.member || l->total > m->limits.total ||
	    (m->size && m->top == 0 && l->total > RATIO_FROM &&
	     l->total / m->limits.ratio > m->size))
		return broke(m);
	m->left = n;
	return 0;
}

static int end_member(struct img_members *m, size_t n)
{
	struct level *l = &m->level[m->top];

	if (get_end(m, n, &m->fault) < 0)
		return -1;
	if (m->fault.code == IMG_OK && l->file && !l->inner && !l->cut &&
	    l->declared != UINT64_MAX && l->out != l->declared)
		return broke(m);
	m->state = m->fault.code == IMG_OK ? BETWEEN : BROKEN;
	return 0;
}

/* The rest is wanted, or not. */
static int answer(struct img_members *m, enum members_answer what)
{
	struct img_err why = IMG_ERR_INIT;
	char c = (char)what;

	m->level[m->top].cut |= what == ANSWER_SKIP;
	if (img_jail_send(m->worker.fd, &c, 1, -1, -1, &why) < 0)
		return lost(m, &why);
	return 0;
}

/* The next frame of a member; 1 when bytes are left to be read. */
static int next_data(struct img_members *m, enum members_answer more)
{
	struct level *l = &m->level[m->top];
	struct members_head head;

	if (get_head(m, &head) < 0)
		return -1;
	switch (head.type) {
	case FRAME_DATA:
		return count(m, head.size) < 0 ? -1 : 1;
	case FRAME_MORE:
		return head.size ? broke(m) : answer(m, more);
	case FRAME_INNER:
		if (head.size || m->top + 1 >= m->depth || l->inner)
			return broke(m);
		l->inner = true;
		m->state = AT_INNER;
		return 0;
	case FRAME_MEMBER_END:
		return end_member(m, head.size);
	default:
		return broke(m);
	}
}

ssize_t img_members_read(struct img_members *m, void *p, size_t n,
			 struct img_err *err)
{
	uint8_t *to = p;
	size_t done = 0, k;

	while (done < n && m->state == IN_DATA && m->dead.code == IMG_OK) {
		if (!m->left && next_data(m, ANSWER_GO) <= 0)
			continue;
		k = m->left < n - done ? m->left : n - done;
		if (get(m, to + done, k) < 0)
			break;
		m->left -= k;
		done += k;
	}
	if (m->dead.code != IMG_OK)
		return fail(&m->dead, err);
	return m->state == BROKEN ? fail(&m->fault, err) : (ssize_t)done;
}

bool img_members_died(const struct img_members *m)
{
	return m->died;
}

bool img_members_is_archive(const struct img_members *m)
{
	return m->state == AT_INNER;
}

void img_members_enter(struct img_members *m)
{
	if (m->state != AT_INNER)
		return;
	m->top++;
	memset(&m->level[m->top], 0, sizeof(m->level[m->top]));
	m->state = BETWEEN;
}

/* ---- from member to member ----------------------------------------------- */

static int discard(struct img_members *m, size_t n)
{
	uint8_t bytes[4096];

	while (n) {
		size_t k = n < sizeof(bytes) ? n : sizeof(bytes);

		if (get(m, bytes, k) < 0)
			return -1;
		n -= k;
	}
	return 0;
}

/* An inner archive that nobody entered, to its end.  Not longer than what an
   archive may hold, with the names. */
static int skip_inner(struct img_members *m)
{
	uint64_t max = m->limits.total, skipped = 0;
	struct members_head head;
	unsigned depth = 1;

	if (m->limits.members < (UINT64_MAX - max) / 8192)
		max += m->limits.members * 8192;
	while (depth) {
		if (get_head(m, &head) < 0 || discard(m, head.size) < 0)
			return -1;
		if (head.type == FRAME_MORE && answer(m, ANSWER_SKIP) < 0)
			return -1;
		skipped += head.size + sizeof(head);
		if (head.type == FRAME_INNER)
			depth++;
		if (head.type == FRAME_ARCHIVE_END)
			depth--;
		if (depth > m->depth || skipped > max)
			return broke(m);
	}
	m->state = IN_DATA;
	return 0;
}

/* What is left of the member. */
static int skip_member(struct img_members *m)
{
	while (m->state == IN_DATA || m->state == AT_INNER) {
		if (m->state == AT_INNER && skip_inner(m) < 0)
			return -1;
		if (discard(m, m->left) < 0)
			return -1;
		m->left = 0;
		if (next_data(m, ANSWER_SKIP) < 0)
			return -1;
	}
	return 0;
}

/* The end of the archive that is being read; 0, or -1 with why. */
static int end_archive(struct img_members *m, size_t n, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	if (get_end(m, n, &why) < 0)
		return fail(&m->dead, err);
	if (m->top) { /* what is left of the member it was is its end */
		m->top--;
		m->state = IN_DATA;
	} else if (why.code == IMG_OK) {
		m->finished = true;
	} else {
		m->dead = why;
	}
	return why.code == IMG_OK ? 0 : fail(&why, err);
}

int img_members_next(struct img_members *m, struct img_member *member,
		     struct img_err *err)
{
	struct members_head head;

	if (m->finished)
		return 0;
	if (skip_member(m) < 0 || get_head(m, &head) < 0)
		return fail(&m->dead, err);
	if (head.type == FRAME_ARCHIVE_END)
		return end_archive(m, head.size, err);
	if (head.type != FRAME_MEMBER)
		broke(m);
	else if (take_member(m, head.size, member) > 0)
		return 1;
	return fail(&m->dead, err);
}
