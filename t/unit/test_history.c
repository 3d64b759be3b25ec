#include "unit_store.h"

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

int
main(void)
{
	Suite *suite = suite_create("history");
	TCase *t = tcase_create("history");

	tcase_add_test(t, an_escape_is_a_byte);
	tcase_add_test(t, what_is_no_escape_stays_as_it_is);
	tcase_add_test(t, what_was_appended_is_read_back);
	tcase_add_test(t, a_line_that_was_cut_never_becomes_an_event);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
