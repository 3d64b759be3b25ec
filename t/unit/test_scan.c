#include "tree/scan.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/log.h"
#include "tree/chunk.h"
#include "tree/index.h"
#include "tree/kept.h"

#include "unit.h"

/* The tests of the tree in the working directory share these. */
static struct scan_options options;
static struct manifest m;
static struct scan_result result;
static struct error err;
static struct buf text;
/* The directory that holds the tree: where the index is. */
static int outside;

static int
scan(void)
{
	scan_result_release(&result);
	manifest_release(&m);
	return scan_tree(&options, &m, &result, &err);
}

/* An empty tree in the working directory. */
static void
tree(void)
{
	memset(&options, 0, sizeof(options));
	if (outside > 0)
		close(outside);
	outside = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	options.dirfd = unit_dir();
	options.path = ".";
	log_set_level(LOG_QUIET);
}

/* Scans; the types and paths, as "d a f a/b" with a space between. */
static const char *
listed(void)
{
	size_t i;

	ck_assert_msg(scan() == 0, "%s", err.text);
	buf_clear(&text);
	for (i = 0; i < m.n; i++)
		buf_addf(&text, "%s%c %s", i ? " " : "", m.v[i].type,
			m.v[i].path);
	return buf_str(&text);
}

static void
make(const char *path)
{
	char *copy = strdup(path), *slash = copy;

	while ((slash = strchr(slash, '/'))) {
		*slash = '\0';
		ck_assert(mkdir(copy, 0755) == 0 || errno == EEXIST);
		*slash++ = '/';
	}
	if (path[strlen(path) - 1] != '/')
		unit_write(path, path);
	free(copy);
}

START_TEST(an_empty_tree_is_empty)
{
	tree();
	ck_assert_str_eq(listed(), "");
}
END_TEST

START_TEST(entries_are_in_order_with_parents_first)
{
	size_t i;

	tree();
	make("a.b");
	make("a/z");
	make("a/b/c");
	make("a-");
	make("a0/");
	make("\xc3\xa9");
	ck_assert_int_eq(symlink("nowhere", "l"), 0);
	ck_assert_str_eq(listed(),
		"d a d a/b f a/b/c f a/z f a- f a.b d a0 "
		"l l f \xc3\xa9");
	for (i = 0; i < m.n; i++)
		ck_assert_uint_eq(m.v[i].line, i + 1);
}
END_TEST

START_TEST(files_are_hashed)
{
	uint8_t want[DIGEST_SIZE];

	tree();
	unit_write("file", "hello");
	listed();
	digest_bytes("hello", 5, want);
	ck_assert_mem_eq(m.v[0].digest, want, DIGEST_SIZE);
	ck_assert_uint_eq(m.v[0].size, 5);
	ck_assert_uint_eq(result.files, 1);
	ck_assert_uint_eq(result.bytes, 5);
	ck_assert_uint_eq(result.hashed, 5);
}
END_TEST

/* A file of so many bytes, which are not all the same. */
static void
make_large(const char *path, size_t size)
{
	char *data = mem_alloc(size);
	uint64_t x = size;
	size_t i;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	for (i = 0; i < size; i++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		data[i] = (char)(x >> 56);
	}
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(io_write_full(fd, data, size), 0);
	close(fd);
	free(data);
}

/* Whether the entry has the chunks and the digest of what it reads. */
static void
assert_divided(const struct entry *e)
{
	struct buf b = BUF_INIT;
	struct chunker c;
	struct chunks *want;
	uint8_t digest[DIGEST_SIZE];

	ck_assert_int_eq(io_read_file(options.dirfd, e->path, 1 << 24, &b,
				 &err),
		0);
	chunker_init(&c);
	chunker_add(&c, b.data, b.len);
	want = chunker_end(&c);
	chunker_release(&c);
	digest_bytes(b.data, b.len, digest);
	ck_assert_mem_eq(e->digest, digest, DIGEST_SIZE);
	ck_assert_ptr_nonnull(e->chunks);
	ck_assert_uint_eq(e->chunks->n, want->n);
	ck_assert_mem_eq(e->chunks->v, want->v, want->n * sizeof(*want->v));
	free(want);
	buf_release(&b);
}

