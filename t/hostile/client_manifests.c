/* Manifests and differences that are not what the page describes. */
#include <stdio.h>
#include <string.h>

#include "client.h"

#define NONE "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define D(path) "d\t755\t" path "\n"
#define F(path) "f\t644\t0\t" NONE "\t" path "\n"
#define L(target, path) "l\t" target "\t" path "\n"
#define F_OF(size) "f\t644\t" size "\t" NONE "\tx\n"
#define C(size) "c\t" size "\t" NONE "\n"

static const struct {
	const char *name, *lines;
	size_t len;
	int status;
	const char *says;
} manifests[] = {
	{ "nothing", BYTES(""), BUILT, "built" },
	{ "one file", BYTES(F("x")), BUILT, "built" },
	{ "an empty directory", BYTES(D("d") F("x")), BUILT, "built" },
	{ "case twins", BYTES(F("X") F("x")), BUILT, "built" },
	{ "a name in Latin 1", BYTES(F("\xe9")), BUILT, "built" },
	{ "a name of every odd byte", BYTES(F("\x80\xc0\xff ~")), BUILT,
		"built" },
	{ "the name .deployd", BYTES(D(".deployd") F(".deployd/lock") F("x")),
		BUILT, "built" },
	{ "the name current", BYTES(L("/etc", "current") F("x")), BUILT,
		"built" },
	{ "names of three dots", BYTES(D("...") F(".../...")), BUILT, "built" },
	{ "an option for a name", BYTES(F("--help") F("-rf")), BUILT, "built" },
	{ "a command for a name", BYTES(F("$(touch outside)") F("`x`")), BUILT,
		"built" },
	{ "a blank for a name", BYTES(F(" ")), BUILT, "built" },
	{ "quotes", BYTES(F("\"'\\n")), BUILT, "built" },
	{ "a link to /", BYTES(L("/", "l") F("x")), BUILT, "built" },
	{ "a link upward", BYTES(L("../../../..", "l") F("x")), BUILT,
		"built" },
	{ "a link to itself", BYTES(L("l", "l") F("x")), BUILT, "built" },
	{ "a link to .deployd", BYTES(L("../../.deployd", "l") F("x")), BUILT,
		"built" },
	{ "exact modes", BYTES("d\t700\td\nf\t640\t0\t" NONE "\td/x\n"), BUILT,
		"built" },
	{ "/ before every byte",
		BYTES(D("a") F("a/x") F("a\x20") F("a-") F("a.")), BUILT,
		"built" },

	{ "..", BYTES(F("..")), 6, "a component is . or .." },
	{ ".", BYTES(F(".")), 6, "a component is . or .." },
	{ "../x", BYTES(F("../x")), 6, "a component is . or .." },
	{ "d/..", BYTES(D("d") F("d/..")), 6, "a component is . or .." },
	{ "d/../x", BYTES(D("d") F("d/../x")), 6, "a component is . or .." },
	{ "d/./x", BYTES(D("d") F("d/./x")), 6, "a component is . or .." },
	{ "./x", BYTES(F("./x")), 6, "a component is . or .." },
	{ "an absolute path", BYTES(F("/etc/passwd")), 6, "an empty comp" },
	{ "an empty component", BYTES(D("d") F("d//x")), 6, "an empty comp" },
	{ "a trailing slash", BYTES(D("d/") F("x")), 6, "an empty component" },
	{ "only a slash", BYTES(D("/") F("x")), 6, "an empty component" },
	{ "an empty path", BYTES(F("")), 6, "an empty path" },
	{ "an ESC", BYTES(F("\033[2J")), 6, "a control character" },
	{ "a CR", BYTES(F("x\r")), 6, "a control character" },
	{ "a TAB in a path", BYTES(F("x\ty")), 6, "a control character" },
	{ "a DEL", BYTES(F("\x7f")), 6, "a control character" },
	{ "a NUL", BYTES(F("x\0y")), 6, "a control character" },
	{ "an ESC in a target", BYTES(L("\033c", "l")), 6, "malformed line" },
	{ "a NUL in a target", BYTES(L("a\0b", "l")), 6, "malformed line" },
	{ "an empty target", BYTES(L("", "l")), 6, "malformed line" },

	{ "descending", BYTES(F("b") F("a")), 6, "stands behind" },
	{ "twice the same", BYTES(F("a") F("a")), 6, "stands behind" },
	{ "a file and a directory of a name", BYTES(F("a") D("a")), 6,
		"stands behind" },
	{ "/ behind other bytes", BYTES(D("a") F("a-") F("a/x")), 6,
		"stands behind" },
	{ "below a file", BYTES(F("a") F("a/x")), 6, "no directory line" },
	{ "below a link", BYTES(L("/tmp", "a") F("a/x")), 6,
		"no directory line" },
	{ "below nothing", BYTES(F("a/x")), 6, "no directory line" },
	{ "below half a path", BYTES(D("a") F("a/b/c")), 6,
		"no directory line" },
	{ "below a name that begins so", BYTES(D("ab") F("abc/x")), 6,
		"no directory line" },

	{ "an empty line", BYTES("\n" F("x")), 6, "malformed line" },
	{ "an unknown type", BYTES("b\t644\tx\n"), 6, "malformed line" },
	{ "a capital type", BYTES("F\t644\t0\t" NONE "\tx\n"), 6,
		"malformed line" },
	{ "a type of two", BYTES("ff\t644\t0\t" NONE "\tx\n"), 6,
		"malformed line" },
	{ "blanks for TABs", BYTES("d 755 x\n"), 6, "malformed line" },
	{ "a CR at the end", BYTES("d\t755\tx\r\n"), 6, "a control character" },
	{ "no path", BYTES("d\t755\n"), 6, "without a path" },
	{ "no mode", BYTES("d\n"), 6, "malformed line" },
	{ "a set-id mode", BYTES("f\t4755\t0\t" NONE "\tx\n"), 6,
		"malformed line" },
	{ "a mode of two digits", BYTES("d\t75\tx\n"), 6, "malformed line" },
	{ "a mode of 888", BYTES("d\t888\tx\n"), 6, "malformed line" },
	{ "a mode of -55", BYTES("d\t-55\tx\n"), 6, "malformed line" },
	{ "a hash of 63 digits",
		BYTES("f\t644\t0\te3b0c44298fc1c149afbf4c8996fb92427ae41e4649b9"
		      "34ca495991b7852b85\tx\n"),
		6, "malformed line" },
	{ "a hash in capitals",
		BYTES("f\t644\t0\tE3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B9"
		      "34CA495991B7852B855\tx\n"),
		6, "malformed line" },
	{ "a hash of 65 digits", BYTES("f\t644\t0\t" NONE "0\tx\n"), 6,
		"malformed line" },
	{ "=1 without a base", BYTES("=1\n"), 6, "a malformed difference" },
	{ "-1 without a base", BYTES("-1\n"), 6, "a malformed difference" },

	{ "a size of -1", BYTES(F_OF("-1")), 6, "malformed line" },
	{ "a size of +0", BYTES(F_OF("+0")), 6, "malformed line" },
	{ "a size of 00", BYTES(F_OF("00")), 6, "malformed line" },
	{ "a size of 01", BYTES(F_OF("01")), 6, "malformed line" },
	{ "no size", BYTES(F_OF("")), 6, "malformed line" },
	{ "a size of ' 0'", BYTES(F_OF(" 0")), 6, "malformed line" },
	{ "a size of 0x0", BYTES(F_OF("0x0")), 6, "malformed line" },
	{ "a size of 19 digits", BYTES(F_OF("1000000000000000000")), 6,
		"malformed line" },
	{ "a size of 2^63", BYTES(F_OF("9223372036854775808")), 6,
		"malformed line" },
	{ "a size of 2^64", BYTES(F_OF("18446744073709551616")), 6,
		"malformed line" },
	{ "a size of 18 digits", BYTES(F_OF("999999999999999999")), 4,
		"this server takes 10485760" },
	{ "a size of 2^31", BYTES(F_OF("2147483648")), 4,
		"this server takes 10485760" },
	{ "a file over max_file_size", BYTES(F_OF("9437185")), 4,
		"max_file_size" },

	{ "a chunk before a file", BYTES(C("1") F("x")), 6, "chunk line" },
	{ "a chunk behind a directory", BYTES(D("d") C("1")), 6, "chunk line" },
	{ "a chunk behind a link", BYTES(L("a", "l") C("1")), 6, "chunk line" },
	{ "a chunk of an empty file", BYTES(F("x") C("1")), 6, "add up" },
	{ "a chunk of 0", BYTES(F_OF("5") C("0") C("5")), 6, "chunk line" },
	{ "chunks of less", BYTES(F_OF("5") C("2") C("2")), 6, "add up" },
	{ "chunks of less, then a file", BYTES(F_OF("5") C("2") F("y")), 6,
		"add up" },
	{ "chunks of more", BYTES(F_OF("5") C("2") C("4")), 6, "add up" },
	{ "a chunk over 1 MiB", BYTES(F_OF("1048577") C("1048577")), 6,
		"chunk line" },
	{ "a chunk of -1", BYTES(F_OF("5") C("-1")), 6, "chunk line" },
	{ "a chunk of 05", BYTES(F_OF("5") C("05")), 6, "chunk line" },
	{ "a chunk of 2^63", BYTES(F_OF("5") C("9223372036854775808")), 6,
		"chunk line" },
	{ "a chunk of 18 digits", BYTES(F_OF("5") C("999999999999999999")), 6,
		"chunk line" },
	{ "chunks whose sum wraps around",
		BYTES(F_OF("5") C("1048576") C("1048576")), 6, "add up" },
	{ "a chunk with a path", BYTES(F_OF("5") "c\t5\t" NONE "\tx\n"), 6,
		"chunk line" },
};

