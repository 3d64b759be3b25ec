/* Both walks, the kernel's and the one by hand, which is private. */
#include "base/beneath.c"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "unit.h"

typedef int walk(int root, const char *path, int flags, mode_t mode);

static walk *const walks[] = { open_by_kernel, open_by_hand, beneath_open };
static const int n_walks = 3;

/* secret lies outside of `root`, links point at it. */
static int
fixture(void)
{
	int outer = unit_dir(), root;

	mkdir("outside", 0755);
	unit_write("outside/secret", "secret");
	mkdir("root", 0755);
	mkdir("root/a", 0755);
	mkdir("root/a/b", 0755);
	unit_write("root/a/b/file", "inside");
	ck_assert_int_eq(symlink("../outside", "root/out"), 0);
	ck_assert_int_eq(symlink("/", "root/a/slash"), 0);
	ck_assert_int_eq(symlink("b", "root/a/link"), 0);
	ck_assert_int_eq(symlink("../outside/secret", "root/leaf"), 0);
	ck_assert_int_eq(symlink("nowhere", "root/a/dangling"), 0);
	root = open("root", O_RDONLY | O_DIRECTORY);
	close(outer);
	return root;
}

static void
refuses(walk *w, int root, const char *path, int flags, int error, int other)
{
	int fd;

	errno = 0;
	fd = w(root, path, flags | O_CLOEXEC, 0644);
	ck_assert_msg(fd < 0, "%s was opened", path);
	ck_assert_msg(errno == error || errno == other, "%s: %s", path,
		strerror(errno));
}