START_TEST(large_files_are_divided)
{
	uint32_t lines;
	int i;

	tree();
	make_large("a", 9000000); /* by a thread */
	make_large("b", 2000000);
	make_large("c", CHUNK_FILE);
	make_large("d", CHUNK_FILE + 1);
	make("e");
	usleep(20000); /* or it is in the same tick */
	for (i = 0; i < 3; i++) {
		if (i)
			options.index = index_load(outside, "index");
		ck_assert_str_eq(listed(), "f a f b f c f d f e");
		ck_assert_uint_eq(result.hashed, i < 2 ? result.bytes : 0);
		assert_divided(&m.v[0]);
		assert_divided(&m.v[1]);
		ck_assert_ptr_null(m.v[2].chunks);
		assert_divided(&m.v[3]);
		ck_assert_ptr_null(m.v[4].chunks);
		lines = 1 + m.v[0].chunks->n + 1 + m.v[1].chunks->n + 1;
		ck_assert_uint_eq(m.v[2].line, lines);
		ck_assert_uint_eq(m.v[4].line, lines + 2 + m.v[3].chunks->n);
		ck_assert_uint_eq(m.lines, m.v[4].line);
		if (i)
			ck_assert_int_eq(index_save(options.index, &err), 0);
		index_free(options.index);
	}
}
END_TEST

START_TEST(modes_are_gits)
{
	tree();
	make("d/x");
	make("y");
	ck_assert_int_eq(chmod("d", 02700), 0);
	ck_assert_int_eq(chmod("d/x", 0701), 0);
	ck_assert_int_eq(chmod("y", 0611), 0);
	listed();
	ck_assert_uint_eq(m.v[0].mode, 0755);
	ck_assert_uint_eq(m.v[1].mode, 0755);
	ck_assert_uint_eq(m.v[2].mode, 0644);
	ck_assert_int_eq(chmod("d", 0700), 0);
	options.exact_modes = true;
	listed();
	ck_assert_uint_eq(m.v[0].mode, 0700);
	ck_assert_uint_eq(m.v[1].mode, 0701);
	ck_assert_uint_eq(m.v[2].mode, 0611);
}
END_TEST

START_TEST(links_are_carried_and_not_followed)
{
	tree();
	make("d/x");
	ck_assert_int_eq(symlink("../../etc", "d/l"), 0);
	ck_assert_int_eq(symlink("d", "to-d"), 0);
	ck_assert_str_eq(listed(), "d d l d/l f d/x l to-d");
	ck_assert_str_eq(m.v[1].target, "../../etc");
	ck_assert_str_eq(m.v[3].target, "d");
	ck_assert_uint_eq(m.v[1].mode, 0);
}
END_TEST

START_TEST(version_control_is_left_out)
{
	tree();
	make(".git/HEAD");
	make("sub/.git");
	make("sub/x");
	make("old/.svn/entries");
	make("old/x");
	make(".gitattributes");
	make(".gitkeep");
	make(".github/x");
	ck_assert_str_eq(listed(),
		"d .github f .github/x f .gitkeep d old "
		"f old/x d sub f sub/x");
}
END_TEST

START_TEST(deploys_own_files_are_left_out)
{
	tree();
	make("deploy.conf");
	make("sub/deploy.conf");
	unit_write(".deployignore", "");
	ck_assert_str_eq(listed(), "f deploy.conf d sub f sub/deploy.conf");
	options.project = ".";
	ck_assert_str_eq(listed(), "d sub f sub/deploy.conf");
}
END_TEST

START_TEST(ignored_directories_are_not_entered)
{
	tree();
	unit_write(".gitignore", "deps/\n*.o\n!keep.o\n");
	make("deps/x/y");
	make("src/a.o");
	make("src/keep.o");
	make("src/a.c");
	unit_drop_root();
	ck_assert_int_eq(chmod("deps", 0), geteuid() ? -1 : 0);
	ck_assert_str_eq(listed(), "d src f src/a.c f src/keep.o");
}
END_TEST

START_TEST(empty_directories_are_kept_unless_rules_emptied_them)
{
	tree();
	unit_write(".gitignore", "*.pyc\n");
	make("empty/");
	make("cache/a.pyc");
	make("outer/cache/a.pyc");
	make("logs/a.pyc");
	unit_write("logs/.gitignore", "*\n!.gitignore\n");
	ck_assert_str_eq(listed(), "d empty d logs");
}
END_TEST

