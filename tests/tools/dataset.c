/* dataset - of each file: SOP instance, transfer syntax and the digest of the
   data set as it goes to a peer: what lies behind the file meta information,
   without what follows its last element; a deflated one gets the zero byte
   that makes its length even (PS3.5 A.5).  With -p as first operand, its path
   behind a tab. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "dicom/dicom.h"

static bool paths;

static int one(struct img_dicom_reader *r, const char *file)
{
	const uint32_t tag = IMG_TAG(0x0008, 0x0018);
	static uint8_t block[1 << 16];
	const struct img_dicom_facts *f;
	struct img_dicom_pick sop;
	struct img_err err = IMG_ERR_INIT;
	uint8_t digest[IMG_DIGEST_SIZE];
	char hex[IMG_DIGEST_HEX], uid[IMG_UID_MAX] = "";
	struct img_digest d;
	struct stat st;
	off_t at, end;
	ssize_t n = 0;
	int fd = open(file, O_RDONLY);

	if (fd < 0 || fstat(fd, &st) < 0 ||
	    img_dicom_start_fd(r, fd, (uint64_t)st.st_size, file, NULL, &err) <
		    0 ||
	    img_dicom_pick(r, &tag, 1, &sop, &err) < 0) {
		fprintf(stderr, "dataset: %s: %s\n", file, err.text);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (sop.p)
		snprintf(uid, sizeof(uid), "%.*s", (int)sop.length,
			 (const char *)sop.p);
	uid[strcspn(uid, " ")] = '\0';
	f = img_dicom_facts(r);
	img_digest_init(&d);
	end = f->deflated ? st.st_size : (off_t)f->end;
	for (at = (off_t)f->dataset; at < end; at += n) {
		size_t want = (size_t)(end - at);

		n = img_pread_full(fd, block,
				   want < sizeof(block) ? want : sizeof(block),
				   at);
		if (n <= 0)
			break;
		img_digest_add(&d, block, (size_t)n);
	}
	if (f->deflated && (end - (off_t)f->dataset) & 1)
		img_digest_add(&d, "", 1);
	img_digest_end(&d, digest);
	img_hex(hex, digest, sizeof(digest));
	close(fd);
	return printf("%s %s %s%s%s\n", *uid ? uid : "-", f->transfer_syntax,
		      hex, paths ? "\t" : "", paths ? file : "") < 0
		       ? -1
		       : 0;
}

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_dicom_reader *r = img_dicom_reader_new(&err);
	int bad = 0;

	if (!r || img_crypto_init(&err) < 0)
		return 3;
	paths = argc > 1 && strcmp(argv[1], "-p") == 0;
	for (int i = 1 + paths; i < argc; i++)
		bad += one(r, argv[i]) < 0;
	img_dicom_reader_free(r);
	return fflush(stdout) != 0 ? 3 : bad ? 2 : 0;
}
