/* access.c - who may come: titles and addresses. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/inside.h"

#define RULES_MAX  4096
#define FILE_BYTES (1024 * 1024)

struct rule {
	char aet[17];     /* may hold * and ?; empty: any */
	uint8_t addr[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned bits;    /* of addr that count */
	int family;       /* of addr; AF_UNSPEC: any address */
	char pin[65];     /* of the certificate; empty: any or none */
};

struct img_access {
	struct rule *rule;
	size_t n;
	bool wanted; /* there is a file of rules: one without any lets none in */
};

int img_access_new(struct img_access **out, struct img_err *err)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : img_err_set(err, IMG_E_NOMEM, "out of memory");
}

void img_access_free(struct img_access *a)
{
	if (a)
		free(a->rule);
	free(a);
}

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool is_four(const uint8_t addr[16])
{
	return memcmp(addr, mapped, sizeof(mapped)) == 0;
}

/* A number of IPv6 may stand in brackets. */
static bool parse_address(struct rule *r, const char *text)
{
	char host[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	uint64_t bits = 128, most = 128;

	if (n > 2 && text[0] == '[' && text[n - 1] == ']' &&
	    memchr(text, ':', n)) {
		text++;
		n -= 2;
	}
	if (n >= sizeof(host))
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	if (inet_pton(AF_INET, host, r->addr + 12) == 1) {
		memcpy(r->addr, mapped, sizeof(mapped));
		most = bits = 32;
	} else if (inet_pton(AF_INET6, host, r->addr) != 1) {
		return false;
	}
	if (slash && !img_parse_u64(slash + 1, most, &bits))
		return false;
	r->bits = (unsigned)(bits + 128 - most);
	/* All of IPv6 is not all of IPv4, though its numbers are there. */
	r->family = is_four(r->addr) && r->bits >= 96 ? AF_INET : AF_INET6;
	return true;
}

/* "title@address pin" without its pin into out. */
static int split_pin(struct rule *r, const char *text, char *out, size_t size,
		     struct img_err *err)
{
	const char *pin = strrchr(text, ' ');
	uint8_t bytes[32];
	size_t n = strlen(text);

	if (pin && strlen(pin + 1) == 64) {
		if (!img_unhex(bytes, sizeof(bytes), pin + 1))
			return img_err_set(err, IMG_E_USAGE,
					   "a certificate is meant by 64 "
					   "hexadecimal digits");
		img_hex(r->pin, bytes, sizeof(bytes));
		for (n = (size_t)(pin - text); n && text[n - 1] == ' '; n--)
			;
	}
	if (n >= size)
		return img_err_set(err, IMG_E_USAGE, "a rule is too long");
	memcpy(out, text, n);
	out[n] = '\0';
	return 0;
}

static int parse_rule(struct rule *r, const char *rule, struct img_err *err)
{
	char text[128];
	const char *at;
	size_t n;

	if (split_pin(r, rule, text, sizeof(text), err) < 0)
		return -1;
	at = strrchr(text, '@');
	n = at ? (size_t)(at - text) : strlen(text);
	if (n > 16 || (n == 0 && !at))
		return img_err_set(err, IMG_E_USAGE, IMG_AET_RULE);
	memcpy(r->aet, text, n);
	img_aet_trim(r->aet);
	if (n && !*r->aet)
		return img_err_set(err, IMG_E_USAGE,
				   "an AE title is not of blanks alone");
	/* Not all addresses, as a script with an empty variable would have. */
	if (at && !at[1])
		return img_err_set(err, IMG_E_USAGE,
				   "%s: no address behind @, as 10.1.2.3 or *",
				   text);
	if (at && strcmp(at + 1, "*") != 0 && !parse_address(r, at + 1))
		return img_err_set(err, IMG_E_USAGE,
				   "%s: no address, as 10.1.2.3, 10.0.0.0/8 "
				   "or 2001:db8::/32",
				   at + 1);
	return 0;
}

int img_access_add(struct img_access *a, const char *text, struct img_err *err)
{
	struct rule r = { .bits = 0 }, *more;

	if (parse_rule(&r, text, err) < 0)
		return -1;
	if (a->n == RULES_MAX)
		return img_err_set(err, IMG_E_LIMIT, "over %d rules",
				   RULES_MAX);
	more = realloc(a->rule, (a->n + 1) * sizeof(r));
	if (!more)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	a->rule = more;
	a->rule[a->n++] = r;
	return 0;
}

static int add_line(void *arg, char *line, struct img_err *err)
{
	return img_access_add(arg, line, err);
}

static int read_rules(struct img_access *a, const char *file,
		      struct img_err *err)
{
	char *text = malloc(FILE_BYTES + 1);
	int fd = -1, rc = -1;
	ssize_t n;

	if (!text)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || (n = img_read_full(fd, text, FILE_BYTES)) < 0) {
		img_err_sys(err, "%s", file);
		goto out;
	}
	if (n == FILE_BYTES) {
		img_err_set(err, IMG_E_LIMIT, "%s: over %d bytes", file,
			    FILE_BYTES);
		goto out;
	}
	rc = img_net_each_line(file, text, (size_t)n, add_line, a, err);
out:
	if (fd >= 0)
		close(fd);
	free(text);
	return rc;
}