START_TEST(deployignore_is_stronger)
{
	tree();
	unit_write(".gitignore", "built\n*.log\n");
	unit_write(".deployignore", "tests\n!/built\n!a.log\n");
	make("built/app");
	make("tests/x");
	make("a.log");
	make("b.log");
	make("sub/x");
	make("sub/y");
	unit_write("sub/.deployignore", "/x\n");
	ck_assert_str_eq(listed(),
		"f a.log d built f built/app d sub "
		"f sub/y");
}
END_TEST

START_TEST(rules_behind_a_link_are_not_read)
{
	tree();
	make("a");
	make("b/a");
	unit_write("b/rules", "a\n");
	ck_assert_int_eq(symlink("b/rules", ".gitignore"), 0);
	ck_assert_int_eq(symlink("rules", "b/.gitignore"), 0);
	ck_assert_str_eq(listed(), "f a d b f b/a f b/rules");
}
END_TEST

START_TEST(include_brings_back_what_is_ignored)
{
	tree();
	unit_write(".gitignore", "dist\nnode_modules\n*.map\n");
	make("dist/app.js");
	make("dist/app.map");
	make("dist/sub/x.map");
	make("node_modules/m/dist/x");
	make("node_modules/m/y");
	make("x.map");
	strv_add(&options.include, "dist/");
	ck_assert_str_eq(listed(),
		"d dist f dist/app.js f dist/app.map "
		"d dist/sub f dist/sub/x.map");
	unit_write(".deployignore", "*.map\n");
	ck_assert_str_eq(listed(), "d dist f dist/app.js");
	strv_clear(&options.include);
	strv_add(&options.include, "node_modules/m/dist");
	strv_add(&options.include, "*.map");
	unit_write(".deployignore", "");
	ck_assert_str_eq(listed(),
		"d node_modules d node_modules/m "
		"d node_modules/m/dist f node_modules/m/dist/x f x.map");
	strv_clear(&options.include);
	strv_add(&options.include, "**/*.map");
	ck_assert_str_eq(listed(),
		"d dist f dist/app.map d dist/sub "
		"f dist/sub/x.map f x.map");
	strv_release(&options.include);
}
END_TEST

START_TEST(rules_above_the_tree_count_but_not_against_the_tree)
{
	int top = unit_dir();

	make(".git/HEAD");
	unit_write(".gitignore", "*.log\ndist\n/web/x\n");
	make("web/x");
	make("web/y");
	make("web/a.log");
	make("dist/z");
	make("dist/b.log");
	memset(&options, 0, sizeof(options));
	options.path = "web";
	options.dirfd = openat(top, "web", O_RDONLY | O_DIRECTORY);
	ck_assert_str_eq(listed(), "f y");
	options.path = "dist";
	options.dirfd = openat(top, "dist", O_RDONLY | O_DIRECTORY);
	ck_assert_str_eq(listed(), "f b.log f z");
}
END_TEST

START_TEST(without_a_repository_rules_begin_at_the_project)
{
	int top = unit_dir();

	unit_write(".gitignore", "a\n");
	make("p/tree/a");
	make("p/tree/b");
	make("p/tree/c");
	unit_write("p/.deployignore", "b\n");
	memset(&options, 0, sizeof(options));
	options.path = "p/tree";
	options.dirfd = openat(top, "p/tree", O_RDONLY | O_DIRECTORY);
	ck_assert_str_eq(listed(), "f a f b f c");
	options.project = "p";
	ck_assert_str_eq(listed(), "f a f c");
}
END_TEST

START_TEST(what_cannot_be_in_a_tree_is_refused_by_name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	tree();
	make("ok");
	ck_assert_int_eq(mkfifo("fifo", 0644), 0);
	ck_assert_int_eq(scan(), -1);
	ck_assert_str_eq(err.text, "this cannot be deployed: fifo: a fifo");
	strcpy(address.sun_path, "socket");
	ck_assert_int_eq(bind(s, (struct sockaddr *)&address, sizeof(address)),
		0);
	make("suid");
	ck_assert_int_eq(chmod("suid", 04755), 0);
	make("new\nline");
	ck_assert_int_eq(scan(), -1);
	ck_assert_str_eq(err.text,
		"4 paths cannot be deployed, fifo: a fifo among them");
	ck_assert_int_eq(err.status, STATUS_LOCAL);
	unit_write(".gitignore", "fifo\nsocket\nsuid\nnew*\n");
	ck_assert_str_eq(listed(), "f ok");
	close(s);
}
END_TEST

