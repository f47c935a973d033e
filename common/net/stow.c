/* stow.c - objects to a DICOMweb server: STOW-RS, PS3.18 10.5. */
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "net/inside.h"

#define ANSWER_MAX (1024u * 1024)
#define SHORT_MAX  65536L /* bytes of a body */
#define BOUNDARY   "imgtools-2f4c1e90b7"

static const char before[] = "--" BOUNDARY "\r\n"
			     "Content-Type: application/dicom\r\n\r\n";
static const char after[] = "\r\n--" BOUNDARY "--\r\n";

struct img_stow {
	CURL *curl;
	struct curl_slist *headers;
	struct img_buf answer, secret;
	char error[CURL_ERROR_SIZE];
	/* the object in hand: parts of the body, in order */
	const void *part[3];
	size_t part_n[3];
	const struct img_scu_data *data; /* between the second and the third */
	uint64_t at, length;             /* of the body */
	unsigned seconds;                /* for an answer, once all has gone */
	long room;                       /* of curl's for what it sends */
	double until;
	struct img_err failed;
};

/* ---- opening ---------------------------------------------------------- */

static void start_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int add_header(struct img_stow *s, const char *text, struct img_err *err)
{
	struct curl_slist *l = curl_slist_append(s->headers, text);

	if (!l)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	s->headers = l;
	return 0;
}

/* What it may be of (RFC 6750, 2.1), so no line of it is a header too. */
static bool is_token(const char *t)
{
	size_t n = strspn(t, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/"
			     "abcdefghijklmnopqrstuvwxyz");

	return n && !t[n + strspn(t + n, "=")];
}

static int add_token(struct img_stow *s, const char *file, struct img_err *err)
{
	static const char bearer[] = "Authorization: Bearer ";
	struct img_buf line;
	int rc = -1;

	img_buf_init(&line, 16384);
	if (img_buf_puts(&line, bearer, err) < 0 ||
	    img_net_read_secret(file, &line, err) < 0)
		goto out;
	if (strlen(line.data) != line.len ||
	    !is_token(line.data + sizeof(bearer) - 1))
		img_err_set(err, IMG_E_MALFORMED, "%s: not a bearer token",
			    file);
	else
		rc = add_header(s, line.data, err);
out:
	img_net_release_secret(&line);
	return rc;
}

static int identify(struct img_stow *s, const struct img_peer *p,
		    struct img_err *err)
{
	if (*p->token_file && add_token(s, p->token_file, err) < 0)
		return -1;
	if (*p->passcode_file &&
	    img_net_read_secret(p->passcode_file, &s->secret, err) < 0)
		return -1;
	if (*p->user) {
		curl_easy_setopt(s->curl, CURLOPT_USERNAME, p->user);
		curl_easy_setopt(s->curl, CURLOPT_PASSWORD,
				 img_buf_str(&s->secret));
	}
	return 0;
}

static size_t take_answer(char *p, size_t size, size_t n, void *arg)
{
	struct img_stow *s = arg;
	struct img_err full = IMG_ERR_INIT;

	return img_buf_add(&s->answer, p, size * n, &full) < 0 ? 0 : size * n;
}

static size_t give_part(struct img_stow *s, char *p, size_t room)
{
	uint64_t at = s->at;

	for (size_t i = 0; i < 3; i++) {
		if (i == 2) {
			if (at < s->data->length) {
				uint64_t left = s->data->length - at;
				size_t n = left < room ? (size_t)left : room;

				if (s->data->next(s->data->arg, p, n,
						  &s->failed) < 0)
					return CURL_READFUNC_ABORT;
				return n;
			}
			at -= s->data->length;
		}
		if (at < s->part_n[i]) {
			size_t n = s->part_n[i] - (size_t)at;

			n = n < room ? n : room;
			memcpy(p, (const char *)s->part[i] + at, n);
			return n;
		}
		at -= s->part_n[i];
	}
	return 0;
}

static size_t give(char *p, size_t size, size_t n, void *arg)
{
	struct img_stow *s = arg;
	size_t got = give_part(s, p, size * n);

	if (got != CURL_READFUNC_ABORT)
		s->at += got;
	s->until = img_time_mono() + s->seconds;
	return got;
}

