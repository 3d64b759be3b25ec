#include "openssh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "child.h"
#include "deadline.h"
#include "internal.h"
#include "probe.h"
#include "prompt.h"
#include "ssh_config.h"

#define QUESTIONS_MS (5 * 60 * 1000)

static void
add_each(struct strv *argv, const char *option, const struct strv *values)
{
	size_t i;

	for (i = 0; i < values->n; i++) {
		strv_add(argv, option);
		strv_add(argv, values->v[i]);
	}
}

void
openssh_options(struct strv *argv, const struct transport_options *o)
{
	if (o->config) {
		strv_add(argv, "-F");
		strv_add(argv, o->config);
	}
	if (o->port) {
		strv_add(argv, "-p");
		strv_take(argv, mem_printf("%d", o->port));
	}
	if (o->jump) {
		strv_add(argv, "-J");
		strv_add(argv, o->jump);
	}
	if (o->family == AF_INET)
		strv_add(argv, "-4");
	if (o->family == AF_INET6)
		strv_add(argv, "-6");
	add_each(argv, "-i", &o->identities);
	add_each(argv, "-o", &o->settings);
}

bool
openssh_master(const struct ssh_config *c)
{
	int fd = c->control_path ? agent_open(c->control_path) : -1;
	bool lives = fd >= 0;

	io_close(&fd);
	return lives;
}

static void
set_option(struct strv *argv, const char *setting)
{
	strv_add(argv, "-o");
	strv_add(argv, setting);
}

static void
set_number(struct strv *argv, const char *key, int value)
{
	strv_add(argv, "-o");
	strv_take(argv, mem_printf("%s=%d", key, value));
}

/* The first mention of an option wins: these come behind the user's. */
static void
add_deadlines(struct strv *argv, const struct transport *t,
	const struct ssh_config *c)
{
	int alive = deadline_alive(t->o, c) / 1000;

	set_number(argv, "ConnectTimeout", deadline_connect(t->o, c) / 1000);
	if (c->alive_interval && !t->o->alive_timeout)
		return;
	set_number(argv, "ServerAliveInterval", alive < 3 ? 1 : alive / 3);
	set_number(argv, "ServerAliveCountMax", alive < 3 ? alive : 3);
}

/* A file in memory that ssh can open by its path, to be kept open. */
static int
memory_file(const char *text, char path[static 64])
{
	int fd = memfd_create("deploy", MFD_CLOEXEC);
	struct buf lines = BUF_INIT;

	if (fd < 0)
		return -1;
	/* Web forms add carriage returns, and take the last newline away. */
	for (; *text; text++)
		if (*text != '\r')
			buf_addch(&lines, *text);
	buf_addch(&lines, '\n');
	/* ssh refuses a private key that others may read. */
	if (fchmod(fd, 0600) < 0 ||
		io_write_full(fd, lines.data, lines.len) < 0)
		io_close(&fd);
	explicit_bzero(lines.base, lines.cap);
	buf_release(&lines);
	if (fd < 0)
		return -1;
	snprintf(path, 64, "/proc/%ld/fd/%d", (long)getpid(), fd);
	return fd;
}

/* A file in memory with this variable's text, if it is set. */
static int
secret_file(const char *variable, int *fd, char path[static 64],
	struct error *err)
{
	const char *text = getenv(variable);

	*path = '\0';
	if (!text || !*text)
		return 0;
	*fd = memory_file(text, path);
	return *fd < 0 ? error_errno(err, "%s", variable) : 0;
}

int
openssh_jump_secrets(struct strv *argv, int fds[static 2], struct error *err)
{
	char key[64], hosts[64];

	if (secret_file("DEPLOY_KEY", &fds[0], key, err) < 0 ||
		secret_file("DEPLOY_KNOWN_HOSTS", &fds[1], hosts, err) < 0)
		return -1;
	if (*key) {
		strv_add(argv, "-i");
		strv_add(argv, key);
	}
	if (*hosts) {
		strv_add(argv, "-o");
		strv_take(argv,
			mem_printf("GlobalKnownHostsFile=%s "
				   "/etc/ssh/ssh_known_hosts",
				hosts));
	}
	return 0;
}

