/* since.c - a date, or how long ago, as the catalog writes times. */
#include <string.h>
#include <time.h>

#include "work/find.h"

static bool format(time_t t, char out[IMG_TIME_MAX])
{
	struct tm tm;

	return gmtime_r(&t, &tm) && tm.tm_year >= -1900 && tm.tm_year < 8100 &&
	       strftime(out, IMG_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* What strptime leaves may only be Z, and that with a time. */
static bool parse_date(const char *text, time_t *out)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S",
					     "%Y-%m-%dT%H:%M", "%Y-%m-%d",
					     "%Y%m%d" };
	size_t n = strlen(text);

	if (strspn(text, "0123456789-T:Z") != n)
		return false;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { .tm_isdst = -1 }, same;
		const char *end = strptime(text, forms[i], &tm);

		if (!end || (*end && (strcmp(end, "Z") != 0 || i > 1)))
			continue;
		same = tm;
		*out = *end ? timegm(&tm) : mktime(&tm);
		/* No 31st of June. */
		return *out != (time_t)-1 && same.tm_mday == tm.tm_mday &&
		       same.tm_mon == tm.tm_mon;
	}
	return false;
}

bool img_find_since(const char *text, char out[IMG_TIME_MAX])
{
	uint64_t ago;
	time_t t;

	/* Eight digits are a date, and no three years in seconds. */
	if (strlen(text) >= 8)
		return parse_date(text, &t) && format(t, out);
	/* Without a unit it could be meant as a year. */
	if (strspn(text, "0123456789") == strlen(text) &&
	    strcmp(text, "0") != 0)
		return false;
	return img_parse_duration(text, &ago) &&
	       format(time(NULL) - (time_t)ago, out);
}
