/* table.c - a table for people, aligned by what a terminal shows. */
#include <stdlib.h>
#include <string.h>
#include <unigbrk.h>
#include <uniwidth.h>

#include "cli/state.h"

#define GAP       2
#define TOGETHER  1000 /* rows that are aligned with each other */
#define NARROWEST 6
#define FIGURES   10 /* dates and numbers up to this are never cut */

struct img_table {
	size_t columns, rows, room; /* the headings are row 0 */
	char **cell;                /* rows * columns, each owned */
	size_t *width, *least;
};

static size_t width_of(const char *s, size_t n)
{
	int w = u8_width((const uint8_t *)s, n, "UTF-8");

	return w > 0 ? (size_t)w : 0;
}

struct img_table *img_table_new(const char *const *headings, size_t n,
				struct img_err *err)
{
	struct img_table *t = calloc(1, sizeof(*t));

	if (t) {
		t->columns = n;
		t->width = calloc(n, sizeof(*t->width));
		t->least = calloc(n, sizeof(*t->least));
	}
	if (!t || !t->width || !t->least) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		img_table_free(t);
		return NULL;
	}
	if (img_table_row(t, headings, err) < 0) {
		img_table_free(t);
		return NULL;
	}
	return t;
}

void img_table_free(struct img_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->rows * t->columns; i++)
		free(t->cell[i]);
	free(t->cell);
	free(t->width);
	free(t->least);
	free(t);
}

static int make_room(struct img_table *t, struct img_err *err)
{
	size_t room = t->room ? 2 * t->room : 32;
	char **cell;

	if (t->rows < t->room)
		return 0;
	cell = reallocarray(t->cell, room, t->columns * sizeof(*cell));
	if (!cell)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	t->cell = cell;
	t->room = room;
	return 0;
}

/* Half a date is another date. */
static size_t least_of(const char *s, size_t width)
{
	bool figures = s[strspn(s, "0123456789-:.")] == '\0';

	return figures && width <= FIGURES ? width : NARROWEST;
}

static void widen(struct img_table *t, size_t column, const char *s)
{
	size_t w = width_of(s, strlen(s)), least = least_of(s, w);

	if (w > t->width[column])
		t->width[column] = w;
	if (least > t->least[column])
		t->least[column] = least;
}

int img_table_row(struct img_table *t, const char *const *cells,
		  struct img_err *err)
{
	char **row;

	if (make_room(t, err) < 0)
		return -1;
	row = t->cell + t->rows * t->columns;
	for (size_t i = 0; i < t->columns; i++) {
		row[i] = strdup(cells[i] ? cells[i] : "");
		if (!row[i]) {
			while (i)
				free(row[--i]);
			return img_err_set(err, IMG_E_NOMEM, "out of memory");
		}
		cli_clean(row[i], row[i]);
		widen(t, i, row[i]);
	}
	t->rows++;
	return 0;
}

/* The widest column that can be cut; t->columns if there is none. */
static size_t widest(const struct img_table *t)
{
	size_t found = t->columns;

	for (size_t i = 0; i < t->columns; i++)
		if (t->width[i] > t->least[i] &&
		    (found == t->columns || t->width[i] > t->width[found]))
			found = i;
	return found;
}

/* Takes from the widest columns until the line fits. */
static void shrink(struct img_table *t, size_t room)
{
	size_t total = GAP * (t->columns - 1);

	for (size_t i = 0; i < t->columns; i++)
		total += t->width[i];
	for (; total > room; total--) {
		size_t i = widest(t);

		if (i == t->columns)
			return;
		t->width[i]--;
	}
}

/* The bytes of s that fit into width columns, whole characters as people
   see them; *used is their width. */
static size_t fit(const char *s, size_t width, size_t *used)
{
	const uint8_t *at = (const uint8_t *)s, *end = at + strlen(s), *next;

	*used = 0;
	while (at < end && (next = u8_grapheme_next(at, end))) {
		size_t w = width_of((const char *)at, (size_t)(next - at));

		if (*used + w > width)
			break;
		*used += w;
		at = next;
	}
	return (size_t)((const char *)at - s);
}

static int put_cell(struct img_buf *b, const char *s, size_t width, bool last,
		    struct img_err *err)
{
	size_t used, n = fit(s, width, &used);
	const char *dots = "";

	if (s[n]) {
		n = fit(s, width - 1, &used);
		dots = "\xE2\x80\xA6";
		used++;
	}
	return img_buf_printf(b, err, "%.*s%s%*s", (int)n, s, dots,
			      last ? 0 : (int)(width - used + GAP), "");
}

/* Only the headings are left. */
static void forget_rows(struct img_table *t)
{
	for (size_t i = t->columns; i < t->rows * t->columns; i++)
		free(t->cell[i]);
	t->rows = 1;
	memset(t->width, 0, t->columns * sizeof(*t->width));
	memset(t->least, 0, t->columns * sizeof(*t->least));
	for (size_t i = 0; i < t->columns; i++)
		widen(t, i, t->cell[i]);
}

int img_table_print(struct img_table *t, struct img_cli *cli)
{
	struct img_err err = IMG_ERR_INIT;
	size_t room = cli_columns(1);
	struct img_buf b;
	int rc = 0;

	if (room && t->columns)
		shrink(t, room);
	img_buf_init(&b, IMG_LINE_MAX);
	for (size_t r = 0; r < t->rows && rc == 0; r++) {
		char **row = t->cell + r * t->columns;

		img_buf_reset(&b);
		for (size_t i = 0; i < t->columns && rc == 0; i++)
			rc = put_cell(&b, row[i], t->width[i],
				      i + 1 == t->columns, &err);
		while (b.len && b.data[b.len - 1] == ' ')
			b.len--;
		if (rc == 0)
			rc = img_buf_putc(&b, '\n', &err);
		if (rc < 0)
			img_cli_fail(cli, &err);
		else
			rc = img_cli_emit_text(cli, b.data, b.len);
	}
	img_buf_release(&b);
	forget_rows(t);
	return rc;
}

int img_table_flow(struct img_table **t, struct img_cli *cli,
		   const char *const *cells, size_t n, bool titles)
{
	struct img_err err = IMG_ERR_INIT;
	int rc = 0;

	if (titles)
		*t = img_table_new(cells, n, &err);
	else if ((*t)->rows > TOGETHER)
		rc = img_table_print(*t, cli);
	if (rc == 0 && !titles)
		rc = img_table_row(*t, cells, &err);
	if (err.code == IMG_OK)
		return rc;
	img_cli_fail(cli, &err);
	return -1;
}
