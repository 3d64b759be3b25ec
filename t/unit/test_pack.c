#include "tree/pack.h"

#include <errno.h>

#include "base/zstream.h"
#include "tree/scan.h"
#include "tree/unpack.h"
#include "tree/wanted.h"
#include "unit.h"

/* A tree on disk, its manifest, and what went over the wire. */
struct job {
	struct manifest m;
	struct source source;
	struct pack *pack;
	struct unpack *unpack;
	struct buf wire, out;
	size_t piece; /* bytes that unpack gets at once */
	int threads;
	int amended;
	int dir;
};

/* Running dry would wait for ever: a file must not need what is behind it. */
static ssize_t
pull(void *arg, const void **data, struct error *err)
{
	static char piece[70000];
	struct job *j = arg;
	size_t n = j->wire.len < j->piece ? j->wire.len : j->piece;

	if (n == 0)
		return error_set(err, "it would wait");
	memcpy(piece, j->wire.data, n);
	buf_consume(&j->wire, n);
	*data = piece;
	return (ssize_t)n;
}

static void
job_init(struct job *j)
{
	memset(j, 0, sizeof(*j));
	j->dir = unit_dir();
	j->piece = 1000;
}

static void
job_release(struct job *j)
{
	pack_free(j->pack);
	unpack_free(j->unpack);
	source_release(&j->source);
	manifest_release(&j->m);
	buf_release(&j->wire);
	buf_release(&j->out);
	io_close(&j->dir);
}

