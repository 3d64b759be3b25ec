/*
 * deploy: puts a directory on a server as a new release.
 *
 *	client/options.c      the command line; option_table.c its options
 *	client/project.c      deploy.conf; target.c targets.c where to
 *	client/push.c         the verb push: one tree, one target or several
 *	  cargo.c             the tree, its settings, what git knows of it
 *	  confinement.c       what it gives up before it talks
 *	  delivery.c          one push to one target, a state machine of parts,
 *	                      delivery_PART.c
 *	client/diff.c         what a push would change
 *	client/ask.c          the verbs that ask: releases.c status.c log.c
 *	                      rollback.c env.c prune.c remove.c fetch.c
 *	                      verify.c fsck.c doctor.c restart.c logs.c run.c
 *	  values.c            the values of env set and env import
 *	  output.c            what is printed as data
 *	client/init.c         writes a deploy.conf: init_text.c its words
 *	  survey.c            what lies in a directory
 *	  recipe.c            what that is; recipe_*.c a language each
 *	client/setup.c        deployd on a server: setup_remote.c runs
 *	                      setup_scripts.c there, setup_program.c the program
 *	client/session.c      a conversation over a transport; session_turn.c
 *	                      moves the bytes of all
 *	client/watch.c        what the server tells meanwhile
 *	client/report.c       lines for people, events for scripts
 *	client/timeline.c     which phase took how long
 *	transport/            libssh2, the ssh program, or deployd here
 *
 * base/, tree/ and wire/ are shared with the server.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "client/options.h"
#include "client/report.h"
#include "client/verbs.h"

/* The first is what happens without a verb. */
static const struct verb verbs[] = {
	{ "push", verb_push, "[TARGET [DIR]]",
		"put the directory on the server as a new release" },
	{ "diff", verb_diff, "[TARGET [DIR]]",
		"tell what a deploy would change and send" },
	{ "releases", verb_releases, "[TARGET]", "list the app's releases" },
	{ "rollback", verb_rollback, "[TARGET [ID]]",
		"go back to the release before, or to ID" },
	{ "activate", verb_activate, "[TARGET] ID",
		"make a release live that is there already" },
	{ "status", verb_status, "[TARGET]", "tell what is live" },
	{ "log", verb_log, "[TARGET [ID]]", "print what the hooks said" },
	{ "init", verb_init, "[TARGET]",
		"write deploy.conf for what the directory holds" },
	{ "env", verb_env, "list|set|unset|import [TARGET] [NAME...|FILE]",
		"the app's variables; values are asked for, or read" },
	{ "setup", verb_setup, "[HOST]",
		"install or upgrade deployd on a server, over SSH" },
	{ "prune", verb_prune, "[TARGET]",
		"drop the releases that retention does not keep" },
	{ "pin", verb_pin, "[TARGET] ID", "have retention spare a release" },
	{ "unpin", verb_unpin, "[TARGET] ID", "undo that" },
	{ "remove", verb_remove, "[TARGET]", "remove the app from the server" },
	{ "fetch", verb_fetch, "[TARGET] ID",
		"bring a release's tree back as a tar archive" },
	{ "verify", verb_verify, "[TARGET [ID]]",
		"tell what of a release is not as it was deployed" },
	{ "fsck", verb_fsck, "[TARGET]",
		"check what the server keeps of the app, and repair it" },
	{ "restart", verb_restart, "[TARGET]", "restart what is live" },
	{ "logs", verb_logs, "[TARGET]", "print what the app's service said" },
	{ "run", verb_run, "[TARGET] -- COMMAND [ARG...]",
		"run a command in the live release" },
	{ "doctor", verb_doctor, "[TARGET]",
		"tell which defences the server has, and what it lacks" },
	{ "help", verb_help, "[VERB]", "list verbs and options" },
	{ "version", verb_version, "", "print the version" },
	{ NULL, NULL, NULL, NULL },
};

static void
tell_failure(const struct error *err)
{
	if (!err->text[0])
		return;
	log_error("deploy", err);
	/* Who typed just `deploy' wants to know how it is done. */
	if (err->status == STATUS_USAGE && !err->hint[0])
		options_usage();
}

/* Whoever reads a pipe may stop, as head does. */
static bool
is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

static int
end(const struct options *o, int status, const struct error *err)
{
	if (status != STATUS_OK)
		tell_failure(err);
	report_event("result", "verb", "s", o->verb ? o->verb->name : NULL,
		"status", "i", (int64_t)status, "error", "s",
		err->text[0] ? err->text : NULL, "hint", "s",
		err->hint[0] ? err->hint : NULL, NULL);
	if ((fflush(stdout) == 0 && !ferror(stdout)) || status != STATUS_OK ||
		is_pipe(STDOUT_FILENO))
		return status;
	log_warn("cannot write to standard output");
	return STATUS_LOCAL;
}

int
main(int argc, char **argv)
{
	struct options o;
	struct error err = ERROR_INIT;
	int status;

	/* A peer that is gone is an error of write, not the end. */
	signal(SIGPIPE, SIG_IGN);
	status = options_parse(&o, verbs, argc, argv, &err);
	report_json(o.json);
	log_set_level(o.level);
	status = status < 0 ? (int)err.status : o.verb->run(&o, &err);
	status = end(&o, status, &err);
	options_release(&o);
	return status;
}
