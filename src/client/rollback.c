/* The verbs rollback and activate: another release becomes the live one. */
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "client/ask.h"
#include "client/report.h"
#include "client/verbs.h"

static void
say(const struct ask *a, const struct msg_result *r, const char *what)
{
	struct buf b = BUF_INIT;

	report_seconds(&b, io_now_ms() - a->watch.began);
	log_info("%s %s to %s%s%s in %s", what, a->target->app,
		r->release ? r->release : "the release before",
		r->previous && *r->previous ? ", from " : "",
		r->previous ? r->previous : "", b.data);
	buf_release(&b);
}

/* Nothing had to be done. */
static bool
was_live(const struct ask *a, const struct msg_result *r)
{
	if (!r->outcome || strcmp(r->outcome, "same") != 0)
		return false;
	log_info("%s is live already on %s", r->release ? r->release : "it",
		a->target->text);
	return true;
}

static void
rolled_back(struct ask *a, const struct msg_result *r)
{
	if (!was_live(a, r))
		say(a, r, "rolled back");
}

static void
activated(struct ask *a, const struct msg_result *r)
{
	if (!was_live(a, r))
		say(a, r, "switched");
}

int
verb_rollback(struct options *o, struct error *err)
{
	struct ask a = {
		.verb = "rollback", .changes = true, .done = rolled_back
	};

	return ask_run(&a, o, err);
}

int
verb_activate(struct options *o, struct error *err)
{
	struct ask a = { .verb = "activate",
		.changes = true,
		.needs_release = true,
		.done = activated };

	return ask_run(&a, o, err);
}
