/* schema.c - whether a catalog has the tables and indexes that we made. */
#include <string.h>

#include "catalog/inside.h"

static const char *const scripts[] = { img_sql_schema, img_sql_upgrade_2,
				       img_sql_upgrade_3, img_sql_upgrade_4 };

/* SQLite keeps the text of each statement as it was given. */
static bool is_ours(const char *sql, int64_t version)
{
	for (int64_t i = 0; i < version; i++) {
		const char *at = strstr(scripts[i], sql);

		if (at && at != scripts[i] && at[-1] == '\n' &&
		    at[strlen(sql)] == ';')
			return true;
	}
	return false;
}

static int64_t made_by(int64_t version)
{
	int64_t n = 0;

	for (int64_t i = 0; i < version; i++)
		for (const char *at = scripts[i];
		     (at = strstr(at, "\nCREATE ")); at++)
			n++;
	return n;
}

int img_catalog_check_schema(struct img_catalog *c, int64_t version,
			     struct img_err *err)
{
	sqlite3_stmt *st = img_catalog_prepare(
		c, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL", err);
	int64_t n = 0;
	int rc;

	if (!st)
		return -1;
	while ((rc = img_catalog_step(c, st, "open", err)) == 1) {
		const char *sql = (const char *)sqlite3_column_text(st, 0);

		if (sql && *sql)
			n += is_ours(sql, version);
	}
	sqlite3_finalize(st);
	if (rc == 0 && n != made_by(version))
		rc = img_catalog_wrong(c, "its tables are not those it had",
				       err);
	return rc;
}
