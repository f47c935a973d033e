/* wait.c - for other writers of the catalog. */
#include <unistd.h>

#include "catalog/inside.h"

#define BUSY_SECONDS 30
#define STOP_SECONDS 5

/* SQLite asks, the nth time for this lock, whether to try again. */
static int wait_on(void *arg, int n)
{
	struct img_catalog *c = arg;
	double now = img_time_mono(), most = BUSY_SECONDS;

	if (!n)
		c->waits_since = now;
	if (c->stopped && c->stopped(c->stopped_arg))
		most = STOP_SECONDS;
	if (now - c->waits_since >= most)
		return 0;
	usleep(n < 10 ? 2000 * (n + 1) : 50000);
	return 1;
}

void img_catalog_be_patient(struct img_catalog *c)
{
	sqlite3_busy_handler(c->db, wait_on, c);
}

void img_catalog_host(struct img_catalog *c, bool (*stopped)(void *arg),
		      void *arg)
{
	c->stopped = stopped;
	c->stopped_arg = arg;
}
