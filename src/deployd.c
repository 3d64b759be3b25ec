/*
 * deployd: the server's end of deploy, and what an admin does on the box.
 *
 *	server/serve.c      one conversation on standard input and output
 *	  place.c           so many at a time
 *	  apps.c            names of others that a key may see
 *	server/session.c    the loop below it: client, intake, hooks
 *	  session_open.c    the app that it is about
 *	  session_watch.c   whether the client is there, and reads
 *	  session_host.c    as who watches hooks
 *	  term.c            being told to end
 *	server/push.c       the verb push, from request to result
 *	  push_checks.c     limits and guards
 *	  receive.c         what is sent; intake.c the process that decompresses
 *	                    and what it gives up: intake_confine.c
 *	  plan.c            where each file comes from; plan_chunks.c parts of
 *	  assemble.c        large ones, which are put together here
 *	  release.c         what is made of it, and undoing that
 *	  stage.c           next/ becomes the tree, stage_finish.c on disk,
 *	  stage_store.c     a release; what fails is next/ again: recycle.c
 *	  furnish.c copy.c  shared and carried paths; supply.c what to type
 *	  times.c           the stamp S
 *	server/hooks.c      the app's commands and checks
 *	  hook_settings.c   which; hook_environment.c their environment
 *	  surroundings.c    where they run, and a fence around it
 *	  run.c             running one program; keeper.c ends it with deployd
 *	  reach.c http.c    checks without a command
 *	  service.c         the app's systemd unit
 *	server/activate.c   deploys, rollbacks and crashes alike
 *	  activation.c      the switch and switching back
 *	  restart.c         restart and check
 *	  switch_lock.c     waiting for the one before
 *	server/query.c      releases, status, log, rollback, activate
 *	  query_prune.c     prune, pin, unpin
 *	  query_remove.c    remove
 *	  query_fetch.c     fetch
 *	  query_fsck.c      fsck
 *	  query_verify.c    verify: verify.c a tree, built.c less its build
 *	  query_VERB.c      the others
 *	server/admin.c      the same for an admin at the terminal
 *	  admin_fsck.c      fsck, of all apps
 *	  say.c             to whom it is said may pause
 *	server/fsck.c       a store checked and repaired: fsck_PART.c
 *	server/setup.c      what an account needs; account.c
 *	server/doctor.c     what this machine has for safety: doctor_kernel.c
 *	                    doctor_hooks.c doctor_store.c doctor_disk.c
 *	                    doctor_account.c
 *	  exposed.c         who else can change something
 *	server/authorize.c  keys: keyfile.c authorized_keys.c the file's lines
 *	server/store.c      the store on disk; store_names.c record.c history.c
 *	  store_ballast.c   room for a rollback
 *	  store_manifest.c  store_owner.c: whose it is
 *	  prune.c           retention; running.c who uses a release
 *	  room.c            what takes how much room
 *	server/config.c     deployd.conf and who may do what
 *
 * base/, tree/ and wire/ are shared with the client.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "server/admin.h"
#include "server/authorize.h"
#include "server/config.h"
#include "server/doctor.h"
#include "server/reach.h"
#include "server/serve.h"
#include "server/setup.h"

static const char usage_text[] =
	"usage: deployd --serve [--root DIR] [--app A[,B]] "
	"[--allow GROUP,...] [--as NAME] [--hooks none]\n"
	"       deployd [--root DIR] status|releases|prune APP\n"
	"       deployd [--root DIR] fsck [-n] [-q] [APP]\n"
	"       deployd [--root DIR] rollback APP [RELEASE]\n"
	"       deployd authorize KEYFILE|- --app A[,B] --allow GROUP,... "
	"--as NAME\n"
	"                         [--hooks none] [--root DIR] [--replace]\n"
	"       deployd authorize --list\n"
	"       deployd authorize --remove NAME|FINGERPRINT\n"
	"       deployd [--root DIR] setup [--list]\n"
	"       deployd [--root DIR] doctor\n"
	"       deployd --version | --help\n";

struct command {
	bool serve, list, replace, dry_run, quiet;
	const char *root, *app, *allow, *as, *hooks, *remove;
	const char *words[3];
	int n;
	const char *stray; /* what nobody knows */
};

static const struct {
	const char *name;
	size_t offset; /* in struct command: a bool, or a text */
	bool takes_value;
} options[] = {
	{ "--serve", offsetof(struct command, serve), false },
	{ "--list", offsetof(struct command, list), false },
	{ "--replace", offsetof(struct command, replace), false },
	{ "-n", offsetof(struct command, dry_run), false },
	{ "-q", offsetof(struct command, quiet), false },
	{ "--root", offsetof(struct command, root), true },
	{ "--app", offsetof(struct command, app), true },
	{ "--allow", offsetof(struct command, allow), true },
	{ "--as", offsetof(struct command, as), true },
	{ "--hooks", offsetof(struct command, hooks), true },
	{ "--remove", offsetof(struct command, remove), true },
};

