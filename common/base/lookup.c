/* lookup.c - the addresses of a host.  A name server that does not answer holds
   getaddrinfo() for as long as resolv.conf says, so that a thread asks, and is
   left alone when the time is over. */
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base.h"

struct lookup {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	char *host, *service;
	struct addrinfo *found;
	int e;           /* EAI_ */
	bool done, left; /* nobody waits any more */
};

static void lookup_free(struct lookup *l)
{
	if (l->found)
		freeaddrinfo(l->found);
	pthread_cond_destroy(&l->answered);
	pthread_mutex_destroy(&l->lock);
	free(l->host);
	free(l->service);
	free(l);
}

static struct lookup *lookup_new(const char *host, const char *service)
{
	struct lookup *l = calloc(1, sizeof(*l));
	pthread_condattr_t mono;

	if (!l)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&l->answered, &mono);
	pthread_condattr_destroy(&mono);
	l->host = strdup(host);
	l->service = strdup(service);
	if (l->host && l->service)
		return l;
	lookup_free(l);
	return NULL;
}

static int ask(const char *host, const char *service, int flags,
	       struct addrinfo **found)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICSERV | flags };

	return getaddrinfo(host, service, &hints, found);
}

static void *run(void *arg)
{
	struct lookup *l = arg;
	struct addrinfo *found = NULL;
	int e = ask(l->host, l->service, 0, &found);
	bool left;

	pthread_mutex_lock(&l->lock);
	l->e = e;
	l->found = e == 0 ? found : NULL;
	l->done = true;
	left = l->left;
	pthread_cond_signal(&l->answered);
	pthread_mutex_unlock(&l->lock);
	if (left)
		lookup_free(l);
	return NULL;
}

/* Whether it has; if not, it is the thread's from now on. */
static bool is_answered(struct lookup *l, double until)
{
	struct timespec t = { .tv_sec = (time_t)until };
	bool done;
	int e = 0;

	t.tv_nsec = (long)((until - (double)t.tv_sec) * 1e9);
	pthread_mutex_lock(&l->lock);
	while (!l->done && e == 0)
		e = pthread_cond_timedwait(&l->answered, &l->lock, &t);
	done = l->done;
	l->left = !done;
	pthread_mutex_unlock(&l->lock);
	return done;
}

int img_lookup(const char *host, const char *service, double until,
	       struct addrinfo **found, struct img_err *err)
{
	struct lookup *l;
	int e = ask(host, service, AI_NUMERICHOST, found);

	if (e == 0)
		return 0;
	l = lookup_new(host, service);
	e = l ? img_thread_apart(run, l, 0) : ENOMEM;
	if (e) {
		if (l)
			lookup_free(l);
		errno = e;
		return img_err_sys(err, "%s", host);
	}
	if (!is_answered(l, until))
		return img_err_set(err, IMG_E_TRANSPORT,
				   "%s: no answer of a name server in time",
				   host);
	e = l->e;
	*found = l->found;
	l->found = NULL;
	lookup_free(l);
	return e ? img_err_set(err, IMG_E_TRANSPORT, "%s: %s", host,
			       gai_strerror(e))
		 : 0;
}
