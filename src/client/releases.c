/* The verb releases: what there is to go back to, newest first. */
#include <string.h>

#include "client/ask.h"
#include "client/report.h"
#include "client/verbs.h"

static int
begin(struct ask *a, struct error *err)
{
	size_t *n = a->arg;

	*n = 0;
	return 0;
}

static int
take(struct ask *a, const struct frame *f, struct error *err)
{
	struct msg_release r = { 0 };
	size_t *n = a->arg;
	int rc;

	if (strcmp(f->type, "release") != 0)
		return ask_unexpected(f, err);
	rc = MESSAGE_READ(release, f, &r, err);
	if (rc == 0 && *n == 0 && a->targets > 1 && !report_is_json())
		report_line("%s", a->target->text);
	if (rc == 0)
		report_release(&r, a->target->text);
	++*n;
	MESSAGE_RELEASE(release, &r);
	return rc;
}

static void
done(struct ask *a, const struct msg_result *r)
{
	size_t *n = a->arg;

	if (*n == 0)
		log_info("%s has no releases yet", a->target->text);
}

int
verb_releases(struct options *o, struct error *err)
{
	size_t n = 0;
	struct ask a = { .verb = "releases",
		.begin = begin,
		.take = take,
		.done = done,
		.arg = &n };

	return ask_run(&a, o, err);
}
