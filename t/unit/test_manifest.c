#include "tree/manifest.h"

#include "base/path.h"
#include <sys/mman.h>

#include "unit.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static unsigned seed = 1;

static unsigned
dice(unsigned sides)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % sides;
}

static void
add(struct manifest *m, char type, const char *path, const char *content)
{
	struct entry e = { .path = path, .type = type };

	if (type == ENTRY_LINK) {
		e.target = content;
	} else if (type == ENTRY_FILE) {
		e.mode = 0644;
		e.size = strlen(content);
		digest_bytes(content, e.size, e.digest);
	} else {
		e.mode = 0755;
	}
	manifest_add(m, &e);
}

/* The text of some lines with the end line that belongs to them. */
static void
complete(struct buf *text, const char *lines)
{
	uint8_t id[DIGEST_SIZE];
	char hex[DIGEST_HEX + 1];

	digest_bytes(lines, strlen(lines), id);
	digest_to_hex(id, hex);
	buf_clear(text);
	buf_addf(text, "%send\t%s\n", lines, hex);
}

static int
parse_lines(struct manifest *m, const char *lines, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc;

	complete(&text, lines);
	rc = manifest_parse(m, text.data, text.len, err);
	buf_release(&text);
	return rc;
}

static void
refuses(const char *lines, const char *why)
{
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;

	ck_assert_msg(parse_lines(&m, lines, &err) < 0, "taken: %s", lines);
	ck_assert_msg(strstr(err.text, why), "'%s' says '%s', not '%s'", lines,
		err.text, why);
	manifest_release(&m);
}

static void
takes(const char *lines)
{
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;

	ck_assert_msg(parse_lines(&m, lines, &err) == 0, "%s: %s", lines,
		err.text);
	manifest_release(&m);
}

static void
assert_same(const struct manifest *a, const struct manifest *b)
{
	size_t i;

	ck_assert_uint_eq(a->n, b->n);
	ck_assert_uint_eq(a->lines, b->lines);
	ck_assert_mem_eq(a->id, b->id, DIGEST_SIZE);
	for (i = 0; i < a->n; i++) {
		ck_assert(entry_equal(&a->v[i], &b->v[i]));
		ck_assert_uint_eq(a->v[i].line, b->v[i].line);
		ck_assert_uint_eq(entry_lines(&a->v[i]), entry_lines(&b->v[i]));
		if (entry_lines(&a->v[i]) > 1)
			ck_assert_mem_eq(a->v[i].chunks->v, b->v[i].chunks->v,
				a->v[i].chunks->n * sizeof(struct chunk));
	}
}

/* Appends a file of chunks, each of which a letter stands for. */
static void
add_chunked(struct manifest *m, const char *path, const char *letters)
{
	struct entry e = { .path = path, .type = ENTRY_FILE, .mode = 0644 };
	size_t n = strlen(letters), i;
	struct chunks *c = mem_zalloc(1, sizeof(*c) + n * sizeof(*c->v));

	c->n = (uint32_t)n;
	for (i = 0; i < n; i++) {
		c->v[i].offset = e.size;
		digest_bytes(letters + i, 1, c->v[i].digest);
		e.size += 1000 + (unsigned char)letters[i];
	}
	digest_bytes(letters, n, e.digest);
	e.chunks = n ? c : NULL;
	manifest_add(m, &e);
	free(c);
}

static const char *
random_letters(char letters[static 41], unsigned kinds)
{
	unsigned n = dice(41), i;

	for (i = 0; i < n; i++)
		letters[i] = (char)('a' + dice(kinds));
	letters[n] = '\0';
	return letters;
}

START_TEST(a_tree_without_entries_is_its_end_line)
{
	struct manifest m = MANIFEST_INIT, back = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;

	manifest_finish(&m);
	manifest_write(&m, &text);
	ck_assert_str_eq(text.data,
		"end\te3b0c44298fc1c149afbf4c8996fb924"
		"27ae41e4649b934ca495991b7852b855\n");
	ck_assert_int_eq(manifest_parse(&back, text.data, text.len, &err), 0);
	ck_assert_uint_eq(back.n, 0);
	ck_assert_ptr_null(manifest_find(&back, "a"));
	ck_assert_ptr_null(manifest_line(&back, 1));
	manifest_release(&back);
	manifest_release(&m);
	buf_release(&text);
}
END_TEST

START_TEST(lines_are_as_the_manual_says)
{
	struct manifest m = MANIFEST_INIT;
	struct buf text = BUF_INIT, want = BUF_INIT;

	add(&m, 'd', "bin", NULL);
	add(&m, 'f', "bin/run", "hello");
	m.v[1].mode = 0755;
	add(&m, 'l', "bin/to", "../etc/x y");
	manifest_finish(&m);
	manifest_write(&m, &text);
	complete(&want,
		"d\t755\tbin\n"
		"f\t755\t5\t2cf24dba5fb0a30e26e83b2ac5b9e29e"
		"1b161e5c1fa7425e73043362938b9824\tbin/run\n"
		"l\t../etc/x y\tbin/to\n");
	ck_assert_str_eq(text.data, want.data);
	manifest_release(&m);
	buf_release(&text);
	buf_release(&want);
}
END_TEST

