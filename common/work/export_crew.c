/* export_crew.c - several threads deal with the items. */
#include "work/export_private.h"

struct crew {
	struct img_export *x;
	const struct export_volume *v;
	int (*f)(struct img_export *x, unsigned worker, struct export_item *it,
		 void *arg, struct img_err *err);
	void *arg;
	_Atomic size_t next;
	_Atomic unsigned number;
	atomic_bool broken;
	pthread_mutex_t lock;
	struct img_err why;
};

static bool concerns(const struct crew *c, const struct export_item *it)
{
	return (it->state == EX_WANTED || it->state == EX_WRITTEN) &&
	       (!c->v || it->volume == c->v->number);
}

static void *work(void *arg)
{
	struct crew *c = arg;
	unsigned worker = atomic_fetch_add(&c->number, 1);
	struct img_err err = IMG_ERR_INIT;
	size_t i;

	while (!atomic_load(&c->broken) && !export_stopped(c->x) &&
	       (i = atomic_fetch_add(&c->next, 1)) < c->x->items) {
		if (!concerns(c, &c->x->item[i]))
			continue;
		if (c->f(c->x, worker, &c->x->item[i], c->arg, &err) < 0) {
			pthread_mutex_lock(&c->lock);
			if (!atomic_exchange(&c->broken, true))
				c->why = err;
			pthread_mutex_unlock(&c->lock);
		}
	}
	return NULL;
}

int export_each(struct img_export *x, const struct export_volume *v,
		int (*f)(struct img_export *x, unsigned worker,
			 struct export_item *it, void *arg,
			 struct img_err *err),
		void *arg, struct img_err *err)
{
	struct crew c = { .x = x, .v = v, .f = f, .arg = arg };
	pthread_t thread[EXPORT_JOBS];
	unsigned n = 0;

	pthread_mutex_init(&c.lock, NULL);
	while (n + 1 < x->jobs && n + 1 < x->items &&
	       pthread_create(&thread[n], NULL, work, &c) == 0)
		n++;
	work(&c);
	while (n > 0)
		pthread_join(thread[--n], NULL);
	pthread_mutex_destroy(&c.lock);
	if (atomic_load(&c.broken)) {
		*err = c.why;
		return -1;
	}
	return export_stopped(x) ? img_err_set(err, IMG_E_REFUSED, "stopped")
				 : 0;
}
