/*
 * dcmtruth - the reader against the readings of its peers.
 *
 * dcmtruth truth.jsonl folder
 *
 * A line for each difference, path, tab and what differs:
 *   verdict OURS N/3   how many of the three peers read the file
 *   ATTRIBUTE          another value (never shown: they are of patients)
 * and a last line with the counts on stderr.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom/dicom.h"
#include "jsonl/jsonl.h"

#define CUT 250 /* the truth's values end here */

static const struct {
	uint32_t tag;
	const char *keyword;
} fields[] = {
	{ 0x00020010, "TransferSyntaxUID" },
	{ 0x00080005, "SpecificCharacterSet" },
	{ 0x00080016, "SOPClassUID" },
	{ 0x00080018, "SOPInstanceUID" },
	{ 0x00080020, "StudyDate" },
	{ 0x00080060, "Modality" },
	{ 0x00100010, "PatientName" },
	{ 0x00100020, "PatientID" },
	{ 0x0020000D, "StudyInstanceUID" },
	{ 0x0020000E, "SeriesInstanceUID" },
	{ 0x00280008, "NumberOfFrames" },
	{ 0x00280010, "Rows" },
	{ 0x00280011, "Columns" },
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

struct ctx {
	struct img_dicom_reader *r;
	const char *folder;
	unsigned long files, differences;
};

/* ---- the truth -------------------------------------------------------- */

struct want {
	const char *key;
	char text[64];
};

static int find(void *arg, const char *key, const char *json,
		struct img_err *err)
{
	struct want *w = arg;

	(void)err;
	if (strcmp(key, w->key) == 0)
		snprintf(w->text, sizeof(w->text), "%s", json);
	return 0;
}

static bool is(const struct img_json *j, const char *object, const char *key,
	       const char *value)
{
	const struct img_json *sub = img_json_sub(j, object);
	struct want w = { .key = key };
	struct img_err err = IMG_ERR_INIT;

	if (!sub || img_json_each(sub, find, &w, &err) < 0)
		return false;
	return strcmp(w.text, value) == 0;
}

static int peers(const struct img_json *j)
{
	const struct img_json *py = img_json_sub(j, "pydicom");

	return (is(j, "pydicom", "ok", "true") && py &&
		!img_json_has(py, "walk_err")) +
	       is(j, "dcmdump", "rc", "0") + is(j, "gdcminfo", "rc", "0");
}

/* ---- ours ------------------------------------------------------------- */

/* Several values as the truth has them: ['a', 'b']. */
static void as_list(const char *s, char *out, size_t size)
{
	size_t n = 0;

	if (!strchr(s, '\\')) {
		snprintf(out, size, "%s", s);
		return;
	}
	n += (size_t)snprintf(out, size, "['");
	for (; *s && n + 8 < size; s++)
		if (*s == '\\')
			n += (size_t)snprintf(out + n, size - n, "', '");
		else
			out[n++] = *s;
	snprintf(out + n, size - n, "']");
}

static void trim(char *s)
{
	size_t n = strlen(s);

	if (n > CUT)
		n = CUT;
	while (n && (s[n - 1] == ' ' || s[n - 1] == '^' || s[n - 1] == '='))
		n--;
	s[n] = '\0';
}

static bool text_of(const struct img_dicom_pick *v,
		    const struct img_charset *cs, char *out, size_t size)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_buf b;
	unsigned notes = 0;

	out[0] = '\0';
	if (!v->present)
		return false;
	if (img_dicom_number(v, out, size) && v->vr[0] == 'U')
		return true;
	img_buf_init(&b, 65536 * 4);
	if (v->p)
		img_charset_utf8(cs, v->vr, v->p, v->length, &b, &notes, &err);
	as_list(img_buf_str(&b), out, size);
	img_buf_release(&b);
	return true;
}

static void differs(struct ctx *c, const char *path, const char *what)
{
	c->differences++;
	printf("%s\t%s\n", path, what);
}

static void compare(struct ctx *c, const struct img_json *j, const char *path,
		    const uint32_t *tags, const struct img_dicom_pick *picks)
{
	const struct img_json *meta = img_json_sub(j, "meta");
	struct img_charset cs;

	(void)tags;
	img_charset_parse(&cs, picks[1].p, picks[1].p ? picks[1].length : 0);
	for (size_t i = 0; meta && i < FIELDS; i++) {
		const char *their = img_json_get(meta, fields[i].keyword);
		char mine[1024], other[1024];

		text_of(&picks[i], &cs, mine, sizeof(mine));
		snprintf(other, sizeof(other), "%s", their ? their : "");
		trim(mine);
		trim(other);
		if (strcmp(mine, other) != 0)
			differs(c, path, fields[i].keyword);
	}
}

static int read_file(struct ctx *c, const char *path, const uint32_t *tags,
		     struct img_dicom_pick *picks, struct img_err *err)
{
	char full[IMG_PATH_MAX];
	struct stat st;
	int fd, rc = -1;

	if (img_path_join(full, sizeof(full), c->folder, path, err) < 0)
		return -1;
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return img_err_sys(err, "%s", full);
	if (img_dicom_start_fd(c->r, fd, (uint64_t)st.st_size, full, NULL,
			       err) == 0)
		rc = img_dicom_pick(c->r, tags, FIELDS, picks, err);
	close(fd);
	return rc;
}

static int one(struct ctx *c, const char *line, size_t n)
{
	struct img_err err = IMG_ERR_INIT, why = IMG_ERR_INIT;
	struct img_json *j = img_json_parse(line, n, &err);
	const char *path = j ? img_json_get(j, "path") : NULL;
	struct img_dicom_pick picks[FIELDS];
	uint32_t tags[FIELDS];
	char what[64];
	int rc;

	if (!path) {
		img_json_free(j);
		return -1;
	}
	for (size_t i = 0; i < FIELDS; i++)
		tags[i] = fields[i].tag;
	c->files++;
	rc = read_file(c, path, tags, picks, &why);
	if ((rc == 0) != (peers(j) >= 2)) {
		snprintf(what, sizeof(what), "verdict %s %d/3",
			 img_code_word(why.code), peers(j));
		differs(c, path, what);
	}
	if (rc == 0)
		compare(c, j, path, tags, picks);
	img_json_free(j);
	return 0;
}

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct ctx c = { .r = img_dicom_reader_new(&err) };
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	FILE *f;

	if (argc != 3 || !c.r)
		return 64;
	c.folder = argv[2];
	f = fopen(argv[1], "re");
	if (!f) {
		perror(argv[1]);
		return 3;
	}
	while ((n = getline(&line, &room, f)) > 0)
		if (one(&c, line, (size_t)n) < 0) {
			fprintf(stderr, "dcmtruth: bad line\n");
			return 3;
		}
	free(line);
	fclose(f);
	img_dicom_reader_free(c.r);
	fprintf(stderr, "%lu files, %lu differences\n", c.files, c.differences);
	return fflush(stdout) == 0 ? 0 : 3;
}
