/* zstd streams: of the manifest and of the files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "client.h"

/* How a stream is made of what it should hold. */
typedef void make_fn(const struct buf *plain, struct buf *out);

static void
whole(const struct buf *plain, struct buf *out)
{
	talk_pack(out, plain->data, plain->len);
}

static void
with(const struct buf *plain, struct buf *out, ZSTD_cParameter p, int value)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();
	size_t room = ZSTD_compressBound(plain->len);

	ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, 10);
	ZSTD_CCtx_setParameter(z, p, value);
	ZSTD_CCtx_setParameter(z, ZSTD_c_contentSizeFlag, 0);
	/* In pieces: the size is not known, so the window stays. */
	ZSTD_inBuffer in = { plain->data, plain->len, 0 };
	ZSTD_outBuffer o = { buf_reserve(out, room), room, 0 };
	ZSTD_compressStream2(z, &o, &in, ZSTD_e_flush);
	ZSTD_compressStream2(z, &o, &in, ZSTD_e_end);
	out->len += o.pos;
	ZSTD_freeCCtx(z);
}

static void
window_23(const struct buf *plain, struct buf *out)
{
	with(plain, out, ZSTD_c_windowLog, 23);
}

static void
window_24(const struct buf *plain, struct buf *out)
{
	with(plain, out, ZSTD_c_windowLog, 24);
}

static void
window_27(const struct buf *plain, struct buf *out)
{
	with(plain, out, ZSTD_c_windowLog, 27);
}

/* The largest that a header can ask for, with no block behind. */
static void
window_41(const struct buf *plain, struct buf *out)
{
	buf_add(out, "\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00", 9);
	whole(plain, out);
}

static void
checksums(const struct buf *plain, struct buf *out)
{
	with(plain, out, ZSTD_c_checksumFlag, 1);
}

static void
wrong_checksum(const struct buf *plain, struct buf *out)
{
	checksums(plain, out);
	out->data[out->len - 1] ^= 1;
}

static void
long_distance(const struct buf *plain, struct buf *out)
{
	with(plain, out, ZSTD_c_enableLongDistanceMatching, 1);
}

static void
dictionary(const struct buf *plain, struct buf *out)
{
	whole(plain, out);
	/* The descriptor's lowest bits: an id of one byte follows. */
	out->data[4] |= 1;
}

static void
bad_magic(const struct buf *plain, struct buf *out)
{
	whole(plain, out);
	out->data[0] ^= 1;
}

static void
reserved_bit(const struct buf *plain, struct buf *out)
{
	whole(plain, out);
	out->data[4] |= 8;
}

static void
damaged(const struct buf *plain, struct buf *out)
{
	size_t i;

	whole(plain, out);
	for (i = out->len / 3; i < out->len; i++)
		out->data[i] = (char)~out->data[i];
}

static void
raw(const struct buf *plain, struct buf *out)
{
	buf_add(out, plain->data, plain->len);
}

static void
two_frames(const struct buf *plain, struct buf *out)
{
	size_t half = plain->len / 2;

	talk_pack(out, plain->data, half);
	talk_pack(out, plain->data + half, plain->len - half);
}

static void
skippable_first(const struct buf *plain, struct buf *out)
{
	buf_add(out,
		"\x50\x2a\x4d\x18\x03\x00\x00\x00"
		"abc",
		11);
	whole(plain, out);
}

static void
skippable_large(const struct buf *plain, struct buf *out)
{
	buf_add(out, "\x50\x2a\x4d\x18\xff\xff\xff\xff", 8);
	whole(plain, out);
}

static void
skippable_last(const struct buf *plain, struct buf *out)
{
	whole(plain, out);
	buf_add(out,
		"\x50\x2a\x4d\x18\x03\x00\x00\x00"
		"abc",
		11);
}

static void
empty_frames(const struct buf *plain, struct buf *out)
{
	int i;

	for (i = 0; i < 10000; i++)
		talk_pack(out, "", 0);
	whole(plain, out);
}

static void
garbage_behind(const struct buf *plain, struct buf *out)
{
	whole(plain, out);
	buf_addstr(out, "garbage");
}

/* Flushed, not ended. */
static void
not_ended(const struct buf *plain, struct buf *out)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();
	size_t room = ZSTD_compressBound(plain->len);
	ZSTD_inBuffer in = { plain->data, plain->len, 0 };
	ZSTD_outBuffer o = { buf_reserve(out, room), room, 0 };

	ZSTD_compressStream2(z, &o, &in, ZSTD_e_flush);
	out->len += o.pos;
	ZSTD_freeCCtx(z);
}

#define BAD "bad zstd stream"
/* The server waits for more, until there is none. */
static const char GONE[] = "client";

