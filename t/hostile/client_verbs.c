/* The other verbs: what they are asked with, and what follows. */
#include <stdio.h>
#include <string.h>

#include "client.h"

#define WORDS(s) "words", (s), sizeof(s) - 1

static const struct {
	const char *name, *ask;
	const char *type; /* a frame behind ask, or NULL */
	const char *payload;
	size_t len;
	int status;
	const char *says;
} asks[] = {
	{ "no verb", "app app\n", NULL, NULL, 0, 4, "does not know the verb" },
	{ "an empty verb", "verb \napp app\n", NULL, NULL, 0, 4, "the verb" },
	{ "an unknown verb", "verb wipe\napp app\n", NULL, NULL, 0, 4,
		"the verb 'wipe'" },
	{ "a verb in capitals", "verb Status\napp app\n", NULL, NULL, 0, 4,
		"the verb" },
	{ "two verbs", "verb status\nverb status\napp app\n", NULL, NULL, 0, 6,
		"stands twice" },
	{ "no app", "verb status\n", NULL, NULL, 0, 4, "an app's name" },
	{ "an app above", "verb status\napp ../app\n", NULL, NULL, 0, 4,
		"an app's name" },
	{ "an app that is not there", "verb status\napp other\n", NULL, NULL, 0,
		4, "there is no app" },
	{ "status", "verb status\napp app\n", NULL, NULL, 0, 0, "answered" },
	{ "releases", "verb releases\napp app\n", NULL, NULL, 0, 0,
		"answered" },
	{ "log", "verb log\napp app\n", NULL, NULL, 0, 0, "answered" },
	{ "log of a path", "verb log\napp app\nrelease ../history\n", NULL,
		NULL, 0, 4, "" },
	{ "log of a file", "verb log\napp app\nrelease .\n", NULL, NULL, 0, 4,
		"" },
	{ "log of nothing", "verb log\napp app\nrelease \n", NULL, NULL, 0, 4,
		"" },
	{ "log of everything", "verb log\napp app\nrelease *\n", NULL, NULL, 0,
		4, "" },
	{ "activate without a release", "verb activate\napp app\n", NULL, NULL,
		0, 2, "needs a release" },
	{ "activate above", "verb activate\napp app\nrelease ../../etc\n", NULL,
		NULL, 0, 4, "" },
	{ "activate, held to another",
		"verb rollback\napp app\nexpect nothing\n", NULL, NULL, 0, 4,
		"" },
	{ "rollback to a path", "verb rollback\napp app\nrelease ..\n", NULL,
		NULL, 0, 4, "" },
	{ "pin a path", "verb pin\napp app\nrelease ../x\n", NULL, NULL, 0, 4,
		"" },
	{ "pin without a release", "verb pin\napp app\n", NULL, NULL, 0, 2,
		"" },
	{ "fetch without a release", "verb fetch\napp app\n", NULL, NULL, 0, 2,
		"" },
	{ "fetch a path", "verb fetch\napp app\nrelease ../../../etc\n", NULL,
		NULL, 0, 4, "" },
	{ "prune, dry", "verb prune\napp app\ndry-run yes\n", NULL, NULL, 0, 0,
		"compared" },
	{ "prune, a flag of no", "verb prune\napp app\ndry-run no\n", NULL,
		NULL, 0, 6, "bad flag" },
	{ "wait of 2^63", "verb status\napp app\nwait 9223372036854775808\n",
		NULL, NULL, 0, 6, "bad number" },
	{ "wait of 2^63 - 1",
		"verb status\napp app\nwait 9223372036854775807\n", NULL, NULL,
		0, 0, "answered" },
	{ "lines of -1", "verb logs\napp app\nlines -1\n", NULL, NULL, 0, 6,
		"bad number" },
	{ "lines of 2^63 - 1",
		"verb logs\napp app\nlines 9223372036854775807\n", NULL, NULL,
		0, 4, "unit" },
	{ "remove without words", "verb remove\napp app\n", "input", "", 0, 6,
		"needs a words frame" },
	{ "remove without a name", "verb remove\napp app\n", WORDS(""), 2,
		"needs the app's name" },
	{ "remove another name", "verb remove\napp app\n", WORDS("other\0"), 2,
		"needs the app's name" },
	{ "run without words", "verb run\napp app\n", "input-end", "", 0, 6,
		"needs a words frame" },
	{ "run nothing", "verb run\napp app\n", WORDS(""), 2,
		"needs a command" },
	{ "words without their NUL", "verb run\napp app\n", WORDS("true"), 6,
		"needs a words frame" },
	{ "env without words", "verb env\napp app\n", "input", "", 0, 6,
		"needs a words frame" },
	{ "env of nothing", "verb env\napp app\n", WORDS(""), 4,
		"in that form" },
	{ "env of an unknown word", "verb env\napp app\n", WORDS("wipe\0"), 4,
		"in that form" },
	{ "env list and a name", "verb env\napp app\n", WORDS("list\0X\0"), 4,
		"in that form" },
	{ "env unset nothing", "verb env\napp app\n", WORDS("unset\0"), 4,
		"in that form" },
	{ "env unset what is no name", "verb env\napp app\n",
		WORDS("unset\0../x\0"), 6, "needs names" },
	{ "env list", "verb env\napp app\n", WORDS("list\0"), 0, "answered" },
};

