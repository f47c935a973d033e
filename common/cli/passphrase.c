/* passphrase.c - a passphrase from the descriptor that an option names. */
#include <string.h>

#include "cli/cli.h"
#include "crypto/crypto.h"

static int read_text(struct img_passphrase **p, int fd, size_t most,
		     struct img_err *err)
{
	if (img_crypto_init(err) < 0 ||
	    img_passphrase_read(p, fd, 1, most, err) < 0)
		return -1;
	if (strlen((*p)->text) == (*p)->n)
		return 0;
	img_passphrase_free(*p);
	*p = NULL;
	return img_err_set(err, IMG_E_USAGE,
			   "a passphrase is one line of text");
}

int img_cli_passphrase(struct img_passphrase **p, uint64_t fd, size_t most,
		       struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	*p = NULL;
	if (fd == UINT64_MAX || read_text(p, (int)fd, most, &why) == 0)
		return 0;
	return img_err_set(err, why.code, "--passphrase-fd: %s", why.text);
}
