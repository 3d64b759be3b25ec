/* Ranges and amends: what is offered, named and changed. */
#include <stdio.h>
#include <string.h>

#include "client.h"

#define EDITED "edited\n"

/* Lines: 1 dir, 2 dir/a, 3 dir/b, 4 the link, 5 z. */
static const struct {
	const char *name, *ranges;
	size_t len;
	int status;
	const char *says;
} offers[] = {
	{ "its line", BYTES("5\n"), BUILT, "built" },
	{ "a range of one", BYTES("5-5\n"), BUILT, "built" },
	{ "nothing", BYTES(""), 6, "an empty offer" },
	{ "an empty line", BYTES("\n"), 6, "malformed line ranges" },
	{ "0", BYTES("0\n"), 6, "malformed line ranges" },
	{ "0-5", BYTES("0-5\n"), 6, "malformed line ranges" },
	{ "a directory", BYTES("1\n"), 6, "which is no file" },
	{ "a link", BYTES("4-5\n"), 6, "which is no file" },
	{ "one beyond the end", BYTES("6\n"), 6, "which is no file" },
	{ "up to beyond the end", BYTES("5-6\n"), 6, "which is no file" },
	{ "2^31", BYTES("2147483648\n"), 6, "which is no file" },
	{ "2^32 - 1", BYTES("4294967295\n"), 6, "which is no file" },
	{ "1 to 2^32 - 1", BYTES("1-4294967295\n"), 6, "which is no file" },
	{ "2^32 + 5", BYTES("4294967301\n"), 6, "malformed line ranges" },
	{ "2^63", BYTES("9223372036854775808\n"), 6, "malformed line ranges" },
	{ "2^64 + 5", BYTES("18446744073709551621\n"), 6,
		"malformed line ranges" },
	{ "-5", BYTES("-5\n"), 6, "malformed line ranges" },
	{ "+5", BYTES("+5\n"), 6, "malformed line ranges" },
	{ "05", BYTES("05\n"), 6, "malformed line ranges" },
	{ "0000000005", BYTES("0000000005\n"), 6, "malformed line ranges" },
	{ "5-", BYTES("5-\n"), 6, "malformed line ranges" },
	{ "5-4", BYTES("5-4\n"), 6, "malformed line ranges" },
	{ "5-05", BYTES("5-05\n"), 6, "malformed line ranges" },
	{ "2-3-5", BYTES("2-3-5\n"), 6, "malformed line ranges" },
	{ "5,5", BYTES("2,5\n"), 6, "malformed line ranges" },
	{ "a blank in front", BYTES(" 5\n"), 6, "malformed line ranges" },
	{ "a blank behind", BYTES("5 \n"), 6, "malformed line ranges" },
	{ "a CR", BYTES("5\r\n"), 6, "malformed line ranges" },
	{ "a letter", BYTES("5x\n"), 6, "malformed line ranges" },
	{ "hexadecimal", BYTES("0x5\n"), 6, "malformed line ranges" },
	{ "no LF", BYTES("5"), 6, "malformed line ranges" },
	{ "an empty line behind", BYTES("5\n\n"), 6, "malformed line ranges" },
	{ "a NUL behind", BYTES("5\n\0"), 6, "malformed line ranges" },
	{ "the same twice", BYTES("5\n5\n"), 6, "malformed line ranges" },
	{ "descending", BYTES("5\n3\n"), 6, "malformed line ranges" },
	{ "overlapping", BYTES("2-3\n3-5\n"), 6, "malformed line ranges" },
};

static void
offered(const char *what, struct conversation *c, int status, const char *says)
{
	expect(c, status, says, "offer: %s", what);
}

static void
offer_rows(void)
{
	struct conversation c;
	size_t i;

	for (i = 0; i < COUNT(offers); i++) {
		honest_difference(&c);
		say(&c, OFFER, "offer", offers[i].ranges, offers[i].len);
		offered(offers[i].name, &c, offers[i].status, offers[i].says);
	}
}

static void
more_offers(void)
{
	struct conversation c;

	honest_difference(&c);
	talk_line(&c.step[OFFER], "offer", "5\n");
	offered("two of them", &c, 6, "an unexpected offer frame");
	honest_difference(&c);
	push_key(&c, "offer", NULL);
	offered("not announced", &c, 6, "an unexpected offer frame");
	honest_difference(&c);
	push_key(&c, "then", "compare");
	offered("with a compare", &c, 6, "a malformed push");
	honest_difference(&c);
	buf_clear(&c.step[OFFER]);
	c.hangs_up = true;
	offered("announced, but there is none", &c, 6, "went away");
	honest(&c);
	push_key(&c, "offer", "yes");
	say(&c, OFFER, "offer", BYTES("5\n"));
	offered("behind the whole manifest", &c, 6,
		"an unexpected offer frame");
}

