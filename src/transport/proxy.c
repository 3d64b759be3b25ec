#include "proxy.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "connect.h"
#include "internal.h"
#include "openssh.h"
#include "ssh_config.h"

/*
 * The user's own shell command, in which ssh's tokens stand.  It outlives an
 * interrupt, and the terminal, as ssh does: see OPENSSH_SHIELD.
 */
static int
command_argv(struct strv *argv, const struct ssh_config *c, struct error *err)
{
	struct buf command = BUF_INIT;
	int rc = 0;

	buf_addstr(&command, "trap '' INT QUIT HUP; exec ");
	if (ssh_config_expand(c, c->proxy_command, &command) < 0)
		rc = error_status(err, STATUS_CONNECT,
			"ProxyCommand %s: not every %% in it is understood",
			c->proxy_command);
	strv_add(argv, "sh");
	strv_add(argv, "-c");
	strv_add(argv, buf_str(&command));
	buf_release(&command);
	return rc;
}

/* The jump that ssh:// or [user@]host[:port] name, as arguments of ssh. */
static void
add_last_jump(struct strv *argv, const char *jump)
{
	const char *at, *colon, *close;
	size_t n;

	if (strncmp(jump, "ssh://", 6) == 0)
		jump += 6;
	at = strrchr(jump, '@');
	if (at) {
		strv_add(argv, "-l");
		strv_take(argv, mem_strndup(jump, (size_t)(at - jump)));
		jump = at + 1;
	}
	close = *jump == '[' ? strchr(jump, ']') : NULL;
	colon = strchr(close ? close : jump, ':');
	n = strcspn(close ? close : jump, ":/");
	/* More than one colon: an IPv6 address without brackets. */
	if (!close && colon && strchr(colon + 1, ':')) {
		colon = NULL;
		n = strlen(jump);
	}
	if (colon) {
		strv_add(argv, "-p");
		strv_take(argv,
			mem_strndup(colon + 1, strcspn(colon + 1, "/")));
	}
	strv_add(argv, "--");
	if (close)
		strv_take(argv,
			mem_strndup(jump + 1, (size_t)(close - jump) - 1));
	else
		strv_take(argv, mem_strndup(jump, n));
}

/* ssh -W through the last host of the list, to which the others lead. */
static int
jump_argv(struct strv *argv, struct connection *n, const struct transport *t,
	const struct ssh_config *c, struct error *err)
{
	struct buf jump = BUF_INIT;
	char *last;

	if (ssh_config_expand(c, c->proxy_jump, &jump) < 0) {
		buf_release(&jump);
		return error_status(err, STATUS_CONNECT,
			"ProxyJump %s: not every %% in it is understood",
			c->proxy_jump);
	}
	strv_add(argv, "sh");
	strv_add(argv, "-c");
	strv_add(argv, OPENSSH_SHIELD);
	strv_add(argv, "sh");
	strv_add(argv, "ssh");
	if (t->o->config) {
		strv_add(argv, "-F");
		strv_add(argv, t->o->config);
	}
	if (openssh_jump_secrets(argv, n->secrets, err) < 0) {
		buf_release(&jump);
		return -1;
	}
	last = strrchr(jump.data, ',');
	if (last) {
		*last++ = '\0';
		strv_add(argv, "-J");
		strv_add(argv, jump.data);
	} else {
		last = jump.data;
	}
	strv_add(argv, "-W");
	strv_take(argv, mem_printf("[%s]:%d", c->hostname, c->port));
	add_last_jump(argv, last);
	buf_release(&jump);
	return 0;
}

static pid_t
start(const struct strv *argv, int fd, int errors, struct error *err)
{
	struct process_options p = PROCESS_OPTIONS_INIT;
	struct strv envp = STRV_INIT;
	pid_t pid;

	transport_environment(&envp);
	p.argv = (const char *const *)argv->v;
	p.envp = envp.v;
	p.fds[0] = p.fds[1] = fd;
	p.fds[2] = errors;
	pid = process_start(&p, err);
	strv_release(&envp);
	return pid;
}

int
proxy_open(struct connection *n, struct transport *t,
	const struct ssh_config *c, struct error *err)
{
	struct strv argv = STRV_INIT;
	int pair[2] = { -1, -1 }, pipe_fd[2] = { -1, -1 };
	int rc;

	if (c->proxy_command)
		rc = command_argv(&argv, c, err);
	else
		rc = jump_argv(&argv, n, t, c, err);
	if (rc < 0)
		goto out;
	log_verbose("connecting through %s",
		c->proxy_command ? c->proxy_command : c->proxy_jump);
	rc = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ||
		pipe2(pipe_fd, O_CLOEXEC) < 0 || io_nonblock(pair[0]) < 0 ||
		io_nonblock(pipe_fd[0]) < 0) {
		error_errno(err, "the proxy for %s", c->hostname);
		goto out;
	}
	n->proxy = start(&argv, pair[1], pipe_fd[1], err);
	if (n->proxy < 0) {
		n->proxy = 0;
		goto out;
	}
	n->jump = !c->proxy_command;
	n->fd = pair[0];
	n->errors = pipe_fd[0];
	pair[0] = pipe_fd[0] = -1;
	rc = 0;
out:
	io_close(&pair[0]);
	io_close(&pair[1]);
	io_close(&pipe_fd[0]);
	io_close(&pipe_fd[1]);
	strv_release(&argv);
	if (rc < 0)
		err->status = STATUS_CONNECT;
	return rc;
}

int
proxy_check(const struct ssh_config *c)
{
	struct buf text = BUF_INIT;
	int rc = 0;

	if (c->proxy_command || c->proxy_jump)
		rc = ssh_config_expand(c,
			c->proxy_command ? c->proxy_command : c->proxy_jump,
			&text);
	buf_release(&text);
	return rc;
}

/*
 * The conversation is over: it is told at once, as ssh does, which sends the
 * SIGHUP that is ignored here.
 */
void
proxy_close(struct connection *n)
{
	static const struct timespec pause = { 0, 1000 * 1000 };
	static const int signals[] = { SIGTERM, SIGKILL };
	int i, tries;

	for (i = 0; i < 2; i++) {
		(void)kill(n->proxy, signals[i]);
		for (tries = 0; tries < 200; tries++) {
			if (waitpid(n->proxy, NULL, WNOHANG) != 0) {
				n->proxy = 0;
				return;
			}
			(void)nanosleep(&pause, NULL);
		}
	}
	(void)process_wait(n->proxy);
	n->proxy = 0;
}