/* A file of `size` bytes that depend on `what`. */
static void
put(const char *path, size_t size, unsigned what)
{
	char *data = malloc(size + 1);
	char copy[5000], *slash;
	size_t i;
	int fd;

	snprintf(copy, sizeof(copy), "%s", path);
	for (slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		ck_assert(mkdir(copy, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	for (i = 0; i < size; i++) {
		what = what * 1103515245 + 12345;
		data[i] = (char)(what >> 20);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(io_write_full(fd, data, size), 0);
	close(fd);
	free(data);
}

static void
add(struct job *j, const char *path)
{
	struct entry e = { .path = path, .type = ENTRY_FILE };
	struct error err = ERROR_INIT;

	ck_assert_msg(scan_file(j->dir, false, &e, &err) == 0, "%s", err.text);
	manifest_add(&j->m, &e);
}

static void
start(struct job *j)
{
	source_directory(&j->source, j->dir, false);
	j->pack = pack_new(&j->source, &j->m,
		&(struct pack_options){ .threads = j->threads });
	j->unpack = unpack_new(pull, j);
}

static enum pack_step
step(struct job *j, struct error *err)
{
	const struct entry *amended = NULL;
	enum pack_step s = pack_step(j->pack, &j->wire, &amended, err);

	if (s == PACK_AMENDED) {
		ck_assert_ptr_nonnull(amended);
		j->amended++;
	}
	return s;
}

/* Until there is nothing more to send, or an error. */
static int
run(struct job *j, struct error *err)
{
	enum pack_step s;

	do {
		s = step(j, err);
	} while (s == PACK_MORE || s == PACK_AMENDED);
	return s == PACK_IDLE ? 0 : -1;
}

static void
keep(void *arg, const char *data, size_t len)
{
	struct job *j = arg;

	buf_add(&j->out, data, len);
}

/* Takes one file off the stream; whether it is what the entry says. */
static bool
receive(struct job *j, const struct entry *e)
{
	uint8_t digest[DIGEST_SIZE], again[DIGEST_SIZE];
	struct error err = ERROR_INIT;
	uint64_t size = 0;

	ck_assert_msg(unpack_header(j->unpack, &size, &err) == 0, "%s: %s",
		e->path, err.text);
	ck_assert_uint_eq(size, e->size);
	buf_clear(&j->out);
	ck_assert_msg(unpack_data(j->unpack, size, keep, j, digest, &err) == 0,
		"%s: %s", e->path, err.text);
	ck_assert_uint_eq(j->out.len, size);
	digest_bytes(j->out.data, j->out.len, again);
	ck_assert_mem_eq(digest, again, DIGEST_SIZE);
	return !memcmp(digest, e->digest, DIGEST_SIZE);
}

static void
long_path(char out[1201])
{
	size_t i;

	for (i = 0; i < 1200; i++)
		out[i] = i % 100 == 99 ? '/' : 'l';
	out[1199] = 'l';
	out[1200] = '\0';
}

START_TEST(files_of_every_kind_arrive_in_any_pieces)
{
	static const size_t pieces[] = { 1, 7, 512, 65536 };
	char deep[1201];
	size_t k, i;

	long_path(deep);
	for (k = 0; k < 8; k++) {
		const char *const names[] = { "empty", "one", "block", "whole",
			"large", "larger", deep, "caf\303\251",
			"not utf-8 \377", "\344\270\255/\346\226\207",
			"a \"b\" 'c' \\ $d", "-x", "empty2" };
		const size_t sizes[] = { 0, 1, 512, PACK_WHOLE, PACK_WHOLE + 1,
			3000000, 600, 10, 20, 30, 40, 50, 0 };
		struct error err = ERROR_INIT;
		struct job j;

		job_init(&j);
		j.piece = pieces[k % 4];
		j.threads = k < 4 ? 0 : 2;
		for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
			put(names[i], sizes[i], (unsigned)i);
			add(&j, names[i]);
		}
		start(&j);
		for (i = 0; i < j.m.n; i++)
			pack_ask(j.pack, i);
		ck_assert_msg(run(&j, &err) == 0, "%s", err.text);
		for (i = 0; i < j.m.n; i++)
			ck_assert_msg(receive(&j, &j.m.v[i]), "%s", names[i]);
		ck_assert_int_eq(j.amended, 0);
		job_release(&j);
		ck_assert_int_eq(chdir(".."), 0);
	}
}
END_TEST

START_TEST(each_file_can_be_read_when_it_was_asked_for)
{
	struct error err = ERROR_INIT;
	struct job j;
	size_t i;

	job_init(&j);
	j.threads = 2;
	for (i = 0; i < 20; i++) {
		char name[8];

		snprintf(name, sizeof(name), "%02zu", i);
		put(name, i * 397, (unsigned)i);
		add(&j, name);
	}
	start(&j);
	/* Out of order, one at a time, and one twice. */
	for (i = 0; i < 21; i++) {
		size_t place = i * 7 % 20;

		pack_ask(j.pack, place);
		ck_assert_int_eq(run(&j, &err), 0);
		ck_assert(receive(&j, &j.m.v[place]));
	}
	ck_assert_int_eq(run(&j, &err), 0);
	ck_assert_uint_eq(j.wire.len, 0);
	ck_assert_uint_eq(pack_done(j.pack), 190 * 397);
	job_release(&j);
}
END_TEST

/* A frame ends, and another begins, whose bytes threads compress. */
START_TEST(little_and_then_much_is_one_stream)
{
	struct error err = ERROR_INIT;
	struct job j;
	size_t i;

	job_init(&j);
	j.threads = 2;
	put("little", 1000, 1);
	put("large", 9000000, 2);
	put("end", 10, 3);
	add(&j, "little");
	add(&j, "large");
	add(&j, "end");
	start(&j);
	for (i = 0; i < 3; i++) {
		pack_ask(j.pack, i);
		ck_assert_int_eq(run(&j, &err), 0);
		ck_assert(receive(&j, &j.m.v[i]));
	}
	job_release(&j);
}
END_TEST

START_TEST(a_step_adds_a_bounded_piece)
{
	struct error err = ERROR_INIT;
	enum pack_step s;
	struct job j;
	int steps = 0;

	job_init(&j);
	put("large", 5000000, 1);
	add(&j, "large");
	start(&j);
	pack_ask(j.pack, 0);
	do {
		size_t before = j.wire.len;

		s = step(&j, &err);
		ck_assert_uint_le(j.wire.len - before, 600000);
		steps++;
	} while (s == PACK_MORE);
	ck_assert_int_eq(s, PACK_IDLE);
	ck_assert_int_gt(steps, 20);
	ck_assert(receive(&j, &j.m.v[0]));
	job_release(&j);
}
END_TEST

START_TEST(a_file_that_changed_is_amended_first)
{
	const size_t sizes[][2] = { { 10, 10 }, { 10, 0 }, { 0, 10 },
		{ 10, 2000000 }, { 2000000, 10 }, { 2000000, 3000000 } };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct error err = ERROR_INIT;
		struct job j;
		uint8_t was[DIGEST_SIZE];

		job_init(&j);
		put("a", 5, 1);
		put("b", sizes[i][0], 2);
		put("c", 5, 3);
		add(&j, "a");
		add(&j, "b");
		add(&j, "c");
		memcpy(was, j.m.v[1].digest, DIGEST_SIZE);
		start(&j);
		put("b", sizes[i][1], 4);
		pack_ask(j.pack, 0);
		pack_ask(j.pack, 1);
		pack_ask(j.pack, 2);
		ck_assert_int_eq(run(&j, &err), 0);
		ck_assert_int_eq(j.amended, 1);
		ck_assert_uint_eq(j.m.v[1].size, sizes[i][1]);
		ck_assert_mem_ne(j.m.v[1].digest, was, DIGEST_SIZE);
		ck_assert_str_eq(j.m.v[1].path, "b");
		ck_assert_uint_eq(j.m.v[1].line, 2);
		ck_assert(receive(&j, &j.m.v[0]));
		ck_assert(receive(&j, &j.m.v[1]));
		ck_assert(receive(&j, &j.m.v[2]));
		pack_undo(j.pack);
		ck_assert_uint_eq(j.m.v[1].size, sizes[i][0]);
		ck_assert_mem_eq(j.m.v[1].digest, was, DIGEST_SIZE);
		job_release(&j);
		ck_assert_int_eq(chdir(".."), 0);
	}
}
END_TEST

/* As it would be where a directory above was replaced. */
START_TEST(one_that_seems_settled_is_hashed_when_the_server_says_bad)
{
	struct error err = ERROR_INIT;
	struct job j;

	job_init(&j);
	put("a", 500, 1);
	add(&j, "a");
	start(&j);
	j.source.since = INT64_MAX;
	put("a", 500, 2);
	pack_ask(j.pack, 0);
	ck_assert_int_eq(run(&j, &err), 0);
	ck_assert_int_eq(j.amended, 0);
	ck_assert(!receive(&j, &j.m.v[0]));
	pack_again(j.pack, 1);
	ck_assert_int_eq(run(&j, &err), 0);
	ck_assert_int_eq(j.amended, 1);
	ck_assert(receive(&j, &j.m.v[0]));
	/* Another size is seen at once. */
	put("a", 501, 3);
	pack_ask(j.pack, 0);
	ck_assert_int_eq(run(&j, &err), 0);
	ck_assert_int_eq(j.amended, 2);
	ck_assert(receive(&j, &j.m.v[0]));
	job_release(&j);
}
END_TEST

/* What the file has now, as if it had been kept when it was hashed. */
static void
keep_now(struct job *j, size_t place)
{
	const struct entry *e = &j->m.v[place];
	struct kept_file *f = kept_begin(j->source.kept, (int64_t)e->size);
	int fd = open(e->path, O_RDONLY | O_CLOEXEC);

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(io_read_full(fd, f->data, f->size), (ssize_t)f->size);
	kept_add(j->source.kept, place, f);
	close(fd);
}

START_TEST(what_was_kept_is_sent_whatever_became_of_the_file)
{
	struct error err = ERROR_INIT;
	struct job j;
	size_t i;

	job_init(&j);
	put("a", 500, 1);
	put("b", PACK_WHOLE, 2);
	put("c", 500, 3);
	add(&j, "a");
	add(&j, "b");
	add(&j, "c");
	start(&j);
	j.source.kept = kept_new(KEPT_MOST);
	keep_now(&j, 0);
	keep_now(&j, 1);
	put("a", 700, 4);
	unlink("b");
	for (i = 0; i < 3; i++)
		pack_ask(j.pack, i);
	ck_assert_msg(run(&j, &err) == 0, "%s", err.text);
	ck_assert_int_eq(j.amended, 0);
	for (i = 0; i < 3; i++)
		ck_assert(receive(&j, &j.m.v[i]));
	/* Once more it is read. */
	pack_again(j.pack, 1);
	ck_assert_int_eq(run(&j, &err), 0);
	ck_assert_int_eq(j.amended, 1);
	ck_assert_uint_eq(j.m.v[0].size, 700);
	ck_assert(receive(&j, &j.m.v[0]));
	kept_free(j.source.kept);
	job_release(&j);
}
END_TEST

/* A server that finds bad what it never got. */
START_TEST(what_was_kept_is_not_sent_for_what_was_amended)
{
	struct error err = ERROR_INIT;
	size_t size;

	for (size = 499; size <= 501; size++) {
		struct job j;

		job_init(&j);
		put("a", 500, 1);
		add(&j, "a");
		start(&j);
		j.source.kept = kept_new(KEPT_MOST);
		keep_now(&j, 0);
		put("a", size, 2);
		pack_again(j.pack, 1);
		ck_assert_int_eq(run(&j, &err), 0);
		ck_assert(receive(&j, &j.m.v[0]));
		kept_free(j.source.kept);
		job_release(&j);
		ck_assert_int_eq(chdir(".."), 0);
	}
}
END_TEST

START_TEST(a_changed_mode_alone_is_not_looked_for)
{
	struct error err = ERROR_INIT;
	struct job j;

	job_init(&j);
	put("a", 5, 1);
	add(&j, "a");
	start(&j);
	chmod("a", 0755);
	pack_ask(j.pack, 0);
	ck_assert_int_eq(run(&j, &err), 0);
	ck_assert_int_eq(j.amended, 0);
	ck_assert_uint_eq(j.m.v[0].mode, 0644);
	ck_assert(receive(&j, &j.m.v[0]));
	job_release(&j);
}
END_TEST

START_TEST(a_file_that_keeps_changing_is_given_up)
{
	struct error err = ERROR_INIT;
	enum pack_step s;
	struct job j;
	unsigned i = 2;

	job_init(&j);
	put("a", 50, 1);
	add(&j, "a");
	start(&j);
	pack_ask(j.pack, 0);
	do {
		put("a", 50, i++);
		s = step(&j, &err);
	} while (s == PACK_AMENDED);
	ck_assert_int_eq(s, PACK_ERROR);
	ck_assert_int_eq(j.amended, PACK_TRIES);
	ck_assert_str_eq(err.text, "a keeps changing while it is sent");
	ck_assert_int_eq(err.status, STATUS_LOCAL);
	job_release(&j);
}
END_TEST

static void
replace_by_nothing(void)
{
	ck_assert_int_eq(unlink("a/b"), 0);
}

static void
replace_by_link(void)
{
	ck_assert_int_eq(unlink("a/b"), 0);
	ck_assert_int_eq(symlink("/etc/passwd", "a/b"), 0);
}

static void
replace_by_directory(void)
{
	ck_assert_int_eq(unlink("a/b"), 0);
	ck_assert_int_eq(mkdir("a/b", 0755), 0);
}

static void
replace_by_fifo(void)
{
	ck_assert_int_eq(unlink("a/b"), 0);
	ck_assert_int_eq(mkfifo("a/b", 0644), 0);
}

static void
replace_parent_by_link(void)
{
	ck_assert_int_eq(rename("a", "c"), 0);
	ck_assert_int_eq(symlink("c", "a"), 0);
}

START_TEST(a_file_that_vanished_is_an_error_with_its_name)
{
	void (*const how[])(void) = { replace_by_nothing, replace_by_link,
		replace_by_directory, replace_by_fifo, replace_parent_by_link };
	size_t i;

	for (i = 0; i < sizeof(how) / sizeof(*how); i++) {
		struct error err = ERROR_INIT;
		struct job j;

		job_init(&j);
		put("a/b", 50, 1);
		add(&j, "a/b");
		start(&j);
		how[i]();
		pack_ask(j.pack, 0);
		ck_assert_int_eq(run(&j, &err), -1);
		ck_assert_msg(strstr(err.text, "a/b"), "%s", err.text);
		ck_assert_int_eq(err.status, STATUS_LOCAL);
		job_release(&j);
		ck_assert_int_eq(chdir(".."), 0);
	}
}
END_TEST

START_TEST(a_file_that_shrinks_on_its_way_is_never_padded)
{
	struct error err = ERROR_INIT;
	struct job j;

	job_init(&j);
	put("a", 3000000, 1);
	add(&j, "a");
	start(&j);
	pack_ask(j.pack, 0);
	ck_assert_int_eq(step(&j, &err), PACK_MORE);
	ck_assert_int_eq(truncate("a", 2000000), 0);
	ck_assert_int_eq(run(&j, &err), -1);
	ck_assert_str_eq(err.text, "a shrank while it was sent");
	ck_assert_int_eq(err.status, STATUS_LOCAL);
	job_release(&j);
}
END_TEST

START_TEST(a_large_file_that_changes_on_its_way_is_sent_again)
{
	struct error err = ERROR_INIT;
	struct job j;

	job_init(&j);
	put("a", 3000000, 1);
	add(&j, "a");
	start(&j);
	pack_ask(j.pack, 0);
	ck_assert_int_eq(step(&j, &err), PACK_MORE);
	put("a", 4000000, 2);
	ck_assert_int_eq(run(&j, &err), 0);
	ck_assert(!receive(&j, &j.m.v[0])); /* the server says bad */
	pack_again(j.pack, 1);
	ck_assert_int_eq(run(&j, &err), 0);
	ck_assert_int_eq(j.amended, 1);
	ck_assert_uint_eq(j.m.v[0].size, 4000000);
	ck_assert(receive(&j, &j.m.v[0]));
	pack_again(j.pack, 1);
	pack_again(j.pack, 1);
	ck_assert_int_eq(run(&j, &err), 0);
	pack_again(j.pack, 1);
	ck_assert_int_eq(run(&j, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "a keeps changing"));
	job_release(&j);
}
END_TEST

/* As an archive is: the files one behind the other in a spool. */
/* Divides the file at place into chunks of 1,000,000 bytes. */
static void
divide(struct job *j, size_t place)
{
	struct entry *e = &j->m.v[place];
	struct chunks *c = mem_zalloc(1, sizeof(*c) + 10 * sizeof(*c->v));
	char *data = malloc(1000000);
	int fd = open(e->path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	while ((n = io_read_full(fd, data, 1000000)) > 0) {
		c->v[c->n].offset = c->n * (uint64_t)1000000;
		digest_bytes(data, (size_t)n, c->v[c->n++].digest);
	}
	ck_assert_int_eq(n, 0);
	e->chunks = manifest_add_chunks(&j->m, c);
	manifest_number(&j->m);
	close(fd);
	free(data);
	free(c);
}

static void
start_chunked(struct job *j)
{
	job_init(j);
	put("a", 3500000, 1);
	put("b", 5, 2);
	add(j, "a");
	add(j, "b");
	divide(j, 0);
	start(j);
}

/* Takes a chunk off the stream, as a file that is one. */
static bool
receive_chunk(struct job *j, uint32_t line)
{
	struct wanted w;
	struct entry e = { .path = "a chunk" };

	ck_assert_int_eq(wanted_find(&w, &j->m, line), 0);
	ck_assert(w.part);
	e.size = w.size;
	memcpy(e.digest, w.digest, DIGEST_SIZE);
	return receive(j, &e);
}

START_TEST(chunks_are_sent_as_members)
{
	struct error err = ERROR_INIT;
	struct job j;

	start_chunked(&j);
	pack_ask_line(j.pack, 3);
	pack_ask_line(j.pack, 5);
	pack_ask_line(j.pack, 6);
	ck_assert_int_eq(run(&j, &err), 0);
	ck_assert(receive_chunk(&j, 3));
	ck_assert(receive_chunk(&j, 5));
	ck_assert(receive(&j, &j.m.v[1]));
	ck_assert_uint_eq(pack_done(j.pack), 1500005);
	job_release(&j);
}
END_TEST

START_TEST(a_file_whose_chunk_changed_is_sent_whole_once)
{
	const size_t sizes[] = { 3500000, 100, 5000000 };
	size_t i;

	for (i = 0; i < 3; i++) {
		struct error err = ERROR_INIT;
		struct job j;

		start_chunked(&j);
		put("a", sizes[i], 7);
		pack_ask_line(j.pack, 2);
		pack_ask_line(j.pack, 4);
		pack_ask_line(j.pack, 6);
		ck_assert_int_eq(run(&j, &err), 0);
		ck_assert_int_eq(j.amended, 1);
		ck_assert_ptr_null(j.m.v[0].chunks);
		ck_assert_uint_eq(j.m.v[0].size, sizes[i]);
		ck_assert(receive(&j, &j.m.v[0]));
		ck_assert(receive(&j, &j.m.v[1]));
		ck_assert_uint_eq(pack_done(j.pack), sizes[i] + 5);
		job_release(&j);
		ck_assert_int_eq(chdir(".."), 0);
	}
}
END_TEST

/* Whoever takes the amend by then has the old entry no more. */
START_TEST(a_chunk_packed_before_an_amend_can_be_read_before_it)
{
	int threads, fd;

	for (threads = 0; threads <= 2; threads += 2) {
		struct error err = ERROR_INIT;
		struct entry chunk = { .path = "a chunk", .size = 1000000 };
		struct job j;

		start_chunked(&j);
		pack_free(j.pack);
		j.pack = pack_new(&j.source, &j.m,
			&(struct pack_options){ .threads = threads });
		memcpy(chunk.digest, j.m.v[0].chunks->v[2].digest, DIGEST_SIZE);
		fd = open("a", O_WRONLY | O_CLOEXEC);
		ck_assert_int_eq(pwrite(fd, "changed", 7, 3000100), 7);
		close(fd);
		pack_ask_line(j.pack, 4);
		pack_ask_line(j.pack, 5);
		while (step(&j, &err) == PACK_MORE)
			continue;
		ck_assert_int_eq(j.amended, 1);
		ck_assert_ptr_null(j.m.v[0].chunks);
		ck_assert(receive(&j, &chunk));
		ck_assert_int_eq(run(&j, &err), 0);
		ck_assert(receive(&j, &j.m.v[0]));
		job_release(&j);
		ck_assert_int_eq(chdir(".."), 0);
	}
}
END_TEST

START_TEST(what_is_appended_leaves_the_chunks_as_they_were)
{
	struct error err = ERROR_INIT;
	struct job j;
	int fd;

	start_chunked(&j);
	fd = open("a", O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_eq(io_write_full(fd, "more", 4), 0);
	close(fd);
	pack_ask_line(j.pack, 5);
	ck_assert_int_eq(run(&j, &err), 0);
	ck_assert_int_eq(j.amended, 0);
	ck_assert(receive_chunk(&j, 5));
	job_release(&j);
}
END_TEST

START_TEST(a_chunk_is_not_sent_again_for_ever)
{
	struct error err = ERROR_INIT;
	struct job j;
	int i;

	start_chunked(&j);
	for (i = 0; i < PACK_TRIES; i++)
		pack_again(j.pack, 3);
	pack_again(j.pack, 4);
	ck_assert_int_eq(run(&j, &err), 0);
	pack_again(j.pack, 3);
	ck_assert_int_eq(run(&j, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "a keeps changing"));
	job_release(&j);
}
END_TEST

START_TEST(files_of_a_spool_are_sent)
{
	static const size_t sizes[] = { 100, 0, 2000000, PACK_WHOLE, 7, 0 };
	uint64_t offsets[6];
	struct error err = ERROR_INIT;
	size_t i, at = 0;
	struct job j;
	int all;

	job_init(&j);
	put("all", 2000000 + PACK_WHOLE + 107, 9);
	all = open("all", O_RDONLY | O_CLOEXEC);
	for (i = 0; i < 6; i++) {
		char *data = malloc(sizes[i] + 1), path[8];
		struct entry e = { .path = path,
			.type = ENTRY_FILE,
			.mode = 0644,
			.size = sizes[i] };

		snprintf(path, sizeof(path), "%zu", i);
		offsets[i] = at;
		ck_assert_int_eq(pread(all, data, sizes[i], (off_t)at),
			(ssize_t)sizes[i]);
		at += sizes[i];
		digest_bytes(data, sizes[i], e.digest);
		manifest_add(&j.m, &e);
		free(data);
	}
	start(&j);
	source_directory(&j.source, -1, false);
	j.source.spool = all;
	j.source.offsets = offsets;
	for (i = 0; i < 6; i++)
		pack_ask(j.pack, i);
	ck_assert_msg(run(&j, &err) == 0, "%s", err.text);
	for (i = 0; i < 6; i++)
		ck_assert(receive(&j, &j.m.v[i]));
	pack_again(j.pack, 1);
	ck_assert_int_eq(run(&j, &err), -1);
	source_directory(&j.source, -1, false);
	close(all);
	job_release(&j);
}
END_TEST

START_TEST(nothing_asked_for_sends_nothing)
{
	struct error err = ERROR_INIT;
	struct job j;

	job_init(&j);
	start(&j);
	ck_assert_int_eq(run(&j, &err), 0);
	ck_assert_uint_eq(j.wire.len, 0);
	job_release(&j);
}
END_TEST

/* Feeds plain tar bytes to unpack_header(). */
static int
header_of(const void *tar, size_t len, struct error *err)
{
	struct zout *z = zout_new(1);
	struct job j;
	uint64_t size;
	int rc;

	job_init(&j);
	zout_write(z, tar, len, ZFLUSH_END, &j.wire);
	j.unpack = unpack_new(pull, &j);
	rc = unpack_header(j.unpack, &size, err);
	zout_free(z);
	job_release(&j);
	return rc;
}

/* One ustar header. */
static void
make_header(char h[static 512], char type, const char *size)
{
	unsigned sum = 0;
	size_t i;

	memset(h, 0, 512);
	memcpy(h, "name", 4);
	memcpy(h + 100, "0000644", 7);
	memcpy(h + 108, "0000000", 7);
	memcpy(h + 116, "0000000", 7);
	snprintf(h + 124, 12, "%s", size);
	memcpy(h + 136, "00000000000", 11);
	memset(h + 148, ' ', 8);
	h[156] = type;
	if (type == '1' || type == '2')
		memcpy(h + 157, "target", 6);
	memcpy(h + 257, "ustar\00000", 8);
	for (i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
}

START_TEST(only_regular_files_are_unpacked)
{
	static const char types[] = "123456";
	struct error err = ERROR_INIT;
	char h[1024] = { 0 };
	size_t i;

	make_header(h, '0', "00000000000");
	ck_assert_msg(header_of(h, 1024, &err) == 0, "%s", err.text);
	for (i = 0; types[i]; i++) {
		make_header(h, types[i], "00000000000");
		ck_assert_int_eq(header_of(h, 1024, &err), -1);
		ck_assert_int_eq(err.status, STATUS_TRANSFER);
	}
	/* A base-256 size below zero. */
	make_header(h, '0', "");
	memset(h + 124, 0xff, 12);
	ck_assert_int_eq(header_of(h, 1024, &err), -1);
	/* A wrong sum, and the end that a tar file has. */
	make_header(h, '0', "00000000000");
	h[0] ^= 1;
	ck_assert_int_eq(header_of(h, 1024, &err), -1);
	memset(h, 0, 1024);
	ck_assert_int_eq(header_of(h, 1024, &err), -1);
	ck_assert_int_eq(err.status, STATUS_TRANSFER);
}
END_TEST

START_TEST(a_stream_that_is_no_zstd_says_so)
{
	struct error err = ERROR_INIT;
	uint64_t size;
	struct job j;

	job_init(&j);
	buf_addstr(&j.wire, "this is plain text, is it not?");
	j.unpack = unpack_new(pull, &j);
	ck_assert_int_eq(unpack_header(j.unpack, &size, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "zstd"));
	job_release(&j);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pack");
	TCase *tc = tcase_create("pack");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, files_of_every_kind_arrive_in_any_pieces);
	tcase_add_test(tc, each_file_can_be_read_when_it_was_asked_for);
	tcase_add_test(tc, little_and_then_much_is_one_stream);
	tcase_add_test(tc, a_step_adds_a_bounded_piece);
	tcase_add_test(tc, a_file_that_changed_is_amended_first);
	tcase_add_test(tc,
		one_that_seems_settled_is_hashed_when_the_server_says_bad);
	tcase_add_test(tc, what_was_kept_is_sent_whatever_became_of_the_file);
	tcase_add_test(tc, what_was_kept_is_not_sent_for_what_was_amended);
	tcase_add_test(tc, a_changed_mode_alone_is_not_looked_for);
	tcase_add_test(tc, a_file_that_keeps_changing_is_given_up);
	tcase_add_test(tc, a_file_that_vanished_is_an_error_with_its_name);
	tcase_add_test(tc, a_file_that_shrinks_on_its_way_is_never_padded);
	tcase_add_test(tc, a_large_file_that_changes_on_its_way_is_sent_again);
	tcase_add_test(tc, chunks_are_sent_as_members);
	tcase_add_test(tc, a_file_whose_chunk_changed_is_sent_whole_once);
	tcase_add_test(tc,
		a_chunk_packed_before_an_amend_can_be_read_before_it);
	tcase_add_test(tc, what_is_appended_leaves_the_chunks_as_they_were);
	tcase_add_test(tc, a_chunk_is_not_sent_again_for_ever);
	tcase_add_test(tc, files_of_a_spool_are_sent);
	tcase_add_test(tc, nothing_asked_for_sends_nothing);
	tcase_add_test(tc, only_regular_files_are_unpacked);
	tcase_add_test(tc, a_stream_that_is_no_zstd_says_so);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
