/*
 * frames.c - frames of DICOM objects, for tests.
 *
 *	frames [-t syntax] [-pcs] [-m l,t,r,b] [-o raw] [-w object] [-x n]
 *		file ...
 *
 * A line for each object, its fields between tabs (path, transfer syntax,
 * frames there and stated, offset table), then one for each frame: number,
 * what the result is made of, its bytes and their BLAKE2b, or why there is
 * none.  -t: transfer syntax of the result, else native; -p: proved; -c:
 * unused bits cleared; -m: a mask; -o: the bytes of all frames; -w: a new
 * object of them, -x: each cut by n bytes at its end; -s: peak memory of the
 * program itself, in KiB, on stderr.  Exits 2 if a frame failed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "codec/codec.h"
#include "crypto/crypto.h"

static struct img_codec_request req = { .to = "1.2.840.10008.1.2.1" };
static struct img_codec_mask mask;
static FILE *raw;
static const char *object;
static bool keep, show;
static uint32_t cut;

struct sum {
	struct img_digest digest;
	struct img_buf bytes;
};

static int take(const void *p, size_t n, void *arg, struct img_err *err)
{
	struct sum *sum = arg;

	img_digest_add(&sum->digest, p, n);
	if (raw && fwrite(p, 1, n, raw) != n)
		return img_err_sys(err, "raw");
	return keep ? img_buf_add(&sum->bytes, p, n, err) : 0;
}

/* ---- a new object -------------------------------------------------------- */

static int to_file(void *arg, const void *p, size_t n, struct img_err *err)
{
	if (fwrite(p, 1, n, arg) != n)
		return img_err_sys(err, "object");
	return 0;
}

static int put(struct img_dicom_writer *w, enum img_dicom_kind kind,
	       const char *vr, const void *p, uint32_t n, struct img_err *err)
{
	struct img_dicom_event ev = { .kind = kind,
				      .tag = kind == IMG_DICOM_FRAGMENT
						     ? 0xFFFEE000u
						     : 0x7FE00010u,
				      .length = n };

	if (kind == IMG_DICOM_END_SEQUENCE)
		ev.tag = 0xFFFEE0DDu;
	memcpy(ev.vr, vr, 3);
	return img_dicom_put(w, &ev, p, err);
}

/* Secondary Capture, and its multi-frame classes (PS3.3 A.8). */
static const char *class_of(const struct img_codec_image *i, uint32_t frames)
{
	if (frames == 1)
		return "1.2.840.10008.5.1.4.1.1.7";
	if (i->samples == 3)
		return "1.2.840.10008.5.1.4.1.1.7.4";
	return i->allocated == 1   ? "1.2.840.10008.5.1.4.1.1.7.1"
	       : i->allocated == 8 ? "1.2.840.10008.5.1.4.1.1.7.2"
				   : "1.2.840.10008.5.1.4.1.1.7.3";
}

static int put_shape(struct img_dicom_writer *w,
		     const struct img_codec_image *i, uint32_t frames,
		     struct img_err *err)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", frames);
	if (img_dicom_put_text(w, 0x00080016u, "UI", class_of(i, frames), err) <
		    0 ||
	    img_dicom_put_text(w, 0x00080018u, "UI", "2.25.1", err) < 0 ||
	    img_dicom_put_u16(w, 0x00280002u, i->samples, err) < 0 ||
	    img_dicom_put_text(w, 0x00280004u, "CS", i->photometric, err) < 0)
		return -1;
	if (i->samples > 1 &&
	    img_dicom_put_u16(w, 0x00280006u, i->planar, err) < 0)
		return -1;
	return img_dicom_put_text(w, 0x00280008u, "IS", text, err) < 0 ||
			       img_dicom_put_u16(w, 0x00280010u,
						 (uint16_t)i->rows, err) < 0 ||
			       img_dicom_put_u16(w, 0x00280011u,
						 (uint16_t)i->columns,
						 err) < 0 ||
			       img_dicom_put_u16(w, 0x00280100u, i->allocated,
						 err) < 0 ||
			       img_dicom_put_u16(w, 0x00280101u, i->stored,
						 err) < 0 ||
			       img_dicom_put_u16(w, 0x00280102u, i->high, err) <
				       0 ||
			       img_dicom_put_u16(w, 0x00280103u,
						 i->representation, err) < 0
		       ? -1
		       : 0;
}

/* sizes: of the frames in bytes. */
static int write_object(FILE *file, const struct img_codec_image *image,
			const struct img_buf *bytes, const uint64_t *sizes,
			uint32_t frames, struct img_err *err)
{
	struct img_dicom_sink sink = { to_file, file };
	struct img_dicom_writer *w = img_dicom_writer_new(&sink, err);
	bool native = img_codec_is_native(req.to);
	const char *at = bytes->data;
	int rc = -1;

	if (!w ||
	    img_dicom_put_meta(w, "1.2.840.10008.5.1.4.1.1.7", "2.25.1", req.to,
			       err) < 0 ||
	    put_shape(w, image, frames, err) < 0)
		goto out;
	if (native) {
		rc = put(w, IMG_DICOM_ELEMENT,
			 image->allocated > 8 ? "OW" : "OB", at,
			 (uint32_t)bytes->len, err);
	} else {
		rc = put(w, IMG_DICOM_PIXELS, "OB", NULL, IMG_UNDEFINED_LEN,
			 err);
		rc |= put(w, IMG_DICOM_FRAGMENT, "OB", "", 0, err);
		for (uint32_t i = 0; rc == 0 && i < frames; at += sizes[i++])
			rc = put(w, IMG_DICOM_FRAGMENT, "OB", at,
				 (uint32_t)sizes[i] - cut, err);
		rc |= put(w, IMG_DICOM_END_SEQUENCE, "OB", NULL,
			  IMG_UNDEFINED_LEN, err);
	}
	if (rc == 0)
		rc = img_dicom_finish(w, err);
out:
	img_dicom_writer_free(w);
	return rc;
}

