/* The files stream: its members against the lines that are expected. */
#include "server/intake_parts.h"

#include <inttypes.h>
#include <string.h>

#include "tree/wanted.h"

/*
 * The files stream is one, so what comes of it while no file is expected (the
 * end of the last one's block, or files sent ahead) is kept for the next.
 */
#define AHEAD_MOST (256 * 1024)

ssize_t
intake_pull_files(void *arg, const void **data, struct error *err)
{
	struct worker *w = arg;
	struct frame f;
	int rc;

	buf_clear(&w->files);
	buf_add(&w->files, w->ahead.data, w->ahead.len);
	buf_clear(&w->ahead);
	while (w->files.len == 0) {
		rc = intake_next_frame(w, &f, err);
		if (rc <= 0)
			return rc;
		if (!strcmp(f.type, "files"))
			buf_add(&w->files, f.data, f.len);
		else if (intake_take_control(w, &f, err) < 0)
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
		intake_hold(w, line);
	} else if (!w->parts) {
		intake_expect(w, line);
		w->bad++;
	}
	ranges_add(&bad, line);
	intake_say(w, "bad", &bad);
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

int
intake_receive_files(struct worker *w, struct error *err)
{
	struct frame f;

	for (;;) {
		int rc;

		while (w->next < w->n)
			if (receive_file(w, w->expected[w->next++], err) < 0)
				return -1;
		rc = intake_next_frame(w, &f, err);
		if (rc <= 0)
			return rc;
		rc = strcmp(f.type, "files") ? intake_take_control(w, &f, err) :
					       keep_ahead(w, &f, err);
		if (rc < 0)
			return -1;
	}
}