START_TEST(sorting_puts_what_is_below_right_behind_its_directory)
{
	static const char *const order[] = { "a", "a/b", "a/b/c", "a b", "a-b",
		"a.b", "ab", "b", "\303\244" };
	struct manifest m = MANIFEST_INIT;
	size_t n = sizeof(order) / sizeof(*order), i;

	for (i = n; i-- > 0;)
		add(&m, 'f', order[i], order[i]);
	manifest_sort(&m);
	for (i = 0; i < n; i++) {
		ck_assert_str_eq(m.v[i].path, order[i]);
		ck_assert_uint_eq(m.v[i].line, i + 1);
		ck_assert_ptr_eq(manifest_find(&m, order[i]), &m.v[i]);
		ck_assert_ptr_eq(manifest_line(&m, (uint32_t)i + 1), &m.v[i]);
	}
	ck_assert_ptr_null(manifest_find(&m, "a/"));
	ck_assert_ptr_null(manifest_find(&m, "aa"));
	ck_assert_ptr_null(manifest_line(&m, 0));
	ck_assert_ptr_null(manifest_line(&m, (uint32_t)n + 1));
	manifest_release(&m);
}
END_TEST

START_TEST(order_is_required)
{
	refuses("d\t755\tb\nd\t755\ta\n", "stands behind");
	refuses("d\t755\ta\nd\t755\ta\n", "stands behind");
	refuses("l\tx\ta\nd\t755\ta\n", "stands behind");
	/* '/' is before every other byte: a-b is behind all below a. */
	refuses("d\t755\ta\nd\t755\ta-b\nd\t755\ta/c\n", "stands behind");
	takes("d\t755\ta\nd\t755\ta/c\nd\t755\ta-b\n");
}
END_TEST

START_TEST(every_directory_has_its_line)
{
	refuses("l\tx\ta/b\n", "no directory line");
	refuses("d\t755\ta\nl\tx\ta/b/c\n", "no directory line");
	refuses("l\tx\ta\nl\tx\ta/b\n", "no directory line");
	refuses("f\t644\t0\t" HASH "\ta\nl\tx\ta/b\n", "no directory line");
	refuses("d\t755\ta\nl\tx\ta/b\nl\tx\ta/b/c\n", "no directory line");
	refuses("d\t755\ta\nd\t755\ta/b\nl\tx\tb/b\n", "no directory line");
	refuses("d\t755\ta\nl\tx\taa/b\n", "no directory line");
	takes("d\t755\ta\nd\t755\ta/b\nd\t755\ta/b/c\nl\tx\ta/b/c/d\n"
	      "l\tx\ta/b/e\nl\tx\ta/f\nl\tx\tg\n");
}
END_TEST

START_TEST(malformed_lines_are_refused)
{
	static const char *const lines[] = {
		"",
		"d",
		"d\t",
		"d\t755",
		"d\t755\t",
		"d\t75\ta",
		"d\t7555\ta",
		"d\t778\ta",
		"d\t+55\ta",
		"d 755 a",
		"D\t755\ta",
		"x\t755\ta",
		"dd\t755\ta",
		"\td\t755\ta",
		"f\t644\ta",
		"f\t644\t0\ta",
		"f\t644\t0\t" HASH,
		"f\t644\t0\t" HASH "\t",
		"f\t644\t00\t" HASH "\ta",
		"f\t644\t01\t" HASH "\ta",
		"f\t644\t-1\t" HASH "\ta",
		"f\t644\t+1\t" HASH "\ta",
		"f\t644\t \t" HASH "\ta",
		"f\t644\t\t" HASH "\ta",
		"f\t644\t1000000000000000000\t" HASH "\ta",
		"f\t644\t18446744073709551617\t" HASH "\ta",
		"f\t644\t0\t" HASH "0\ta",
		"f\t644\t0\tABCDEF\ta",
		"f\t0644\t0\t" HASH "\ta",
		"l\t\ta",
		"l\tx",
		"l\tx\t",
		"l\ta",
		"l\tx\001\ta",
		"l\tx\177\ta",
		"d\t755\t/a",
		"d\t755\ta/",
		"d\t755\t.",
		"d\t755\t..",
		"d\t755\t../a",
		"d\t755\ta//b",
		"d\t755\ta\tb",
		"d\t755\ta\rb",
		"d\t755\ta\033b",
		"d\t755\ta\177",
		"=",
		"-",
		"=1",
		"-1",
		"=0",
		"end",
		"end ",
		"c\t1\t" HASH,
		"c",
		"c\t",
	};
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		char line[400];

		snprintf(line, sizeof(line), "%s\n", lines[i]);
		refuses(line, "manifest: ");
	}
}
END_TEST

START_TEST(a_zero_byte_is_refused_wherever_it_is)
{
	static const char lines[] = "d\t755\ta\nf\t644\t3\t" HASH
				    "\ta/b\nl\tx\tc\n";
	struct buf text = BUF_INIT;
	size_t i;

	complete(&text, lines);
	for (i = 0; i < text.len; i++) {
		struct manifest m = MANIFEST_INIT;
		struct error err = ERROR_INIT;
		char was = text.data[i];

		text.data[i] = '\0';
		ck_assert_int_lt(manifest_parse(&m, text.data, text.len, &err),
			0);
		text.data[i] = was;
		manifest_release(&m);
	}
	buf_release(&text);
}
END_TEST