int img_access_load(struct img_access **out, const char *const *rule, size_t n,
		    const char *file, struct img_err *err)
{
	int rc = img_access_new(out, err);

	if (rc == 0)
		(*out)->wanted = file != NULL;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = img_access_add(*out, rule[i], err);
	if (rc == 0 && file)
		rc = read_rules(*out, file, err);
	if (rc < 0) {
		img_access_free(*out);
		*out = NULL;
	}
	return rc;
}

/* ---- asking ----------------------------------------------------------- */

/* * and ? in p; no recursion. */
static bool matches(const char *p, const char *s)
{
	const char *star = NULL, *from = NULL;

	while (*s) {
		if (*p == '*') {
			star = p++;
			from = s;
		} else if (*p == '?' || *p == *s) {
			p++;
			s++;
		} else if (star) {
			p = star + 1;
			s = ++from;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return !*p;
}

static void bytes_of(uint8_t out[16], const struct sockaddr_storage *from)
{
	memset(out, 0, 16);
	if (from->ss_family == AF_INET) {
		memcpy(out, mapped, sizeof(mapped));
		memcpy(out + 12, &((const struct sockaddr_in *)from)->sin_addr,
		       4);
	} else if (from->ss_family == AF_INET6) {
		memcpy(out, &((const struct sockaddr_in6 *)from)->sin6_addr,
		       16);
	}
}

static bool within(const struct rule *r, const uint8_t addr[16])
{
	unsigned whole = r->bits / 8, rest = r->bits % 8;

	if (r->family == AF_UNSPEC)
		return true;
	if ((r->family == AF_INET) != is_four(addr))
		return false;
	if (memcmp(r->addr, addr, whole) != 0)
		return false;
	return !rest || (r->addr[whole] ^ addr[whole]) >> (8 - rest) == 0;
}

static bool has(const struct rule *r, const char *aet, const char *certificate)
{
	return (!*r->aet || matches(r->aet, aet)) &&
	       (!*r->pin || strcmp(r->pin, certificate) == 0);
}

bool img_access_pins(const struct img_access *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (*a->rule[i].pin)
			return true;
	return false;
}

bool img_access_may(const struct img_access *a, const char *aet,
		    const char *certificate,
		    const struct sockaddr_storage *from)
{
	uint8_t addr[16];

	bytes_of(addr, from);
	for (size_t i = 0; i < a->n; i++)
		if (within(&a->rule[i], addr) &&
		    (!aet || has(&a->rule[i], aet, certificate)))
			return true;
	return a->n == 0 && !a->wanted;
}

/* ---- what is stored --------------------------------------------------- */

bool img_net_stores(const char *sop_class)
{
	/* PS3.4 B.5, GG.3 and I.4; retired ones of PS3.6 among them. */
	static const char *const others[] = {
		"1.2.840.10008.5.1.1.27",   "1.2.840.10008.5.1.1.29",
		"1.2.840.10008.5.1.1.30",   "1.2.840.10008.5.1.4.34.7",
		"1.2.840.10008.5.1.4.38.1", "1.2.840.10008.5.1.4.39.1",
		"1.2.840.10008.5.1.4.43.1", "1.2.840.10008.5.1.4.44.1",
		"1.2.840.10008.5.1.4.45.1",
	};
	static const char standard[] = "1.2.840.10008.";
	static const char storage[] = "1.2.840.10008.5.1.4.1.1.";

	if (!*sop_class || sop_class[strspn(sop_class, "0123456789.")])
		return false; /* no UID at all */
	if (strncmp(sop_class, standard, sizeof(standard) - 1) != 0)
		return true;
	if (strncmp(sop_class, storage, sizeof(storage) - 1) == 0)
		return true;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(sop_class, others[i]) == 0)
			return true;
	return false;
}
