/* The verbs prune, pin and unpin: making room, and sparing a release. */
#include <string.h>

#include "base/log.h"
#include "client/ask.h"
#include "client/report.h"
#include "client/verbs.h"

/* What one target has told. */
struct pruned {
	uint64_t releases, bytes;
	bool more;
};

static void
add_amount(struct buf *b, uint64_t bytes, bool more)
{
	if (more)
		buf_addstr(b, "more than ");
	report_bytes(b, bytes);
}

static void
tell(struct ask *a, const void *message)
{
	const struct msg_dropped *m = message;
	struct pruned *p = a->arg;
	const char *what = m->release ? m->release :
		m->spare              ? "the spare" :
					"what was in trash";
	struct buf b = BUF_INIT;

	p->releases += m->release != NULL;
	p->bytes += m->bytes;
	p->more |= m->more;
	report_event("dropped", "target", "s", a->target->text, "release", "s",
		m->release, "bytes", "i", (int64_t)m->bytes, "more", "b",
		(int)m->more, "spare", "b", (int)m->spare, NULL);
	add_amount(&b, m->bytes, m->more);
	if (!a->options->dry_run)
		log_info("dropped %s: %s", what, b.data);
	else if (!report_is_json())
		report_line("%s: %s", what, b.data);
	buf_release(&b);
}

static void
pruned(struct ask *a, const struct msg_result *r)
{
	struct pruned *p = a->arg;
	bool dry = a->options->dry_run;
	struct buf b = BUF_INIT;

	report_count(&b, p->releases);
	buf_addf(&b, " release%s, ", p->releases == 1 ? "" : "s");
	add_amount(&b, p->bytes, p->more);
	if (p->releases || p->bytes)
		log_info("%s: %s %s", a->target->text,
			dry ? "a prune would drop" : "dropped", b.data);
	else
		log_info("%s: there is nothing to drop", a->target->text);
	buf_release(&b);
	memset(p, 0, sizeof(*p));
}

int
verb_prune(struct options *o, struct error *err)
{
	struct pruned p = { 0 };
	struct ask a = { .verb = "prune",
		.changes = true,
		.aside = true,
		ASK_ANSWER("dropped", dropped),
		.tell = tell,
		.done = pruned,
		.arg = &p };

	return ask_run(&a, o, err);
}

static void
pinned(struct ask *a, const struct msg_result *r)
{
	bool same = r->outcome && !strcmp(r->outcome, "same");
	bool pin = !strcmp(a->verb, "pin");

	log_info("%s: %s is %s%s: retention %s it", a->target->text,
		r->release ? r->release : "", same ? "already " : "",
		pin ? "pinned" : "not pinned",
		pin ? "spares" : "does not spare");
}

int
verb_pin(struct options *o, struct error *err)
{
	struct ask a = { .verb = "pin",
		.changes = true,
		.aside = true,
		.needs_release = true,
		.done = pinned };

	return ask_run(&a, o, err);
}

int
verb_unpin(struct options *o, struct error *err)
{
	struct ask a = { .verb = "unpin",
		.changes = true,
		.aside = true,
		.needs_release = true,
		.done = pinned };

	return ask_run(&a, o, err);
}
