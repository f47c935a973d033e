/* imgsend - images to a DICOM peer, each with a record of what became of it. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "work/send.h"

static const char *dir, *connect_to, *aet, *window;
static bool echo, again, commit, tls, allow_lossy;
static const char *ca, *certificate, *key, *pin, *user, *passcode_file;
static uint64_t jobs = 1, retries = 3, rate, commit_port;
static uint64_t connect_s = 10, assoc_s = 30, dimse_s = 60, commit_s = 60;

static const struct img_opt opts[] = {
	IMG_OPT_CATALOG(&dir),
	{ 'c', "connect", "peer", "AET@host:port, https://..., or a name",
	  IMG_OPT_STRING, &connect_to, NULL, 0 },
	{ 'a', "aet", "AET", "our AE title [IMGSEND]", IMG_OPT_STRING, &aet,
	  NULL, 0 },
	{ 'j', "jobs", "n", "associations side by side [1]", IMG_OPT_U64, &jobs,
	  NULL, 16 },
	{ 0, "echo", NULL, "only ask whether the peer is there (C-ECHO)",
	  IMG_OPT_FLAG, &echo, NULL, 0 },
	{ 0, "allow-lossy", NULL, "decode also what was compressed with loss",
	  IMG_OPT_FLAG, &allow_lossy, NULL, 0 },
	{ 0, "again", NULL, "send also what the ledger says the peer has",
	  IMG_OPT_FLAG, &again, NULL, 0 },
	{ 0, "commit", NULL, "have the peer vouch for what it stores",
	  IMG_OPT_FLAG, &commit, NULL, 0 },
	{ 0, "commit-port", "n", "where the peer may report on that, too",
	  IMG_OPT_U64, &commit_port, NULL, 65535 },
	{ 0, "commit-timeout", "s", "for its answer to that [60]", IMG_OPT_U64,
	  &commit_s, NULL, 86400 },
	{ 0, "tls", NULL, "TLS, and nothing else", IMG_OPT_FLAG, &tls, NULL,
	  0 },
	{ 0, "ca", "file", "certificates trusted instead of the system's",
	  IMG_OPT_STRING, &ca, NULL, 0 },
	{ 0, "certificate", "file", "our own certificate", IMG_OPT_STRING,
	  &certificate, NULL, 0 },
	{ 0, "key", "file", "the key to it", IMG_OPT_STRING, &key, NULL, 0 },
	{ 0, "pin", "sha256", "the peer's certificate and no other",
	  IMG_OPT_STRING, &pin, NULL, 0 },
	{ 0, "user", "name", "who we say we are (user identity)",
	  IMG_OPT_STRING, &user, NULL, 0 },
	{ 0, "passcode-file", "file", "what proves it; needs TLS",
	  IMG_OPT_STRING, &passcode_file, NULL, 0 },
	{ 0, "retries", "n", "of an object or association [3]", IMG_OPT_U64,
	  &retries, NULL, 1000 },
	{ 0, "connect-timeout", "s", "for the connection [10]", IMG_OPT_U64,
	  &connect_s, NULL, 86400 },
	{ 0, "assoc-timeout", "s", "for the association [30]", IMG_OPT_U64,
	  &assoc_s, NULL, 86400 },
	{ 0, "timeout", "s", "for the answer to an object [60]", IMG_OPT_U64,
	  &dimse_s, NULL, 86400 },
	{ 0, "limit-rate", "size", "bytes a second at most", IMG_OPT_SIZE,
	  &rate, NULL, 0 },
	{ 0, "window", "hh:mm-hh:mm", "send only at this time of the day",
	  IMG_OPT_STRING, &window, NULL, 0 },
	IMG_OPT_END
};

/* ---- host ------------------------------------------------------------- */

/* With --commit an answer is not enough. */
static bool is_unproved(const struct img_record *rec)
{
	for (size_t i = 0; commit && i < rec->warnings; i++)
		if (strncmp(rec->warning[i], "unproved:", 9) == 0)
			return true;
	return false;
}

static bool ignored, other; /* records of that status, and of others */

static int emit(void *arg, const struct img_record *rec)
{
	if (rec->error.code == IMG_OK && img_record_has_status(rec, "ignored"))
		ignored = true;
	else
		other = true;
	/* Not everything that was named has gone out. */
	if (is_unproved(rec) ||
	    img_record_has_status(rec, "withheld missing invalid"))
		img_cli_no(arg);
	return img_cli_emit(arg, rec);
}

/* ---- options ---------------------------------------------------------- */

/* 18:00-07:00 and nothing behind it. */
static bool parse_window(struct img_send_opts *o)
{
	unsigned h[2], m[2];
	int n = 0;

	if (!window)
		return true;
	if (sscanf(window, "%2u:%2u-%2u:%2u%n", &h[0], &m[0], &h[1], &m[1],
		   &n) != 4 ||
	    window[n] || h[0] > 23 || m[0] > 59 || h[1] > 23 || m[1] > 59)
		return false;
	o->from = (int)(h[0] * 60 + m[0]);
	o->until = (int)(h[1] * 60 + m[1]);
	return o->from != o->until;
}

