/* What stands in hello, push and ask: every number, every text. */
#include <stdio.h>
#include <string.h>

#include "client.h"

/* How numbers may be written, and whether one of these is a number. */
static const struct {
	const char *name, *text;
	bool good;
} numbers[] = {
	{ "0", "0", true },
	{ "1", "1", true },
	{ "2^31 - 1", "2147483647", true },
	{ "2^31", "2147483648", true },
	{ "2^32", "4294967296", true },
	{ "2^63 - 2", "9223372036854775806", true },
	{ "2^63 - 1", "9223372036854775807", true },
	{ "2^63", "9223372036854775808", false },
	{ "2^64 - 1", "18446744073709551615", false },
	{ "2^64", "18446744073709551616", false },
	{ "30 digits", "100000000000000000000000000000", false },
	{ "-1", "-1", false },
	{ "a plus", "+1", false },
	{ "a leading zero", "01", false },
	{ "a blank in front", " 1", false },
	{ "a blank behind", "1 ", false },
	{ "a letter", "1k", false },
	{ "hexadecimal", "0x1", false },
	{ "a point", "1.0", false },
	{ "nothing", "", false },
	{ "digits of another script", "\xd9\xa1", false },
};

/* With a good number, that push ends so; the honest numbers are the tree's. */
static const struct {
	const char *key;
	int status;
	const char *says;
} keys[] = {
	{ "wait", BUILT, "built" },
	{ "lanes", BUILT, "built" },
	{ "hooks", BUILT, "built" },
};

static void
push_numbers(void)
{
	struct conversation c;
	size_t i, k;

	for (k = 0; k < COUNT(keys); k++)
		for (i = 0; i < COUNT(numbers); i++) {
			bool good = numbers[i].good;

			honest(&c);
			push_key(&c, keys[k].key, numbers[i].text);
			expect(&c, good ? keys[k].status : 6,
				good ? keys[k].says : "bad number",
				"push: %s is %s", keys[k].key, numbers[i].name);
		}
}

static const struct {
	const char *key, *value;
	int status;
	const char *says;
} counts[] = {
	{ "files", "1", 6, "not the one announced" },
	{ "files", "4", 6, "not the one announced" },
	{ "files", NULL, 4, "the tree is empty" },
	{ "files", "101", 4, "101 files; this server takes 100" },
	{ "files", "9223372036854775807", 4, "this server takes 100" },
	{ "entries", "4", 6, "not the one announced" },
	{ "entries", "6", 6, "not the one announced" },
	{ "entries", "201", 4, "201 entries; this server takes 200" },
	{ "entries", "2147483648", 4, "this server takes 200" },
	{ "bytes", "610", 6, "not the one announced" },
	{ "bytes", "612", 6, "not the one announced" },
	{ "bytes", "10485761", 4, "this server takes 10485760" },
	{ "bytes", "9223372036854775807", 4, "this server takes" },
};

