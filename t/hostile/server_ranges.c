/* What a server may not ask for, and numbers that it may not say. */
#include <stdio.h>
#include <string.h>

#include "server.h"

#define PUSH "push -C tree local:x"
#define COMPARE "diff -C tree local:x"

/* Lines: 1 dir, 2 and 3 its files, 4 a link, 5 a file. */
static const struct {
	const char *name, *ranges;
} ranges[] = {
	{ "a directory", "1\n" },
	{ "a link", "4\n" },
	{ "a file and a link", "3-4\n" },
	{ "everything", "1-5\n" },
	{ "line 0", "0\n" },
	{ "one beyond the end", "6\n" },
	{ "up to beyond the end", "5-6\n" },
	{ "2^31", "2147483648\n" },
	{ "2^32 - 1", "4294967295\n" },
	{ "2^32 + 2", "4294967298\n" },
	{ "2^63", "9223372036854775808\n" },
	{ "2^64 + 2", "18446744073709551618\n" },
	{ "-2", "-2\n" },
	{ "+2", "+2\n" },
	{ "02", "02\n" },
	{ "2-", "2-\n" },
	{ "3-2", "3-2\n" },
	{ "descending", "3\n2\n" },
	{ "the same twice", "2\n2\n" },
	{ "overlapping", "2-3\n3-5\n" },
	{ "no LF", "2" },
	{ "an empty line", "\n" },
	{ "a word", "etc/passwd\n" },
	{ "a CR", "2\r\n" },
};

static void
asked_for(void)
{
	size_t i;

	for (i = 0; i < COUNT(ranges); i++) {
		struct say need[SAYS_MOST] = { { "live", "" },
			{ "need", ranges[i].ranges }, { "need-end", "" } };
		struct say token[SAYS_MOST] = { { "live", "" },
			{ "need", ranges[i].ranges },
			{ "need-end",
				"token 0123456789abcdef0123456789abcdef\n" } };
		struct say bad[SAYS_MOST] = { { "live", "" },
			{ "need-end", "" }, { "bad", ranges[i].ranges } };

		against(PUSH, need, 6, "", "need: %s", ranges[i].name);
		against(PUSH, token, 6, "", "need with a token: %s",
			ranges[i].name);
		against(PUSH, bad, 6, "", "bad: %s", ranges[i].name);
		against(COMPARE, need, 6, "", "need of a compare: %s",
			ranges[i].name);
	}
}

static void
orders(void)
{
	const struct say descending[SAYS_MOST] = { { "live", "" },
		{ "need", "3\n" }, { "need", "2\n" }, { "need-end", "" } };
	const struct say late[SAYS_MOST] = { { "live", "" }, { "need", "2\n" },
		{ "send", "what full\n" } };
	const struct say twice[SAYS_MOST] = { { "live", "" },
		{ "send", "what full\n" }, { "send", "what full\n" } };
	const struct say ends[SAYS_MOST] = { { "live", "" }, { "need-end", "" },
		{ "need-end", "" } };
	const struct say early[SAYS_MOST] = { { "need", "2\n" }, { "live", "" },
		{ "need-end", "" } };

	against(PUSH, descending, 6, "malformed line ranges",
		"needs that descend");
	against(PUSH, late, 6, "again", "send behind a need");
	against(PUSH, twice, 6, "again", "send twice");
	against(PUSH, ends, 6, "unexpected need-end", "need-end twice");
	against(PUSH, early, 6, "unexpected need", "need before live");
}

static const struct {
	const char *name, *payload;
	int status;
	const char *says;
} results[] = {
	{ "status 1", "status 1\nerror x\n", 1, "x" },
	{ "status 4", "status 4\nerror x\n", 4, "x" },
	{ "status 9", "status 9\nerror x\n", 9, "x" },
	{ "status 11", "status 11\nerror x\n", 6, "x" },
	{ "status 42", "status 42\nerror x\n", 6, "x" },
	{ "status 255", "status 255\nerror x\n", 6, "x" },
	{ "status 256", "status 256\nerror x\n", 6, "x" },
	{ "status 2^31", "status 2147483648\nerror x\n", 6, "x" },
	{ "status 2^32", "status 4294967296\nerror x\n", 6, "x" },
	{ "status 2^63", "status 9223372036854775808\nerror x\n", 6,
		"bad number" },
	{ "status -1", "status -1\nerror x\n", 6, "bad number" },
	{ "status 04", "status 04\nerror x\n", 6, "bad number" },
	{ "status +4", "status +4\nerror x\n", 6, "bad number" },
	{ "no status", "status \nerror x\n", 6, "bad number" },
	{ "a status that stands twice", "status 4\nstatus 0\n", 6, "twice" },
	{ "no error", "status 4\n", 4, "no reason" },
	{ "held no", "status 4\nheld no\nerror x\n", 6, "bad flag" },
	{ "an unfinished line", "status 4\nerror x", 6, "unfinished" },
	{ "an error with escapes", "status 4\nerror \033[2J\007\233x\n", 4,
		"\\x1b[2J" },
	{ "a hint with escapes", "status 4\nerror x\nhint \033c\n", 4,
		"\\x1bc" },
	{ "a live release with escapes", "status 4\nerror x\nlive \033c\n", 4,
		"x" },
	{ "a stage with escapes", "status 7\nerror x\nstage \033c\n", 7, "x" },
	{ "an outcome with escapes", "outcome \033c\nrelease \033c\n", 0, "" },
};

static void
ends(void)
{
	size_t i;

	for (i = 0; i < COUNT(results); i++) {
		struct say v[SAYS_MOST] = { { "result", results[i].payload } };
		int status = results[i].status;

		against(PUSH, v, status, status == 6 ? "" : results[i].says,
			"result: %s", results[i].name);
	}
}

static const char *const codes[] = { "256", "512", "65536", "2147483648",
	"4294967296", "9223372036854775807" };

/* An exit status must not come to be 0 by being cut. */
static void
exits(void)
{
	size_t i;

	for (i = 0; i < COUNT(codes); i++) {
		char text[64];
		struct say v[SAYS_MOST] = { { "result", text } };

		snprintf(text, sizeof(text), "outcome ran\ncode %s\n",
			codes[i]);
		against("run local:x -- true", v, 255, "", "run: code %s",
			codes[i]);
	}
}

void
server_ranges(void)
{
	asked_for();
	orders();
	ends();
	exits();
}
