/*
 * serve.c - fuzz target of the jailed half of a listener: one whole
 * association over a socketpair, DCMTK's parser and ours.
 *
 * The first byte says whether the rest are the bytes of the peer, or what
 * wire.h makes of them.  Whatever comes in: no crash, no hang.  What is told
 * to the listener comes in order, an object's file has the bytes and the
 * digest that are told, and our reader knows it; the peer gets whole PDUs.
 */
#include <sys/mman.h>
#include <sys/syscall.h>

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

/* It has no thread of its own, between which and the other half the system
   would go to and fro: it is called when that other half waits for it. */
static struct {
	int sock, other; /* the two ends; -1: nobody talks */
	unsigned mood;   /* refuses, has no room, says no */
	bool requested, over, open, ended;
	int fd; /* of the object in hand, or for the next */
} listener = { .sock = -1, .other = -1, .fd = -1 };

static struct img_dicom_reader *reader;

static void check_object(int fd, const struct img_up *up)
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
	/* Where the data set is encoded otherwise, the reader says how. */
	if (img_dicom_start_mem(reader, bytes, (size_t)st.st_size, "object",
				NULL, &err) < 0)
		fuzz_must(err.code != IMG_E_NOT_DICOM, "a file without a head");
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

static void begin(void)
{
	fuzz_must(listener.requested && !listener.open, "begin out of order");
	/* It has one from the last time, or asks. */
	if (listener.fd < 0) {
		listener.fd = new_file();
		down(IMG_DOWN_FILE, listener.fd < 0 ? 0xA700 : 0, listener.fd);
	}
	listener.open = listener.fd >= 0;
}

static void end(const struct img_up *up)
{
	fuzz_must(listener.open, "end out of order");
	if (up->code == IMG_OK)
		check_object(listener.fd, up);
	close(listener.fd);
	listener.open = false;
	listener.fd = new_file();
	down(IMG_DOWN_VERDICT, listener.mood & 16 ? 0xC000 : 0x0000,
	     listener.fd);
}

static void hear(const struct img_up *up)
{
	fuzz_must(!listener.over, "something comes after the end");
	switch (up->kind) {
	case IMG_UP_REQUEST:
		fuzz_must(!listener.requested, "two requests");
		listener.requested = true;
		down(listener.mood % 8 == 7 ? IMG_DOWN_REJECT : IMG_DOWN_GRANT,
		     0, -1);
		break;
	case IMG_UP_BEGIN:
		begin();
		break;
	case IMG_UP_END:
		end(up);
		break;
	case IMG_UP_DROP:
		fuzz_must(listener.open && up->code, "drop out of order");
		close(listener.fd);
		listener.fd = -1;
		listener.open = false;
		break;
	case IMG_UP_COMMIT:
		fuzz_must(listener.requested, "commitment out of order");
		if (up->code == 0)
			down(IMG_DOWN_COMMIT, listener.mood & 32 ? 0x0112 : 0,
			     -1);
		break;
	case IMG_UP_REPORT:
		fuzz_must(listener.requested, "report out of order");
		if (up->code == 2)
			down(IMG_DOWN_COMMIT, listener.mood & 64 ? 0x0213 : 0,
			     -1);
		break;
	case IMG_UP_OVER:
		listener.over = true;
		fuzz_must(up->code != IMG_E_BUG, up->u.text);
		break;
	}
}

/* Whether there is a message, or the other end is closed. */
static bool something(void)
{
	char c;

	return recv(listener.sock, &c, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

static void listen_on(void)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_up up;
	int rc;

	while (!listener.ended && something()) {
		rc = img_up_recv(listener.sock, &up, 0, &err);
		if (rc == 1) {
			hear(&up);
			continue;
		}
		listener.ended = true;
		/* A title that is none: the listener ends it. */
		if (rc < 0 && !listener.requested &&
		    err.code == IMG_E_MALFORMED) {
			shutdown(listener.sock, SHUT_RDWR);
			return;
		}
		if (rc < 0)
			fuzz_wrong("a worker's message", &err);
		fuzz_must(listener.over && !listener.open,
			  "the end was not told");
	}
}

/* In place of the system's: who asks the listener lets it answer first. */
ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	if (fd >= 0 && fd == listener.other)
		listen_on();
	return syscall(SYS_recvmsg, fd, m, flags);
}

static void prepare(void)
{
	struct img_err err = IMG_ERR_INIT;

	reader = img_dicom_reader_new(&err);
	if (!reader || img_accept_prepare(&err) < 0 ||
	    img_crypto_init(&err) < 0)
		fuzz_wrong("prepare", &err);
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
	listener.other = talk[1];
	listener.requested = listener.over = listener.open = false;
	listener.ended = false;
	down(IMG_DOWN_START, 0, peer[0]);
	img_serve(talk[1], &serve);
	listener.other = -1;
	close(talk[1]);
	listen_on();
	fuzz_must(listener.ended, "the end was not told");
	if (listener.fd >= 0)
		close(listener.fd);
	listener.fd = -1;
	close(talk[0]);
	close(peer[0]);
	wire_check(peer[1], types);
	close(peer[1]);
	fuzz_fds(true);
	return 0;
}
