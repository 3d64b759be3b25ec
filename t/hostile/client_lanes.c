/*
 * Further channels, which a push takes over by its token: what is hostile on
 * one of them takes nothing with it, and what comes on the first counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

#define MIB 1048576
#define PIECES 9
#define LINK "11"
#define LANES_MOST 7
/* So long an end is waited for, and so long none is to come. */
#define END_MS 10000
#define STAY_MS 300

/* Line 1 is a file of 9 MiB, 2 to 10 are its chunks, 11 is a link. */
static char data[PIECES * MIB];
static struct buf lines, file, wrong_file, half_file;

static void
make(void)
{
	struct buf tar = BUF_INIT;
	char hex[HEX + 1];
	size_t i;

	/* Of equal ones it would ask for one. */
	for (i = 0; i < PIECES; i++)
		memset(data + i * MIB, (int)i, MIB);
	talk_hash(data, sizeof(data), hex);
	buf_addf(&lines, "f\t644\t%zu\t%s\tx\n", sizeof(data), hex);
	for (i = 0; i < PIECES; i++) {
		talk_hash(data + i * MIB, MIB, hex);
		buf_addf(&lines, "c\t%d\t%s\n", MIB, hex);
	}
	buf_addf(&lines, "l\t/etc\ty\n");
	tar_member(&tar, "x", data, sizeof(data));
	talk_pack(&file, tar.data, tar.len);
	talk_pack(&half_file, tar.data, tar.len / 2);
	tar.data[tar.len / 2] ^= 1;
	talk_pack(&wrong_file, tar.data, tar.len);
	buf_release(&tar);
}

static void
large(struct conversation *c)
{
	honest(c);
	tell_manifest(c, lines.data, lines.len);
	push_key(c, "lanes", "7");
	push_key(c, "force", "yes");
	say(c, FILES, "part", BYTES("1\n"));
	talk_stream(&c->step[FILES], "files", &file);
}

/* What the first channel says of its parts. */
static const struct {
	const char *name, *ranges;
	size_t len;
	int status;
	const char *says;
} parts[] = {
	{ "the file", BYTES("1\n"), BUILT, "built" },
	{ "line 0", BYTES("0\n"), 6, "malformed line ranges" },
	{ "a link", BYTES(LINK "\n"), 6, "was not asked for" },
	{ "one beyond the end", BYTES("12\n"), 6, "malformed line ranges" },
	{ "up to beyond the end", BYTES("1-12\n"), 6, "malformed line ranges" },
	{ "2^32 - 1", BYTES("1-4294967295\n"), 6, "malformed line ranges" },
	{ "descending", BYTES("2\n1\n"), 6, "malformed line ranges" },
	{ "overlapping", BYTES("1-3\n3-4\n"), 6, "malformed line ranges" },
	{ "a leading zero", BYTES("01\n"), 6, "malformed line ranges" },
	{ "no LF", BYTES("1"), 6, "malformed line ranges" },
	{ "a chunk, and the file comes", BYTES("2\n"), 6, "does not follow" },
};

static void
part_rows(void)
{
	struct conversation c;
	size_t i;

	for (i = 0; i < COUNT(parts); i++) {
		large(&c);
		say(&c, FILES, "part", parts[i].ranges, parts[i].len);
		talk_stream(&c.step[FILES], "files", &file);
		expect(&c, parts[i].status, parts[i].says, "part: %s",
			parts[i].name);
	}
}

/* The lanes of one conversation. */
static struct lane {
	struct child child;
	struct talk talk;
} lanes[LANES_MOST + 1];
static size_t n_lanes;

/* Opens one that says this behind hello; whether it was closed in time. */
static bool
lane(const char *token, const struct buf *says, int ms)
{
	struct lane *l = &lanes[n_lanes++];
	char put[256];

	memset(&l->talk, 0, sizeof(l->talk));
	lane_start(&l->child);
	buf_addstr(&l->talk.out, MAGIC);
	talk_line(&l->talk.out, "hello", "version 1\n");
	snprintf(put, sizeof(put), "app app\ntoken %s\n", token);
	talk_line(&l->talk.out, "put", put);
	buf_add(&l->talk.out, buf_str(says), says->len);
	return child_talk(&l->child, &l->talk, ms);
}

