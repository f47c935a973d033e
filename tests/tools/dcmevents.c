/*
 * dcmevents - what the reader says of files, as lines.
 *
 * dcmevents [-m] [-d | -s] file ...
 *   -m  read from memory instead of from the file
 *   -s  one line a file: path, verdict, transfer syntax, notes, elements,
 *       trailing bytes, message
 *   -d  a line an event, as tests/dcmdump.awk makes of dcmdump's: path, depth,
 *       tag, VR (-- when implicit), length made even; nothing for a file that
 *       cannot be read or whose tags do not ascend
 * Otherwise: a line an event: depth, kind, tag, VR, length, start, offset.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom/dicom.h"

static const char *const kinds[] = {
	"element",      "sequence", "item",     "end-item",
	"end-sequence", "pixels",   "fragment",
};

static void print_event(const struct img_dicom_event *ev)
{
	char tag[12];

	img_dict_format_tag(ev->tag, tag);
	printf("%u %s %s %s ", ev->depth, kinds[ev->kind], tag,
	       ev->vr[0] ? ev->vr : "--");
	if (ev->length == IMG_UNDEFINED_LEN)
		printf("undefined");
	else
		printf("%u", ev->length);
	printf(" %llu %llu%s%s%s\n", (unsigned long long)ev->start,
	       (unsigned long long)ev->offset, ev->implicit ? " implicit" : "",
	       ev->big ? " big" : "", ev->meta ? " meta" : "");
}

static void print_plain(const char *path, const struct img_dicom_event *ev)
{
	const char *vr = ev->implicit ? "--" : ev->vr;
	char tag[12];

	if (ev->kind == IMG_DICOM_ITEM)
		vr = "na";
	if (ev->kind == IMG_DICOM_FRAGMENT)
		vr = "pi";
	img_dict_format_tag(ev->tag, tag);
	printf("%s\t%u %s", path, ev->depth, tag);
	if (ev->kind == IMG_DICOM_END_ITEM ||
	    ev->kind == IMG_DICOM_END_SEQUENCE)
		printf("\n");
	else if (ev->length == IMG_UNDEFINED_LEN)
		printf(" %s u/l\n", vr);
	else
		printf(" %s %u\n", vr, ev->length + (ev->length & 1));
}

static int walk(struct img_dicom_reader *r, const char *path, char mode,
		struct img_err *err)
{
	struct img_dicom_event ev;
	int rc;

	while ((rc = img_dicom_next(r, &ev, err)) == 1)
		if (mode == 'd')
			print_plain(path, &ev);
		else if (mode == 'e')
			print_event(&ev);
	return rc;
}

static int start(struct img_dicom_reader *r, const char *path, int fd,
		 bool from_memory, uint8_t **mem, struct img_err *err)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return img_err_sys(err, "%s", path);
	if (!from_memory)
		return img_dicom_start_fd(r, fd, (uint64_t)st.st_size, path,
					  NULL, err);
	*mem = malloc((size_t)st.st_size + 1);
	if (!*mem || img_read_full(fd, *mem, (size_t)st.st_size) != st.st_size)
		return img_err_sys(err, "%s", path);
	return img_dicom_start_mem(r, *mem, (size_t)st.st_size, path, NULL,
				   err);
}

static int one(struct img_dicom_reader *r, const char *path, bool from_memory,
	       char mode)
{
	const struct img_dicom_facts *f = img_dicom_facts(r);
	struct img_err err = IMG_ERR_INIT;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *mem = NULL;
	int rc = start(r, path, fd, from_memory, &mem, &err);

	if (rc == 0)
		rc = walk(r, path, mode == 'd' ? 's' : mode, &err);
	/* Only what is read to its end is shown plainly. */
	if (rc == 0 && mode == 'd' && !(f->notes & IMG_NOTE_ORDER)) {
		free(mem);
		mem = NULL;
		lseek(fd, 0, SEEK_SET);
		start(r, path, fd, from_memory, &mem, &err);
		walk(r, path, mode, &err);
	}
	if (mode == 's')
		printf("%s\t%s\t%s\t%04x\t%llu\t%llu\t%s\n", path,
		       img_code_word(err.code),
		       rc == 0 && f->transfer_syntax[0] ? f->transfer_syntax
							: "-",
		       rc == 0 ? f->notes : 0,
		       rc == 0 ? (unsigned long long)f->elements : 0,
		       rc == 0 ? (unsigned long long)f->trailing : 0, err.text);
	else if (rc < 0 && mode == 'e')
		printf("%s: %s\n", img_code_word(err.code), err.text);
	free(mem);
	if (fd >= 0)
		close(fd);
	return rc;
}

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	bool from_memory = false;
	char mode = 'e';
	struct img_dicom_reader *r;
	int opt, bad = 0;

	while ((opt = getopt(argc, argv, "dms")) != -1) {
		if (opt == 'm')
			from_memory = true;
		else if (opt == 'd' || opt == 's')
			mode = (char)opt;
		else
			return 64;
	}
	r = img_dicom_reader_new(&err);
	if (!r)
		return 3;
	for (int i = optind; i < argc; i++)
		bad += one(r, argv[i], from_memory, mode) < 0;
	img_dicom_reader_free(r);
	if (fflush(stdout) != 0 || ferror(stdout))
		return 3;
	return bad ? 2 : 0;
}
