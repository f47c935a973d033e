/*
 * sql.c - the statements of the catalog, in one place.  Parameters are bound
 * by number in the order in which their names first appear.  Inserts are put
 * together from the list of fields, so that no column can be forgotten in a
 * row's sum.
 */
#include <string.h>

#include "catalog/inside.h"

static const char *const fixed[IMG_SQL_COUNT] = {
	[IMG_SQL_BEGIN] = "BEGIN IMMEDIATE",
	[IMG_SQL_COMMIT] = "COMMIT",
	[IMG_SQL_ROLLBACK] = "ROLLBACK",
	[IMG_SQL_NEXT_PATIENT] = "SELECT coalesce(max(id), 0) + 1 FROM patient",
	[IMG_SQL_NEXT_STUDY] = "SELECT coalesce(max(id), 0) + 1 FROM study",
	[IMG_SQL_NEXT_SERIES] = "SELECT coalesce(max(id), 0) + 1 FROM series",
	[IMG_SQL_NEXT_INSTANCE] =
		"SELECT coalesce(max(id), 0) + 1 FROM instance",
	[IMG_SQL_FIND_PATIENT] =
		"SELECT id, name_key FROM patient WHERE PatientID = :id"
		" AND IssuerOfPatientID = :issuer AND lone = :lone",
	[IMG_SQL_FIND_STUDY] = "SELECT id FROM study"
			       " WHERE StudyInstanceUID = :uid"
			       " AND patient = :patient",
	[IMG_SQL_FIND_SERIES] = "SELECT id FROM series"
				" WHERE SeriesInstanceUID = :uid"
				" AND study = :study",
	[IMG_SQL_FIND_INSTANCE] = "SELECT id, series FROM instance"
				  " WHERE SOPInstanceUID = :uid",
	[IMG_SQL_OTHER_STUDY] = "SELECT 1 FROM study"
				" WHERE StudyInstanceUID = :uid"
				" AND patient <> :patient LIMIT 1",
	[IMG_SQL_ADD_OBJECT] =
		"INSERT INTO object (instance, n, digest, bytes, place, added,"
		" checked, verdict, sum) VALUES (:instance, :n, :digest,"
		" :bytes, :place, :added, NULL, NULL, img_sum(:instance, :n,"
		" :digest, :bytes, :place, :added, NULL, NULL))",
	[IMG_SQL_FIND_DIGEST] = "SELECT n, place IS NOT NULL FROM object"
				" WHERE instance = :instance"
				" AND n = 0 AND digest = :digest UNION ALL "
				"SELECT n, place IS NOT NULL FROM object"
				" WHERE instance = :instance"
				" AND n > 0 AND digest = :digest",
	[IMG_SQL_NEXT_OBJECT] = "SELECT coalesce(max(n), -1) + 1 FROM object"
				" WHERE instance = :instance",
	[IMG_SQL_PARENTS] =
		"SELECT series.id, study.id, study.patient FROM instance"
		" JOIN series ON series.id = instance.series"
		" JOIN study ON study.id = series.study"
		" WHERE instance.id = :instance",
	[IMG_SQL_WHOSE] =
		"SELECT study.patient, study.id, PatientID, IssuerOfPatientID,"
		" StudyInstanceUID, SOPClassUID FROM instance"
		" JOIN series ON series.id = instance.series"
		" JOIN study ON study.id = series.study"
		" JOIN patient ON patient.id = study.patient"
		" WHERE instance.id = :instance",
	[IMG_SQL_PRUNE_SERIES] =
		"DELETE FROM series WHERE id = :id AND NOT EXISTS"
		" (SELECT 1 FROM instance WHERE series = :id)",
	[IMG_SQL_PRUNE_STUDY] =
		"DELETE FROM study WHERE id = :id AND NOT EXISTS"
		" (SELECT 1 FROM series WHERE study = :id)",
	[IMG_SQL_PRUNE_PATIENT] =
		"DELETE FROM patient WHERE id = :id AND NOT EXISTS"
		" (SELECT 1 FROM study WHERE patient = :id)",
	[IMG_SQL_GET_META] = "SELECT value FROM meta WHERE key = :key",
	[IMG_SQL_SET_META] = "INSERT INTO meta (key, value, sum) VALUES (:key,"
			     " CAST(:value AS TEXT),"
			     " img_sum(:key, CAST(:value AS TEXT))) ON "
			     "CONFLICT (key) DO UPDATE SET"
			     " value = excluded.value, sum = excluded.sum",
	[IMG_SQL_FIND_CONTAINER] =
		"SELECT id FROM container WHERE path = :path",
	[IMG_SQL_NEXT_CONTAINER] =
		"SELECT coalesce(max(id), 0) + 1 FROM container",
	[IMG_SQL_ADD_CONTAINER] =
		"INSERT INTO container (id, path, sum) VALUES (:id, :path,"
		" img_sum(:id, :path))",
	[IMG_SQL_SEEN] =
		"SELECT name, size, inode, device, mtime_ns, status, code,"
		" message, instance, object FROM input"
		" WHERE container = :container AND name = :name",
	[IMG_SQL_REMEMBER] =
		"INSERT INTO input (container, name, seq, size, inode, device,"
		" mtime_ns, status, code, message, instance, object, sum)"
		" VALUES (:container, :name, :seq, :size, :inode, :device,"
		" :mtime_ns, :status, :code, :message, :instance, :object,"
		" img_sum(:container, :name, :seq, :size, :inode, :device,"
		" :mtime_ns, :status, :code, :message, :instance, :object))"
		" ON CONFLICT (container, name) DO UPDATE SET"
		" seq = excluded.seq, size = excluded.size,"
		" inode = excluded.inode, device = excluded.device,"
		" mtime_ns = excluded.mtime_ns, status = excluded.status,"
		" code = excluded.code, message = excluded.message,"
		" instance = excluded.instance, object = excluded.object,"
		" sum = excluded.sum",
	[IMG_SQL_SEEN_EACH] =
		"SELECT name, size, inode, device, mtime_ns, status, code,"
		" message, instance, object FROM input"
		" WHERE container = :container ORDER BY seq",
	[IMG_SQL_HAS_STUDY] =
		"SELECT 1 FROM study WHERE StudyInstanceUID = :uid LIMIT 1",
	[IMG_SQL_HAS_SERIES] =
		"SELECT 1 FROM series WHERE SeriesInstanceUID = :uid LIMIT 1",
	[IMG_SQL_HAS_INSTANCE] =
		"SELECT 1 FROM instance WHERE SOPInstanceUID = :uid",
	[IMG_SQL_COLUMNS] = "SELECT name FROM pragma_table_info(:table)"
			    " WHERE name <> 'sum' ORDER BY cid",
	[IMG_SQL_CHECKED] =
		"UPDATE object SET checked = :when, verdict = :verdict,"
		" sum = img_sum(instance, n, digest, bytes, place, added,"
		" :when, :verdict) WHERE instance = :instance AND n = :n",
	[IMG_SQL_MOVE] =
		"UPDATE object SET place = :place, checked = NULL,"
		" verdict = NULL, sum = img_sum(instance, n, digest, bytes,"
		" :place, added, NULL, NULL)"
		" WHERE instance = :instance AND n = :n",
	[IMG_SQL_NEWEST_CHECK] = "SELECT max(checked) FROM object",
	[IMG_SQL_DUE_NEVER] =
		"SELECT instance, n, '' FROM object WHERE checked IS NULL"
		" AND (instance, n) > (:instance, :n)"
		" ORDER BY instance, n LIMIT :max",
	[IMG_SQL_DUE] =
		"SELECT instance, n, checked FROM object"
		" WHERE checked < :before"
		" AND (checked, instance, n) > (:checked, :instance, :n)"
		" ORDER BY checked, instance, n LIMIT :max",
	[IMG_SQL_IDENTITY] = "SELECT data, pixels FROM identity"
			     " WHERE instance = :instance AND n = :n",
	[IMG_SQL_NOTE_IDENTITY] =
		"INSERT INTO identity (instance, n, data, pixels, sum) VALUES"
		" (:instance, :n, :data, :pixels, img_sum(:instance, :n, :data,"
		" :pixels)) ON CONFLICT (instance, n) DO UPDATE SET"
		" data = excluded.data, pixels = excluded.pixels,"
		" sum = excluded.sum WHERE sum IS NOT excluded.sum",
	[IMG_SQL_FIND_PEER] = "SELECT id FROM peer WHERE name = :name",
	[IMG_SQL_ADD_PEER] =
		"INSERT INTO peer (id, name, sum) SELECT n.id, :name,"
		" img_sum(n.id, :name) FROM (SELECT coalesce(max(id), 0) + 1"
		" AS id FROM peer) AS n",
	[IMG_SQL_SENT] =
		"SELECT status, response, proof, at FROM sent"
		" WHERE peer = (SELECT id FROM peer WHERE name = :name)"
		" AND SOPInstanceUID = :sop AND digest = :digest",
	[IMG_SQL_SENT_OTHER] =
		"SELECT 1 FROM sent"
		" WHERE peer = (SELECT id FROM peer WHERE name = :name)"
		" AND SOPInstanceUID = :sop AND digest <> :digest"
		" AND status = 'sent'",
	[IMG_SQL_NOTE_SENT] =
		"INSERT INTO sent (peer, SOPInstanceUID, digest, status,"
		" response, proof, at, sum) VALUES (:peer, :sop, :digest,"
		" :status, :response, :proof, :at, img_sum(:peer, :sop,"
		" :digest, :status, :response, :proof, :at))"
		" ON CONFLICT (peer, SOPInstanceUID, digest) DO UPDATE SET"
		" status = excluded.status, response = excluded.response,"
		" proof = excluded.proof, at = excluded.at,"
		" sum = excluded.sum",
};

