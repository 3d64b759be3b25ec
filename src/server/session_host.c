/* The session as who watches hooks: stages, notes, output and its log. */
#include "server/session.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"

#define LOG_MOST (8 * 1024 * 1024)
/* Looked at again so soon while a hook's output has to wait. */
#define FULL_MS 100

void
session_stage(struct session *s, const char *name)
{
	struct error ignored = ERROR_INIT;

	s->stage = name;
	channel_sendf(&s->client, ".stage", "name %s\n", name);
	/* At once: it may be long until the next turn. */
	(void)channel_pump(&s->client, false, true, &ignored);
}

/* A note is one sentence, whatever was put into it. */
static void
one_line(struct buf *b)
{
	size_t i;

	for (i = 0; i < b->len; i++)
		if (b->data[i] == '\n' || b->data[i] == '\r')
			b->data[i] = ' ';
}

void
session_note(struct session *s, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	one_line(&b);
	if (b.len > FRAME_MOST)
		buf_truncate(&b, FRAME_MOST);
	channel_send(&s->client, ".note", buf_str(&b), b.len);
	buf_release(&b);
}

int
session_open_log(struct session *s, const char *id, struct error *err)
{
	char name[64];
	struct stat st;

	io_close(&s->log);
	snprintf(name, sizeof(name), "logs/%s", id);
	s->log = beneath_open(s->store.own, name, O_WRONLY | O_CREAT | O_APPEND,
		0600);
	if (s->log < 0 || fstat(s->log, &st) < 0) {
		error_errno(err, "cannot open the log of %s", id);
		return store_trouble(err);
	}
	/* Of an earlier activation; it is bounded all the same. */
	s->logged = (uint64_t)st.st_size;
	return 0;
}

static void
add_to_log(struct session *s, const char *data, size_t len)
{
	static const char cut[] = "\n[the log is full]\n";
	bool full = s->logged >= LOG_MOST;

	if (s->log < 0 || full)
		return;
	s->logged += len;
	/* A full disk must not stop a hook; its output still streams. */
	(void)io_write_full(s->log, data, len);
	if (s->logged >= LOG_MOST)
		(void)io_write_full(s->log, cut, strlen(cut));
}

static void
host_output(void *arg, const char *data, size_t len)
{
	struct session *s = arg;

	add_to_log(s, data, len);
	while (len) {
		size_t n = len > FRAME_MOST ? FRAME_MOST : len;

		channel_send(&s->client, ".log", data, n);
		data += n;
		len -= n;
	}
}

/*
 * While a hook runs: its output waits while the client's queue is full, so
 * that a hook that says much cannot fill memory.
 */
static int
host_wait(void *arg, struct pollfd *fds, int n, int timeout)
{
	struct session *s = arg;
	struct error err = ERROR_INIT;
	struct frame f;
	int rc;

	if (s->cancelled && !s->detached)
		return -1;
	if (session_full(s)) {
		n = 0;
		timeout = timeout < FULL_MS ? timeout : FULL_MS;
	}
	rc = session_turn(s, fds, n, timeout, &err);
	if (s->detached) {
		while (!s->deaf && channel_next(&s->client, &f, &err) > 0)
			;
		return rc < 0 ? 0 : rc;
	}
	return rc < 0 || session_poll_frame(s, &f, &err) < 0 ? -1 : rc;
}

static void
host_stage(void *arg, const char *name)
{
	struct session *s = arg;

	if (!strcmp(name, "switch"))
		session_detach(s);
	session_stage(s, name);
}

static void
host_note(void *arg, const char *text)
{
	session_note(arg, "%s", text);
}

struct activate_host
session_host(struct session *s)
{
	struct activate_host h = { { .output = host_output,
					   .wait = host_wait,
					   .arg = s,
					   .umask = s->config->umask },
		host_stage, host_note, s };

	return h;
}

const char *
session_who(const struct session *s, const char *user)
{
	if (s->config->as)
		return s->config->as;
	return user && *user ? user : "unknown";
}
