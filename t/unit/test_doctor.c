/* What doctor makes of what sudo says. */
#include "server/doctor_parts.h"
#include "unit.h"

static char state[16];

static void
note(void *arg, const struct msg_finding *m)
{
	ck_assert_str_eq(m->name, "sudo");
	snprintf(state, sizeof(state), "%s", m->state);
}

static const struct {
	const char *list, *state;
} lists[] = {
	{ "", "ok" },
	{ "User a may run the following commands on h:\n"
	  "    (ALL : ALL) ALL\n",
		"ok" },
	{ "    (root) NOPASSWD: /usr/bin/systemctl restart blog\n", "note" },
	{ "    (ALL : ALL) NOPASSWD: ALL\n", "fault" },
	{ "    (root) NOPASSWD: ALL", "fault" },
	{ "    (root) SETENV: NOPASSWD:  ALL, !/bin/su\n", "fault" },
	{ "    (root) NOPASSWD: /bin/a\n    (root) NOPASSWD: ALL\n", "fault" },
	{ "    (root) NOPASSWD: ALLOTHER\n", "note" },
	{ "    (root) NOPASSWD:", "note" },
};

START_TEST(sudo)
{
	struct doctor d = { .fn = note };

	doctor_sudo(&d, lists[_i].list);
	ck_assert_str_eq(state, lists[_i].state);
	ck_assert_uint_eq(d.faults, !strcmp(state, "fault"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("doctor");
	TCase *t = tcase_create("doctor");

	tcase_add_loop_test(t, sudo, 0, (int)(sizeof(lists) / sizeof(*lists)));
	suite_add_tcase(s, t);
	return unit_run(s);
}
