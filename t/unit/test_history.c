#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/io.h"
#include "base/lock.h"
#include "server/history_file.h"
#include "unit_store.h"

#define HISTORY ".deployd/history"
#define OLDEST "20260101T000000Z-00000001"
#define OLDER "20260102T000000Z-00000002"
#define DROPPED "20260103T000000Z-00000003"
/* The length of a line that fills it. */
#define FILLING 1024

/* The id of the last event. */
static int
note_id(const struct event *e, void *arg)
{
	char *id = arg;

	snprintf(id, 100, "%s", e->id);
	return 0;
}

static const char *
id_of(const char *line)
{
	static char id[100];
	struct error err = ERROR_INIT;
	struct store s;

	unit_store(&s);
	unit_write(".deployd/history", line);
	id[0] = '\0';
	ck_assert_int_eq(history_each(&s, note_id, id, &err), 0);
	store_release(&s);
	return id;
}

START_TEST(an_escape_is_a_byte)
{
	ck_assert_str_eq(id_of("1 live a\\x20b\\x5c - x -\n"), "a b\\");
}
END_TEST

START_TEST(what_is_no_escape_stays_as_it_is)
{
	ck_assert_str_eq(id_of("1 live \\x-1\\x+1\\x0x\\x4 - x -\n"),
		"\\x-1\\x+1\\x0x\\x4");
	ck_assert_str_eq(id_of("1 live \\x00\\ - x -\n"), "\\x00\\");
}
END_TEST

START_TEST(what_was_appended_is_read_back)
{
	struct error err = ERROR_INIT;
	char id[100] = "";
	struct store s;

	unit_store(&s);
	ck_assert_int_eq(history_append(&s, "live", "a \\x41\n\x7f", "", "ann",
				 "", &err),
		0);
	ck_assert_int_eq(history_each(&s, note_id, id, &err), 0);
	ck_assert_str_eq(id, "a \\x41\n\x7f");
	store_release(&s);
}
END_TEST

static int
count(const struct event *e, void *arg)
{
	++*(int *)arg;
	return 0;
}

START_TEST(a_line_that_was_cut_never_becomes_an_event)
{
	static const char *const cut[] = { "1 live a - x wh", "1 live a - x ",
		"1 live a - x", "1", " " };
	struct error err = ERROR_INIT;
	size_t i;

	for (i = 0; i < sizeof(cut) / sizeof(*cut); i++) {
		struct store s;
		int n = 0;

		unit_store(&s);
		unit_write(".deployd/history", cut[i]);
		ck_assert_int_eq(history_append(&s, "built", "b", "", "y", "",
					 &err),
			0);
		ck_assert_int_eq(history_each(&s, count, &n, &err), 0);
		ck_assert_int_eq(n, 1);
		store_release(&s);
	}
}
END_TEST

/* A store with one event, whose history is locked by us. */
static int
lock_history(struct store *s, enum lock_kind kind)
{
	int fd;

	unit_store(s);
	unit_write(HISTORY, "1 built a - x -\n");
	fd = open(HISTORY, O_RDWR | O_APPEND);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(lock_wait(fd, kind, 0), 0);
	return fd;
}