START_TEST(files_and_directories_below_are_opened)
{
	int root = fixture(), fd;
	char text[16] = "";

	fd = walks[_i](root, "a/b/file", O_RDONLY, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(read(fd, text, sizeof(text)), 6);
	ck_assert_str_eq(text, "inside");
	fd = walks[_i](root, "a/b", O_PATH | O_DIRECTORY, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(faccessat(fd, "file", F_OK, 0), 0);
	fd = walks[_i](root, ".", O_RDONLY | O_DIRECTORY, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(faccessat(fd, "a/b/file", F_OK, 0), 0);
}
END_TEST

START_TEST(a_link_on_the_way_is_never_followed)
{
	int root = fixture();
	walk *w = walks[_i];

	refuses(w, root, "out/secret", O_RDONLY, ELOOP, ENOTDIR);
	refuses(w, root, "a/slash/etc/passwd", O_RDONLY, ELOOP, ENOTDIR);
	refuses(w, root, "a/link/file", O_RDONLY, ELOOP, ENOTDIR);
	refuses(w, root, "out/new", O_WRONLY | O_CREAT, ELOOP, ENOTDIR);
	ck_assert_int_lt(access("outside/new", F_OK), 0);
}
END_TEST

START_TEST(a_link_at_the_end_is_never_followed)
{
	int root = fixture();
	walk *w = walks[_i];

	refuses(w, root, "leaf", O_RDONLY, ELOOP, ELOOP);
	refuses(w, root, "leaf", O_PATH, ELOOP, ELOOP);
	refuses(w, root, "leaf", O_WRONLY | O_TRUNC, ELOOP, ELOOP);
	refuses(w, root, "a/dangling", O_WRONLY | O_CREAT, ELOOP, ELOOP);
	refuses(w, root, "a/link", O_PATH | O_DIRECTORY, ELOOP, ENOTDIR);
	ck_assert_int_lt(access("root/a/nowhere", F_OK), 0);
	ck_assert_str_eq(unit_read("outside/secret"), "secret");
}
END_TEST

START_TEST(nothing_above_the_root_is_reached)
{
	int root = fixture();
	walk *w = walks[_i];

	refuses(w, root, "../outside/secret", O_RDONLY, EXDEV, EXDEV);
	refuses(w, root, "a/../../outside/secret", O_RDONLY, EXDEV, EXDEV);
	refuses(w, root, "..", O_RDONLY, EXDEV, EXDEV);
	refuses(w, root, "/etc/passwd", O_RDONLY, EXDEV, EINVAL);
	refuses(w, root, "", O_RDONLY, ENOENT, EINVAL);
}
END_TEST

START_TEST(a_missing_component_is_enoent_and_a_file_on_the_way_enotdir)
{
	int root = fixture();
	walk *w = walks[_i];

	refuses(w, root, "a/none/x", O_RDONLY, ENOENT, ENOENT);
	refuses(w, root, "a/b/file/x", O_RDONLY, ENOTDIR, ENOTDIR);
}
END_TEST

START_TEST(a_file_is_made_with_its_mode_and_close_on_exec)
{
	int root = fixture(), fd;
	struct stat st;

	umask(022);
	fd = beneath_open(root, "a/new", O_WRONLY | O_CREAT | O_EXCL, 0666);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0644);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	refuses(beneath_open, root, "a/new", O_WRONLY | O_CREAT | O_EXCL,
		EEXIST, EEXIST);
}
END_TEST

/* A directory that turns into a link while paths through it are opened. */
START_TEST(no_race_with_a_link_reaches_the_outside)
{
	int root = fixture(), i;
	pid_t pid;

	ck_assert_int_eq(mkdir("root/x", 0755), 0);
	unit_write("root/x/secret", "inside");
	ck_assert_int_eq(symlink("../outside", "root/y"), 0);
	pid = fork();
	if (pid == 0)
		for (;;)
			syscall(SYS_renameat2, root, "x", root, "y", 2);
	for (i = 0; i < 20000; i++) {
		int fd = walks[_i](root, "x/secret", O_RDONLY, 0);
		char c = 'i';

		if (fd < 0)
			continue;
		ck_assert_int_eq(read(fd, &c, 1), 1);
		close(fd);
		ck_assert_int_eq(c, 'i');
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(the_parent_of_neighbours_is_opened_once)
{
	int root = fixture(), first;
	struct beneath b;
	const char *leaf;

	beneath_init(&b, root);
	ck_assert_int_eq(beneath_at(&b, "top", &leaf), root);
	ck_assert_str_eq(leaf, "top");
	first = beneath_at(&b, "a/b/file", &leaf);
	ck_assert_int_ge(first, 0);
	ck_assert_str_eq(leaf, "file");
	ck_assert_int_eq(faccessat(first, leaf, F_OK, 0), 0);
	ck_assert_int_eq(beneath_at(&b, "a/b/other", &leaf), first);
	ck_assert_str_eq(leaf, "other");
	/* A shorter directory that is a prefix is another one. */
	first = beneath_at(&b, "a/x", &leaf);
	ck_assert_int_eq(faccessat(first, "b", F_OK, 0), 0);
	errno = 0;
	ck_assert_int_eq(beneath_at(&b, "out/secret", &leaf), -1);
	ck_assert(errno == ELOOP || errno == ENOTDIR);
	ck_assert_int_ge(beneath_at(&b, "a/b/file", &leaf), 0);
	beneath_release(&b);
}
END_TEST

START_TEST(a_forgotten_directory_is_looked_up_again)
{
	int root = fixture();
	struct beneath b;
	const char *leaf;

	beneath_init(&b, root);
	ck_assert_int_ge(beneath_at(&b, "a/b/file", &leaf), 0);
	ck_assert_int_eq(rename("root/a/b", "root/a/c"), 0);
	beneath_forget(&b);
	ck_assert_int_eq(beneath_at(&b, "a/b/file", &leaf), -1);
	ck_assert_int_eq(errno, ENOENT);
	beneath_release(&b);
}
END_TEST

START_TEST(missing_directories_are_made_but_never_through_a_link)
{
	int root = fixture();

	ck_assert_int_eq(beneath_mkdirs(root, "p/q/r"), 0);
	ck_assert_int_eq(beneath_mkdirs(root, "p/q/r"), 0);
	ck_assert_int_eq(access("root/p/q/r", X_OK), 0);
	ck_assert_int_eq(beneath_mkdirs(root, "a/b"), 0);
	ck_assert_int_eq(beneath_mkdirs(root, "out/evil"), -1);
	ck_assert_int_eq(beneath_mkdirs(root, "../evil"), -1);
	ck_assert_int_eq(beneath_mkdirs(root, "a/b/file/x"), -1);
	ck_assert_int_lt(access("outside/evil", F_OK), 0);
	ck_assert_int_lt(access("evil", F_OK), 0);
}
END_TEST

START_TEST(what_is_done_to_a_path_is_done_below)
{
	int root = fixture();
	struct stat st;

	ck_assert_int_eq(beneath_stat(root, "a/b/file", &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_int_eq(beneath_stat(root, "leaf", &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(beneath_mkdir(root, "a/b/new", 0700), 0);
	ck_assert_int_eq(beneath_rename(root, "a/b/file", root, "a/b/new/x"),
		0);
	ck_assert_str_eq(unit_read("root/a/b/new/x"), "inside");
	ck_assert_int_eq(beneath_unlink(root, "a/b/new/x"), 0);
	ck_assert_int_eq(beneath_unlink(root, "leaf"), 0);
	ck_assert_str_eq(unit_read("outside/secret"), "secret");
}
END_TEST

START_TEST(and_never_through_a_link)
{
	int root = fixture();
	struct stat st;

	ck_assert_int_eq(beneath_stat(root, "out/secret", &st), -1);
	ck_assert_int_eq(beneath_mkdir(root, "out/new", 0700), -1);
	ck_assert_int_eq(beneath_unlink(root, "out/secret"), -1);
	ck_assert_int_eq(beneath_rename(root, "a/b/file", root, "out/secret"),
		-1);
	ck_assert_int_eq(beneath_rename(root, "out/secret", root, "a/b/file"),
		-1);
	ck_assert_int_eq(beneath_stat(root, "../outside/secret", &st), -1);
	ck_assert_int_eq(beneath_unlink(root, "../outside/secret"), -1);
	ck_assert_str_eq(unit_read("outside/secret"), "secret");
	ck_assert_str_eq(unit_read("root/a/b/file"), "inside");
	ck_assert_int_lt(access("outside/new", F_OK), 0);
}
END_TEST

START_TEST(only_a_regular_file_is_read)
{
	int root = fixture(), fd;
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	fd = beneath_open_file(root, "a/b/file");
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(mkfifo("root/fifo", 0644), 0);
	ck_assert_int_eq(beneath_open_file(root, "fifo"), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(beneath_open_file(root, "a/b"), -1);
	ck_assert_int_eq(beneath_open_file(root, "leaf"), -1);
	ck_assert_int_eq(beneath_read(root, "a/b/file", 6, &b, &err), 0);
	ck_assert_str_eq(buf_str(&b), "inside");
	ck_assert_int_eq(beneath_read(root, "a/b/file", 5, &b, &err), -1);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_int_eq(beneath_read(root, "a/none", 5, &b, &err), -1);
	ck_assert_int_eq(errno, ENOENT);
	buf_release(&b);
}
END_TEST

START_TEST(no_descriptor_is_left_open)
{
	int root = fixture(), before, i;

	before = dup(root);
	close(before);
	for (i = 0; i < 3; i++) {
		int fd = walks[i](root, "a/b/file", O_RDONLY, 0);

		close(fd);
		ck_assert_int_lt(walks[i](root, "a/b/none", O_RDONLY, 0), 0);
		ck_assert_int_lt(walks[i](root, "out/x/y", O_RDONLY, 0), 0);
		ck_assert_int_lt(walks[i](root, "a/../b", O_PATH, 0), 0);
	}
	beneath_unlink(root, "a/none");
	beneath_unlink(root, "out/none");
	beneath_rename(root, "a/b/none", root, "out/none");
	beneath_rename(root, "out/none", root, "a/b/none");
	beneath_open_file(root, "a/b");
	beneath_mkdirs(root, "d/e/f");
	beneath_mkdirs(root, "out/e/f");
	i = dup(root);
	ck_assert_int_eq(i, before);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("beneath");
	TCase *tests = tcase_create("beneath");
	/* Not every kernel has openat2(2), nor has valgrind. */
	const int first = beneath_is_kernels() ? 0 : 1;

	tcase_add_loop_test(tests, files_and_directories_below_are_opened,
		first, n_walks);
	tcase_add_loop_test(tests, a_link_on_the_way_is_never_followed, first,
		n_walks);
	tcase_add_loop_test(tests, a_link_at_the_end_is_never_followed, first,
		n_walks);
	tcase_add_loop_test(tests, nothing_above_the_root_is_reached, first,
		n_walks);
	tcase_add_loop_test(tests,
		a_missing_component_is_enoent_and_a_file_on_the_way_enotdir,
		first, n_walks);
	tcase_add_test(tests, a_file_is_made_with_its_mode_and_close_on_exec);
	tcase_add_loop_test(tests, no_race_with_a_link_reaches_the_outside,
		first, n_walks);
	tcase_add_test(tests, the_parent_of_neighbours_is_opened_once);
	tcase_add_test(tests, a_forgotten_directory_is_looked_up_again);
	tcase_add_test(tests,
		missing_directories_are_made_but_never_through_a_link);
	tcase_add_test(tests, what_is_done_to_a_path_is_done_below);
	tcase_add_test(tests, and_never_through_a_link);
	tcase_add_test(tests, only_a_regular_file_is_read);
	tcase_add_test(tests, no_descriptor_is_left_open);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
