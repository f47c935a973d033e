/*
 * receive_slow.c - how fast an association brings what it has.
 *
 * Of the time only that counts in which it is the peer's turn, be it that an
 * object is on its way or that the next one is waited for, and none in which
 * its bytes wait for our disk.  It begins anew whenever enough has come, and
 * what was long ago counts for little: who has waited an hour for the next
 * object need not make good for that.  A line of 64 kbit/s is slow by this: to
 * be slow is no fault.  But some bytes a second must not be enough to hold all
 * places for ever, so that while others wait no more than half of them are for
 * the slow.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work/receive_private.h"

#define RATE   32768.0 /* bytes a second */
#define WINDOW 10.0    /* seconds of less */

void receive_pace_begin(struct assoc *s)
{
	s->paced = img_time_mono();
	if (!s->open)
		s->came = 0;
}

/* Whether its process waits for our disk.  The kernel says so: the process has
   read what the peer sent, and its word would not do. */
static bool waits_for_disk(const struct assoc *s)
{
	char path[32], text[64];
	const char *state;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)s->worker.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	state = strrchr(text, ')');
	return state && strncmp(state, ") D", 3) == 0;
}

void receive_pace(struct assoc *s)
{
	double now = img_time_mono(), bytes = 0;
	struct stat st;

	if (s->open && fstat(s->chunk.item[0].file.fd, &st) == 0 &&
	    (uint64_t)st.st_size > s->came) {
		bytes = (double)((uint64_t)st.st_size - s->came);
		s->came = (uint64_t)st.st_size;
	}
	if (bytes == 0 && s->open && waits_for_disk(s)) {
		s->paced = now;
		return;
	}
	pthread_mutex_lock(&s->r->lock);
	s->pace.seconds += now - s->paced;
	s->pace.bytes += bytes;
	if (s->pace.bytes >= s->pace.seconds * RATE)
		s->pace.bytes = s->pace.seconds = 0;
	if (s->pace.seconds > WINDOW) {
		s->pace.bytes *= WINDOW / s->pace.seconds;
		s->pace.seconds = WINDOW;
	}
	pthread_mutex_unlock(&s->r->lock);
	s->paced = now;
}

static bool is_slow(const struct assoc *s)
{
	return s->granted && !s->gives_way && s->pace.seconds >= WINDOW;
}

struct assoc *receive_slowest(struct img_receive *r,
			      bool (*may)(const struct coming *c,
					  const struct assoc *s),
			      const struct coming *c)
{
	struct assoc *slowest = NULL;
	double rate, least = RATE;
	unsigned n = 0;

	for (struct assoc *s = r->running; s; s = s->next) {
		if (!is_slow(s))
			continue;
		n++;
		rate = s->pace.bytes / s->pace.seconds;
		if (rate < least && may(c, s)) {
			slowest = s;
			least = rate;
		}
	}
	return n > (r->opts.max_associations + 1) / 2 ? slowest : NULL;
}
