/* thread.c - threads that nobody waits for. */
#include <pthread.h>
#include <signal.h>

#include "base/base.h"

int img_thread_apart(void *(*run)(void *arg), void *arg, size_t stack)
{
	pthread_attr_t attr;
	sigset_t all, was;
	pthread_t thread;
	int e;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	pthread_attr_init(&attr);
	if (stack)
		pthread_attr_setstacksize(&attr, stack);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	e = pthread_create(&thread, &attr, run, arg);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return e;
}