/* The same for the host itself, where they stand alone. */
static int
add_secrets(struct strv *argv, int fds[static 2], struct error *err)
{
	char key[64], hosts[64];

	if (secret_file("DEPLOY_KEY", &fds[0], key, err) < 0 ||
		secret_file("DEPLOY_KNOWN_HOSTS", &fds[1], hosts, err) < 0)
		return -1;
	if (*key) {
		strv_add(argv, "-i");
		strv_add(argv, key);
		set_option(argv, "IdentitiesOnly=yes");
	}
	if (*hosts) {
		strv_add(argv, "-o");
		strv_take(argv, mem_printf("UserKnownHostsFile=%s", hosts));
		set_option(argv, "GlobalKnownHostsFile=/dev/null");
		set_option(argv, "StrictHostKeyChecking=yes");
		set_option(argv, "UpdateHostKeys=no");
	}
	return 0;
}

/* Of what is forwarded nothing is of use there, but to a hostile server. */
static void
add_session(struct strv *argv, const struct ssh_config *c)
{
	strv_add(argv, "-T");
	strv_add(argv, "-x");
	strv_add(argv, "-a");
	set_option(argv, "ClearAllForwardings=yes");
	if (c->remote_command)
		set_option(argv, "RemoteCommand=none");
	if (c->session_type)
		set_option(argv, "SessionType=default");
}

static int
build_argv(struct strv *argv, const struct transport *t,
	const struct ssh_config *c, int fds[static 2], struct error *err)
{
	const struct transport_options *o = t->o;
	const char *program = getenv("DEPLOY_SSH");
	char *command;

	if (!program || !*program)
		program = "ssh";
	strv_add(argv, "sh");
	strv_add(argv, "-c");
	strv_add(argv, OPENSSH_SHIELD);
	strv_add(argv, "sh");
	strv_add(argv, program);
	/* Before the user's: what DEPLOY_* says is not to be overruled. */
	if (c && add_secrets(argv, fds, err) < 0)
		return -1;
	openssh_options(argv, o);
	if (c) {
		add_session(argv, c);
		add_deadlines(argv, t, c);
	}
	if (o->user)
		strv_take(argv, mem_printf("%s@%s", o->user, o->host));
	else
		strv_add(argv, o->host);
	command = transport_command(o, err);
	if (!command)
		return -1;
	strv_take(argv, command);
	return 0;
}

static int
judge(struct transport *t, const struct ssh_config *c, int status,
	const char *note, struct error *err)
{
	char line[512];

	if (status != 255)
		return transport_judge(t, status, err);
	transport_last_error(t, line, sizeof(line));
	if (c && !t->talked && strstr(line, "Host key verification failed") &&
		probe_explain(t, c, err) < 0)
		return -1;
	error_status(err, transport_failure(t), "%s %s: ssh says: %s",
		t->talked ? "the connection broke to" : "cannot connect to",
		t->o->host, *line ? line : "nothing");
	if (note && !t->talked)
		error_hint(err, "%s", note);
	return -1;
}

/* For the first byte, in milliseconds. */
static int
patience(const struct transport *t, const struct ssh_config *c)
{
	static const struct ssh_config unknown;
	int ms = deadline_start(t->o, c ? c : &unknown);

	/* Somebody may be thinking about a question. */
	if (prompt_possible() && !(c && (c->batch || openssh_master(c))))
		ms += QUESTIONS_MS;
	return ms;
}

int
openssh_run(struct transport *t, const struct ssh_config *c, const char *note,
	struct error *err)
{
	struct child_options o = { .first_byte_ms = patience(t, c) };
	struct strv argv = STRV_INIT, envp = STRV_INIT;
	int fds[2] = { -1, -1 };
	int rc = -1, status;

	strcpy(t->report.kind, "openssh");
	if (build_argv(&argv, t, c, fds, err) < 0)
		goto out;
	if (!ssh_config_program(argv.v[4])) {
		error_status(err, STATUS_CONNECT,
			"%s: no such program, and it is needed to connect to "
			"%s",
			argv.v[4], t->o->host);
		goto out;
	}
	transport_environment(&envp);
	o.argv = (const char *const *)argv.v;
	o.envp = envp.v;
	rc = child_run(t, &o, &status, err);
	if (rc == 0)
		rc = judge(t, c, status, note, err);
	else if (c && !t->talked && openssh_master(c))
		error_hint(err,
			"ssh shares a connection, which may be dead: ssh -O "
			"exit %s",
			t->o->host);
out:
	io_close(&fds[0]);
	io_close(&fds[1]);
	strv_release(&argv);
	strv_release(&envp);
	return rc;
}
