/* The verb releases: what there is to go back to, newest first. */
#include "client/ask.h"
#include "client/report.h"
#include "client/verbs.h"

static void
tell(struct ask *a, const void *message)
{
	ask_heading(a);
	report_release(message, a->target->text);
}

static void
done(struct ask *a, const struct msg_result *r)
{
	if (a->told == 0)
		log_info("%s has no releases yet", a->target->text);
}

int
verb_releases(struct options *o, struct error *err)
{
	struct ask a = { .verb = "releases",
		ASK_ANSWER("release", release),
		.tell = tell,
		.done = done };

	return ask_run(&a, o, err);
}
