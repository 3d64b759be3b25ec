/* The verb verify: what of a release is not as it was deployed. */
#include <string.h>

#include "base/log.h"
#include "client/ask.h"
#include "client/report.h"
#include "client/verbs.h"

struct verify {
	uint64_t here; /* paths of this target that differ */
};

static int
begin(struct ask *a, struct error *err)
{
	struct verify *v = a->arg;

	v->here = 0;
	return 0;
}

static void
tell(struct ask *a, const struct msg_fault *m)
{
	struct verify *v = a->arg;

	if (report_is_json()) {
		report_event("change", "target", "s", a->target->text, "change",
			"s", m->change, "path", "s", m->path, "how", "s",
			m->how, NULL);
		return;
	}
	if (v->here == 0 && a->targets > 1)
		report_line("%s", a->target->text);
	report_path(m->change ? m->change : "", m->path ? m->path : "", m->how);
}

static int
take(struct ask *a, const struct frame *f, struct error *err)
{
	struct msg_fault m = { 0 };
	struct verify *v = a->arg;
	int rc;

	if (strcmp(f->type, "fault") != 0)
		return ask_unexpected(f, err);
	rc = MESSAGE_READ(fault, f, &m, err);
	if (rc == 0) {
		tell(a, &m);
		v->here++;
		a->wrong = true;
	}
	MESSAGE_RELEASE(fault, &m);
	return rc;
}

static void
done(struct ask *a, const struct msg_result *r)
{
	const struct verify *v = a->arg;
	struct buf b = BUF_INIT;

	if (v->here)
		report_count(&b, v->here);
	else
		report_count(&b, r->files);
	log_info("%s: %s: %s%s%s", a->target->text,
		r->release ? r->release : "", v->here ? "" : "as deployed, ",
		b.data, v->here ? " changed since" : " files read");
	buf_release(&b);
}

int
verb_verify(struct options *o, struct error *err)
{
	struct verify v = { 0 };
	struct ask a = { .verb = "verify",
		.begin = begin,
		.take = take,
		.done = done,
		.arg = &v };

	return ask_run(&a, o, err);
}