START_TEST(limits_of_names_hold)
{
	struct buf b = BUF_INIT;
	char longest[COMPONENT_MOST + 2];
	size_t i;

	memset(longest, 'n', sizeof(longest));
	buf_addf(&b, "d\t755\t%.255s\n", longest);
	takes(b.data);
	buf_clear(&b);
	buf_addf(&b, "d\t755\t%.256s\n", longest);
	refuses(b.data, "255");
	buf_clear(&b);
	buf_addstr(&b, "l\t");
	for (i = 0; i < TARGET_MOST; i++)
		buf_addch(&b, 't');
	buf_addstr(&b, "\ta\n");
	takes(b.data);
	buf_truncate(&b, b.len - 3);
	buf_addstr(&b, "t\ta\n");
	refuses(b.data, "malformed");
	buf_release(&b);
}
END_TEST

/* Directories d/d/... down to a path of `len` bytes at the end. */
static void
deep(struct manifest *m, size_t len)
{
	char path[PATH_MOST + 8] = "";
	size_t at = 0;

	while (at < len) {
		size_t n = len - at < 200 ? len - at : 200;

		/* No slash at the end. */
		if (len - at - n == 1)
			n--;
		memset(path + at, 'p', n);
		at += n;
		path[at] = '\0';
		add(m, 'd', path, NULL);
		if (at < len)
			path[at++] = '/';
	}
	manifest_finish(m);
}

START_TEST(a_path_has_4096_bytes_at_most)
{
	struct manifest m = MANIFEST_INIT, back = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;

	deep(&m, PATH_MOST);
	manifest_write(&m, &text);
	ck_assert_int_eq(manifest_parse(&back, text.data, text.len, &err), 0);
	ck_assert_uint_eq(strlen(back.v[back.n - 1].path), PATH_MOST);
	manifest_release(&m);
	manifest_release(&back);
	buf_clear(&text);
	deep(&m, PATH_MOST + 1);
	manifest_write(&m, &text);
	ck_assert_int_lt(manifest_parse(&back, text.data, text.len, &err), 0);
	manifest_release(&m);
	manifest_release(&back);
	buf_release(&text);
}
END_TEST

START_TEST(an_endless_line_is_refused_before_it_is_kept)
{
	struct manifest m = MANIFEST_INIT;
	struct manifest_reader r;
	struct error err = ERROR_INIT;
	char piece[1000];
	int i, rc = 0;

	memset(piece, 'x', sizeof(piece));
	manifest_reader_init(&r, &m, NULL, 0);
	for (i = 0; i < 20 && rc == 0; i++)
		rc = manifest_reader_add(&r, piece, sizeof(piece), &err);
	ck_assert_int_lt(rc, 0);
	ck_assert_ptr_nonnull(strstr(err.text, "overlong"));
	ck_assert_uint_le(r.rest.len, MANIFEST_LINE_MOST);
	manifest_reader_release(&r);
	manifest_release(&m);
}
END_TEST

START_TEST(the_tree_id_must_agree)
{
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	const char *text = "d\t755\ta\nend\t" HASH "\n";

	ck_assert_int_lt(manifest_parse(&m, text, strlen(text), &err), 0);
	ck_assert_str_eq(err.text, "manifest: the tree id does not agree");
	manifest_release(&m);
}
END_TEST

START_TEST(it_ends_at_the_end_line_and_not_before)
{
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;

	complete(&text, "d\t755\ta\n");
	ck_assert_int_lt(manifest_parse(&m, text.data, 8, &err), 0);
	ck_assert_str_eq(err.text, "manifest: it ends early");
	manifest_release(&m);
	ck_assert_int_lt(manifest_parse(&m, text.data, text.len - 1, &err), 0);
	manifest_release(&m);
	buf_addstr(&text, "x");
	ck_assert_int_lt(manifest_parse(&m, text.data, text.len, &err), 0);
	manifest_release(&m);
	buf_addstr(&text, "\n");
	ck_assert_int_lt(manifest_parse(&m, text.data, text.len, &err), 0);
	manifest_release(&m);
	buf_release(&text);
}
END_TEST

START_TEST(chunks_add_up_and_count_as_lines)
{
	static const char text[] = "f\t644\t10\t" HASH "\ta\n"
				   "c\t4\t" HASH "\nc\t6\t" HASH "\n"
				   "f\t644\t0\t" HASH "\tb\n"
				   "f\t644\t3\t" HASH "\tc\n"
				   "c\t3\t" HASH "\n";
	static const char entries[] = "f\t644\t10\t" HASH "\ta\n"
				      "f\t644\t0\t" HASH "\tb\n"
				      "f\t644\t3\t" HASH "\tc\n";
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT, b2 = BUF_INIT, whole = BUF_INIT;
	uint32_t chunk;

	/* The tree id is of the lines without the chunks. */
	complete(&b, entries);
	buf_addstr(&whole, text);
	buf_addstr(&whole, strstr(b.data, "end\t"));
	ck_assert_int_eq(manifest_parse(&m, whole.data, whole.len, &err), 0);
	ck_assert_uint_eq(m.n, 3);
	ck_assert_uint_eq(m.lines, 6);
	ck_assert_uint_eq(m.v[0].line, 1);
	ck_assert_uint_eq(m.v[1].line, 4);
	ck_assert_uint_eq(m.v[2].line, 5);
	ck_assert_ptr_null(manifest_line(&m, 2));
	ck_assert_ptr_eq(manifest_line(&m, 4), &m.v[1]);
	ck_assert_ptr_eq(manifest_at(&m, 3, &chunk), &m.v[0]);
	ck_assert_uint_eq(chunk, 1);
	ck_assert_uint_eq(chunk_length(&m.v[0], 0), 4);
	ck_assert_uint_eq(chunk_length(&m.v[0], 1), 6);
	ck_assert_uint_eq(m.v[0].chunks->v[1].offset, 4);
	ck_assert_ptr_eq(manifest_at(&m, 6, &chunk), &m.v[2]);
	ck_assert_uint_eq(chunk, 0);
	ck_assert_ptr_eq(manifest_at(&m, 5, &chunk), &m.v[2]);
	ck_assert_uint_eq(chunk, MANIFEST_NO_CHUNK);
	ck_assert_ptr_null(manifest_at(&m, 0, &chunk));
	ck_assert_ptr_null(manifest_at(&m, 7, &chunk));
	manifest_write(&m, &b2);
	ck_assert_str_eq(b2.data, whole.data);
	manifest_release(&m);
	buf_release(&b2);
	buf_release(&b);
	buf_release(&whole);
}
END_TEST

