/* The text of a manifest, a piece at a time: there may be 100 MB of it. */
#include "tree/manifest.h"

#include <errno.h>
#include <unistd.h>

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

int
manifest_read(struct manifest *m, const struct manifest *base, int fd,
	uint8_t digest[static DIGEST_SIZE], struct error *err)
{
	struct manifest_reader r;
	struct digest *d = digest_new();
	int rc;

	manifest_reader_init(&r, m, base, 0);
	rc = read_pieces(&r, fd, d, err);
	manifest_reader_release(&r);
	digest_final(d, digest);
	digest_free(d);
	return rc;
}
