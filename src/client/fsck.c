/* The verb fsck: the store of the app on the server is checked and repaired. */
#include <string.h>

#include "base/log.h"
#include "client/ask.h"
#include "client/report.h"
#include "client/verbs.h"
#include "wire/fault.h"

struct fsck {
	uint64_t here, left; /* faults of this target */
};

static int
begin(struct ask *a, struct error *err)
{
	struct fsck *x = a->arg;

	x->here = x->left = 0;
	return 0;
}

static void
tell(struct ask *a, const struct msg_fault *m)
{
	struct buf text = BUF_INIT;

	report_event("fault", "target", "s", a->target->text, "release", "s",
		m->release, "change", "s", m->change, "path", "s", m->path,
		"how", "s", m->how, "repair", "s", m->repair, "advice", "s",
		m->advice, NULL);
	fault_text(m, a->options->dry_run, &text);
	if (!report_is_json())
		report_line("%s: %s", a->target->text, buf_str(&text));
	buf_release(&text);
}

static int
take(struct ask *a, const struct frame *f, struct error *err)
{
	struct msg_fault m = { 0 };
	struct fsck *x = a->arg;
	int rc;

	if (strcmp(f->type, "fault") != 0)
		return ask_unexpected(f, err);
	rc = MESSAGE_READ(fault, f, &m, err);
	if (rc == 0) {
		tell(a, &m);
		x->here++;
		x->left += a->options->dry_run || !m.repair;
	}
	MESSAGE_RELEASE(fault, &m);
	return rc;
}

static void
done(struct ask *a, const struct msg_result *r)
{
	struct fsck *x = a->arg;
	struct buf b = BUF_INIT;

	report_count(&b, r->files);
	buf_addstr(&b, " files read, ");
	if (!x->here) {
		buf_addstr(&b, "nothing is wrong");
	} else if (a->options->dry_run) {
		report_count(&b, x->here);
		buf_addstr(&b, " faults; nothing was changed");
	} else {
		report_count(&b, x->here - x->left);
		buf_addstr(&b, " faults repaired, ");
		report_count(&b, x->left);
		buf_addstr(&b, " left");
	}
	log_info("%s: %s", a->target->text, b.data);
	buf_release(&b);
	a->wrong = x->left > 0;
}

int
verb_fsck(struct options *o, struct error *err)
{
	struct fsck x = { 0 };
	struct ask a = { .verb = "fsck",
		.changes = true,
		.aside = true,
		.own_words = true,
		.begin = begin,
		.take = take,
		.done = done,
		.arg = &x };

	return ask_run(&a, o, err);
}
