#include "cook.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/zstream.h"
#include "contexts.h"
#include "tarsum.h"
#include "wire/frame.h"

#define BLOCK 512

void
cook_init(struct cook *c, const struct manifest *base)
{
	contexts_link();
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
	} else if (len > 5 && !memcmp(line, "id ", 3) &&
		!memcmp(line + len - 2, "-@", 2)) {
		digest_to_hex(c->m.id, hex);
		buf_addf(out, "%.*s%.8s\n", (int)len - 1, line, hex);
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
		frame_add(out, type, buf_str(payload) + at, n);
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
	bool manifest = cook_is(f, "manifest");

	if (cook_is_packed(f))
		return false;
	if (manifest) {
		/* What the frames of one manifest say is all in its text. */
		if (c->text.len > *said)
			buf_add(&plain, c->text.data + *said,
				c->text.len - *said);
		*said = c->text.len;
	} else if (cook_is(f, "files")) {
		add_tar(f, &plain);
	} else if (cook_is(f, "zip")) {
		buf_add(&plain, f->data, f->len);
	} else if (cook_is(f, "file")) {
		tarsum_member(&plain, f->data, f->len);
	} else if (cook_is(f, "zeros")) {
		char *nothing = mem_zalloc(1, cook_zeros(f) + 1);

		tarsum_member(&plain, nothing, cook_zeros(f));
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
	cook_manifest(c, at, end, &settings);
	while (cook_next(&at, end, &f)) {
		if (cook_is(&f, "wait")) {
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
		if (cook_is(&f, "push") || cook_is(&f, "release"))
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