START_TEST(what_cannot_be_read_is_refused_by_name)
{
	tree();
	make("d/x");
	ck_assert_int_eq(chmod("d", 0), 0);
	unit_drop_root();
	ck_assert_int_eq(scan(), -1);
	ck_assert_str_eq(err.text,
		"this cannot be deployed: d: Permission denied");
}
END_TEST

/* Makes directories of one letter until the path has len bytes. */
static void
make_deep(size_t len, size_t name_len)
{
	int at = open(".", O_RDONLY | O_DIRECTORY), fd;
	size_t have = 0;
	char name[256];

	memset(name, 'n', sizeof(name));
	while (have < len) {
		size_t n = len - have < name_len ? len - have : name_len;

		/* No room for a slash and a name. */
		if (len - have - n == 1)
			n += n > 1 ? -1 : 1;
		name[n] = '\0';
		ck_assert_int_eq(mkdirat(at, name, 0755), 0);
		fd = openat(at, name, O_RDONLY | O_DIRECTORY);
		ck_assert_int_ge(fd, 0);
		close(at);
		at = fd;
		name[n] = 'n';
		have += n + 1;
	}
	close(at);
}

START_TEST(paths_up_to_4096_bytes_are_taken)
{
	tree();
	make_deep(4096, 1 + _i * 199);
	ck_assert_msg(scan() == 0, "%s", err.text);
	ck_assert_uint_eq(strlen(m.v[m.n - 1].path), 4096);
}
END_TEST

START_TEST(longer_paths_are_refused)
{
	tree();
	make_deep(4098, 199);
	ck_assert_int_eq(scan(), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "longer than 4096 bytes"));
}
END_TEST

