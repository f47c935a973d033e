/* imgrecv - what DICOM peers send, into the archive. */
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "work/receive.h"

#define REPORT_MAX (30 * 86400)

/* In the order of enum img_on_conflict. */
#define HOW "keep|replace|reject"

static bool any_called, no_create, warn_conflict, tls_any_peer;
static const char *dir, *aet = "IMGRECV", *on_conflict = "keep", *allow_file,
			*on_stable, *report_for = "7d";
static uint64_t port = 11112, max_associations = 64, max_per_peer = 16,
		max_bad = 20, max_pdu = 131072, max_object = (uint64_t)1 << 34,
		timeout_request = 10, timeout_idle = 60, timeout_io = 30,
		report_seconds, stable_seconds;
static struct img_list addresses, allow;
static struct img_listen_at at;
static const char *tls_cert, *tls_key, *tls_ca, *users, *new_user;
static char title[IMG_AET_MAX];

static const struct img_opt opts[] = {
	IMG_OPT_CATALOG(&dir),
	{ 0, "no-create", NULL, "make no archive: it must be there",
	  IMG_OPT_FLAG, &no_create, NULL, 0 },
	{ 'p', "port", "n", "port to listen at [11112]; 0: any that is free",
	  IMG_OPT_U64, &port, NULL, 65535 },
	{ 'a', "aet", "title", "what we are called [IMGRECV]", IMG_OPT_STRING,
	  &aet, NULL, 0 },
	{ 0, "listen", "address", "where to listen [this machine only]",
	  IMG_OPT_LIST, &addresses, NULL, 0 },
	{ 0, "allow", "title@address", "who may send [everybody]", IMG_OPT_LIST,
	  &allow, NULL, 0 },
	{ 0, "allow-file", "file", "the same, one a line; read again at HUP",
	  IMG_OPT_STRING, &allow_file, NULL, 0 },
	{ 0, "any-called", NULL, "take associations for other titles, too",
	  IMG_OPT_FLAG, &any_called, NULL, 0 },
	{ 0, "users", "file", "peers have to say who they are; as there",
	  IMG_OPT_STRING, &users, NULL, 0 },
	{ 0, "new-user", "name", "print a line for it: passcode on stdin",
	  IMG_OPT_STRING, &new_user, NULL, 0 },
	{ 0, "tls-cert", "file", "speak TLS: our certificate (PEM)",
	  IMG_OPT_STRING, &tls_cert, NULL, 0 },
	{ 0, "tls-key", "file", "its key", IMG_OPT_STRING, &tls_key, NULL, 0 },
	{ 0, "tls-ca", "file", "who signs the certificates of peers",
	  IMG_OPT_STRING, &tls_ca, NULL, 0 },
	{ 0, "tls-any-peer", NULL, "peers need no certificate", IMG_OPT_FLAG,
	  &tls_any_peer, NULL, 0 },
	{ 0, "on-conflict", "how", "same UID, other bytes: what to do",
	  IMG_OPT_CHOICE, &on_conflict, HOW, 0 },
	{ 0, "warn-conflict", NULL, "answer a conflict with a warning",
	  IMG_OPT_FLAG, &warn_conflict, NULL, 0 },
	{ 0, "on-stable", "time", "say when a study has been quiet so long",
	  IMG_OPT_STRING, &on_stable, NULL, 0 },
	{ 0, "report-for", "time", "how long to try to report commitment [7d]",
	  IMG_OPT_STRING, &report_for, NULL, 0 },
	{ 0, "max-associations", "n", "side by side [64]", IMG_OPT_U64,
	  &max_associations, NULL, 1000 },
	{ 0, "max-per-peer", "n", "side by side from one address [16]",
	  IMG_OPT_U64, &max_per_peer, NULL, 1000 },
	{ 0, "max-bad", "n", "that come to nothing until a peer waits [20]",
	  IMG_OPT_U64, &max_bad, NULL, 1000 },
	{ 0, "max-pdu", "size", "bytes of a PDU [128K]", IMG_OPT_SIZE, &max_pdu,
	  NULL, 0 },
	{ 0, "max-object", "size", "bytes of one object [16G]", IMG_OPT_SIZE,
	  &max_object, NULL, 0 },
	{ 0, "timeout-request", "s", "for the association request [10]",
	  IMG_OPT_U64, &timeout_request, NULL, 3600 },
	{ 0, "timeout-idle", "s", "between two messages [60]", IMG_OPT_U64,
	  &timeout_idle, NULL, 86400 },
	{ 0, "timeout-io", "s", "for a message that has begun [30]",
	  IMG_OPT_U64, &timeout_io, NULL, 3600 },
	IMG_OPT_END
};

static struct img_receive *receiver;
static atomic_bool hup;

static void batch(void *arg, bool begins)
{
	img_cli_hold(arg, begins);
	/* Peers get their answers next: what they rely on is said first. */
	if (!begins)
		img_cli_flush(arg);
}

static void on_hup(int sig)
{
	(void)sig;
	hup = true;
}

/* The rules as they are now; for the receiver, where it is there. */
static int read_rules(struct img_err *err)
{
	const struct img_receive_rules rules = {
		.allow = allow.item,
		.n_allow = allow.n,
		.allow_file = allow_file,
		.users = users,
		.certificates = tls_cert && !tls_any_peer,
	};

	return img_receive_rules(receiver, &rules, err);
}