START_TEST(chunks_that_do_not_add_up_are_refused)
{
	refuses("f\t644\t10\t" HASH "\ta\nc\t9\t" HASH "\n", "add up");
	refuses("f\t644\t10\t" HASH "\ta\nc\t11\t" HASH "\n", "add up");
	refuses("f\t644\t10\t" HASH "\ta\nc\t5\t" HASH "\nc\t6\t" HASH "\n",
		"add up");
	refuses("f\t644\t9\t" HASH "\ta\nc\t8\t" HASH "\nd\t755\tb\n",
		"add up");
	refuses("f\t644\t10\t" HASH "\ta\nc\t0\t" HASH "\n", "chunk");
	refuses("f\t644\t1048577\t" HASH "\ta\nc\t1048577\t" HASH "\n",
		"chunk");
	refuses("f\t644\t10\t" HASH "\ta\nc\t10\t" HASH "\tx\n", "chunk");
	refuses("f\t644\t10\t" HASH "\ta\nc\t10\n", "chunk");
	refuses("c\t10\t" HASH "\n", "chunk");
	refuses("d\t755\ta\nc\t10\t" HASH "\n", "chunk");
	refuses("l\tx\ta\nc\t10\t" HASH "\n", "chunk");
}
END_TEST

START_TEST(the_limit_of_entries_is_the_servers_refusal)
{
	static const char lines[] = "d\t755\ta\nd\t755\tb\nd\t755\tc\n";
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	uint64_t most;

	complete(&text, lines);
	for (most = 1; most < 5; most++) {
		struct manifest m = MANIFEST_INIT;
		struct manifest_reader r;
		int rc;

		manifest_reader_init(&r, &m, NULL, most);
		rc = manifest_reader_add(&r, text.data, text.len, &err);
		ck_assert_int_eq(rc, most < 3 ? -1 : 0);
		if (rc < 0)
			ck_assert_int_eq(err.status, STATUS_REFUSED);
		manifest_reader_release(&r);
		manifest_release(&m);
	}
	buf_release(&text);
}
END_TEST

/* Everything of some directory, drawn by lot. */
static void
grow(struct manifest *m, const char *prefix, int depth)
{
	static const char *const names[] = { "a", "a b", "a-b", "a.b", "ab",
		"b", "c", "\303\244", "~" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[200], content[16], letters[41];
		unsigned what = dice(10);

		snprintf(path, sizeof(path), "%s%s", prefix, names[i]);
		snprintf(content, sizeof(content), "%u", dice(2));
		if (what < 1) {
			random_letters(letters, 1 + dice(20));
			add_chunked(m, path, letters);
		} else if (what < 3) {
			add(m, 'f', path, content);
			m->v[m->n - 1].mode = dice(4) ? 0644 : 0755;
		} else if (what < 4) {
			add(m, 'l', path, content);
		} else if (what < 6) {
			add(m, 'd', path, NULL);
			m->v[m->n - 1].mode = dice(9) ? 0755 : 0700;
			snprintf(path, sizeof(path), "%s%s/", prefix, names[i]);
			if (depth)
				grow(m, path, depth - 1);
		}
	}
}

static void
make_tree(struct manifest *m)
{
	if (dice(12))
		grow(m, "", (int)dice(4));
	manifest_sort(m);
	manifest_finish(m);
}

/* A tree that differs from m in a few places. */
static void
change_tree(const struct manifest *m, struct manifest *out)
{
	char letters[41];
	size_t i;

	for (i = 0; i < m->n; i++) {
		const struct entry *e = &m->v[i];

		if (e->type != ENTRY_DIRECTORY && dice(10) == 0)
			continue;
		if (e->type == ENTRY_FILE && dice(10) == 0)
			add(out, 'f', e->path, "changed");
		else if (e->type == ENTRY_FILE && dice(4) == 0)
			add_chunked(out, e->path,
				random_letters(letters, 1 + dice(20)));
		else if (e->type == ENTRY_LINK && dice(5) == 0)
			add(out, 'f', e->path, "was a link");
		else
			manifest_add(out, e);
	}
	manifest_finish(out);
}

