/* deidentify_wish.c - a profile, and what else comes from files. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "work/deidentify_private.h"

#define MAP_MAX   (512u << 20)
#define RULES_MAX (1u << 20)

static int read_file(const char *file, struct img_buf *text,
		     struct img_err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc = 0;
	ssize_t n = 1;
	size_t mark;

	if (fd < 0)
		return img_err_sys(err, "%s", file);
	while (rc == 0 && n > 0) {
		rc = img_buf_grow(text, 65536, err);
		if (rc == 0)
			n = img_read_full(fd, text->data + text->len, 65536);
		if (rc == 0 && n > 0)
			text->len += (size_t)n;
	}
	if (n < 0)
		rc = img_err_sys(err, "%s", file);
	close(fd);
	mark = rc == 0 ? img_utf8_mark(text->data, text->len) : 0;
	if (mark) {
		text->len -= mark;
		memmove(text->data, text->data + mark, text->len);
	}
	return rc;
}

int deid_read_map(struct img_deid *d, struct img_err *err)
{
	struct img_anon_map *map = NULL;
	struct img_err why = IMG_ERR_INIT;
	struct img_buf text;
	int rc;

	if (!d->opts.map)
		return 0;
	img_buf_init(&text, MAP_MAX);
	rc = read_file(d->opts.map, &text, err);
	if (rc == 0 &&
	    img_anon_map_parse(&map, img_buf_str(&text), text.len, &why) < 0)
		rc = img_err_set(err, why.code, "%s: %s", d->opts.map,
				 why.text);
	d->profile.map = map;
	img_buf_release(&text);
	return rc;
}

static int read_rules(struct img_anon_profile *p, const char *file,
		      struct img_err *err)
{
	struct img_anon_rules *rules = NULL;
	struct img_buf text;
	int rc;

	img_buf_init(&text, RULES_MAX);
	rc = read_file(file, &text, err);
	if (rc == 0)
		rc = img_anon_rules_parse(&rules, file, img_buf_str(&text),
					  text.len, err);
	p->rules = rules;
	img_buf_release(&text);
	return rc;
}

int img_deid_profile(struct img_anon_profile *p, const struct img_deid_wish *w,
		     struct img_err *err)
{
	img_anon_profile_init(p);
	if ((w->rules && read_rules(p, w->rules, err) < 0) ||
	    img_anon_preset(p, w->preset, err) < 0)
		return -1;
	for (size_t i = 0; i < w->options; i++)
		if (img_anon_option(p, w->option[i], err) < 0)
			return -1;
	for (size_t i = 0; i < w->masks; i++)
		if (img_anon_mask(p, w->mask[i], err) < 0)
			return -1;
	if ((w->pixels && img_anon_pixels(p, w->pixels, err) < 0) ||
	    (w->prefix && img_anon_prefix(p, w->prefix, err) < 0) ||
	    (w->range && img_anon_days(p, w->range, err) < 0))
		return -1;
	/* A rule may clean a date, too. */
	if (w->range && !w->rules && !(p->options & 1u << IMG_ANON_MOD_DATES))
		return img_err_set(err, IMG_E_USAGE,
				   "--date-range is for modify-dates, without "
				   "which no date is moved");
	return img_anon_ready(p, err);
}

void img_deid_profile_release(struct img_anon_profile *p)
{
	img_anon_rules_free((struct img_anon_rules *)p->rules);
	p->rules = NULL;
}

int img_deid_explain(const struct img_anon_profile *p, const char *what,
		     int (*emit)(void *arg, const char *text, size_t n),
		     void *arg, struct img_err *err)
{
	struct img_buf text;
	int rc;

	img_buf_init(&text, 4096);
	rc = img_anon_explain(p, what, &text, err);
	if (rc == 0 && emit(arg, img_buf_str(&text), text.len) < 0)
		rc = img_err_set(err, IMG_E_IO, "stdout");
	img_buf_release(&text);
	return rc;
}
