/*
 * Manifests: a text that is read is written as the same text; in pieces it
 * reads the same; and a difference against it gives it back.  A NUL divides the
 * text from a difference to be tried against it.  The tree id is filled in where
 * "@" stands for it.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "tree/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads it in pieces of `piece' bytes; whether it is a manifest. */
static bool
read_in_pieces(struct manifest *m, const struct manifest *base,
	const char *text, size_t len, size_t piece)
{
	struct manifest_reader r;
	struct error err = ERROR_INIT;
	bool whole = true;

	manifest_reader_init(&r, m, base, 1000);
	while (whole && len) {
		size_t n = piece < len ? piece : len;

		whole = manifest_reader_add(&r, text, n, &err) == 0;
		text += n;
		len -= n;
	}
	whole = whole && r.ended;
	manifest_reader_release(&r);
	return whole;
}

static void
check_same(const struct manifest *a, const struct manifest *b)
{
	size_t i;

	assert(a->n == b->n && !memcmp(a->id, b->id, DIGEST_SIZE));
	assert(a->lines == b->lines);
	for (i = 0; i < a->n; i++) {
		const struct entry *x = &a->v[i], *y = &b->v[i];

		assert(entry_equal(x, y) && x->line == y->line);
		assert(entry_lines(x) == entry_lines(y));
		if (entry_lines(x) > 1)
			assert(!memcmp(x->chunks->v, y->chunks->v,
				x->chunks->n * sizeof(*x->chunks->v)));
	}
}

static void
check_lines(const struct manifest *m)
{
	uint32_t line = 0, chunk, i;
	size_t e;

	for (e = 0; e < m->n; e++)
		for (i = 0; i < entry_lines(&m->v[e]); i++) {
			assert(manifest_at(m, ++line, &chunk) == &m->v[e]);
			assert(chunk == (i ? i - 1 : MANIFEST_NO_CHUNK));
		}
	assert(line == m->lines && !manifest_at(m, line + 1, &chunk));
}

/* From one to the other by their difference. */
static void
check_difference(const struct manifest *from, const struct manifest *to)
{
	struct manifest m = MANIFEST_INIT;
	struct buf text = BUF_INIT;

	manifest_difference(from, to, &text);
	assert(read_in_pieces(&m, from, text.data, text.len, 7));
	check_same(&m, to);
	manifest_release(&m);
	buf_release(&text);
}

static void
check_manifest(const struct manifest *m)
{
	struct manifest again = MANIFEST_INIT, none = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	size_t i;

	manifest_write(m, &text);
	assert(manifest_parse(&again, text.data, text.len, &err) == 0);
	check_same(m, &again);
	for (i = 0; i < m->n; i++)
		assert(manifest_find(m, m->v[i].path) == &m->v[i]);
	check_lines(m);
	check_difference(m, &again);
	check_difference(&none, m);
	manifest_release(&again);
	buf_release(&text);
}

/* For one tree there is exactly one text. */
static void
check_text(const struct manifest *m, const char *text, size_t len)
{
	struct buf out = BUF_INIT;

	manifest_write(m, &out);
	assert(out.len == len && !memcmp(out.data, text, len));
	buf_release(&out);
}

/* A text with its id: the right one, where "@" stands for it. */
static void
fill_id(struct buf *text, const struct manifest *base)
{
	static const char mark[] = "end\t@\n";
	const size_t len = strlen(mark);
	struct manifest m = MANIFEST_INIT;
	struct manifest_reader r;
	struct error err = ERROR_INIT;
	char hex[DIGEST_HEX + 1];

	if (text->len < len ||
		memcmp(text->data + text->len - len, mark, len) != 0)
		return;
	buf_truncate(text, text->len - 2);
	digest_to_hex(m.id, hex);
	buf_addf(text, "%s\n", hex);
	manifest_reader_init(&r, &m, base, 1000);
	r.believes = true;
	if (manifest_reader_add(&r, text->data, text->len, &err) == 0 &&
		r.ended) {
		manifest_finish(&m);
		digest_to_hex(m.id, hex);
		buf_truncate(text, text->len - DIGEST_HEX - 1);
		buf_addf(text, "%s\n", hex);
	}
	manifest_reader_release(&r);
	manifest_release(&m);
}

/* What is read against m, if it can be. */
static void
check_other(const struct manifest *m, const char *data, size_t size)
{
	struct manifest other = MANIFEST_INIT;
	struct buf text = BUF_INIT;

	buf_add(&text, data, size);
	fill_id(&text, m);
	if (read_in_pieces(&other, m, text.data, text.len, 11)) {
		check_manifest(&other);
		check_difference(m, &other);
		check_difference(&other, m);
	}
	buf_release(&text);
	manifest_release(&other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *zero = size ? memchr(data, '\0', size) : NULL;
	size_t len = zero ? (size_t)(zero - (const char *)data) : size;
	struct manifest m = MANIFEST_INIT, other = MANIFEST_INIT;
	struct buf text = BUF_INIT;
	bool is;

	buf_add(&text, data, len);
	fill_id(&text, NULL);
	is = read_in_pieces(&m, NULL, text.data, text.len, 1);
	assert(read_in_pieces(&other, NULL, text.data, text.len, 4096) == is);
	if (is) {
		check_text(&m, text.data, text.len);
		check_manifest(&m);
	}
	if (is && zero)
		check_other(&m, zero + 1, size - len - 1);
	buf_release(&text);
	manifest_release(&m);
	manifest_release(&other);
	return 0;
}
