/* folder.c - what lies below a folder, in the order of names. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "work/folder.h"

/* Not fts: that of libc takes a folder that cannot be read to its end for one
   that ends there. */

struct level {
	struct dirent **names;
	int n, next;
	size_t len; /* of its path */
	dev_t dev;
	ino_t ino;
};

struct walk {
	char path[PATH_MAX + NAME_MAX + 2];
	struct level *levels;
	size_t depth, room;
	const struct stat *apart;
	folder_fn f;
	void *arg;
};

static const char no_file[] = "neither a file nor a folder";

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_below(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static void look_at_link(struct folder_entry *e, struct img_err *why)
{
	struct stat st;

	if (stat(e->path, &st) < 0) {
		img_err_sys(why, "%s", e->path);
		e->why = why;
	} else if (!S_ISREG(st.st_mode)) {
		e->ignored = S_ISDIR(st.st_mode) ? "symbolic link to a folder"
						 : no_file;
	}
}

static bool is_apart(const struct stat *apart, const struct stat *st)
{
	return apart && st->st_dev == apart->st_dev &&
	       st->st_ino == apart->st_ino;
}

static bool holds_itself(const struct walk *w, const struct stat *st)
{
	for (size_t i = 0; i < w->depth; i++)
		if (w->levels[i].dev == st->st_dev &&
		    w->levels[i].ino == st->st_ino)
			return true;
	return false;
}

/* -1 with errno: it cannot be read, or not to its end. */
static int enter(struct walk *w, const struct stat *st)
{
	struct level *l;

	if (w->depth == w->room) {
		size_t room = w->room ? 2 * w->room : 16;

		l = reallocarray(w->levels, room, sizeof(*l));
		if (!l)
			return -1;
		w->levels = l;
		w->room = room;
	}
	l = &w->levels[w->depth];
	*l = (struct level){ .len = strlen(w->path),
			     .dev = st->st_dev,
			     .ino = st->st_ino };
	l->n = scandir(w->path, &l->names, is_below, by_name);
	if (l->n < 0)
		return -1;
	w->depth++;
	return 0;
}

static void leave(struct walk *w)
{
	struct level *l = &w->levels[--w->depth];

	while (l->next < l->n)
		free(l->names[l->next++]);
	free(l->names);
}

/* What is at the path. */
static int visit(struct walk *w, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	struct folder_entry e = { .path = w->path };
	struct stat st;
	int rc = w->depth == 0 ? stat(w->path, &st) : -1;

	if (rc < 0)
		rc = lstat(w->path, &st);
	if (rc == 0 && S_ISDIR(st.st_mode)) {
		if (is_apart(w->apart, &st))
			e.ignored = "the folder of the new objects";
		else if (holds_itself(w, &st))
			e.ignored = "a folder that holds itself";
		else if ((rc = enter(w, &st)) == 0)
			return 0;
	}
	if (rc < 0) {
		img_err_sys(&why, "%s", w->path);
		e.why = &why;
	} else if (S_ISLNK(st.st_mode)) {
		look_at_link(&e, &why);
	} else if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		e.ignored = no_file;
	}
	return w->f(w->arg, &e, err);
}

/* The path of the next name of the innermost folder; it fits, as a folder whose
   path is longer than PATH_MAX is not entered. */
static void next_path(struct walk *w)
{
	struct level *l = &w->levels[w->depth - 1];
	struct dirent *d = l->names[l->next++];
	size_t len = l->len;

	if (w->path[len - 1] != '/')
		w->path[len++] = '/';
	snprintf(w->path + len, sizeof(w->path) - len, "%s", d->d_name);
	free(d);
}

int folder_each(const char *path, const struct stat *apart, folder_fn f,
		void *arg, struct img_err *err)
{
	struct walk *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return img_err_sys(err, "%s", path);
	w->apart = apart;
	w->f = f;
	w->arg = arg;
	snprintf(w->path, sizeof(w->path), "%s", path);
	rc = visit(w, err);
	while (rc == 0 && w->depth > 0) {
		struct level *l = &w->levels[w->depth - 1];

		if (l->next == l->n) {
			leave(w);
			continue;
		}
		next_path(w);
		rc = visit(w, err);
	}
	while (w->depth > 0)
		leave(w);
	free(w->levels);
	free(w);
	return rc < 0 ? -1 : 0;
}
