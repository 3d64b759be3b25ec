#include "client/watch.h"

#include "unit.h"

static struct watch w;

static void
frame(const char *type, const char *text)
{
	struct frame f = { .data = text, .len = strlen(text) };

	snprintf(f.type, sizeof(f.type), "%s", type);
	ck_assert(watch_frame(&w, &f));
}

/* The last lines, as -q would show them. */
static const char *
tail(void)
{
	return buf_str(&w.tail);
}

static void
setup(void)
{
	/* What is printed is for people; here it is in the way. */
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
	watch_init(&w, "web1:blog", false);
}

static void
teardown(void)
{
	watch_release(&w);
}

START_TEST(lines_are_put_together_from_pieces)
{
	frame(".log", "on");
	ck_assert_str_eq(tail(), "");
	frame(".log", "e\ntwo\nthr");
	ck_assert_str_eq(tail(), "one\ntwo\n");
	watch_end(&w);
	ck_assert_str_eq(tail(), "one\ntwo\nthr\n");
}
END_TEST

START_TEST(a_line_written_over_is_what_it_became)
{
	frame(".log", "10 %\r50 %\r100 %\r\n");
	frame(".log", "\033[1;32mgreen\033[0m \033[m\ttab\n");
	ck_assert_str_eq(tail(), "100 %\ngreen   tab\n");
}
END_TEST

START_TEST(only_the_last_forty_lines_are_kept)
{
	char line[16];
	int i;

	for (i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), "%d\n", i);
		frame(".log", line);
	}
	ck_assert(!strncmp(tail(), "960\n961\n", 8));
	ck_assert_uint_eq(w.tail_lines, 40);
}
END_TEST

START_TEST(a_line_without_end_is_shown_in_pieces)
{
	char *text = malloc(60001);

	memset(text, 'x', 60000);
	text[60000] = '\0';
	frame(".log", text);
	ck_assert_uint_lt(w.rest.len, 20000);
	free(text);
}
END_TEST

START_TEST(from_the_switch_on_the_server_goes_on_by_itself)
{
	frame(".stage", "name build\n");
	ck_assert_str_eq(w.stage, "build");
	ck_assert(!w.switched);
	frame(".stage", "name switch\n");
	ck_assert(w.switched);
	/* Too long to be one. */
	frame(".stage", "name aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n");
	ck_assert_str_eq(w.stage, "switch");
	frame(".stage", "");
	ck_assert_str_eq(w.stage, "switch");
}
END_TEST

START_TEST(other_frames_are_not_taken)
{
	struct frame f = { .type = "result", .data = "", .len = 0 };

	ck_assert(!watch_frame(&w, &f));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("watch");
	TCase *tests = tcase_create("watch");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, lines_are_put_together_from_pieces);
	tcase_add_test(tests, a_line_written_over_is_what_it_became);
	tcase_add_test(tests, only_the_last_forty_lines_are_kept);
	tcase_add_test(tests, a_line_without_end_is_shown_in_pieces);
	tcase_add_test(tests, from_the_switch_on_the_server_goes_on_by_itself);
	tcase_add_test(tests, other_frames_are_not_taken);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
