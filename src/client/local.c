#include "client/local.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "base/process.h"
#include "client/signals.h"

#define SAID_MOST 65536

/* With -q what it says is shown if it fails. */
static int
run_quietly(const struct process_options *o, struct buf *said,
	struct error *err)
{
	struct process_options quiet = *o;
	int fd[2];
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");
	quiet.fds[1] = quiet.fds[2] = fd[1];
	pid = process_start(&quiet, err);
	io_close(&fd[1]);
	while (pid >= 0 && io_read_some(fd[0], said, 4096) > 0)
		if (said->len > SAID_MOST)
			buf_consume(said, said->len - SAID_MOST);
	io_close(&fd[0]);
	return pid < 0 ? -1 : process_wait(pid);
}

/* Its output goes to standard error: standard output is for data. */
static int
run_loudly(struct process_options *o, struct error *err)
{
	pid_t pid;

	o->fds[1] = o->fds[2] = STDERR_FILENO;
	pid = process_start(o, err);
	return pid < 0 ? -1 : process_wait(pid);
}

static int
run_command(const char *command, int dir, struct error *err)
{
	const char *const argv[] = { "/bin/sh", "-c", command, NULL };
	struct process_options o = PROCESS_OPTIONS_INIT;
	struct buf said = BUF_INIT;
	int status;

	o.argv = argv;
	o.cwd = dir;
	o.fds[0] = STDIN_FILENO;
	log_info("+ %s", command);
	status = log_level() == LOG_QUIET ? run_quietly(&o, &said, err) :
					    run_loudly(&o, err);
	if (status > 0)
		(void)io_write_full(STDERR_FILENO, buf_str(&said), said.len);
	buf_release(&said);
	if (status < 0)
		return -1;
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

/*
 * `deploy rollbak web': not that there is no directory web, but that the
 * first word is nothing we know.
 */
static int
check_word(const struct options *o, const char *target, const char *dir,
	struct error *err)
{
	struct project p = { 0 };
	struct targets t = { 0 };
	int rc = 0;

	if (!dir || strchr(target, ':') || access(dir, F_OK) == 0)
		return 0;
	if (project_open(&p, o->directory, NULL, err) < 0 ||
		targets_choose(&t, &p, o, target, err) < 0)
		rc = -1;
	targets_release(&t);
	project_release(&p);
	return rc;
}

int
local_prepare(struct project *p, struct targets *t, const struct options *o,
	struct error *err)
{
	const char *target = o->args.n > 0 ? o->args.v[0] : NULL;
	const char *dir = o->args.n > 1 ? o->args.v[1] : NULL;

	memset(t, 0, sizeof(*t));
	memset(p, 0, sizeof(*p));
	signals_catch();
	if (check_word(o, target, dir, err) < 0 ||
		project_open(p, o->directory, dir, err) < 0 ||
		targets_choose(t, p, o, target, err) < 0)
		return -1;
	if (!o->tar && run_before(p, err) < 0)
		return -1;
	return project_find_tree(p, t, err);
}
