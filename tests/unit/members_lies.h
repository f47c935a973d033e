/* members_lies.h - for members.c: a worker that says what it likes. */
#ifndef TESTS_MEMBERS_LIES_H
#define TESTS_MEMBERS_LIES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "work/members_private.h"

/* ---- the lying worker ----------------------------------------------------- */

static struct img_jail_ring *out;
static int sock;

static void raw(const void *p, size_t n)
{
	struct img_err err = IMG_ERR_INIT;

	if (img_jail_ring_put(out, p, n, &err) < 0)
		_exit(99);
}

static void frame(uint32_t type, const void *p, size_t n)
{
	struct members_head head = { type, (uint32_t)n };

	raw(&head, sizeof(head));
	raw(p, n);
}

static void member_of(const char *name, uint64_t size, int kind)
{
	struct members_facts f = { .size = size,
				   .name_n = (uint16_t)strlen(name),
				   .kind = (uint8_t)kind };
	char bytes[sizeof(f) + 300];

	memcpy(bytes, &f, sizeof(f));
	memcpy(bytes + sizeof(f), name, f.name_n);
	frame(FRAME_MEMBER, bytes, sizeof(f) + f.name_n);
}

static void member(uint64_t size)
{
	member_of("a", size, IMG_MEMBER_FILE);
}

static void data(size_t n)
{
	static const char bytes[FRAME_MAX + 1] = "hello";

	frame(FRAME_DATA, bytes, n);
}

static void end_with(uint32_t type, uint32_t code, const char *text)
{
	struct members_end end = { .code = code };

	snprintf(end.text, sizeof(end.text), "%s", text);
	frame(type, &end, sizeof(end));
}

static void end(void)
{
	end_with(FRAME_MEMBER_END, IMG_OK, "");
}

static void last(void)
{
	end_with(FRAME_ARCHIVE_END, IMG_OK, "");
}

static void finish(void)
{
	end();
	last();
}

static void inner(void)
{
	frame(FRAME_INNER, NULL, 0);
}

static char answer(void)
{
	struct img_err err = IMG_ERR_INIT;
	char c;

	frame(FRAME_MORE, NULL, 0);
	img_jail_ring_push(out, true);
	do
		if (img_jail_recv(sock, &c, 1, NULL, -1, &err) < 0)
			_exit(98);
	while (c == 'w');
	return c;
}

/* ---- what it says: what goes on as if nothing were wrong --------------- */

static void honest(void)
{
	for (int i = 0; i < 3; i++) {
		member(5);
		data(5);
		end();
	}
	last();
}

static void unknown_frame(void)
{
	frame(77, "x", 1);
	last();
}

static void unknown_in_member(void)
{
	member(5);
	frame(77, "x", 1);
	data(5);
	finish();
}

static void long_frame(void)
{
	member(UINT64_MAX);
	data(FRAME_MAX + 1);
	finish();
}

static void huge_frame(void)
{
	struct members_head head = { FRAME_MEMBER, UINT32_MAX };

	raw(&head, sizeof(head));
}

static void short_facts(void)
{
	frame(FRAME_MEMBER, "abc", 3);
	finish();
}

static void name_too_long(void)
{
	struct members_facts f = { .name_n = 4200 };
	char bytes[sizeof(f) + 4200];

	memset(bytes, 'a', sizeof(bytes));
	memcpy(bytes, &f, sizeof(f));
	frame(FRAME_MEMBER, bytes, sizeof(bytes));
	finish();
}

static void name_not_there(void)
{
	struct members_facts f = { .name_n = 5 };

	frame(FRAME_MEMBER, &f, sizeof(f));
	finish();
}

static void name_with_nul(void)
{
	struct members_facts f = { .name_n = 3 };
	char bytes[sizeof(f) + 3] = { 0 };

	memcpy(bytes, &f, sizeof(f));
	frame(FRAME_MEMBER, bytes, sizeof(bytes));
	finish();
}

static void bad_kind(void)
{
	member_of("a", 0, 9);
	finish();
}

static void data_first(void)
{
	data(5);
	last();
}

static void no_data(void)
{
	member(5);
	data(0);
	data(5);
	finish();
}

static void fewer_bytes(void)
{
	member(10);
	data(5);
	end();
	last();
}

