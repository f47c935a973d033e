/* err.c - the failure value. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"

static const char *const words[] = {
	[IMG_OK] = "ok",
	[IMG_E_NOT_DICOM] = "not-dicom",
	[IMG_E_TRUNCATED] = "truncated",
	[IMG_E_MALFORMED] = "malformed",
	[IMG_E_LIMIT] = "limit",
	[IMG_E_UNSUPPORTED] = "unsupported",
	[IMG_E_IO] = "io",
	[IMG_E_BUSY] = "busy",
	[IMG_E_DENIED] = "denied",
	[IMG_E_REFUSED] = "refused",
	[IMG_E_TRANSPORT] = "transport",
	[IMG_E_USAGE] = "usage",
	[IMG_E_BUG] = "bug",
	[IMG_E_NOMEM] = "limit",
};

const char *img_code_word(enum img_code code)
{
	if ((size_t)code >= sizeof(words) / sizeof(words[0]))
		return "bug";
	return words[code];
}

enum img_code img_code_of(const char *word)
{
	for (size_t i = 1; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0)
			return (enum img_code)i;
	return IMG_E_BUG;
}

static bool is_inside_char(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

/* Both ends of a text that has no room: what is wrong stands behind the
   path. */
IMG_PRINTF(2, 0)
static void set_ends(struct img_err *err, const char *fmt, va_list ap)
{
	char all[3 * IMG_PATH_MAX];
	size_t half = sizeof(err->text) / 2 - 2, head = half;
	const char *tail;

	vsnprintf(all, sizeof(all), fmt, ap);
	tail = all + strlen(all) - half;
	while (head && is_inside_char(all[head]))
		head--;
	while (is_inside_char(*tail))
		tail++;
	snprintf(err->text, sizeof(err->text), "%.*s...%s", (int)head, all,
		 tail);
}

int img_err_set(struct img_err *err, enum img_code code, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (err->code != IMG_OK)
		return -1;
	err->code = code;
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (n < (int)sizeof(err->text))
		return -1;
	va_start(ap, fmt);
	set_ends(err, fmt, ap);
	va_end(ap);
	return -1;
}

static enum img_code code_of_errno(int e)
{
	switch (e) {
	case ENOMEM:
		return IMG_E_NOMEM;
	case EACCES:
	case EPERM:
	case EROFS:
		return IMG_E_DENIED;
	case EAGAIN:
	case EBUSY:
	case EMFILE:
	case ENFILE:
		return IMG_E_BUSY;
	default:
		return IMG_E_IO;
	}
}

int img_err_sys(struct img_err *err, const char *fmt, ...)
{
	int e = errno;
	const char *why = strerrordesc_np(e);
	size_t n, room;
	va_list ap;

	if (!why)
		why = "unknown error";
	if (err->code != IMG_OK)
		return -1;
	err->code = code_of_errno(e);
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	/* A long path must not push the reason out. */
	n = strlen(err->text);
	room = sizeof(err->text) - strlen(why) - 3;
	if (n > room) {
		n = room - 3;
		while (n && is_inside_char(err->text[n]))
			n--;
		memcpy(err->text + n, "...", 3);
		n += 3;
	}
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", why);
	return -1;
}

void img_err_clear(struct img_err *err)
{
	err->code = IMG_OK;
	err->text[0] = '\0';
}
