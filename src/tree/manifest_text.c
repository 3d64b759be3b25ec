/* The text of a manifest, a piece at a time: there may be 100 MB of it. */
#include "tree/manifest.h"

#include <string.h>

#include "base/io.h"

#define PIECE 65536

static void
write_lines(const struct entry *e, struct buf *out)
{
	uint32_t i;

	manifest_write_entry(e, out);
	for (i = 0; i + 1 < entry_lines(e); i++)
		manifest_write_chunk(e, i, out);
}

void
manifest_write(const struct manifest *m, struct buf *out)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		write_lines(&m->v[i], out);
	manifest_write_end(m, out);
}

int
manifest_text(const struct manifest *m, manifest_text_fn *fn, void *arg)
{
	struct buf piece = BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < m->n; i++) {
		write_lines(&m->v[i], &piece);
		if (piece.len >= PIECE) {
			rc = fn(piece.data, piece.len, arg);
			buf_clear(&piece);
		}
	}
	manifest_write_end(m, &piece);
	if (rc == 0)
		rc = fn(piece.data, piece.len, arg);
	buf_release(&piece);
	return rc;
}

int
manifest_parse(struct manifest *m, const char *text, size_t len,
	struct error *err)
{
	struct manifest_reader r;
	int rc;

	manifest_reader_init(&r, m, NULL, 0);
	rc = manifest_reader_add(&r, text, len, err);
	if (rc == 0 && !r.ended)
		rc = error_set(err, "manifest: it ends early");
	manifest_reader_release(&r);
	return rc;
}

static int
read_pieces(struct manifest_reader *r, int fd, struct digest *d,
	struct error *err)
{
	char piece[PIECE];
	ssize_t n;

	while ((n = io_read_full(fd, piece, sizeof(piece))) > 0) {
		digest_update(d, piece, (size_t)n);
		if (manifest_reader_add(r, piece, (size_t)n, err) < 0)
			return -1;
	}
	if (n < 0)
		return error_errno(err, "manifest");
	return r->ended ? 0 : error_set(err, "manifest: it ends early");
}

static int
read_all(struct manifest_reader *r, int fd, uint8_t digest[static DIGEST_SIZE],
	struct error *err)
{
	struct digest *d = digest_new();
	int rc = read_pieces(r, fd, d, err);

	manifest_reader_release(r);
	digest_final(d, digest);
	digest_free(d);
	return rc;
}

int
manifest_read(struct manifest *m, const struct manifest *base, int fd,
	uint8_t digest[static DIGEST_SIZE], struct error *err)
{
	struct manifest_reader r;

	manifest_reader_init(&r, m, base, 0);
	return read_all(&r, fd, digest, err);
}

int
manifest_read_known(struct manifest *m, int fd,
	uint8_t digest[static DIGEST_SIZE], struct error *err)
{
	struct manifest_reader r;

	manifest_reader_init(&r, m, NULL, 0);
	r.believes = true;
	return read_all(&r, fd, digest, err);
}

/* What manifest_entries() makes of lines. */
struct entries {
	manifest_entry_fn *fn;
	void *arg;
	struct manifest scratch; /* its arena has the strings */
	size_t n;                /* entries since that was emptied */
};

static int
give_line(struct entries *x, const char *line, size_t len, struct error *err)
{
	struct entry e;

	if (*line == 'c' || (len >= 4 && !memcmp(line, "end\t", 4)))
		return 0;
	if (++x->n % 512 == 0)
		arena_release(&x->scratch.arena);
	if (manifest_parse_entry(&x->scratch, line, len, &e, err) < 0)
		return -1;
	return x->fn(&e, x->arg) ? -1 : 0;
}

/* Takes the whole lines off the front of text. */
static int
give_lines(struct entries *x, struct buf *text, struct error *err)
{
	const char *at = text->data, *end = at + text->len, *nl;
	int rc = 0;

	while (rc == 0 && (nl = memchr(at, '\n', (size_t)(end - at)))) {
		rc = give_line(x, at, (size_t)(nl - at), err);
		at = nl + 1;
	}
	buf_consume(text, (size_t)(at - text->data));
	if (rc == 0 && text->len > MANIFEST_LINE_MOST)
		rc = error_set(err, "manifest: an overlong line");
	return rc;
}

int
manifest_entries(int fd, manifest_entry_fn *fn, void *arg,
	uint8_t digest[static DIGEST_SIZE], struct error *err)
{
	struct entries x = { .fn = fn, .arg = arg, .scratch = MANIFEST_INIT };
	struct digest *d = digest_new();
	struct buf text = BUF_INIT;
	ssize_t n = 0;
	int rc = 0;

	while (rc == 0 && (n = io_read_some(fd, &text, PIECE)) > 0) {
		digest_update(d, text.data + text.len - n, (size_t)n);
		rc = give_lines(&x, &text, err);
	}
	if (rc == 0 && n < 0)
		rc = error_errno(err, "manifest");
	digest_final(d, digest);
	digest_free(d);
	buf_release(&text);
	manifest_release(&x.scratch);
	return rc;
}
