/*
 * faulty - a mistake of each kind that the sanitizers and valgrind are there
 * for: they must tell, or they prove nothing.
 *
 *	faulty [jail] unset	asks what was never set
 *	faulty [jail] over	writes a byte behind its memory
 *	faulty [jail] lost	forgets where its memory is
 *	faulty shift		undefined: shifts an int by 40
 *	faulty race		two threads at one number
 *	faulty none		nothing of that
 *
 * jail: in a jailed process.  The status is 0 when nobody says otherwise.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jail/jail.h"

static volatile int number = 40;

static void *count(void *arg)
{
	for (int i = 0; i < 1000; i++)
		number++;
	return arg;
}

static void race(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, count, NULL) != 0)
		exit(3);
	count(NULL);
	pthread_join(t, NULL);
}

/* The optimizer shall not see through it. */
static char *volatile place;

static int err_in(const char *what)
{
	place = malloc(64);
	if (!place)
		return 3;
	if (strcmp(what, "unset") == 0 && place[number % 8] == 'x')
		number = 0;
	if (strcmp(what, "over") == 0)
		place[number + 24] = 'x';
	if (strcmp(what, "shift") == 0)
		place[0] = (char)(1 << number);
	if (strcmp(what, "race") == 0)
		race();
	if (strcmp(what, "lost") != 0)
		free(place);
	place = NULL;
	return 0;
}

static int jailed(int fd, void *arg)
{
	(void)fd;
	return err_in(arg);
}

int main(int argc, char **argv)
{
	struct img_jail_limits limits = { 0 };
	struct img_err err = IMG_ERR_INIT;
	struct img_jail *jail = NULL;
	struct img_jail_worker worker;
	int rc;

	if (argc == 2)
		return err_in(argv[1]);
	if (argc != 3 || strcmp(argv[1], "jail") != 0)
		return 64;
	rc = img_jail_open(&jail, jailed, argv[2], &limits, &err);
	if (rc == 0)
		rc = img_jail_start(jail, &worker, &err);
	if (rc == 0)
		rc = img_jail_end(&worker, 60, argv[2], &err);
	img_jail_close(jail);
	if (rc < 0)
		fprintf(stderr, "faulty: %s\n", err.text);
	return rc < 0 ? 3 : rc;
}
