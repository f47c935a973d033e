/*
 * atna_private.h - the parts of it.
 *
 * atna.c       lines are gathered, and sorted by whose they are
 * atna_act.c   what an act is in PS3.15 A.5.3
 * atna_write.c the message
 */
#ifndef IMG_ATNA_PRIVATE_H
#define IMG_ATNA_PRIVATE_H

#include "work/atna.h"

/* PS3.15 A.5.3: which message. */
enum atna_kind {
	ATNA_ACTIVITY, /* A.5.3.1 */
	ATNA_LOG_USED, /* A.5.3.2 */
	ATNA_EXPORT,   /* A.5.3.4 */
	ATNA_IMPORT,   /* A.5.3.5 */
	ATNA_ACCESSED, /* A.5.3.6 */
	ATNA_SENT,     /* A.5.3.7, from here */
	ATNA_RECEIVED, /* A.5.3.7, to here */
	ATNA_ALERT     /* A.5.3.11 */
};

struct atna_act {
	const char *act;
	enum atna_kind kind;
	char action;
	int outcome;      /* 0, 4, 8, 12 */
	const char *type; /* EventTypeCode; NULL: none */
	const char *meaning;
	const char *text; /* what an alert is about, what the count counts */
};
/* Of a line; an act that is not known is an activity of its own type. */
struct atna_act atna_act(const char *act, bool from);

#define ATNA_TEXT 100

/* What lines have in common that are one event. */
struct atna_event {
	char time[IMG_TIME_MAX], by[ATNA_TEXT], act[ATNA_TEXT];
	char from[ATNA_TEXT], to[ATNA_TEXT];
	uint64_t uid, count;
};

/* The message, part by part. */
struct atna_message {
	const char *host, *log; /* URI of the log */
	struct img_buf b;
	struct img_err *err; /* the first failure is kept */
	struct atna_act act;
	bool open;    /* a study is */
	size_t parts; /* of objects so far */
};
void atna_begin(struct atna_message *m, const struct atna_event *e);
/* A study, then its SOP classes, then their end; first and last are numbers of
   lines. */
void atna_study(struct atna_message *m, const char *uid, uint64_t first,
		uint64_t last);
void atna_sop_class(struct atna_message *m, const char *uid, uint64_t objects);
void atna_study_end(struct atna_message *m);
void atna_patient(struct atna_message *m, const char *id, const char *issuer);
/* An object of which nothing else is known, or that an alert is about. */
void atna_object(struct atna_message *m, const uint8_t *digest);
/* The whole line, valid until the next begin. */
void atna_end(struct atna_message *m, const struct atna_event *e);

#endif
