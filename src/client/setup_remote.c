#include "client/setup_remote.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/io.h"
#include "base/mem.h"
#include "client/progress.h"
#include "client/session.h"
#include "client/signals.h"

#define MARK "deploy-setup 1\n"
#define OUTPUT_MOST 65536

struct exchange {
	int fd;
	const char *data; /* what is to be sent yet */
	size_t len, total;
	bool sent; /* all of it, or nobody reads it */
	struct buf out;
	struct progress progress;
};

static void
write_some(struct exchange *x)
{
	ssize_t n = 0;

	while (x->len && n >= 0) {
		n = send(x->fd, x->data, x->len, MSG_NOSIGNAL);
		if (n > 0) {
			x->data += n;
			x->len -= (size_t)n;
		}
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		x->len = 0;
	if (x->total)
		progress_at(&x->progress, x->total - x->len);
	if (x->len || x->sent)
		return;
	(void)shutdown(x->fd, SHUT_WR);
	x->sent = true;
}

/* 1 more may come, 0 the end, -1. */
static int
read_some(struct exchange *x, struct error *err)
{
	ssize_t n = io_read_some(x->fd, &x->out, 4096);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n > 0 && x->out.len > OUTPUT_MOST)
		return error_status(err, STATUS_CONNECT,
			"what its shell prints has no end");
	return n > 0;
}

static int
converse(struct exchange *x, struct error *err)
{
	int rc = 1;

	while (rc > 0) {
		struct pollfd p = { x->fd, POLLIN, 0 };

		if (!x->sent)
			p.events |= POLLOUT;
		if (poll(&p, 1, 250) < 0 && errno != EINTR)
			return error_errno(err, "poll");
		if (signals_caught())
			return signals_error(err, "interrupted");
		if (p.revents & POLLOUT)
			write_some(x);
		if (p.revents & (POLLIN | POLLHUP | POLLERR))
			rc = read_some(x, err);
	}
	return rc;
}

static int
unexpected(const char *text, size_t len, struct error *err)
{
	char *said = mem_strndup(text, len < 200 ? len : 200);

	if (memmem(text, len, "deploy-protocol ", 16)) {
		error_status(err, STATUS_REFUSED,
			"deployd is there, and this key can start nothing "
			"else");
		error_hint(err,
			"setup takes a key, or a password, that can log in");
	} else {
		error_status(err, STATUS_CONNECT,
			"it does not run what it is asked to%s%s",
			*said ? "; it says: " : "", said);
		error_hint(err,
			"the account needs a shell that runs `sh -c ...'");
	}
	free(said);
	return -1;
}

int
setup_remote_parse(const char *text, size_t len, struct strv *lines,
	struct error *err)
{
	const char *s = memmem(text, len, "\n" MARK, 1 + strlen(MARK));
	const char *end = text + len, *nl;
	const char *fail, *status;

	if (!s)
		return unexpected(text, len, err);
	for (s += 1 + strlen(MARK); (nl = memchr(s, '\n', (size_t)(end - s)));
		s = nl + 1)
		strv_take(lines, mem_strndup(s, (size_t)(nl - s)));
	fail = setup_remote_fact(lines, "fail");
	status = setup_remote_fact(lines, "end");
	if (*fail)
		return error_status(err, STATUS_REFUSED, "%s", fail);
	if (!*status)
		return error_status(err, STATUS_TRANSFER,
			"what setup does there was cut off");
	if (strcmp(status, "0") != 0)
		return error_status(err, STATUS_REFUSED,
			"it failed there, with status %s", status);
	return 0;
}

const char *
setup_remote_fact(const struct strv *lines, const char *key)
{
	size_t len = strlen(key), i;

	for (i = 0; i < lines->n; i++)
		if (!strncmp(lines->v[i], key, len) && lines->v[i][len] == ' ')
			return lines->v[i] + len + 1;
	return "";
}

/* What was said on its standard error may tell more than a status. */
static void
add_errors(const struct transport_report *r, struct error *err)
{
	size_t len = strlen(r->errors);
	char *said;

	while (len &&
		(r->errors[len - 1] == '\n' || r->errors[len - 1] == '\r'))
		len--;
	if (len == 0 || signals_caught())
		return;
	said = mem_strndup(r->errors, len);
	if (!err->hint[0])
		error_hint(err, "it says: %s", said);
	free(said);
}

int
setup_remote(const struct target *t, const struct options *o,
	const char *script, const struct buf *input, struct strv *lines,
	struct error *err)
{
	struct transport_options to = session_transport(t, o);
	struct transport_report report;
	struct error why = ERROR_INIT;
	struct exchange x = { .out = BUF_INIT };
	struct transport *transport;
	int rc, closed;

	to.command = script;
	if (input) {
		x.data = buf_str(input);
		x.len = x.total = input->len;
		progress_begin(&x.progress, "sending deployd", t->text,
			x.total);
	}
	transport = transport_open(&to);
	x.fd = transport_fd(transport);
	rc = converse(&x, err);
	if (x.total)
		progress_end(&x.progress);
	if (rc < 0)
		transport_abort(transport);
	closed = transport_close(transport, &report, &why);
	if (rc == 0 && closed < 0) {
		*err = why;
		rc = -1;
	} else if (rc == 0) {
		rc = setup_remote_parse(buf_str(&x.out), x.out.len, lines, err);
		if (rc < 0)
			add_errors(&report, err);
	}
	buf_release(&x.out);
	return rc;
}
