/* The command fsck: one app, or all of them. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "server/activate.h"
#include "server/admin.h"
#include "server/fsck.h"
#include "wire/words.h"

#define LOCK_SECONDS 2

struct admin_fsck {
	const struct config *c;
	struct store store;
	bool dry_run;
	struct say said;    /* the faults */
	struct say hooks;   /* of a switch that is finished */
	enum status status; /* the first that is not STATUS_OK */
};

static void
print_fault(void *arg, const struct msg_fault *m)
{
	struct admin_fsck *a = arg;
	struct buf line = BUF_INIT;

	buf_addf(&line, "%s: ", a->store.app);
	fault_text(m, a->dry_run, &line);
	say_line(&a->said, buf_str(&line));
	buf_release(&line);
}

/* What nobody can be told is not to be repaired. */
static int
look(void *arg, struct error *err)
{
	const struct admin_fsck *a = arg;

	if (!a->said.lost)
		return 0;
	error_set(err,
		"stopped, so that %s can be deployed: nobody has read "
		"what it found for a minute",
		a->store.app);
	return error_hint(err, "run it with its output in a file");
}

static int
recover(void *arg, struct error *err)
{
	struct admin_fsck *a = arg;
	const struct activate_host host = admin_host(a->c, &a->hooks);

	return activate_recover(&a->store, a->c, &host, err);
}

static void
summarise(const struct admin_fsck *a, const struct fsck_sum *sum)
{
	struct buf text = BUF_INIT;

	fault_sum(sum->faults, sum->left, a->dry_run, &text);
	log_info("%s: %" PRIu64 " files read, %s", a->store.app, sum->files,
		buf_str(&text));
	buf_release(&text);
}

static int
check(struct admin_fsck *a, const char *app, struct error *err)
{
	const struct busy busy = { look, a };
	const struct fsck_options o = { .dry_run = a->dry_run,
		.who = "deployd fsck",
		.wait = LOCK_SECONDS,
		.recover = recover,
		.busy = &busy,
		.fn = print_fault,
		.arg = a };
	struct fsck_sum sum;
	int rc;

	if (admin_open(&a->store, a->c, app, "deployd fsck ", err) < 0)
		return -1;
	rc = fsck_app(&a->store, &o, &sum, err);
	say_end(&a->hooks);
	say_end(&a->said);
	if (rc == 0)
		summarise(a, &sum);
	if (rc == 0 && sum.left && a->status == STATUS_OK)
		a->status = STATUS_LOCAL;
	store_release(&a->store);
	return rc;
}

static void
check_and_say(struct admin_fsck *a, const char *app, bool name)
{
	struct error err = ERROR_INIT;

	if (check(a, app, &err) == 0)
		return;
	if (name)
		error_prefix(&err, "%s: ", app);
	log_error("deployd", &err);
	/* What is left over says less than that it was not looked at. */
	if (a->status == STATUS_OK || a->status == STATUS_LOCAL)
		a->status = err.status;
}

int
admin_fsck(const struct config *c, const char *app, bool dry_run)
{
	struct admin_fsck a = { .c = c,
		.dry_run = dry_run,
		.said.fd = STDOUT_FILENO,
		.hooks.fd = STDERR_FILENO };
	struct error err = ERROR_INIT;
	struct strv apps = STRV_INIT;
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	umask(022);
	if (app && !path_is_app(app))
		error_status(&err, STATUS_USAGE, "'%s' cannot be an app's name",
			app);
	else if (app)
		check_and_say(&a, app, false);
	else if (store_apps(c->root, &apps, &err) == 0)
		for (i = 0; i < apps.n && !a.said.lost; i++)
			check_and_say(&a, apps.v[i], true);
	strv_release(&apps);
	if (!*err.text)
		return (int)a.status;
	log_error("deployd", &err);
	return (int)err.status;
}
