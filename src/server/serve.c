#include "server/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/lock.h"
#include "server/push.h"
#include "server/query.h"
#include "server/session.h"

#define AGENT "deployd/" VERSION

/*
 * Takes one of max_sessions places, each a lock that ends with the process.
 * Returns its descriptor, -1 when all are taken.
 */
static int
take_place(const struct config *c, struct error *err)
{
	char path[4200], name[32];
	uint64_t i;
	int dir, fd = -1;

	snprintf(path, sizeof(path), "%s/.deployd", c->root);
	(void)mkdir(c->root, 0755);
	(void)mkdir(path, 0700);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, "cannot open %s", path);
	for (i = 0; fd < 0 && i < c->max_sessions; i++) {
		snprintf(name, sizeof(name), "session.%" PRIu64, i);
		fd = lock_take(dir, name, "");
		if (fd < 0 && errno != EWOULDBLOCK)
			error_errno(err, "cannot lock %s/%s", path, name);
	}
	io_close(&dir);
	if (fd < 0)
		error_status(err, STATUS_BUSY,
			"this server has %" PRIu64
			" sessions already (max_sessions in deployd.conf)",
			c->max_sessions);
	return fd;
}

static int
greet(struct session *s, struct error *err)
{
	struct msg_hello ours = { 1, (char *)AGENT }, theirs = { 0 };
	struct frame f;
	int rc = -1;

	MESSAGE_SEND(&s->client, "hello", hello, &ours);
	if (session_frame(s, &f, err) < 0)
		return -1;
	if (strcmp(f.type, "hello"))
		return error_status(err, STATUS_TRANSFER,
			"expected hello, got a %s frame", f.type);
	if (MESSAGE_READ(hello, &f, &theirs, err) == 0) {
		rc = 0;
		if (theirs.version != 1)
			rc = error_status(err, STATUS_REFUSED,
				"the client speaks version %" PRIu64
				" of the protocol, this deployd version 1",
				theirs.version);
	}
	MESSAGE_RELEASE(hello, &theirs);
	return rc;
}

static void
serve_request(struct session *s, struct msg_result *result)
{
	struct error err = ERROR_INIT;
	struct frame f;
	int place = -1;

	if (greet(s, &err) < 0 || session_frame(s, &f, &err) < 0 ||
		(place = take_place(s->config, &err)) < 0)
		result_from_error(result, &err);
	else if (!strcmp(f.type, "push"))
		push_serve(s, &f, result);
	else if (!strcmp(f.type, "ask"))
		query_serve(s, &f, result);
	else {
		error_status(&err, STATUS_REFUSED,
			"this deployd does not know the request '%s'", f.type);
		result_from_error(result, &err);
	}
	/* The place is kept until the process ends. */
}

int
serve_run(const struct config *c)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct msg_result result = { 0 };
	struct session s;

	/* A vanished client is seen where it is read and written. */
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGHUP, &ignore, NULL);
	umask(022);
	session_init(&s, c, STDIN_FILENO, STDOUT_FILENO);
	serve_request(&s, &result);
	session_finish(&s, &result);
	push_tidy(&s);
	session_release(&s);
	MESSAGE_RELEASE(result, &result);
	return 0;
}
