/* The verb restart: what is live is restarted and checked. */
#include "base/io.h"
#include "base/log.h"
#include "client/ask.h"
#include "client/report.h"
#include "client/verbs.h"

static void
done(struct ask *a, const struct msg_result *r)
{
	struct buf b = BUF_INIT;

	report_seconds(&b, io_now_ms() - a->watch.began);
	log_info("restarted %s, %s is live, in %s", a->target->app,
		r->live ? r->live : "nothing", b.data);
	buf_release(&b);
}

int
verb_restart(struct options *o, struct error *err)
{
	struct ask a = { .verb = "restart",
		.changes = true,
		.own_words = true,
		.point = "restart",
		.done = done };

	return ask_run(&a, o, err);
}