START_TEST(a_file_at_a_long_path_is_hashed)
{
	struct entry e = { 0 };
	char *path;
	int at, fd;

	tree();
	make_deep(4094, 200);
	ck_assert_int_eq(scan(), 0);
	path = strdup(m.v[m.n - 1].path);
	at = open(path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(at, 0);
	fd = openat(at, "f", O_WRONLY | O_CREAT, 0644);
	ck_assert_int_eq(io_write_full(fd, "x", 1), 0);
	close(fd);
	ck_assert_msg(scan() == 0, "%s", err.text);
	e = m.v[m.n - 1];
	ck_assert_int_eq(e.type, 'f');
	ck_assert_uint_eq(strlen(e.path), 4096);
	ck_assert_int_eq(scan_file(options.dirfd, false, &e, &err), 0);
	ck_assert(entry_equal(&e, &m.v[m.n - 1]));
	free(path);
}
END_TEST

START_TEST(the_index_spares_reading)
{
	int i;

	tree();
	for (i = 0; i < 50; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", i);
		unit_write(name, "1234567890");
	}
	usleep(20000); /* or it is in the same tick */
	for (i = 0; i < 2; i++) {
		options.index = index_load(outside, "index");
		listed();
		ck_assert_uint_eq(result.hashed, i ? 0 : 500);
		ck_assert_int_eq(index_save(options.index, &err), 0);
		index_free(options.index);
	}
}
END_TEST

START_TEST(an_edit_that_keeps_size_and_mtime_is_seen)
{
	uint8_t before[DIGEST_SIZE];
	struct stat st;
	int i;

	tree();
	/* At every distance from the tick in which the index was made. */
	for (i = 0; i < 40; i++) {
		struct timespec times[2];

		unit_write("f", "old");
		ck_assert_int_eq(stat("f", &st), 0);
		usleep(200 * (unsigned)i);
		options.index = index_load(outside, "index");
		listed();
		ck_assert_int_eq(index_save(options.index, &err), 0);
		index_free(options.index);
		memcpy(before, m.v[0].digest, DIGEST_SIZE);
		unit_write("f", "new");
		times[0] = st.st_atim;
		times[1] = st.st_mtim;
		ck_assert_int_eq(utimensat(AT_FDCWD, "f", times, 0), 0);
		options.index = index_load(outside, "index");
		listed();
		index_free(options.index);
		ck_assert_mem_ne(before, m.v[0].digest, DIGEST_SIZE);
	}
}
END_TEST

static void
no_change(void)
{
}

static void
edit(void)
{
	unit_write("d/f3", "edited");
}

/* Only the content and ctime differ then. */
static void
edit_secretly(void)
{
	struct timespec times[2];
	struct stat st;

	ck_assert_int_eq(stat("d/f3", &st), 0);
	unit_write("d/f3", "d/F3");
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	ck_assert_int_eq(utimensat(AT_FDCWD, "d/f3", times, 0), 0);
}

static void
touch_all(void)
{
	ck_assert_int_eq(system("touch -d 2001-01-01 * d/*"), 0);
}

static void
add_and_remove(void)
{
	make("a");
	make("d/f33");
	make("z/z");
	ck_assert_int_eq(unlink("d/f7"), 0);
}

static void
rename_directory(void)
{
	ck_assert_int_eq(rename("d", "e"), 0);
}

/* With the size and mtime of the one that it replaces. */
static void
swap_two(void)
{
	ck_assert_int_eq(rename("d/f1", "t"), 0);
	ck_assert_int_eq(rename("d/f2", "d/f1"), 0);
	ck_assert_int_eq(rename("t", "d/f2"), 0);
}

static void
make_executable(void)
{
	ck_assert_int_eq(chmod("d/f4", 0755), 0);
}

static void
change_types(void)
{
	ck_assert_int_eq(unlink("d/f5"), 0);
	make("d/f5/f");
	ck_assert_int_eq(unlink("d/f6"), 0);
	ck_assert_int_eq(symlink("f7", "d/f6"), 0);
}

static void
spoil_index(void)
{
	int fd = open("../index", O_RDWR);
	char c;

	ck_assert_int_eq(pread(fd, &c, 1, 80), 1);
	c ^= 1;
	ck_assert_int_eq(pwrite(fd, &c, 1, 80), 1);
	close(fd);
}

static void
scan_with_index(struct buf *out)
{
	options.index = index_load(outside, "index");
	ck_assert_msg(scan() == 0, "%s", err.text);
	ck_assert_int_eq(index_save(options.index, &err), 0);
	index_free(options.index);
	options.index = NULL;
	buf_clear(out);
	manifest_write(&m, out);
}

static void (*const changes[])(void) = { no_change, edit, edit_secretly,
	touch_all, add_and_remove, rename_directory, swap_two, make_executable,
	change_types };

/* The state of the index when a changed tree is scanned. */
enum index_state { EMPTY, WARM, STALE, CORRUPT };

START_TEST(the_index_never_changes_what_is_found)
{
	struct buf want = BUF_INIT, got = BUF_INIT;
	enum index_state state;
	char name[16];
	int i;

	for (state = EMPTY; state <= CORRUPT; state++) {
		tree();
		(void)unlink("../index");
		make("b");
		make("d/f");
		for (i = 0; i < 20; i++) {
			snprintf(name, sizeof(name), "d/f%d", i);
			make(name);
		}
		usleep(20000); /* or all of it is racy */
		if (state != EMPTY)
			scan_with_index(&got);
		changes[_i]();
		if (state == WARM)
			scan_with_index(&got);
		if (state == CORRUPT)
			spoil_index();
		ck_assert_msg(scan() == 0, "%s", err.text);
		buf_clear(&want);
		manifest_write(&m, &want);
		for (i = 0; i < 2; i++) {
			scan_with_index(&got);
			ck_assert_str_eq(got.data, want.data);
		}
	}
	buf_release(&want);
	buf_release(&got);
}
END_TEST

START_TEST(threads_find_what_one_finds)
{
	uint8_t id[DIGEST_SIZE];
	int i;

	tree();
	for (i = 0; i < 300; i++) {
		char name[32];

		snprintf(name, sizeof(name), "d%d/e%d/f%d", i % 17, i % 5, i);
		make(name);
	}
	unit_write(".gitignore", "f7\nd5/e1\n");
	unit_write("d3/.gitignore", "*\n!e2/\n!e2/**\n");
	unit_write("d4/.deployignore", "e*\n");
	options.threads = 1;
	listed();
	memcpy(id, m.id, DIGEST_SIZE);
	ck_assert_ptr_nonnull(strstr(text.data, "d d3/e2 "));
	ck_assert_ptr_null(strstr(text.data, "d3/e1"));
	ck_assert_ptr_null(strstr(text.data, "d4/"));
	for (i = 0; i < 50; i++) {
		options.threads = 2 + i % 7;
		listed();
		ck_assert_mem_eq(id, m.id, DIGEST_SIZE);
	}
}
END_TEST

/* The file of that place in the manifest, or none. */
static void
check_kept(struct kept *kept, size_t place)
{
	const struct entry *e = &m.v[place];
	struct kept_file *f = kept_take(kept, place);
	uint8_t digest[DIGEST_SIZE];

	if (e->type != ENTRY_FILE || !e->size || e->size > KEPT_FILE) {
		ck_assert_ptr_null(f);
		return;
	}
	ck_assert_msg(f != NULL, "%s", e->path);
	ck_assert_uint_eq(f->size, e->size);
	digest_bytes(f->data, f->size, digest);
	ck_assert_mem_eq(digest, e->digest, DIGEST_SIZE);
	free(f);
}

START_TEST(what_is_read_is_kept_by_its_place)
{
	struct kept *kept = kept_new(KEPT_MOST);
	char name[32];
	size_t i;

	tree();
	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "d%zu/f%zu", i % 7, i);
		make(name);
	}
	/* A directory that is taken back. */
	unit_write(".gitignore", "*.o\n");
	make("b/x.o");
	make("empty/");
	ck_assert_int_eq(symlink("d1", "link"), 0);
	unit_write("d3/nothing", "");
	unit_write("large", "x");
	ck_assert_int_eq(truncate("large", KEPT_FILE + 1), 0);
	unit_write("less", "x");
	ck_assert_int_eq(truncate("less", KEPT_FILE), 0);
	options.kept = kept;
	options.threads = 3;
	listed();
	ck_assert_uint_eq(result.files, 203);
	for (i = 0; i < m.n; i++)
		check_kept(kept, i);
	kept_free(kept);
}
END_TEST

