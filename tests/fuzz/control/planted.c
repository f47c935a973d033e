/*
 * planted.c - a fuzz target with a mistake of each kind behind three letters,
 * for run.sh control: what is not found here proves nothing elsewhere.
 *
 * PLANTED: over (a byte behind its memory), lost, shift, hang, oracle.
 */
#include "../fuzz.h"

static char *volatile place;
static volatile int number = 40;

static void err_in(const char *what)
{
	place = malloc(64);
	if (!place)
		return;
	memset(place, 0, 64);
	if (strcmp(what, "over") == 0)
		place[number + 24] = 'x';
	if (strcmp(what, "shift") == 0)
		place[0] = (char)(1 << number);
	while (strcmp(what, "hang") == 0)
		number = 40;
	if (strcmp(what, "oracle") == 0)
		fuzz_wrong("planted", NULL);
	if (strcmp(what, "lost") != 0)
		free(place);
	place = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *what = getenv("PLANTED");

	if (what && size > 2 && data[0] == 'B' && data[1] == 'A' &&
	    data[2] == 'D')
		err_in(what);
	return 0;
}
