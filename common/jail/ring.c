/*
 * ring.c - bytes from a worker through shared memory.
 *
 * One writes, one reads.  Each counts for itself how far it is and only looks
 * at what the other says: the program takes nothing in the memory for granted,
 * the least of all that it does not change.  Who finds nothing to do says that
 * it waits, looks again, and sleeps until a byte comes through the socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "jail/jail.h"

#define SIZE     (2u << 20)    /* a power of two */
#define ENOUGH   (256u * 1024) /* is worth waking the program up */
#define PATIENCE 0.001         /* seconds that less is kept back */
#define TICK     20            /* ms until the program looks by itself */

struct shared {
	_Alignas(64) _Atomic uint64_t written;
	_Alignas(64) _Atomic uint64_t read;
	_Alignas(64) _Atomic uint32_t reader_waits;
	_Atomic uint32_t writer_waits;
	_Alignas(64) uint8_t data[SIZE];
};

struct img_jail_ring {
	struct shared *s;
	int sock;
	pid_t worker;
	uint64_t at;    /* written or read by this end */
	uint64_t other; /* how far the other end was */
	uint64_t told;  /* writer: when the reader was woken last */
	double woken;
};

static int attach(struct img_jail_ring **out, int fd, int sock, pid_t worker,
		  struct img_err *err)
{
	struct img_jail_ring *r = calloc(1, sizeof(*r));

	if (!r)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	r->s = mmap(NULL, sizeof(*r->s), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
	r->sock = sock;
	r->worker = worker;
	if (r->s == MAP_FAILED) {
		free(r);
		return img_err_sys(err, "shared memory");
	}
	*out = r;
	return 0;
}

int img_jail_ring_open(struct img_jail_ring **out,
		       const struct img_jail_worker *worker,
		       struct img_err *err)
{
	/* A worker that made it shorter would end the program (SIGBUS). */
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int fd = memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int rc = -1;

	if (fd < 0 || ftruncate(fd, sizeof(struct shared)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, seals) < 0)
		img_err_sys(err, "shared memory");
	else if (img_jail_send(worker->fd, "r", 1, fd, -1, err) == 0)
		rc = attach(out, fd, worker->fd, worker->pid, err);
	if (fd >= 0)
		close(fd);
	return rc;
}

int img_jail_ring_join(struct img_jail_ring **out, int sock,
		       struct img_err *err)
{
	char c;
	int fd, rc;

