/* export_dry.c - what would be written: all is read and converted, and
   nothing of it kept. */
#include <unistd.h>

#include "work/export_private.h"

static int convert(struct img_export *x, unsigned worker,
		   struct export_item *it, int from, struct export_sum *sum,
		   struct img_err *err)
{
	int to = export_scratch(x, &x->volume[it->volume], err);
	int rc = to < 0 ? -1 : export_convert(x, worker, it, from, to, err);

	if (rc > 0 && export_read(to, it->name, sum, NULL, NULL, err) < 0)
		rc = -1;
	if (to >= 0)
		close(to);
	return rc;
}

static int read_object(struct img_export *x, unsigned worker,
		       struct export_item *it, int from, struct img_err *err)
{
	struct export_sum sum;
	int converted = 0, rc;

	export_sum_init(&sum);
	if (it->target)
		converted = convert(x, worker, it, from, &sum, err);
	rc = converted < 0 ||
	     (converted == 0 &&
	      export_read(from, it->name, &sum, NULL, NULL, err) < 0) ||
	     export_sum_end(&sum, it, err) < 0;
	export_sum_drop(&sum);
	if (rc)
		return -1;
	return x->opts.form == IMG_EXPORT_ISO
		       ? export_fits_iso(it, it->bytes, err)
		       : 0;
}

static int look(struct img_export *x, unsigned worker, struct export_item *it,
		void *arg, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	int from = export_source(x, it, &why), rc = -1;

	(void)arg;
	if (from >= 0 && x->opts.form == IMG_EXPORT_NIFTI)
		rc = export_nifti_try(it, from, &why);
	else if (from >= 0 && export_extension(x->opts.form))
		rc = export_image_try(x, worker, it, from, &why);
	else if (from >= 0)
		rc = read_object(x, worker, it, from, &why);
	if (from >= 0)
		close(from);
	if (rc == 0) {
		export_done(x, it);
		return 0;
	}
	return export_failed(x, worker, it, &why, err);
}

int export_dry(struct img_export *x, struct img_err *err)
{
	return export_each(x, NULL, look, NULL, err);
}
