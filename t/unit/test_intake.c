#include "server/intake.h"

#include <dirent.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/zstream.h"
#include "tree/pack.h"
#include "tree/scan.h"
#include "unit.h"
#include "wire/message.h"

/* The session's end: what was said to the intake and what it said. */
struct job {
	struct intake in;
	struct manifest m; /* the client's */
	struct manifest base;
	struct source source;
	struct pack *pack;
	int dir, tmp;
	char said[2000]; /* its frames, a word for each line; cut */
	int words;
	int fails;
	struct msg_result fail;
};

static void
add(struct job *j, const char *path, const char *text)
{
	struct entry e = { .path = path, .type = ENTRY_FILE };
	struct error err = ERROR_INIT;

	unit_write(path, text);
	ck_assert_int_eq(scan_file(j->dir, false, &e, &err), 0);
	manifest_add(&j->m, &e);
}

static void
add_directory(struct job *j, const char *path)
{
	struct entry e = {
		.path = path, .type = ENTRY_DIRECTORY, .mode = 0755
	};

	ck_assert_int_eq(mkdir(path, 0755), 0);
	manifest_add(&j->m, &e);
}

/* A working directory, and in it the manifest's files and tmp/. */
static void
job_init(struct job *j)
{
	memset(j, 0, sizeof(*j));
	j->dir = unit_dir();
	ck_assert_int_eq(mkdir("tmp", 0700), 0);
	j->tmp = open("tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(j->tmp, 0);
}

static void
begin(struct job *j, const struct manifest *base, uint64_t most)
{
	struct intake_options o = {
		.tmp = j->tmp, .base = base, .most_entries = most, .umask = 022
	};
	struct error err = ERROR_INIT;

	manifest_finish(&j->m);
	ck_assert_int_eq(intake_start(&j->in, &o, &err), 0);
	source_directory(&j->source, j->dir, false);
	j->pack = pack_new(&j->source, &j->m, &(struct pack_options){ 0 });
}

static void
job_release(struct job *j)
{
	intake_stop(&j->in);
	intake_stop(&j->in);
	pack_free(j->pack);
	source_release(&j->source);
	manifest_release(&j->m);
	manifest_release(&j->base);
	MESSAGE_RELEASE(result, &j->fail);
	io_close(&j->dir);
	io_close(&j->tmp);
}

static void
say(struct job *j, const char *type, const char *data, size_t len)
{
	channel_send(&j->in.channel, type, data, len);
}

/* In frames of `step` bytes. */
static void
say_in_pieces(struct job *j, const char *type, struct buf *b, size_t step)
{
	while (b->len) {
		size_t n = b->len < step ? b->len : step;

		say(j, type, b->data, n);
		buf_consume(b, n);
	}
}

static void
note_word(struct job *j, const char *type, uint32_t line)
{
	size_t at = strlen(j->said);

	j->words++;
	if (line)
		snprintf(j->said + at, sizeof(j->said) - at, "%s%" PRIu32 " ",
			type, line);
	else
		snprintf(j->said + at, sizeof(j->said) - at, "%s ", type);
}

/* One frame may be about several lines: how many words that was. */
static int
note(struct job *j, const struct frame *f)
{
	struct ranges lines = { NULL, 0, 0 };
	struct error err = ERROR_INIT;
	int words = 0;
	uint32_t line;
	size_t i;

	if (!strcmp(f->type, "fail")) {
		ck_assert_int_eq(j->fails++, 0);
		ck_assert_int_eq(MESSAGE_READ(result, f, &j->fail, &err), 0);
	}
	if (!strcmp(f->type, "fail") || !f->len) {
		note_word(j, f->type, 0);
		return 1;
	}
	ck_assert_int_eq(ranges_read(&lines, f->data, f->len, UINT32_MAX, &err),
		0);
	for (i = 0; i < lines.n; i++)
		for (line = lines.v[i].first; line <= lines.v[i].last; line++) {
			note_word(j, f->type, line);
			words++;
		}
	ranges_release(&lines);
	return words;
}

/*
 * Moves bytes until the intake has said so many words more, or has ended: on
 * a busy machine it may be silent for long, but not for ever.
 */
static void
hear(struct job *j, int words)
{
	struct channel *c = &j->in.channel;
	int64_t end = io_now_ms() + 40000, left;

	while (words > 0 && (left = end - io_now_ms()) > 0) {
		struct pollfd p = { c->in, POLLIN, 0 };
		struct error err = ERROR_INIT;
		struct frame f;
		int rc;

		while ((rc = channel_next(c, &f, &err)) > 0)
			words -= note(j, &f);
		ck_assert_msg(rc == 0, "%s", err.text);
		if (c->eof || words <= 0)
			return;
		if (c->tx.len)
			p.events |= POLLOUT;
		ck_assert_msg(poll(&p, 1, (int)left) != 0,
			"after %s it says no more", j->said);
		ck_assert_int_eq(channel_pump(c, p.revents & ~POLLOUT,
					 p.revents & POLLOUT, &err),
			0);
	}
}

static void
say_manifest_text(struct job *j, const struct buf *text, size_t step)
{
	struct zout *z = zout_new(3);
	struct buf packed = BUF_INIT;

	zout_write(z, text->data, text->len, ZFLUSH_END, &packed);
	say_in_pieces(j, "manifest", &packed, step);
	zout_free(z);
	buf_release(&packed);
}

static void
say_manifest(struct job *j, size_t step)
{
	struct buf text = BUF_INIT;

	if (j->base.n)
		manifest_difference(&j->base, &j->m, &text);
	else
		manifest_write(&j->m, &text);
	say_manifest_text(j, &text, step);
	buf_release(&text);
}

static void
say_amend(struct job *j, const struct entry *e)
{
	struct buf b = BUF_INIT;

	buf_addf(&b, "%" PRIu32 "\t", e->line);
	manifest_write_entry(e, &b);
	say(j, "amend", b.data, b.len);
	buf_release(&b);
}

/* Everything that was asked of the pack. */
static void
say_files(struct job *j, size_t step)
{
	const struct entry *amended;
	struct error err = ERROR_INIT;
	struct buf out = BUF_INIT;
	enum pack_step s;

	do {
		s = pack_step(j->pack, &out, &amended, &err);
		ck_assert_msg(s != PACK_ERROR, "%s", err.text);
		say_in_pieces(j, "files", &out, step);
		if (s == PACK_AMENDED)
			say_amend(j, amended);
	} while (s != PACK_IDLE);
	buf_release(&out);
}

static void
expect_kept(struct job *j, const char *text)
{
	uint8_t digest[DIGEST_SIZE];
	char path[DIGEST_HEX + 8] = "tmp/";

	digest_bytes(text, strlen(text), digest);
	digest_to_hex(digest, path + 4);
	ck_assert_str_eq(unit_read(path), text);
}

static int
count_kept(void)
{
	DIR *dir = opendir("tmp");
	struct dirent *e;
	int n = 0;

	while ((e = readdir(dir)))
		n += strlen(e->d_name) == DIGEST_HEX;
	closedir(dir);
	return n;
}

static void
expect_text(struct job *j)
{
	struct buf want = BUF_INIT;
	char *text;
	off_t size = lseek(j->in.text, 0, SEEK_END);

	if (j->base.n)
		manifest_difference(&j->base, &j->m, &want);
	else
		manifest_write(&j->m, &want);
	ck_assert_int_eq(size, (off_t)want.len);
	text = malloc(want.len);
	ck_assert_int_eq(pread(j->in.text, text, want.len, 0), size);
	ck_assert_mem_eq(text, want.data, want.len);
	free(text);
	buf_release(&want);
}

static void
expect_fail(struct job *j, const char *what)
{
	hear(j, 1);
	ck_assert_msg(j->fails == 1, "it said: %s", j->said);
	ck_assert_msg(strstr(j->fail.error, what), "%s", j->fail.error);
	ck_assert_uint_eq(j->fail.status,
		strstr(what, "more than") ? STATUS_REFUSED : STATUS_TRANSFER);
	/* Nothing comes after it. */
	hear(j, 1);
	ck_assert(j->in.channel.eof);
}

START_TEST(a_tree_is_received)
{
	static const size_t steps[] = { 1, 10, FRAME_MOST };
	size_t k;

	for (k = 0; k < 3; k++) {
		struct job j;

		job_init(&j);
		add(&j, "a", "first");
		add(&j, "b", "");
		add(&j, "c", "third");
		begin(&j, NULL, 0);
		say_manifest(&j, steps[k]);
		hear(&j, 1);
		ck_assert_str_eq(j.said, "read ");
		expect_text(&j);
		say(&j, "need", "1\n3\n", 4);
		pack_ask(j.pack, 0);
		pack_ask(j.pack, 2);
		say_files(&j, steps[k]);
		hear(&j, 2);
		ck_assert_str_eq(j.said, "read got1 got3 ");
		expect_kept(&j, "first");
		expect_kept(&j, "third");
		ck_assert_int_eq(count_kept(), 2);
		job_release(&j);
		ck_assert_int_eq(chdir(".."), 0);
	}
}
END_TEST

START_TEST(a_tree_without_entries_is_received)
{
	struct job j;

	job_init(&j);
	begin(&j, NULL, 0);
	say_manifest(&j, FRAME_MOST);
	hear(&j, 1);
	ck_assert_str_eq(j.said, "read ");
	expect_text(&j);
	job_release(&j);
}
END_TEST

START_TEST(a_difference_is_applied_to_its_base)
{
	struct job j;
	struct entry gone = { .path = "0", .type = ENTRY_LINK, .target = "x" };

	job_init(&j);
	add(&j, "a", "first");
	add(&j, "b", "second");
	manifest_add(&j.base, &gone);
	manifest_add(&j.base, &j.m.v[1]);
	manifest_finish(&j.base);
	begin(&j, &j.base, 0);
	say_manifest(&j, 5);
	hear(&j, 1);
	ck_assert_str_eq(j.said, "read ");
	expect_text(&j);
	job_release(&j);
}
END_TEST

START_TEST(large_files_arrive_behind_small_ones)
{
	struct job j;
	char *text = malloc(3000001);
	size_t i;

	for (i = 0; i < 3000000; i++)
		text[i] = (char)('a' + i * i % 23);
	text[3000000] = '\0';
	job_init(&j);
	add(&j, "a", "small");
	add(&j, "b", text);
	add(&j, "c", "small too");
	begin(&j, NULL, 0);
	say_manifest(&j, FRAME_MOST);
	say(&j, "need", "1-3\n", 4);
	for (i = 0; i < 3; i++)
		pack_ask(j.pack, i);
	say_files(&j, FRAME_MOST);
	hear(&j, 4);
	ck_assert_str_eq(j.said, "read got1 got2 got3 ");
	ck_assert_int_eq(count_kept(), 3);
	free(text);
	job_release(&j);
}
END_TEST

/* Where an upload of that text is kept. */
static const char *
kept_path(const char *text)
{
	static char path[DIGEST_HEX + 8] = "tmp/";
	uint8_t digest[DIGEST_SIZE];

	digest_bytes(text, strlen(text), digest);
	digest_to_hex(digest, path + 4);
	return path;
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	ck_assert_msg(lstat(path, &st) == 0, "%s", path);
	return st.st_mode;
}

START_TEST(files_arrive_with_their_modes)
{
	char *large = calloc(1, 300001);
	struct job j;

	memset(large, 'x', 300000);
	job_init(&j);
	add(&j, "a", "first");
	add(&j, "b", "a program");
	j.m.v[1].mode = 0777;
	add(&j, "c", large);
	j.m.v[2].mode = 0751;
	begin(&j, NULL, 0);
	say_manifest(&j, FRAME_MOST);
	say(&j, "need", "1-3\n", 4);
	pack_ask(j.pack, 0);
	pack_ask(j.pack, 1);
	pack_ask(j.pack, 2);
	say_files(&j, FRAME_MOST);
	hear(&j, 4);
	ck_assert_str_eq(j.said, "read got1 got2 got3 ");
	ck_assert_int_eq(mode_of(kept_path("first")), S_IFREG | 0644);
	ck_assert_int_eq(mode_of(kept_path("a program")), S_IFREG | 0755);
	ck_assert_int_eq(mode_of(kept_path(large)), S_IFREG | 0751);
	free(large);
	job_release(&j);
}
END_TEST

START_TEST(what_lies_at_a_files_place_is_replaced)
{
	struct job j;

	job_init(&j);
	add(&j, "a", "first");
	add(&j, "b", "second");
	unit_write("outside", "outside");
	unit_write(kept_path("first"), "half of it, from before");
	ck_assert_int_eq(symlink("../outside", kept_path("second")), 0);
	begin(&j, NULL, 0);
	say_manifest(&j, FRAME_MOST);
	say(&j, "need", "1-2\n", 4);
	pack_ask(j.pack, 0);
	pack_ask(j.pack, 1);
	say_files(&j, FRAME_MOST);
	hear(&j, 3);
	ck_assert_str_eq(j.said, "read got1 got2 ");
	expect_kept(&j, "first");
	expect_kept(&j, "second");
	ck_assert(S_ISREG(mode_of(kept_path("second"))));
	ck_assert_str_eq(unit_read("outside"), "outside");
	job_release(&j);
}
END_TEST

START_TEST(more_files_than_wait_in_the_queue_are_all_reported)
{
	struct job j;
	char text[20];
	int i;

	job_init(&j);
	for (i = 0; i < 1500; i++) {
		snprintf(text, sizeof(text), "%04d", i);
		add(&j, text, text);
	}
	begin(&j, NULL, 0);
	say_manifest(&j, FRAME_MOST);
	say(&j, "need", "1-1500\n", 7);
	for (i = 0; i < 1500; i++)
		pack_ask(j.pack, (size_t)i);
	say_files(&j, FRAME_MOST);
	hear(&j, 1501);
	ck_assert_int_eq(j.words, 1501);
	ck_assert_int_eq(j.fails, 0);
	ck_assert_int_eq(count_kept(), 1500);
	job_release(&j);
}
END_TEST

START_TEST(what_cannot_be_written_is_told_and_ends_it)
{
	struct job j;

	job_init(&j);
	add(&j, "a", "first");
	begin(&j, NULL, 0);
	say_manifest(&j, FRAME_MOST);
	hear(&j, 1);
	ck_assert_int_eq(rmdir("tmp"), 0);
	say(&j, "need", "1\n", 2);
	pack_ask(j.pack, 0);
	say_files(&j, FRAME_MOST);
	hear(&j, 1);
	ck_assert_int_eq(j.fails, 1);
	ck_assert_ptr_nonnull(strstr(j.fail.error, "cannot write the upload"));
	ck_assert_uint_eq(j.fail.status, STATUS_REFUSED);
	hear(&j, 1);
	ck_assert(j.in.channel.eof);
	job_release(&j);
}
END_TEST

START_TEST(a_large_file_that_is_wrong_leaves_nothing)
{
	char *large = calloc(1, 300001);
	struct error err = ERROR_INIT;
	struct job j;

	memset(large, 'x', 300000);
	job_init(&j);
	add(&j, "a", large);
	begin(&j, NULL, 0);
	say_manifest(&j, FRAME_MOST);
	say(&j, "need", "1\n", 2);
	large[299999] = 'y';
	unit_write("a", large);
	ck_assert_int_eq(scan_file(j.dir, false, &j.m.v[0], &err), 0);
	pack_ask(j.pack, 0);
	say_files(&j, FRAME_MOST);
	hear(&j, 2);
	ck_assert_str_eq(j.said, "read bad1 ");
	pack_again(j.pack, 1);
	say_files(&j, FRAME_MOST);
	hear(&j, 1);
	ck_assert_str_eq(j.said, "read bad1 got1 ");
	ck_assert_int_eq(mode_of(kept_path(large)), S_IFREG | 0644);
	ck_assert_int_eq(unlink(kept_path(large)), 0);
	ck_assert_int_eq(rmdir("tmp"), 0);
	free(large);
	job_release(&j);
}
END_TEST

START_TEST(what_is_not_what_its_line_says_is_bad_and_comes_again)
{
	struct error err = ERROR_INIT;
	struct job j;

	job_init(&j);
	add(&j, "a", "right");
	add(&j, "b", "other");
	begin(&j, NULL, 0);
	say_manifest(&j, FRAME_MOST);
	say(&j, "need", "1-2\n", 4);
	/* The client finds a changed and does not say so. */
	unit_write("a", "wrong");
	ck_assert_int_eq(scan_file(j.dir, false, &j.m.v[0], &err), 0);
	pack_ask(j.pack, 0);
	pack_ask(j.pack, 1);
	say_files(&j, FRAME_MOST);
	hear(&j, 3);
	ck_assert_str_eq(j.said, "read bad1 got2 ");
	ck_assert_int_eq(count_kept(), 1);
	/* Now it does, and sends it once more. */
	unit_write("a", "amended");
	pack_again(j.pack, 1);
	say_files(&j, FRAME_MOST);
	hear(&j, 1);
	ck_assert_str_eq(j.said, "read bad1 got2 got1 ");
	expect_kept(&j, "amended");
	job_release(&j);
}
END_TEST

START_TEST(a_file_amended_before_its_header_is_taken)
{
	struct job j;

	job_init(&j);
	add(&j, "a", "first");
	add(&j, "b", "second");
	add(&j, "c", "third");
	begin(&j, NULL, 0);
	say_manifest(&j, FRAME_MOST);
	say(&j, "need", "1-3\n", 4);
	unit_write("b", "another length");
	pack_ask(j.pack, 0);
	pack_ask(j.pack, 1);
	pack_ask(j.pack, 2);
	say_files(&j, 3);
	hear(&j, 4);
	ck_assert_str_eq(j.said, "read got1 got2 got3 ");
	expect_kept(&j, "another length");
	expect_kept(&j, "third");
	job_release(&j);
}
END_TEST

/* a is offered and bad; b is what else there is. */
static void
offer_wrong(struct job *j)
{
	struct error err = ERROR_INIT;

	job_init(j);
	add(j, "a", "right");
	add(j, "b", "other");
	begin(j, NULL, 0);
	say_manifest(j, FRAME_MOST);
	say(j, "offer", "1\n", 2);
	unit_write("a", "wrong");
	ck_assert_int_eq(scan_file(j->dir, false, &j->m.v[0], &err), 0);
	pack_ask(j->pack, 0);
	say_files(j, FRAME_MOST);
	hear(j, 2);
	unit_write("a", "amended");
}

START_TEST(what_was_offered_and_bad_comes_behind_what_is_needed)
{
	struct job j;

	offer_wrong(&j);
	say(&j, "need", "2\n", 2);
	say(&j, "settled", "", 0);
	pack_ask(j.pack, 1);
	pack_again(j.pack, 1);
	say_files(&j, FRAME_MOST);
	hear(&j, 2);
	ck_assert_str_eq(j.said, "read bad1 got2 got1 ");
	job_release(&j);
}
END_TEST

START_TEST(with_parts_what_was_bad_comes_where_one_says_so)
{
	struct job j;

	offer_wrong(&j);
	say(&j, "parts", "", 0);
	say(&j, "part", "2\n", 2);
	pack_ask(j.pack, 1);
	say_files(&j, FRAME_MOST);
	hear(&j, 1);
	say(&j, "part", "1\n", 2);
	pack_again(j.pack, 1);
	say_files(&j, FRAME_MOST);
	hear(&j, 1);
	ck_assert_str_eq(j.said, "read bad1 got2 got1 ");
	job_release(&j);
}
END_TEST

START_TEST(more_parts_than_the_tree_has_files_fail)
{
	struct job j;
	int i;

	job_init(&j);
	add(&j, "a", "right");
	begin(&j, NULL, 0);
	say_manifest(&j, FRAME_MOST);
	hear(&j, 1);
	say(&j, "parts", "", 0);
	for (i = 0; i < 4; i++)
		say(&j, "part", "1\n", 2);
	hear(&j, 1);
	ck_assert_str_eq(j.said, "read fail ");
	job_release(&j);
}
END_TEST

START_TEST(a_stream_in_single_bytes_goes_on_after_a_pause)
{
	struct error err = ERROR_INIT;
	struct job j;

	job_init(&j);
	add(&j, "a", "right");
	add(&j, "b", "other");
	begin(&j, NULL, 0);
	say_manifest(&j, 1);
	say(&j, "need", "1-2\n", 4);
	unit_write("a", "wrong");
	ck_assert_int_eq(scan_file(j.dir, false, &j.m.v[0], &err), 0);
	pack_ask(j.pack, 0);
	pack_ask(j.pack, 1);
	/* The last file counts before the end of its block has come. */
	say_files(&j, 1);
	hear(&j, 3);
	unit_write("a", "right");
	pack_again(j.pack, 1);
	say_files(&j, 1);
	hear(&j, 1);
	ck_assert_msg(!strcmp(j.said, "read bad1 got2 got1 "), "%s: %s", j.said,
		j.fails ? j.fail.error : "");
	job_release(&j);
}
END_TEST

START_TEST(files_may_come_ahead_of_their_need_but_not_many)
{
	struct job j;
	int i;

	job_init(&j);
	add(&j, "a", "first");
	begin(&j, NULL, 0);
	say_manifest(&j, FRAME_MOST);
	pack_ask(j.pack, 0);
	say_files(&j, FRAME_MOST);
	hear(&j, 1);
	say(&j, "need", "1\n", 2);
	hear(&j, 1);
	ck_assert_str_eq(j.said, "read got1 ");
	for (i = 0; i < 5; i++) {
		char *text = calloc(1, FRAME_MOST);

		say(&j, "files", text, FRAME_MOST);
		free(text);
	}
	expect_fail(&j, "nobody asked for");
	job_release(&j);
}
END_TEST

START_TEST(needs_may_come_one_by_one)
{
	struct job j;

	job_init(&j);
	add(&j, "a", "first");
	add(&j, "b", "second");
	begin(&j, NULL, 0);
	say_manifest(&j, FRAME_MOST);
	say(&j, "need", "2\n", 2);
	pack_ask(j.pack, 1);
	say_files(&j, FRAME_MOST);
	hear(&j, 2);
	say(&j, "need", "1\n", 2);
	pack_ask(j.pack, 0);
	say_files(&j, FRAME_MOST);
	hear(&j, 1);
	ck_assert_str_eq(j.said, "read got2 got1 ");
	job_release(&j);
}
END_TEST

START_TEST(the_streams_end_may_be_a_frame_of_its_own)
{
	struct zout *z = zout_new(3);
	struct buf text = BUF_INIT, packed = BUF_INIT;
	struct job j;

	job_init(&j);
	add(&j, "a", "first");
	begin(&j, NULL, 0);
	manifest_write(&j.m, &text);
	zout_write(z, text.data, text.len, ZFLUSH_NOW, &packed);
	say_in_pieces(&j, "manifest", &packed, FRAME_MOST);
	hear(&j, 1);
	ck_assert_str_eq(j.said, "read ");
	zout_write(z, NULL, 0, ZFLUSH_END, &packed);
	ck_assert_uint_gt(packed.len, 0);
	say_in_pieces(&j, "manifest", &packed, 1);
	say(&j, "need", "1\n", 2);
	pack_ask(j.pack, 0);
	say_files(&j, FRAME_MOST);
	hear(&j, 1);
	ck_assert_msg(!strcmp(j.said, "read got1 "), "%s: %s", j.said,
		j.fails ? j.fail.error : "");
	zout_free(z);
	buf_release(&text);
	buf_release(&packed);
	job_release(&j);
}
END_TEST

START_TEST(malformed_manifests_fail)
{
	static const char *const bad[] = { "d\t755\t../a\n", "junk\n",
		"f\t644\t0\t0\ta\n", "=1\n", "end\t00\n" };
	struct buf text = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct job j;

		job_init(&j);
		begin(&j, NULL, 0);
		buf_clear(&text);
		buf_addstr(&text, bad[i]);
		say_manifest_text(&j, &text, FRAME_MOST);
		expect_fail(&j, "manifest: ");
		job_release(&j);
		ck_assert_int_eq(chdir(".."), 0);
	}
	buf_release(&text);
}
END_TEST