/* --name=value or --name value; NULL: not this option, "" is a value. */
static const char *
value_of(const char *name, char **argv, int argc, int *i)
{
	size_t len = strlen(name);

	if (strncmp(argv[*i], name, len))
		return NULL;
	if (argv[*i][len] == '=')
		return argv[*i] + len + 1;
	if (argv[*i][len] || *i + 1 >= argc)
		return NULL;
	return argv[++*i];
}

static bool
take_option(struct command *c, char **argv, int argc, int *i)
{
	size_t n;

	for (n = 0; n < sizeof(options) / sizeof(*options); n++) {
		void *at = (char *)c + options[n].offset;
		const char *v;

		if (!options[n].takes_value) {
			if (strcmp(argv[*i], options[n].name))
				continue;
			*(bool *)at = true;
			return true;
		}
		v = value_of(options[n].name, argv, argc, i);
		if (!v)
			continue;
		*(const char **)at = v;
		return true;
	}
	return false;
}

/* Whether it is this command. */
static bool
is(const struct command *c, const char *name)
{
	return c->n > 0 && !strcmp(c->words[0], name);
}

/* Whether each option and word has a use. */
static bool
makes_sense(const struct command *c)
{
	if ((c->dry_run || c->quiet) && !is(c, "fsck"))
		return false;
	if (!c->serve && is(c, "authorize"))
		return c->n <= 2;
	if (c->replace || c->remove || (c->list && !is(c, "setup")))
		return false;
	if (is(c, "setup") || is(c, "doctor"))
		return c->n == 1 && !c->serve && !c->app && !c->allow &&
			!c->as && !c->hooks;
	if (c->serve)
		return c->n == 0;
	if (is(c, "fsck"))
		return c->n <= 2 && !c->app && !c->allow && !c->as && !c->hooks;
	return c->n >= 2 && !c->app && !c->allow && !c->as && !c->hooks;
}

static int
parse(struct command *c, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (take_option(c, argv, argc, &i))
			continue;
		if ((argv[i][0] == '-' && argv[i][1]) || c->n == 3) {
			c->stray = argv[i];
			return -1;
		}
		c->words[c->n++] = argv[i];
	}
	return makes_sense(c) ? 0 : -1;
}

static int
authorize(const struct command *c)
{
	const struct authorize a = {
		.key = c->n == 2 ? c->words[1] : NULL,
		.app = c->app,
		.allow = c->allow,
		.as = c->as,
		.hooks = c->hooks,
		.root = c->root,
		.replace = c->replace,
		.list = c->list,
		.remove = c->remove,
	};

	return authorize_run(&a);
}

/* A mistake in deployd.conf is told to whoever asks, in the form asked for. */
static int
run_without(const struct command *c, struct error *err)
{
	if (c->serve)
		return serve_refuse(err);
	if (is(c, "doctor"))
		return doctor_run_without(err);
	log_error("deployd", err);
	return STATUS_LOCAL;
}

static int
run(const struct command *c)
{
	struct config config;
	struct error err = ERROR_INIT;
	int status;

	if (c->quiet)
		log_set_level(LOG_QUIET);
	memset(&config, 0, sizeof(config));
	if (config_load(&config, c->root, &err) < 0 ||
		config_restrict(&config, c->app, c->allow, c->as, c->hooks,
			&err) < 0) {
		config_release(&config);
		return run_without(c, &err);
	}
	status = c->serve       ? serve_run(&config) :
		is(c, "setup")  ? setup_run(&config, c->list) :
		is(c, "fsck")   ? admin_fsck(&config, c->words[1], c->dry_run) :
		is(c, "doctor") ? doctor_run(&config) :
				  admin_run(&config, c->words, c->n);
	config_release(&config);
	return status;
}

static void
print_version(void)
{
	const char *library = http_library();

	puts("deployd " VERSION);
	printf("http checks: %s\n", library ? library : "none, no libcurl");
}

int
main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct command c = { 0 };

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		print_version();
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage_text, stdout);
		return 0;
	}
	if (parse(&c, argc, argv) < 0) {
		fputs(usage_text, stderr);
		/* Last, since a client shows the last line. */
		if (c.stray) {
			error_set(&err, "it takes no `%s'", c.stray);
			log_error("deployd", &err);
		}
		return STATUS_USAGE;
	}
	return !c.serve && is(&c, "authorize") ? authorize(&c) : run(&c);
}
