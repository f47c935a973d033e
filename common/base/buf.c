/* buf.c - the bounded buffer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

void img_buf_init(struct img_buf *b, size_t max)
{
	b->data = NULL;
	b->len = 0;
	b->room = 0;
	b->max = max;
}

void img_buf_release(struct img_buf *b)
{
	free(b->data);
	img_buf_init(b, b->max);
}

void img_buf_reset(struct img_buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

int img_buf_grow(struct img_buf *b, size_t more, struct img_err *err)
{
	size_t want, room;
	char *data;

	if (more > b->max || b->len > b->max - more)
		return img_err_set(err, IMG_E_LIMIT, "over %zu bytes", b->max);
	want = b->len + more + 1;
	if (want <= b->room)
		return 0;
	room = b->room ? b->room : 64;
	while (room < want)
		room = room > SIZE_MAX / 2 ? want : room * 2;
	if (room - 1 > b->max)
		room = b->max + 1;
	data = realloc(b->data, room);
	if (!data)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	b->data = data;
	b->room = room;
	return 0;
}

int img_buf_add(struct img_buf *b, const void *p, size_t n, struct img_err *err)
{
	if (img_buf_grow(b, n, err) < 0)
		return -1;
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
	return 0;
}

int img_buf_puts(struct img_buf *b, const char *s, struct img_err *err)
{
	return img_buf_add(b, s, strlen(s), err);
}

int img_buf_putc(struct img_buf *b, char c, struct img_err *err)
{
	return img_buf_add(b, &c, 1, err);
}

int img_buf_printf(struct img_buf *b, struct img_err *err, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return img_err_set(err, IMG_E_BUG, "cannot format");
	if (img_buf_grow(b, (size_t)n, err) < 0)
		return -1;
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

const char *img_buf_str(const struct img_buf *b)
{
	return b->data ? b->data : "";
}