START_TEST(a_manifest_that_is_no_zstd_fails)
{
	struct job j;

	job_init(&j);
	begin(&j, NULL, 0);
	say(&j, "manifest", "d\t755\ta\n", 8);
	expect_fail(&j, "zstd");
	job_release(&j);
}
END_TEST

START_TEST(more_behind_the_manifest_fails)
{
	struct buf text = BUF_INIT;
	struct job j;

	job_init(&j);
	add(&j, "a", "first");
	begin(&j, NULL, 0);
	manifest_write(&j.m, &text);
	buf_addstr(&text, "x");
	say_manifest_text(&j, &text, FRAME_MOST);
	expect_fail(&j, "behind the end");
	buf_release(&text);
	job_release(&j);
}
END_TEST

START_TEST(too_many_entries_are_refused)
{
	struct job j;

	job_init(&j);
	add(&j, "a", "first");
	add(&j, "b", "second");
	begin(&j, NULL, 1);
	say_manifest(&j, FRAME_MOST);
	expect_fail(&j, "more than 1 entries");
	job_release(&j);
}
END_TEST

/* A file, and how many bytes its chunks have; a 0 ends them. */
static void
add_chunked(struct job *j, const char *path, const char *text,
	const size_t *sizes)
{
	struct chunks *c = mem_zalloc(1, sizeof(*c) + 10 * sizeof(*c->v));
	size_t at = 0;

	for (; *sizes; at += *sizes++) {
		c->v[c->n].offset = at;
		digest_bytes(text + at, *sizes, c->v[c->n++].digest);
	}
	add(j, path, text);
	j->m.v[j->m.n - 1].chunks = manifest_add_chunks(&j->m, c);
	manifest_number(&j->m);
	free(c);
}

