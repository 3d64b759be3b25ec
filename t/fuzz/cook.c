#include "cook.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/zstream.h"
#include "tarsum.h"
#include "wire/frame.h"

#define BLOCK 512
#define ZEROS_MOST 200000
#define NOTHING \
	"0000000000000000000000000000000000000000000000000000000000000000"

void
cook_init(struct cook *c, const struct manifest *base)
{
	memset(c, 0, sizeof(*c));
	c->base = base;
	c->manifest = zout_new(1);
	c->files = zout_new(1);
}

void
cook_release(struct cook *c)
{
	zout_free(c->manifest);
	zout_free(c->files);
	buf_release(&c->text);
	manifest_release(&c->m);
}

int
cook_next(const char **at, const char *end, struct cook_frame *f)
{
	const char *p = *at, *nl;

	memset(f, 0, sizeof(*f));
	if (p == end)
		return 0;
	if (*p == '>') {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			nl = end;
		snprintf(f->type, sizeof(f->type), "%.*s", (int)(nl - p - 1),
			p + 1);
		p = nl < end ? nl + 1 : end;
	}
	f->data = p;
	/* An empty payload ends where it begins. */
	for (nl = p - 1; p < end && *p != '>'; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			nl = end - 1;
	}
	f->len = (size_t)(p - f->data);
	*at = p;
	return 1;
}

static bool
is_packed(const struct cook_frame *f)
{
	return f->len >= 4 && !memcmp(f->data, "\x28\xb5\x2f\xfd", 4);
}

static bool
is(const struct cook_frame *f, const char *type)
{
	return !strcmp(f->type, type);
}

static size_t
zeros(const struct cook_frame *f)
{
	char text[12];

	snprintf(text, sizeof(text), "%.*s", f->len > 10 ? 10 : (int)f->len,
		f->data);
	return (size_t)strtoul(text, NULL, 10) % ZEROS_MOST;
}

/* Size and hash of the next member, from *at on. */
static void
add_file(struct buf *out, const char **at, const char *end)
{
	uint8_t digest[DIGEST_SIZE];
	char hex[DIGEST_HEX + 1] = NOTHING;
	struct cook_frame f;
	size_t len = 0;

	while (cook_next(at, end, &f))
		if (is(&f, "file")) {
			digest_bytes(f.data, len = f.len, digest);
			digest_to_hex(digest, hex);
			break;
		} else if (is(&f, "zeros")) {
			char *nothing = mem_zalloc(1, zeros(&f) + 1);

			digest_bytes(nothing, len = zeros(&f), digest);
			digest_to_hex(digest, hex);
			free(nothing);
			break;
		}
	buf_addf(out, "%zu\t%s", len, hex);
}

/* A manifest's payload, with "@" filled in but for the tree id. */
static void
fill_files(struct buf *out, const struct cook_frame *f, const char **at,
	const char *end)
{
	size_t i;

	for (i = 0; i < f->len; i++)
		if (f->data[i] == '@' && i && f->data[i - 1] == '\t' &&
			i + 1 < f->len && f->data[i + 1] == '\t')
			add_file(out, at, end);
		else
			buf_addch(out, f->data[i]);
}

static int
parse(struct cook *c, const struct manifest *base)
{
	struct manifest_reader r;
	struct error ignored = ERROR_INIT;
	int rc;

	manifest_release(&c->m);
	memset(&c->m, 0, sizeof(c->m));
	manifest_reader_init(&r, &c->m, base, 10000);
	r.believes = true;
	rc = manifest_reader_add(&r, c->text.data, c->text.len, &ignored);
	if (rc == 0 && !r.ended)
		rc = -1;
	manifest_reader_release(&r);
	if (rc < 0) {
		manifest_release(&c->m);
		memset(&c->m, 0, sizeof(c->m));
		return -1;
	}
	manifest_finish(&c->m);
	return 0;
}

/* The id goes where "end TAB @" stands at the end. */
static void
fill_id(struct cook *c)
{
	static const char mark[] = "end\t@\n";
	const size_t len = strlen(mark);
	char hex[DIGEST_HEX + 1] = NOTHING;
	bool fill = c->text.len >= len &&
		!memcmp(c->text.data + c->text.len - len, mark, len);
	size_t at = c->text.len - 2;

	if (fill) {
		buf_truncate(&c->text, at);
		buf_addf(&c->text, "%s\n", NOTHING);
	}
	/* A difference is none without a base, nor a whole text with one. */
	if (c->text.len &&
		(parse(c, NULL) == 0 || (c->base && parse(c, c->base) == 0)))
		digest_to_hex(c->m.id, hex);
	if (fill)
		memcpy(c->text.data + at, hex, DIGEST_HEX);
}

/* All that is said of the manifest, before any of it is. */
static void
look_ahead(struct cook *c, const char *at, const char *end,
	struct cook_frame *settings)
{
	const char *files = at;
	struct cook_frame f;

	while (cook_next(&at, end, &f))
		if (is(&f, "manifest") && !is_packed(&f))
			fill_files(&c->text, &f, &files, end);
		else if (is(&f, "full"))
			buf_clear(&c->text);
		else if (is(&f, "settings"))
			*settings = f;
	fill_id(c);
}