START_TEST(a_file_that_keeps_changing_is_named)
{
	pid_t pid;
	int fd, i;
	char c = 0;

	tree();
	fd = open("busy", O_RDWR | O_CREAT, 0644);
	ck_assert_int_eq(ftruncate(fd, 64 << 20), 0);
	pid = fork();
	while (pid == 0) {
		c++;
		if (pwrite(fd, &c, 1, 0) != 1 || getppid() == 1)
			_exit(0);
		usleep(100);
	}
	i = scan();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert_int_eq(i, -1);
	ck_assert_str_eq(err.text, "busy keeps changing while it is read");
}
END_TEST

static bool
stop_at_once(void *arg)
{
	return ++*(int *)arg > 0;
}

START_TEST(stop_interrupts)
{
	int fd, asked = 0;

	tree();
	fd = open("large", O_RDWR | O_CREAT, 0644);
	ck_assert_int_eq(ftruncate(fd, (off_t)20 << 30), 0);
	options.stop = stop_at_once;
	options.arg = &asked;
	ck_assert_int_eq(scan(), -1);
	ck_assert_str_eq(err.text, "interrupted");
}
END_TEST

static void
note_decision(void *arg, const char *path, bool in, const char *rule)
{
	buf_addf(arg, "%c%s(%s) ", in ? '+' : '-', path, rule ? rule : "");
}

START_TEST(every_decision_names_its_rule)
{
	struct buf said = BUF_INIT;

	tree();
	unit_write(".gitignore", "*.o\n\nout\n");
	unit_write(".deployignore", "!b.o\n");
	make("a.o");
	make("b.o");
	make("d/x.o");
	make("out/x");
	strv_add(&options.include, "out");
	options.decided = note_decision;
	options.arg = &said;
	listed();
	ck_assert_str_eq(said.data,
		"-.deployignore(a file of deploy's) "
		"-.gitignore(version control) -a.o(.gitignore:1: *.o) "
		"+b.o(.deployignore:1: !b.o) -d/x.o(.gitignore:1: *.o) "
		"-d(nothing in it is in the tree) "
		"+out/x(below what `include' names) +out(include:1: /out) ");
	buf_release(&said);
	strv_release(&options.include);
}
END_TEST

