/* The verb verify: what of a release is not as it was deployed. */
#include "base/log.h"
#include "client/ask.h"
#include "client/report.h"
#include "client/verbs.h"

static void
tell(struct ask *a, const void *message)
{
	const struct msg_fault *m = message;

	a->wrong = true;
	if (report_is_json()) {
		report_event("change", "target", "s", a->target->text, "change",
			"s", m->change, "path", "s", m->path, "how", "s",
			m->how, NULL);
		return;
	}
	ask_heading(a);
	report_path(m->change ? m->change : "", m->path ? m->path : "", m->how);
}

static void
done(struct ask *a, const struct msg_result *r)
{
	struct buf b = BUF_INIT;

	if (a->told)
		report_count(&b, a->told);
	else
		report_count(&b, r->files);
	log_info("%s: %s: %s%s%s", a->target->text,
		r->release ? r->release : "", a->told ? "" : "as deployed, ",
		b.data, a->told ? " changed since" : " files read");
	buf_release(&b);
}

int
verb_verify(struct options *o, struct error *err)
{
	struct ask a = { .verb = "verify",
		ASK_ANSWER("fault", fault),
		.tell = tell,
		.done = done };

	return ask_run(&a, o, err);
}