static void
check_difference(const struct manifest *a, const struct manifest *b)
{
	struct manifest back = MANIFEST_INIT;
	struct manifest_reader r;
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;

	manifest_difference(a, b, &text);
	manifest_reader_init(&r, &back, a, 0);
	ck_assert_msg(manifest_reader_add(&r, text.data, text.len, &err) == 0,
		"%s in:\n%s", err.text, text.data);
	ck_assert(r.ended);
	assert_same(&back, b);
	manifest_reader_release(&r);
	manifest_release(&back);
	buf_release(&text);
}

START_TEST(a_difference_applied_gives_the_new_tree)
{
	int i;

	for (i = 0; i < 2000; i++) {
		struct manifest a = MANIFEST_INIT, b = MANIFEST_INIT;
		struct manifest c = MANIFEST_INIT, none = MANIFEST_INIT;

		make_tree(&a);
		make_tree(&b);
		change_tree(&a, &c);
		manifest_finish(&none);
		check_difference(&a, &a);
		check_difference(&a, &b);
		check_difference(&a, &c);
		check_difference(&c, &a);
		check_difference(&a, &none);
		check_difference(&none, &a);
		manifest_release(&a);
		manifest_release(&b);
		manifest_release(&c);
		manifest_release(&none);
	}
}
END_TEST

/* The difference between two files of chunks, sizes and hashes left out. */
static void
check_chunk_lines(const char *from, const char *to, const char *expected)
{
	struct manifest a = MANIFEST_INIT, b = MANIFEST_INIT;
	struct buf text = BUF_INIT, seen = BUF_INIT;
	char *line, *rest = NULL;

	add_chunked(&a, "a", from);
	add_chunked(&b, "a", to);
	manifest_finish(&a);
	manifest_finish(&b);
	check_difference(&a, &b);
	manifest_difference(&a, &b, &text);
	for (line = strtok_r(text.data, "\n", &rest); line;
		line = strtok_r(NULL, "\n", &rest))
		if (*line == '=' || *line == '-')
			buf_addf(&seen, "%s ", line);
		else
			buf_addf(&seen, "%c ", *line);
	ck_assert_str_eq(seen.data, expected);
	manifest_release(&a);
	manifest_release(&b);
	buf_release(&text);
	buf_release(&seen);
}

START_TEST(a_chunk_inserted_is_one_line_and_its_file_another)
{
	check_chunk_lines("abcdef", "abcdef", "=7 e ");
	check_chunk_lines("abcdef", "abcXdef", "-1 f =3 c =3 e ");
	check_chunk_lines("abcdef", "abcXef", "-1 f =3 c -1 =2 e ");
	check_chunk_lines("abcdef", "abef", "-1 f =2 -2 =2 e ");
	check_chunk_lines("abcdef", "abcdefg", "-1 f =6 c e ");
	check_chunk_lines("abcdef", "XabcdYef", "-1 f c =4 c =2 e ");
	check_chunk_lines("", "ab", "-1 f c c e ");
	check_chunk_lines("ab", "", "-1 f -2 e ");
	/* What moved is sent once; the longer run stays. */
	check_chunk_lines("abcdef", "fabcdeX", "-1 f c =5 c -1 e ");
}
END_TEST

START_TEST(what_an_amend_leaves_of_chunks_is_their_numbers)
{
	struct manifest m = MANIFEST_INIT;
	struct buf text = BUF_INIT;
	uint32_t chunk;

	add_chunked(&m, "a", "abc");
	add(&m, 'f', "b", "x");
	m.v[0].chunks = NULL;
	ck_assert_uint_eq(m.v[1].line, 5);
	ck_assert_ptr_eq(manifest_line(&m, 5), &m.v[1]);
	ck_assert_ptr_null(manifest_line(&m, 3));
	ck_assert_ptr_eq(manifest_at(&m, 3, &chunk), &m.v[0]);
	ck_assert_uint_eq(chunk, 1);
	manifest_finish(&m);
	manifest_write(&m, &text);
	ck_assert_ptr_null(strstr(text.data, "c\t"));
	manifest_number(&m);
	ck_assert_uint_eq(m.v[1].line, 2);
	ck_assert_uint_eq(m.lines, 2);
	manifest_release(&m);
	buf_release(&text);
}
END_TEST

START_TEST(chunks_are_limited)
{
	uint32_t had;

	for (had = 0; had < 2; had++) {
		struct manifest m = MANIFEST_INIT, back = MANIFEST_INIT;
		struct manifest_reader r;
		struct error err = ERROR_INIT;
		struct buf text = BUF_INIT;

		add_chunked(&m, "a", "abcdefgh");
		manifest_finish(&m);
		manifest_write(&m, &text);
		/* As if there had been others before. */
		back.lines = MANIFEST_CHUNKS_MOST - 8 + had;
		manifest_reader_init(&r, &back, NULL, 0);
		ck_assert_int_eq(manifest_reader_add(&r, text.data, text.len,
					 &err),
			had ? -1 : 0);
		if (had)
			ck_assert_int_eq(err.status, STATUS_REFUSED);
		manifest_reader_release(&r);
		manifest_release(&back);
		manifest_release(&m);
		buf_release(&text);
	}
}
END_TEST