static void
tell_alone(struct conversation *c, const char *lines, size_t len)
{
	honest(c);
	tell_manifest(c, lines, len);
	push_key(c, "force", "yes");
	buf_clear(&c->step[FILES]);
}

static void
rows(void)
{
	struct conversation c;
	size_t i;

	for (i = 0; i < COUNT(manifests); i++) {
		tell_alone(&c, manifests[i].lines, manifests[i].len);
		expect(&c, manifests[i].status, manifests[i].says,
			"manifest: %s", manifests[i].name);
	}
}

static const char *
add_path(struct buf *out, const char *before, size_t len)
{
	buf_addstr(out, before);
	while (len--)
		buf_addch(out, 'x');
	buf_addch(out, '\n');
	return buf_str(out);
}

static void
long_line(const char *what, const char *before, size_t len, int status,
	const char *says)
{
	struct buf lines = BUF_INIT;
	struct conversation c;

	add_path(&lines, before, len);
	tell_alone(&c, lines.data, lines.len);
	expect(&c, status, says, "manifest: %s of %zu bytes", what, len);
	buf_release(&lines);
}

/* Directories below each other, of 254 bytes, and a file as deep as that. */
static void
deep(size_t len, int status, const char *says)
{
	struct buf lines = BUF_INIT, path = BUF_INIT;
	struct conversation c;

	while (path.len + 255 < len) {
		size_t i;

		for (i = 0; i < 254; i++)
			buf_addch(&path, 'd');
		buf_addf(&lines, "d\t755\t%s\n", path.data);
		buf_addch(&path, '/');
	}
	buf_addf(&lines, "f\t644\t0\t" NONE "\t%s", path.data);
	add_path(&lines, "", len - path.len);
	tell_alone(&c, lines.data, lines.len);
	expect(&c, status, says, "manifest: a path of %zu bytes", len);
	buf_release(&lines);
	buf_release(&path);
}

