/* dicom_samples.c - the reader's verdict on every sample stream, the same
   from memory and from a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dicom_samples.h"

struct outcome {
	enum img_code code;
	char text[512];
	unsigned notes;
	uint64_t events, sum;
};

/* FNV-1a over what an event says. */
static void mix(uint64_t *sum, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		*sum = (*sum ^ b[i]) * 0x100000001b3u;
}

static void walk(struct img_dicom_reader *r, struct outcome *o)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_event ev;
	int rc;

	while ((rc = img_dicom_next(r, &ev, &err)) == 1) {
		o->events++;
		mix(&o->sum, &ev.kind, sizeof(ev.kind));
		mix(&o->sum, &ev.tag, sizeof(ev.tag));
		mix(&o->sum, ev.vr, sizeof(ev.vr));
		mix(&o->sum, &ev.length, sizeof(ev.length));
		mix(&o->sum, &ev.start, sizeof(ev.start));
		mix(&o->sum, &ev.offset, sizeof(ev.offset));
		mix(&o->sum, &ev.depth, sizeof(ev.depth));
		if (ev.value)
			mix(&o->sum, ev.value, ev.length);
	}
	if (rc == 0) {
		o->notes = img_dicom_facts(r)->notes;
		assert_int_equal(img_dicom_next(r, &ev, &err), 0);
	} else {
		o->code = err.code;
		strcpy(o->text, err.text);
		err.code = IMG_OK;
		assert_int_equal(img_dicom_next(r, &ev, &err), -1);
	}
}

static void read_mem(struct img_dicom_reader *r, const struct made *m,
		     struct outcome *o)
{
	struct img_err err = IMG_ERR_INIT;

	memset(o, 0, sizeof(*o));
	if (img_dicom_start_mem(r, m->b.data, m->b.len, "a.dcm", NULL, &err) <
	    0) {
		o->code = err.code;
		strcpy(o->text, err.text);
		return;
	}
	walk(r, o);
}

static void read_fd(struct img_dicom_reader *r, const struct made *m,
		    struct outcome *o)
{
	struct img_err err = IMG_ERR_INIT;
	int fd = memfd_create("sample", MFD_CLOEXEC);

	memset(o, 0, sizeof(*o));
	assert_true(fd >= 0);
	assert_int_equal(img_write_full(fd, m->b.data, m->b.len), 0);
	if (img_dicom_start_fd(r, fd, m->b.len, "a.dcm", NULL, &err) < 0) {
		o->code = err.code;
		strcpy(o->text, err.text);
	} else {
		walk(r, o);
	}
	close(fd);
}

static void check_sample(void **state)
{
	const struct sample *s = *state;
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_reader *r = img_dicom_reader_new(&err);
	struct outcome mem, file;
	struct made m;

	assert_non_null(r);
	sample_make(s, &m);
	read_mem(r, &m, &mem);
	read_fd(r, &m, &file);
	if (mem.code != s->verdict || mem.notes != s->notes)
		print_message("%s: %s, notes %04x, %s\n", s->name,
			      img_code_word(mem.code), mem.notes, mem.text);
	assert_int_equal(mem.code, s->verdict);
	assert_int_equal(mem.notes, s->notes);
	if (mem.code != IMG_OK)
		assert_memory_equal(mem.text, "a.dcm: ", 7);
	assert_int_equal(file.code, mem.code);
	assert_int_equal(file.notes, mem.notes);
	assert_string_equal(file.text, mem.text);
	assert_true(file.events == mem.events && file.sum == mem.sum);
	img_buf_release(&m.b);
	img_dicom_reader_free(r);
}

int main(void)
{
	static struct CMUnitTest tests[SAMPLES];

	for (size_t i = 0; i < SAMPLES; i++) {
		tests[i].name = samples[i].name;
		tests[i].test_func = check_sample;
		tests[i].initial_state = (void *)(uintptr_t)&samples[i];
	}
	return _cmocka_run_group_tests("dicom samples", tests, SAMPLES, NULL,
				       NULL);
}
