/* The verb doctor: which defences a server has, and what it lacks. */
#include <string.h>

#include "base/log.h"
#include "client/ask.h"
#include "client/report.h"
#include "client/verbs.h"

struct examination {
	unsigned here; /* findings of this target */
};

static int
begin(struct ask *a, struct error *err)
{
	struct examination *x = a->arg;

	x->here = 0;
	return 0;
}

static void
tell(struct ask *a, const struct msg_finding *m)
{
	struct examination *x = a->arg;
	const char *state = m->state ? m->state : "";

	if (report_is_json()) {
		report_event("finding", "target", "s", a->target->text, "name",
			"s", m->name, "state", "s", m->state, "text", "s",
			m->text, NULL);
		return;
	}
	if (log_level() == LOG_QUIET && strcmp(state, "fault"))
		return;
	if (x->here++ == 0 && a->targets > 1)
		report_line("%s", a->target->text);
	report_line("%-5s %-12s %s", state, m->name ? m->name : "",
		m->text ? m->text : "");
}

static int
take(struct ask *a, const struct frame *f, struct error *err)
{
	struct msg_finding m = { 0 };
	int rc;

	if (strcmp(f->type, "finding") != 0)
		return ask_unexpected(f, err);
	rc = MESSAGE_READ(finding, f, &m, err);
	if (rc == 0) {
		tell(a, &m);
		a->wrong |= m.state && !strcmp(m.state, "fault");
	}
	MESSAGE_RELEASE(finding, &m);
	return rc;
}

int
verb_doctor(struct options *o, struct error *err)
{
	struct examination x = { 0 };
	struct ask a = {
		.verb = "doctor", .begin = begin, .take = take, .arg = &x
	};

	return ask_run(&a, o, err);
}