START_TEST(a_tree_written_and_read_is_the_same)
{
	int i;

	for (i = 0; i < 300; i++) {
		struct manifest m = MANIFEST_INIT, back = MANIFEST_INIT;
		struct error err = ERROR_INIT;
		struct buf text = BUF_INIT;

		make_tree(&m);
		manifest_write(&m, &text);
		ck_assert_msg(manifest_parse(&back, text.data, text.len,
				      &err) == 0,
			"%s", err.text);
		assert_same(&back, &m);
		manifest_release(&m);
		manifest_release(&back);
		buf_release(&text);
	}
}
END_TEST

START_TEST(an_unchanged_tree_is_a_difference_of_two_lines)
{
	struct manifest m = MANIFEST_INIT;
	struct buf text = BUF_INIT;
	char first[32];

	while (m.n < 20) {
		manifest_release(&m);
		make_tree(&m);
	}
	manifest_difference(&m, &m, &text);
	snprintf(first, sizeof(first), "=%u\nend\t", m.lines);
	ck_assert_int_eq(strncmp(text.data, first, strlen(first)), 0);
	manifest_release(&m);
	buf_release(&text);
}
END_TEST

/* Reads a difference against the tree a, b (both directories). */
static int
apply(const char *lines, struct error *err)
{
	struct manifest base = MANIFEST_INIT, m = MANIFEST_INIT;
	struct manifest_reader r;
	int rc;

	add(&base, 'd', "a", NULL);
	add(&base, 'd', "b", NULL);
	manifest_reader_init(&r, &m, &base, 0);
	rc = manifest_reader_add(&r, lines, strlen(lines), err);
	manifest_reader_release(&r);
	manifest_release(&m);
	manifest_release(&base);
	return rc;
}

START_TEST(a_difference_that_does_not_fit_is_refused)
{
	static const char *const bad[] = { "=3\n", "-3\n", "=2\n=1\n", "=0\n",
		"=01\n", "=-1\n", "= 1\n", "=1 \n", "=x\n",
		"=99999999999999999999\n", "-\n", "=\n", "=1\nd\t755\ta\n",
		"=2\nd\t755\taa\n", "-1\nd\t755\tc\n=1\n",
		"-1\nd\t755\ta/x\n" };
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(apply(bad[i], &err) < 0, "taken: %s", bad[i]);
	/* The result is right, but a line of the base is not accounted for. */
	complete(&text, "d\t755\ta\n");
	memmove(text.data + 3, text.data + 8, text.len - 8 + 1);
	memcpy(text.data, "=1\n", 3);
	ck_assert_int_lt(apply(text.data, &err), 0);
	ck_assert_str_eq(err.text,
		"manifest: a difference that leaves lines over");
	buf_clear(&text);
	complete(&text, "");
	ck_assert_int_lt(apply(text.data, &err), 0);
	buf_release(&text);
}
END_TEST

START_TEST(it_may_be_split_at_every_byte)
{
	struct manifest a = MANIFEST_INIT, b = MANIFEST_INIT;
	struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	size_t i, k;

	while (a.n < 10 || a.n > 40) {
		manifest_release(&a);
		make_tree(&a);
	}
	change_tree(&a, &b);
	manifest_difference(&a, &b, &text);
	for (i = 0; i <= text.len; i++) {
		struct manifest m = MANIFEST_INIT;
		struct manifest_reader r;

		manifest_reader_init(&r, &m, &a, 0);
		ck_assert_int_eq(manifest_reader_add(&r, text.data, i, &err),
			0);
		ck_assert(r.ended == (i == text.len));
		ck_assert_int_eq(manifest_reader_add(&r, text.data + i,
					 text.len - i, &err),
			0);
		ck_assert(r.ended);
		assert_same(&m, &b);
		manifest_reader_release(&r);
		manifest_release(&m);
	}
	for (k = 1; k < 9; k++) {
		struct manifest m = MANIFEST_INIT;
		struct manifest_reader r;

		manifest_reader_init(&r, &m, &a, 0);
		for (i = 0; i < text.len; i += k)
			ck_assert_int_eq(manifest_reader_add(&r, text.data + i,
						 text.len - i < k ?
							 text.len - i :
							 k,
						 &err),
				0);
		ck_assert(r.ended);
		assert_same(&m, &b);
		manifest_reader_release(&r);
		manifest_release(&m);
	}
	manifest_release(&a);
	manifest_release(&b);
	buf_release(&text);
}
END_TEST

/* Entries of which the text is several pieces; every step-th is changed. */
static void
large(struct manifest *m, size_t step)
{
	struct entry e = { .type = ENTRY_FILE, .mode = 0644 };
	char path[32];
	size_t i;

	for (i = 0; i < 3000; i++) {
		snprintf(path, sizeof(path), "file%05zu", i);
		e.path = path;
		e.size = i + (step && i % step == 0);
		manifest_add(m, &e);
	}
	manifest_finish(m);
}

struct pieces {
	struct buf text;
	size_t n, most;
};

static int
take_piece(const char *data, size_t len, void *arg)
{
	struct pieces *p = arg;

	if (p->n == p->most)
		return 7;
	p->n++;
	buf_add(&p->text, data, len);
	return 0;
}