/* An answer that comes a byte at a time is none. */
static int look_at_clock(void *arg, curl_off_t down, curl_off_t had,
			 curl_off_t up, curl_off_t gone)
{
	struct img_stow *s = arg;

	(void)down, (void)had, (void)up, (void)gone;
	if (s->at < s->length || img_time_mono() < s->until)
		return 0;
	img_err_set(&s->failed, IMG_E_TRANSPORT,
		    "no whole answer from the peer in %u s", s->seconds);
	return 1;
}

static void set_tls(CURL *c, const struct img_peer *p)
{
	curl_easy_setopt(c, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	if (*p->ca) {
		struct stat sb;
		bool folder = stat(p->ca, &sb) == 0 && S_ISDIR(sb.st_mode);

		/* What is not set here is the system's, and trusted as well. */
		curl_easy_setopt(c, CURLOPT_CAINFO, folder ? NULL : p->ca);
		curl_easy_setopt(c, CURLOPT_CAPATH, folder ? p->ca : NULL);
	}
	if (*p->certificate) {
		curl_easy_setopt(c, CURLOPT_SSLCERT, p->certificate);
		curl_easy_setopt(c, CURLOPT_SSLKEY, p->key);
	}
}

static void set_all(struct img_stow *s, const struct img_peer *p,
		    const struct img_scu_opts *o, uint64_t rate)
{
	CURL *c = s->curl;

	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, p->tls ? "https" : "http");
	curl_easy_setopt(c, CURLOPT_POST, 1L);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, s->headers);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)o->connect_seconds);
	/* Less than a byte a second in this time is nothing. */
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)o->dimse_seconds);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(c, CURLOPT_READDATA, s);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, look_at_clock);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, s);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->error);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "imgsend/" IMG_VERSION);
	if (rate)
		curl_easy_setopt(c, CURLOPT_MAX_SEND_SPEED_LARGE,
				 (curl_off_t)rate);
	set_tls(c, p);
}

int img_stow_open(struct img_stow **out, const struct img_peer *p,
		  const struct img_scu_opts *o, uint64_t rate,
		  struct img_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct img_stow *s = calloc(1, sizeof(*s));
	char url[IMG_PATH_MAX + 16];

	*out = NULL;
	if (!s)
		return img_err_set(err, IMG_E_NOMEM, "out of memory");
	pthread_once(&once, start_curl);
	s->seconds = o->dimse_seconds;
	img_buf_init(&s->answer, ANSWER_MAX);
	img_buf_init(&s->secret, 4096);
	s->curl = curl_easy_init();
	if (!s->curl) {
		img_err_set(err, IMG_E_NOMEM, "out of memory");
		goto fail;
	}
	snprintf(url, sizeof(url), "%s/studies", p->url);
	if (add_header(s,
		       "Content-Type: multipart/related; "
		       "type=\"application/dicom\"; boundary=" BOUNDARY,
		       err) < 0 ||
	    add_header(s, "Accept: application/dicom+json", err) < 0 ||
	    add_header(s, "Expect:", err) < 0 || identify(s, p, err) < 0)
		goto fail;
	set_all(s, p, o, rate);
	curl_easy_setopt(s->curl, CURLOPT_URL, url);
	*out = s;
	return 0;
fail:
	img_stow_close(s);
	return -1;
}

void img_stow_close(struct img_stow *s)
{
	if (!s)
		return;
	if (s->curl)
		curl_easy_cleanup(s->curl);
	for (struct curl_slist *l = s->headers; l; l = l->next)
		explicit_bzero(l->data, strlen(l->data)); /* one is a secret */
	curl_slist_free_all(s->headers);
	img_net_release_secret(&s->secret);
	img_buf_release(&s->answer);
	free(s);
}

/* ---- an object -------------------------------------------------------- */

/* The first value of an attribute of the answer that is a number, such as
   FailureReason (0008,1197); 0: there is none (PS3.18 F.2). */
static unsigned number_of(const struct img_buf *answer, const char *tag)
{
	const char *p = strstr(img_buf_str(answer), tag);

	p = p ? strstr(p, "\"Value\"") : NULL;
	p = p ? strpbrk(p, "[}") : NULL;
	if (!p || *p != '[')
		return 0;
	/* Some write it as a text. */
	return (unsigned)strtoul(p + 1 + strspn(p + 1, " \r\n\t\""), NULL, 10) &
	       0xFFFF;
}

