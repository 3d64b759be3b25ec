#include "server/assemble.h"

#include <dirent.h>

#include "base/io.h"
#include "server/plan_chunks.h"
#include "tree/index.h"
#include "unit_store.h"

/* Files here are letters, and a chunk is four of them. */
#define CHUNK 4

static struct store store;

static void
add(struct manifest *m, const char *path, const char *text)
{
	struct entry e = { .path = path, .type = ENTRY_FILE, .mode = 0755 };
	struct chunks *c;
	size_t at;

	e.size = strlen(text);
	digest_bytes(text, e.size, e.digest);
	c = mem_zalloc(1, sizeof(*c) + e.size * sizeof(*c->v));
	for (at = 0; at < e.size; at += CHUNK) {
		size_t n = e.size - at < CHUNK ? e.size - at : CHUNK;

		c->v[c->n].offset = at;
		digest_bytes(text + at, n, c->v[c->n++].digest);
	}
	e.chunks = c;
	manifest_add(m, &e);
	free(c);
}

/* The index of a release with one file, which vouches for what is there. */
static void
save_index(const char *id, const struct entry *e)
{
	char path[200], name[64];
	struct stat_index *x;
	struct stat st;
	struct error err = ERROR_INIT;

	snprintf(path, sizeof(path), "releases/%s/%s", id, e->path);
	snprintf(name, sizeof(name), "records/%s.index", id);
	ck_assert_int_eq(stat(path, &st), 0);
	index_let_pass((int64_t)st.st_ctim.tv_sec * 1000000000 +
		st.st_ctim.tv_nsec);
	x = index_new(store.own, name);
	index_put(x, e->path, &st, e->digest);
	ck_assert_int_eq(index_save(x, &err), 0);
	index_free(x);
}

/* A kept release with one file; number n of up to nine. */
static void
make_release(int n, const char *path, const char *text)
{
	char id[RELEASE_ID_LEN + 1], tree[DIGEST_HEX + 1], hex[DIGEST_HEX + 1];
	struct record r = { .id = id,
		.tree = tree,
		.settings = tree,
		.manifest = hex,
		.state = (char *)"live" };
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	char name[200];

	snprintf(id, sizeof(id), "20260101T00000%dZ-00000000", n);
	snprintf(name, sizeof(name), "releases/%s", id);
	ck_assert_int_eq(mkdir(name, 0755), 0);
	snprintf(name, sizeof(name), "releases/%s/%s", id, path);
	unit_write(name, text);
	add(&m, path, text);
	manifest_finish(&m);
	digest_to_hex(m.id, tree);
	ck_assert_int_eq(store_save_manifest(&store, &m, hex, &err), 0);
	ck_assert_int_eq(record_save(&store, &r, &err), 0);
	save_index(id, &m.v[0]);
	manifest_release(&m);
}

/* What a client would have sent; where in tmp/ it is. */
static const char *
upload(const char *name, const char *text)
{
	static char path[DIGEST_HEX + 20];
	uint8_t digest[DIGEST_SIZE];

	strcpy(path, ".deployd/tmp/");
	digest_bytes(name, strlen(name), digest);
	digest_to_hex(digest, path + strlen(path));
	unit_write(path, text);
	return path;
}

static int
turn(void *arg, struct error *err)
{
	return arg ? error_status(err, STATUS_INT, "cancelled") : 0;
}

/* A plan and the lines it asks for, as "2 4-5 (12 bytes)". */
struct job {
	struct manifest m;
	struct plan plan;
	bool planned;
	struct plan_options o;
	char need[200];
	uint64_t files;
	struct error err;
};

static const char *
plan(struct job *j)
{
	struct ranges need = { NULL, 0, 0 };
	uint64_t bytes = 0;
	char *at = j->need;
	size_t i;

	if (j->planned)
		plan_release(&j->plan);
	j->planned = true;
	j->files = 0;
	manifest_finish(&j->m);
	if (plan_make(&j->plan, &store, &j->m, &j->o, &j->err) < 0)
		return j->err.text;
	plan_need(&j->plan, &need, &j->files, &bytes);
	for (i = 0; i < need.n; i++) {
		at += sprintf(at, "%u", need.v[i].first);
		if (need.v[i].last > need.v[i].first)
			at += sprintf(at, "-%u", need.v[i].last);
		*at++ = ' ';
	}
	sprintf(at, "(%u bytes)", (unsigned)bytes);
	ranges_release(&need);
	return j->need;
}

static int
put_together(struct job *j)
{
	const struct busy busy = { turn, NULL };

	return assemble(&store, &j->plan, 022, &busy, &j->err);
}

