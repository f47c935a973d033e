/* uid.c - UIDs (PS3.5 9.1) and names of the registered ones (PS3.6 A-1). */
#include <stdlib.h>
#include <string.h>

#include "dicom/dicom.h"

bool img_uid_ok(const char *uid)
{
	size_t n = strlen(uid), i = 0;

	if (n == 0 || n > 64)
		return false;
	for (;;) {
		size_t digits = strspn(uid + i, "0123456789");

		if (digits == 0 || (digits > 1 && uid[i] == '0'))
			return false;
		i += digits;
		if (uid[i] == '\0')
			return true;
		if (uid[i++] != '.')
			return false;
	}
}

const char *img_uid_name(const char *uid)
{
	const struct img_ts *ts = img_ts_find(uid);

	return ts ? ts->name : NULL;
}