/* Lines 1 to 4 are of a file and its chunks, 5 is another. */
static void
begin_chunked(struct job *j, const char *need)
{
	job_init(j);
	add_chunked(j, "a", "abcdefghij", (const size_t[]){ 3, 4, 3, 0 });
	add(j, "b", "other");
	begin(j, NULL, 0);
	say_manifest(j, FRAME_MOST);
	hear(j, 1);
	expect_text(j);
	say(j, "need", need, strlen(need));
}

START_TEST(chunks_are_received_like_files)
{
	struct job j;

	begin_chunked(&j, "2\n4-5\n");
	pack_ask_line(j.pack, 2);
	pack_ask_line(j.pack, 4);
	pack_ask_line(j.pack, 5);
	say_files(&j, FRAME_MOST);
	hear(&j, 3);
	ck_assert_str_eq(j.said, "read got2 got4 got5 ");
	expect_kept(&j, "abc");
	expect_kept(&j, "hij");
	expect_kept(&j, "other");
	ck_assert_int_eq(count_kept(), 3);
	job_release(&j);
}
END_TEST

START_TEST(a_file_that_loses_its_chunks_comes_whole_once)
{
	struct job j;

	begin_chunked(&j, "2-5\n");
	pack_ask_line(j.pack, 2);
	/* It is reported with what follows, and not waited for. */
	say_files(&j, FRAME_MOST);
	unit_write("a", "ABCDEFGHIJKL");
	pack_ask_line(j.pack, 3);
	pack_ask_line(j.pack, 4);
	pack_ask_line(j.pack, 5);
	say_files(&j, FRAME_MOST);
	hear(&j, 4);
	ck_assert_str_eq(j.said, "read got2 got3 got4 got5 ");
	expect_kept(&j, "ABCDEFGHIJKL");
	expect_kept(&j, "other");
	ck_assert_int_eq(count_kept(), 3);
	job_release(&j);
}
END_TEST

