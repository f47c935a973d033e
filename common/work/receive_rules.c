/* receive_rules.c - who may come, and who may say who it is. */
#include "work/receive_private.h"

static void take(struct img_receive *r, struct img_access *access,
		 struct img_users *users)
{
	struct img_access *old;
	struct img_users *gone;

	pthread_mutex_lock(&r->lock);
	old = r->access;
	gone = r->users;
	r->access = access;
	r->users = users;
	pthread_mutex_unlock(&r->lock);
	img_access_free(old);
	img_users_free(gone);
}

int img_receive_rules(struct img_receive *r,
		      const struct img_receive_rules *rules,
		      struct img_err *err)
{
	struct img_access *access = NULL;
	struct img_users *users = NULL;
	int rc = 0;

	if (img_access_load(&access, rules->allow, rules->n_allow,
			    rules->allow_file, err) < 0)
		return -1;
	if (img_access_pins(access) && !rules->certificates)
		rc = img_err_set(err, IMG_E_USAGE,
				 "rules with certificates want --tls-ca");
	else if (rules->users)
		rc = img_users_read(&users, rules->users, err);
	if (rc == 0 && r) {
		take(r, access, users);
		return 0;
	}
	img_access_free(access);
	img_users_free(users);
	return rc;
}
