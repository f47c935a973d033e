/* users.c - who may say who it is: names, and hashes of their passcodes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/inside.h"

#define FILE_BYTES  (1024 * 1024)
#define LINE_BYTES  512
#define INPUT_BYTES 4096 /* a passcode, and what follows its line */
#define NAME_BYTES  64 /* as many as an association request is looked at for */

struct img_users {
	struct user {
		char name[NAME_BYTES + 1];
		char hash[IMG_PASSCODE_HASH]; /* empty: no passcode */
	} * user;
	size_t n;
};

/* Bytes as they are; blanks and # would end it in the file. */
static bool is_name(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= NAME_BYTES && !strpbrk(s, " \t\r\n#");
}

static int add(struct img_users *u, const char *name, const char *hash,
	       struct img_err *err)
{
	struct user *more;

	if (!is_name(name))
		return img_err_set(err, IMG_E_USAGE,
				   "a name has 1 to %d bytes, and no blanks",
				   NAME_BYTES);
	if (*hash && !img_passcode_hash_ok(hash))
		return img_err_set(err, IMG_E_USAGE,
				   "what is behind a name is no hash of a "
				   "passcode");
	more = realloc(u->user, (u->n + 1) * sizeof(*more));
	if (!more)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	u->user = more;
	snprintf(more[u->n].name, sizeof(more->name), "%s", name);
	snprintf(more[u->n++].hash, sizeof(more->hash), "%s", hash);
	return 0;
}

static int add_line(void *arg, char *line, struct img_err *err)
{
	char *in = NULL, *name = strtok_r(line, " \t", &in);
	char *hash = strtok_r(NULL, " \t", &in);

	if (hash && strtok_r(NULL, " \t", &in))
		return img_err_set(err, IMG_E_USAGE,
				   "more than a name and a hash");
	return add(arg, name, hash ? hash : "", err);
}

int img_users_read(struct img_users **out, const char *file,
		   struct img_err *err)
{
	struct img_users *u = calloc(1, sizeof(*u));
	struct img_buf text;
	int rc = -1;

	img_buf_init(&text, FILE_BYTES);
	if (!u)
		img_err_set(err, IMG_E_NOMEM, "out of memory");
	else if (img_net_read_secrets(file, &text, err) == 0 &&
		 img_buf_add(&text, "", 1, err) == 0)
		rc = img_net_each_line(file, text.data, text.len - 1, add_line,
				       u, err);
	img_net_release_secret(&text);
	if (rc < 0)
		img_users_free(u);
	else
		*out = u;
	return rc;
}

void img_users_free(struct img_users *u)
{
	if (u)
		free(u->user);
	free(u);
}

int img_users_find(const struct img_users *u, const char *name,
		   char hash[IMG_PASSCODE_HASH])
{
	hash[0] = '\0';
	for (size_t i = 0; i < u->n; i++)
		if (strcmp(u->user[i].name, name) == 0) {
			memcpy(hash, u->user[i].hash, IMG_PASSCODE_HASH);
			return 1;
		}
	for (size_t i = 0; i < u->n && !*hash; i++)
		memcpy(hash, u->user[i].hash, IMG_PASSCODE_HASH);
	return 0;
}

/* How long the first line is. */
static size_t line_of(const struct img_passphrase *p)
{
	const char *end = memchr(p->text, '\n', p->n);
	size_t n = end ? (size_t)(end - p->text) : p->n;

	return n && p->text[n - 1] == '\r' ? n - 1 : n;
}

char *img_users_line(const char *name, int fd, struct img_err *err)
{
	char hash[IMG_PASSCODE_HASH], *line = NULL;
	struct img_passphrase *code = NULL;
	size_t n;

	if (!is_name(name)) {
		img_err_set(err, IMG_E_USAGE,
			    "a name has 1 to %d bytes, and no blanks",
			    NAME_BYTES);
		return NULL;
	}
	if (img_crypto_init(err) < 0 ||
	    img_passphrase_read(&code, fd, 0, INPUT_BYTES, err) < 0)
		return NULL;
	n = line_of(code);
	if (n == 0 || n > NAME_BYTES)
		img_err_set(err, IMG_E_USAGE, "a passcode has 1 to %d bytes",
			    NAME_BYTES);
	else if (img_passcode_hash(hash, code->text, n, err) == 0 &&
		 (line = malloc(LINE_BYTES)))
		snprintf(line, LINE_BYTES, "%s %s\n", name, hash);
	else if (err->code == IMG_OK)
		img_err_set(err, IMG_E_NOMEM, "out of memory");
	img_passphrase_free(code);
	return line;
}