START_TEST(a_bad_file_instead_of_a_chunk_is_named_by_its_own_line)
{
	struct entry wrong;
	struct job j;

	begin_chunked(&j, "2-3\n");
	wrong = j.m.v[0];
	wrong.digest[0] ^= 1;
	say_amend(&j, &wrong);
	j.m.v[0].chunks = NULL;
	pack_ask_line(j.pack, 2);
	pack_ask_line(j.pack, 3);
	say_files(&j, FRAME_MOST);
	hear(&j, 2);
	ck_assert_str_eq(j.said, "read bad1 got3 ");
	say_amend(&j, &j.m.v[0]);
	pack_ask(j.pack, 0);
	say_files(&j, FRAME_MOST);
	hear(&j, 1);
	ck_assert_str_eq(j.said, "read bad1 got3 got1 ");
	expect_kept(&j, "abcdefghij");
	job_release(&j);
}
END_TEST

START_TEST(a_bad_chunk_is_expected_once_more)
{
	uint8_t right[DIGEST_SIZE];
	struct chunks *c;
	struct job j;

	begin_chunked(&j, "3\n5\n");
	/* The sender's idea of the chunk is another one. */
	c = (struct chunks *)(uintptr_t)j.m.v[0].chunks;
	memcpy(right, c->v[1].digest, DIGEST_SIZE);
	unit_write("a", "abcDEFGhij");
	digest_bytes("DEFG", 4, c->v[1].digest);
	pack_ask_line(j.pack, 3);
	pack_ask_line(j.pack, 5);
	say_files(&j, FRAME_MOST);
	hear(&j, 2);
	ck_assert_str_eq(j.said, "read bad3 got5 ");
	unit_write("a", "abcdefghij");
	memcpy(c->v[1].digest, right, DIGEST_SIZE);
	pack_again(j.pack, 3);
	say_files(&j, FRAME_MOST);
	hear(&j, 1);
	ck_assert_str_eq(j.said, "read bad3 got5 got3 ");
	expect_kept(&j, "defg");
	job_release(&j);
}
END_TEST

