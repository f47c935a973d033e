/* members - frames about an archive, from a process that may say anything. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "work/members_private.h"

static void must(int right)
{
	if (!right)
		abort();
}

/* Reads; every third member not to its end, every fifth inner archive not. */
static void walk(struct img_members *m)
{
	struct img_member member;
	struct img_err err = IMG_ERR_INIT;
	static char bytes[70000];
	unsigned n = 0, inner = 0, depth = 1;
	int rc;

	while (depth) {
		img_err_clear(&err);
		rc = img_members_next(m, &member, &err);
		must((rc < 0) == (err.code != IMG_OK));
		if (rc < 0 && img_members_died(m))
			return;
		if (rc <= 0) {
			depth--;
			continue;
		}
		must(img_utf8_ok(member.name, strlen(member.name)));
		must(member.kind == IMG_MEMBER_REFUSED || !member.refused);
		must(member.kind == IMG_MEMBER_REFUSED ||
		     (member.name[0] && member.name[0] != '/'));
		if (++n % 3)
			while (img_members_read(m, bytes, sizeof(bytes), &err) >
			       0)
				;
		if (img_members_is_archive(m) && ++inner % 5) {
			img_members_enter(m);
			depth++;
			must(depth <= IMG_MEMBERS_DEPTH);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct img_archive_limits limits = { .members = 100,
							  .member = 100000,
							  .total = 1000000 };
	struct img_jail_worker w = { -1, -1 };
	struct img_err err = IMG_ERR_INIT;
	struct img_jail_ring *in = NULL, *out = NULL;
	struct img_members *m = NULL;
	int s[2];

	if (size > 1 << 20 || socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0)
		return 0;
	w.fd = s[0];
	must(img_jail_ring_open(&in, &w, &err) == 0);
	must(img_jail_ring_join(&out, s[1], &err) == 0);
	must(img_jail_ring_put(out, data, size, &err) == 0);
	img_jail_ring_push(out, false);
	close(s[1]);
	must(members_on(&m, &w, in, "f", &limits, 3, &err) == 0);
	walk(m);
	img_members_close(m);
	img_jail_ring_close(out);
	if (fcntl(s[0], F_GETFD) >= 0) /* not closed with a lost worker */
		close(s[0]);
	return 0;
}