static void long_member(void)
{
	member(UINT64_MAX);
	for (int i = 0; i < 5; i++)
		data(FRAME_MAX);
	finish();
}

static void many_members(void)
{
	for (int i = 0; i < 20; i++) {
		member(0);
		end();
	}
	last();
}

static void much_in_all(void)
{
	for (int i = 0; i < 9; i++) {
		member(FRAME_MAX);
		data(FRAME_MAX);
		end();
	}
	last();
}

static void much_of_little(void)
{
	member(UINT64_MAX);
	for (int i = 0; i < 300; i++)
		data(FRAME_MAX);
	finish();
}

static void too_deep(void)
{
	member(5);
	inner();
	member(5);
	inner();
	last();
	finish();
	finish();
}

static void inner_twice(void)
{
	member(5);
	inner();
	last();
	inner();
	last();
	finish();
}

static void inner_between(void)
{
	inner();
	last();
	last();
}

static void inner_without_end(void)
{
	member(5);
	inner();
	for (int i = 0; i < 1000000; i++) {
		member(5);
		end();
	}
	last();
	finish();
}

static void unknown_code(void)
{
	member(0);
	end_with(FRAME_MEMBER_END, 99, "x");
	last();
}

static void short_end(void)
{
	member(0);
	frame(FRAME_MEMBER_END, "\0", 2);
	last();
}

static void long_end(void)
{
	char bytes[sizeof(struct members_end) + 4] = { 0 };

	member(0);
	frame(FRAME_MEMBER_END, bytes, sizeof(bytes));
	last();
}

static void end_in_member(void)
{
	member(5);
	last();
}

static void two_members(void)
{
	member(5);
	member(5);
	data(5);
	finish();
}

static void more_with_bytes(void)
{
	member(5);
	frame(FRAME_MORE, "x", 1);
	data(5);
	finish();
}

static void just_ends(void)
{
	member(5);
	data(5);
	end();
}

static void crashes(void)
{
	just_ends();
	img_jail_ring_push(out, true);
	__asm__ volatile("movb $1, (%0)" : : "r"(8L) : "memory");
}

static void opens(void)
{
	just_ends();
	img_jail_ring_push(out, true);
	(void)unlink("/nonexistent");
}

static void climbs(void)
{
	member_of("../../etc/passwd", 5, IMG_MEMBER_FILE);
	data(5);
	end();
	last();
}

static void foreign_text(void)
{
	member(5);
	end_with(FRAME_MEMBER_END, IMG_E_MALFORMED, "x\033[31m\ny\xff");
	end_with(FRAME_ARCHIVE_END, IMG_E_TRUNCATED, "cut");
}

static void asks(void)
{
	char c;

	member(UINT64_MAX);
	data(5);
	c = answer();
	data(5);
	if (c == ANSWER_GO)
		data(5);
	if (answer() != c)
		_exit(97);
	end();
	last();
}

static void nests(void)
{
	member(5);
	data(5);
	inner();
	member(5);
	data(5);
	end();
	last();
	end();
	member(7);
	data(7);
	end();
	last();
}

static void (*const said[])(void) = { unknown_frame,  unknown_in_member,
				      long_frame,     huge_frame,
				      short_facts,    name_too_long,
				      name_not_there, name_with_nul,
				      bad_kind,       data_first,
				      no_data,        fewer_bytes,
				      long_member,    many_members,
				      much_in_all,    much_of_little,
				      too_deep,       inner_twice,
				      inner_between,  inner_without_end,
				      unknown_code,   short_end,
				      long_end,       end_in_member,
				      two_members,    more_with_bytes,
				      just_ends,      crashes,
				      opens,          honest,
				      climbs,         foreign_text,
				      asks,           nests };

static int worker(int fd, void *arg)
{
	struct img_err err = IMG_ERR_INIT;
	struct members_request req;
	char name[8] = "";
	int file;

	(void)arg;
	sock = fd;
	if (img_jail_ring_join(&out, fd, &err) < 0 ||
	    img_jail_recv(fd, &req, sizeof(req), &file, -1, &err) < 0 ||
	    req.name_n >= sizeof(name) ||
	    img_jail_recv(fd, name, req.name_n, NULL, -1, &err) < 0)
		return 1;
	said[atoi(name)]();
	img_jail_ring_push(out, true);
	return 0;
}

#endif