#define AMENDED "f\t644\t7\t%\tz\n"

/* `%' is the hash of the edited file, in `then' what becomes of it. */
static const struct {
	const char *name, *amend;
	int status;
	const char *says;
} amends[] = {
	{ "the file has changed", "5\t" AMENDED, BUILT, "built" },
	{ "with its mode", "5\tf\t755\t7\t%\tz\n", BUILT, "built" },
	{ "nothing", "", 6, "amend: malformed" },
	{ "a line number alone", "5\n", 6, "amend: malformed" },
	{ "no LF", "5\tf\t644\t7\t%\tz", 6, "amend: malformed" },
	{ "two lines", "5\t" AMENDED AMENDED, 6, "a control character" },
	{ "line 0", "0\t" AMENDED, 6, "amend: no such line" },
	{ "line 6", "6\t" AMENDED, 6, "amend: no such line" },
	{ "line 05", "05\t" AMENDED, 6, "amend: no such line" },
	{ "line +5", "+5\t" AMENDED, 6, "amend: no such line" },
	{ "line -5", "-5\t" AMENDED, 6, "amend: no such line" },
	{ "line 2^31", "2147483648\t" AMENDED, 6, "amend: no such line" },
	{ "line 2^32 + 5", "4294967301\t" AMENDED, 6, "amend: no such line" },
	{ "line 2^64 + 5", "18446744073709551621\t" AMENDED, 6,
		"amend: no such line" },
	{ "a range", "5-5\t" AMENDED, 6, "amend: no such line" },
	{ "no line", "\t" AMENDED, 6, "amend: no such line" },
	{ "another file's path", "5\tf\t644\t7\t%\tdir/a\n", 6,
		"amend: not the same file" },
	{ "another line's path", "2\t" AMENDED, 6, "amend: not the same file" },
	{ "a directory", "1\td\t700\tdir\n", 6, "amend: not the same file" },
	{ "a link", "4\tl\t/etc\tlink\n", 6, "amend: not the same file" },
	{ "a file that becomes a link", "5\tl\t/etc\tz\n", 6,
		"amend: not the same file" },
	{ "a file that becomes a directory", "5\td\t755\tz\n", 6,
		"amend: not the same file" },
	{ "a chunk", "5\tc\t7\t%\n", 6, "malformed line" },
	{ "the end", "5\tend\t%\n", 6, "malformed line" },
	{ "a path upward", "5\tf\t644\t7\t%\t../z\n", 6, ". or .." },
	{ "a set-id mode", "5\tf\t4755\t7\t%\tz\n", 6, "malformed line" },
	{ "a size of 18 digits", "5\tf\t644\t999999999999999999\t%\tz\n", 4,
		"max_file_size" },
	{ "a size of 2^63", "5\tf\t644\t9223372036854775808\t%\tz\n", 6,
		"malformed line" },
	{ "a size of -7", "5\tf\t644\t-7\t%\tz\n", 6, "malformed line" },
	{ "another size than the member's", "5\tf\t644\t8\t%\tz\n", 6,
		"does not follow" },
};

static void
fill(struct buf *out, const char *text, const char *hex)
{
	for (; *text; text++)
		if (*text == '%')
			buf_addstr(out, hex);
		else
			buf_addch(out, *text);
}

/* Behind the first two files. */
static void
amend_rows(void)
{
	struct conversation c;
	char hex[HEX + 1];
	size_t i;

	talk_hash(EDITED, 7, hex);
	for (i = 0; i < COUNT(amends); i++) {
		struct buf tar = BUF_INIT, payload = BUF_INIT;

		honest(&c);
		fill(&payload, amends[i].amend, hex);
		tar_member(&tar, "dir/a", "alpha\n", 6);
		tar_member(&tar, "dir/b", "beta\n", 5);
		tell_tar(&c, &tar);
		talk_frame(&c.step[FILES], "amend", buf_str(&payload),
			payload.len);
		buf_clear(&tar);
		tar_member(&tar, "z", EDITED, 7);
		add_tar(&c, &tar);
		expect(&c, amends[i].status, amends[i].says, "amend: %s",
			amends[i].name);
		buf_release(&tar);
		buf_release(&payload);
	}
}

void
client_ranges(void)
{
	offer_rows();
	more_offers();
	amend_rows();
}
