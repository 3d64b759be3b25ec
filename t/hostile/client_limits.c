/* Limits of deployd.conf that the other tables are within; slow clients. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

#define NONE "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* From here on deployd reads these settings. */
static void
settings(const char *text)
{
	FILE *f = fopen("limits.conf", "w");

	if (!f)
		abort();
	fprintf(f, "[deployd]\ndurability = relaxed\nspare = no\n%s", text);
	fclose(f);
	setenv("DEPLOYD_CONF", "limits.conf", 1);
}

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

	settings("max_bytes = 0\nmax_file_size = 0\nmax_files = 0\n"
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

	settings("max_path = 4\n");
	honest(&c);
	expect(&c, 4, "max_path in deployd.conf", "limits: max_path");
	settings("reserve = 1024T\n");
	honest(&c);
	expect(&c, 4, "no space", "limits: reserve");
	settings("max_manifest = 100\n");
	honest(&c);
	expect(&c, 4, "max_manifest", "limits: max_manifest");
	settings("max_entries = 4\n");
	honest(&c);
	push_key(&c, "entries", NULL);
	expect(&c, 4, "more than 4 entries", "limits: max_entries");
}

/* Ascending names, as long as may be: 800 KB of text in 2 KB of zstd. */
static void
manifest_bomb(void)
{
	struct buf text = BUF_INIT;
	struct conversation c;
	int i;

	settings("max_manifest = 64K\n");
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

	settings("request_timeout = 1\n");
	stalls(HELLO, "request_timeout", "behind hello");
	honest(&c);
	only_to(&c, HELLO);
	c.drips = true;
	expect(&c, 4, "request_timeout", "stall: a ping at a time for hello");
	settings("stall_timeout = 1\n");
	stalls(PUSH, "stall_timeout", "void");
	stalls(SETTINGS, "stall_timeout", "manifest");
	stalls(MANIFEST, "stall_timeout", "content");
	honest(&c);
	only_to(&c, MANIFEST);
	c.drips = true;
	expect(&c, 4, "min_rate", "stall: a ping at a time for content");
	settings("stall_timeout = 1\nmin_rate = 0\n");
	stalls(MANIFEST, "stall_timeout", "content, at any rate");
	settings("request_timeout = never\nstall_timeout = never\n");
	honest(&c);
	expect(&c, BUILT, "built", "stall: no deadlines");
}

void
client_limits(void)
{
	no_limits();
	paths();
	manifest_bomb();
	slow();
}
