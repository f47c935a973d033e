/* storer - stores files at a peer on this machine and says what was
   acknowledged: the SOP instance of each that got 0000, one a line, at once.

	storer [-b ADDRESS] PORT TITLE FILE ...

   -b: comes from there.
   Files are CT in explicit VR little endian.  Over a plain socket: nothing is
   buffered between an answer and its line. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom/dicom.h"
#include "peer.h"

#define CT   "1.2.840.10008.5.1.4.1.1.2"
#define EXPL "1.2.840.10008.1.2.1"

static struct msg m, file;
static int sock;
static const char *home;

static bool put(void)
{
	size_t at = 0;

	while (at < m.n) {
		ssize_t n = send(sock, m.p + at, m.n - at, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	m.n = 0;
	return true;
}

static bool get(uint8_t *p, size_t n)
{
	while (n) {
		ssize_t r = recv(sock, p, n, 0);

		if (r <= 0)
			return false;
		p += r;
		n -= (size_t)r;
	}
	return true;
}

/* The type of the next PDU, its body in m; 0: the connection has ended. */
static uint8_t pdu(void)
{
	uint8_t h[6];

	if (!get(h, 6))
		return 0;
	m.n = (size_t)h[2] << 24 | (size_t)h[3] << 16 | (size_t)h[4] << 8 |
	      h[5];
	return m.n <= sizeof(m.p) && get(m.p, m.n) ? h[0] : 0;
}

static bool dial(uint16_t port, const char *title)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port) },
			   own = { .sin_family = AF_INET };
	const struct rq q = {
		.called = title, .calling = "STORER", .abstract = CT, .ts = EXPL
	};
	int on = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	own.sin_addr.s_addr = home ? inet_addr(home) : 0;
	sock = socket(AF_INET, SOCK_STREAM, 0);
	if (sock < 0 ||
	    (home && bind(sock, (struct sockaddr *)&own, sizeof(own)) < 0) ||
	    connect(sock, (struct sockaddr *)&a, sizeof(a)) < 0)
		return false;
	setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	a_associate_rq(&m, &q);
	return put() && pdu() == 2;
}

/* The data set into file, its instance into uid. */
static bool load(struct img_dicom_reader *r, const char *name,
		 char uid[IMG_UID_MAX])
{
	const uint32_t tag = IMG_TAG(0x0008, 0x0018);
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_pick sop;
	size_t at;
	int fd = open(name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : img_read_full(fd, file.p, sizeof(file.p));

	if (fd >= 0)
		close(fd);
	if (n < 0 ||
	    img_dicom_start_mem(r, file.p, (size_t)n, name, NULL, &err) < 0 ||
	    img_dicom_pick(r, &tag, 1, &sop, &err) < 0 || !sop.p)
		return false;
	snprintf(uid, IMG_UID_MAX, "%.*s", (int)sop.length,
		 (const char *)sop.p);
	at = img_dicom_facts(r)->dataset;
	file.n = (size_t)n - at;
	memmove(file.p, file.p + at, file.n);
	return true;
}

static bool store(const char *uid, uint16_t id)
{
	static struct msg c, body;

	m.n = c.n = body.n = 0;
	le_uid(&body, 0x0002, CT);
	le_u16(&body, 0x0100, 1);
	le_u16(&body, 0x0110, id);
	le_u16(&body, 0x0700, 0);
	le_u16(&body, 0x0800, 0);
	le_uid(&body, 0x1000, uid);
	le(&c, 0, 4);
	le(&c, 4, 4);
	le(&c, body.n, 4);
	raw(&c, body.p, body.n);
	p_data(&m, 1, 3, c.p, c.n);
	for (size_t at = 0; at < file.n; at += 16000) {
		size_t n = file.n - at < 16000 ? file.n - at : 16000;

		p_data(&m, 1, at + n == file.n ? 2 : 0, file.p + at, n);
	}
	return put();
}

/* The status of the answer; 0xFFFF: none. */
static unsigned answer(void)
{
	if (pdu() != 4)
		return 0xFFFF;
	for (size_t i = 6; i + 10 <= m.n; i++)
		if (memcmp(m.p + i, "\0\0\0\11\2\0\0\0", 8) == 0)
			return m.p[i + 8] | (unsigned)m.p[i + 9] << 8;
	return 0xFFFF;
}

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_reader *r = img_dicom_reader_new(&err);
	char line[IMG_UID_MAX + 1], uid[IMG_UID_MAX];
	int failed = 0;

	signal(SIGPIPE, SIG_IGN);
	if (argc > 2 && strcmp(argv[1], "-b") == 0) {
		home = argv[2];
		argc -= 2;
		argv += 2;
	}
	if (argc < 4 || !r || !dial((uint16_t)atoi(argv[1]), argv[2]))
		return 3;
	for (int i = 3; i < argc; i++) {
		unsigned status;

		if (!load(r, argv[i], uid) || !store(uid, (uint16_t)i))
			return 3;
		status = answer();
		if (status == 0xFFFF)
			return 3;
		failed += status != 0;
		snprintf(line, sizeof(line), "%s\n", uid);
		if (status == 0 && write(STDOUT_FILENO, line, strlen(line)) < 0)
			return 3;
	}
	m.n = 0;
	be(&m, 0x0500, 2);
	be(&m, 4, 4);
	be(&m, 0, 4);
	(void)(put() && pdu());
	img_dicom_reader_free(r);
	return failed ? 2 : 0;
}