static void
lengths(void)
{
	long_line("a component", "f\t644\t0\t" NONE "\t", 255, BUILT, "built");
	long_line("a component", "f\t644\t0\t" NONE "\t", 256, 6,
		"longer than 255");
	long_line("a component", "f\t644\t0\t" NONE "\t", 65536, 6,
		"an overlong line");
	long_line("a line", "x", 300000, 6, "an overlong line");
	deep(4096, BUILT, "built");
	deep(4097, 6, "longer than 4096 bytes");
}

/* A target of so many bytes. */
static void
targets(size_t len, int status, const char *says)
{
	struct buf lines = BUF_INIT;
	struct conversation c;

	add_path(&lines, "l\t", len);
	buf_truncate(&lines, lines.len - 1);
	buf_addstr(&lines, "\tl\n" F("x"));
	tell_alone(&c, lines.data, lines.len);
	expect(&c, status, says, "manifest: a target of %zu bytes", len);
	buf_release(&lines);
}

/* How the text ends; push has the id of its lines. */
static const struct {
	const char *name, *text;
	size_t len;
	int status;
	const char *says;
} ends[] = {
	{ "a wrong tree id", BYTES(F("x") "end\t" NONE "\n"), 6,
		"the tree id does not agree" },
	{ "a short tree id", BYTES(F("x") "end\tabc\n"), 6, "malformed end" },
	{ "no tree id", BYTES(F("x") "end\t\n"), 6, "malformed end line" },
	{ "a word behind the tree id", BYTES("end\t" NONE "\tx\n"), 6,
		"malformed end line" },
	{ "the end twice", BYTES("end\t" NONE "\nend\t" NONE "\n"), 6,
		"more behind the end" },
	{ "a line behind the end", BYTES("end\t" NONE "\n" F("x")), 6,
		"more behind the end" },
	{ "a byte behind the end", BYTES("end\t" NONE "\nx"), 6,
		"more behind the end" },
	{ "no LF behind the end", BYTES("end\t" NONE), 6,
		"a files frame within the manifest" },
	{ "no end", BYTES(F("x")), 6, "a files frame within the manifest" },
	{ "nothing at all", BYTES(""), 6, "a files frame within the manifest" },
};

static void
endings(void)
{
	struct conversation c;
	struct buf text = BUF_INIT;
	size_t i;

	for (i = 0; i < COUNT(ends); i++) {
		honest(&c);
		c.waits = STEPS;
		buf_clear(&text);
		buf_add(&text, ends[i].text, ends[i].len);
		tell_text(&c, &text);
		push_key(&c, "force", "yes");
		expect(&c, ends[i].status, ends[i].says, "manifest: %s",
			ends[i].name);
	}
	buf_release(&text);
}

