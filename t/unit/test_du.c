#include "base/du.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/io.h"
#include "unit.h"

static uint64_t
room_of(int dir, const char *name)
{
	struct du d = DU_INIT;
	uint64_t bytes;

	du_add(&d, dir, name);
	ck_assert(!d.partial);
	bytes = d.bytes;
	du_release(&d);
	return bytes;
}

static uint64_t
blocks(const char *path)
{
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

START_TEST(blocks_of_all_that_is_below_are_added)
{
	int dir = unit_dir();

	ck_assert_int_eq(mkdir("d", 0755), 0);
	ck_assert_int_eq(mkdir("d/e", 0755), 0);
	unit_write("d/file", "some bytes");
	unit_write("d/e/.hidden", "more");
	ck_assert_int_eq(symlink("/", "d/link"), 0);
	ck_assert_uint_eq(room_of(dir, "d"),
		blocks("d") + blocks("d/e") + blocks("d/file") +
			blocks("d/e/.hidden") + blocks("d/link"));
	ck_assert_uint_eq(room_of(dir, "missing"), 0);
}
END_TEST

START_TEST(a_file_with_several_names_counts_once)
{
	int dir = unit_dir(), i;
	char name[16];
	struct du d = DU_INIT;
	uint64_t once;

	ck_assert_int_eq(mkdir("d", 0755), 0);
	ck_assert_int_eq(mkdir("e", 0755), 0);
	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "d/%d", i);
		unit_write(name, "x");
	}
	once = room_of(dir, "d");
	for (i = 0; i < 200; i++) {
		char other[16];

		snprintf(name, sizeof(name), "d/%d", i);
		snprintf(other, sizeof(other), "e/%d", i);
		ck_assert_int_eq(link(name, other), 0);
	}
	ck_assert_uint_eq(room_of(dir, "d"), once);
	du_add(&d, dir, "d");
	du_add(&d, dir, "e");
	ck_assert_uint_eq(d.bytes, once + blocks("e"));
	ck_assert_uint_eq(d.entries, 202);
	du_release(&d);
}
END_TEST

START_TEST(a_hole_takes_no_room)
{
	int dir = unit_dir();
	int fd = open("hole", O_WRONLY | O_CREAT, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 1 << 30), 0);
	io_close(&fd);
	ck_assert_uint_lt(room_of(dir, "hole"), 1 << 20);
}
END_TEST

START_TEST(counting_stops_at_the_deadline_and_says_so)
{
	int dir = unit_dir();
	struct du d = DU_INIT;

	unit_write("file", "x");
	d.deadline = io_now_ms() - 1;
	du_add(&d, dir, "file");
	ck_assert(d.partial);
	ck_assert_uint_eq(d.bytes, 0);
	du_release(&d);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("du");
	TCase *tests = tcase_create("du");

	tcase_add_test(tests, blocks_of_all_that_is_below_are_added);
	tcase_add_test(tests, a_file_with_several_names_counts_once);
	tcase_add_test(tests, a_hole_takes_no_room);
	tcase_add_test(tests, counting_stops_at_the_deadline_and_says_so);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
