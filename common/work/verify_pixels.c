/*
 * verify_pixels.c - every frame decoded, and a digest of the samples.
 *
 * The digest of a frame is one over its samples as an uncompressed frame has
 * them, so that it stays the same in any transfer syntax without loss; that of
 * an object is one over its frames' and their shape.
 */
#include <stdio.h>
#include <string.h>

#include "work/verify_private.h"

#define NATIVE   "1.2.840.10008.1.2.1"
#define LIST_MAX 10000 /* corrupt frames that are listed */
#define OVER_MAX 3     /* frames over a limit that are tried */

struct frames {
	struct img_digest all;
	uint64_t corrupt, listed;
	struct img_buf list; /* JSON numbers with commas */
	uint64_t undecoded;  /* over a limit, or no codec */
	bool over;           /* a limit */
	char first[80];      /* what is wrong with the first */
};

static int add_sample(const void *p, size_t n, void *arg, struct img_err *err)
{
	(void)err;
	img_digest_add(arg, p, n);
	return 0;
}

static void add_u32(struct img_digest *d, uint32_t v)
{
	const uint8_t p[] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
			      (uint8_t)(v >> 24) };

	img_digest_add(d, p, sizeof(p));
}

static void add_frame(struct frames *f, const struct img_codec_image *image,
		      struct img_digest *samples)
{
	uint8_t digest[IMG_DIGEST_SIZE];

	img_digest_end(samples, digest);
	add_u32(&f->all, image->rows);
	add_u32(&f->all, image->columns);
	add_u32(&f->all, image->samples);
	add_u32(&f->all, image->allocated);
	add_u32(&f->all, image->representation);
	img_digest_add(&f->all, digest, sizeof(digest));
}

/* What is wrong with the frame, and not with us. */
static bool is_verdict(enum img_code code)
{
	return code == IMG_E_MALFORMED || code == IMG_E_TRUNCATED ||
	       code == IMG_E_NOT_DICOM;
}

static int one_frame(struct deep *deep, struct img_frames *in, const char *name,
		     uint32_t i, struct frames *f, struct img_err *err)
{
	const struct img_codec_request req = { .to = NATIVE,
					       .clear_unused = true };
	struct img_codec_image image;
	struct img_err why = IMG_ERR_INIT;
	struct img_digest samples;
	uint64_t size;

	img_digest_init(&samples);
	if (img_codec_run(deep->session, in, i, &req, &image, &size, add_sample,
			  &samples, &why) == 0) {
		add_frame(f, &image, &samples);
		return 0;
	}
	if (why.code == IMG_E_LIMIT || why.code == IMG_E_UNSUPPORTED) {
		f->undecoded++;
		f->over |= why.code == IMG_E_LIMIT;
		return 0;
	}
	if (!is_verdict(why.code))
		return img_err_set(err, why.code, "%s", why.text);
	if (f->corrupt++ == 0)
		snprintf(f->first, sizeof(f->first), "%s",
			 verify_said(&why, name));
	if (f->listed == LIST_MAX)
		return 0;
	return img_buf_printf(&f->list, err, "%s%u", f->listed++ ? "," : "",
			      i + 1);
}

static int put_frames(struct frames *f, uint32_t n, struct deep_out *out,
		      struct img_err *err)
{
	char hex[IMG_DIGEST_HEX];

	if (img_json_put_u64(&out->extra, "frames", n, err) < 0)
		return -1;
	if (f->corrupt)
		return img_buf_printf(&out->extra, err,
				      ",\"corrupt_frames\":[%s]",
				      img_buf_str(&f->list));
	if (f->undecoded || n == 0)
		return 0;
	img_digest_end(&f->all, out->pixels);
	out->has_pixels = true;
	img_hex(hex, out->pixels, IMG_DIGEST_SIZE);
	return img_json_put(&out->extra, "pixel_digest", hex, err);
}

static int all_frames(struct img_verify *v, struct deep *deep,
		      struct img_frames *in, const char *name,
		      struct deep_out *out, struct img_err *err)
{
	const struct img_frames_facts *facts = img_frames_facts(in);
	uint32_t n =
		facts->stated > facts->frames ? facts->stated : facts->frames;
	/* Of those that are not there some are listed; 2^31 can be stated. */
	uint32_t last =
		n - facts->frames > LIST_MAX ? facts->frames + LIST_MAX : n;
	struct frames f = { 0 };
	int rc = 0;

	img_buf_init(&f.list, VERIFY_EXTRA / 2);
	img_digest_init(&f.all);
	if (!deep->session &&
	    img_codec_session(v->codec, &deep->session, err) < 0)
		rc = -1;
	for (uint32_t i = 0; i < last && rc == 0; i++) {
		/* Each may have cost seconds. */
		if (f.undecoded >= OVER_MAX)
			break;
		rc = one_frame(deep, in, name, i, &f, err);
		if (v->host.stopped(v->host.arg))
			rc = img_err_set(err, IMG_E_BUSY, "stopped");
	}
	f.corrupt += n - last;
	if (rc == 0 && f.corrupt)
		img_check_add(deep->check, true, "corrupt-frame", "(7fe0,0010)",
			      "%llu of %u frames; the first: %s",
			      (unsigned long long)f.corrupt, n, f.first);
	if (rc == 0 && f.undecoded)
		img_check_add(deep->check, false, "frame-limit", "(7fe0,0010)",
			      "frames beyond what is decoded here");
	out->over = f.over;
	if (rc == 0)
		rc = put_frames(&f, n, out, err);
	img_buf_release(&f.list);
	return rc;
}

int verify_pixels(struct img_verify *v, struct deep *deep, int fd,
		  const char *name, struct deep_out *out, struct img_err *err)
{
	struct img_frames *in = NULL;
	struct img_err why = IMG_ERR_INIT;
	const struct img_frames_facts *facts;
	int rc = 0;

	if (img_frames_open(&in, fd, name, &why) < 0) {
		if (why.code == IMG_E_IO || why.code == IMG_E_NOMEM)
			return img_err_set(err, why.code, "%s", why.text);
		/* Over our limit is not to be wrong. */
		out->over = why.code == IMG_E_LIMIT;
		img_check_add(deep->check, !out->over,
			      out->over ? "frame-limit" : "corrupt-frame",
			      "(7fe0,0010)", "no frame can be found: %s",
			      verify_said(&why, name));
		return 0;
	}
	facts = img_frames_facts(in);
	if (!facts->has_pixels)
		;
	else if (!facts->native && !img_codec_decodes(facts->ts))
		img_check_add(deep->check, false, "no-codec", "(7fe0,0010)",
			      "no codec here for this transfer syntax");
	else
		rc = all_frames(v, deep, in, name, out, err);
	img_frames_close(in);
	return rc;
}