/* Against limits of deployd.conf. */
static void
many(const char *what, size_t n, const char *says)
{
	struct buf lines = BUF_INIT;
	struct conversation c;
	size_t i;

	for (i = 0; i < n; i++)
		buf_addf(&lines, "%s%zu\n", what, 100000 + i);
	tell_alone(&c, lines.data, lines.len);
	/* Whatever push says of it. */
	push_key(&c, "files", "1");
	push_key(&c, "entries", NULL);
	expect(&c, 4, says, "manifest: %zu lines more than told", n);
	buf_release(&lines);
}

void
client_manifests(void)
{
	rows();
	lengths();
	targets(4095, BUILT, "built");
	targets(4096, 6, "malformed line");
	endings();
	many("f\t644\t0\t" NONE "\t", 150, "this server takes 100");
	many("d\t755\t", 201, "more than 200 entries");
	many("d\t755\t", 100000, "more than 200 entries");
}

/* The text of a difference to the live tree, and what becomes of it. */
static const struct {
	const char *name, *text;
	size_t len;
	int status;
	const char *says;
} differences[] = {
	{ "all is kept", BYTES("=5\n"), BUILT, "built" },
	{ "one by one", BYTES("=1\n=1\n=1\n=1\n=1\n"), BUILT, "built" },
	{ "one more than there are", BYTES("=6\n"), 6, "does not fit" },
	{ "dropping one more", BYTES("=5\n-1\n"), 6, "does not fit" },
	{ "less than there are", BYTES("=4\n"), 6, "leaves lines over" },
	{ "none", BYTES(""), 6, "leaves lines over" },
	{ "=0", BYTES("=0\n=5\n"), 6, "a malformed difference" },
	{ "-0", BYTES("-0\n=5\n"), 6, "a malformed difference" },
	{ "=", BYTES("=\n=5\n"), 6, "malformed" },
	{ "-", BYTES("-\n=5\n"), 6, "malformed" },
	{ "=05", BYTES("=05\n"), 6, "a malformed difference" },
	{ "=+5", BYTES("=+5\n"), 6, "a malformed difference" },
	{ "=-5", BYTES("=-5\n"), 6, "a malformed difference" },
	{ "= 5", BYTES("= 5\n"), 6, "a malformed difference" },
	{ "=5x", BYTES("=5x\n"), 6, "a malformed difference" },
	{ "=2^31", BYTES("=2147483648\n"), 6, "does not fit" },
	{ "=2^32 + 5", BYTES("=4294967301\n"), 6, "does not fit" },
	{ "=18 digits", BYTES("=999999999999999999\n"), 6, "does not fit" },
	{ "=2^63", BYTES("=9223372036854775808\n"), 6,
		"a malformed difference" },
	{ "=2^64 + 5", BYTES("=18446744073709551621\n"), 6,
		"a malformed difference" },
	{ "-2^64 + 5", BYTES("-18446744073709551621\n"), 6,
		"a malformed difference" },
	{ "a directory goes, its files stay", BYTES("-1\n=4\n"), 6,
		"no directory line" },
	{ "a directory becomes a link", BYTES("-1\n" L("/tmp", "dir") "=4\n"),
		6, "no directory line" },
	{ "a directory becomes a file", BYTES("-1\n" F("dir") "=4\n"), 6,
		"no directory line" },
	{ "inserted out of order", BYTES("=5\n" F("a")), 6, "stands behind" },
	{ "inserted twice", BYTES("=5\n" F("z")), 6, "stands behind" },
	{ "a chunk for a file that is kept", BYTES("=2\n" C("3") "=3\n"), 6,
		"add up" },
	{ "a chunk behind a link that is kept", BYTES("=4\n" C("3") "=1\n"), 6,
		"chunk line" },
};

void
client_differences(void)
{
	struct conversation c;
	struct buf text = BUF_INIT;
	char hex[HEX + 1];
	size_t i;

	talk_tree(&tree_lines, hex);
	for (i = 0; i < COUNT(differences); i++) {
		honest(&c);
		push_key(&c, "base", base_hash);
		push_key(&c, "no-cache", NULL);
		push_key(&c, "rebuild", "yes");
		buf_clear(&text);
		buf_add(&text, differences[i].text, differences[i].len);
		buf_addf(&text, "end\t%s\n", hex);
		/* Push speaks of the tree as before. */
		tell_packed(&c, &text);
		buf_clear(&c.step[FULL]);
		buf_clear(&c.step[FILES]);
		expect(&c, differences[i].status, differences[i].says,
			"difference: %s", differences[i].name);
	}
	buf_release(&text);
}
