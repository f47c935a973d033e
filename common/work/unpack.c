/* unpack.c - the jailed end of members.h: an archive becomes frames. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work/members_private.h"

#define REFUSED_MAX 100

/* An archive, and where it comes from when it lies in another. */
struct level {
	struct img_archive *a;
	struct img_archive *from;
	const void *first; /* a block of from, read already */
	size_t first_n;
	char *name;
};

struct unpacker {
	struct img_jail_ring *out;
	int sock;
	struct members_request req;
	char passphrase[IMG_ARCHIVE_PASSPHRASE + 1];
	struct level level[IMG_MEMBERS_DEPTH];
	unsigned top;
	uint8_t head[IMG_ARCHIVE_HEAD];
};

/* ---- frames -------------------------------------------------------------- */

/* -1: the program is gone, and so is the reason to go on. */
static int put(struct unpacker *u, enum members_frame type, const void *p,
	       size_t n)
{
	struct members_head head = { type, (uint32_t)n };
	struct img_err gone = IMG_ERR_INIT;

	if (img_jail_ring_put(u->out, &head, sizeof(head), &gone) < 0)
		return -1;
	return img_jail_ring_put(u->out, p, n, &gone);
}

static int put_data(struct unpacker *u, const void *p, size_t n)
{
	const uint8_t *at = p;

	while (n) {
		size_t k = n < FRAME_MAX ? n : FRAME_MAX;

		if (put(u, FRAME_DATA, at, k) < 0)
			return -1;
		at += k;
		n -= k;
	}
	return 0;
}

static int put_end(struct unpacker *u, enum members_frame type,
		   const struct img_err *why)
{
	struct members_end end = { .code = why->code };
	size_t n = strlen(why->text);
	int rc;

	memcpy(end.text, why->text, n + 1);
	rc = put(u, type, &end, offsetof(struct members_end, text) + n + 1);
	img_jail_ring_push(u->out, false);
	return rc;
}

static int put_member(struct unpacker *u, const struct img_member *m)
{
	struct members_facts f = { .size = m->size,
				   .mtime = m->mtime,
				   .name_n = (uint16_t)strlen(m->name),
				   .kind = (uint8_t)m->kind,
				   .encrypted = m->encrypted };
	uint8_t bytes[sizeof(f) + IMG_PATH_MAX + REFUSED_MAX];

	if (m->refused)
		f.refused_n = (uint16_t)strnlen(m->refused, REFUSED_MAX);
	memcpy(bytes, &f, sizeof(f));
	memcpy(bytes + sizeof(f), m->name, f.name_n);
	if (f.refused_n)
		memcpy(bytes + sizeof(f) + f.name_n, m->refused, f.refused_n);
	return put(u, FRAME_MEMBER, bytes,
		   sizeof(f) + (size_t)f.name_n + f.refused_n);
}

/* ---- archives in archives ------------------------------------------------ */

static ssize_t read_outer(void *arg, const void **p, struct img_err *err)
{
	struct level *l = arg;
	size_t n = l->first_n;

	if (!n)
		return img_archive_block(l->from, p, err);
	*p = l->first;
	l->first_n = 0;
	return (ssize_t)n;
}

/* Goes into the member m, which begins with first[0..n). */
static int enter(struct unpacker *u, const struct img_member *m,
		 const void *first, size_t n)
{
	struct level *outer = &u->level[u->top], *l = outer + 1;
	struct img_err why = IMG_ERR_INIT;

	if (put(u, FRAME_INNER, NULL, 0) < 0 ||
	    asprintf(&l->name, "%s!/%s", outer->name, m->name) < 0)
		return -1;
	l->from = outer->a;
	l->first = first;
	l->first_n = n;
	u->top++;
	if (img_archive_open_fn(&l->a, read_outer, l, l->name, &u->req.limits,
				&why) == 0)
		return 0;
	u->top--;
	free(l->name);
	img_err_set(&why, IMG_E_BUG, "no reason");
	if (put_end(u, FRAME_ARCHIVE_END, &why) < 0)
		return -1;
	img_err_clear(&why);
	return put_end(u, FRAME_MEMBER_END, &why);
}

/* ---- members ------------------------------------------------------------- */

/* The bytes of the member that tell what it is: those of one block if they
   are enough, else collected.  *n bytes are at *p. */
static int look(struct unpacker *u, const struct img_member *m, const void **p,
		size_t *n, struct img_err *why)
{
	struct img_archive *a = u->level[u->top].a;
	ssize_t got = img_archive_block(a, p, why), more;

	*n = got > 0 ? (size_t)got : 0;
	if (got <= 0 || *n >= IMG_ARCHIVE_HEAD || *n == m->size)
		return got < 0 ? -1 : 0;
	memcpy(u->head, *p, *n);
	*p = u->head;
	more = img_archive_read(a, u->head + *n, sizeof(u->head) - *n, why);
	*n += more > 0 ? (size_t)more : 0;
	return more < 0 ? -1 : 0;
}

