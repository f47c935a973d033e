/* peers.c - peers.json of an archive: peers by name, with what is agreed. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/net.h"

static int read_file(const char *file, struct img_buf *out, struct img_err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc = -1;
	struct img_err why = IMG_ERR_INIT;
	char block[8192];
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : img_err_sys(err, "%s", file);
	while ((n = img_read_full(fd, block, sizeof(block))) > 0)
		if (img_buf_add(out, block, (size_t)n, &why) < 0) {
			img_err_set(err, why.code, "%s: %s", file, why.text);
			goto out;
		}
	if (n < 0)
		img_err_sys(err, "%s", file);
	else
		rc = 0;
out:
	close(fd);
	return rc;
}

/* ---- an entry --------------------------------------------------------- */

static const struct text {
	const char *key;
	size_t at, size;
} texts[] = {
#define TEXT(key, member)                                                      \
	{                                                                      \
		key, offsetof(struct img_peer, member),                        \
			sizeof(((struct img_peer *)0)->member)                 \
	}
	TEXT("aet", called),
	TEXT("calling", calling),
	TEXT("host", host),
	TEXT("url", url),
	TEXT("ca", ca),
	TEXT("certificate", certificate),
	TEXT("key", key),
	TEXT("tls_host", tls_host),
	TEXT("pin", pin),
	TEXT("user", user),
	TEXT("passcode_file", passcode_file),
	TEXT("token_file", token_file),
#undef TEXT
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

int img_peer_set(struct img_peer *p, const char *key, const char *value,
		 struct img_err *err)
{
	for (size_t i = 0; value && i < TEXTS; i++) {
		if (strcmp(texts[i].key, key) != 0)
			continue;
		if (strlen(value) >= texts[i].size)
			return img_err_set(err, IMG_E_USAGE, "%s is too long",
					   key);
		memcpy((char *)p + texts[i].at, value, strlen(value) + 1);
		if (texts[i].size == IMG_AET_MAX)
			img_aet_trim((char *)p + texts[i].at);
		if (texts[i].at == offsetof(struct img_peer, host) && *value &&
		    !img_host_take(p->host))
			return img_err_set(err, IMG_E_USAGE,
					   "host is no name or number of one");
		return 0;
	}
	return value ? img_err_set(err, IMG_E_USAGE,
				   "%.60s is a key that is not known", key)
		     : 0;
}

static int wrong(const char *what, struct img_err *err)
{
	return img_err_set(err, IMG_E_USAGE, "%s", what);
}

static int check(const struct img_peer *p, struct img_err *err)
{
	uint8_t pin[32];

	if (!*p->url && (!*p->called || !*p->host || !p->port))
		return wrong("a peer needs aet, host and port, or url", err);
	if (!*p->url && !img_aet_ok(p->called))
		return wrong(IMG_AET_RULE, err);
	if (*p->url && !img_peer_is_url(p->url))
		return wrong("url is not https:// and a host", err);
	if (*p->url && (*p->called || *p->host || p->port))
		return wrong("url stands instead of aet, host and port", err);
	if (!img_aet_ok(p->calling))
		return wrong(IMG_AET_RULE, err);
	if (!*p->certificate != !*p->key)
		return wrong("a certificate and its key go together", err);
	if (*p->pin &&
	    (strlen(p->pin) != 64 || !img_unhex(pin, sizeof(pin), p->pin)))
		return wrong("a pin is 64 hexadecimal digits", err);
	if (*p->passcode_file && !*p->user)
		return wrong("a passcode needs a user", err);
	if (*p->url && *p->pin)
		return wrong("a pin is not for https", err);
	if (*p->url && *p->tls_host)
		return wrong("tls_host is not for https", err);
	if (*p->token_file && (!p->tls || !*p->url))
		return wrong("a token is sent to https only", err);
	/* It would be read by whoever is on the way. */
	if (*p->passcode_file && !p->tls)
		return wrong("a passcode is not sent without TLS", err);
	if ((*p->ca || *p->certificate || *p->pin) && !p->tls)
		return wrong("certificates are for TLS", err);
	return 0;
}

int img_peer_check(const struct img_peer *p, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	if (check(p, &why) == 0)
		return 0;
	if (!p->listed)
		return wrong(why.text, err);
	return img_err_set(err, why.code, "peer '%.100s': %s", p->name,
			   why.text);
}

struct entry {
	struct img_peer *peer;
	const struct img_json *json;
	const char *file;
};

static int bad_key(const struct entry *e, const char *key, struct img_err *err)
{
	return img_err_set(err, IMG_E_USAGE, "%s: peer '%.100s': %.100s",
			   e->file, e->peer->name, key);
}

static int take_member(void *arg, const char *key, const char *json,
		       struct img_err *err)
{
	struct entry *e = arg;
	const char *value = img_json_get(e->json, key);
	struct img_err why = IMG_ERR_INIT;
	uint64_t port;

	if (strcmp(key, "port") == 0) {
		if (!img_json_get_u64(e->json, key, &port) || port == 0 ||
		    port > 65535)
			return bad_key(e, "port is no port", err);
		e->peer->port = (uint16_t)port;
		return 0;
	}
	if (strcmp(key, "tls") == 0) {
		e->peer->tls = strcmp(json, "true") == 0;
		return e->peer->tls || strcmp(json, "false") == 0
			       ? 0
			       : bad_key(e, "tls is neither true nor false",
					 err);
	}
	/* A misspelt "tls" must not become plain text. */
	if (img_peer_set(e->peer, key, value ? value : "", &why) < 0)
		return bad_key(e, why.text, err);
	if (!value)
		return bad_key(e, "a value that is no text", err);
	return 0;
}

static int take_entry(struct img_peer *p, const struct img_json *json,
		      const char *name, const char *file, struct img_err *err)
{
	struct entry e = { p, json, file };

	memset(p, 0, sizeof(*p));
	if (strlen(name) >= sizeof(p->name))
		return bad_key(&e, "its name is too long", err);
	memcpy(p->name, name, strlen(name) + 1);
	snprintf(p->calling, sizeof(p->calling), "IMGSEND");
	p->listed = true;
	if (img_json_each(json, take_member, &e, err) < 0)
		return -1;
	if (strncmp(p->url, "https:", 6) == 0)
		p->tls = true;
	return 0;
}

/* ---- looking for one -------------------------------------------------- */

struct search {
	struct img_peer *out;
	struct img_peer wanted; /* by address */
	const struct img_json *all;
	const char *file, *text;
	bool found;
};

static bool same_address(const struct img_peer *a, const struct img_peer *b)
{
	if (*a->url || *b->url)
		return strcmp(a->url, b->url) == 0;
	return a->port == b->port && strcasecmp(a->host, b->host) == 0 &&
	       strcmp(a->called, b->called) == 0;
}

static int look_at(void *arg, const char *key, const char *json,
		   struct img_err *err)
{
	struct search *s = arg;
	const struct img_json *sub = img_json_sub(s->all, key);
	bool named = strcmp(key, s->text) == 0;
	struct img_peer *p;
	int rc = 0;

	(void)json;
	if (s->found && !named)
		return 0;
	if (!sub)
		return img_err_set(err, IMG_E_USAGE,
				   "%s: '%.100s' is no object", s->file, key);
	p = calloc(1, sizeof(*p));
	if (!p)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	rc = take_entry(p, sub, key, s->file, err);
	if (rc == 0 && (named || same_address(p, &s->wanted))) {
		*s->out = *p;
		s->found = true;
	}
	free(p);
	return rc;
}

/* peers.json; *all NULL: there is none. */
static int load(const char *archive, char file[IMG_PATH_MAX],
		struct img_json **all, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct img_buf b;
	int rc = -1;

	*all = NULL;
	img_buf_init(&b, IMG_LINE_MAX);
	if (img_path_join(file, IMG_PATH_MAX, archive, "peers.json", err) < 0 ||
	    read_file(file, &b, err) < 0)
		goto out;
	/* Our reader of JSON takes one line; in texts there are no newlines. */
	for (size_t i = 0; i < b.len; i++)
		if (b.data[i] == '\n' || b.data[i] == '\r' || b.data[i] == '\t')
			b.data[i] = ' ';
	if (b.len && !(*all = img_json_parse(b.data, b.len, &why)))
		img_err_set(err, IMG_E_USAGE, "%s: %.300s", file, why.text);
	else
		rc = 0;
out:
	img_buf_release(&b);
	return rc;
}

int img_peer_get(struct img_peer *p, const char *archive, const char *text,
		 struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	char file[IMG_PATH_MAX];
	struct img_json *all = NULL;
	struct search *s = calloc(1, sizeof(*s));
	int rc = -1;

	if (!s) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		goto out;
	}
	if (load(archive, file, &all, err) < 0)
		goto out;
	*s = (struct search){
		.out = p, .all = all, .file = file, .text = text
	};
	if (img_peer_parse(&s->wanted, text, &why) == 0)
		*p = s->wanted;
	if (all && img_json_each(all, look_at, s, err) < 0)
		goto out;
	if (!s->found && why.code != IMG_OK)
		img_err_set(err, why.code, "%s", why.text);
	else
		rc = 0;
out:
	img_json_free(all);
	free(s);
	return rc;
}

