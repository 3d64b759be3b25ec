#include "server/stage.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "base/io.h"
#include "server/plan.h"
#include "unit_store.h"

/* One line of a tree that a test describes; the last has no path. */
struct item {
	const char *path;
	char type;
	const char *text; /* a file's bytes, a link's target */
	mode_t mode;      /* 0: the usual one */
};

#define TREE(...) \
	(const struct item[]) \
	{ \
		__VA_ARGS__, \
		{ \
			NULL, 0, NULL, 0 \
		} \
	}

static struct store store;
static unsigned serial;

static void
make_manifest(struct manifest *m, const struct item *tree)
{
	for (; tree->path; tree++) {
		struct entry e = { .path = tree->path,
			.type = tree->type,
			.mode = (uint16_t)tree->mode };

		if (e.type == ENTRY_LINK) {
			e.target = tree->text;
		} else if (e.type == ENTRY_FILE) {
			e.size = strlen(tree->text);
			digest_bytes(tree->text, e.size, e.digest);
		}
		if (!e.mode && e.type != ENTRY_LINK)
			e.mode = e.type == ENTRY_FILE ? 0644 : 0755;
		manifest_add(m, &e);
	}
	manifest_sort(m);
	manifest_finish(m);
}

/* What a client would have sent. */
static void
upload(struct plan *p, const struct item *tree)
{
	struct error err = ERROR_INIT;

	for (; tree->path; tree++) {
		struct entry *e = manifest_find(p->m, tree->path);
		struct supply *u;
		char path[DIGEST_HEX + 20] = ".deployd/tmp/";

		if (e->type != ENTRY_FILE)
			continue;
		u = plan_supply(p, e);
		if (u->where != SUPPLY_NONE)
			continue;
		digest_to_hex(e->digest, path + strlen(path));
		unit_write(path, tree->text);
		u->where = SUPPLY_TMP;
	}
	(void)err;
}

static int64_t
time_of(size_t place)
{
	return INT64_C(1500000000000000000) + (int64_t)place * 1000000007;
}

static int
turn(void *arg, struct error *err)
{
	int *left = arg;

	if (!left || --*left >= 0)
		return 0;
	return error_status(err, STATUS_INT, "cancelled");
}

struct outcome {
	uint64_t files; /* that had to be sent */
	char id[RELEASE_ID_LEN + 1];
};

static int
stage_with(const struct item *tree, mode_t umask_, int *turns, uint64_t *files,
	struct manifest *m, struct error *err)
{
	const struct busy busy = { turn, turns };
	struct stage_options o = { .umask = umask_, .busy = &busy };
	const struct plan_options usual = { .busy = NULL };
	struct ranges need = { NULL, 0, 0 };
	uint64_t bytes = 0;
	int64_t *times;
	struct plan p;
	size_t i;
	int rc;

	make_manifest(m, tree);
	ck_assert_int_eq(plan_make(&p, &store, m, &usual, err), 0);
	*files = 0;
	plan_need(&p, &need, files, &bytes);
	upload(&p, tree);
	times = calloc(m->n + 1, sizeof(*times));
	for (i = 0; i < m->n; i++)
		times[i] = time_of(i);
	o.times = times;
	rc = stage_tree(&store, &p, &o, err);
	free(times);
	ranges_release(&need);
	plan_release(&p);
	return rc;
}

static void
commit(const struct manifest *m, char id[static RELEASE_ID_LEN + 1],
	const char *state)
{
	struct error err = ERROR_INIT;
	char tree[DIGEST_HEX + 1], hex[DIGEST_HEX + 1];
	struct record r = { .id = id,
		.tree = tree,
		.settings = tree,
		.manifest = hex,
		.state = (char *)state };

	snprintf(id, RELEASE_ID_LEN + 1, "20260101T%06uZ-00000000",
		++serial % 1000000u);
	digest_to_hex(m->id, tree);
	ck_assert_int_eq(store_save_manifest(&store, m, hex, &err), 0);
	ck_assert_int_eq(record_save(&store, &r, &err), 0);
	ck_assert_msg(stage_commit(&store, id, &err) == 0, "%s", err.text);
	stage_clear_tmp(&store);
}

static void
check_entry(const struct entry *e, const char *path, int64_t ns, mode_t umask_)
{
	uint8_t digest[DIGEST_SIZE];
	char target[TARGET_MOST + 1];
	struct stat st;
	ssize_t n;

	ck_assert_msg(lstat(path, &st) == 0, "%s is missing", path);
	ck_assert_msg(st.st_mtim.tv_sec == ns / 1000000000 &&
			st.st_mtim.tv_nsec == ns % 1000000000,
		"the time of %s", path);
	if (e->type == ENTRY_LINK) {
		ck_assert(S_ISLNK(st.st_mode));
		n = readlink(path, target, sizeof(target));
		ck_assert_int_eq(n, (ssize_t)strlen(e->target));
		ck_assert_mem_eq(target, e->target, (size_t)n);
		return;
	}
	ck_assert_msg((st.st_mode & 07777) == (e->mode & ~umask_),
		"the mode of %s: %o", path, st.st_mode);
	if (e->type == ENTRY_DIRECTORY) {
		ck_assert(S_ISDIR(st.st_mode));
		return;
	}
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_uint_eq(st.st_nlink, 1);
	ck_assert_uint_eq((uint64_t)st.st_size, e->size);
	if (access(path, R_OK) == 0) {
		struct digest *d = digest_new();
		int fd = open(path, O_RDONLY);

		ck_assert_int_eq(digest_fd(d, fd, digest), st.st_size);
		ck_assert_mem_eq(digest, e->digest, DIGEST_SIZE);
		digest_free(d);
		close(fd);
	}
}

