/*
 * dicomdir.c - fuzz target of a DICOMDIR that is read (PS3.3 F), and of the
 * search for the files that it names.
 *
 * Whatever comes in: no crash, a verdict, the same one for all records as for
 * those of files.  A file ID that is taken stays in the folder, and what is
 * found for it is there; nothing outside of the folder is ever found.
 */
#include "fuzz.h"
#include "media/media.h"

static struct img_dicom_reader *reader;
static char folder[64];
static int at = -1;

static const char *const files[] = { "DICOMDIR", "IMAGES/IM000001",
				     "IMAGES/im000002.dcm", "A/B/C/D",
				     "secret" };

static void each_name(void (*f)(const char *path))
{
	static const char *const folders[] = { "disc", "disc/IMAGES", "disc/A",
					       "disc/A/B", "disc/A/B/C" };
	char path[128];
	bool making = at < 0;

	for (unsigned i = 0; making && i < 5; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, folders[i]);
		mkdir(path, 0700);
	}
	for (unsigned i = 0; i < 5; i++) {
		/* The last one lies beside the disc. */
		snprintf(path, sizeof(path), i < 4 ? "%s/disc/%s" : "%s/%s",
			 folder, files[i]);
		f(path);
	}
	for (unsigned i = 5; !making && i-- > 0;) {
		snprintf(path, sizeof(path), "%s/%s", folder, folders[i]);
		rmdir(path);
	}
}

static void make(const char *path)
{
	fuzz_file(path, "x", 1, 0600);
}

static void drop(const char *path)
{
	unlink(path);
}

static void clean(void)
{
	each_name(drop);
	rmdir(folder);
}

static void prepare(void)
{
	struct img_err err = IMG_ERR_INIT;
	char path[128];

	reader = img_dicom_reader_new(&err);
	fuzz_folder(folder, "dicomdir");
	each_name(make);
	snprintf(path, sizeof(path), "%s/disc", folder);
	at = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!reader || at < 0)
		exit(3);
	atexit(clean);
}

/* ---- one record ------------------------------------------------------- */

static bool leaves(const char *path)
{
	return *path == '/' || strcmp(path, "..") == 0 ||
	       strncmp(path, "../", 3) == 0 || strstr(path, "/../") ||
	       (strlen(path) > 2 &&
		strcmp(path + strlen(path) - 3, "/..") == 0);
}

static void check_id(const char *id)
{
	struct img_err err = IMG_ERR_INIT;
	char found[IMG_PATH_MAX], key[IMG_PATH_MAX], other[IMG_PATH_MAX];
	struct stat st;
	int rc;

	fuzz_must(*id && !leaves(id), "a file ID that leaves the folder");
	for (const char *p = id; *p; p++)
		fuzz_must((uint8_t)*p >= ' ' && *p != '\\' && *p != 0x7F,
			  "a file ID that cannot be shown");
	rc = img_media_resolve(at, id, found, sizeof(found), &err);
	fuzz_verdict(rc < 0 ? -1 : 0, &err);
	if (rc != 1)
		return;
	fuzz_must(!leaves(found) && fstatat(at, found, &st, 0) == 0 &&
			  S_ISREG(st.st_mode),
		  "what was found is not there");
	fuzz_must(img_media_key(id, key, sizeof(key)) &&
			  img_media_key(found, other, sizeof(other)) &&
			  img_media_name_match(id, found),
		  "what was found has another name");
}

static int count(const struct img_media_record *rec, void *arg,
		 struct img_err *err)
{
	(void)err;
	fuzz_must(strnlen(rec->sop_class, IMG_UID_MAX) < IMG_UID_MAX &&
			  strnlen(rec->sop, IMG_UID_MAX) < IMG_UID_MAX &&
			  strnlen(rec->ts, IMG_UID_MAX) < IMG_UID_MAX,
		  "a UID without an end");
	if (*rec->file_id && !rec->refused)
		check_id(rec->file_id);
	if (*rec->file_id)
		++*(unsigned *)arg;
	return 0;
}

static enum img_code each(const uint8_t *data, size_t size, bool all,
			  unsigned *n)
{
	struct img_err err = IMG_ERR_INIT;
	int rc = img_dicom_start_mem(reader, data, size, "DICOMDIR",
				     &img_media_limits, &err);

	if (rc == 0)
		rc = img_media_each(reader, "DICOMDIR", all, count, n, &err);
	fuzz_verdict(rc, &err);
	return err.code;
}

/* The input as one file ID. */
static void alone(const uint8_t *data, size_t size)
{
	char out[IMG_MEDIA_ID_MAX];
	const char *why;

	memset(out, 'x', sizeof(out));
	why = img_media_file_id(data, size, out, sizeof(out));
	fuzz_must(memchr(out, '\0', sizeof(out)) != NULL, "no end");
	if (!why)
		check_id(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned few = 0, many = 0;
	enum img_code one, other;

	if (!reader)
		prepare();
	fuzz_fds(false);
	one = each(data, size, false, &few);
	other = each(data, size, true, &many);
	fuzz_must(one == other && many >= few, "two verdicts");
	if (size < 400)
		alone(data, size);
	fuzz_fds(true);
	return 0;
}
