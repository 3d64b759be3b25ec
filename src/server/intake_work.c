#include "server/intake_work.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/zstream.h"
#include "server/intake_confine.h"
#include "server/writer.h"
#include "tree/unpack.h"
#include "tree/wanted.h"
#include "wire/message.h"

/* A manifest's stream is small: a window of 8 MiB is more than enough. */
#define WINDOW_LOG 23
#define PLAIN_SIZE 65536
/*
 * The files stream is one, so what comes of it while no file is expected (the
 * end of the last one's block, or files sent ahead) is kept for the next.
 */
#define AHEAD_MOST (256 * 1024)

/* The process's own state; the channel's sending half is shared. */
struct worker {
	const struct intake_options *o;
	struct channel channel;
	pthread_mutex_t speech;
	int text;
	struct manifest m;
	struct manifest_reader reader;
	struct zin *z;
	uint32_t *expected; /* lines, in the order their files come */
	size_t n, cap, next;
	uint64_t bads; /* members that were, so far */
	size_t bad;    /* lines that were: only an answer brings them again */
	struct ranges held; /* lines offered that were: expected later */
	bool offering;      /* what was offered comes; needs do later */
	bool parts;    /* the client names what comes, bad lines as others */
	bool *instead; /* by place in m: sent whole in place of a chunk */
	struct unpack *unpack;
	struct buf files; /* what unpack reads: it may not be done with it */
	struct buf ahead; /* of the same stream: not asked for yet */
	struct writer *writer;
	struct buf *piece; /* of the file under way, to be filled */
};

/* Waits for a frame: 1, or 0 when the session has ended. */
static int
next_frame(struct worker *w, struct frame *f, struct error *err)
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

static void
say(struct worker *w, const char *type, const struct ranges *lines)
{
	pthread_mutex_lock(&w->speech);
	if (lines)
		ranges_send(&w->channel, type, lines);
	else
		channel_send(&w->channel, type, "", 0);
	flush(w);
	pthread_mutex_unlock(&w->speech);
}

/* The last word of either thread: the process ends. */
static void
fail(void *arg, struct error *err)
{
	struct worker *w = arg;
	struct msg_result r = { 0 };

	if (err->status == STATUS_LOCAL)
		err->status = STATUS_TRANSFER;
	result_from_error(&r, err);
	pthread_mutex_lock(&w->speech);
	MESSAGE_SEND(&w->channel, "fail", result, &r);
	flush(w);
	_exit(1);
}

static void
got(void *arg, const struct ranges *lines)
{
	say(arg, "got", lines);
}

/* Bytes of the manifest's text, into the reader and the session's file. */
static int
take_manifest(struct worker *w, const struct frame *f, struct error *err)
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
		int rc = next_frame(w, &f, err);

		if (rc <= 0)
			return rc;
		if (strcmp(f.type, "manifest"))
			return error_set(err, "a %s frame within the manifest",
				f.type);
		if (take_manifest(w, &f, err) < 0)
			return explain(w, err);
	}
	say(w, "read", NULL);
	return 1;
}

/* Those that have come are forgotten now and then. */
static void
expect(struct worker *w, uint32_t line)
{
	if (w->next > w->n / 2 && w->next > 1000) {
		w->n -= w->next;
		memmove(w->expected, w->expected + w->next,
			w->n * sizeof(*w->expected));
		w->next = 0;
	}
	MEM_GROW(w->expected, w->n, w->cap);
	w->expected[w->n++] = line;
}

static int
take_need(struct worker *w, const struct frame *f, struct error *err)
{
	struct ranges r = { NULL, 0, 0 };
	struct ranges_cursor at = { 0, 0 };
	uint32_t line;
	int rc;

	rc = ranges_read(&r, f->data, f->len, w->m.lines, err);
	/* All that may be asked for, and some of it again. */
	if (rc == 0 &&
		w->n - w->next + ranges_count(&r) > 2 * (uint64_t)w->m.lines)
		rc = error_status(err, STATUS_TRANSFER,
			"more files are announced than the tree has");
	while (rc == 0 && ranges_next(&r, &at, &line))
		expect(w, line);
	ranges_release(&r);
	return rc;
}

