/* What a client's deploy.conf says: paths that lead elsewhere, deadlines. */
#include <stdio.h>
#include <string.h>

#include "client.h"

#define APP(line) BYTES("[app]\n" line "\n")
#define HOOKS(lines) BYTES("[hooks]\n" lines "\n")

static const struct {
	const char *name, *text;
	size_t len;
	int status;
	const char *says;
} texts[] = {
	{ "nothing", BYTES(""), BUILT, "built" },
	{ "shared paths", APP("shared = storage/ a/b/c/"), BUILT, "built" },
	{ "shared above", APP("shared = ../x"), 4, "shared: ../x:" },
	{ "shared far above", APP("shared = a/../../../../etc/"), 4,
		"a component is . or .." },
	{ "shared /", APP("shared = /"), 4, "shared: /:" },
	{ "shared with an absolute path", APP("shared = /etc/passwd"), 4,
		"an empty component" },
	{ "shared with the tree itself", APP("shared = ."), 4,
		"a component is . or .." },
	{ "shared with what is above", APP("shared = .."), 4, ". or .." },
	{ "shared with an ESC", APP("shared = a\033[2J"), 4,
		"a control character" },
	{ "shared within a link of the tree", APP("shared = link/x/"), 6,
		"cannot link link/x" },
	{ "shared within a file of the tree", APP("shared = z/x/"), 6,
		"cannot link z/x" },
	{ "shared within what is shared", APP("shared = s/ s/x/"), 6,
		"cannot link s/x" },
	{ "a shared file that nobody supplied", APP("shared = x"), 4,
		"is not on the server yet" },
	{ "carry from above", APP("carry = ../../.deployd"), 4,
		"carry: ../../.deployd:" },
	{ "carry from /", APP("carry = /etc"), 4, "an empty component" },
	{ "carry of the tree itself", APP("carry = ."), 4, ". or .." },
	{ "carry through a link of the tree", APP("carry = link/x"), BUILT,
		"built" },
	{ "a dir above", APP("dir = ../../.."), BUILT, "built" },
	{ "a deadline of 10,000,000 h",
		HOOKS("build = true\nbuild_timeout = 10000000h"), BUILT,
		"built" },
	{ "a deadline of more", HOOKS("build_timeout = 10000001"), 4,
		"build_timeout is a time" },
	{ "a deadline of 2^63", HOOKS("build_timeout = 9223372036854775808"), 4,
		"build_timeout is a time" },
	{ "a deadline of -1", HOOKS("build_timeout = -1"), 4,
		"build_timeout is a time" },
	{ "a deadline of 0", HOOKS("build_timeout = 0"), 4,
		"build_timeout is a time" },
	{ "two deadlines", HOOKS("build_timeout = 5\nbuild_timeout = x"), 4,
		"build_timeout is a time" },
	{ "a unit that is an option", BYTES("[service]\nunit = --help\n"), 4,
		"unit" },
	{ "a unit that is a path",
		BYTES("[service]\nunit = ../../etc/x.service\n"), 4, "unit" },
	{ "a unit with a blank", BYTES("[service]\nunit = a b\n"), 4, "unit" },
	{ "no section", BYTES("build = true\n"), 4, "deploy.conf:1" },
	{ "a section that is not closed", BYTES("[hooks\n"), 4,
		"deploy.conf:1" },
	{ "a NUL", BYTES("[hooks]\nbuild = a\0b\n"), 4, "deploy.conf" },
	{ "an ESC", BYTES("[\033]0;x\007]\n"), 4, "deploy.conf:1" },
	{ "sections of others",
		BYTES("[deployd]\nroot = /\n[app \"app\"]\n"
		      "hooks = tree\n"),
		BUILT, "built" },
};

void
client_settings(void)
{
	struct conversation c;
	size_t i;

	for (i = 0; i < COUNT(texts); i++) {
		honest(&c);
		tell_settings(&c, texts[i].text, texts[i].len);
		expect(&c, texts[i].status, texts[i].says, "settings: %s",
			texts[i].name);
	}
}
