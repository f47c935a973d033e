/* imgage - says when an object was verified, for tests of what comes first.
 *
 *	imgage ARCHIVE N TIME       2.25.N, then ("": never)
 */
#include <stdio.h>
#include <string.h>

#include "catalog/catalog.h"

static int fail(const struct img_err *err)
{
	fprintf(stderr, "imgage: %s\n", err->text);
	return 1;
}

int main(int argc, char **argv)
{
	struct img_scope scope = { .level = IMG_IMAGE };
	struct img_err err = IMG_ERR_INIT;
	struct img_catalog *c = NULL;
	struct img_objects *all = NULL;
	struct img_object o;
	char uid[80];
	bool never;
	int rc;

	if (argc != 4)
		return 64;
	never = !*argv[3];
	snprintf(uid, sizeof(uid), "2.25.%s", argv[2]);
	scope.uid = uid;
	if (img_crypto_init(&err) < 0 ||
	    img_catalog_open(&c, argv[1], IMG_WRITE, &err) < 0 ||
	    img_catalog_expand(c, &scope, &all, &err) < 0)
		return fail(&err);
	rc = img_objects_next(all, &o, &err);
	img_objects_close(all);
	if (rc != 1 || img_catalog_begin(c, &err) < 0 ||
	    img_catalog_checked(c, o.instance, o.object, never ? NULL : argv[3],
				never ? NULL : "intact", &err) < 0 ||
	    img_catalog_commit(c, &err) < 0)
		return fail(&err);
	img_catalog_close(c);
	return 0;
}