static size_t
count_below(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	size_t n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((e = readdir(dir))) {
		char sub[5000];
		struct stat st;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		ck_assert_int_eq(lstat(sub, &st), 0);
		n++;
		if (S_ISDIR(st.st_mode))
			n += count_below(sub);
	}
	closedir(dir);
	return n;
}

/* The directory equals the manifest exactly. */
static void
check_tree(const struct manifest *m, const char *dir, mode_t umask_)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		char path[5000];

		snprintf(path, sizeof(path), "%s/%s", dir, m->v[i].path);
		check_entry(&m->v[i], path, time_of(i), umask_);
	}
	ck_assert_uint_eq(count_below(dir), m->n);
}

static struct outcome
deploy_as(const struct item *tree, const char *state)
{
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	struct outcome o;
	char dir[64];

	ck_assert_msg(stage_with(tree, 0, NULL, &o.files, &m, &err) == 0, "%s",
		err.text);
	commit(&m, o.id, state);
	snprintf(dir, sizeof(dir), "releases/%s", o.id);
	check_tree(&m, dir, 0);
	ck_assert_int_eq(access(".deployd/next", F_OK), -1);
	manifest_release(&m);
	return o;
}

static struct outcome
deploy(const struct item *tree)
{
	return deploy_as(tree, "live");
}

static void
take_back(const struct outcome *o)
{
	struct error err = ERROR_INIT;

	ck_assert_msg(stage_take_away(&store, o->id, &err) == 0, "%s",
		err.text);
	stage_take_back(&store, o->id);
}

static const char *
in_release(const struct outcome *o, const char *path)
{
	static char full[5000];

	snprintf(full, sizeof(full), "releases/%s/%s", o->id, path);
	return full;
}

START_TEST(a_first_release_needs_everything_once)
{
	struct outcome o;

	unit_store(&store);
	o = deploy(TREE({ "a", 'f', "one", 0 }, { "b", 'f', "one", 0755 },
		{ "c", 'f', "", 0 }, { "d", 'd', NULL, 0 },
		{ "d/e", 'f', "two", 0 }, { "d/f", 'l', "../a", 0 },
		{ "d/g", 'd', NULL, 0 }, { "h", 'l', "nowhere", 0 },
		{ "i j", 'f', "one", 0 }, { "\303\244", 'f', "3", 0 }));
	ck_assert_uint_eq(o.files, 3);
}
END_TEST

START_TEST(an_empty_tree_is_a_release)
{
	unit_store(&store);
	ck_assert_uint_eq(deploy(TREE({ NULL, 0, NULL, 0 })).files, 0);
	ck_assert_uint_eq(deploy(TREE({ "a", 'f', "1", 0 })).files, 1);
	ck_assert_uint_eq(deploy(TREE({ NULL, 0, NULL, 0 })).files, 0);
}
END_TEST

START_TEST(nothing_that_is_held_is_needed_again)
{
	unit_store(&store);
	deploy(TREE({ "a", 'f', "one", 0 }, { "b", 'f', "two", 0 },
		{ "c", 'd', NULL, 0 }, { "c/d", 'f', "three", 0 }));
	/* The same, renamed, copied, with another mode, with one removed. */
	ck_assert_uint_eq(deploy(TREE({ "a", 'f', "one", 0 },
					 { "b", 'f', "two", 0 },
					 { "c", 'd', NULL, 0 },
					 { "c/d", 'f', "three", 0 }))
				  .files,
		0);
	ck_assert_uint_eq(deploy(TREE({ "A", 'f', "one", 0 },
					 { "B", 'd', NULL, 0 },
					 { "B/b", 'f', "two", 0 },
					 { "c", 'f', "three", 0 }))
				  .files,
		0);
	ck_assert_uint_eq(deploy(TREE({ "a", 'f', "one", 0755 },
					 { "b", 'f', "one", 0 },
					 { "c", 'f', "one", 0755 }))
				  .files,
		0);
	ck_assert_uint_eq(deploy(TREE({ "b", 'f', "two", 0 })).files, 0);
	ck_assert_uint_eq(deploy(TREE({ "b", 'f', "four", 0 })).files, 1);
}
END_TEST

START_TEST(types_change_in_every_direction)
{
	static const struct item kinds[4][3] = {
		{ { "x", 'f', "file", 0 } },
		{ { "x", 'd', NULL, 0 }, { "x/y", 'f', "below", 0 } },
		{ { "x", 'l', "to", 0 } },
		{ { "z", 'f', "none", 0 } },
	};
	size_t from, to, taken;

	for (taken = 0; taken < 2; taken++)
		for (from = 0; from < 4; from++)
			for (to = 0; to < 4; to++) {
				struct outcome o;

				unit_store(&store);
				o = deploy(kinds[from]);
				/* next/ is what the failed one left. */
				if (taken)
					take_back(&o);
				deploy(kinds[to]);
				store_release(&store);
				ck_assert_int_eq(chdir("../.."), 0);
			}
}
END_TEST

