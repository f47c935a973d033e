/* pick.c - values of chosen top-level attributes, in one walk. */
#include <stdio.h>
#include <stdlib.h>

#include "dicom/reader.h"

/* A place for n bytes that lasts until the next start; moves what was kept
   before if it has to grow. */
static uint8_t *arena_place(struct img_dicom_reader *r, size_t n,
			    struct img_dicom_pick *out, size_t count,
			    struct img_err *err)
{
	size_t room = r->arena_room ? r->arena_room : 8192;
	uintptr_t from = (uintptr_t)r->arena, kept = r->arena_len;
	uint8_t *grown;

	while (room - r->arena_len < n)
		room *= 2;
	if (room > r->arena_room) {
		grown = malloc(room);
		if (!grown) {
			img_err_set(err, IMG_E_NOMEM, "%s: no memory", r->name);
			return NULL;
		}
		if (r->arena)
			memcpy(grown, r->arena, r->arena_len);
		for (size_t i = 0; i < count; i++)
			if (out[i].p && (uintptr_t)out[i].p - from < kept)
				out[i].p = grown + (out[i].p - r->arena);
		free(r->arena);
		r->arena = grown;
		r->arena_room = room;
	}
	grown = r->arena + r->arena_len;
	r->arena_len += n;
	return grown;
}

static int keep(struct img_dicom_reader *r, const struct img_dicom_event *ev,
		struct img_dicom_pick *v, struct img_dicom_pick *out,
		size_t count, struct img_err *err)
{
	bool stays = r->mem && !r->inflating;
	uint8_t *copy;

	if (v->present)
		return 0;
	v->present = true;
	v->length = ev->length;
	v->big = ev->big;
	memcpy(v->vr, ev->vr, sizeof(v->vr));
	if (!ev->value)
		return 0;
	if (stays) {
		v->p = ev->value;
		return 0;
	}
	copy = arena_place(r, ev->length, out, count, err);
	if (!copy)
		return -1;
	memcpy(copy, ev->value, ev->length);
	v->p = copy;
	return 0;
}

static size_t lower_bound(const uint32_t *tags, size_t n, uint32_t tag)
{
	size_t lo = 0;

	while (lo < n) {
		size_t mid = lo + (n - lo) / 2;

		if (tags[mid] < tag)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}

int img_dicom_pick(struct img_dicom_reader *r, const uint32_t *tags, size_t n,
		   struct img_dicom_pick *out, struct img_err *err)
{
	struct img_dicom_event ev;
	uint32_t last = 0;
	size_t i = 0;
	int rc;

	memset(out, 0, n * sizeof(*out));
	while ((rc = img_dicom_next(r, &ev, err)) == 1) {
		if (ev.depth || ev.kind == IMG_DICOM_END_SEQUENCE ||
		    ev.tag >= TAG_ITEM)
			continue;
		if (ev.tag < last)
			i = lower_bound(tags, n, ev.tag);
		last = ev.tag;
		while (i < n && tags[i] < ev.tag)
			i++;
		if (i < n && tags[i] == ev.tag &&
		    keep(r, &ev, &out[i], out, n, err) < 0)
			return -1;
	}
	return rc;
}

/* ---- numbers ---------------------------------------------------------- */

static uint64_t get_units(const uint8_t *p, size_t n, bool big)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[big ? i : n - 1 - i];
	return v;
}

static bool text_number(const struct img_dicom_pick *v, char *out, size_t size)
{
	const char *p = (const char *)v->p;
	size_t n = v->length, len = 0;

	while (n && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	while (len < n && p[len] != '\\' && p[len] != '\0')
		len++;
	while (len && (p[len - 1] == ' ' || p[len - 1] == '\t'))
		len--;
	if (len == 0 || len >= size)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!strchr("0123456789+-.eE", p[i]))
			return false;
	memcpy(out, p, len);
	out[len] = '\0';
	return true;
}

static bool is_vr(const struct img_dicom_pick *v, const char *vr)
{
	return memcmp(v->vr, vr, 2) == 0;
}

static bool real_number(double d, int digits, char *out, size_t size)
{
	int n = snprintf(out, size, "%.*g", digits, d);

	return d - d == 0.0 && n > 0 && (size_t)n < size;
}

bool img_dicom_number(const struct img_dicom_pick *v, char *out, size_t size)
{
	unsigned class = img_vr_class((const uint8_t *)v->vr);
	size_t unit = (class & VR_8) == VR_8 ? 8 : class & VR_4 ? 4 : 2;
	uint64_t u;
	int n;

	if (!v->p || v->length == 0)
		return false;
	if (class & VR_CHAR)
		return text_number(v, out, size);
	if (!(class & VR_8) || v->vr[0] == 'O')
		return false;
	if (is_vr(v, "AT"))
		unit = 4;
	if (v->length < unit)
		return false;
	u = get_units(v->p, unit, v->big);
	if (is_vr(v, "FL")) {
		uint32_t bits = (uint32_t)u;
		float f;

		memcpy(&f, &bits, 4);
		return real_number((double)f, 9, out, size);
	}
	if (is_vr(v, "FD")) {
		double d;

		memcpy(&d, &u, 8);
		return real_number(d, 17, out, size);
	}
	if (is_vr(v, "AT"))
		u = (uint64_t)get_tag(v->p, v->big);
	if (v->vr[0] == 'S') {
		int64_t s = (int64_t)(u << (64 - 8 * unit)) >> (64 - 8 * unit);

		n = snprintf(out, size, "%lld", (long long)s);
	} else {
		n = snprintf(out, size, "%llu", (unsigned long long)u);
	}
	return n > 0 && (size_t)n < size;
}