static void
expect_tmp(const char *text)
{
	char path[DIGEST_HEX + 20] = ".deployd/tmp/";
	uint8_t digest[DIGEST_SIZE];
	struct stat st;

	digest_bytes(text, strlen(text), digest);
	digest_to_hex(digest, path + strlen(path));
	ck_assert_str_eq(unit_read(path), text);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(access(".deployd/tmp/joined", F_OK), -1);
}

static void
job_release(struct job *j)
{
	if (j->planned)
		plan_release(&j->plan);
	manifest_release(&j->m);
	store_release(&store);
}

START_TEST(what_is_in_releases_is_not_asked_for)
{
	struct job j = { 0 };

	unit_store(&store);
	make_release(1, "old", "eeeeffff");
	make_release(2, "a", "aaaabbbbccccdddd");
	add(&j.m, "a", "aaaaXXXXbbbbccccffffdd");
	ck_assert_str_eq(plan(&j), "3 7 (6 bytes)");
	ck_assert_uint_eq(j.files, 1);
	ck_assert_int_eq(j.plan.v[0].where, SUPPLY_CHUNKS);
	/* It is written once, and that is the file itself. */
	ck_assert_uint_eq(plan_copies(&j.plan), 22);
	upload("XXXX", "XXXX");
	upload("dd", "dd");
	ck_assert_int_eq(put_together(&j), 1);
	ck_assert_int_eq(j.plan.v[0].where, SUPPLY_TMP);
	expect_tmp("aaaaXXXXbbbbccccffffdd");
	job_release(&j);
}
END_TEST

START_TEST(a_file_of_nothing_new_is_not_asked_for_at_all)
{
	struct job j = { 0 };

	unit_store(&store);
	make_release(1, "a", "aaaabbbbccccdddd");
	add(&j.m, "a", "ccccddddaaaa");
	ck_assert_str_eq(plan(&j), "(0 bytes)");
	ck_assert_uint_eq(j.files, 0);
	ck_assert_int_eq(put_together(&j), 1);
	expect_tmp("ccccddddaaaa");
	job_release(&j);
}
END_TEST

START_TEST(a_file_that_is_mostly_new_is_asked_for_whole)
{
	struct job j = { 0 };

	unit_store(&store);
	make_release(1, "a", "aaaa");
	add(&j.m, "a", "aaaaUUUUVVVVWWWWXXXX");
	add(&j.m, "b", "aaaaUUUUVVVVWWWW");
	/* The first is whole, so its chunks are no help to the second. */
	ck_assert_str_eq(plan(&j), "1 9-11 (32 bytes)");
	ck_assert_uint_eq(j.files, 2);
	job_release(&j);
}
END_TEST

START_TEST(a_chunk_is_asked_for_once)
{
	struct job j = { 0 };

	unit_store(&store);
	make_release(1, "a", "aaaabbbb");
	add(&j.m, "a", "aaaaXXXXXXXXbbbb");
	add(&j.m, "b", "bbbbXXXXaaaaYYYY");
	ck_assert_str_eq(plan(&j), "3 10 (8 bytes)");
	upload("XXXX", "XXXX");
	upload("YYYY", "YYYY");
	ck_assert_int_eq(put_together(&j), 1);
	expect_tmp("aaaaXXXXXXXXbbbb");
	expect_tmp("bbbbXXXXaaaaYYYY");
	job_release(&j);
}
END_TEST

START_TEST(uploads_of_a_cut_session_count)
{
	struct job j = { 0 };
	const char *damaged;

	unit_store(&store);
	add(&j.m, "a", "aaaabbbbccccdddd");
	upload("aaaa", "aaaa");
	upload("bbbb", "bbbb");
	damaged = upload("cccc", "ccc");
	ck_assert_str_eq(plan(&j), "4-5 (8 bytes)");
	ck_assert_int_eq(access(damaged, F_OK), -1);
	/* So they do with --no-cache, which has emptied tmp/ before. */
	j.o.fresh = true;
	ck_assert_str_eq(plan(&j), "4-5 (8 bytes)");
	j.o.look = true;
	ck_assert_str_eq(plan(&j), "1 (16 bytes)");
	job_release(&j);
}
END_TEST