START_TEST(unexpected_frames_fail)
{
	struct job j;

	job_init(&j);
	begin(&j, NULL, 0);
	say(&j, "need", "1\n", 2);
	expect_fail(&j, "need frame within the manifest");
	job_release(&j);
	ck_assert_int_eq(chdir(".."), 0);
	job_init(&j);
	begin(&j, NULL, 0);
	say_manifest(&j, FRAME_MOST);
	hear(&j, 1);
	say(&j, "hello", "", 0);
	expect_fail(&j, "unexpected hello frame");
	job_release(&j);
}
END_TEST

/* A session whose need is `need`, then what it says. */
static void
ready(struct job *j, const char *need)
{
	job_init(j);
	add(j, "a", "first");
	add_directory(j, "b");
	add(j, "c", "third");
	begin(j, NULL, 0);
	say_manifest(j, FRAME_MOST);
	hear(j, 1);
	say(j, "need", need, strlen(need));
}

START_TEST(files_that_were_not_asked_for_fail)
{
	struct job j;

	ready(&j, "1\n");
	pack_ask(j.pack, 2);
	unit_write("c", "of another size");
	say_files(&j, FRAME_MOST);
	expect_fail(&j, "does not follow the need list");
	job_release(&j);
	ck_assert_int_eq(chdir(".."), 0);
	/* A directory's line cannot be asked for. */
	ready(&j, "2\n");
	pack_ask(j.pack, 0);
	say_files(&j, FRAME_MOST);
	expect_fail(&j, "does not follow the need list");
	job_release(&j);
	ck_assert_int_eq(chdir(".."), 0);
	ready(&j, "4\n");
	expect_fail(&j, "ranges");
	job_release(&j);
}
END_TEST

