#include "server/intake.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "base/process.h"
#include "base/zstream.h"
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

/* The process's own state. */
struct worker {
	const struct intake_options *o;
	struct channel channel;
	int text;
	struct manifest m;
	struct manifest_reader reader;
	struct zin *z;
	uint32_t *expected; /* lines, in the order their files come */
	size_t n, cap, next;
	bool *instead; /* by place in m: sent whole in place of a chunk */
	struct unpack *unpack;
	struct buf files; /* what unpack reads: it may not be done with it */
	struct buf ahead; /* of the same stream: not asked for yet */
};

/*
 * Waits for a frame, writing out what is queued meanwhile: 1, or 0 when the
 * session has ended.
 */
static int
next_frame(struct worker *w, struct frame *f, struct error *err)
{
	struct channel *c = &w->channel;

	for (;;) {
		struct pollfd p = { c->in, POLLIN, 0 };
		int rc = channel_next(c, f, err);

		if (rc)
			return rc;
		if (c->eof || c->broken)
			return 0;
		if (c->tx.len)
			p.events |= POLLOUT;
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return error_errno(err, "poll");
		if (channel_pump(c, p.revents & (POLLIN | POLLHUP | POLLERR),
			    p.revents & POLLOUT, err) < 0)
			return -1;
	}
}

static void
flush(struct worker *w)
{
	struct channel *c = &w->channel;

	if (c->tx.len)
		(void)io_write_full(c->out, c->tx.data, c->tx.len);
	buf_clear(&c->tx);
}

/* Bytes of the manifest's text, into the reader. */
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
	} while (used < f->len || n == PLAIN_SIZE);
	return 0;
}

/* The whole text, canonical, for the session and for later bases. */
static int
write_text(struct worker *w, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc;

	manifest_write(&w->m, &text);
	rc = io_write_full(w->text, text.data, text.len);
	if (rc < 0)
		error_errno(err, "cannot keep the manifest");
	buf_release(&text);
	return rc;
}

static int
receive_manifest(struct worker *w, struct error *err)
{
	struct frame f;

	while (!w->reader.ended) {
		int rc = next_frame(w, &f, err);

		if (rc <= 0)
			return rc;
		if (strcmp(f.type, "manifest"))
			return error_set(err, "a %s frame within the manifest",
				f.type);
		if (take_manifest(w, &f, err) < 0)
			return -1;
	}
	if (write_text(w, err) < 0)
		return -1;
	channel_send(&w->channel, "read", "", 0);
	return 1;
}

static void
expect(struct worker *w, uint32_t line)
{
	MEM_GROW(w->expected, w->n, w->cap);
	w->expected[w->n++] = line;
}

static int
take_need(struct worker *w, const struct frame *f, struct error *err)
{
	struct ranges r = { NULL, 0, 0 };
	uint32_t line;
	size_t i;
	int rc;

	rc = ranges_read(&r, f->data, f->len, w->m.lines, err);
	for (i = 0; rc == 0 && i < r.n; i++)
		for (line = r.v[i].first; line <= r.v[i].last; line++)
			expect(w, line);
	ranges_release(&r);
	return rc;
}

/* A line number before the TAB at `end`. */
static int
parse_line(const char *s, const char *end, uint32_t *line)
{
	uint64_t n = 0;

	if (s == end || end - s > 10 || *s == '0')
		return -1;
	for (; s < end; s++) {
		if (!isdigit((unsigned char)*s))
			return -1;
		n = n * 10 + (uint64_t)(*s - '0');
	}
	*line = (uint32_t)n;
	return n > UINT32_MAX ? -1 : 0;
}

int
intake_amend(struct manifest *m, const char *data, size_t len, uint32_t *line,
	struct error *err)
{
	const char *tab = len ? memchr(data, '\t', len) : NULL;
	struct entry e, *old;

	if (!tab || data[len - 1] != '\n')
		return error_set(err, "amend: malformed");
	old = parse_line(data, tab, line) == 0 ? manifest_line(m, *line) : NULL;
	if (!old)
		return error_set(err, "amend: no such line");
	if (manifest_parse_entry(m, tab + 1, len - 1 - (size_t)(tab + 1 - data),
		    &e, err) < 0)
		return -1;
	if (e.type != ENTRY_FILE || old->type != ENTRY_FILE ||
		strcmp(e.path, old->path))
		return error_set(err, "amend: not the same file");
	old->mode = e.mode;
	old->size = e.size;
	memcpy(old->digest, e.digest, DIGEST_SIZE);
	old->chunks = NULL; /* their lines stay, until it is written anew */
	return 0;
}

