/* The files stream as a tar archive: members that are not the expected. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

#define BLOCK 512

/* A ustar header, by the places of its fields. */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8];
	char type, link[100], magic[8], rest[BLOCK - 265];
};

_Static_assert(sizeof(struct header) == BLOCK, "header");

static void
checksum(struct header *h)
{
	const unsigned char *p = (const unsigned char *)h;
	unsigned sum = 0;
	size_t i;

	memset(h->sum, ' ', sizeof(h->sum));
	for (i = 0; i < BLOCK; i++)
		sum += p[i];
	snprintf(h->sum, sizeof(h->sum), "%06o", sum);
}

static struct header
plain(const char *name, char type, size_t size)
{
	struct header h = { .type = type, .mode = "0000644" };

	strncpy(h.name, name, sizeof(h.name) - 1);
	snprintf(h.size, sizeof(h.size), "%011zo", size);
	memcpy(h.magic,
		"ustar\0"
		"00",
		8);
	return h;
}

static void
add_block(struct buf *tar, const void *data, size_t len)
{
	static const char zeros[BLOCK];

	buf_add(tar, data, len);
	buf_add(tar, zeros, (BLOCK - len % BLOCK) % BLOCK);
}

static void
add_header(struct buf *tar, struct header *h)
{
	checksum(h);
	buf_add(tar, h, BLOCK);
}

static void
member(struct buf *tar, const char *name, char type, const void *data,
	size_t len)
{
	struct header h = plain(name, type, len);

	add_header(tar, &h);
	add_block(tar, data, len);
}

void
tar_member(struct buf *tar, const char *name, const void *data, size_t len)
{
	member(tar, name, '0', data, len);
}

void
tar_all(struct buf *tar)
{
	size_t i;

	for (i = 0; i < TREE_FILES; i++)
		tar_member(tar, contents[i].path, contents[i].data,
			contents[i].len);
}

/* A pax header with one record. */
static void
pax(struct buf *tar, char type, const char *key, const char *value)
{
	size_t len = strlen(key) + strlen(value) + 3, digits = 1, n;
	struct buf record = BUF_INIT;

	for (n = 10; len + digits >= n; n *= 10)
		digits++;
	buf_addf(&record, "%zu %s=%s\n", len + digits, key, value);
	member(tar, "PaxHeader", type, record.data, record.len);
	buf_release(&record);
}

static void
rest(struct buf *tar)
{
	tar_member(tar, "dir/b", "beta\n", 5);
	tar_member(tar, "z", contents[2].data, contents[2].len);
}

static void __attribute__((format(printf, 4, 5)))
expect_tar(struct buf *tar, int status, const char *says, const char *fmt, ...)
{
	struct conversation c;
	char name[200];
	va_list ap;

	honest(&c);
	tell_tar(&c, tar);
	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	expect(&c, status, says, "tar: %s", name);
	buf_clear(tar);
}

#define NO_REGULAR "a member is no regular file"
#define ASTRAY "does not follow the need list"

/*
 * The type of the first member, which has the right size and bytes.  Some are
 * files to libarchive that the page leaves to the server; their bytes are right.
 */
static const struct {
	char type;
	int status;
	const char *says;
} types[] = {
	{ '0', BUILT, "built" },
	{ '\0', BUILT, "built" },
	{ '1', 6, "" },
	{ '2', 6, "" },
	{ '3', 6, "" },
	{ '4', 6, "" },
	{ '5', 6, "" },
	{ '6', 6, "" },
	{ '7', BUILT, "built" },
	{ '8', BUILT, "built" },
	{ 'A', 6, "bad files stream" },
	{ 'D', 6, "" },
	{ 'K', 6, "" },
	{ 'L', 6, "" },
	{ 'M', 6, NO_REGULAR },
	{ 'N', BUILT, "built" },
	{ 'S', BUILT, "built" },
	{ 'V', 6, "" },
	{ 'X', 6, "" },
	{ 'Z', BUILT, "built" },
	{ 'g', 6, "" },
	{ 'x', 6, "" },
	{ '\xff', 6, "bad files stream" },
};