/* Of several refusals: any but success. */
static void
ask_rows(void)
{
	struct conversation c;
	size_t i;

	for (i = 0; i < COUNT(asks); i++) {
		honest(&c);
		only_to(&c, HELLO);
		say(&c, PUSH, "ask", asks[i].ask, strlen(asks[i].ask));
		if (asks[i].type)
			talk_frame(&c.step[PUSH], asks[i].type, asks[i].payload,
				asks[i].len);
		expect(&c, asks[i].status, asks[i].says, "ask: %s",
			asks[i].name);
	}
}

/* What follows `words set'. */
static const struct {
	const char *name, *type, *payload;
	size_t len;
	int status;
	const char *says;
} inputs[] = {
	{ "a variable", "input", BYTES("A=b\0"), 0, "answered" },
	{ "no variable", "input", BYTES("b\0"), 4, "" },
	{ "no name", "input", BYTES("=b\0"), 4, "" },
	{ "a name with a blank", "input", BYTES("A B=b\0"), 4, "" },
	{ "a name that is a digit", "input", BYTES("1=b\0"), 4, "" },
	{ "a value with a LF", "input", BYTES("A=b\nC=d\0"), 0, "answered" },
	{ "no NUL", "input", BYTES("A=b"), 6, "" },
	{ "only a NUL", "input", BYTES("\0"), 4, "" },
	{ "another frame", "output", BYTES("A=b\0"), 6, "unexpected output" },
	{ "words again", "words", BYTES("set\0"), 6, "unexpected words" },
};

static void
input_rows(void)
{
	static char large[65536];
	struct conversation c;
	size_t i;

	for (i = 0; i < COUNT(inputs); i++) {
		honest(&c);
		only_to(&c, HELLO);
		say(&c, PUSH, "ask", BYTES("verb env\napp app\n"));
		talk_frame(&c.step[PUSH], "words", BYTES("set\0"));
		talk_frame(&c.step[PUSH], inputs[i].type, inputs[i].payload,
			inputs[i].len);
		talk_line(&c.step[PUSH], "input-end", "");
		expect(&c, inputs[i].status, inputs[i].says, "env set: %s",
			inputs[i].name);
	}
	memset(large, 'x', sizeof(large));
	honest(&c);
	only_to(&c, HELLO);
	say(&c, PUSH, "ask", BYTES("verb env\napp app\n"));
	talk_frame(&c.step[PUSH], "words", BYTES("set\0"));
	for (i = 0; i < 300; i++)
		talk_frame(&c.step[PUSH], "input", large, sizeof(large));
	expect(&c, 4, "more than 65536 bytes of input", "env set: 20 MB");
}

static const struct {
	const char *name, *put;
	int status;
	const char *says;
} puts_[] = {
	{ "nothing", "", 4, "an app's name" },
	{ "no token", "app app\n", 6, "a malformed put" },
	{ "an empty token", "app app\ntoken \n", 6, "a malformed put" },
	{ "a token of 31 digits",
		"app app\ntoken 0123456789abcdef0123456789abcde\n", 6,
		"a malformed put" },
	{ "a token of 33 digits",
		"app app\ntoken 0123456789abcdef0123456789abcdef0\n", 6,
		"a malformed put" },
	{ "a token that is a path",
		"app app\ntoken ../../../../../../../../../etc/x\n", 6,
		"a malformed put" },
	{ "a token, but no push",
		"app app\ntoken 0123456789abcdef0123456789abcdef\n", 4,
		"no push here" },
	{ "an app that is not there",
		"app other\ntoken 0123456789abcdef0123456789abcdef\n", 4,
		"there is no app" },
	{ "an app above", "app ..\ntoken 0123456789abcdef0123456789abcdef\n", 4,
		"an app's name" },
};

static void
put_rows(void)
{
	struct conversation c;
	size_t i;

	for (i = 0; i < COUNT(puts_); i++) {
		honest(&c);
		only_to(&c, HELLO);
		say(&c, PUSH, "put", puts_[i].put, strlen(puts_[i].put));
		expect(&c, puts_[i].status, puts_[i].says, "put: %s",
			puts_[i].name);
	}
}

static void
unauthorised(const char *name, const char *serve, const char *says)
{
	struct conversation c;

	honest(&c);
	c.serve = serve;
	expect(&c, 4, says, "%s", name);
	honest(&c);
	c.serve = serve;
	only_to(&c, HELLO);
	say(&c, PUSH, "put",
		BYTES("app app\ntoken 0123456789abcdef0123456789abcdef\n"));
	expect(&c, 4, says, "%s", name);
}

void
client_verbs(void)
{
	ask_rows();
	input_rows();
	put_rows();
	unauthorised("another app's key", "--app=other", "not authorised");
	unauthorised("a key to read", "--allow=read", "not authorised");
}