START_TEST(damage_of_an_upload_costs_one_more_round)
{
	struct job j = { 0 };
	const char *damaged;

	unit_store(&store);
	add(&j.m, "a", "aaaabbbbccccdddd");
	upload("aaaa", "aaaa");
	upload("bbbb", "bbbb");
	upload("dddd", "dddd");
	damaged = upload("cccc", "cccX");
	ck_assert_str_eq(plan(&j), "(0 bytes)");
	ck_assert_int_eq(put_together(&j), 0);
	j.o.chunks = CHUNKS_VERIFIED;
	ck_assert_str_eq(plan(&j), "4 (4 bytes)");
	ck_assert_int_eq(access(damaged, F_OK), -1);
	upload("cccc", "cccc");
	ck_assert_int_eq(put_together(&j), 1);
	expect_tmp("aaaabbbbccccdddd");
	job_release(&j);
}
END_TEST

START_TEST(without_a_cache_releases_do_not_count)
{
	struct job j = { .o.fresh = true };

	unit_store(&store);
	make_release(1, "a", "aaaabbbb");
	add(&j.m, "a", "aaaabbbbXXXX");
	ck_assert_str_eq(plan(&j), "1 (12 bytes)");
	job_release(&j);
}
END_TEST

START_TEST(a_chunk_that_did_not_arrive_is_noticed)
{
	struct job j = { 0 };

	unit_store(&store);
	make_release(1, "a", "aaaabbbb");
	add(&j.m, "a", "aaaaXXXXbbbb");
	plan(&j);
	ck_assert_int_eq(put_together(&j), 0);
	upload("XXXX", "XXX");
	ck_assert_int_eq(put_together(&j), 0);
	upload("XXXX", "XXXY");
	ck_assert_int_eq(put_together(&j), 0);
	ck_assert_int_eq(access(".deployd/tmp/joined", F_OK), -1);
	upload("XXXX", "XXXX");
	ck_assert_int_eq(put_together(&j), 1);
	expect_tmp("aaaaXXXXbbbb");
	job_release(&j);
}
END_TEST

#define FIRST "releases/20260101T000001Z-00000000/a"

START_TEST(a_file_that_changed_is_hashed_chunk_by_chunk)
{
	struct job j = { 0 };

	unit_store(&store);
	make_release(1, "a", "aaaabbbbccccdddd");
	unit_write(FIRST, "aaaabbXbccccdd"); /* and is shorter */
	add(&j.m, "a", "aaaabbbbccccddddXXXX");
	ck_assert_str_eq(plan(&j), "3 5-6 (12 bytes)");
	upload("bbbb", "bbbb");
	upload("dddd", "dddd");
	upload("XXXX", "XXXX");
	ck_assert_int_eq(put_together(&j), 1);
	expect_tmp("aaaabbbbccccddddXXXX");
	job_release(&j);
}
END_TEST

START_TEST(damage_that_no_stat_data_show_costs_one_more_round)
{
	struct job j = { 0 };

	unit_store(&store);
	make_release(1, "a", "aaaabbbbcccc");
	add(&j.m, "a", "aaaabbbbccccXXXX");
	unit_write(FIRST, "aaaaBBBBcccc");
	/* As if the disk had done it: the old digest, the new stat data. */
	{
		struct entry e = j.m.v[0];

		digest_bytes("aaaabbbbcccc", 12, e.digest);
		save_index("20260101T000001Z-00000000", &e);
	}
	ck_assert_str_eq(plan(&j), "5 (4 bytes)");
	upload("XXXX", "XXXX");
	ck_assert_int_eq(put_together(&j), 0);
	ck_assert_int_eq(j.plan.v[0].where, SUPPLY_CHUNKS);
	j.o.chunks = CHUNKS_VERIFIED;
	ck_assert_str_eq(plan(&j), "3 (4 bytes)");
	upload("bbbb", "bbbb");
	ck_assert_int_eq(put_together(&j), 1);
	expect_tmp("aaaabbbbccccXXXX");
	job_release(&j);
}
END_TEST

START_TEST(chunks_that_are_not_the_files_end_in_the_whole_file)
{
	struct job j = { 0 };

	unit_store(&store);
	make_release(1, "a", "aaaabbbbcccc");
	add(&j.m, "a", "aaaabbbbccccXXXX");
	digest_bytes("what it really is", 17, j.m.v[0].digest);
	plan(&j);
	upload("XXXX", "XXXX");
	ck_assert_int_eq(put_together(&j), 0);
	j.o.chunks = CHUNKS_VERIFIED;
	ck_assert_str_eq(plan(&j), "(0 bytes)");
	ck_assert_int_eq(put_together(&j), 0);
	j.o.chunks = CHUNKS_NOT;
	ck_assert_str_eq(plan(&j), "1 (16 bytes)");
	ck_assert_int_eq(put_together(&j), 1);
	job_release(&j);
}
END_TEST

