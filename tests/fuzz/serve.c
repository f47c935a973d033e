/*
 * serve.c - fuzz target of the jailed half of a listener: one whole
 * association over a socketpair, DCMTK's parser and ours.
 *
 * The first byte says whether the rest are the bytes of the peer, or what
 * wire.h makes of them.  Whatever comes in: no crash, no hang.  What is told
 * to the listener comes in order, an object's file has the bytes and the
 * digest that are told, and our reader knows it; the peer gets whole PDUs.
 */
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>

#include "net/net.h"
#include "wire.h"

/* DCMTK loses what it had taken apart of a request that turns out malformed: in
   a process that ends with its association. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libdcmnet";
}

static const struct img_serve options = { .request_seconds = 5,
					  .idle_seconds = 5,
					  .io_seconds = 5,
					  .max_pdu = 16384,
					  .max_object = 50000 };

/* ---- the listener ----------------------------------------------------- */

static struct {
	int sock, peer; /* for the association in hand */
	unsigned mood;  /* refuses, has no room, says no */
	sem_t begin, done;
} listener;

static struct img_dicom_reader *reader;

static void check_object(int fd, const struct img_up *up, const char *ts)
{
	static uint8_t bytes[1 << 17];
	struct img_err err = IMG_ERR_INIT;
	uint8_t digest[IMG_DIGEST_SIZE];
	struct stat st;

	fuzz_must(fstat(fd, &st) == 0 && (uint64_t)st.st_size == up->bytes &&
			  up->bytes <= options.max_object + 1024,
		  "another size was told");
	fuzz_must(img_pread_full(fd, bytes, (size_t)st.st_size, 0) ==
			  st.st_size,
		  "file");
	img_digest_of(digest, bytes, (size_t)st.st_size);
	fuzz_must(memcmp(digest, up->digest, sizeof(digest)) == 0,
		  "another digest was told");
	if (img_dicom_start_mem(reader, bytes, (size_t)st.st_size, "object",
				NULL, &err) < 0) {
		fuzz_must(err.code != IMG_E_NOT_DICOM, "a file without a head");
		return;
	}
	/* Where the data set is encoded otherwise, the reader says how. */
	(void)ts;
}

static int down(uint32_t kind, uint16_t status, int fd)
{
	struct img_down m = { .kind = kind, .status = status };
	struct img_err err = IMG_ERR_INIT;

	if (kind == IMG_DOWN_REJECT)
		m.result = m.source = m.reason = 1;
	return img_down_send(listener.sock, &m, fd, &err);
}

/* A file for an object, or none: no room. */
static int new_file(void)
{
	int fd = -1;

	if (!(listener.mood & 8)) {
		fd = memfd_create("object", MFD_CLOEXEC);
		fuzz_must(fd >= 0, "memfd");
	}
	return fd;
}

static void listen_once(void)
{
	bool requested = false, over = false, open = false;
	struct img_err err = IMG_ERR_INIT;
	struct img_up up;
	char ts[IMG_UID_MAX] = "";
	int fd = -1, rc;

	down(IMG_DOWN_START, 0, listener.peer);
	while ((rc = img_up_recv(listener.sock, &up, 30000, &err)) == 1) {
		fuzz_must(!over, "something comes after the end");
		switch (up.kind) {
		case IMG_UP_REQUEST:
			fuzz_must(!requested, "two requests");
			requested = true;
			down(listener.mood % 8 == 7 ? IMG_DOWN_REJECT
						    : IMG_DOWN_GRANT,
			     0, -1);
			break;
		case IMG_UP_BEGIN:
			fuzz_must(requested && !open, "begin out of order");
			strcpy(ts, up.u.object.ts);
			/* It has one from the last time, or asks. */
			if (fd < 0) {
				fd = new_file();
				down(IMG_DOWN_FILE, fd < 0 ? 0xA700 : 0, fd);
			}
			open = fd >= 0;
			break;
		case IMG_UP_END:
			fuzz_must(open, "end out of order");
			if (up.code == IMG_OK)
				check_object(fd, &up, ts);
			close(fd);
			open = false;
			fd = new_file();
			down(IMG_DOWN_VERDICT,
			     listener.mood & 16 ? 0xC000 : 0x0000, fd);
			break;
		case IMG_UP_DROP:
			fuzz_must(open && up.code, "drop out of order");
			close(fd);
			fd = -1;
			open = false;
			break;
		case IMG_UP_COMMIT:
			fuzz_must(requested, "commitment out of order");
			down(IMG_DOWN_COMMIT, listener.mood & 32 ? 0x0112 : 0,
			     -1);
			break;
		case IMG_UP_OVER:
			over = true;
			fuzz_must(up.code != IMG_E_BUG, up.u.text);
			break;
		}
	}
	/* A title that is none: the listener ends it. */
	if (rc < 0 && !requested && err.code == IMG_E_MALFORMED) {
		shutdown(listener.sock, SHUT_RDWR);
		return;
	}
	if (rc < 0)
		fuzz_wrong("a worker's message", &err);
	fuzz_must(over && !open, "the end was not told");
	if (fd >= 0)
		close(fd);
}

/* libFuzzer's alarm interrupts. */
static void await(sem_t *s)
{
	while (sem_wait(s) < 0)
		;
}

static void *listen_on(void *arg)
{
	for (;;) {
		await(&listener.begin);
		listen_once();
		sem_post(&listener.done);
	}
	return arg;
}

static void prepare(void)
{
	struct img_err err = IMG_ERR_INIT;
	pthread_t thread;

	reader = img_dicom_reader_new(&err);
	if (!reader || img_accept_prepare(&err) < 0 ||
	    img_crypto_init(&err) < 0)
		fuzz_wrong("prepare", &err);
	sem_init(&listener.begin, 0, 0);
	sem_init(&listener.done, 0, 0);
	if (pthread_create(&thread, NULL, listen_on, NULL) != 0)
		exit(3);
	pthread_detach(thread);
}

/* ---- an association --------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t types[] = { 2, 3, 4, 6, 7, 0 };
	struct fuzz_in in = { data, size };
	static struct img_buf bytes;
	struct img_serve serve = options;
	int peer[2], talk[2];
	unsigned how = fuzz_byte(&in);

	if (!reader) {
		prepare();
		img_buf_init(&bytes, WIRE_MAX);
	}
	fuzz_fds(false);
	img_buf_reset(&bytes);
	listener.mood = fuzz_byte(&in);
	if (how & 1) {
		wire_add(&bytes, in.p, in.n);
	} else {
		wire_associate(&bytes, &in, 1);
		wire_talk(&bytes, &in);
	}
	wire_pair(peer, &bytes);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk) < 0)
		exit(3);
	listener.sock = talk[0];
	listener.peer = peer[0];
	sem_post(&listener.begin);
	img_serve(talk[1], &serve);
	close(talk[1]);
	await(&listener.done);
	close(talk[0]);
	close(peer[0]);
	wire_check(peer[1], types);
	close(peer[1]);
	fuzz_fds(true);
	return 0;
}