static void
type_rows(void)
{
	struct buf tar = BUF_INIT;
	struct header link;
	size_t i;

	for (i = 0; i < COUNT(types); i++) {
		member(&tar, "dir/a", types[i].type, "alpha\n", 6);
		rest(&tar);
		expect_tar(&tar, types[i].status, types[i].says, "type 0x%02x",
			(unsigned char)types[i].type);
	}
	/* In pax's format such a link may have the bytes behind it. */
	pax(&tar, 'x', "comment", "x");
	link = plain("dir/a", '1', 6);
	strcpy(link.link, "dir/b");
	add_header(&tar, &link);
	add_block(&tar, "alpha\n", 6);
	rest(&tar);
	expect_tar(&tar, 6, NO_REGULAR, "a hard link with the bytes");
	buf_release(&tar);
}

/* What stands in the size field of the first member, of 6 bytes. */
static const struct {
	const char *name, *size;
	size_t len;
	int status;
} size_fields[] = {
	{ "blanks in front", BYTES("          6"), BUILT },
	{ "a blank behind", BYTES("0000000006 "), BUILT },
	{ "in base 256", BYTES("\x80\0\0\0\0\0\0\0\0\0\0\6"), BUILT },
	{ "0", BYTES("00000000000"), 6 },
	{ "5", BYTES("00000000005"), 6 },
	{ "7", BYTES("00000000007"), 6 },
	{ "2^31", BYTES("20000000000"), 6 },
	{ "2^33 - 1", BYTES("77777777777"), 6 },
	{ "-6 in base 256",
		BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
		      "\xff\xfa"),
		6 },
	{ "2^63 in base 256", BYTES("\x80\0\0\0\x80\0\0\0\0\0\0\0"), 6 },
	{ "2^64 + 6 in base 256", BYTES("\x80\0\0\1\0\0\0\0\0\0\0\6"), 6 },
	{ "nothing", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0"), 6 },
	{ "a minus", BYTES("-0000000006"), 6 },
	{ "an 8", BYTES("00000000008"), 6 },
	{ "letters", BYTES("abcdefghijk"), 6 },
};

static void
size_rows(void)
{
	struct buf tar = BUF_INIT;
	size_t i;

	for (i = 0; i < COUNT(size_fields); i++) {
		struct header h = plain("dir/a", '0', 0);

		memset(h.size, 0, sizeof(h.size));
		memcpy(h.size, size_fields[i].size, size_fields[i].len);
		add_header(&tar, &h);
		add_block(&tar, "alpha\n", 6);
		rest(&tar);
		expect_tar(&tar, size_fields[i].status,
			size_fields[i].status ? "" : "built", "a size of %s",
			size_fields[i].name);
	}
	buf_release(&tar);
}

/* What two headers of the first member say of its size; the first counts. */
static const struct {
	const char *name, *pax;
	size_t ustar;
	int status;
	const char *says;
} sizes[] = {
	{ "pax says 6, ustar 0", "6", 0, BUILT, "built" },
	{ "pax says 6, ustar 7", "6", 7, BUILT, "built" },
	{ "pax says 6, ustar 2^31", "6", 2147483648, BUILT, "built" },
	{ "pax says 7, ustar 6", "7", 6, 6, ASTRAY },
	{ "pax says 0, ustar 6", "0", 6, 6, ASTRAY },
	{ "pax says 1536, ustar 6", "1536", 6, 6, ASTRAY },
	{ "pax says -6", "-6", 6, 6, "" },
	{ "pax says 2^63 - 1", "9223372036854775807", 6, 6, "" },
	{ "pax says 2^63", "9223372036854775808", 6, 6, "" },
	{ "pax says 2^64 + 6", "18446744073709551622", 6, 6, "" },
	{ "pax says 6x", "6x", 6, BUILT, "built" },
	{ "pax says nothing", "", 6, 6, "" },
};

