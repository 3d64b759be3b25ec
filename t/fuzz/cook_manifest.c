/* What is to be known of the manifest before any of it is said. */
#include "cook.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/mem.h"

#define ZEROS_MOST 200000
#define NOTHING \
	"0000000000000000000000000000000000000000000000000000000000000000"

bool
cook_is(const struct cook_frame *f, const char *type)
{
	return !strcmp(f->type, type);
}

bool
cook_is_packed(const struct cook_frame *f)
{
	return f->len >= 4 && !memcmp(f->data, "\x28\xb5\x2f\xfd", 4);
}

size_t
cook_zeros(const struct cook_frame *f)
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
		if (cook_is(&f, "file")) {
			digest_bytes(f.data, len = f.len, digest);
			digest_to_hex(digest, hex);
			break;
		} else if (cook_is(&f, "zeros")) {
			char *nothing = mem_zalloc(1, cook_zeros(&f) + 1);

			digest_bytes(nothing, len = cook_zeros(&f), digest);
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
void
cook_manifest(struct cook *c, const char *at, const char *end,
	struct cook_frame *settings)
{
	const char *files = at;
	struct cook_frame f;

	while (cook_next(&at, end, &f))
		if (cook_is(&f, "manifest") && !cook_is_packed(&f))
			fill_files(&c->text, &f, &files, end);
		else if (cook_is(&f, "full"))
			buf_clear(&c->text);
		else if (cook_is(&f, "settings"))
			*settings = f;
	fill_id(c);
}
