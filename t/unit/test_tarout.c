#include "tree/tarout.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tree/tarball.h"
#include "unit.h"

static int
collect(void *arg, const void *data, size_t len, struct error *err)
{
	buf_add(arg, data, len);
	return 0;
}

static int
refuse(void *arg, const void *data, size_t len, struct error *err)
{
	return error_set(err, "there is no room");
}

/* The members as "TYPE MODE SIZE PATH>TARGET", one a line. */
static char *
list(const struct buf *tar, int *end, struct error *err)
{
	struct archive_entry *e;
	struct tarball *t;
	struct buf b = BUF_INIT;
	int fd = open("x.tar", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	ck_assert_int_eq(write(fd, tar->data, tar->len), (ssize_t)tar->len);
	close(fd);
	t = tarball_open("x.tar", NULL, NULL, err);
	ck_assert_ptr_nonnull(t);
	while ((*end = tarball_next(t, &e, err)) > 0) {
		mode_t type = archive_entry_filetype(e);
		const char *target = archive_entry_symlink(e);

		buf_addf(&b, "%c %o %d %s%s%s\n",
			type == AE_IFDIR         ? 'd' :
				type == AE_IFLNK ? 'l' :
						   'f',
			(unsigned)archive_entry_perm(e),
			(int)archive_entry_size(e), archive_entry_pathname(e),
			target ? ">" : "", target ? target : "");
	}
	tarball_close(t);
	return buf_detach(&b);
}

static void
note(void *arg, const char *path)
{
	buf_addf(arg, "%s ", path);
}

START_TEST(a_directory_goes_with_all_that_is_below)
{
	struct buf tar = BUF_INIT, skipped = BUF_INIT;
	struct error err = ERROR_INIT;
	struct tarout *t;
	int dir = unit_dir(), end;
	char *got, *name = mem_zalloc(1, 201), *want;

	memset(name, 'n', 200);
	ck_assert_int_eq(mkdir("d", 0750), 0);
	ck_assert_int_eq(mkdir("d/gr\xc3\xbc\xdf", 0755), 0);
	ck_assert_int_eq(chdir("d/gr\xc3\xbc\xdf"), 0);
	unit_write(name, "four");
	ck_assert_int_eq(chmod(name, 0640), 0);
	ck_assert_int_eq(chdir("../.."), 0);
	t = tarout_new(collect, &tar);
	ck_assert_int_eq(tarout_tree(t, dir, "d", "shared", note, &skipped,
				 &err),
		0);
	ck_assert_int_eq(symlink("/nowhere", "link"), 0);
	ck_assert_int_eq(mkfifo("fifo", 0644), 0);
	ck_assert_int_eq(tarout_tree(t, dir, "link", "a/link", NULL, NULL,
				 &err),
		0);
	ck_assert_int_eq(tarout_tree(t, dir, "fifo", "a/fifo", note, &skipped,
				 &err),
		0);
	ck_assert_int_eq(tarout_tree(t, dir, "gone", "gone", note, &skipped,
				 &err),
		0);
	ck_assert_int_eq(tarout_end(t, &err), 0);
	tarout_free(t);
	got = list(&tar, &end, &err);
	ck_assert_int_eq(end, 0);
	want = mem_printf("d 750 0 shared/\n"
			  "d 755 0 shared/gr\xc3\xbc\xdf/\n"
			  "f 640 4 shared/gr\xc3\xbc\xdf/%s\n"
			  "l 777 0 a/link>/nowhere\n",
		name);
	ck_assert_str_eq(got, want);
	ck_assert_str_eq(buf_str(&skipped), "a/fifo ");
	free(got);
	free(want);
	free(name);
	buf_release(&tar);
	buf_release(&skipped);
}
END_TEST

START_TEST(an_archive_that_was_not_ended_is_not_whole)
{
	const struct tarout_entry e = {
		.path = "file", .mode = S_IFREG | 0644, .size = 3
	};
	struct buf tar = BUF_INIT;
	struct error err = ERROR_INIT;
	struct tarout *t = tarout_new(collect, &tar);
	int end;

	unit_dir();
	ck_assert_int_eq(tarout_entry(t, &e, &err), 0);
	ck_assert_int_eq(tarout_data(t, "one", 3, &err), 0);
	tarout_free(t);
	free(list(&tar, &end, &err));
	ck_assert_int_eq(end, -1);
	buf_release(&tar);
}
END_TEST

START_TEST(bytes_and_size_must_agree)
{
	const struct tarout_entry e = {
		.path = "file", .mode = S_IFREG | 0644, .size = 3
	};
	struct buf tar = BUF_INIT;
	struct error err = ERROR_INIT;
	struct tarout *t = tarout_new(collect, &tar);

	ck_assert_int_eq(tarout_entry(t, &e, &err), 0);
	ck_assert_int_eq(tarout_data(t, "four", 4, &err), -1);
	ck_assert_int_eq(tarout_data(t, "2b", 2, &err), 0);
	ck_assert_int_eq(tarout_end(t, &err), -1);
	tarout_free(t);
	buf_release(&tar);
}
END_TEST

START_TEST(the_writers_error_is_what_is_told)
{
	const struct tarout_entry e = {
		.path = "file", .mode = S_IFREG | 0644, .size = 0
	};
	struct error err = ERROR_INIT;
	struct tarout *t = tarout_new(refuse, NULL);

	ck_assert_int_eq(tarout_entry(t, &e, &err), -1);
	ck_assert_str_eq(err.text, "there is no room");
	tarout_free(t);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tarout");
	TCase *tests = tcase_create("tarout");

	tcase_add_test(tests, a_directory_goes_with_all_that_is_below);
	tcase_add_test(tests, an_archive_that_was_not_ended_is_not_whole);
	tcase_add_test(tests, bytes_and_size_must_agree);
	tcase_add_test(tests, the_writers_error_is_what_is_told);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