static bool
starts(const char *line, size_t len, const char *with)
{
	return len == strlen(with) && !memcmp(line, with, len);
}

/* A line of push; true if it stood for something else. */
static bool
fill_line(const struct cook *c, const struct cook_frame *settings,
	const char *line, size_t len, struct buf *out)
{
	uint64_t files, bytes;
	uint8_t digest[DIGEST_SIZE];
	char hex[DIGEST_HEX + 1];
	struct buf text = BUF_INIT;

	manifest_count(&c->m, &files, &bytes);
	if (starts(line, len, "tree @")) {
		digest_to_hex(c->m.id, hex);
		buf_addf(out, "tree %s\n", hex);
	} else if (starts(line, len, "settings @")) {
		digest_bytes(settings->data, settings->len, digest);
		digest_to_hex(digest, hex);
		buf_addf(out, "settings %s\n", hex);
	} else if (starts(line, len, "base @") && c->base) {
		manifest_write(c->base, &text);
		digest_bytes(text.data, text.len, digest);
		digest_to_hex(digest, hex);
		buf_addf(out, "base %s\n", hex);
		buf_release(&text);
	} else if (starts(line, len, "files @")) {
		buf_addf(out, "files %" PRIu64 "\n", files);
	} else if (starts(line, len, "bytes @")) {
		buf_addf(out, "bytes %" PRIu64 "\n", bytes);
	} else if (starts(line, len, "entries @")) {
		buf_addf(out, "entries %zu\n", c->m.n);
	} else {
		return false;
	}
	return true;
}

static void
fill_push(const struct cook *c, const struct cook_frame *settings,
	const struct cook_frame *f, struct buf *out)
{
	const char *p = f->data, *end = p + f->len, *nl;

	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl) {
			buf_add(out, p, (size_t)(end - p));
			return;
		}
		if (!fill_line(c, settings, p, (size_t)(nl - p), out))
			buf_add(out, p, (size_t)(nl + 1 - p));
	}
}

static void
add_frames(struct buf *out, const char *type, const struct buf *payload)
{
	size_t at = 0, n;

	do {
		n = payload->len - at < FRAME_MOST ? payload->len - at :
						     FRAME_MOST;
		frame_add(out, type, payload->data + at, n);
		at += n;
	} while (at < payload->len);
}

static void
pack(struct zout *z, const char *type, const struct buf *plain, struct buf *out)
{
	struct buf packed = BUF_INIT;

	zout_write(z, plain->data, plain->len, ZFLUSH_NOW, &packed);
	add_frames(out, type, &packed);
	buf_release(&packed);
}

/* Whole blocks: the LF before the next ">" is none of them. */
static void
add_tar(const struct cook_frame *f, struct buf *plain)
{
	size_t len = f->len;

	if (len % BLOCK == 1 && f->data[len - 1] == '\n')
		len--;
	buf_add(plain, f->data, len);
	tarsum_mend((uint8_t *)plain->data, plain->len);
}

/* What is to be compressed; false if it is another frame. */
static bool
add_packed(struct cook *c, const struct cook_frame *f, size_t *said,
	struct buf *out)
{
	struct buf plain = BUF_INIT;
	bool manifest = is(f, "manifest");

	if (is_packed(f))
		return false;
	if (manifest) {
		/* What the frames of one manifest say is all in its text. */
		if (c->text.len > *said)
			buf_add(&plain, c->text.data + *said,
				c->text.len - *said);
		*said = c->text.len;
	} else if (is(f, "files")) {
		add_tar(f, &plain);
	} else if (is(f, "file")) {
		tarsum_member(&plain, f->data, f->len);
	} else if (is(f, "zeros")) {
		char *nothing = mem_zalloc(1, zeros(f) + 1);

		tarsum_member(&plain, nothing, zeros(f));
		free(nothing);
	} else {
		return false;
	}
	pack(manifest ? c->manifest : c->files, manifest ? "manifest" : "files",
		&plain, out);
	buf_release(&plain);
	return true;
}

void
cook(struct cook *c, const void *data, size_t size, struct buf *out)
{
	const char *at = data, *end = at + size;
	struct cook_frame f, settings = { .data = "" };
	struct buf payload = BUF_INIT;
	size_t said = 0;

	c->n_waits = 0;
	if (!size)
		return;
	buf_clear(&c->text);
	look_ahead(c, at, end, &settings);
	while (cook_next(&at, end, &f)) {
		if (is(&f, "wait")) {
			if (c->n_waits < COOK_WAITS)
				c->waits[c->n_waits++] = out->len;
			continue;
		}
		if (add_packed(c, &f, &said, out))
			continue;
		buf_clear(&payload);
		/* Words end with a NUL; the LF is that of the next ">". */
		if (f.len > 1 && !memcmp(f.data + f.len - 2, "\0\n", 2))
			f.len--;
		if (is(&f, "push"))
			fill_push(c, &settings, &f, &payload);
		else
			buf_add(&payload, f.data, f.len);
		if (f.type[0])
			add_frames(out, f.type, &payload);
		else
			buf_add(out, payload.data, payload.len);
	}
	buf_release(&payload);
}