/* ---- frames -------------------------------------------------------------- */

static int one(struct img_codec_session *s, struct img_frames *f, uint32_t i,
	       struct img_codec_image *image, uint64_t *size, struct sum *sum)
{
	struct img_err err = IMG_ERR_INIT;
	uint8_t digest[IMG_DIGEST_SIZE];
	char hex[2 * IMG_DIGEST_SIZE + 1];

	img_digest_init(&sum->digest);
	if (img_codec_run(s, f, i, &req, image, size, take, sum, &err) < 0) {
		printf("%u %s %s\n", i + 1, img_code_word(err.code), err.text);
		return -1;
	}
	img_digest_end(&sum->digest, digest);
	img_hex(hex, digest, sizeof(digest));
	printf("%u %ux%ux%u %u/%u/%u/%u %s %llu %s\n", i + 1, image->columns,
	       image->rows, image->samples, image->allocated, image->stored,
	       image->high, image->representation,
	       image->photometric[0] ? image->photometric : "-",
	       (unsigned long long)*size, hex);
	return 0;
}

static int frames_of(struct img_codec_session *s, struct img_frames *f,
		     const char *path)
{
	const struct img_frames_facts *facts = img_frames_facts(f);
	uint32_t n = facts->frames;
	uint64_t *sizes = calloc(n + 1, sizeof(*sizes));
	struct img_codec_image image;
	struct img_err err = IMG_ERR_INIT;
	struct sum sum;
	int rc = 0;

	img_buf_init(&sum.bytes, SIZE_MAX / 2);
	printf("%s\t%s\t%u/%u\t%s\n", path, facts->ts, n, facts->stated,
	       facts->table);
	for (uint32_t i = 0; i < n; i++)
		rc |= one(s, f, i, &image, &sizes[i], &sum);
	if (object && rc == 0 && n) {
		FILE *file = fopen(object, "wb");

		if (!file ||
		    write_object(file, &image, &sum.bytes, sizes, n, &err) <
			    0 ||
		    fclose(file) != 0) {
			fprintf(stderr, "frames: %s: %s\n", object, err.text);
			rc = -1;
		}
	}
	img_buf_release(&sum.bytes);
	free(sizes);
	return rc || (facts->has_pixels && n < facts->stated) ? -1 : 0;
}

static int file(struct img_codec_session *s, const char *path)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_frames *f = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;

	if (fd < 0 || img_frames_open(&f, fd, path, &err) < 0)
		printf("%s\t%s\t%s\n", path, img_code_word(err.code), err.text);
	else
		rc = frames_of(s, f, path);
	img_frames_close(f);
	if (fd >= 0)
		close(fd);
	fflush(stdout);
	return rc;
}

static int usage(void)
{
	fputs("usage: frames [-t syntax] [-pcs] [-m l,t,r,b] [-o raw] "
	      "[-w object] [-x n] file ...\n",
	      stderr);
	return 64;
}

static int options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "t:pcsm:o:w:x:")) != -1)
		switch (c) {
		case 't':
			req.to = img_codec_ts(optarg);
			if (!req.to)
				return usage();
			break;
		case 'p':
			req.prove = true;
			break;
		case 's':
			show = true;
			break;
		case 'c':
			req.clear_unused = true;
			break;
		case 'm':
			if (sscanf(optarg, "%u,%u,%u,%u", &mask.left, &mask.top,
				   &mask.right, &mask.bottom) != 4)
				return usage();
			req.masks = &mask;
			req.n_masks = 1;
			break;
		case 'o':
			raw = fopen(optarg, "wb");
			if (!raw)
				return 3;
			break;
		case 'x':
			cut = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'w':
			object = optarg;
			keep = true;
			break;
		default:
			return usage();
		}
	return 0;
}

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_codec *codec;
	struct img_codec_session *s;
	int rc;

	if ((rc = options(argc, argv)) != 0)
		return rc;
	if (img_codec_open(&codec, &err) < 0 ||
	    img_codec_session(codec, &s, &err) < 0) {
		fprintf(stderr, "frames: %s\n", err.text);
		return 3;
	}
	for (int i = optind; i < argc; i++)
		rc |= file(s, argv[i]);
	img_codec_session_close(s);
	img_codec_close(codec);
	if (raw && fclose(raw) != 0)
		return 3;
	if (show) {
		struct rusage used;

		getrusage(RUSAGE_SELF, &used);
		fprintf(stderr, "%ld\n", used.ru_maxrss);
	}
	return rc ? 2 : 0;
}