/* Whether FailedSOPSequence (0008,1198) has an item, in JSON or in XML: there
   was one object to fail. */
static bool has_failed(const char *answer)
{
	const char *p = strstr(answer, "\"00081198\"");

	p = p ? strpbrk(p, "[}<") : NULL;
	if (!p || *p != '[')
		return p && strncmp(p, "<Item", 5) == 0;
	return p[1 + strspn(p + 1, " \r\n\t")] != ']';
}

/* Why it was not stored, or with what warning; 0: it was, and without. */
static unsigned reason_of(const struct img_buf *answer)
{
	unsigned reason = number_of(answer, "\"00081197\"");

	/* Failed without saying why is failed. */
	if (has_failed(img_buf_str(answer)))
		return !reason || reason >> 12 == 0xB ? 0x0110 : reason;
	return reason ? reason : number_of(answer, "\"00081196\"");
}

/* Whether an answer has this UID, and not one that only begins so. */
static bool has_uid(const char *answer, const char *uid)
{
	static const char more[] = "0123456789.";
	size_t n = strlen(uid);
	const char *p = answer;

	while ((p = strstr(p, uid)) != NULL) {
		bool begins = p == answer || !strchr(more, p[-1]);

		if (begins && (!p[n] || !strchr(more, p[n])))
			return true;
		p++;
	}
	return false;
}

static int transport(struct img_stow *s, CURLcode rc, struct img_err *err)
{
	bool tls = rc == CURLE_SSL_CONNECT_ERROR ||
		   rc == CURLE_PEER_FAILED_VERIFICATION ||
		   rc == CURLE_SSL_CERTPROBLEM ||
		   rc == CURLE_SSL_CACERT_BADFILE;

	if (s->failed.code != IMG_OK)
		return img_err_set(err, s->failed.code, "%s", s->failed.text);
	return img_err_set(err, tls ? IMG_E_REFUSED : IMG_E_TRANSPORT, "%.200s",
			   *s->error ? s->error : curl_easy_strerror(rc));
}

/* Half a MiB at once goes fastest, and is not wanted for what is short. */
static void give_room(struct img_stow *s)
{
	const long room = s->length > (uint64_t)SHORT_MAX ? 524288L : SHORT_MAX;

	if (room <= s->room)
		return;
	curl_easy_setopt(s->curl, CURLOPT_UPLOAD_BUFFERSIZE, room);
	s->room = room;
}

int img_stow_store(struct img_stow *s, const char *sop, const void *head,
		   size_t head_n, const struct img_scu_data *data, int *http,
		   unsigned *reason, struct img_err *err)
{
	long code = 0;
	CURLcode rc;

	s->part[0] = before;
	s->part_n[0] = sizeof(before) - 1;
	s->part[1] = head;
	s->part_n[1] = head_n;
	s->part[2] = after;
	s->part_n[2] = sizeof(after) - 1;
	s->data = data;
	s->at = 0;
	s->length = s->part_n[0] + head_n + data->length + s->part_n[2];
	s->until = img_time_mono() + s->seconds;
	*s->error = '\0';
	img_err_clear(&s->failed);
	img_buf_reset(&s->answer);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE_LARGE,
			 (curl_off_t)s->length);
	give_room(s);
	rc = curl_easy_perform(s->curl);
	if (rc != CURLE_OK)
		return transport(s, rc, err);
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &code);
	*http = (int)code;
	/* It cannot have stored what it did not have. */
	if (code / 100 == 2 && s->at < s->length)
		return img_err_set(err, IMG_E_TRANSPORT,
				   "the peer answers with success before it "
				   "has all bytes");
	if (code / 100 == 2 && !has_uid(img_buf_str(&s->answer), sop))
		*http = 0;
	*reason = reason_of(&s->answer);
	return 0;
}

double img_stow_retry_after(const struct img_stow *s)
{
	curl_off_t seconds = 0;

	if (curl_easy_getinfo(s->curl, CURLINFO_RETRY_AFTER, &seconds) !=
		    CURLE_OK ||
	    seconds < 0)
		return 0;
	return (double)seconds;
}