/* The need list is complete: what was bad comes behind it, or is named. */
static void
settle(struct worker *w, bool parts)
{
	size_t i;

	w->offering = false;
	w->parts = parts;
	for (i = 0; !parts && i < w->held.n; i++) {
		expect(w, w->held.v[i].first);
		w->bad++;
	}
	ranges_release(&w->held);
}

static int
take_offer(struct worker *w, const struct frame *f, struct error *err)
{
	w->offering = true;
	return take_need(w, f, err);
}

/* What is no part of the files stream; 0 or -1. */
static int
take_control(struct worker *w, const struct frame *f, struct error *err)
{
	struct intake_amended what;

	if (!strcmp(f->type, "need") || !strcmp(f->type, "part"))
		return take_need(w, f, err);
	if (!strcmp(f->type, "offer"))
		return take_offer(w, f, err);
	if (!strcmp(f->type, "settled") || !strcmp(f->type, "parts")) {
		settle(w, f->type[0] == 'p');
		return 0;
	}
	/* The stream may end in a frame behind that of its last line. */
	if (!strcmp(f->type, "manifest"))
		return take_manifest(w, f, err);
	if (!strcmp(f->type, "amend"))
		return intake_amend(&w->m, f->data, f->len, &what, err);
	return error_set(err, "an unexpected %s frame", f->type);
}

/* unpack wants more of the files stream. */
static ssize_t
pull_files(void *arg, const void **data, struct error *err)
{
	struct worker *w = arg;
	struct frame f;
	int rc;

	buf_clear(&w->files);
	buf_add(&w->files, w->ahead.data, w->ahead.len);
	buf_clear(&w->ahead);
	while (w->files.len == 0) {
		rc = next_frame(w, &f, err);
		if (rc <= 0)
			return rc;
		if (!strcmp(f.type, "files"))
			buf_add(&w->files, f.data, f.len);
		else if (take_control(w, &f, err) < 0)
			return -1;
	}
	*data = w->files.data;
	return (ssize_t)w->files.len;
}

static void
put(struct worker *w, const struct writer_part *part)
{
	writer_put(w->writer, part);
	w->piece = writer_slot(w->writer);
}

/* Bytes of the file under way. */
static void
take_bytes(void *arg, const char *data, size_t len)
{
	static const struct writer_part more = { .end = WRITER_MORE };
	struct worker *w = arg;

	while (len) {
		size_t n = WRITER_PIECE - w->piece->len;

		if (n > len)
			n = len;
		buf_add(w->piece, data, n);
		data += n;
		len -= n;
		if (len)
			put(w, &more);
	}
}

/* Whether nothing more is expected, but for what waits for an answer. */
static bool
is_last(const struct worker *w)
{
	return w->n - w->next <= w->bad;
}

static void
put_right(struct worker *w, const struct wanted *x, uint32_t line)
{
	struct writer_part part = { .end = WRITER_KEEP,
		.mode = x->part ? 0600 : x->e->mode & ~w->o->umask,
		.line = line,
		.report = is_last(w) };

	memcpy(part.digest, x->digest, DIGEST_SIZE);
	put(w, &part);
}

/* One line each, in the order in which they were found. */
static void
hold(struct worker *w, uint32_t line)
{
	struct ranges *r = &w->held;

	MEM_GROW(r->v, r->n, r->cap);
	r->v[r->n++] = (struct range){ line, line };
}

/* Each client gives up long before. */
static int
count_bad(struct worker *w, struct error *err)
{
	const uint64_t most = 1000 + 4 * (uint64_t)w->m.lines;

	if (++w->bads <= most)
		return 0;
	return error_status(err, STATUS_TRANSFER,
		"files were wrong more than %" PRIu64 " times", most);
}

/* It is expected once more; the session tells the client. */
static void
put_bad(struct worker *w, const struct wanted *x, uint32_t line)
{
	static const struct writer_part drop = { .end = WRITER_DROP };
	struct ranges bad = { NULL, 0, 0 };

	if (x->size > WRITER_PIECE)
		put(w, &drop);
	else
		buf_clear(w->piece);
	if (x->instead)
		line = x->e->line;
	if (w->offering) {
		hold(w, line);
	} else if (!w->parts) {
		expect(w, line);
		w->bad++;
	}
	ranges_add(&bad, line);
	say(w, "bad", &bad);
	ranges_release(&bad);
}

