/* The verb fsck: the store of the app on the server is checked and repaired. */
#include "base/log.h"
#include "client/ask.h"
#include "client/report.h"
#include "client/verbs.h"
#include "wire/words.h"

/* The argument is how many are not repaired. */
static int
begin(struct ask *a, struct error *err)
{
	uint64_t *left = a->arg;

	*left = 0;
	return 0;
}

static void
tell(struct ask *a, const void *message)
{
	const struct msg_fault *m = message;
	uint64_t *left = a->arg;
	struct buf text = BUF_INIT;

	report_event("fault", "target", "s", a->target->text, "release", "s",
		m->release, "change", "s", m->change, "path", "s", m->path,
		"how", "s", m->how, "repair", "s", m->repair, "advice", "s",
		m->advice, NULL);
	fault_text(m, a->options->dry_run, &text);
	if (!report_is_json())
		report_line("%s: %s", a->target->text, buf_str(&text));
	buf_release(&text);
	*left += a->options->dry_run || !m->repair;
}

static void
done(struct ask *a, const struct msg_result *r)
{
	const uint64_t *left = a->arg;
	struct buf b = BUF_INIT;

	report_count(&b, r->files);
	buf_addstr(&b, " files read, ");
	fault_sum(a->told, *left, a->options->dry_run, &b);
	log_info("%s: %s", a->target->text, b.data);
	buf_release(&b);
	a->wrong = *left > 0;
}

int
verb_fsck(struct options *o, struct error *err)
{
	uint64_t left = 0;
	struct ask a = { .verb = "fsck",
		.changes = true,
		.aside = true,
		.own_words = true,
		.begin = begin,
		ASK_ANSWER("fault", fault),
		.tell = tell,
		.done = done,
		.arg = &left };

	return ask_run(&a, o, err);
}