START_TEST(a_failed_release_is_what_the_next_one_begins_with)
{
	struct outcome o;
	struct stat before, after;
	const struct item *tree = TREE({ "a", 'f', "one", 0 },
		{ "b", 'd', NULL, 0 }, { "b/c", 'f', "two", 0755 },
		{ "d", 'f', "", 0 }, { "e", 'l', "a", 0 });

	unit_store(&store);
	o = deploy(tree);
	ck_assert_int_eq(stat(in_release(&o, "b/c"), &before), 0);
	take_back(&o);
	ck_assert_int_eq(access(".deployd/next/b/c", F_OK), 0);
	o = deploy(tree);
	ck_assert_uint_eq(o.files, 0);
	ck_assert_int_eq(stat(in_release(&o, "b/c"), &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	take_back(&o);
	take_back(&o); /* it is gone already: no error */
	/* Moved about and copied: c becomes three, one of them where a was. */
	o = deploy(TREE({ "a", 'f', "two", 0 }, { "b", 'f', "two", 0755 },
		{ "f", 'd', NULL, 0 }, { "f/a", 'f', "one", 0 },
		{ "f/c", 'f', "two", 0 }));
	ck_assert_uint_eq(o.files, 0);
	take_back(&o);
	/* And swapped. */
	o = deploy(TREE({ "a", 'f', "one", 0 }, { "b", 'f', "one", 0 },
		{ "f", 'd', NULL, 0 }, { "f/a", 'f', "two", 0 }));
	ck_assert_uint_eq(o.files, 0);
}
END_TEST

/* Their stat data are older than the index that has them by then. */
static struct outcome
deploy_twice(const struct item *tree)
{
	struct outcome o = deploy(tree);

	take_back(&o);
	usleep(20000);
	return deploy(tree);
}

START_TEST(directories_that_are_not_read_hold_no_surprise)
{
	const struct item *tree = TREE({ "a", 'd', NULL, 0 },
		{ "a/b", 'f', "one", 0 }, { "a/c", 'd', NULL, 0 },
		{ "a/c/d", 'f', "two", 0 }, { "a/c/e", 'l', "d", 0 });
	struct outcome o;

	unit_store(&store);
	o = deploy_twice(tree);
	take_back(&o);
	/* The new tree lacks a file, a link and a directory. */
	o = deploy(TREE({ "a", 'd', NULL, 0 }, { "a/b", 'f', "one", 0 }));
	take_back(&o);
	o = deploy_twice(tree);
	take_back(&o);
	o = deploy(TREE({ "a", 'd', NULL, 0 }, { "a/c", 'd', NULL, 0 },
		{ "a/c/d", 'f', "two", 0 }));
	ck_assert_uint_eq(o.files, 0);
	take_back(&o);
	/* Something is there that the index does not know. */
	o = deploy_twice(tree);
	take_back(&o);
	usleep(20000);
	unit_write(".deployd/next/a/c/strange", "x");
	ck_assert_int_eq(unlink(".deployd/next/a/b"), 0);
	ck_assert_uint_eq(deploy(tree).files, 1);
	/* A directory has become a file, and what it held is elsewhere. */
	o = deploy_twice(tree);
	take_back(&o);
	o = deploy(TREE({ "a", 'f', "two", 0 }, { "b", 'f', "one", 0 }));
	ck_assert_uint_eq(o.files, 0);
}
END_TEST

static void
litter(void)
{
	ck_assert_int_eq(mkdir(".deployd/next", 0755), 0);
	ck_assert_int_eq(chdir(".deployd/next"), 0);
	unit_write("junk", "junk");
	unit_write("dir", "a file where a directory goes");
	ck_assert_int_eq(symlink("/", "up"), 0);
	ck_assert_int_eq(mkdir("file", 0755), 0);
	unit_write("file/below", "x");
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(mkdir("closed", 0755), 0);
	unit_write("closed/x", "x");
	ck_assert_int_eq(chmod("closed", 0), 0);
	ck_assert_int_eq(mkdir("kept", 0755), 0);
	unit_write("kept/good", "good");
	unit_write("kept/bad", "xxx");
	ck_assert_int_eq(chmod("kept", 0555), 0);
	ck_assert_int_eq(chdir("../.."), 0);
}

START_TEST(what_lies_in_next_is_only_a_hint)
{
	struct outcome o;

	unit_store(&store);
	litter();
	o = deploy(TREE({ "dir", 'd', NULL, 0 }, { "dir/a", 'f', "good", 0 },
		{ "fifo", 'f', "1", 0 }, { "file", 'f', "2", 0 },
		{ "kept", 'd', NULL, 0 }, { "kept/bad", 'f', "bad", 0 },
		{ "kept/good", 'f', "good", 0 }, { "up", 'd', NULL, 0 },
		{ "up/etc", 'd', NULL, 0 }));
	ck_assert_uint_eq(o.files, 3);
}
END_TEST

START_TEST(directories_closed_to_their_owner_are_no_obstacle)
{
	const struct item *tree = TREE({ "a", 'd', NULL, 0555 },
		{ "a/b", 'f', "one", 0444 }, { "a/c", 'd', NULL, 0555 },
		{ "a/c/d", 'f', "two", 0444 }, { "a/e", 'l', "b", 0 });
	struct outcome o;

	close(unit_dir());
	unit_drop_root();
	unit_store(&store);
	litter();
	o = deploy(tree);
	take_back(&o);
	o = deploy(tree);
	ck_assert_uint_eq(o.files, 0);
	take_back(&o);
	o = deploy(TREE({ "a", 'd', NULL, 0555 }, { "a/b", 'f', "two", 0444 },
		{ "c", 'f', "one", 0 }));
	ck_assert_uint_eq(o.files, 0);
	take_back(&o);
	deploy(TREE({ "x", 'f', "x", 0 }));
}
END_TEST

START_TEST(links_out_of_next_are_not_followed)
{
	unit_store(&store);
	ck_assert_int_eq(mkdir("outside", 0755), 0);
	unit_write("outside/file", "precious");
	ck_assert_int_eq(mkdir(".deployd/next", 0755), 0);
	ck_assert_int_eq(symlink("../../outside", ".deployd/next/dir"), 0);
	ck_assert_int_eq(symlink("../../outside/file", ".deployd/next/f"), 0);
	deploy(TREE({ "dir", 'd', NULL, 0 }, { "dir/file", 'f', "new", 0 },
		{ "f", 'f', "new", 0755 }));
	ck_assert_str_eq(unit_read("outside/file"), "precious");
}
END_TEST

START_TEST(a_file_with_another_name_elsewhere_is_not_taken_over)
{
	struct outcome o;
	struct stat st, ours;

	unit_store(&store);
	o = deploy(TREE({ "a", 'f', "one", 0 }, { "b", 'f', "two", 0 }));
	unit_write("elsewhere", "two");
	/* As a build may do. */
	ck_assert_int_eq(unlink(in_release(&o, "b")), 0);
	ck_assert_int_eq(link("elsewhere", in_release(&o, "b")), 0);
	take_back(&o);
	ck_assert_int_eq(chmod("elsewhere", 0600), 0);
	o = deploy(TREE({ "a", 'f', "one", 0 }, { "b", 'f', "two", 0755 },
		{ "c", 'f', "two", 0 }));
	ck_assert_int_eq(stat("elsewhere", &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(stat(in_release(&o, "b"), &ours), 0);
	ck_assert_uint_ne(ours.st_ino, st.st_ino);
}
END_TEST

/* Another content of the same size, the time put back. */
static void
damage(const char *path)
{
	struct timespec times[2];
	struct stat st;
	int fd = open(path, O_RDWR);
	char c;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(pread(fd, &c, 1, 0), 1);
	c ^= 1;
	ck_assert_int_eq(pwrite(fd, &c, 1, 0), 1);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	ck_assert_int_eq(futimens(fd, times), 0);
	close(fd);
}

START_TEST(a_damaged_file_of_a_release_is_not_reused)
{
	const struct item *tree = TREE({ "a", 'f', "one", 0 },
		{ "b", 'f', "two", 0 });
	struct outcome o;

	unit_store(&store);
	o = deploy(tree);
	usleep(20000);
	damage(in_release(&o, "a"));
	ck_assert_uint_eq(deploy(tree).files, 1);
	ck_assert_uint_eq(deploy(tree).files, 0);
}
END_TEST

START_TEST(what_changes_before_it_is_copied_is_found_elsewhere)
{
	const struct item *tree = TREE({ "a", 'f', "one", 0 },
		{ "b", 'f', "two", 0 });
	const struct plan_options usual = { .busy = NULL };
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	int64_t times[2] = { time_of(0), time_of(1) };
	const struct stage_options o = { .times = times };
	struct outcome first, second;
	struct plan p;

	unit_store(&store);
	first = deploy(tree);
	second = deploy(tree);
	make_manifest(&m, tree);
	ck_assert_int_eq(plan_make(&p, &store, &m, &usual, &err), 0);
	damage(in_release(&second, "b"));
	ck_assert_int_eq(stage_tree(&store, &p, &o, &err), -1);
	ck_assert(p.outdated);
	plan_release(&p);
	ck_assert_int_eq(plan_make(&p, &store, &m, &usual, &err), 0);
	ck_assert(!p.outdated);
	ck_assert_str_eq(plan_supply(&p, &m.v[1])->origin->release, first.id);
	ck_assert_int_eq(stage_tree(&store, &p, &o, &err), 0);
	check_tree(&m, ".deployd/next", 0);
	plan_release(&p);
	manifest_release(&m);
}
END_TEST

START_TEST(a_damaged_file_in_next_is_not_reused)
{
	const struct item *tree = TREE({ "a", 'f', "one", 0 },
		{ "b", 'f', "two", 0 });
	struct outcome o;

	unit_store(&store);
	o = deploy(tree);
	take_back(&o);
	usleep(20000);
	damage(".deployd/next/b");
	ck_assert_uint_eq(deploy(tree).files, 1);
}
END_TEST

START_TEST(a_release_without_manifest_or_index_is_no_failure)
{
	const struct item *tree = TREE({ "a", 'f', "one", 0 });
	struct outcome o;
	char path[100];

	unit_store(&store);
	o = deploy(tree);
	snprintf(path, sizeof(path), ".deployd/records/%s.index", o.id);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_uint_eq(deploy(tree).files, 0);
	ck_assert_int_eq(system("rm -r .deployd/manifests/*"), 0);
	ck_assert_uint_eq(deploy(tree).files, 1);
	ck_assert_int_eq(system("rm -r .deployd/records/*"), 0);
	ck_assert_uint_eq(deploy(tree).files, 1);
}
END_TEST

START_TEST(uploads_that_are_right_are_kept_and_others_removed)
{
	const struct item *tree = TREE({ "a", 'f', "one", 0 },
		{ "b", 'f', "two", 0 });
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	struct ranges need = { NULL, 0, 0 };
	uint64_t files = 0, bytes = 0;
	char path[2][DIGEST_HEX + 20];
	struct plan p;
	size_t i;

	unit_store(&store);
	make_manifest(&m, tree);
	for (i = 0; i < 2; i++) {
		strcpy(path[i], ".deployd/tmp/");
		digest_to_hex(m.v[i].digest, path[i] + strlen(path[i]));
	}
	unit_write(path[0], "one");
	unit_write(path[1], "tw");
	unit_write(".deployd/tmp/in", "half of some file");
	/* A look changes nothing. */
	ck_assert_int_eq(plan_make(&p, &store, &m,
				 &(struct plan_options){ .look = true }, &err),
		0);
	plan_need(&p, &need, &files, &bytes);
	ck_assert_uint_eq(files, 1);
	ck_assert_uint_eq(bytes, 3);
	ck_assert_uint_eq(need.n, 1);
	ck_assert_uint_eq(need.v[0].first, 2);
	ck_assert_int_eq(access(path[1], F_OK), 0);
	ranges_release(&need);
	plan_release(&p);
	ck_assert_uint_eq(deploy(tree).files, 1);
	ck_assert_uint_eq(count_below(".deployd/tmp"), 0);
	manifest_release(&m);
}
END_TEST

START_TEST(a_content_has_no_other_size_than_its_own)
{
	const struct item *tree = TREE({ "a", 'f', "one", 0 },
		{ "b", 'f', "two", 0 }, { "c", 'f', "three", 0 });
	char path[DIGEST_HEX + 20] = ".deployd/tmp/";
	struct manifest m = MANIFEST_INIT;
	const struct plan_options usual = { .busy = NULL };
	struct error err = ERROR_INIT;
	struct plan p;
	size_t i;

	unit_store(&store);
	deploy(TREE({ "live", 'f', "three", 0 }));
	make_manifest(&m, tree);
	digest_to_hex(m.v[0].digest, path + strlen(path));
	unit_write(path, "one");
	ck_assert_int_eq(mkdir(".deployd/next", 0755), 0);
	unit_write(".deployd/next/elsewhere", "two");
	for (i = 0; i < m.n; i++)
		m.v[i].size += 2;
	ck_assert_int_eq(plan_make(&p, &store, &m, &usual, &err), 0);
	for (i = 0; i < m.n; i++)
		ck_assert_int_eq(plan_supply(&p, &m.v[i])->where, SUPPLY_NONE);
	plan_release(&p);
	manifest_release(&m);
}
END_TEST

START_TEST(without_cache_only_this_sessions_uploads_count)
{
	const struct item *tree = TREE({ "a", 'f', "one", 0 },
		{ "b", 'f', "two", 0 });
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	char path[DIGEST_HEX + 20] = ".deployd/tmp/";
	struct plan p;

	unit_store(&store);
	deploy(tree);
	make_manifest(&m, tree);
	ck_assert_int_eq(plan_make(&p, &store, &m,
				 &(struct plan_options){
					 .fresh = true, .look = true },
				 &err),
		0);
	ck_assert_int_eq(plan_supply(&p, &m.v[0])->where, SUPPLY_NONE);
	plan_release(&p);
	digest_to_hex(m.v[0].digest, path + strlen(path));
	unit_write(path, "one");
	ck_assert_int_eq(plan_make(&p, &store, &m,
				 &(struct plan_options){ .fresh = true }, &err),
		0);
	ck_assert_int_eq(plan_supply(&p, &m.v[0])->where, SUPPLY_TMP);
	ck_assert_int_eq(plan_supply(&p, &m.v[1])->where, SUPPLY_NONE);
	plan_release(&p);
	manifest_release(&m);
}
END_TEST

START_TEST(the_umask_narrows_modes)
{
	const struct item *tree = TREE({ "a", 'd', NULL, 0 },
		{ "a/b", 'f', "one", 0755 }, { "c", 'f', "two", 0 });
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	char id[RELEASE_ID_LEN + 1], dir[64];
	uint64_t files;

	unit_store(&store);
	ck_assert_int_eq(stage_with(tree, 0027, NULL, &files, &m, &err), 0);
	commit(&m, id, "live");
	snprintf(dir, sizeof(dir), "releases/%s", id);
	check_tree(&m, dir, 0027);
	manifest_release(&m);
}
END_TEST

START_TEST(a_staging_that_was_cancelled_can_be_repeated)
{
	const struct item *tree = TREE({ "a", 'f', "one", 0 },
		{ "b", 'd', NULL, 0 }, { "b/c", 'f', "two", 0 },
		{ "d", 'f', "two", 0 });
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	uint64_t files;
	int turns = 0;

	unit_store(&store);
	ck_assert_int_eq(stage_with(tree, 0, &turns, &files, &m, &err), -1);
	ck_assert_int_eq(err.status, STATUS_INT);
	manifest_release(&m);
	ck_assert_uint_eq(deploy(tree).files, 0);
}
END_TEST

START_TEST(a_crash_before_the_build_leaves_nothing_behind)
{
	const struct item *tree = TREE({ "a", 'f', "one", 0 });
	struct error err = ERROR_INIT;
	struct strv ids = STRV_INIT;
	struct outcome o;

	unit_store(&store);
	o = deploy_as(tree, "live");
	ck_assert_int_eq(store_switch(&store, o.id, &err), 0);
	deploy_as(tree, "built");
	deploy_as(TREE({ "a", 'f', "new", 0 }), "staged");
	ck_assert_int_eq(stage_recover(&store, &err), 0);
	ck_assert_int_eq(store_releases(&store, &ids, &err), 0);
	ck_assert_uint_eq(ids.n, 2);
	ck_assert_str_eq(unit_read(".deployd/next/a"), "new");
	ck_assert_uint_eq(deploy(TREE({ "b", 'f', "new", 0 })).files, 0);
	strv_release(&ids);
}
END_TEST

START_TEST(one_that_was_switched_to_is_not_taken_back)
{
	struct error err = ERROR_INIT;
	struct strv ids = STRV_INIT;
	struct outcome o;

	unit_store(&store);
	o = deploy_as(TREE({ "a", 'f', "one", 0 }), "staged");
	ck_assert_int_eq(history_append(&store, "switching", o.id, "", "ann",
				 "", &err),
		0);
	o = deploy_as(TREE({ "a", 'f', "two", 0 }), "live");
	ck_assert_int_eq(store_switch(&store, o.id, &err), 0);
	ck_assert_int_eq(stage_recover(&store, &err), 0);
	ck_assert_int_eq(store_releases(&store, &ids, &err), 0);
	ck_assert_uint_eq(ids.n, 2);
	strv_release(&ids);
}
END_TEST

static char noted[500];

static void
take_note(void *arg, const char *text)
{
	snprintf(noted, sizeof(noted), "%s", text);
}

static int
share(const struct outcome *o, const char *words, struct error *err)
{
	struct strv shared = STRV_INIT;
	int rc;

	noted[0] = '\0';
	strv_split(&shared, words, " ");
	rc = stage_shared(&store, o->id, &shared, take_note, NULL, err);
	strv_release(&shared);
	return rc;
}

START_TEST(shared_paths_are_links_out_of_the_release)
{
	struct error err = ERROR_INIT;
	struct outcome o;

	unit_store(&store);
	o = deploy(TREE({ "a", 'f', "one", 0 }, { "public", 'd', NULL, 0 }));
	ck_assert_msg(share(&o, "storage/ public/up/loads/ deep/er/dir/",
			      &err) == 0,
		"%s", err.text);
	unit_write("shared/storage/x", "x");
	ck_assert_str_eq(unit_read(in_release(&o, "storage/x")), "x");
	unit_write(in_release(&o, "public/up/loads/y"), "y");
	ck_assert_str_eq(unit_read("shared/public/up/loads/y"), "y");
	ck_assert_int_eq(access(in_release(&o, "deep/er/dir"), X_OK), 0);
	ck_assert_str_eq(noted, "");
	/* The next one gets the same. */
	o = deploy(TREE({ "a", 'f', "one", 0 }));
	ck_assert_int_eq(share(&o, "storage/ public/up/loads/", &err), 0);
	ck_assert_str_eq(unit_read(in_release(&o, "storage/x")), "x");
	ck_assert_str_eq(unit_read(in_release(&o, "public/up/loads/y")), "y");
}
END_TEST

START_TEST(a_shared_file_must_be_supplied)
{
	struct error err = ERROR_INIT;
	struct outcome o;

	unit_store(&store);
	o = deploy(TREE({ "a", 'f', "one", 0 }));
	ck_assert_int_eq(share(&o, "config/master.key", &err), -1);
	ck_assert_int_eq(err.status, STATUS_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.text, "config/master.key"));
	ck_assert_ptr_nonnull(strstr(err.hint, "/shared/config/master.key"));
	/* Its directory is there, for the command in the hint. */
	unit_write("shared/config/master.key", "secret");
	ck_assert_int_eq(share(&o, "config/master.key", &err), 0);
	ck_assert_str_eq(unit_read(in_release(&o, "config/master.key")),
		"secret");
	/* What should be a directory and is none. */
	ck_assert_int_eq(share(&o, "config/master.key/", &err), -1);
	ck_assert_int_eq(err.status, STATUS_REFUSED);
}
END_TEST

START_TEST(what_the_tree_holds_seeds_shared_once)
{
	const struct item *tree = TREE({ "db", 'd', NULL, 0 },
		{ "db/x", 'f', "seed", 0 }, { "db/y", 'd', NULL, 0 },
		{ "db/y/z", 'l', "../x", 0 }, { "key", 'f', "k", 0 });
	struct error err = ERROR_INIT;
	struct outcome o;

	unit_store(&store);
	o = deploy(tree);
	ck_assert_msg(share(&o, "db/ key", &err) == 0, "%s", err.text);
	ck_assert_str_eq(noted, "");
	ck_assert_str_eq(unit_read("shared/db/y/z"), "seed");
	ck_assert_str_eq(unit_read("shared/key"), "k");
	ck_assert_str_eq(unit_read(in_release(&o, "db/x")), "seed");
	unit_write("shared/db/x", "grown");
	o = deploy(tree);
	ck_assert_int_eq(share(&o, "db/", &err), 0);
	ck_assert_ptr_nonnull(strstr(noted, "db"));
	ck_assert_str_eq(unit_read(in_release(&o, "db/x")), "grown");
	/* A link into shared/ is not part of what is deployed next. */
	take_back(&o);
	o = deploy(tree);
	ck_assert_str_eq(unit_read(in_release(&o, "db/x")), "seed");
	ck_assert_str_eq(unit_read("shared/db/x"), "grown");
}
END_TEST

START_TEST(a_shared_path_through_a_link_is_an_error)
{
	struct error err = ERROR_INIT;
	struct outcome o;

	unit_store(&store);
	ck_assert_int_eq(mkdir("outside", 0755), 0);
	o = deploy(TREE({ "a", 'l', "../../outside", 0 }));
	ck_assert_int_eq(share(&o, "a/b/", &err), -1);
	ck_assert_uint_eq(count_below("outside"), 0);
}
END_TEST

static void
carry(const struct outcome *to, const struct outcome *from, const char *words)
{
	struct strv list = STRV_INIT;
	struct error err = ERROR_INIT;

	strv_split(&list, words, " ");
	ck_assert_msg(stage_carry(&store, to->id, from ? from->id : "", &list,
			      NULL, &err) == 0,
		"%s", err.text);
	strv_release(&list);
}

START_TEST(build_products_are_carried_with_modes_and_times)
{
	const struct item *tree = TREE({ "src", 'd', NULL, 0 });
	struct timespec times[2] = { { 1000, 5 }, { 2000, 7 } };
	struct outcome a, b;
	struct stat st;

	unit_store(&store);
	a = deploy(tree);
	ck_assert_int_eq(mkdir(in_release(&a, "out"), 0750), 0);
	unit_write(in_release(&a, "out/x"), "product");
	ck_assert_int_eq(chmod(in_release(&a, "out/x"), 0755), 0);
	ck_assert_int_eq(symlink("x", in_release(&a, "out/l")), 0);
	ck_assert_int_eq(mkfifo(in_release(&a, "out/fifo"), 0600), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, in_release(&a, "out/x"), times, 0),
		0);
	ck_assert_int_eq(utimensat(AT_FDCWD, in_release(&a, "out"), times, 0),
		0);
	unit_write(in_release(&a, "src/cache"), "cached");
	b = deploy(tree);
	carry(&b, NULL, "out");
	ck_assert_int_eq(access(in_release(&b, "out"), F_OK), -1);
	carry(&b, &a, "out/ src/cache none none/at/all");
	ck_assert_str_eq(unit_read(in_release(&b, "out/l")), "product");
	ck_assert_str_eq(unit_read(in_release(&b, "src/cache")), "cached");
	ck_assert_int_eq(stat(in_release(&b, "out/x"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(st.st_mtim.tv_sec, 2000);
	ck_assert_int_eq(st.st_mtim.tv_nsec, 7);
	ck_assert_uint_eq(st.st_nlink, 1);
	ck_assert_int_eq(stat(in_release(&b, "out"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0750);
	ck_assert_int_eq(st.st_mtim.tv_sec, 2000);
	ck_assert_int_eq(access(in_release(&b, "out/fifo"), F_OK), -1);
	ck_assert_int_eq(access(in_release(&b, "none"), F_OK), -1);
}
END_TEST

START_TEST(the_trees_own_win_over_what_is_carried)
{
	struct outcome a, b;
	struct stat st;

	unit_store(&store);
	a = deploy(TREE({ "out", 'd', NULL, 0 }));
	unit_write(in_release(&a, "out/both"), "old");
	unit_write(in_release(&a, "out/more"), "more");
	ck_assert_int_eq(mkdir(in_release(&a, "out/dir"), 0755), 0);
	unit_write(in_release(&a, "out/dir/x"), "x");
	unit_write(in_release(&a, "out/file"), "file");
	ck_assert_int_eq(symlink("x", in_release(&a, "out/link")), 0);
	ck_assert_int_eq(mkdir(in_release(&a, "out/link2"), 0755), 0);
	unit_write(in_release(&a, "out/link2/y"), "y");
	ck_assert_int_eq(chmod(in_release(&a, "out"), 0700), 0);
	b = deploy(TREE({ "elsewhere", 'd', NULL, 0 }, { "out", 'd', NULL, 0 },
		{ "out/both", 'f', "new", 0 }, { "out/dir", 'f', "file", 0 },
		{ "out/file", 'd', NULL, 0 }, { "out/link", 'f', "no", 0 },
		{ "out/link2", 'l', "../elsewhere", 0 }));
	carry(&b, &a, "out");
	ck_assert_str_eq(unit_read(in_release(&b, "out/both")), "new");
	ck_assert_str_eq(unit_read(in_release(&b, "out/more")), "more");
	ck_assert_str_eq(unit_read(in_release(&b, "out/dir")), "file");
	ck_assert_str_eq(unit_read(in_release(&b, "out/link")), "no");
	ck_assert_int_eq(stat(in_release(&b, "out/file"), &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	ck_assert_uint_eq(count_below(in_release(&b, "elsewhere")), 0);
	/* Its mode is the tree's. */
	ck_assert_int_eq(stat(in_release(&b, "out"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
}
END_TEST

START_TEST(what_cannot_be_reached_is_not_carried)
{
	struct outcome a, b;

	unit_store(&store);
	ck_assert_int_eq(mkdir("outside", 0755), 0);
	unit_write("outside/x", "x");
	a = deploy(TREE({ "file", 'f', "1", 0 },
		{ "link", 'l', "../../outside", 0 }));
	b = deploy(TREE({ "z", 'f', "1", 0 }));
	/* Neither through a file nor through a link of the old release. */
	carry(&b, &a, "file/x link/x");
	ck_assert_uint_eq(count_below(in_release(&b, "")), 1);
	/* Nor to where the new tree has a file or a link now. */
	b = deploy(TREE({ "out", 'f', "1", 0 }));
	a = deploy(TREE({ "out", 'd', NULL, 0 }, { "out/x", 'f', "2", 0 }));
	carry(&b, &a, "out/x");
	ck_assert_uint_eq(count_below(in_release(&b, "")), 1);
}
END_TEST

START_TEST(many_files_are_staged_and_synced)
{
	static char names[400][8], texts[400][8];
	static struct item tree[401];
	size_t i;

	unit_store(&store);
	for (i = 0; i < 400; i++) {
		snprintf(names[i], sizeof(names[i]), "%03zu", i);
		snprintf(texts[i], sizeof(texts[i]), "t%zu", i / 2);
		tree[i] = (struct item){ names[i], 'f', texts[i], 0 };
	}
	ck_assert_uint_eq(deploy(tree).files, 200);
	ck_assert_uint_eq(deploy(tree).files, 0);
}
END_TEST

/* What a plan finds of a path in next/. */
static int
place_in_next(const struct item *tree, const char *path)
{
	const struct plan_options look = { .look = true };
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	struct plan p;
	int place;

	make_manifest(&m, tree);
	ck_assert_int_eq(plan_make(&p, &store, &m, &look, &err), 0);
	place = p.seen[manifest_find(&m, path) - m.v].place;
	plan_release(&p);
	manifest_release(&m);
	return place;
}

/* As who prepares does it, up to where that is synced, and behind that. */
static void
prepare(const struct item *tree, bool synced)
{
	const struct plan_options spare = { .spare = true };
	struct manifest m = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	int64_t times[16] = { 0 };
	const struct stage_options o = { .times = times, .spare = true };
	struct plan p;

	make_manifest(&m, tree);
	ck_assert_int_eq(plan_make(&p, &store, &m, &spare, &err), 0);
	ck_assert_int_eq(stage_tree(&store, &p, &o, &err), 0);
	stage_let_pass(&p, 0);
	ck_assert_int_eq(stage_save_index(&store, &p, synced, &err), 0);
	plan_release(&p);
	manifest_release(&m);
}

START_TEST(what_was_placed_and_not_synced_is_not_taken_as_synced)
{
	const struct item *tree = TREE({ "d", 'd', NULL, 0 },
		{ "d/f", 'f', "one", 0 }, { "e", 'd', NULL, 0 },
		{ "l", 'l', "d/f", 0 });
	const char *const paths[] = { "d", "d/f", "e", "l" };
	size_t i;

	unit_store(&store);
	deploy(tree);
	prepare(tree, false);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(place_in_next(tree, paths[i]), PLACE_HASHED);
	/* Once more, with all in place. */
	prepare(tree, false);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(place_in_next(tree, paths[i]), PLACE_HASHED);
	prepare(tree, true);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(place_in_next(tree, paths[i]), PLACE_SYNCED);
	/* A name more in one directory. */
	unit_write(".deployd/next/d/g", "new");
	ck_assert_int_eq(place_in_next(tree, "d"), PLACE_HASHED);
	ck_assert_int_eq(place_in_next(tree, "e"), PLACE_SYNCED);
	ck_assert_int_eq(unlink(".deployd/next.index"), 0);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(place_in_next(tree, paths[i]), PLACE_HASHED);
}
END_TEST

/* A file that is not older than the plan, found by that. */
START_TEST(what_was_hashed_in_the_tick_of_its_change_is_not_vouched_for)
{
	const struct item *tree = TREE({ "a", 'f', "one", 0 },
		{ "b", 'f', "two", 0 });
	struct timespec times[2] = { { 0, UTIME_OMIT }, { 0, 1 } };
	struct outcome o;

	unit_store(&store);
	ck_assert_int_eq(mkdir(".deployd/next", 0700), 0);
	unit_write(".deployd/next/a", "one");
	unit_write(".deployd/next/b", "two");
	/* The next tick is far away. */
	times[1].tv_sec = time(NULL) + 1000;
	ck_assert_int_eq(utimensat(AT_FDCWD, ".deployd/next/b", times, 0), 0);
	usleep(20000);
	ck_assert_int_eq(place_in_next(tree, "a"), PLACE_HASHED);
	ck_assert_int_eq(place_in_next(tree, "b"), PLACE_UNSETTLED);
	o = deploy(tree);
	usleep(20000);
	take_back(&o);
	ck_assert_int_eq(place_in_next(tree, "b"), PLACE_HASHED);
	o = deploy(tree);
	usleep(20000);
	take_back(&o);
	ck_assert_int_eq(place_in_next(tree, "b"), PLACE_SYNCED);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("stage");
	TCase *tc = tcase_create("stage");

	umask(022);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_first_release_needs_everything_once);
	tcase_add_test(tc, an_empty_tree_is_a_release);
	tcase_add_test(tc, nothing_that_is_held_is_needed_again);
	tcase_add_test(tc, types_change_in_every_direction);
	tcase_add_test(tc, a_failed_release_is_what_the_next_one_begins_with);
	tcase_add_test(tc, directories_that_are_not_read_hold_no_surprise);
	tcase_add_test(tc, what_lies_in_next_is_only_a_hint);
	tcase_add_test(tc, directories_closed_to_their_owner_are_no_obstacle);
	tcase_add_test(tc, links_out_of_next_are_not_followed);
	tcase_add_test(tc,
		a_file_with_another_name_elsewhere_is_not_taken_over);
	tcase_add_test(tc, a_damaged_file_of_a_release_is_not_reused);
	tcase_add_test(tc, what_changes_before_it_is_copied_is_found_elsewhere);
	tcase_add_test(tc, a_damaged_file_in_next_is_not_reused);
	tcase_add_test(tc, a_release_without_manifest_or_index_is_no_failure);
	tcase_add_test(tc, uploads_that_are_right_are_kept_and_others_removed);
	tcase_add_test(tc, a_content_has_no_other_size_than_its_own);
	tcase_add_test(tc, without_cache_only_this_sessions_uploads_count);
	tcase_add_test(tc, the_umask_narrows_modes);
	tcase_add_test(tc, a_staging_that_was_cancelled_can_be_repeated);
	tcase_add_test(tc, a_crash_before_the_build_leaves_nothing_behind);
	tcase_add_test(tc, one_that_was_switched_to_is_not_taken_back);
	tcase_add_test(tc, shared_paths_are_links_out_of_the_release);
	tcase_add_test(tc, a_shared_file_must_be_supplied);
	tcase_add_test(tc, what_the_tree_holds_seeds_shared_once);
	tcase_add_test(tc, a_shared_path_through_a_link_is_an_error);
	tcase_add_test(tc, build_products_are_carried_with_modes_and_times);
	tcase_add_test(tc, the_trees_own_win_over_what_is_carried);
	tcase_add_test(tc, what_cannot_be_reached_is_not_carried);
	tcase_add_test(tc, many_files_are_staged_and_synced);
	tcase_add_test(tc,
		what_was_placed_and_not_synced_is_not_taken_as_synced);
	tcase_add_test(tc,
		what_was_hashed_in_the_tick_of_its_change_is_not_vouched_for);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
