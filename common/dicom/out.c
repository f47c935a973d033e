/* out.c - bytes of the writer on their way to its sink: gathered, deflated,
   swapped. */
#include "dicom/writer.h"

int img_out_fail(struct img_dicom_writer *w, const char *what,
		 struct img_err *err)
{
	w->failed = true;
	return img_err_set(err, IMG_E_BUG, "DICOM writer: %s", what);
}

int img_out_sink(struct img_dicom_writer *w, const void *p, size_t n,
		 struct img_err *err)
{
	if (n && w->sink.write(w->sink.arg, p, n, err) < 0) {
		w->failed = true;
		return -1;
	}
	return 0;
}

int img_out_pack(struct img_dicom_writer *w, const uint8_t *p, size_t n,
		 int flush, struct img_err *err)
{
	int rc;

	w->z.next_in = (Bytef *)(uintptr_t)p;
	w->z.avail_in = (uInt)n;
	do {
		w->z.next_out = w->packed;
		w->z.avail_out = OUT_SIZE;
		rc = deflate(&w->z, flush);
		if (rc == Z_STREAM_ERROR)
			return img_out_fail(w, "deflate", err);
		if (img_out_sink(w, w->packed, OUT_SIZE - w->z.avail_out, err) <
		    0)
			return -1;
	} while (w->z.avail_out == 0);
	return 0;
}

int img_out_flush(struct img_dicom_writer *w, struct img_err *err)
{
	size_t n = w->len;

	w->len = 0;
	if (w->deflating)
		return n ? img_out_pack(w, w->out, n, Z_NO_FLUSH, err) : 0;
	return img_out_sink(w, w->out, n, err);
}

int img_out_put(struct img_dicom_writer *w, const void *p, size_t n,
		struct img_err *err)
{
	const uint8_t *from = p;

	while (n) {
		size_t part = OUT_SIZE - w->len;

		if (w->len == 0 && n >= OUT_SIZE && !w->deflating)
			return img_out_sink(w, from, n, err);
		if (part > n)
			part = n;
		memcpy(w->out + w->len, from, part);
		w->len += part;
		from += part;
		n -= part;
		if (w->len == OUT_SIZE && img_out_flush(w, err) < 0)
			return -1;
	}
	return 0;
}

/* Numbers of unit bytes, 2, 4 or 8, the other way round: those in eight bytes
   at once, whichever order the machine has. */
static inline uint64_t turn_eight(uint64_t v, unsigned unit)
{
	if (unit == 2)
		return (v & 0x00FF00FF00FF00FFu) << 8 |
		       (v >> 8 & 0x00FF00FF00FF00FFu);
	v = __builtin_bswap64(v);
	return unit == 4 ? v << 32 | v >> 32 : v;
}

static inline void turn(uint8_t *to, const uint8_t *from, size_t n,
			unsigned unit)
{
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		uint64_t v;

		memcpy(&v, from + i, 8);
		v = turn_eight(v, unit);
		memcpy(to + i, &v, 8);
	}
	for (; i < n; i += unit)
		for (unsigned k = 0; k < unit; k++)
			to[i + k] = from[i + unit - 1 - k];
}

/* n is a multiple of unit but at the very end of an odd value. */
int img_out_swapped(struct img_dicom_writer *w, const uint8_t *p, size_t n,
		    unsigned unit, struct img_err *err)
{
	uint8_t turned[1024];

	while (n >= unit) {
		size_t part = n < sizeof(turned) ? n : sizeof(turned);

		part -= part % unit;
		/* With a unit that the compiler knows. */
		if (unit == 2)
			turn(turned, p, part, 2);
		else if (unit == 4)
			turn(turned, p, part, 4);
		else
			turn(turned, p, part, 8);
		if (img_out_put(w, turned, part, err) < 0)
			return -1;
		p += part;
		n -= part;
	}
	return img_out_put(w, p, n, err);
}
