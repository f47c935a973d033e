/* dial.hh - inside the room: a connection to a host by any of its addresses. */
#ifndef IMG_DCMTK_DIAL_HH
#define IMG_DCMTK_DIAL_HH

#include <string>

#include "dcmtk/dcmtk.h"

/*
 * DCMTK's requestor knows IPv4 only, and no place for a socket of ours.  So
 * where the host is no IPv4 number we connect by ourselves, let DCMTK connect
 * to a port of this machine where nobody answers, and put our socket in the
 * place of its own as soon as it asks for a connection on it.
 */
class Dial
{
      public:
	Dial() = default;
	~Dial();
	Dial(const Dial &) = delete;
	Dial &operator=(const Dial &) = delete;

	/* Connects, if that is ours to do. */
	int open(const char *host, unsigned port, unsigned seconds,
		 struct img_err *err);
	/* What DCMTK is to connect to. */
	std::string address(const char *host, unsigned port) const;
	/* In the place of its socket. */
	bool put(int sock);

      private:
	int decoy(struct img_err *err);

	int ours = -1, nobody = -1;
	unsigned nobody_port = 0;
};

/* "host:port", as a message has it. */
std::string img_dial_name(const char *host, unsigned port);

#endif
