/* sum.c - the sum that each row carries, as a function of SQL. */
#include <string.h>

#include "catalog/inside.h"

#define PLAIN_MAX 128 /* longer values go into a sum as their own sum */
#define ARGS_MAX  48

static void put_u64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static size_t put_bytes(uint8_t *p, uint8_t tag, const void *v, size_t n)
{
	put_u64(p + 1, n);
	if (n <= PLAIN_MAX) {
		p[0] = tag;
		if (n)
			memcpy(p + 9, v, n);
		return 9 + n;
	}
	p[0] = tag | 0x10;
	put_u64(p + 9, img_sum64(v, n));
	return 17;
}

static size_t put_value(uint8_t *p, sqlite3_value *v)
{
	switch (sqlite3_value_type(v)) {
	case SQLITE_INTEGER:
		p[0] = 1;
		put_u64(p + 1, (uint64_t)sqlite3_value_int64(v));
		return 9;
	case SQLITE_TEXT: {
		const void *text = sqlite3_value_text(v);

		return put_bytes(p, 2, text, (size_t)sqlite3_value_bytes(v));
	}
	case SQLITE_BLOB: {
		const void *blob = sqlite3_value_blob(v);

		return put_bytes(p, 3, blob, (size_t)sqlite3_value_bytes(v));
	}
	default:
		p[0] = 0;
		return 1;
	}
}

/* Sum over values and their types: imgcatalog(5) gives the bytes. */
static void sum(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	uint8_t bytes[ARGS_MAX * (PLAIN_MAX + 9)];
	size_t n = 0;

	if (argc > ARGS_MAX) {
		sqlite3_result_error(ctx, "img_sum: too many values", -1);
		return;
	}
	for (int i = 0; i < argc; i++)
		n += put_value(bytes + n, argv[i]);
	sqlite3_result_int64(ctx, (sqlite3_int64)img_sum64(bytes, n));
}

int img_catalog_functions(struct img_catalog *c, struct img_err *err)
{
	if (sqlite3_create_function_v2(
		    c->db, "img_sum", -1,
		    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL,
		    sum, NULL, NULL, NULL) != SQLITE_OK ||
	    img_catalog_name_functions(c->db) != SQLITE_OK)
		return img_catalog_failed(c, "open", err);
	return 0;
}