/* A pax record in front of the first member, which says `ustar' bytes. */
static const struct {
	const char *key, *value;
	size_t ustar;
	int status;
	const char *says;
} records[] = {
	{ "path", "/etc/passwd", 6, BUILT, "built" },
	{ "path", "../../x", 6, BUILT, "built" },
	{ "path", "\xff\xfe", 6, 6, "bad files stream" },
	{ "path", "x/", 6, 6, NO_REGULAR },
	{ "linkpath", "/etc/passwd", 6, BUILT, "built" },
	{ "hdrcharset", "BINARY", 6, BUILT, "built" },
	{ "hdrcharset", "x", 6, BUILT, "built" },
	{ "mtime", "99999999999999999999", 6, BUILT, "built" },
	{ "mtime", "-1.5", 6, BUILT, "built" },
	{ "uid", "99999999999999999999", 6, BUILT, "built" },
	{ "SCHILY.dev", "1", 6, BUILT, "built" },
	{ "SCHILY.realsize", "7", 6, 6, "" },
	{ "SCHILY.xattr.security.capability", "x", 6, BUILT, "built" },
	{ "SCHILY.acl.access", "user::rwx", 6, BUILT, "built" },
	{ "LIBARCHIVE.xattr.user.x", "eA", 6, BUILT, "built" },
	{ "GNU.sparse.size", "600", 6, 6, "" },
	{ "GNU.sparse.realsize", "600", 6, 6, "" },
	{ "GNU.sparse.map", "0,3,3,3", 6, BUILT, "built" },
	{ "GNU.sparse.map", "0,0,6,0", 6, 6, "" },
	{ "GNU.sparse.name", "x", 6, BUILT, "built" },
	{ "no-such-key", "x", 6, BUILT, "built" },
};

static void
with_record(struct buf *tar, const char *key, const char *value, size_t ustar)
{
	struct header h = plain("dir/a", '0', ustar);

	pax(tar, 'x', key, value);
	add_header(tar, &h);
	add_block(tar, "alpha\n", 6);
	rest(tar);
}

static void
pax_rows(void)
{
	struct buf tar = BUF_INIT;
	size_t i;

	for (i = 0; i < COUNT(sizes); i++) {
		with_record(&tar, "size", sizes[i].pax, sizes[i].ustar);
		expect_tar(&tar, sizes[i].status, sizes[i].says, "%s",
			sizes[i].name);
	}
	for (i = 0; i < COUNT(records); i++) {
		with_record(&tar, records[i].key, records[i].value,
			records[i].ustar);
		expect_tar(&tar, records[i].status, records[i].says,
			"pax %s, case %zu", records[i].key, i);
	}
	buf_release(&tar);
}

/* A sparse member of GNU tar before pax: 4 entries, more blocks of 21. */
static void
old_sparse(struct buf *tar, size_t blocks)
{
	struct header h = plain("dir/a", 'S', 6);
	char *p = (char *)&h, more[BLOCK] = "";
	size_t i;

	memcpy(h.magic, "ustar  ", 8);
	for (i = 0; i < 4; i++)
		memcpy(p + 386 + 24 * i, "00000000000\00000000000000\0", 24);
	p[482] = blocks > 0;
	memcpy(p + 483, "00000000006", 11);
	add_header(tar, &h);
	for (i = 0; i < 21; i++)
		memcpy(more + 24 * i, "00000000000\00000000000000\0", 24);
	for (i = 0; i < blocks; i++) {
		more[504] = i + 1 < blocks;
		buf_add(tar, more, BLOCK);
	}
	add_block(tar, "alpha\n", 6);
}