static int look_title(void *arg, const char *key, const char *json,
		      struct img_err *err)
{
	struct search *s = arg;
	const struct img_json *sub = img_json_sub(s->all, key);
	struct img_peer *p = calloc(1, sizeof(*p));
	int rc = -1;

	(void)json;
	if (!p)
		img_err_set(err, IMG_E_NOMEM, "out of memory");
	else if (!sub)
		img_err_set(err, IMG_E_USAGE, "%s: '%.100s' is no object",
			    s->file, key);
	else
		rc = take_entry(p, sub, key, s->file, err);
	if (rc == 0 && !*p->url && strcmp(p->called, s->wanted.called) == 0 &&
	    (!s->found || strcmp(p->host, s->wanted.host) == 0)) {
		*s->out = *p;
		s->found = true;
	}
	free(p);
	return rc;
}

int img_peer_titled(struct img_peer *p, const char *archive, const char *title,
		    const char *address, struct img_err *err)
{
	char file[IMG_PATH_MAX];
	struct img_json *all = NULL;
	struct search *s = calloc(1, sizeof(*s));
	int rc = -1;

	if (!s)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	if (load(archive, file, &all, err) == 0) {
		*s = (struct search){ .out = p, .all = all, .file = file };
		snprintf(s->wanted.called, IMG_AET_MAX, "%s", title);
		snprintf(s->wanted.host, IMG_HOST_MAX, "%s", address);
		if (!all || img_json_each(all, look_title, s, err) == 0)
			rc = s->found;
	}
	img_json_free(all);
	free(s);
	return rc;
}

char *img_peer_name(const char *archive, const char *text, struct img_err *err)
{
	struct img_peer *p = calloc(1, sizeof(*p));
	char *name = NULL;

	if (p && img_peer_get(p, archive, text, err) == 0) {
		name = strdup(p->name);
		if (!name)
			img_err_set(err, IMG_E_NOMEM, "out of memory");
	} else if (!p) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
	}
	free(p);
	return name;
}
