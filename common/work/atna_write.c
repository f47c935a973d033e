/* atna_write.c - a DICOM audit message (PS3.15 A.5.1) as a syslog line. */
#include <stdio.h>
#include <string.h>

#include "work/atna_private.h"

/* RFC 5424: security/authorization messages, notice or warning. */
#define FACILITY 10
#define NOTICE   5
#define WARNING  4
#define OURS     "99IMGTOOLS"

/* ---- pieces ------------------------------------------------------------- */

static void raw(struct atna_message *m, const char *s)
{
	(void)img_buf_puts(&m->b, s, m->err);
}

/* How many bytes the character at s has that XML 1.0 allows; 0: none. */
static size_t character(const char *s)
{
	size_t n = 1;

	if ((unsigned char)*s >= 0xC0)
		while (((unsigned char)s[n] & 0xC0) == 0x80)
			n++;
	if (!img_utf8_ok(s, n) || (*s > 0 && *s < ' ') || *s == 0x7F)
		return 0;
	/* U+FFFE and U+FFFF are none. */
	return n == 3 && memcmp(s, "\xEF\xBF", 2) == 0 &&
			       (unsigned char)s[2] >= 0xBE
		       ? 0
		       : n;
}

/* Text between quotes or tags; what XML cannot hold becomes U+FFFD. */
static void text(struct atna_message *m, const char *s)
{
	static const char special[] = "&<>\"'";
	static const char *const entity[] = { "&amp;", "&lt;", "&gt;", "&quot;",
					      "&apos;" };

	while (*s) {
		const char *at = strchr(special, *s);
		size_t n = character(s);

		if (at)
			raw(m, entity[at - special]);
		else if (n)
			(void)img_buf_add(&m->b, s, n, m->err);
		else
			raw(m, "\xEF\xBF\xBD");
		s += n ? n : 1;
	}
}

static void attribute(struct atna_message *m, const char *name, const char *v)
{
	raw(m, " ");
	raw(m, name);
	raw(m, "=\"");
	text(m, v);
	raw(m, "\"");
}

static void number(struct atna_message *m, const char *name, uint64_t v)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)v);
	attribute(m, name, digits);
}

static void coded(struct atna_message *m, const char *element, const char *code,
		  const char *system, const char *meaning)
{
	raw(m, "<");
	raw(m, element);
	attribute(m, "csd-code", code);
	attribute(m, "codeSystemName", system);
	attribute(m, "originalText", meaning);
	raw(m, "/>");
}

static void dcm(struct atna_message *m, const char *element, const char *code,
		const char *meaning)
{
	coded(m, element, code, "DCM", meaning);
}

static void base64(struct atna_message *m, const char *s)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i += 3) {
		size_t have = n - i < 3 ? n - i : 3;
		uint32_t v = (uint32_t)(unsigned char)s[i] << 16;
		char out[5] = "====";

		if (have > 1)
			v |= (uint32_t)(unsigned char)s[i + 1] << 8;
		if (have > 2)
			v |= (unsigned char)s[i + 2];
		for (size_t k = 0; k <= have; k++)
			out[k] = digit[v >> (18 - 6 * k) & 63];
		raw(m, out);
	}
}

static void detail(struct atna_message *m, const char *type, const char *v)
{
	raw(m, "<ParticipantObjectDetail");
	attribute(m, "type", type);
	raw(m, " value=\"");
	base64(m, v);
	raw(m, "\"/>");
}

/* ---- who ---------------------------------------------------------------- */

struct who {
	const char *id, *aet, *name, *address, *address_type;
	bool requestor;
	const char *role, *meaning;
};

static void participant(struct atna_message *m, const struct who *w)
{
	char aets[ATNA_TEXT + 16];

	raw(m, "<ActiveParticipant");
	attribute(m, "UserID", w->id);
	if (w->aet) {
		snprintf(aets, sizeof(aets), "AETITLES=%s", w->aet);
		attribute(m, "AlternativeUserID", aets);
	}
	if (w->name)
		attribute(m, "UserName", w->name);
	attribute(m, "UserIsRequestor", w->requestor ? "true" : "false");
	if (w->address) {
		attribute(m, "NetworkAccessPointID", w->address);
		attribute(m, "NetworkAccessPointTypeCode", w->address_type);
	}
	raw(m, ">");
	if (w->role)
		dcm(m, "RoleIDCode", w->role, w->meaning);
	raw(m, "</ActiveParticipant>");
}

static void person(struct atna_message *m, const struct atna_event *e,
		   bool requestor, const char *role, const char *meaning)
{
	char id[ATNA_TEXT + 256];

	/* A.5.2.1: loginName@domain-name; the log knows the number. */
	snprintf(id, sizeof(id), "%llu@%s", (unsigned long long)e->uid,
		 m->host);
	participant(m, &(struct who){ .id = id,
				      .requestor = requestor,
				      .role = role,
				      .meaning = meaning });
}

static void process(struct atna_message *m, const struct atna_event *e,
		    const char *role, const char *meaning)
{
	participant(m, &(struct who){ .id = e->by,
				      .name = e->by,
				      .role = role,
				      .meaning = meaning });
}

