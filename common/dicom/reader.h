/*
 * reader.h - inside the room: the reader's parts.
 *
 * source.c  brings bytes: a window over memory, a file or an inflated stream
 * probe.c   tells from the first bytes what an input is
 * start.c   preamble, file meta information, choice of the encoding
 * walk.c    elements, sequences, items, fragments
 * pick.c    values of chosen attributes
 */
#ifndef IMG_DICOM_READER_H
#define IMG_DICOM_READER_H

#include <string.h>

#include "dicom/dict.h"

#define BUF_SIZE   65536u
#define DEPTH_CAP  256u
#define NO_END     (UINT64_MAX / 2)
#define TAG_ITEM   0xFFFEE000u
#define TAG_END_IT 0xFFFEE00Du
#define TAG_END_SQ 0xFFFEE0DDu
#define TAG_PIXELS 0x7FE00010u

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

enum frame_kind { FRAME_META, FRAME_TOP, FRAME_ITEM, FRAME_SEQ, FRAME_PIXELS };

/* What is open around the current position. */
struct frame {
	uint64_t end;    /* nothing inside may reach beyond this */
	uint32_t last;   /* tag read last at this level */
	uint32_t length; /* as encoded */
	uint32_t tag;
	uint8_t kind;
	bool implicit, big;
	bool open_ended; /* closed by a delimiter */
};

enum reader_state { READER_IDLE, READER_RUNNING, READER_DONE, READER_FAILED };

struct inflater; /* source.c */

struct img_dicom_reader {
	/* The window: win[0] is byte win_at of the stream. */
	const uint8_t *win;
	uint64_t win_at;
	uint64_t win_len;
	uint64_t size; /* of the stream; NO_END while that is unknown */
	uint64_t pos;
	struct frame *top;
	uint64_t elements, max_elements;
	uint64_t spent, max_spent; /* bytes of headers and small values */
	uint32_t max_value;
	unsigned depth;     /* items open */
	unsigned sequences; /* sequences open */
	unsigned notes;
	bool pixels_seen;
	uint8_t state;

	uint64_t value_at, value_len; /* of the event last returned */
	uint32_t event_tag;

	bool (*holds_items)(void *arg, const struct img_dicom_event *ev);
	void *holds_arg;
	uint64_t meta_end; /* by the group length; 0 unknown */
	unsigned max_depth, max_ratio;
	uint64_t max_inflated;
	const char *name;
	const uint8_t *mem;
	int fd;
	uint64_t file_size; /* of the input, however it is encoded */
	size_t ahead;       /* bytes to read from fd at a time */
	bool inflating;
	struct inflater *inflater;
	uint8_t *arena; /* copies made by pick */
	size_t arena_len, arena_room;
	struct img_dicom_facts facts;
	struct frame stack[2 * DEPTH_CAP + 4];
	uint8_t buf[BUF_SIZE];
};

/* ---- source.c ---- */

/* Makes the window hold [at, at + n), n <= BUF_SIZE: 1 yes, 0 the stream
   ends before (the window then holds what there is), -1 error. */
int img_source_fill(struct img_dicom_reader *r, uint64_t at, size_t n,
		    struct img_err *err);
void img_source_reset(struct img_dicom_reader *r);
/* The stream from at on is deflated. */
int img_source_inflate(struct img_dicom_reader *r, uint64_t at,
		       struct img_err *err);
/* Bytes of the input that the deflated stream left over. */
uint64_t img_source_left_over(const struct img_dicom_reader *r);
void img_source_free(struct img_dicom_reader *r);

static inline int need(struct img_dicom_reader *r, uint64_t at, size_t n,
		       struct img_err *err)
{
	uint64_t d = at - r->win_at;

	if (likely(d <= r->win_len && n <= r->win_len - d))
		return 1;
	return img_source_fill(r, at, n, err);
}

static inline const uint8_t *window(const struct img_dicom_reader *r,
				    uint64_t at)
{
	return r->win + (at - r->win_at);
}

/* ---- probe.c ---- */

enum encoding { ENC_NONE, ENC_EXPLICIT_LE, ENC_IMPLICIT_LE, ENC_EXPLICIT_BE };
/* How a data set that begins with p[0..n) is encoded; room is how many bytes
   there are from p to the end of what holds it.  loose: it is known to be DICOM,
   so that the first attribute need not be one of the dictionary. */
enum encoding img_probe_encoding(const uint8_t *p, size_t n, uint64_t room,
				 bool loose);
/* Whether it can be encoded so. */
bool img_probe_fits(const uint8_t *p, size_t n, uint64_t room,
		    enum encoding enc);
bool img_probe_is_program(const uint8_t *p);

/* ---- start.c ---- */

/* The file meta information is over at r->pos: sets up the data set. */
int img_start_dataset(struct img_dicom_reader *r, struct img_err *err);

#define AGAIN  2 /* nothing to tell yet: go on */
#define ODD_NO 3

/* A header that was read, before its value is looked at. */
struct head {
	uint32_t tag, length;
	unsigned size; /* of the header */
	unsigned class;
	char vr[2];
	bool implicit;
};

/* ---- walk.c: 1 an event, 0 the end, -1 error ---- */

int img_walk_value(struct img_dicom_reader *r, const struct head *h,
		   struct img_dicom_event *ev, struct img_err *err);
/* The bytes of the frame on top are used up, or the input is. */
int img_walk_frame_over(struct img_dicom_reader *r, struct img_dicom_event *ev,
			struct img_err *err);
/* Closes the frame on top with a delimiter of size bytes. */
int img_walk_end_event(struct img_dicom_reader *r, struct img_dicom_event *ev,
		       unsigned size);

/* ---- odd.c ---- */

int img_odd_vr(struct img_dicom_reader *r, struct head *h,
	       struct img_dicom_event *ev, struct img_err *err);
/* A tag of group 0000, 0002 or FFFE, or any in the file meta information.
   ODD_NO: go on as with any element; else what next has to return. */
int img_odd_tag(struct img_dicom_reader *r, uint32_t tag,
		struct img_dicom_event *ev, struct img_err *err);
int img_odd_delimiter(struct img_dicom_reader *r);
/* An element that does not fit into what holds it. */
int img_odd_length(struct img_dicom_reader *r, const struct head *h,
		   struct img_err *err);
/* The data set is over, and trailing bytes follow. */
int img_odd_finish(struct img_dicom_reader *r, uint64_t trailing,
		   struct img_err *err);
/* Fewer bytes are left than a header, or a tag of zeros. */
int img_odd_tail(struct img_dicom_reader *r, struct img_err *err);
int img_fail_limit(const struct img_dicom_reader *r, const char *what,
		   uint64_t limit, struct img_err *err);

int img_fail_malformed(const struct img_dicom_reader *r, uint64_t at,
		       const char *what, struct img_err *err);
int img_fail_truncated(const struct img_dicom_reader *r, uint32_t tag,
		       uint64_t needs, struct img_err *err);

/* ---- bytes ---- */

static inline uint32_t get16(const uint8_t *p, bool big)
{
	uint16_t v;

	memcpy(&v, p, 2);
	return big ? __builtin_bswap16(v) : v;
}

static inline uint32_t get32(const uint8_t *p, bool big)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return big ? __builtin_bswap32(v) : v;
}

static inline uint32_t get_tag(const uint8_t *p, bool big)
{
	return get16(p, big) << 16 | get16(p + 2, big);
}

#endif
