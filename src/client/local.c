#include "client/local.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/process.h"
#include "client/signals.h"

/* Its output goes to standard error: standard output is for data. */
static int
run_command(const char *command, int dir, struct error *err)
{
	const char *const argv[] = { "/bin/sh", "-c", command, NULL };
	struct process_options o = PROCESS_OPTIONS_INIT;
	pid_t pid;
	int status;

	o.argv = argv;
	o.cwd = dir;
	o.fds[0] = STDIN_FILENO;
	o.fds[1] = log_level() == LOG_QUIET ? -1 : STDERR_FILENO;
	o.fds[2] = STDERR_FILENO;
	log_info("+ %s", command);
	pid = process_start(&o, err);
	if (pid < 0)
		return -1;
	status = process_wait(pid);
	if (signals_caught())
		return signals_error(err, "interrupted; nothing was sent");
	if (status == 0)
		return 0;
	error_set(err, "[local] before failed: '%s' exited with %d", command,
		status);
	return error_hint(err, "nothing was sent");
}

static int
run_before(const struct project *p, struct error *err)
{
	int dir, rc = 0;
	size_t i;

	if (p->before.n == 0)
		return 0;
	dir = open(p->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, "%s", p->directory);
	for (i = 0; rc == 0 && i < p->before.n; i++)
		rc = run_command(p->before.v[i], dir, err);
	io_close(&dir);
	return rc;
}

int
local_prepare(struct project *p, struct targets *t, const struct options *o,
	struct error *err)
{
	const char *target = o->args.n > 0 ? o->args.v[0] : NULL;
	const char *dir = o->args.n > 1 ? o->args.v[1] : NULL;

	memset(t, 0, sizeof(*t));
	signals_catch();
	if (project_open(p, o->directory, dir, err) < 0 ||
		targets_choose(t, p, o, target, err) < 0)
		return -1;
	if (!o->tar && run_before(p, err) < 0)
		return -1;
	return project_find_tree(p, t, err);
}
