/* Every frame of the server's where none of its kind may come. */
#include <stdio.h>
#include <string.h>

#include "server.h"

#define PUSH "push -C tree local:x"
#define COMPARE "diff -C tree local:x"
#define ID "20261124T124051Z-34754b14"

/* What came before, in each state of a deploy. */
static const struct {
	const char *name, *words;
	struct say before[4];
} states[] = {
	{ "asked", PUSH, { { NULL, NULL } } },
	{ "asked, live", PUSH, { { "live", "" } } },
	{ "waiting", PUSH, { { "live", "" }, { "need-end", "" } } },
	{ "building", PUSH,
		{ { "live", "" }, { "need-end", "" },
			{ ".stage", "name stage\n" } } },
	{ "comparing", COMPARE, { { "live", "" }, { "need-end", "" } } },
};

/*
 * One letter a state:
 *
 *	u  unexpected: the error names it
 *	e  expected: then the conversation ends without a result
 *	m  refused for what it says
 */
static const struct {
	const char *type, *payload, *then;
} frames[] = {
	{ "hello", "version 1\n", "uuuuu" },
	{ "live", "", "euuuu" },
	{ "send", "what full\n", "ueuuu" },
	{ "send", "", "umuuu" },
	{ "send", "what half\n", "umuuu" },
	{ "need", "", "ueuuu" },
	{ "need-end", "", "ueuuu" },
	{ "need-end", "token ../../x\n", "umuuu" },
	{ "bad", "", "uumum" },
	{ "staged", "", "uummm" },
	{ "manifest", "", "uumue" },
	{ "files", "", "uuuuu" },
	{ "release", "", "uuuuu" },
	{ "status", "", "uuuuu" },
	{ "output", "x", "uuuuu" },
	{ "more", "", "uuuuu" },
	{ "dropped", "", "uuuuu" },
	{ "variable", "A=b", "uuuuu" },
	{ "push", "", "uuuuu" },
	{ "ask", "", "uuuuu" },
	{ "settings", "", "uuuuu" },
	{ "offer", "2\n", "uuuuu" },
	{ "amend", "", "uuuuu" },
	{ "part", "2\n", "uuuuu" },
	{ "go", "", "uuuuu" },
	{ "abort", "", "uuuuu" },
	{ "unknown", "", "uuuuu" },
	{ ".unknown", "x", "eeeee" },
	{ ".ping", "", "eeeee" },
	{ ".note", "a note\n", "eeeee" },
	{ ".log", "a log", "eeeee" },
	{ ".stage", "", "eeeee" },
	{ ".stage", "name of-more-than-there-is-room-for\n", "eeeee" },
	{ "result", "", "mmmmm" },
	{ "result", "status 0\noutcome deployed\n", "mmmmm" },
};

static void
expect_letter(const char *words, const struct say *v, char letter,
	const char *type, const char *where)
{
	char unexpected[64];

	snprintf(unexpected, sizeof(unexpected), "unexpected %s frame", type);
	against(words, v, 6,
		letter == 'u'         ? unexpected :
			letter == 'e' ? "the server ended" :
					"",
		"%s: %s", where, type);
}

static void
of_a_deploy(void)
{
	size_t s, i, n;

	for (s = 0; s < COUNT(states); s++)
		for (i = 0; i < COUNT(frames); i++) {
			struct say v[SAYS_MOST] = { { NULL, NULL } };

			for (n = 0; n < 4 && states[s].before[n].type; n++)
				v[n] = states[s].before[n];
			v[n] = (struct say){ frames[i].type,
				frames[i].payload };
			expect_letter(states[s].words, v, frames[i].then[s],
				frames[i].type, states[s].name);
		}
}

/* What each verb takes of these, besides a result. */
static const struct {
	const char *words, *takes;
} verbs[] = {
	{ "releases local:x", "release" },
	{ "status local:x", "status release" },
	{ "log local:x", "" },
	{ "logs local:x", "output" },
	{ "prune local:x", "dropped" },
	{ "rollback local:x", "" },
	{ "restart local:x", "" },
	{ "env list local:x", "" },
	{ "run local:x -- true", "output more" },
	{ "fetch -O tar local:x " ID, "" },
};