	if (img_jail_recv(sock, &c, 1, &fd, -1, err) < 0)
		return -1;
	if (fd < 0)
		return img_err_set(err, IMG_E_BUG, "no shared memory came");
	rc = attach(out, fd, sock, -1, err);
	close(fd);
	return rc;
}

void img_jail_ring_close(struct img_jail_ring *r)
{
	if (!r)
		return;
	munmap(r->s, sizeof(*r->s));
	free(r);
}

/* Wakes the other end if it waits; that it is gone shows elsewhere. */
static bool wake(struct img_jail_ring *r, _Atomic uint32_t *waits)
{
	if (!atomic_load(waits) || !atomic_exchange(waits, 0))
		return false;
	(void)send(r->sock, "w", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	return true;
}

/* ---- the worker's end ---------------------------------------------------- */

void img_jail_ring_push(struct img_jail_ring *r, bool now)
{
	double t;

	atomic_store(&r->s->written, r->at);
	if (!atomic_load(&r->s->reader_waits))
		return;
	t = img_time_mono();
	if (!now && r->at - r->told < ENOUGH && t - r->woken < PATIENCE)
		return;
	if (wake(r, &r->s->reader_waits)) {
		r->told = r->at;
		r->woken = t;
	}
}

/* Waits until there is room. */
static int wait_room(struct img_jail_ring *r, struct img_err *err)
{
	char c;

	for (;;) {
		r->other = atomic_load(&r->s->read);
		if (r->at - r->other < SIZE)
			return 0;
		img_jail_ring_push(r, true);
		atomic_store(&r->s->writer_waits, 1);
		if (atomic_load(&r->s->read) != r->other)
			continue;
		if (img_jail_recv(r->sock, &c, 1, NULL, -1, err) < 0)
			return -1;
	}
}

/* The bytes from at on that lie side by side, up to n. */
static size_t stretch(uint64_t at, size_t n)
{
	size_t left = SIZE - (size_t)(at & (SIZE - 1));

	return n < left ? n : left;
}

int img_jail_ring_put(struct img_jail_ring *r, const void *p, size_t n,
		      struct img_err *err)
{
	const uint8_t *from = p;

	while (n) {
		uint64_t room = SIZE - (r->at - r->other);
		size_t k;

		if (!room) {
			if (wait_room(r, err) < 0)
				return -1;
			continue;
		}
		k = stretch(r->at, n < room ? n : (size_t)room);
		memcpy(r->s->data + (r->at & (SIZE - 1)), from, k);
		r->at += k;
		from += k;
		n -= k;
		if (r->at - atomic_load(&r->s->written) >= ENOUGH)
			img_jail_ring_push(r, false);
	}
	return 0;
}

/* ---- the program's end --------------------------------------------------- */

/* Seconds of processor time that the worker has used. */
static double used(const struct img_jail_ring *r)
{
	struct timespec t = { 0, 0 };
	clockid_t clock;

	if (r->worker <= 0 || clock_getcpuclockid(r->worker, &clock) != 0 ||
	    clock_gettime(clock, &t) < 0)
		return 0;
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* How many bytes there are to read. */
static uint64_t look(struct img_jail_ring *r)
{
	r->other = atomic_load(&r->s->written);
	return r->other - r->at;
}

/* Sleeps until the other end wakes it, at most a tick; -1: it is gone. */
static int sleep_on(struct img_jail_ring *r)
{
	struct pollfd p = { .fd = r->sock, .events = POLLIN };
	char bells[64];
	ssize_t n = poll(&p, 1, TICK);

	if (n == 0)
		return 0;
	/* No wait at all would take the whole processor. */
	if (n < 0 && errno != EINTR)
		nanosleep(&(struct timespec){ 0, TICK * 1000000L }, NULL);
	n = recv(r->sock, bells, sizeof(bells), MSG_DONTWAIT);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)) ? 0 : -1;
}

/* While nothing comes: whether the worker has worked that long since. */
struct headway {
	double look;  /* when to look again */
	double since; /* what it had used then; below 0: not looked yet */
};

static bool is_stuck(struct img_jail_ring *r, struct headway *h,
		     unsigned seconds)
{
	double now = img_time_mono(), busy;

	if (h->look == 0)
		h->look = now + 1;
	if (!seconds || now < h->look)
		return false;
	h->look = now + 1;
	busy = used(r);
	if (h->since < 0)
		h->since = busy;
	return busy - h->since > seconds;
}

static int wait_bytes(struct img_jail_ring *r, unsigned seconds,
		      struct img_err *err)
{
	struct headway h = { 0, -1 };
	int rc = 0;

	while (!look(r)) {
		atomic_store(&r->s->reader_waits, 1);
		if (look(r))
			break;
		/* Of a worker that has ended all that it wrote is read. */
		if (rc < 0)
			return img_err_set(err, IMG_E_TRANSPORT,
					   "the other end is gone");
		wake(r, &r->s->writer_waits);
		rc = sleep_on(r);
		if (is_stuck(r, &h, seconds))
			return img_err_set(err, IMG_E_LIMIT,
					   "no headway in %u s of processor "
					   "time",
					   seconds);
	}
	atomic_store(&r->s->reader_waits, 0);
	return 0;
}

int img_jail_ring_get(struct img_jail_ring *r, void *p, size_t n,
		      unsigned seconds, struct img_err *err)
{
	uint8_t *to = p;

	while (n) {
		uint64_t have = r->other - r->at;
		size_t k;

		if (!have) {
			if (wait_bytes(r, seconds, err) < 0)
				return -1;
			continue;
		}
		if (have > SIZE)
			return img_err_set(err, IMG_E_MALFORMED,
					   "more bytes than fit in");
		k = stretch(r->at, n < have ? n : (size_t)have);
		memcpy(to, r->s->data + (r->at & (SIZE - 1)), k);
		r->at += k;
		to += k;
		n -= k;
		atomic_store(&r->s->read, r->at);
		if (r->other - r->at <= SIZE / 2)
			wake(r, &r->s->writer_waits);
	}
	return 0;
}