/* A sparse member of pax 1.0, whose map is in its data. */
static void
new_sparse(struct buf *tar, size_t entries)
{
	struct buf map = BUF_INIT;
	size_t i;

	pax(tar, 'x', "GNU.sparse.major", "1");
	buf_addf(&map, "%zu\n", entries);
	for (i = 0; i < entries; i++)
		buf_addstr(&map, "0\n0\n");
	while (map.len % BLOCK)
		buf_addch(&map, '\0');
	buf_addstr(&map, "alpha\n");
	member(tar, "dir/a", '0', map.data, map.len);
	buf_release(&map);
}

static void
new_sparse_records(struct buf *tar, size_t entries)
{
	struct buf record = BUF_INIT, map = BUF_INIT;
	size_t i;

	buf_addf(&map, "%zu\n", entries);
	for (i = 0; i < entries; i++)
		buf_addstr(&map, "0\n0\n");
	while (map.len % BLOCK)
		buf_addch(&map, '\0');
	buf_addstr(&map, "alpha\n");
	buf_addstr(&record,
		"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
		"25 GNU.sparse.realsize=6\n");
	member(tar, "x", 'x', record.data, record.len);
	member(tar, "dir/a", '0', map.data, map.len);
	buf_release(&map);
	buf_release(&record);
}

static void
sparse_rows(void)
{
	struct buf tar = BUF_INIT;

	old_sparse(&tar, 0);
	rest(&tar);
	expect_tar(&tar, 6, "", "a sparse member");
	old_sparse(&tar, 200000);
	rest(&tar);
	expect_tar(&tar, 6, "", "a sparse map of 100 MB");
	new_sparse(&tar, 1);
	expect_tar(&tar, 6, "", "half of a sparse member of pax 1.0");
	new_sparse_records(&tar, 1);
	expect_tar(&tar, 6, "", "a sparse member of pax 1.0");
	new_sparse_records(&tar, 20000000);
	expect_tar(&tar, 6, "", "a sparse map of pax 1.0 of 80 MB");
	buf_release(&tar);
}

/* So many headers of that type before any member. */
static void
headers(const char *name, char type, size_t n, size_t size, int status)
{
	struct buf tar = BUF_INIT;
	char *data = calloc(1, size + 1);

	memset(data, 'x', size);
	while (n--)
		member(&tar, "x", type, data, size);
	tar_all(&tar);
	expect_tar(&tar, status, status ? "" : "built", "%s", name);
	buf_release(&tar);
	free(data);
}

static void
bombs(void)
{
	struct buf tar = BUF_INIT, value = BUF_INIT;

	headers("a long name", 'L', 1, 4000, BUILT);
	headers("a long name of 64 MB", 'L', 1, 64000000, 6);
	headers("a long link name of 64 MB", 'K', 1, 64000000, 6);
	headers("a pax header of 64 MB", 'x', 1, 64000000, 6);
	headers("a global pax header of 64 MB", 'g', 1, 64000000, 6);
	headers("100,000 long names", 'L', 100000, 600, 6);
	headers("100,000 broken pax headers", 'x', 100000, 600, 6);
	while (value.len < 900000)
		buf_addstr(&value, "0,0,");
	buf_addstr(&value, "0,0");
	pax(&tar, 'x', "GNU.sparse.map", value.data);
	tar_all(&tar);
	expect_tar(&tar, 6, "", "a pax sparse map of 225,000 entries");
	pax(&tar, 'x', "path", value.data);
	tar_all(&tar);
	expect_tar(&tar, BUILT, "built", "a pax path of 900,000 bytes");
	while (tar.len < 64000000)
		pax(&tar, 'x', "mtime", "1");
	tar_all(&tar);
	expect_tar(&tar, 6, "", "60,000 pax headers");
	buf_release(&value);
	buf_release(&tar);
}