/* Whether nothing comes for this line: its file came instead of a chunk. */
static bool
is_void(const struct worker *w, uint32_t line)
{
	struct wanted x;

	return w->instead && wanted_find(&x, &w->m, line) == 0 && x.instead &&
		w->instead[x.e - w->m.v];
}

static void
put_void(struct worker *w, uint32_t line)
{
	struct writer_part part = {
		.end = WRITER_NOTHING, .line = line, .report = is_last(w)
	};

	put(w, &part);
}

static void
note_instead(struct worker *w, const struct wanted *x)
{
	if (!x->instead)
		return;
	if (!w->instead)
		w->instead = mem_zalloc(w->m.n, sizeof(*w->instead));
	w->instead[x->e - w->m.v] = true;
}

static void
start_writer(struct worker *w)
{
	const struct writer_host host = { got, fail, w };

	w->writer = writer_new(w->o->tmp, &host);
	w->piece = writer_slot(w->writer);
}

/* One file or chunk of the stream. */
static int
receive_file(struct worker *w, uint32_t line, struct error *err)
{
	struct wanted x;
	uint8_t digest[DIGEST_SIZE];
	uint64_t size;

	if (is_void(w, line)) {
		put_void(w, line);
		return 0;
	}
	if (unpack_header(w->unpack, &size, err) < 0)
		return -1;
	/* Only now: an amend may have come before the header. */
	if (wanted_find(&x, &w->m, line) < 0 || x.size != size)
		return error_status(err, STATUS_TRANSFER,
			"the files stream does not follow the need list");
	if (unpack_data(w->unpack, size, take_bytes, w, digest, err) < 0)
		return -1;
	note_instead(w, &x);
	if (memcmp(digest, x.digest, DIGEST_SIZE) == 0) {
		put_right(w, &x, line);
		return 0;
	}
	if (count_bad(w, err) < 0)
		return -1;
	put_bad(w, &x, line);
	return 0;
}

static int
keep_ahead(struct worker *w, const struct frame *f, struct error *err)
{
	if (w->ahead.len + f->len > AHEAD_MOST)
		return error_status(err, STATUS_TRANSFER,
			"files came that nobody asked for");
	buf_add(&w->ahead, f->data, f->len);
	return 0;
}

static int
receive_files(struct worker *w, struct error *err)
{
	struct frame f;

	for (;;) {
		int rc;

		while (w->next < w->n)
			if (receive_file(w, w->expected[w->next++], err) < 0)
				return -1;
		rc = next_frame(w, &f, err);
		if (rc <= 0)
			return rc;
		rc = strcmp(f.type, "files") ? take_control(w, &f, err) :
					       keep_ahead(w, &f, err);
		if (rc < 0)
			return -1;
	}
}

/* All that needs more than reading, writing and memory. */
static int
get_ready(struct worker *w, struct error *err)
{
	umask(0); /* modes are those of the entries */
	w->z = zin_new(WINDOW_LOG);
	w->unpack = unpack_new(pull_files, w);
	if (intake_confine_files(w->o, err) < 0)
		return -1;
	start_writer(w);
	return intake_confine_calls(w->o, err);
}

int
intake_work(const struct intake_options *o, int fd, int text)
{
	struct worker w = { .o = o, .text = text };
	struct error err = ERROR_INIT;
	int rc;

	pthread_mutex_init(&w.speech, NULL);
	channel_init(&w.channel, fd, fd, false, "the session");
	rc = get_ready(&w, &err);
	if (rc == 0 && o->manifest) {
		w.m = *o->manifest; /* our own: we are a copy of the session */
		rc = 1;
	} else if (rc == 0) {
		rc = receive_manifest(&w, &err);
	}
	if (rc > 0)
		rc = receive_files(&w, &err);
	/* What arrived whole is kept in any case. */
	writer_free(w.writer);
	if (rc < 0)
		fail(&w, &err);
	return 0;
}
