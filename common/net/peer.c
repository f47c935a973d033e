/* peer.c - who a peer is. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "net/net.h"

bool img_aet_ok(const char *aet)
{
	size_t n = strlen(aet), blanks = 0;

	for (size_t i = 0; i < n; i++) {
		if (aet[i] < ' ' || aet[i] > '~' || aet[i] == '\\')
			return false;
		blanks += aet[i] == ' ';
	}
	return n > 0 && n < IMG_AET_MAX && blanks < n;
}

void img_aet_trim(char *aet)
{
	size_t n = strlen(aet), blanks = strspn(aet, " ");

	while (n > blanks && aet[n - 1] == ' ')
		n--;
	memmove(aet, aet + blanks, n - blanks);
	aet[n - blanks] = '\0';
}

bool img_aet_take(char aet[IMG_AET_MAX], const char *text)
{
	char whole[64];

	if (strlen(text) >= sizeof(whole))
		return false;
	memcpy(whole, text, strlen(text) + 1);
	img_aet_trim(whole);
	if (!img_aet_ok(whole))
		return false;
	memcpy(aet, whole, strlen(whole) + 1);
	return true;
}

static bool host_ok(const char *host)
{
	size_t n = strspn(host, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

	return n > 0 && !host[n];
}

static int bad(const char *text, const char *why, struct img_err *err)
{
	return img_err_set(err, IMG_E_USAGE, "peer '%.200s': %s", text, why);
}

/* A number in IPv6, in its one form; one of this link with its interface
   behind '%'. */
static bool take_six(char *host)
{
	char *zone = strchr(host, '%');
	struct in6_addr six;
	char text[INET6_ADDRSTRLEN + 40];
	bool good;

	if (zone) {
		*zone++ = '\0';
		if (!*zone || strlen(zone) > 32 || !host_ok(zone))
			return false;
	}
	good = inet_pton(AF_INET6, host, &six) == 1 &&
	       inet_ntop(AF_INET6, &six, text, INET6_ADDRSTRLEN);
	if (!good)
		return false;
	if (zone)
		snprintf(text + strlen(text), 40, "%%%s", zone);
	if (strlen(text) >= IMG_HOST_MAX)
		return false;
	memcpy(host, text, strlen(text) + 1);
	return true;
}

bool img_host_take(char host[IMG_HOST_MAX])
{
	struct in_addr four;
	size_t n = strlen(host);

	if (host[0] == '[' && host[n - 1] == ']') {
		memmove(host, host + 1, n - 2);
		host[n - 2] = '\0';
		return take_six(host);
	}
	if (strchr(host, ':'))
		return take_six(host);
	for (char *c = host; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	/* A name that ends with a dot is whole. */
	if (n > 1 && host[n - 1] == '.')
		host[--n] = '\0';
	if (!host_ok(host) || host[n - 1] == '.')
		return false;
	/* 127.1 is a number, too. */
	return !inet_aton(host, &four) ||
	       inet_ntop(AF_INET, &four, host, IMG_HOST_MAX);
}

static int parse_dimse(struct img_peer *p, const char *text,
		       struct img_err *err)
{
	const char *at = strrchr(text, '@'), *colon = strrchr(text, ':');
	uint64_t port;

	if (!at || !colon || colon < at)
		return bad(text,
			   "not AET@host:port, and no name in "
			   "peers.json",
			   err);
	if ((size_t)(at - text) >= sizeof(p->called) ||
	    (size_t)(colon - at - 1) >= sizeof(p->host))
		return bad(text, "too long", err);
	snprintf(p->called, sizeof(p->called), "%.*s", (int)(at - text), text);
	snprintf(p->host, sizeof(p->host), "%.*s", (int)(colon - at - 1),
		 at + 1);
	img_aet_trim(p->called);
	if (!img_aet_ok(p->called))
		return bad(text, IMG_AET_RULE, err);
	if ((strchr(p->host, ':') && *p->host != '[') ||
	    !img_host_take(p->host))
		return bad(text,
			   "not a name or a number of a host; one of IPv6 "
			   "stands in brackets",
			   err);
	if (!img_parse_u64(colon + 1, 65535, &port) || port == 0)
		return bad(text, "a port is a number from 1 to 65535", err);
	p->port = (uint16_t)port;
	snprintf(p->name, sizeof(p->name),
		 strchr(p->host, ':') ? "%s@[%s]:%u" : "%s@%s:%u", p->called,
		 p->host, (unsigned)p->port);
	return 0;
}

bool img_peer_is_url(const char *text)
{
	size_t n = strncmp(text, "https://", 8) == 0  ? 8
		   : strncmp(text, "http://", 7) == 0 ? 7
						      : 0;

	/* Of a user, of a port, nothing at all: there is no host then. */
	return n && text[n] && !strchr("/:?#@", text[n]);
}

static int parse_url(struct img_peer *p, const char *text, struct img_err *err)
{
	size_t n = strlen(text);

	while (n && text[n - 1] == '/')
		n--;
	if (n >= sizeof(p->name))
		return bad(text, "too long", err);
	if (!img_peer_is_url(text))
		return bad(text, "a URL needs a host", err);
	if (strchr(text, '@'))
		return bad(text,
			   "names and passwords do not belong into "
			   "a URL",
			   err);
	snprintf(p->url, sizeof(p->url), "%.*s", (int)n, text);
	snprintf(p->name, sizeof(p->name), "%.*s", (int)n, text);
	p->tls = strncmp(text, "https:", 6) == 0;
	return 0;
}

int img_peer_parse(struct img_peer *p, const char *text, struct img_err *err)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->calling, sizeof(p->calling), "IMGSEND");
	if (strncmp(text, "https://", 8) == 0 ||
	    strncmp(text, "http://", 7) == 0)
		return parse_url(p, text, err);
	return parse_dimse(p, text, err);
}