static const struct say answers[] = { { "hello", "version 1\n" },
	{ "live", "" }, { "send", "what full\n" }, { "need", "1\n" },
	{ "need-end", "" }, { "bad", "1\n" }, { "staged", "" },
	{ "manifest", "" }, { "files", "x" }, { "release", "" },
	{ "status", "" }, { "output", "" }, { "more", "" }, { "dropped", "" },
	{ "push", "" }, { "unknown", "" }, { "input", "x" } };

static bool
takes(const char *list, const char *type)
{
	size_t len = strlen(type), n;

	for (; *list; list += n + (list[n] == ' ')) {
		n = strcspn(list, " ");
		if (n == len && !memcmp(list, type, n))
			return true;
	}
	return false;
}

static void
of_other_verbs(void)
{
	size_t k, i;

	for (k = 0; k < COUNT(verbs); k++)
		for (i = 0; i < COUNT(answers); i++) {
			struct say v[SAYS_MOST] = { answers[i] };
			bool may = takes(verbs[k].takes, answers[i].type);

			against(verbs[k].words, v, 6,
				may ? "the server ended" : "the server",
				"%s: %s", verbs[k].words, answers[i].type);
		}
}

static const struct {
	const char *name, *bytes;
	int status;
	const char *says;
} greetings[] = {
	{ "nothing", "", 3, "" },
	{ "the magic alone", MAGIC, 3, "" },
	{ "half of the magic", "deploy-proto", 3, "" },
	{ "version 2 of the magic", "deploy-protocol 2\n", 3, "" },
	{ "HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", 3, "HTTP/1.1 400" },
	{ "escapes", "\033]0;title\007 \033[2J\n", 3, "" },
	{ "no hello but live", MAGIC "live 0\n", 6, "expected hello" },
	{ "no hello but a result", MAGIC "result 0\n", 6, "expected hello" },
	{ "no hello but a ping", MAGIC ".ping 0\n", 6, "expected hello" },
	{ "no hello but a note", MAGIC ".note 2\n\033c", 6, "expected hello" },
	{ "hello without a version", MAGIC "hello 0\n", 4, "version 0" },
	{ "hello of version 2", MAGIC "hello 10\nversion 2\n", 4, "version 2" },
	{ "hello of version 2^63",
		MAGIC "hello 28\nversion 9223372036854775808\n", 6,
		"bad number" },
	{ "hello of version -1", MAGIC "hello 11\nversion -1\n", 6,
		"bad number" },
	{ "hello of two versions", MAGIC "hello 20\nversion 1\nversion 1\n", 6,
		"twice" },
	{ "an agent with escapes",
		MAGIC "hello 21\nversion 1\nagent \033[2J\nlive 1\nx", 6,
		"a message with" },
	{ "a length of -1", MAGIC "hello -1\n", 6, "malformed frame" },
	{ "a length of 65537", MAGIC "hello 65537\n", 6, "malformed frame" },
	{ "a length of 2^64", MAGIC "hello 18446744073709551616\n", 6,
		"malformed frame" },
	{ "a leading zero", MAGIC "hello 010\nversion 1\n", 6,
		"malformed frame" },
	{ "a type in capitals", MAGIC "HELLO 10\nversion 1\n", 6,
		"malformed frame" },
	{ "a CR", MAGIC "hello 10\r\nversion 1\n", 6, "malformed frame" },
	{ "half a hello", MAGIC "hello 10\nversi", 3, "" },
};

static void
of_the_greeting(void)
{
	size_t i;

	for (i = 0; i < COUNT(greetings); i++) {
		struct say v[SAYS_MOST] = { { RAW, greetings[i].bytes } };

		against(PUSH, v, greetings[i].status, greetings[i].says,
			"greeting: %s", greetings[i].name);
	}
}

void
server_states(void)
{
	of_the_greeting();
	of_a_deploy();
	of_other_verbs();
}