/* The first thing that the server has said on the last one besides hello. */
static const char *
answer(void)
{
	static char text[1024];
	const struct talk *t = &lanes[n_lanes - 1].talk;
	struct heard f;
	size_t at = 0;

	while (talk_next(&t->in, &at, &f))
		if (!strcmp(f.type, "result"))
			return talk_value(&f, "error", text, sizeof(text));
	return "";
}

static const char *
end_lanes(void)
{
	const char *wrong = NULL;
	size_t i;
	long kib;

	for (i = 0; i < n_lanes; i++) {
		if (child_end(&lanes[i].child, &kib) != 0)
			wrong = "the process of a lane failed";
		buf_release(&lanes[i].talk.in);
		buf_release(&lanes[i].talk.out);
	}
	n_lanes = 0;
	return wrong;
}

/* What one lane says before the first channel brings everything. */
static const struct row {
	const char *name;
	const char *type, *payload; /* a frame, or NULL */
	size_t len;
	const struct buf *files; /* behind it, or NULL */
	bool stays;              /* it is not given up for it */
} rows[] = {
	{ "line 0", "part", BYTES("0\n"), &file, false },
	{ "a link", "part", BYTES(LINK "\n"), &file, false },
	{ "one beyond the end", "part", BYTES("12\n"), &file, false },
	{ "2^32 - 1", "part", BYTES("1-4294967295\n"), &file, false },
	{ "2^64 + 1", "part", BYTES("18446744073709551617\n"), &file, false },
	{ "descending", "part", BYTES("2\n1\n"), &file, false },
	{ "overlapping", "part", BYTES("1-3\n3-4\n"), &file, false },
	{ "no LF", "part", BYTES("1"), &file, false },
	{ "files without a part", NULL, NULL, 0, &file, true },
	{ "a chunk, and the file comes", "part", BYTES("2\n"), &file, false },
	{ "no zstd", "part", BYTES("1\n"), &lines, false },
	{ "the wrong file", "part", BYTES("1\n"), &wrong_file, true },
	{ "half a file", "part", BYTES("1\n"), &half_file, true },
	{ "a part and no files", "part", BYTES("1\n"), NULL, true },
	{ "nothing", NULL, NULL, 0, NULL, true },
	{ "pings", ".ping", BYTES(""), NULL, true },
	{ "an amend of a link", "amend", BYTES(LINK "\tl\t/\ty\n"), NULL,
		false },
	{ "an amend that is none", "amend", BYTES("1\n"), NULL, false },
	{ "hello once more", "hello", BYTES("version 1\n"), NULL, false },
	{ "push", "push", BYTES("app app\nthen activate\n"), NULL, false },
	{ "put once more", "put", BYTES(""), NULL, false },
	{ "full", "full", BYTES(""), NULL, false },
	{ "settings", "settings", BYTES("[hooks]\nbuild = false\n"), NULL,
		false },
	{ "manifest", "manifest", BYTES(""), NULL, false },
	{ "offer", "offer", BYTES("1\n"), NULL, false },
	{ "go", "go", BYTES(""), NULL, false },
	{ "abort", "abort", BYTES(""), NULL, false },
	{ "words", "words", BYTES("true\0"), NULL, false },
	{ "got", "got", BYTES("1\n"), NULL, false },
	{ "settled", "settled", BYTES(""), NULL, false },
	{ "a malformed frame", "PUSH", BYTES(""), NULL, false },
};
static const struct row *row;

static const char *
one_lane(const char *token)
{
	struct buf says = BUF_INIT;
	bool ended;

	if (row->type)
		talk_frame(&says, row->type, row->payload, row->len);
	if (row->files)
		talk_stream(&says, "files", row->files);
	/* One that stays may be read, or not, before the others say more. */
	ended = lane(token, &says, row->stays ? STAY_MS : END_MS);
	buf_release(&says);
	if (ended == row->stays)
		return ended ? "the lane was given up" : "the lane goes on";
	return NULL;
}