static bool is_ip(const char *s)
{
	return strchr(s, ':') || strspn(s, "0123456789.") == strlen(s);
}

/* A host without its port, and without the brackets of an IPv6 address. */
static void host_of(const char *s, char out[ATNA_TEXT])
{
	const char *colon = strchr(s, ':'), *end = strrchr(s, ']');

	if (*s == '[' && end)
		snprintf(out, ATNA_TEXT, "%.*s", (int)(end - s - 1), s + 1);
	else if (colon && colon == strrchr(s, ':'))
		snprintf(out, ATNA_TEXT, "%.*s", (int)(colon - s), s);
	else
		snprintf(out, ATNA_TEXT, "%s", s);
}

/* "AET@host", "AET@host:port", "AET@[v6]:port", an address, a URL, or the name
   of a peer. */
static void peer(struct atna_message *m, const char *name, bool requestor,
		 const char *role, const char *meaning)
{
	const char *at = strchr(name, '@');
	char aet[ATNA_TEXT], host[ATNA_TEXT];
	struct who w = { .id = name,
			 .requestor = requestor,
			 .role = role,
			 .meaning = meaning };

	host_of(at ? at + 1 : name, host);
	if (strncmp(name, "http", 4) == 0 && strstr(name, "://")) {
		w.address = name;
		w.address_type = "5";
	} else if (at || is_ip(name)) {
		w.address = host;
		w.address_type = is_ip(host) ? "2" : "1";
	}
	if (at && at > name) {
		snprintf(aet, sizeof(aet), "%.*s", (int)(at - name), name);
		w.id = aet;
		w.aet = aet;
	}
	participant(m, &w);
}

static void participants(struct atna_message *m, const struct atna_event *e)
{
	static const char source[] = "Source Role ID";
	static const char destination[] = "Destination Role ID";

	switch (m->act.kind) {
	case ATNA_ACTIVITY:
		process(m, e, "110150", "Application");
		person(m, e, true, "110151", "Application Launcher");
		break;
	case ATNA_IMPORT:
		process(m, e, "110152", destination);
		person(m, e, true, "110152", destination);
		break;
	case ATNA_EXPORT:
		process(m, e, "110153", source);
		person(m, e, true, "110153", source);
		participant(m, &(struct who){ .id = *e->to ? e->to : "unknown",
					      .role = "110154",
					      .meaning = "Destination Media" });
		break;
	case ATNA_SENT:
		process(m, e, "110153", source);
		peer(m, e->to, false, "110152", destination);
		person(m, e, true, NULL, NULL);
		break;
	case ATNA_RECEIVED:
		peer(m, e->from, true, "110153", source);
		process(m, e, "110152", destination);
		break;
	case ATNA_ACCESSED:
	case ATNA_LOG_USED:
	case ATNA_ALERT:
		process(m, e, NULL, NULL);
		person(m, e, m->act.kind != ATNA_ALERT, NULL, NULL);
		if (m->act.kind == ATNA_ALERT && *e->from)
			peer(m, e->from, false, NULL, NULL);
		break;
	}
}

/* ---- the event ---------------------------------------------------------- */

static void event(struct atna_message *m, const struct atna_event *e)
{
	static const struct {
		const char *code, *meaning;
	} id[] = { { "110100", "Application Activity" },
		   { "110101", "Audit Log Used" },
		   { "110106", "Export" },
		   { "110107", "Import" },
		   { "110103", "DICOM Instances Accessed" },
		   { "110104", "DICOM Instances Transferred" },
		   { "110104", "DICOM Instances Transferred" },
		   { "110113", "Security Alert" } };
	const struct atna_act *act = &m->act;
	char count[ATNA_TEXT + 24];

	raw(m, "<EventIdentification");
	attribute(m, "EventActionCode", (char[]){ act->action, '\0' });
	attribute(m, "EventDateTime", e->time);
	number(m, "EventOutcomeIndicator", (uint64_t)act->outcome);
	raw(m, ">");
	dcm(m, "EventID", id[act->kind].code, id[act->kind].meaning);
	if (act->type)
		coded(m, "EventTypeCode", act->type,
		      *act->type == '1' ? "DCM" : OURS, act->meaning);
	if (e->count) {
		snprintf(count, sizeof(count), "%llu %s",
			 (unsigned long long)e->count,
			 act->text ? act->text : "objects");
		raw(m, "<EventOutcomeDescription>");
		text(m, count);
		raw(m, "</EventOutcomeDescription>");
	}
	raw(m, "</EventIdentification>");
}

/* ---- objects ------------------------------------------------------------ */

static void object(struct atna_message *m, const char *id, const char *type,
		   const char *role)
{
	raw(m, "<ParticipantObjectIdentification");
	attribute(m, "ParticipantObjectID", id);
	attribute(m, "ParticipantObjectTypeCode", type);
	if (role)
		attribute(m, "ParticipantObjectTypeCodeRole", role);
	raw(m, ">");
	m->parts++;
}

