/*
 * deployd: the server's end of deploy, and what an admin does on the box.
 *
 *	server/serve.c      one conversation on standard input and output
 *	  place.c           so many at a time
 *	server/session.c    the loop below it: client, intake, hooks
 *	  session_host.c    as who watches hooks
 *	server/push.c       the verb push, from request to result
 *	  push_checks.c     limits and guards
 *	  receive.c         what is sent; intake.c the process that decompresses
 *	  plan.c            where each file comes from
 *	  release.c         what is made of it, and undoing that
 *	  stage.c           next/ becomes the tree, stage_finish.c on disk,
 *	  stage_store.c     a release
 *	  furnish.c copy.c  shared and carried paths
 *	  times.c           the stamp S
 *	server/hooks.c      running the app's commands
 *	  hook_settings.c   which; env.c their environment
 *	server/activate.c   deploys, rollbacks and crashes alike
 *	  activation.c      the switch, restart, check, switching back
 *	server/query.c      releases, status, log, rollback, activate
 *	server/admin.c      the same for an admin at the terminal
 *	server/store.c      the store on disk; store_names.c record.c history.c
 *	  prune.c           retention
 *	server/config.c     deployd.conf and who may do what
 *
 * base/, tree/ and wire/ are shared with the client.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "server/admin.h"
#include "server/config.h"
#include "server/serve.h"

static const char usage_text[] =
	"usage: deployd --serve [--root DIR] [--app A[,B]] "
	"[--allow GROUP,...] [--as NAME]\n"
	"       deployd [--root DIR] status|releases|rollback|prune APP\n"
	"       deployd --version | --help\n";

struct command {
	bool serve;
	const char *root, *app, *allow, *as;
	const char *words[3];
	int n;
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

static int
parse(struct command *c, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		const char *v;

		if (!strcmp(argv[i], "--serve"))
			c->serve = true;
		else if ((v = value_of("--root", argv, argc, &i)))
			c->root = v;
		else if ((v = value_of("--app", argv, argc, &i)))
			c->app = v;
		else if ((v = value_of("--allow", argv, argc, &i)))
			c->allow = v;
		else if ((v = value_of("--as", argv, argc, &i)))
			c->as = v;
		else if (argv[i][0] == '-' || c->n == 3)
			return -1;
		else
			c->words[c->n++] = argv[i];
	}
	return c->serve ? -(c->n != 0) : -(c->n < 2 || c->app || c->allow);
}

static int
run(const struct command *c)
{
	struct config config;
	struct error err = ERROR_INIT;
	int status;

	memset(&config, 0, sizeof(config));
	if (config_load(&config, c->root, &err) < 0 ||
		config_restrict(&config, c->app, c->allow, c->as, &err) < 0) {
		log_error("deployd", &err);
		config_release(&config);
		return STATUS_LOCAL;
	}
	status = c->serve ? serve_run(&config) :
			    admin_run(&config, c->words, c->n);
	config_release(&config);
	return status;
}

int
main(int argc, char **argv)
{
	struct command c = { 0 };

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("deployd " VERSION);
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage_text, stdout);
		return 0;
	}
	if (parse(&c, argc, argv) < 0) {
		fputs(usage_text, stderr);
		return STATUS_USAGE;
	}
	return run(&c);
}