static const char long_app[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

#define HEX63 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

static const struct {
	const char *key, *value;
	int status;
	const char *says;
} texts[] = {
	{ "app", NULL, 4, "cannot be an app's name" },
	{ "app", "", 4, "cannot be an app's name" },
	{ "app", "..", 4, "cannot be an app's name" },
	{ "app", ".", 4, "cannot be an app's name" },
	{ "app", ".deployd", 4, "cannot be an app's name" },
	{ "app", "../app", 4, "cannot be an app's name" },
	{ "app", "app/../app", 4, "cannot be an app's name" },
	{ "app", "app/.deployd", 4, "cannot be an app's name" },
	{ "app", "/etc", 4, "cannot be an app's name" },
	{ "app", "a..b", 4, "cannot be an app's name" },
	{ "app", "App", 4, "cannot be an app's name" },
	{ "app", "-app", 4, "cannot be an app's name" },
	{ "app", "_app", 4, "cannot be an app's name" },
	{ "app", "app ", 4, "cannot be an app's name" },
	{ "app", "app\t", 4, "cannot be an app's name" },
	{ "app", "app\r", 4, "cannot be an app's name" },
	{ "app", "a\033[31m", 4, "cannot be an app's name" },
	{ "app", "\xc3\xa4pp", 4, "cannot be an app's name" },
	{ "app", long_app, 4, "cannot be an app's name" },
	{ "then", NULL, 6, "a malformed push" },
	{ "then", "", 6, "a malformed push" },
	{ "then", "Build", 6, "a malformed push" },
	{ "then", "build ", 6, "a malformed push" },
	{ "then", "delete", 6, "a malformed push" },
	{ "tree", NULL, 6, "a malformed push" },
	{ "tree", "", 6, "a malformed push" },
	{ "tree", HEX63, 6, "a malformed push" },
	{ "tree", HEX63 "ff", 6, "a malformed push" },
	{ "tree", HEX63 "F", 6, "a malformed push" },
	{ "tree", HEX63 "g", 6, "a malformed push" },
	{ "tree", HEX63 "f", 6, "not the one announced" },
	{ "settings", NULL, 6, "a malformed push" },
	{ "settings", HEX63, 6, "a malformed push" },
	{ "settings", HEX63 "f", 6, "not those announced" },
	{ "base", "", 6, "a malformed push" },
	{ "base", HEX63, 6, "a malformed push" },
	{ "base", "../records/x", 6, "a malformed push" },
	{ "base", "../../../../../../../../etc/passwd", 6, "a malformed push" },
	{ "base", HEX63 "f", BUILT, "built" },
	{ "expect", "nothing", 4, "is live, not nothing" },
	{ "expect", "", 4, "is live, not" },
	{ "expect", "../x", 4, "is live, not" },
	{ "expect", "20261124T124051Z-34754b14", 4, "is live, not" },
	{ "force", "no", 6, "bad flag" },
	{ "force", "", 6, "bad flag" },
	{ "force", "yes ", 6, "bad flag" },
	{ "force", "YES", 6, "bad flag" },
	{ "force", "1", 6, "bad flag" },
	{ "force", "yes", BUILT, "built" },
	{ "user", "", BUILT, "built" },
	{ "user", "a\033]0;x\007\r b", BUILT, "built" },
	{ "user", "\xff\xfe", BUILT, "built" },
	{ "user", "x since 2026", BUILT, "built" },
	{ "remote", "a;b $(c) `d`", BUILT, "built" },
	{ "remote", "../..", BUILT, "built" },
	{ "git-commit", "\xff\033[0m", BUILT, "built" },
	{ "git-subject", "$(touch outside)", BUILT, "built" },
	{ "no-such-key", "x", BUILT, "built" },
	{ "files2", "-1", BUILT, "built" },
};

static void
push_texts(void)
{
	struct conversation c;
	size_t i;

	for (i = 0; i < COUNT(counts); i++) {
		honest(&c);
		push_key(&c, counts[i].key, counts[i].value);
		expect(&c, counts[i].status, counts[i].says,
			"push: %s is said to be %s", counts[i].key,
			counts[i].value ? counts[i].value : "none");
	}
	for (i = 0; i < COUNT(texts); i++) {
		const char *value = texts[i].value;

		honest(&c);
		push_key(&c, texts[i].key, value);
		expect(&c, texts[i].status, texts[i].says,
			"push: %s %s, case %zu", texts[i].key,
			value ? "is odd" : "is missing", i);
	}
}

/* Lines behind those of an honest push. */
static const struct {
	const char *name, *bytes;
	size_t len;
	int status;
	const char *says;
} lines[] = {
	{ "a key that stands twice", BYTES("app app\n"), 6, "stands twice" },
	{ "a number that stands twice", BYTES("files 3\n"), 6, "stands twice" },
	{ "a flag that stands twice", BYTES("no-cache yes\n"), 6,
		"stands twice" },
	{ "an unknown key that stands twice", BYTES("x 1\nx 2\n"), BUILT,
		"built" },
	{ "a line without a blank", BYTES("force\n"), 6, "a malformed line" },
	{ "a line without a key", BYTES(" yes\n"), 6, "a malformed line" },
	{ "an empty line", BYTES("\n"), 6, "a malformed line" },
	{ "a line without its LF", BYTES("force yes"), 6, "an unfinished" },
	{ "a NUL in a value", BYTES("user a\0b\n"), 6, "a NUL" },
	{ "a NUL in an unknown key", BYTES("x\0y z\n"), 6, "a NUL" },
	{ "a NUL behind all", BYTES("\0"), 6, "a NUL" },
	{ "a CR before the LF", BYTES("force yes\r\n"), 6, "bad flag" },
	{ "a key in capitals", BYTES("FORCE yes\n"), BUILT, "built" },
	{ "an unknown key and no value", BYTES("x \n"), BUILT, "built" },
};

static void
push_lines(void)
{
	struct conversation c;
	struct heard f;
	size_t i;

	for (i = 0; i < COUNT(lines); i++) {
		struct buf b = BUF_INIT;
		size_t at = 0;

		honest(&c);
		(void)talk_next(&c.step[PUSH], &at, &f);
		buf_add(&b, f.data, f.len);
		buf_add(&b, lines[i].bytes, lines[i].len);
		say(&c, PUSH, "push", b.data, b.len);
		buf_release(&b);
		expect(&c, lines[i].status, lines[i].says, "push: %s",
			lines[i].name);
	}
}

static void
long_value(const char *key, size_t len, int status, const char *says)
{
	static char value[65000];
	struct conversation c;

	memset(value, 'x', len);
	value[len] = '\0';
	honest(&c);
	push_key(&c, key, value);
	expect(&c, status, says, "push: %s of %zu bytes", key, len);
}

static const struct {
	const char *name, *bytes;
	size_t len;
	int status;
	const char *says;
} hellos[] = {
	{ "version 0", BYTES("version 0\n"), 4, "speaks version 0" },
	{ "version 2", BYTES("version 2\n"), 4, "speaks version 2" },
	{ "version 2^31", BYTES("version 2147483648\n"), 4, "speaks version" },
	{ "version 2^63", BYTES("version 9223372036854775808\n"), 6,
		"bad number" },
	{ "version -1", BYTES("version -1\n"), 6, "bad number" },
	{ "version 1.0", BYTES("version 1.0\n"), 6, "bad number" },
	{ "version 01", BYTES("version 01\n"), 6, "bad number" },
	{ "two versions", BYTES("version 1\nversion 1\n"), 6, "stands twice" },
	{ "no version", BYTES("agent x\n"), 4, "speaks version 0" },
	{ "nothing", BYTES(""), 4, "speaks version 0" },
	{ "no agent", BYTES("version 1\n"), BUILT, "built" },
	{ "two agents", BYTES("version 1\nagent a\nagent a\n"), 6, "twice" },
	{ "an agent with escapes", BYTES("version 1\nagent \033c\n"), BUILT,
		"built" },
	{ "no LF", BYTES("version 1"), 6, "an unfinished line" },
	{ "a NUL", BYTES("version 1\n\0"), 6, "a NUL" },
};

static void
greet(void)
{
	struct conversation c;
	size_t i;

	for (i = 0; i < COUNT(hellos); i++) {
		honest(&c);
		say(&c, HELLO, "hello", hellos[i].bytes, hellos[i].len);
		expect(&c, hellos[i].status, hellos[i].says, "hello: %s",
			hellos[i].name);
	}
}

void
client_messages(void)
{
	greet();
	push_numbers();
	push_texts();
	push_lines();
	long_value("user", 4096, BUILT, "built");
	long_value("user", 4097, 6, "an overlong value");
	long_value("git-subject", 64000, 6, "an overlong value");
	long_value("unknown", 64000, BUILT, "built");
	long_value("base", 64000, 6, "an overlong value");
}
