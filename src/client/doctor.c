/* The verb doctor: which defences a server has, and what it lacks. */
#include <string.h>

#include "base/log.h"
#include "client/ask.h"
#include "client/report.h"
#include "client/verbs.h"

static void
tell(struct ask *a, const void *message)
{
	const struct msg_finding *m = message;
	const char *state = m->state ? m->state : "";

	a->wrong |= !strcmp(state, "fault");
	if (report_is_json()) {
		report_event("finding", "target", "s", a->target->text, "name",
			"s", m->name, "state", "s", m->state, "text", "s",
			m->text, NULL);
		return;
	}
	if (log_level() == LOG_QUIET && strcmp(state, "fault"))
		return;
	ask_heading(a);
	report_line("%-5s %-12s %s", state, m->name ? m->name : "",
		m->text ? m->text : "");
}

int
verb_doctor(struct options *o, struct error *err)
{
	struct ask a = {
		.verb = "doctor", ASK_ANSWER("finding", finding), .tell = tell
	};

	return ask_run(&a, o, err);
}