static void
with_field(const char *name, size_t at, const char *bytes, size_t len, bool sum,
	int status)
{
	struct header h = plain("dir/a", '0', 6);
	struct buf tar = BUF_INIT;

	memcpy((char *)&h + at, bytes, len);
	checksum(&h);
	if (!sum)
		memcpy((char *)&h + at, bytes, len);
	buf_add(&tar, &h, BLOCK);
	add_block(&tar, "alpha\n", 6);
	rest(&tar);
	expect_tar(&tar, status, status ? "" : "built", "%s", name);
	buf_release(&tar);
}

static void
fields(void)
{
	with_field("a wrong checksum", 148, BYTES("000001\0 "), false, 6);
	with_field("no checksum", 148, BYTES("\0\0\0\0\0\0\0\0"), false, 6);
	with_field("a link's name", 157, BYTES("/etc/passwd"), true, BUILT);
	with_field("no magic", 257, BYTES("\0\0\0\0\0\0\0\0"), true, BUILT);
	with_field("the magic of GNU", 257, BYTES("ustar  \0"), true, BUILT);
	with_field("an absolute name", 0, BYTES("/etc/passwd"), true, BUILT);
	with_field("a name upward", 0, BYTES("../../x"), true, BUILT);
	with_field("no name", 0, BYTES("\0\0\0\0\0"), true, BUILT);
	with_field("a name with escapes", 0, BYTES("\033]0;x\007"), true,
		BUILT);
	with_field("a directory's name", 0, BYTES("dir/a/"), true, 6);
	with_field("an apple's name", 0, BYTES("dir/._a"), true, BUILT);
	with_field("a set-id mode", 100, BYTES("0006777"), true, BUILT);
	with_field("no mode", 100, BYTES("xxxxxxx"), true, 6);
	with_field("root as owner", 265, BYTES("root"), true, BUILT);
}

/* Members in an order of their own, by number; '-' is one of the trailer. */
static const struct {
	const char *name, *order;
	int status;
	const char *says;
} orders[] = {
	{ "its order", "012", BUILT, "built" },
	{ "swapped", "102", 6, ASTRAY },
	{ "the last first", "201", 6, ASTRAY },
	{ "one twice", "0012", 6, ASTRAY },
	{ "one left out", "02", 6, ASTRAY },
	{ "one too many", "0120", BUILT, "built" },
	{ "a zero block in front", "-012", 6, "bad files stream" },
	{ "the trailer in front", "--012", 6, "bad files stream" },
	{ "the trailer in between", "0--12", 6, "bad files stream" },
	{ "the trailer behind", "012--", BUILT, "built" },
};

static void
order_rows(void)
{
	static const char zeros[BLOCK];
	struct buf tar = BUF_INIT;
	const char *p;
	size_t i;

	for (i = 0; i < COUNT(orders); i++) {
		for (p = orders[i].order; *p; p++)
			if (*p == '-')
				buf_add(&tar, zeros, BLOCK);
			else
				tar_member(&tar, contents[*p - '0'].path,
					contents[*p - '0'].data,
					contents[*p - '0'].len);
		expect_tar(&tar, orders[i].status, orders[i].says, "%s",
			orders[i].name);
	}
	buf_release(&tar);
}

static void
wrong_names(void)
{
	struct buf tar = BUF_INIT;

	tar_member(&tar, "z", "alpha\n", 6);
	tar_member(&tar, "z", "beta\n", 5);
	tar_member(&tar, "../../../z", contents[2].data, 600);
	expect_tar(&tar, BUILT, "built", "wrong names in the right order");
	buf_addstr(&tar, "this is no archive at all, but it is long enough");
	while (tar.len < 4096)
		buf_addch(&tar, '!');
	expect_tar(&tar, 6, "bad files stream", "no archive");
	while (tar.len < 200000000)
		buf_add(&tar, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	expect_tar(&tar, 6, "bad files stream", "200 MB of zeros");
	buf_release(&tar);
}

void
client_tars(void)
{
	order_rows();
	wrong_names();
	type_rows();
	size_rows();
	pax_rows();
	fields();
	sparse_rows();
	bombs();
}