static bool stopped(void *arg)
{
	struct img_err err = IMG_ERR_INIT;

	if (atomic_exchange(&hup, false) && read_rules(&err) < 0)
		img_cli_warn(arg, "%s; the rules stay as they were", err.text);
	return img_cli_stopped(arg);
}

static void check(struct img_cli *cli, int argc)
{
	if (argc)
		img_cli_usage(cli, "takes no operands");
	if (!img_aet_take(title, aet))
		img_cli_usage(cli, IMG_AET_RULE);
	if (max_pdu < 4096 || max_pdu > 131072)
		img_cli_usage(cli, "--max-pdu is 4K to 128K");
	if (!max_associations || !max_per_peer || !max_object)
		img_cli_usage(cli, "no associations, or objects, at all");
	if (on_stable && (!img_parse_duration(on_stable, &stable_seconds) ||
			  !stable_seconds || stable_seconds > 7 * 86400))
		img_cli_usage(cli, "--on-stable is a time as 60s, up to 7d");
	if (!img_parse_duration(report_for, &report_seconds) ||
	    !report_seconds || report_seconds > REPORT_MAX)
		img_cli_usage(cli, "--report-for is up to 30d");
	if (!tls_cert != !tls_key)
		img_cli_usage(cli, "--tls-cert and --tls-key go together");
	if (tls_cert && !tls_ca == !tls_any_peer)
		img_cli_usage(cli, "TLS wants --tls-ca, or --tls-any-peer");
	if (!tls_cert && (tls_ca || tls_any_peer))
		img_cli_usage(cli, "--tls-cert is missing");
	if (!timeout_request || !timeout_idle || !timeout_io)
		img_cli_usage(cli, "time limits are a second at least");
	at = (struct img_listen_at){ addresses.item, addresses.n,
				     (uint16_t)port, allow.n || allow_file };
}

static int serve(struct img_cli *cli, struct img_listen *l, struct img_err *err)
{
	char name[IMG_ADDRESS_MAX];

	if (read_rules(err) < 0 || img_listen_open(l, &at, err) < 0)
		return -1;
	for (size_t i = 0; i < l->n && !cli->quiet; i++) {
		img_listen_name(l, i, name);
		img_cli_warn(cli, "listening at %s", name);
	}
	img_listen_notify("READY=1");
	return img_receive_serve(receiver, l, err);
}

static int print_user(struct img_cli *cli, struct img_err *err)
{
	char *line = img_users_line(new_user, 0, err);
	int rc = line ? img_cli_emit_text(cli, line, strlen(line)) : -1;

	cli->quiet = true; /* there is nothing to sum up */
	free(line);
	return rc;
}

static int receive(struct img_cli *cli, struct img_err *err)
{
	const struct img_accept_tls_files files = { tls_cert, tls_key, tls_ca,
						    tls_any_peer };
	struct img_receive_opts o = {
		.serve = { (unsigned)timeout_request, (unsigned)timeout_idle,
			   (unsigned)timeout_io, (uint32_t)max_pdu, max_object,
			   NULL },
		.aet = any_called ? NULL : title,
		.max_associations = (unsigned)max_associations,
		.max_per_peer = (unsigned)max_per_peer,
		.max_bad = (unsigned)max_bad,
		.no_create = no_create,
		.lock_seconds = 20,
		.on_conflict =
			(enum img_on_conflict)img_cli_choice(HOW, on_conflict),
		.stable_seconds = (unsigned)stable_seconds,
		.warn_conflict = warn_conflict,
		.report_seconds = report_seconds,
	};
	const struct img_receive_host host = { img_cli_host_emit, batch,
					       img_cli_host_note, stopped,
					       cli };
	struct img_listen l = { .n = 0 };
	char path[IMG_PATH_MAX];
	int rc = -1;

	/* Wrong usage leaves no archive behind. */
	if (read_rules(err) < 0 || img_listen_check(&at, err) < 0 ||
	    (tls_cert && img_accept_tls_open(&o.serve.tls, &files, err) < 0))
		return -1;
	if (img_cli_catalog_dir(dir, path, err) == 0 &&
	    img_receive_open(&receiver, path, &o, &host, err) == 0)
		rc = serve(cli, &l, err);
	img_listen_close(&l);
	img_receive_close(receiver);
	img_accept_tls_close(o.serve.tls);
	return rc;
}

int main(int argc, char **argv)
{
	struct img_cli cli = IMG_CLI("imgrecv", "[options]",
				     "store what DICOM peers send", opts);
	struct sigaction again = { .sa_handler = on_hup };
	struct img_err err = IMG_ERR_INIT;

	cli.verbs = "stored duplicate equivalent conflict rejected stable";
	cli.besides = "stable";
	cli.examples = "imgrecv >records.jsonl\n"
		       "imgrecv -a ARCHIVE --listen 0.0.0.0 --allow "
		       "CT1@10.1.2.3\n"
		       "imgrecv | imgsend -c next\n";
	img_cli_parse(&cli, &argc, &argv);
	check(&cli, argc);
	sigaction(SIGHUP, &again, NULL);
	mallopt(M_ARENA_MAX, 4); /* memory must not grow with threads */
	if ((new_user ? print_user(&cli, &err) : receive(&cli, &err)) < 0)
		img_cli_fail(&cli, &err);
	return img_cli_finish(&cli);
}