static void check(struct img_cli *cli, int argc)
{
	if (!connect_to)
		img_cli_usage(cli, "-c says which peer to send to");
	if (echo && argc)
		img_cli_usage(cli, "--echo takes no operands");
	if (commit_port && !commit)
		img_cli_usage(cli, "--commit-port is for --commit");
	if (aet && !img_aet_ok(aet))
		img_cli_usage(cli, "-a: " IMG_AET_RULE);
	if (!connect_s || !assoc_s || !dimse_s || !jobs)
		img_cli_usage(cli, "-j and timeouts are at least 1");
}

static int make_opts(struct img_cli *cli, struct img_send_opts *o,
		     struct img_err *err)
{
	o->jobs = (unsigned)jobs;
	o->retries = (unsigned)retries;
	o->connect_seconds = (unsigned)connect_s;
	o->assoc_seconds = (unsigned)assoc_s;
	o->dimse_seconds = (unsigned)dimse_s;
	o->rate = rate;
	o->again = again;
	o->allow_lossy = allow_lossy;
	if (!parse_window(o))
		img_cli_usage(cli,
			      "--window: '%s' is no time of the day; "
			      "18:00-07:00 is",
			      window);
	o->commit = commit;
	o->commit_port = commit ? (uint16_t)commit_port : 0;
	o->commit_seconds = (unsigned)commit_s;
	if (img_peer_get(&o->peer, o->archive, connect_to, err) < 0 ||
	    img_peer_set(&o->peer, "calling", aet, err) < 0 ||
	    img_peer_set(&o->peer, "ca", ca, err) < 0 ||
	    img_peer_set(&o->peer, "certificate", certificate, err) < 0 ||
	    img_peer_set(&o->peer, "key", key, err) < 0 ||
	    img_peer_set(&o->peer, "pin", pin, err) < 0 ||
	    img_peer_set(&o->peer, "user", user, err) < 0 ||
	    img_peer_set(&o->peer, "passcode_file", passcode_file, err) < 0)
		return -1;
	o->peer.tls |= tls;
	if (*o->peer.url && (echo || commit))
		img_cli_usage(cli, "--echo and --commit are not for https");
	return img_peer_check(&o->peer, err);
}

/* ---- work ------------------------------------------------------------- */

static int input(void *arg, const struct img_input *in, struct img_err *err)
{
	return in->rec ? img_send_record(arg, in->rec, err)
		       : img_send_text(arg, in->text, err);
}

static int ask(struct img_cli *cli, const struct img_send_opts *o,
	       struct img_err *err)
{
	struct img_err why;
	double seconds = 0;

	cli->verbs = NULL;
	if (img_send_echo(o, &seconds, err) < 0) {
		why = *err;
		if (!strstr(why.text, o->peer.host)) {
			img_err_clear(err);
			img_err_set(err, why.code, "%.100s: %.380s",
				    o->peer.name, why.text);
		}
		return -1;
	}
	if (!cli->quiet)
		img_cli_warn(cli, "%s answers, %.0f ms", o->peer.name,
			     seconds * 1000);
	return 0;
}

static int run(struct img_cli *cli, int argc, char **argv, struct img_err *err)
{
	const struct img_send_host host = { emit, img_cli_host_note,
					    img_cli_host_progress,
					    img_cli_host_stopped, cli };
	static struct img_send_opts o;
	struct img_send *s = NULL;
	char archive[IMG_PATH_MAX];
	int rc;

	o.archive = archive;
	if (img_cli_catalog_dir(dir, archive, err) < 0 ||
	    make_opts(cli, &o, err) < 0)
		return -1;
	if (echo)
		return ask(cli, &o, err);
	img_cli_wait(cli, argc, argv);
	if (img_send_open(&s, &o, &host, err) < 0)
		return -1;
	rc = img_cli_each(cli, argc, argv, input, s, err);
	if (rc == 0)
		rc = img_send_finish(s, err);
	if (ignored && !other)
		img_cli_no(cli);
	img_send_close(s);
	return rc;
}

int main(int argc, char **argv)
{
	struct img_cli cli =
		IMG_CLI("imgsend", "-c peer [options] [path | uid ...]",
			"send images to a DICOM peer", opts);
	struct img_err err = IMG_ERR_INIT;

	cli.verbs = "sent committed skipped refused ignored";
	cli.examples = "imgsend -c PACS@pacs.example:104 --echo\n"
		       "imgquery PatientID=TEST-0001 | imgsend -c pacs1\n"
		       "imgsend -c PACS@pacs.example:104 -j 4 /mnt/trial\n";
	img_cli_parse(&cli, &argc, &argv);
	check(&cli, argc);
	if (run(&cli, argc, argv, &err) < 0 && !img_cli_stopped(&cli))
		img_cli_fail(&cli, &err);
	img_cli_want(&cli);
	return img_cli_finish(&cli);
}