static void
lane_rows(void)
{
	struct conversation c;
	const char *wrong;

	for (row = rows; row < rows + COUNT(rows); row++) {
		large(&c);
		c.meanwhile = one_lane;
		expect(&c, BUILT, "built", "lane: %s", row->name);
		wrong = end_lanes();
		if (wrong)
			talk_result("a lane's process ends well", wrong);
	}
}

static const char *
others(const char *token)
{
	static const struct buf nothing = BUF_INIT;
	char other[33];

	snprintf(other, sizeof(other), "%s", token);
	other[31] = other[31] == '0' ? '1' : '0';
	if (!lane(other, &nothing, END_MS))
		return "one with another token goes on";
	return NULL;
}

/* Whichever comes last. */
static const char *
too_many(const char *token)
{
	static const struct buf nothing = BUF_INIT;
	int closed = 0, tries;
	size_t i;

	for (i = 0; i < LANES_MOST + 1; i++)
		closed += lane(token, &nothing, STAY_MS);
	for (tries = 0; !closed && tries < END_MS / STAY_MS; tries++)
		for (i = 0; i < n_lanes; i++)
			closed += child_talk(&lanes[i].child, &lanes[i].talk,
				STAY_MS / 8);
	return closed == 1 ? NULL : "not one of eight was given up";
}

static bool
brings(const char *token, const struct buf *files, int ms)
{
	struct buf says = BUF_INIT;
	bool ended;

	talk_line(&says, "part", "1\n");
	talk_stream(&says, "files", files);
	ended = lane(token, &says, ms);
	buf_release(&says);
	return ended;
}

/* The first channel says the same behind it. */
static const char *
all(const char *token)
{
	(void)brings(token, &file, STAY_MS);
	return NULL;
}

/* Once all has come a token opens nothing, though the push goes on. */
static const char *
afterwards(const char *token)
{
	if (brings(token, &file, STAY_MS))
		return "the push does not go on";
	while (n_lanes < LANES_MOST) {
		(void)brings(token, &file, 3 * STAY_MS);
		if (strstr(answer(), "no push here"))
			return NULL;
	}
	return "it is taken";
}

/* Half a file, and neither that lane nor the first channel says more. */
static const char *
stalls(const char *token)
{
	(void)brings(token, &half_file, STAY_MS);
	return NULL;
}

static const char *
too_large(const char *token)
{
	struct buf amend = BUF_INIT, says = BUF_INIT;
	char hex[HEX + 1];
	bool ended;

	talk_hash("", 0, hex);
	buf_addf(&amend, "1\tf\t644\t%d\t%s\tx\n", 9 * MIB + 1, hex);
	talk_line(&says, "amend", buf_str(&amend));
	ended = lane(token, &says, END_MS);
	buf_release(&amend);
	buf_release(&says);
	return ended ? NULL : "the lane goes on";
}

static void
with(const char *name, const char *(*meanwhile)(const char *token), int status,
	const char *says)
{
	struct conversation c;

	large(&c);
	c.meanwhile = meanwhile;
	if (meanwhile == afterwards) {
		push_key(&c, "then", "hold");
		say(&c, GO, "abort", "", 0);
	}
	if (meanwhile == stalls)
		only_to(&c, MANIFEST);
	expect(&c, status, says, "lane: %s", name);
	(void)end_lanes();
}

void
client_lanes(void)
{
	make();
	part_rows();
	lane_rows();
	with("a token of no push", others, BUILT, "built");
	with("one more than seven", too_many, BUILT, "built");
	with("one that brings all, as the first does", all, BUILT, "built");
	with("one when all has come", afterwards, 130, "cancelled");
	with("an amend over max_file_size", too_large, 4, "max_file_size");
	deployd_conf("stall_timeout = 1\n");
	with("one that stalls, as all do", stalls, 4, "stall_timeout");
	buf_release(&lines);
	buf_release(&file);
	buf_release(&wrong_file);
	buf_release(&half_file);
}
