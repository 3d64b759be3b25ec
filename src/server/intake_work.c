#include "server/intake_work.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/process.h"
#include "base/zstream.h"
#include "server/intake_confine.h"
#include "server/intake_parts.h"

/* A manifest's stream is small: a window of 8 MiB is more than enough. */
#define WINDOW_LOG 23
#define PLAIN_SIZE 65536

int
intake_next_frame(struct worker *w, struct frame *f, struct error *err)
{
	struct channel *c = &w->channel;

	for (;;) {
		struct pollfd p = { c->in, POLLIN, 0 };
		int rc = channel_next(c, f, err);

		if (rc)
			return rc;
		if (c->eof)
			return 0;
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return error_errno(err, "poll");
		if (channel_pump(c, p.revents != 0, false, err) < 0)
			return -1;
	}
}

/*
 * What is said is written at once, by whichever thread says it; `speech' is
 * held.  The session always reads.
 */
static void
flush(struct worker *w)
{
	struct channel *c = &w->channel;

	(void)io_write_full(c->out, c->tx.data, c->tx.len);
	buf_clear(&c->tx);
}

void
intake_say(struct worker *w, const char *type, const struct ranges *lines)
{
	pthread_mutex_lock(&w->speech);
	if (lines)
		ranges_send(&w->channel, type, lines);
	else
		channel_send(&w->channel, type, "", 0);
	flush(w);
	pthread_mutex_unlock(&w->speech);
}

/* The last word of either thread: `speech' stays held. */
static void
say_failure(struct worker *w, struct error *err)
{
	struct msg_result r = { 0 };

	if (err->status == STATUS_LOCAL)
		err->status = STATUS_TRANSFER;
	result_from_error(&r, err);
	pthread_mutex_lock(&w->speech);
	MESSAGE_SEND(&w->channel, "fail", result, &r);
	flush(w);
	MESSAGE_RELEASE(result, &r);
}

static void
fail(void *arg, struct error *err)
{
	say_failure(arg, err);
	process_exit(1);
}

static void
got(void *arg, const struct ranges *lines)
{
	intake_say(arg, "got", lines);
}

int
intake_take_manifest(struct worker *w, const struct frame *f, struct error *err)
{
	char plain[PLAIN_SIZE];
	size_t used = 0;
	long n;

	do {
		n = zin_read(w->z, f->data, f->len, &used, plain, sizeof(plain),
			err);
		if (n < 0 ||
			manifest_reader_add(&w->reader, plain, (size_t)n, err) <
				0)
			return -1;
		if (io_write_full(w->text, plain, (size_t)n) < 0)
			return error_errno(err, "cannot keep the manifest");
	} while (used < f->len || n == PLAIN_SIZE);
	return 0;
}

/* A limit says how it can be raised. */
static int
explain(const struct worker *w, struct error *err)
{
	const struct manifest_reader *r = &w->reader;

	if (err->status != STATUS_REFUSED)
		return -1;
	if (r->most_bytes && r->bytes > r->most_bytes)
		return error_hint(err, "raise max_manifest in deployd.conf");
	if (r->most_entries && w->m.n >= r->most_entries)
		return error_hint(err,
			"raise max_entries in deployd.conf, or leave files "
			"out with .deployignore");
	return -1;
}

static int
receive_manifest(struct worker *w, struct error *err)
{
	struct frame f;

	manifest_reader_init(&w->reader, &w->m, w->o->base, w->o->most_entries);
	w->reader.believes = true; /* the session does not */
	w->reader.most_bytes = w->o->most_manifest;
	while (!w->reader.ended) {
		int rc = intake_next_frame(w, &f, err);

		if (rc <= 0)
			return rc;
		if (strcmp(f.type, "manifest"))
			return error_set(err, "a %s frame within the manifest",
				f.type);
		if (intake_take_manifest(w, &f, err) < 0)
			return explain(w, err);
	}
	intake_say(w, "read", NULL);
	return 1;
}

static void
start_writer(struct worker *w)
{
	const struct writer_host host = { got, fail, w };

	w->writer = writer_new(w->o->tmp, &host);
	w->piece = writer_slot(w->writer);
}

/* All that needs more than reading, writing and memory. */
static int
get_ready(struct worker *w, struct error *err)
{
	umask(0); /* modes are those of the entries */
	w->z = zin_new(WINDOW_LOG);
	w->unpack = unpack_new(intake_pull_files, w);
	if (intake_confine_files(w->o, err) < 0)
		return -1;
	start_writer(w);
	return intake_confine_calls(w->o, err);
}

static int
work(struct worker *w, struct error *err)
{
	int rc = get_ready(w, err);

	if (rc == 0 && w->o->manifest) {
		w->m = *w->o->manifest; /* our own: the session has another */
		rc = 1;
	} else if (rc == 0) {
		rc = receive_manifest(w, err);
	}
	if (rc > 0)
		rc = intake_receive_files(w, err);
	/* What arrived whole is kept in any case. */
	writer_free(w->writer);
	w->writer = NULL;
	return rc;
}

int
intake_work(const struct intake_options *o, int fd, int text)
{
	struct worker w = { .o = o, .text = text };
	struct error err = ERROR_INIT;

	pthread_mutex_init(&w.speech, NULL);
	channel_init(&w.channel, fd, fd, false, "the session");
	if (work(&w, &err) < 0)
		fail(&w, &err);
	return 0;
}
