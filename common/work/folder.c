/* folder.c - what lies below a folder, in the order of names. */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

#include "work/folder.h"

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static const char no_file[] = "neither a file nor a folder";

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

/* false: nothing to tell of it. */
static bool judge(FTS *fts, FTSENT *f, const struct stat *apart,
		  struct folder_entry *e, struct img_err *why)
{
	switch (f->fts_info) {
	case FTS_F:
		return true;
	case FTS_D:
		if (!is_apart(apart, f->fts_statp))
			return false;
		fts_set(fts, f, FTS_SKIP);
		e->ignored = "the folder of the new objects";
		return true;
	case FTS_SL:
	case FTS_SLNONE:
		look_at_link(e, why);
		return true;
	case FTS_DEFAULT:
		e->ignored = no_file;
		return true;
	case FTS_DC:
		e->ignored = "a folder that holds itself";
		return true;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		errno = f->fts_errno;
		img_err_sys(why, "%s", e->path);
		e->why = why;
		return true;
	default: /* ends of folders */
		return false;
	}
}

int folder_each(const char *path, const struct stat *apart, folder_fn f,
		void *arg, struct img_err *err)
{
	char *own = strdup(path), *roots[] = { own, NULL };
	FTS *fts = own ? fts_open(roots,
				  FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR,
				  by_name)
		       : NULL;
	FTSENT *at = NULL;
	int rc = 0;

	if (!fts) {
		free(own);
		return img_err_sys(err, "%s", path);
	}
	while (rc == 0 && (errno = 0, at = fts_read(fts)) != NULL) {
		struct img_err why = IMG_ERR_INIT;
		struct folder_entry e = { .path = at->fts_path };

		if (judge(fts, at, apart, &e, &why))
			rc = f(arg, &e, err);
	}
	if (rc == 0 && errno != 0)
		rc = img_err_sys(err, "%s", path);
	fts_close(fts);
	free(own);
	return rc < 0 ? -1 : 0;
}
