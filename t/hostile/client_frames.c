/* Bytes that are no frames, or are cut; the first line and hello. */
#include <stdio.h>
#include <string.h>

#include "client.h"

#define X16 "xxxxxxxxxxxxxxxx"

static const struct {
	const char *name, *bytes;
	size_t len;
} malformed[] = {
	{ "an empty line", BYTES("\n") },
	{ "no type", BYTES(" 3\nabc") },
	{ "a type of capitals", BYTES("PUSH 3\nabc") },
	{ "a type with a digit", BYTES("pu5h 3\nabc") },
	{ "a type with a line below it", BYTES("push_x 3\nabc") },
	{ "a type with a TAB", BYTES("pu\tsh 3\nabc") },
	{ "a type with a NUL", BYTES("pu\0sh 3\nabc") },
	{ "a type with a CR", BYTES("push\r 3\nabc") },
	{ "a type that is not ASCII", BYTES("p\xc3\xbcsh 3\nabc") },
	{ "a type of 17 bytes", BYTES(X16 "x 3\nabc") },
	{ "a type of 17 bytes and no end", BYTES(X16 "xxxxxxxxxxxxxxxxxxx") },
	{ "a type and no length", BYTES("push\nabc") },
	{ "a type, a blank and no length", BYTES("push \nabc") },
	{ "a TAB before the length", BYTES("push\t3\nabc") },
	{ "two blanks", BYTES("push  3\nabc") },
	{ "a blank behind the length", BYTES("push 3 \nabc") },
	{ "a CR behind the length", BYTES("push 3\r\nabc") },
	{ "no LF behind the length", BYTES("push 3abc\n") },
	{ "a NUL for the LF", BYTES("push 3\0abc") },
	{ "a length of -1", BYTES("push -1\nabc") },
	{ "a length of -0", BYTES("push -0\nabc") },
	{ "a length with a plus", BYTES("push +3\nabc") },
	{ "a length with a leading zero", BYTES("push 03\nabc") },
	{ "a length of two zeros", BYTES("push 00\n") },
	{ "a hexadecimal length", BYTES("push 0x3\nabc") },
	{ "a length with an exponent", BYTES("push 3e0\nabc") },
	{ "a length with a point", BYTES("push 3.0\nabc") },
	{ "a length of 65537", BYTES("push 65537\nabc") },
	{ "a length of 2^31", BYTES("push 2147483648\nabc") },
	{ "a length of 2^32 + 3", BYTES("push 4294967299\nabc") },
	{ "a length of 2^63", BYTES("push 9223372036854775808\nabc") },
	{ "a length of 2^64 + 3", BYTES("push 18446744073709551619\nabc") },
	{ "a length of 40 digits",
		BYTES("push 3333333333333333333333333333333333333333\nabc") },
};

static void
malformed_frames(void)
{
	struct conversation c;
	size_t i;

	for (i = 0; i < COUNT(malformed); i++) {
		honest(&c);
		say_raw(&c, PUSH, malformed[i].bytes, malformed[i].len);
		only_to(&c, PUSH);
		expect(&c, 6, "a malformed frame", "frame: %s",
			malformed[i].name);
	}
}

static const struct {
	const char *type;
	size_t len;
	int status;
	const char *says;
} sizes[] = {
	{ ".", 0, BUILT, "built" },
	{ "." X16, 0, 6, "a malformed frame" },
	{ ".xxxxxxxxxxxxxxx", 1, BUILT, "built" },
	{ "..-..", 3, BUILT, "built" },
	{ ".large", 65535, BUILT, "built" },
	{ ".large", 65536, BUILT, "built" },
	{ "large", 65536, 4, "does not know the request 'large'" },
	{ "-", 0, 4, "does not know the request '-'" },
};

/* In front of push. */
static void
unknown_frames(void)
{
	static char zeros[65536];
	struct conversation c;
	size_t i;

	for (i = 0; i < COUNT(sizes); i++) {
		honest(&c);
		talk_frame(&c.step[HELLO], sizes[i].type, zeros, sizes[i].len);
		expect(&c, sizes[i].status, sizes[i].says,
			"frame: %s of %zu bytes", sizes[i].type, sizes[i].len);
	}
}

/* The client has gone after so many bytes. */
static void
cut(const struct buf *whole, size_t len)
{
	struct conversation c;

	honest(&c);
	only_to(&c, GREETING);
	say_raw(&c, GREETING, whole->data, len);
	c.hangs_up = true;
	/* Not all of the first line: no conversation, no protocol. */
	expect(&c, 6, "went away", "cut after %zu of %zu bytes", len,
		whole->len);
}

static void
cuts(void)
{
	struct buf whole = BUF_INIT;
	struct conversation c;
	size_t at;
	int i;

	honest(&c);
	for (i = 0; i < FILES; i++)
		buf_add(&whole, c.step[i].data, c.step[i].len);
	for (at = 0; at < whole.len; at += at < 60 ? 7 : 23)
		cut(&whole, at);
	cut(&whole, whole.len);
	buf_release(&whole);
	for (i = 0; i < STEPS; i++)
		buf_release(&c.step[i]);
}

#define NOISE 70000

static const struct {
	const char *name, *bytes;
	size_t len;
	int status;
	const char *says;
} greetings[] = {
	{ "HTTP", BYTES("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 6,
		"does not speak" },
	{ "version 2", BYTES("deploy-protocol 2\n"), 6, "does not speak" },
	{ "a CR", BYTES("deploy-protocol 1\r\n"), 6, "does not speak" },
	{ "capitals", BYTES("Deploy-Protocol 1\n"), 6, "does not speak" },
	{ "no line at all", BYTES("hello 0\n"), 6, "does not speak" },
	{ "noise in front", BYTES("Welcome!\n" MAGIC), BUILT, "built" },
	{ "twice", BYTES(MAGIC MAGIC), 6, "expected hello" },
	{ "NUL in front", BYTES("\0" MAGIC), BUILT, "built" },
	{ "raw escapes", BYTES("\033]0;x\007\n"), 6, "does not speak" },
};

static void
greet(void)
{
	static char noise[NOISE];
	struct conversation c;
	size_t i;

	for (i = 0; i < COUNT(greetings); i++) {
		honest(&c);
		say_raw(&c, GREETING, greetings[i].bytes, greetings[i].len);
		c.hangs_up = greetings[i].status != BUILT;
		expect(&c, greetings[i].status, greetings[i].says,
			"first line: %s", greetings[i].name);
	}
	memset(noise, '#', sizeof(noise));
	honest(&c);
	say_raw(&c, GREETING, noise, sizeof(noise));
	only_to(&c, GREETING);
	expect(&c, 6, "does not speak", "first line: 70,000 bytes without one");
}

void
client_frames(void)
{
	malformed_frames();
	unknown_frames();
	cuts();
	greet();
}