START_TEST(texts_come_in_pieces)
{
	struct manifest a = MANIFEST_INIT, b = MANIFEST_INIT;
	struct pieces p = { BUF_INIT, 0, SIZE_MAX };
	struct buf want = BUF_INIT;

	large(&a, 0);
	large(&b, 2);
	manifest_write(&b, &want);
	ck_assert_int_eq(manifest_text(&b, take_piece, &p), 0);
	ck_assert_uint_ge(p.n, 3);
	ck_assert_str_eq(p.text.data, want.data);
	p.most = 1;
	p.n = 0;
	ck_assert_int_eq(manifest_text(&b, take_piece, &p), 7);
	buf_clear(&want);
	buf_clear(&p.text);
	manifest_difference(&a, &b, &want);
	p.most = SIZE_MAX;
	p.n = 0;
	ck_assert_int_eq(manifest_difference_text(&a, &b, take_piece, &p), 0);
	ck_assert_uint_ge(p.n, 2);
	ck_assert_str_eq(p.text.data, want.data);
	p.most = 1;
	p.n = 0;
	ck_assert_int_eq(manifest_difference_text(&a, &b, take_piece, &p), 7);
	buf_release(&p.text);
	buf_release(&want);
	manifest_release(&a);
	manifest_release(&b);
}
END_TEST

/* Counts entries that are those of m; stops at the most-th. */
struct expected {
	const struct manifest *m;
	size_t n, most;
};

static int
expect_entry(const struct entry *e, void *arg)
{
	struct expected *x = arg;

	ck_assert_uint_lt(x->n, x->m->n);
	ck_assert(entry_equal(e, &x->m->v[x->n]));
	return ++x->n == x->most;
}

START_TEST(entries_are_given_one_by_one)
{
	struct manifest m = MANIFEST_INIT;
	struct expected x = { &m, 0, SIZE_MAX };
	struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	uint8_t want[DIGEST_SIZE], got[DIGEST_SIZE];
	int fd = memfd_create("text", 0);

	large(&m, 0);
	manifest_write(&m, &text);
	digest_bytes(text.data, text.len, want);
	ck_assert_int_eq(io_write_full(fd, text.data, text.len), 0);
	lseek(fd, 0, SEEK_SET);
	ck_assert_int_eq(manifest_entries(fd, expect_entry, &x, got, &err), 0);
	ck_assert_uint_eq(x.n, m.n);
	ck_assert_mem_eq(got, want, DIGEST_SIZE);
	x.n = 0;
	x.most = 2000;
	lseek(fd, 0, SEEK_SET);
	ck_assert_int_eq(manifest_entries(fd, expect_entry, &x, got, &err), -1);
	ck_assert_uint_eq(x.n, 2000);
	/* Damage is seen, by the digest at the latest. */
	ck_assert_int_eq(pwrite(fd, "\n", 1, 0), 1);
	x.n = 0;
	lseek(fd, 0, SEEK_SET);
	ck_assert_int_eq(manifest_entries(fd, expect_entry, &x, got, &err), -1);
	close(fd);
	buf_release(&text);
	manifest_release(&m);
}
END_TEST

START_TEST(a_file_is_read_whole_or_as_a_difference_and_hashed)
{
	struct manifest a = MANIFEST_INIT, b = MANIFEST_INIT;
	struct manifest back = MANIFEST_INIT;
	struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	uint8_t want[DIGEST_SIZE], got[DIGEST_SIZE];
	int i, fd = memfd_create("text", 0);

	large(&a, 0);
	large(&b, 5);
	for (i = 0; i < 2; i++) {
		buf_clear(&text);
		if (i)
			manifest_difference(&a, &b, &text);
		else
			manifest_write(&b, &text);
		digest_bytes(text.data, text.len, want);
		ck_assert_int_eq(ftruncate(fd, 0), 0);
		ck_assert_int_eq(pwrite(fd, text.data, text.len, 0),
			(ssize_t)text.len);
		lseek(fd, 0, SEEK_SET);
		ck_assert_msg(manifest_read(&back, i ? &a : NULL, fd, got,
				      &err) == 0,
			"%s", err.text);
		ck_assert_mem_eq(got, want, DIGEST_SIZE);
		/* What is kept of the base outlives it. */
		manifest_adopt(&back, &a);
		ck_assert_uint_eq(a.n, 0);
		ck_assert_uint_eq(back.n, b.n);
		ck_assert_mem_eq(back.id, b.id, DIGEST_SIZE);
		ck_assert(entry_equal(&back.v[1], &b.v[1]));
		manifest_release(&back);
		large(&a, 0);
	}
	/* Another tree id is an error, unless the text is known. */
	buf_clear(&text);
	b.id[0] ^= 1;
	manifest_write(&b, &text);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(pwrite(fd, text.data, text.len, 0), (ssize_t)text.len);
	lseek(fd, 0, SEEK_SET);
	ck_assert_int_lt(manifest_read(&back, NULL, fd, got, &err), 0);
	manifest_release(&back);
	lseek(fd, 0, SEEK_SET);
	ck_assert_int_eq(manifest_read_known(&back, fd, got, &err), 0);
	digest_bytes(text.data, text.len, want);
	ck_assert_mem_eq(got, want, DIGEST_SIZE);
	ck_assert_uint_eq(back.n, b.n);
	manifest_release(&back);
	/* One that is cut. */
	buf_clear(&text);
	manifest_difference(&a, &b, &text);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(pwrite(fd, text.data, text.len - 1, 0),
		(ssize_t)text.len - 1);
	lseek(fd, 0, SEEK_SET);
	ck_assert_int_lt(manifest_read(&back, &a, fd, got, &err), 0);
	close(fd);
	buf_release(&text);
	manifest_release(&back);
	manifest_release(&a);
	manifest_release(&b);
}
END_TEST