static void
ck_child(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

START_TEST(what_is_appended_while_it_is_written_anew_stays)
{
	struct error err = ERROR_INIT;
	struct store s;
	int fd = lock_history(&s, LOCK_ALONE);
	pid_t pid = fork();

	if (pid == 0)
		_exit(history_append(&s, "run", "", "", "x", "", &err) < 0);
	usleep(100000);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	unit_write(HISTORY ".new", "1 built a - x -\n2 live a - x -\n");
	ck_assert_int_eq(rename(HISTORY ".new", HISTORY), 0);
	lock_release(&fd); /* the child has it, too */
	ck_child(pid);
	ck_assert_ptr_nonnull(strstr(unit_read(HISTORY), "2 live"));
	ck_assert_ptr_nonnull(strstr(unit_read(HISTORY), " run "));
	store_release(&s);
}
END_TEST

static bool
copy(const struct store *s, const struct buf *old, struct buf *text, void *arg)
{
	(void)s;
	(void)arg;
	buf_add(text, buf_str(old), old->len);
	buf_addstr(text, "3 repaired - - x -\n");
	return true;
}

START_TEST(what_writes_it_anew_waits_for_who_appends)
{
	struct error err = ERROR_INIT;
	struct store s;
	int fd = lock_history(&s, LOCK_SHARED);
	pid_t pid = fork();

	if (pid == 0)
		_exit(history_rewrite(&s, copy, NULL, false, &err) < 0);
	usleep(100000);
	ck_assert_int_eq(io_write_full(fd, "2 run - - x -\n", 14), 0);
	lock_release(&fd); /* the child has it, too */
	ck_child(pid);
	ck_assert_str_eq(unit_read(HISTORY),
		"1 built a - x -\n2 run - - x -\n3 repaired - - x -\n");
	store_release(&s);
}
END_TEST

/* A history of that many bytes, with switches at its beginning. */
static void
write_long(size_t len)
{
	static const char start[] = "1 run - - cron ";
	struct buf b = BUF_INIT;
	char line[FILLING];

	buf_addstr(&b,
		"1 switching " DROPPED " - ann -\n"
		"1 live " DROPPED " - ann -\n"
		"2 switching " OLDEST " " DROPPED " ann -\n"
		"2 live " OLDEST " " DROPPED " ann -\n"
		"3 switching " OLDER " " OLDEST " ann -\n"
		"3 live " OLDER " " OLDEST " ann -\n");
	memset(line, 'x', FILLING);
	memcpy(line, start, strlen(start));
	line[FILLING - 1] = '\n';
	while (b.len < len)
		buf_add(&b, line, FILLING);
	unit_write(HISTORY, buf_str(&b));
	buf_release(&b);
	ck_assert_int_eq(mkdir("releases/" OLDEST, 0755), 0);
	ck_assert_int_eq(mkdir("releases/" OLDER, 0755), 0);
	unit_write(".deployd/records/" OLDEST, "");
	unit_write(".deployd/records/" OLDER, "");
	ck_assert_int_eq(symlink("releases/" OLDER, "current"), 0);
}

static int64_t
size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? -1 : st.st_size;
}

START_TEST(one_that_is_long_is_cut_down)
{
	char id[RELEASE_ID_LEN + 1];
	struct error err = ERROR_INIT;
	struct store s;
	int64_t len;

	unit_store(&s);
	write_long(HISTORY_LONG);
	ck_assert_int_eq(history_append(&s, "run", OLDER, "", "x", "y", &err),
		0);
	len = size_of(HISTORY);
	ck_assert_int_gt(len, HISTORY_KEPT);
	ck_assert_int_lt(len, HISTORY_KEPT + 4096);
	ck_assert_int_gt(size_of(HISTORY ".1"), HISTORY_LONG);
	ck_assert_int_eq(history_previous(&s, id, NULL, &err), 0);
	ck_assert_str_eq(id, OLDEST);
	ck_assert_ptr_null(strstr(unit_read(HISTORY), "switching " DROPPED));
	/* The next one adds to it. */
	ck_assert_int_eq(history_append(&s, "run", OLDER, "", "x", "y", &err),
		0);
	ck_assert_int_gt(size_of(HISTORY), len);
	ck_assert_int_gt(size_of(HISTORY ".1"), HISTORY_LONG);
	store_release(&s);
}
END_TEST

START_TEST(of_one_that_is_too_long_the_newest_is_read)
{
	struct error err = ERROR_INIT;
	struct store s;
	int n = 0;

	unit_store(&s);
	write_long(20u << 20);
	ck_assert_int_eq(history_each(&s, count, &n, &err), 0);
	/* The first line of what is read may not be whole. */
	ck_assert_int_eq(n, (16 << 20) / FILLING - 1);
	ck_assert_int_eq(history_append(&s, "run", OLDER, "", "x", "y", &err),
		0);
	ck_assert_int_lt(size_of(HISTORY), HISTORY_KEPT + 4096);
	ck_assert_int_gt(size_of(HISTORY ".1"), 20 << 20);
	store_release(&s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("history");
	TCase *t = tcase_create("history");

	tcase_add_test(t, an_escape_is_a_byte);
	tcase_add_test(t, what_is_no_escape_stays_as_it_is);
	tcase_add_test(t, what_was_appended_is_read_back);
	tcase_add_test(t, a_line_that_was_cut_never_becomes_an_event);
	tcase_add_test(t, what_is_appended_while_it_is_written_anew_stays);
	tcase_add_test(t, what_writes_it_anew_waits_for_who_appends);
	tcase_add_test(t, one_that_is_long_is_cut_down);
	tcase_add_test(t, of_one_that_is_too_long_the_newest_is_read);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
