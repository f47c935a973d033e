/*
 * peers.c - fuzz target of peers.json, of what a command line says a peer is,
 * and of the rules that say who may come.
 *
 * The input's first line is the name or address of a peer, the rest is
 * peers.json; and each line a rule.  Whatever comes in: no crash, a verdict
 * that is wrong usage.  A peer that is known can be named: its own name finds
 * it again.  A passcode or a token never goes without TLS.
 */
#include "net/net.h"
#include "fuzz.h"

static char folder[64], file[96];

static void check_peer(const struct img_peer *p, const char *text)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_peer *again = calloc(1, sizeof(*again));
	int rc = img_peer_check(p, &err);

	fuzz_verdict(rc, &err);
	fuzz_must(rc == 0 || err.code == IMG_E_USAGE, "another code");
	if (rc == 0) {
		fuzz_must(p->tls || (!*p->passcode_file && !*p->token_file),
			  "a secret goes without TLS");
		fuzz_must(*p->url || (p->port && *p->host && *p->called),
			  "nobody");
		fuzz_must(strncmp(p->url, "https:", 6) != 0 || p->tls,
			  "https without TLS");
	}
	if (!again)
		return;
	/* What an address is listed as has the list's name. */
	if (img_peer_get(again, folder, p->name, &err) == 0)
		fuzz_must(strcmp(again->name, p->name) == 0,
			  "a name that finds another");
	else if (rc == 0 && p->listed)
		fuzz_wrong("a name that finds nothing", &err);
	(void)text;
	free(again);
}

static void rules(const char *p, const char *end)
{
	struct sockaddr_storage from = { .ss_family = AF_INET };
	struct img_access *a = NULL;
	struct img_err err = IMG_ERR_INIT;
	bool any = false;

	if (img_access_new(&a, &err) < 0)
		return;
	fuzz_must(img_access_may(a, "X", "", &from), "no rules, and refused");
	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		char rule[200];
		int rc;

		if (!stop)
			stop = end;
		snprintf(rule, sizeof(rule), "%.*s", (int)(stop - p), p);
		img_err_clear(&err);
		rc = img_access_add(a, rule, &err);
		fuzz_verdict(rc, &err);
		any |= rc == 0;
		p = stop + 1;
	}
	(void)img_access_may(a, "PEER", "", &from);
	if (any)
		fuzz_must(!img_access_may(a, "PEER", "", &from) ||
				  img_access_may(a, NULL, "", &from),
			  "a title may come from where nobody may");
	img_access_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *end = text + size, *rest;
	struct img_peer *p = calloc(1, sizeof(*p));
	struct img_err err = IMG_ERR_INIT;
	char name[600], *given;
	int rc;

	if (!*folder) {
		fuzz_folder(folder, "peers");
		snprintf(file, sizeof(file), "%s/peers.json", folder);
		rmdir(folder);
	}
	fuzz_fds(false);
	if (!p)
		return 0;
	rest = size ? memchr(text, '\n', size) : NULL;
	if (!rest)
		rest = end;
	snprintf(name, sizeof(name), "%.*s", (int)(rest - text), text);
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		exit(3);
	fuzz_file(file, rest, (size_t)(end - rest), 0600);
	rc = img_peer_get(p, folder, name, &err);
	fuzz_verdict(rc, &err);
	fuzz_must(rc == 0 || err.code == IMG_E_USAGE, "another code");
	if (rc == 0)
		check_peer(p, name);
	img_err_clear(&err);
	given = img_peer_name(folder, name, &err);
	fuzz_must((given != NULL) == (rc == 0) &&
			  (!given || strcmp(given, p->name) == 0),
		  "two names");
	free(given);
	rules(rest, end);
	unlink(file);
	rmdir(folder);
	free(p);
	fuzz_fds(true);
	return 0;
}