START_TEST(secrets_are_noticed)
{
	tree();
	make(".env");
	make(".env.production");
	make(".env.example");
	make("id_rsa.pub");
	make("a/id_rsa");
	unit_write("a/cert.pem", "-----BEGIN CERTIFICATE-----\n");
	unit_write("a/key.pem", "-----BEGIN PRIVATE KEY-----\n");
	unit_write("a/master.key", "0123456789abcdef0123456789abcdef");
	unit_write("a/slides.key", "PK\3\4\n\1\2\n");
	unit_write(".npmrc", "//registry.npmjs.org/:_authToken=npm_abc\n");
	unit_write("a/.npmrc", "//registry/:_authToken=${NPM_TOKEN}\n");
	listed();
	buf_clear(&text);
	for (size_t i = 0; i < result.secrets.n; i++)
		buf_addf(&text, "%s ", result.secrets.v[i]);
	ck_assert_str_eq(text.data,
		".env .env.production .npmrc a/id_rsa "
		"a/key.pem a/master.key ");
}
END_TEST

START_TEST(build_systems_are_noticed_at_the_top)
{
	tree();
	make("package.json");
	make("sub/go.mod");
	make("Makefile/");
	listed();
	ck_assert_uint_eq(result.markers.n, 1);
	ck_assert_str_eq(result.markers.v[0], "package.json");
}
END_TEST

START_TEST(one_file_is_hashed_again)
{
	struct entry e = { .path = "d/f" };

	tree();
	make("d/f");
	ck_assert_int_eq(chmod("d/f", 0755), 0);
	ck_assert_int_eq(scan_file(options.dirfd, false, &e, &err), 0);
	ck_assert_uint_eq(e.size, 3);
	ck_assert_uint_eq(e.mode, 0755);
	ck_assert_int_eq(unlink("d/f"), 0);
	ck_assert_int_eq(scan_file(options.dirfd, false, &e, &err), -1);
	ck_assert_str_eq(err.text, "d/f vanished while the tree was read");
	ck_assert_int_eq(symlink("/etc/passwd", "d/f"), 0);
	ck_assert_int_eq(scan_file(options.dirfd, false, &e, &err), -1);
	ck_assert_str_eq(err.text, "d/f is no longer a regular file");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("scan");
	TCase *tests = tcase_create("scan");

	tcase_add_test(tests, an_empty_tree_is_empty);
	tcase_add_test(tests, entries_are_in_order_with_parents_first);
	tcase_add_test(tests, files_are_hashed);
	tcase_add_test(tests, large_files_are_divided);
	tcase_add_test(tests, modes_are_gits);
	tcase_add_test(tests, links_are_carried_and_not_followed);
	tcase_add_test(tests, version_control_is_left_out);
	tcase_add_test(tests, deploys_own_files_are_left_out);
	tcase_add_test(tests, ignored_directories_are_not_entered);
	tcase_add_test(tests,
		empty_directories_are_kept_unless_rules_emptied_them);
	tcase_add_test(tests, deployignore_is_stronger);
	tcase_add_test(tests, rules_behind_a_link_are_not_read);
	tcase_add_test(tests, include_brings_back_what_is_ignored);
	tcase_add_test(tests,
		rules_above_the_tree_count_but_not_against_the_tree);
	tcase_add_test(tests, without_a_repository_rules_begin_at_the_project);
	tcase_add_test(tests, what_cannot_be_in_a_tree_is_refused_by_name);
	tcase_add_test(tests, what_cannot_be_read_is_refused_by_name);
	tcase_add_loop_test(tests, paths_up_to_4096_bytes_are_taken, 0, 2);
	tcase_add_test(tests, longer_paths_are_refused);
	tcase_add_test(tests, a_file_at_a_long_path_is_hashed);
	tcase_add_test(tests, the_index_spares_reading);
	tcase_add_test(tests, an_edit_that_keeps_size_and_mtime_is_seen);
	tcase_add_loop_test(tests, the_index_never_changes_what_is_found, 0,
		sizeof(changes) / sizeof(*changes));
	tcase_add_test(tests, threads_find_what_one_finds);
	tcase_add_test(tests, what_is_read_is_kept_by_its_place);
	tcase_add_test(tests, a_file_that_keeps_changing_is_named);
	tcase_add_test(tests, stop_interrupts);
	tcase_add_test(tests, every_decision_names_its_rule);
	tcase_add_test(tests, secrets_are_noticed);
	tcase_add_test(tests, build_systems_are_noticed_at_the_top);
	tcase_add_test(tests, one_file_is_hashed_again);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