START_TEST(links_are_not_followed)
{
	struct job j = { 0 };

	unit_store(&store);
	make_release(1, "a", "aaaabbbbcccc");
	ck_assert_int_eq(rename(FIRST, "elsewhere"), 0);
	ck_assert_int_eq(symlink("../../elsewhere", FIRST), 0);
	add(&j.m, "a", "aaaabbbbccccXXXX");
	ck_assert_str_eq(plan(&j), "1 (16 bytes)");
	job_release(&j);
}
END_TEST

START_TEST(a_chunk_of_two_sizes_is_a_lie)
{
	struct job j = { 0 };
	struct chunks *c;

	unit_store(&store);
	add(&j.m, "a", "aaaabbbbcccccc");
	c = (struct chunks *)(uintptr_t)j.m.v[0].chunks;
	memcpy(c->v[3].digest, c->v[0].digest, DIGEST_SIZE);
	ck_assert_ptr_nonnull(strstr(plan(&j), "a chunk of a a size"));
	ck_assert_int_eq(j.err.status, STATUS_TRANSFER);
	job_release(&j);
}
END_TEST

/* More than one piece of a buffer, from several places. */
START_TEST(large_files_are_put_together)
{
	size_t size = 1200000, i;
	char *text = mem_alloc(size + 1);
	const struct busy stop = { turn, &store };
	struct job j = { 0 };
	struct entry e = { .path = "a", .type = ENTRY_FILE, .mode = 0644 };
	struct chunks *c = mem_zalloc(1, sizeof(*c) + 2 * sizeof(*c->v));
	uint8_t digest[DIGEST_SIZE];
	char hex[DIGEST_HEX + 1], path[DIGEST_HEX + 20] = ".deployd/tmp/";

	unit_store(&store);
	for (i = 0; i < size; i++)
		text[i] = (char)('a' + i * i % 23);
	text[size] = '\0';
	e.size = size;
	digest_bytes(text, size, e.digest);
	c->n = 2;
	c->v[1].offset = 700001;
	digest_bytes(text, 700001, c->v[0].digest);
	digest_bytes(text + 700001, size - 700001, c->v[1].digest);
	e.chunks = c;
	manifest_add(&j.m, &e);
	for (i = 0; i < 2; i++) {
		char piece[DIGEST_HEX + 20] = ".deployd/tmp/";
		char was = text[700001];

		digest_to_hex(c->v[i].digest, piece + strlen(piece));
		text[700001] = i ? was : '\0';
		unit_write(piece, text + (i ? 700001 : 0));
		text[700001] = was;
	}
	ck_assert_str_eq(plan(&j), "(0 bytes)");
	ck_assert_int_eq(assemble(&store, &j.plan, 022, &stop, &j.err), -1);
	ck_assert_str_eq(j.err.text, "cancelled");
	ck_assert_int_eq(put_together(&j), 1);
	digest_to_hex(e.digest, hex);
	strcat(path, hex);
	{
		struct buf b = BUF_INIT;

		ck_assert_int_eq(io_read_file(AT_FDCWD, path, size, &b, &j.err),
			0);
		digest_bytes(b.data, b.len, digest);
		ck_assert_mem_eq(digest, e.digest, DIGEST_SIZE);
		buf_release(&b);
	}
	free(text);
	free(c);
	job_release(&j);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("assemble");
	TCase *tests = tcase_create("assemble");

	tcase_add_test(tests, what_is_in_releases_is_not_asked_for);
	tcase_add_test(tests, a_file_of_nothing_new_is_not_asked_for_at_all);
	tcase_add_test(tests, a_file_that_is_mostly_new_is_asked_for_whole);
	tcase_add_test(tests, a_chunk_is_asked_for_once);
	tcase_add_test(tests, uploads_of_a_cut_session_count);
	tcase_add_test(tests, damage_of_an_upload_costs_one_more_round);
	tcase_add_test(tests, without_a_cache_releases_do_not_count);
	tcase_add_test(tests, a_chunk_that_did_not_arrive_is_noticed);
	tcase_add_test(tests, a_file_that_changed_is_hashed_chunk_by_chunk);
	tcase_add_test(tests,
		damage_that_no_stat_data_show_costs_one_more_round);
	tcase_add_test(tests,
		chunks_that_are_not_the_files_end_in_the_whole_file);
	tcase_add_test(tests, links_are_not_followed);
	tcase_add_test(tests, a_chunk_of_two_sizes_is_a_lie);
	tcase_add_test(tests, large_files_are_put_together);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