/* The schema wants a name or a query of every object. */
static void object_name(struct atna_message *m, const char *name)
{
	raw(m, "<ParticipantObjectName>");
	text(m, name);
	raw(m, "</ParticipantObjectName>");
}

static void object_end(struct atna_message *m)
{
	raw(m, "</ParticipantObjectIdentification>");
}

void atna_study(struct atna_message *m, const char *uid, uint64_t first,
		uint64_t last)
{
	char lines[64];

	object(m, uid, "2", "3");
	dcm(m, "ParticipantObjectIDTypeCode", "110180", "Study Instance UID");
	object_name(m, "");
	snprintf(lines, sizeof(lines), "%llu-%llu", (unsigned long long)first,
		 (unsigned long long)last);
	detail(m, "lines", lines);
	raw(m, "<ParticipantObjectDescription>");
}

void atna_sop_class(struct atna_message *m, const char *uid, uint64_t objects)
{
	raw(m, "<SOPClass");
	if (*uid)
		attribute(m, "UID", uid);
	number(m, "NumberOfInstances", objects);
	raw(m, "/>");
	m->parts++;
}

void atna_study_end(struct atna_message *m)
{
	if (strcmp(m->act.act, "deidentified") == 0)
		raw(m, "<Anonymized>true</Anonymized>");
	raw(m, "</ParticipantObjectDescription>");
	object_end(m);
}

/* HL7 V2 (2.7): what separates components is escaped. */
static void hl7(char *out, size_t size, const char *s)
{
	static const char special[] = "|^&~\\", letter[] = "FSTRE";
	size_t n = 0;

	for (; *s && n + 4 < size; s++) {
		const char *at = strchr(special, *s);

		if (at)
			n += (size_t)snprintf(out + n, size - n, "\\%c\\",
					      letter[at - special]);
		else
			out[n++] = *s;
	}
	out[n] = '\0';
}

/* The number alone, or with who gave it as HL7 CX: 17^^^HOSPITAL. */
void atna_patient(struct atna_message *m, const char *id, const char *issuer)
{
	char part[2][512], cx[1100];

	snprintf(cx, sizeof(cx), "%s", id);
	if (issuer && *issuer) {
		hl7(part[0], sizeof(part[0]), id);
		hl7(part[1], sizeof(part[1]), issuer);
		snprintf(cx, sizeof(cx), "%s^^^%s", part[0], part[1]);
	}
	object(m, cx, "1", "1");
	coded(m, "ParticipantObjectIDTypeCode", "2", "RFC-3881",
	      "Patient Number");
	object_name(m, "");
	object_end(m);
}

void atna_object(struct atna_message *m, const uint8_t *digest)
{
	char hex[IMG_DIGEST_HEX];

	img_hex(hex, digest, IMG_DIGEST_SIZE);
	object(m, hex, "2", m->act.kind == ATNA_ALERT ? "13" : "3");
	coded(m, "ParticipantObjectIDTypeCode", "BLAKE2b-256", OURS,
	      "Digest of the object");
	object_name(m, "");
	if (m->act.kind == ATNA_ALERT)
		detail(m, "Alert Description", m->act.text);
	object_end(m);
}

/* What is no object of DICOM: the log, a node. */
static void resource(struct atna_message *m, const struct atna_event *e)
{
	bool node = m->act.kind == ATNA_ALERT && *e->from;

	if (m->act.kind != ATNA_LOG_USED &&
	    (m->act.kind != ATNA_ALERT || m->parts))
		return;
	object(m, node ? e->from : m->log, "2", node ? NULL : "13");
	if (node)
		dcm(m, "ParticipantObjectIDTypeCode", "110182", "Node ID");
	else
		coded(m, "ParticipantObjectIDTypeCode", "12", "RFC-3881",
		      "URI");
	object_name(m, node ? "" : "Security Audit Log");
	if (m->act.kind == ATNA_ALERT)
		detail(m, "Alert Description", m->act.text);
	object_end(m);
}

/* ---- the line ----------------------------------------------------------- */

void atna_begin(struct atna_message *m, const struct atna_event *e)
{
	char head[64];

	m->act = atna_act(e->act, *e->from);
	m->parts = 0;
	img_buf_reset(&m->b);
	snprintf(head, sizeof(head), "<%d>1 ",
		 FACILITY * 8 + (m->act.outcome ? WARNING : NOTICE));
	raw(m, head);
	raw(m, e->time);
	raw(m, " ");
	raw(m, m->host);
	raw(m, " ");
	raw(m, e->by);
	/* PROCID is not known; the byte order mark is RFC 5424's. */
	raw(m, " - DICOM+RFC3881 - \xEF\xBB\xBF"
	       "<?xml version=\"1.0\" encoding=\"UTF-8\"?><AuditMessage>");
	event(m, e);
	participants(m, e);
	raw(m, "<AuditSourceIdentification");
	attribute(m, "AuditSourceID", m->host);
	raw(m, "><AuditSourceTypeCode csd-code=\"4\"/>"
	       "</AuditSourceIdentification>");
}

void atna_end(struct atna_message *m, const struct atna_event *e)
{
	resource(m, e);
	raw(m, "</AuditMessage>\n");
}