/* What is no part of the files stream; 0 or -1. */
static int
take_control(struct worker *w, const struct frame *f, struct error *err)
{
	uint32_t line;

	if (!strcmp(f->type, "need") || !strcmp(f->type, "offer"))
		return take_need(w, f, err);
	/* The stream may end in a frame behind that of its last line. */
	if (!strcmp(f->type, "manifest"))
		return take_manifest(w, f, err);
	if (!strcmp(f->type, "amend"))
		return intake_amend(&w->m, f->data, f->len, &line, err);
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
report(struct worker *w, const char *type, uint32_t line)
{
	channel_sendf(&w->channel, type, "%u\n", line);
	if (channel_full(&w->channel))
		flush(w);
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
note_instead(struct worker *w, const struct wanted *x)
{
	if (!x->instead)
		return;
	if (!w->instead)
		w->instead = mem_zalloc(w->m.n, sizeof(*w->instead));
	w->instead[x->e - w->m.v] = true;
}

/*
 * One file or chunk of the stream: into tmp/in, then, if it is right,
 * tmp/HEX.
 */
static int
receive_file(struct worker *w, uint32_t line, struct error *err)
{
	struct wanted x;
	uint8_t digest[DIGEST_SIZE];
	char hex[DIGEST_HEX + 1];
	uint64_t size;
	int fd, rc;

	if (is_void(w, line)) {
		report(w, "got", line);
		return 0;
	}
	if (unpack_header(w->unpack, &size, err) < 0)
		return -1;
	/* Only now: an amend may have come before the header. */
	if (wanted_find(&x, &w->m, line) < 0 || x.size != size)
		return error_status(err, STATUS_TRANSFER,
			"the files stream does not follow the need list");
	fd = openat(w->o->tmp, "in",
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		error_errno(err, "cannot write the upload");
		err->status = STATUS_REFUSED;
		return -1;
	}
	rc = unpack_data(w->unpack, size, fd, digest, err);
	io_close(&fd);
	if (rc < 0)
		return -1;
	note_instead(w, &x);
	if (memcmp(digest, x.digest, DIGEST_SIZE)) {
		if (x.instead)
			line = x.e->line;
		expect(w, line);
		report(w, "bad", line);
		return 0;
	}
	digest_to_hex(digest, hex);
	if (renameat(w->o->tmp, "in", w->o->tmp, hex) < 0)
		return error_errno(err, "cannot keep the upload of %s",
			x.e->path);
	report(w, "got", line);
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

static int
work(const struct intake_options *o, int fd, int text)
{
	struct worker w = { .o = o, .text = text };
	struct error err = ERROR_INIT;
	int rc;

	channel_init(&w.channel, fd, fd, false, "the session");
	manifest_reader_init(&w.reader, &w.m, o->base, o->most_entries);
	w.z = zin_new(WINDOW_LOG);
	w.unpack = unpack_new(pull_files, &w);
	rc = receive_manifest(&w, &err);
	if (rc > 0)
		rc = receive_files(&w, &err);
	if (rc < 0) {
		struct msg_result r = { 0 };

		if (err.status == STATUS_LOCAL)
			err.status = STATUS_TRANSFER;
		result_from_error(&r, &err);
		MESSAGE_SEND(&w.channel, "fail", result, &r);
	}
	flush(&w);
	return rc < 0;
}

int
intake_start(struct intake *in, const struct intake_options *o,
	struct error *err)
{
	int fds[2];

	memset(in, 0, sizeof(*in));
	in->fd = -1;
	in->text = memfd_create("manifest", MFD_CLOEXEC);
	if (in->text < 0)
		return error_errno(err, "cannot keep the manifest");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		error_errno(err, "socketpair");
		io_close(&in->text);
		return -1;
	}
	in->pid = fork();
	if (in->pid == 0) {
		/*
		 * Nothing of the session stays: not the client's descriptors,
		 * nor the locks, which would outlive the session in here.
		 */
		process_close_all_but((int[]){ fds[1], in->text, o->tmp, 2 },
			4);
		_exit(work(o, fds[1], in->text));
	}
	io_close(&fds[1]);
	if (in->pid < 0) {
		in->pid = 0;
		error_errno(err, "fork");
		io_close(&fds[0]);
		io_close(&in->text);
		return -1;
	}
	in->fd = fds[0];
	channel_init(&in->channel, in->fd, in->fd, false, "the intake");
	return 0;
}

void
intake_stop(struct intake *in)
{
	if (in->pid > 0) {
		kill(in->pid, SIGKILL);
		process_wait(in->pid);
		channel_release(&in->channel);
		io_close(&in->fd);
		io_close(&in->text);
	}
	memset(in, 0, sizeof(*in));
	in->fd = in->text = -1;
}