START_TEST(a_files_stream_that_is_no_zstd_or_no_tar_fails)
{
	struct zout *z = zout_new(1);
	struct buf b = BUF_INIT;
	char junk[4096];
	struct job j;

	ready(&j, "1\n");
	say(&j, "files", "plain text", 10);
	expect_fail(&j, "zstd");
	job_release(&j);
	ck_assert_int_eq(chdir(".."), 0);
	memset(junk, 'j', sizeof(junk));
	ready(&j, "1\n");
	zout_write(z, junk, sizeof(junk), ZFLUSH_END, &b);
	say_in_pieces(&j, "files", &b, FRAME_MOST);
	expect_fail(&j, "files stream");
	zout_free(z);
	buf_release(&b);
	job_release(&j);
	ck_assert_int_eq(chdir(".."), 0);
	/* And one that ends within a file. */
	ready(&j, "1\n");
	z = zout_new(1);
	zout_write(z, "", 0, ZFLUSH_END, &b);
	say_in_pieces(&j, "files", &b, FRAME_MOST);
	say(&j, "files", "x", 1);
	expect_fail(&j, "zstd");
	zout_free(z);
	buf_release(&b);
	job_release(&j);
}
END_TEST

START_TEST(malformed_amends_fail)
{
	static const char hash[] = "0123456789abcdef0123456789abcdef"
				   "0123456789abcdef0123456789abcdef";
	static const char *const bad[] = { "", "1", "1\n", "1\t\n", "\t\n",
		"x\tf\t644\t5\tH\ta\n", "0\tf\t644\t5\tH\ta\n",
		"9\tf\t644\t5\tH\ta\n", "01\tf\t644\t5\tH\ta\n",
		" 1\tf\t644\t5\tH\ta\n", "+1\tf\t644\t5\tH\ta\n",
		"4294967297\tf\t644\t5\tH\ta\n",
		"-18446744073709551615\tf\t644\t5\tH\ta\n",
		"1 \tf\t644\t5\tH\ta\n", "1\tf\t644\t5\tH\ta",
		"1\tf\t644\t5\tH\tc\n", "1\tf\t644\t5\tH\tx\n",
		"2\tf\t644\t5\tH\tb\n", "2\td\t755\tb\n", "1\td\t755\ta\n",
		"1\tl\tx\ta\n", "1\tc\t5\tH\n",
		"1\tf\t644\t5\tH\ta\n3\tf\t644\t5\tH\tc\n" };
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;
	struct intake_amended what;
	size_t i;
	struct entry e = { .path = "a", .type = ENTRY_FILE, .mode = 0644 };

	manifest_add(&m, &e);
	e = (struct entry){
		.path = "b", .type = ENTRY_DIRECTORY, .mode = 0755
	};
	manifest_add(&m, &e);
	e = (struct entry){ .path = "c", .type = ENTRY_FILE, .mode = 0644 };
	manifest_add(&m, &e);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *s;
		char *exact;

		buf_clear(&b);
		for (s = bad[i]; *s; s++)
			buf_addstr(&b, *s == 'H' ? hash : (char[]){ *s, '\0' });
		/* Of exactly its length, for the sanitizer. */
		exact = malloc(b.len + !b.len);
		memcpy(exact, buf_str(&b), b.len);
		ck_assert_msg(intake_amend(&m, exact, b.len, &what, &err) < 0,
			"taken: %s", bad[i]);
		free(exact);
	}
	buf_clear(&b);
	buf_addf(&b, "3\tf\t755\t77\t%s\tc\n", hash);
	ck_assert_int_eq(intake_amend(&m, b.data, b.len, &what, &err), 0);
	ck_assert_uint_eq(what.line, 3);
	ck_assert_uint_eq(m.v[2].size, 77);
	ck_assert_uint_eq(m.v[2].mode, 0755);
	ck_assert_str_eq(m.v[2].path, "c");
	buf_release(&b);
	manifest_release(&m);
}
END_TEST