/* Whether the program wants the rest: 1, 0, -1 it is gone. */
static int is_wanted(struct unpacker *u)
{
	struct img_err gone = IMG_ERR_INIT;
	char c;

	if (put(u, FRAME_MORE, NULL, 0) < 0)
		return -1;
	img_jail_ring_push(u->out, true);
	do {
		if (img_jail_recv(u->sock, &c, 1, NULL, -1, &gone) < 0)
			return -1;
	} while (c != ANSWER_GO && c != ANSWER_SKIP); /* a late waking */
	return c == ANSWER_GO;
}

/* The member, of which n bytes at p have been read. */
static int put_rest(struct unpacker *u, const void *p, size_t n,
		    struct img_err *why)
{
	struct img_archive *a = u->level[u->top].a;
	uint64_t sent = 0, pause = IMG_MEMBERS_AHEAD;
	const uint8_t *at = p;
	ssize_t got;
	int more;

	for (;;) {
		size_t k = n < pause - sent ? n : (size_t)(pause - sent);

		if (put_data(u, at, k) < 0)
			return -1;
		sent += k;
		at += k;
		n -= k;
		if (sent == pause) {
			if ((more = is_wanted(u)) <= 0)
				return more;
			pause += MEMBERS_STRIDE;
		}
		if (n)
			continue;
		got = img_archive_block(a, &p, why);
		if (got <= 0)
			return 0;
		at = p;
		n = (size_t)got;
	}
}

static int put_file(struct unpacker *u, const struct img_member *m)
{
	struct img_err why = IMG_ERR_INIT;
	const void *p;
	size_t n, k;

	if (look(u, m, &p, &n, &why) < 0)
		return put_end(u, FRAME_MEMBER_END, &why);
	k = n < IMG_ARCHIVE_HEAD ? n : IMG_ARCHIVE_HEAD;
	if (u->top + 1 < u->req.depth &&
	    img_archive_sniff(p, k) != IMG_ARCHIVE_NONE)
		return put_data(u, p, k) < 0 ? -1 : enter(u, m, p, n);
	if (put_rest(u, p, n, &why) < 0)
		return -1;
	return put_end(u, FRAME_MEMBER_END, &why);
}

/* Back to the outer archive; false when this was the outermost. */
static bool leave(struct unpacker *u)
{
	struct level *l = &u->level[u->top];

	img_archive_close(l->a);
	l->a = NULL;
	if (!u->top)
		return false;
	free(l->name);
	u->top--;
	return true;
}

/* One step; 1 to go on, 0 all is told. */
static int step(struct unpacker *u)
{
	static const struct img_err fine = IMG_ERR_INIT;
	struct img_err why = IMG_ERR_INIT;
	struct img_member m;
	int rc = -1;

	if (img_archive_next(u->level[u->top].a, &m, &why) > 0) {
		if (put_member(u, &m) == 0)
			rc = m.kind == IMG_MEMBER_FILE
				     ? put_file(u, &m)
				     : put_end(u, FRAME_MEMBER_END, &fine);
	} else {
		rc = put_end(u, FRAME_ARCHIVE_END, &why);
		if (!leave(u))
			return rc;
		if (rc == 0)
			rc = put_end(u, FRAME_MEMBER_END, &fine);
	}
	return rc < 0 ? -1 : 1;
}

static int receive(int sock, struct unpacker *u, char *name, int *fd)
{
	struct img_err err = IMG_ERR_INIT;

	if (img_jail_ring_join(&u->out, sock, &err) < 0 ||
	    img_jail_recv(sock, &u->req, sizeof(u->req), fd, -1, &err) < 0)
		return -1;
	if (*fd < 0 || u->req.name_n >= IMG_PATH_MAX ||
	    u->req.passphrase_n > IMG_ARCHIVE_PASSPHRASE ||
	    u->req.depth > IMG_MEMBERS_DEPTH ||
	    img_jail_recv(sock, name, u->req.name_n, NULL, -1, &err) < 0)
		return -1;
	if (!u->req.passphrase_n)
		return 0;
	u->req.limits.passphrase = u->passphrase;
	return img_jail_recv(sock, u->passphrase, u->req.passphrase_n, NULL, -1,
			     &err);
}

int members_worker(int sock, void *arg)
{
	static struct unpacker u;
	static char name[IMG_PATH_MAX];
	struct img_err why = IMG_ERR_INIT;
	int fd = -1, rc;

	(void)arg;
	if (receive(sock, &u, name, &fd) < 0)
		return 1;
	u.sock = sock;
	u.level[0].name = name;
	if (img_archive_open_fd(&u.level[0].a, fd, name, &u.req.limits, &why) <
	    0)
		rc = put_end(&u, FRAME_ARCHIVE_END, &why);
	else
		while ((rc = step(&u)) > 0)
			;
	img_jail_ring_push(u.out, true);
	explicit_bzero(u.passphrase, sizeof(u.passphrase));
	return rc < 0;
}