/* Columns of ours that come before the fields; see schema.sql. */
static const char *const heads[][4] = { { "id", "lone", "name_key", NULL },
					{ "id", "patient", NULL, NULL },
					{ "id", "study", NULL, NULL },
					{ "id", "series", "current", NULL } };

/* Every column but sum, each as before + name + after. */
static int columns(struct img_buf *b, enum img_level level, const char *before,
		   const char *after, struct img_err *err)
{
	size_t n;
	const struct img_field *f = img_catalog_fields(&n);

	for (const char *const *h = heads[level]; *h; h++)
		if (img_buf_printf(b, err, "%s%s%s", before, *h, after) < 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		if (f[i].level == level &&
		    img_buf_printf(b, err, "%s%s%s", before, f[i].keyword,
				   after) < 0)
			return -1;
	return 0;
}

/* The last comma is dropped. */
static void uncomma(struct img_buf *b)
{
	b->len--;
	b->data[b->len] = '\0';
}

static int insert(struct img_buf *b, enum img_level level, struct img_err *err)
{
	if (img_buf_printf(b, err, "INSERT INTO %s (", img_table_of[level]) <
		    0 ||
	    columns(b, level, "\"", "\",", err) < 0 ||
	    img_buf_puts(b, "sum) VALUES (", err) < 0 ||
	    columns(b, level, ":", ",", err) < 0 ||
	    img_buf_puts(b, "img_sum(", err) < 0 ||
	    columns(b, level, ":", ",", err) < 0)
		return -1;
	uncomma(b);
	return img_buf_puts(b, "))", err);
}

static int update_instance(struct img_buf *b, struct img_err *err)
{
	size_t n;
	const struct img_field *f = img_catalog_fields(&n);

	if (insert(b, IMG_IMAGE, err) < 0 ||
	    img_buf_puts(b,
			 " ON CONFLICT (id) DO UPDATE SET"
			 " series = excluded.series,"
			 " current = excluded.current, sum = excluded.sum",
			 err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (f[i].level == IMG_IMAGE &&
		    img_buf_printf(b, err, ", \"%s\" = excluded.\"%s\"",
				   f[i].keyword, f[i].keyword) < 0)
			return -1;
	return 0;
}

static int object(struct img_buf *b, struct img_err *err)
{
	if (img_buf_puts(b, img_object_columns, err) < 0)
		return -1;
	return img_buf_puts(b,
			    " FROM object JOIN instance ON instance.id ="
			    " object.instance JOIN series ON series.id ="
			    " instance.series JOIN study ON study.id ="
			    " series.study WHERE object.instance = :instance"
			    " AND object.n = :n",
			    err);
}

int img_catalog_sql(enum img_sql which, struct img_buf *b, struct img_err *err)
{
	switch (which) {
	case IMG_SQL_ADD_PATIENT:
		return insert(b, IMG_PATIENT, err);
	case IMG_SQL_ADD_STUDY:
		return insert(b, IMG_STUDY, err);
	case IMG_SQL_ADD_SERIES:
		return insert(b, IMG_SERIES, err);
	case IMG_SQL_ADD_INSTANCE:
		return insert(b, IMG_IMAGE, err);
	case IMG_SQL_SET_INSTANCE:
		return update_instance(b, err);
	case IMG_SQL_OBJECT:
		return object(b, err);
	default:
		return img_buf_puts(b, fixed[which], err);
	}
}