START_TEST(an_amend_that_fits_nothing_fails)
{
	struct job j;

	ready(&j, "1\n");
	say(&j, "amend", "1\tx\n", 4);
	expect_fail(&j, "manifest: ");
	job_release(&j);
}
END_TEST

START_TEST(it_ends_with_the_session)
{
	struct job j;
	int status;

	ready(&j, "1\n");
	channel_release(&j.in.channel);
	io_close(&j.in.fd);
	ck_assert_int_eq(waitpid(j.in.pid, &status, 0), j.in.pid);
	ck_assert(WIFEXITED(status));
	j.in.pid = 0;
	io_close(&j.in.text);
	job_release(&j);
}
END_TEST

START_TEST(a_compare_needs_no_directory)
{
	struct job j;

	job_init(&j);
	io_close(&j.tmp);
	add(&j, "a", "first");
	begin(&j, NULL, 0);
	say_manifest(&j, FRAME_MOST);
	hear(&j, 1);
	ck_assert_str_eq(j.said, "read ");
	expect_text(&j);
	job_release(&j);
}
END_TEST

START_TEST(a_full_disk_is_the_servers_refusal)
{
	struct job j;

	ready(&j, "1\n");
	/* No file can be made in it any more. */
	ck_assert_int_eq(rmdir("tmp"), 0);
	pack_ask(j.pack, 0);
	say_files(&j, FRAME_MOST);
	hear(&j, 1);
	ck_assert_int_eq(j.fails, 1);
	ck_assert_uint_eq(j.fail.status, STATUS_REFUSED);
	job_release(&j);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("intake");
	TCase *tc = tcase_create("intake");

	signal(SIGPIPE, SIG_IGN); /* as deployd does */
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_tree_is_received);
	tcase_add_test(tc, a_tree_without_entries_is_received);
	tcase_add_test(tc, a_difference_is_applied_to_its_base);
	tcase_add_test(tc, large_files_arrive_behind_small_ones);
	tcase_add_test(tc, files_arrive_with_their_modes);
	tcase_add_test(tc, what_lies_at_a_files_place_is_replaced);
	tcase_add_test(tc, more_files_than_wait_in_the_queue_are_all_reported);
	tcase_add_test(tc, what_cannot_be_written_is_told_and_ends_it);
	tcase_add_test(tc, a_large_file_that_is_wrong_leaves_nothing);
	tcase_add_test(tc,
		what_is_not_what_its_line_says_is_bad_and_comes_again);
	tcase_add_test(tc, a_file_amended_before_its_header_is_taken);
	tcase_add_test(tc,
		what_was_offered_and_bad_comes_behind_what_is_needed);
	tcase_add_test(tc, with_parts_what_was_bad_comes_where_one_says_so);
	tcase_add_test(tc, more_parts_than_the_tree_has_files_fail);
	tcase_add_test(tc, a_stream_in_single_bytes_goes_on_after_a_pause);
	tcase_add_test(tc, files_may_come_ahead_of_their_need_but_not_many);
	tcase_add_test(tc, needs_may_come_one_by_one);
	tcase_add_test(tc, the_streams_end_may_be_a_frame_of_its_own);
	tcase_add_test(tc, malformed_manifests_fail);
	tcase_add_test(tc, a_manifest_that_is_no_zstd_fails);
	tcase_add_test(tc, more_behind_the_manifest_fails);
	tcase_add_test(tc, too_many_entries_are_refused);
	tcase_add_test(tc, chunks_are_received_like_files);
	tcase_add_test(tc, a_file_that_loses_its_chunks_comes_whole_once);
	tcase_add_test(tc,
		a_bad_file_instead_of_a_chunk_is_named_by_its_own_line);
	tcase_add_test(tc, a_bad_chunk_is_expected_once_more);
	tcase_add_test(tc, unexpected_frames_fail);
	tcase_add_test(tc, files_that_were_not_asked_for_fail);
	tcase_add_test(tc, a_files_stream_that_is_no_zstd_or_no_tar_fails);
	tcase_add_test(tc, malformed_amends_fail);
	tcase_add_test(tc, an_amend_that_fits_nothing_fails);
	tcase_add_test(tc, it_ends_with_the_session);
	tcase_add_test(tc, a_compare_needs_no_directory);
	tcase_add_test(tc, a_full_disk_is_the_servers_refusal);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