static const struct {
	const char *name;
	make_fn *make;
	int manifest;
	const char *manifest_says;
	int files;
	const char *files_says;
} streams[] = {
	{ "one frame", whole, BUILT, "built", BUILT, "built" },
	{ "two frames", two_frames, 6, "behind the end", BUILT, "built" },
	{ "not ended", not_ended, BUILT, "built", BUILT, "built" },
	{ "a window of 8 MiB", window_23, BUILT, "built", BUILT, "built" },
	{ "a window of 16 MiB", window_24, 6, BAD, 6, BAD },
	{ "a window of 128 MiB", window_27, 6, BAD, 6, BAD },
	{ "a window of 2^41 and more", window_41, 6, BAD, 6, BAD },
	{ "a checksum", checksums, BUILT, "built", BUILT, "built" },
	{ "a wrong checksum", wrong_checksum, 6, BAD, 6, BAD },
	{ "long distances", long_distance, BUILT, "built", BUILT, "built" },
	{ "a dictionary", dictionary, 6, BAD, 6, BAD },
	{ "a wrong magic", bad_magic, 6, BAD, 6, BAD },
	{ "a reserved bit", reserved_bit, 6, BAD, 6, BAD },
	{ "damage", damaged, 6, "", 6, "" },
	{ "no compression", raw, 6, BAD, 6, BAD },
	{ "a skippable frame first", skippable_first, 6, "behind the end",
		BUILT, "built" },
	{ "a skippable frame last", skippable_last, 6, "behind the end", BUILT,
		"built" },
	{ "a skippable frame of 4 GiB", skippable_large, 6, GONE, 130, GONE },
	{ "10,000 empty frames", empty_frames, 6, "behind the end", BUILT,
		"built" },
	{ "garbage behind the end", garbage_behind, 6, "", BUILT, "built" },
};

static void
frames_of(struct conversation *c, enum step step, const char *type,
	make_fn *make, const struct buf *plain)
{
	struct buf out = BUF_INIT;

	make(plain, &out);
	buf_clear(&c->step[step]);
	talk_stream(&c->step[step], type, &out);
	buf_release(&out);
}

static void
rows(void)
{
	struct buf text = BUF_INIT, tar = BUF_INIT;
	struct conversation c;
	char hex[HEX + 1];
	size_t i;

	buf_add(&text, tree_lines.data, tree_lines.len);
	talk_tree(&text, hex);
	buf_addf(&text, "end\t%s\n", hex);
	tar_all(&tar);
	for (i = 0; i < COUNT(streams); i++) {
		honest(&c);
		frames_of(&c, MANIFEST, "manifest", streams[i].make, &text);
		c.hangs_up = streams[i].manifest_says == GONE;
		expect(&c, streams[i].manifest, streams[i].manifest_says,
			"zstd of a manifest: %s", streams[i].name);
		honest(&c);
		frames_of(&c, FILES, "files", streams[i].make, &tar);
		if (streams[i].files_says == GONE)
			talk_line(&c.step[FILES], "abort", "");
		expect(&c, streams[i].files, streams[i].files_says,
			"zstd of files: %s", streams[i].name);
	}
	buf_release(&text);
	buf_release(&tar);
}

/* The text, cut into frames of so many bytes. */
static void
cut_into(size_t len)
{
	struct conversation c;
	struct buf packed = BUF_INIT, whole_step = BUF_INIT;
	struct heard f;
	size_t at = 0, i;

	honest(&c);
	while (talk_next(&c.step[FILES], &at, &f))
		buf_add(&packed, f.data, f.len);
	for (i = 0; i < packed.len; i += len)
		talk_frame(&whole_step, "files", packed.data + i,
			packed.len - i < len ? packed.len - i : len);
	say_raw(&c, FILES, whole_step.data, whole_step.len);
	expect(&c, BUILT, "built", "zstd: frames of %zu bytes", len);
	buf_release(&packed);
	buf_release(&whole_step);
}

/* Much of the same, which compresses to little. */
static void
manifest_bomb(const char *name, const char *line, size_t bytes, int status,
	const char *says)
{
	struct buf text = BUF_INIT;
	struct conversation c;

	while (text.len < bytes)
		buf_addstr(&text, line);
	honest(&c);
	tell_packed(&c, &text);
	expect(&c, status, says, "%s", name);
	buf_release(&text);
}

static void
files_bomb(void)
{
	struct buf zeros = BUF_INIT;
	struct conversation c;

	memset(buf_reserve(&zeros, 400000000), 0, 400000000);
	zeros.len = 400000000;
	honest(&c);
	tell_tar(&c, &zeros);
	expect(&c, 6, "bad files stream", "zstd: 400 MB of zeros for files");
	honest(&c);
	tell_packed(&c, &zeros);
	expect(&c, 6, "overlong line", "zstd: 400 MB of zeros for a manifest");
	buf_release(&zeros);
}

/* Files that nobody asked for: more than may come before need. */
static void
unasked(void)
{
	static char noise[300000];
	struct buf b = BUF_INIT;
	struct conversation c;
	size_t i;

	for (i = 0; i < sizeof(noise); i++)
		noise[i] = (char)rand();
	buf_add(&b, noise, sizeof(noise));
	honest(&c);
	c.waits = STEPS;
	buf_clear(&c.step[FILES]);
	talk_stream(&c.step[FILES], "files", &b);
	expect(&c, 6, "", "files that nobody has asked for yet");
	buf_release(&b);
}

void
client_streams(void)
{
	rows();
	cut_into(1);
	cut_into(7);
	cut_into(511);
	manifest_bomb("zstd: 100 MB of the same line", "d\t755\td\n", 100000000,
		6, "stands behind");
	manifest_bomb("zstd: 100 MB of empty lines", "\n", 100000000, 6,
		"malformed line");
	files_bomb();
	unasked();
}
