/* Limits of deployd.conf that the other tables are within; slow clients. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

#define RAISE_REQUEST "raise request_timeout in deployd.conf"
#define RAISE_STALL "raise stall_timeout or lower min_rate in deployd.conf"
#define NONE "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void
too_much(const struct buf *lines, const char *name)
{
	struct conversation c;

	honest(&c);
	tell_manifest(&c, lines->data, lines->len);
	push_key(&c, "bytes", NULL);
	expect(&c, 4, "no space", "limits: %s", name);
}

/* Without limits sums must not wrap around. */
static void
no_limits(void)
{
	struct buf lines = BUF_INIT;
	struct conversation c;
	int i;

	deployd_conf("max_bytes = 0\nmax_file_size = 0\nmax_files = 0\n"
		     "max_entries = 0\nmax_manifest = 0\nmax_path = 0\n"
		     "max_sessions = 0\nreserve = 0\n");
	honest(&c);
	expect(&c, BUILT, "built", "limits: there are none");
	for (i = 0; i < 20; i++)
		buf_addf(&lines, "f\t644\t999999999999999999\t%064d\t%02d\n", i,
			i);
	too_much(&lines, "20 files of nearly 2^60 bytes");
	buf_clear(&lines);
	for (i = 0; i < 18; i++)
		buf_addf(&lines, "f\t644\t999999999999999999\t%064d\t%02d\n", i,
			i);
	buf_addf(&lines, "f\t644\t446744073709551643\t%064d\t99\n", i);
	too_much(&lines, "files of 2^64 bytes and 9");
	honest(&c);
	say(&c, FILES, "amend",
		BYTES("5\tf\t644\t999999999999999999\t" NONE "\tz\n"));
	expect(&c, 4, "no space", "limits: a file that grows to that");
	buf_release(&lines);
}

static void
paths(void)
{
	struct conversation c;

	deployd_conf("max_path = 4\n");
	honest(&c);
	expect(&c, 4, "max_path in deployd.conf, 4 bytes; raise it there",
		"limits: max_path");
	deployd_conf("reserve = 1024T\n");
	honest(&c);
	expect(&c, 4, "lower reserve in deployd.conf", "limits: reserve");
	deployd_conf("max_manifest = 100\n");
	honest(&c);
	expect(&c, 4, "raise max_manifest in deployd.conf",
		"limits: max_manifest");
	deployd_conf("max_entries = 4\n");
	honest(&c);
	push_key(&c, "entries", NULL);
	expect(&c, 4, "raise max_entries in deployd.conf",
		"limits: max_entries");
}

/* Ascending names, as long as may be: 800 KB of text in 2 KB of zstd. */
static void
manifest_bomb(void)
{
	struct buf text = BUF_INIT;
	struct conversation c;
	int i;

	deployd_conf("max_manifest = 64K\n");
	for (i = 0; i < 190; i++)
		buf_addf(&text, "l\t%04000d\t%0240d\n", 0, i);
	honest(&c);
	tell_packed(&c, &text);
	expect(&c, 4, "max_manifest", "limits: a bomb of a manifest");
	buf_release(&text);
}

/* What a client stops in front of. */
static void
stalls(enum step last, const char *says, const char *name)
{
	struct conversation c;

	honest(&c);
	only_to(&c, last);
	expect(&c, 4, says, "stall: %s", name);
}

static void
slow(void)
{
	struct conversation c;

	deployd_conf("request_timeout = 1\n");
	stalls(HELLO, RAISE_REQUEST, "behind hello");
	honest(&c);
	only_to(&c, HELLO);
	c.drips = true;
	expect(&c, 4, RAISE_REQUEST, "stall: a ping at a time for hello");
	deployd_conf("stall_timeout = 1\n");
	stalls(PUSH, RAISE_STALL, "void");
	stalls(SETTINGS, RAISE_STALL, "manifest");
	stalls(MANIFEST, RAISE_STALL, "content");
	honest(&c);
	only_to(&c, MANIFEST);
	c.drips = true;
	expect(&c, 4, RAISE_STALL, "stall: a ping at a time for content");
	deployd_conf("stall_timeout = 1\nmin_rate = 0\n");
	stalls(MANIFEST, RAISE_STALL, "content, at any rate");
	deployd_conf("request_timeout = never\nstall_timeout = never\n");
	honest(&c);
	expect(&c, BUILT, "built", "stall: no deadlines");
}

/* Of a deploy of five lines: 1,000 and 4 a line. */
#define WRONG_MOST 1020

/* So many members with other bytes, in turn, and then the right ones. */
static void
wrong_members(size_t n, int status, const char *says)
{
	char other[600] = "";
	struct conversation c;
	struct buf tar = BUF_INIT;
	size_t i;

	for (i = 0; i < n; i++)
		tar_member(&tar, "x", other, contents[i % TREE_FILES].len);
	/* Whose turn it is then. */
	for (i = n; i < n + TREE_FILES; i++)
		tar_member(&tar, "x", contents[i % TREE_FILES].data,
			contents[i % TREE_FILES].len);
	honest(&c);
	tell_tar(&c, &tar);
	expect(&c, status, says, "limits: %zu wrong members", n);
	buf_release(&tar);
}

/* Another size each time, the last the right one. */
static void
amends(size_t n, int status, const char *says)
{
	struct conversation c;
	struct buf tar = BUF_INIT, line = BUF_INIT;
	char hex[HEX + 1];

	talk_hash("", 0, hex);
	honest(&c);
	tar_member(&tar, "dir/a", contents[0].data, contents[0].len);
	tar_member(&tar, "dir/b", contents[1].data, contents[1].len);
	tell_tar(&c, &tar);
	buf_clear(&tar);
	while (n--) {
		buf_clear(&line);
		buf_addf(&line, "5\tf\t644\t%zu\t%s\tz\n", n, hex);
		talk_line(&c.step[FILES], "amend", buf_str(&line));
	}
	tar_member(&tar, "z", "", 0);
	add_tar(&c, &tar);
	expect(&c, status, says, "limits: %s",
		status ? "an amend too many" : "as many amends as may be");
	buf_release(&tar);
	buf_release(&line);
}

static void
ends(void)
{
	wrong_members(WRONG_MOST, BUILT, "built");
	wrong_members(WRONG_MOST + 1, 6, "wrong more than 1020 times");
	amends(WRONG_MOST, BUILT, "built");
	amends(WRONG_MOST + 1, 6, "more often than 1020 times");
}

void
client_limits(void)
{
	deployd_conf("");
	ends();
	no_limits();
	paths();
	manifest_bomb();
	slow();
}
