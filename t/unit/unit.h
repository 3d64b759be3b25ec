/*
 * What the unit tests share.  A test's main() makes a suite and returns
 * unit_run(suite), which gives it an empty working directory that is gone
 * afterwards; each test that touches files starts in one of its own by
 * calling unit_dir().
 */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/rmtree.h"

static inline int
unit_run(Suite *suite)
{
	char dir[] = "/tmp/unit.XXXXXX";
	SRunner *runner = srunner_create(suite);
	int failed;

	if (!mkdtemp(dir) || chmod(dir, 0755) < 0 || chdir(dir) < 0) {
		perror(dir);
		return 1;
	}
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	if (chdir("/") < 0 || rmtree_at(AT_FDCWD, dir) < 0)
		perror(dir);
	return failed != 0;
}

/* Goes to a new directory and returns its handle. */
static inline int
unit_dir(void)
{
	char dir[] = "XXXXXX";
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* For what root is allowed to do all the same: goes on as nobody. */
static inline void
unit_drop_root(void)
{
	if (geteuid())
		return;
	ck_assert_int_eq(chown(".", 65534, 65534), 0);
	ck_assert_int_eq(setresgid(65534, 65534, 65534), 0);
	ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
}

static inline void
unit_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(io_write_full(fd, text, strlen(text)), 0);
	close(fd);
}

/* The file's contents up to 4095 bytes, or "(none)". */
static inline const char *
unit_read(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return "(none)";
	n = io_read_full(fd, text, sizeof(text) - 1);
	close(fd);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

#endif