START_TEST(the_id_is_of_the_entries_alone)
{
	struct manifest a = MANIFEST_INIT, b = MANIFEST_INIT;

	add(&a, 'f', "a", "1");
	add(&b, 'f', "a", "1");
	manifest_finish(&a);
	manifest_finish(&b);
	ck_assert_mem_eq(a.id, b.id, DIGEST_SIZE);
	b.v[0].mode = 0755;
	manifest_finish(&b);
	ck_assert_mem_ne(a.id, b.id, DIGEST_SIZE);
	b.v[0].mode = 0644;
	b.v[0].digest[31] ^= 1;
	manifest_finish(&b);
	ck_assert_mem_ne(a.id, b.id, DIGEST_SIZE);
	manifest_release(&a);
	manifest_release(&b);
}
END_TEST

START_TEST(counts_do_not_overflow)
{
	struct manifest m = MANIFEST_INIT;
	uint64_t files, bytes;
	char path[8];
	int i;

	add(&m, 'd', "A", NULL);
	for (i = 0; i < 30; i++) {
		snprintf(path, sizeof(path), "f%02d", i);
		add(&m, 'f', path, "x");
	}
	manifest_count(&m, &files, &bytes);
	ck_assert_uint_eq(files, 30);
	ck_assert_uint_eq(bytes, 30);
	for (i = 1; i < 31; i++)
		m.v[i].size = 999999999999999999;
	manifest_count(&m, &files, &bytes);
	ck_assert_uint_eq(bytes, INT64_MAX);
	manifest_release(&m);
}
END_TEST

struct pairs {
	char text[200];
	int stop;
};

static int
note_pair(const struct entry *a, const struct entry *b, void *arg)
{
	struct pairs *p = arg;
	size_t at = strlen(p->text);

	snprintf(p->text + at, sizeof(p->text) - at, "%s|%s ", a ? a->path : "",
		b ? b->path : "");
	return --p->stop == 0 ? 7 : 0;
}

START_TEST(two_trees_are_walked_side_by_side)
{
	struct manifest a = MANIFEST_INIT, b = MANIFEST_INIT;
	struct pairs p = { "", 0 };

	add(&a, 'd', "a", NULL);
	add(&a, 'f', "a/x", "");
	add(&a, 'f', "b", "");
	add(&b, 'f', "a", "");
	add(&b, 'f', "a-x", "");
	add(&b, 'f', "b", "");
	add(&b, 'f', "c", "");
	ck_assert_int_eq(manifest_pairs(&a, &b, note_pair, &p), 0);
	ck_assert_str_eq(p.text, "a|a a/x| |a-x b|b |c ");
	p = (struct pairs){ "", 2 };
	ck_assert_int_eq(manifest_pairs(&a, &b, note_pair, &p), 7);
	ck_assert_str_eq(p.text, "a|a a/x| ");
	manifest_release(&a);
	manifest_release(&b);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("manifest");
	TCase *tc = tcase_create("manifest");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_tree_without_entries_is_its_end_line);
	tcase_add_test(tc, lines_are_as_the_manual_says);
	tcase_add_test(tc,
		sorting_puts_what_is_below_right_behind_its_directory);
	tcase_add_test(tc, order_is_required);
	tcase_add_test(tc, every_directory_has_its_line);
	tcase_add_test(tc, malformed_lines_are_refused);
	tcase_add_test(tc, a_zero_byte_is_refused_wherever_it_is);
	tcase_add_test(tc, limits_of_names_hold);
	tcase_add_test(tc, a_path_has_4096_bytes_at_most);
	tcase_add_test(tc, an_endless_line_is_refused_before_it_is_kept);
	tcase_add_test(tc, the_tree_id_must_agree);
	tcase_add_test(tc, it_ends_at_the_end_line_and_not_before);
	tcase_add_test(tc, chunks_add_up_and_count_as_lines);
	tcase_add_test(tc, chunks_that_do_not_add_up_are_refused);
	tcase_add_test(tc, the_limit_of_entries_is_the_servers_refusal);
	tcase_add_test(tc, a_difference_applied_gives_the_new_tree);
	tcase_add_test(tc, a_chunk_inserted_is_one_line_and_its_file_another);
	tcase_add_test(tc, what_an_amend_leaves_of_chunks_is_their_numbers);
	tcase_add_test(tc, chunks_are_limited);
	tcase_add_test(tc, a_tree_written_and_read_is_the_same);
	tcase_add_test(tc, an_unchanged_tree_is_a_difference_of_two_lines);
	tcase_add_test(tc, a_difference_that_does_not_fit_is_refused);
	tcase_add_test(tc, it_may_be_split_at_every_byte);
	tcase_add_test(tc, texts_come_in_pieces);
	tcase_add_test(tc, entries_are_given_one_by_one);
	tcase_add_test(tc, a_file_is_read_whole_or_as_a_difference_and_hashed);
	tcase_add_test(tc, the_id_is_of_the_entries_alone);
	tcase_add_test(tc, counts_do_not_overflow);
	tcase_add_test(tc, two_trees_are_walked_side_by_side);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
