/* What became of a delivery: told, and the next base kept. */
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "client/delivery_parts.h"
#include "client/report.h"
#include "client/signals.h"

/* Of several targets an app's name alone does not tell which. */
static const char *
name(const struct delivery *d)
{
	return d->watch.prefix ? d->target->text : d->target->app;
}

static void
say_deployed(const struct delivery *d)
{
	const struct msg_result *r = &d->result;
	struct buf b = BUF_INIT;
	uint64_t sent = d->session.report.sent;

	buf_addf(&b, "%s %s %s: reused ", r->outcome, name(d), r->release);
	report_count(&b, r->reused);
	buf_addstr(&b, " of ");
	report_count(&b, r->files);
	buf_addstr(&b, " files, sent ");
	report_bytes(&b, sent);
	buf_addstr(&b, " of ");
	report_bytes(&b, d->cargo->bytes);
	buf_addstr(&b, " in ");
	report_seconds(&b, io_now_ms() - d->watch.began);
	log_info("%s", b.data);
	if (!strcmp(r->outcome, "built"))
		log_info("make it live: deploy activate %s %s", d->target->text,
			r->release);
	buf_release(&b);
}

static void
say_same(const struct delivery *d)
{
	struct buf b = BUF_INIT;

	report_seconds(&b, io_now_ms() - d->watch.began);
	log_info("unchanged %s %s: it is live already (%s)", name(d),
		d->result.release ? d->result.release : "", b.data);
	buf_release(&b);
}

/* What is live in spite of it; of several targets each tells why. */
static void
say_failed(struct delivery *d, size_t targets)
{
	if (log_level() == LOG_QUIET && d->result.stage)
		watch_show_tail(&d->watch);
	if (d->result.live && d->error.status != STATUS_REVERTED)
		log_info("%s: %s is live", d->target->text, d->result.live);
	else if (d->result.status && d->locked && !d->live.release)
		log_info("%s: nothing is live", d->target->text);
	if (targets > 1 && delivery_was_given_up(d) && !signals_caught())
		error_status(&d->error, STATUS_INT,
			"given up, because of another target");
	if (targets > 1) {
		error_prefix(&d->error, "%s: ", d->target->text);
		log_error("deploy", &d->error);
	}
}

static void
say_timeline(struct delivery *d)
{
	struct buf b = BUF_INIT;

	timeline_connection(&d->watch.timeline, &d->session.report);
	timeline_format(&d->watch.timeline, &b);
	log_verbose("%s: timeline in ms: %s", d->target->text, buf_str(&b));
	buf_release(&b);
}

bool
delivery_did_well(const struct delivery *d)
{
	return d->state == DELIVERY_DONE && delivery_status(d) == STATUS_OK;
}

bool
delivery_was_given_up(const struct delivery *d)
{
	return d->aborting && d->error.status == STATUS_INT;
}

void
delivery_finish(struct delivery *d, size_t targets)
{
	bool well = delivery_did_well(d);

	session_close(&d->session);
	say_timeline(d);
	if (!well)
		say_failed(d, targets);
	else if (!strcmp(d->result.outcome, "same"))
		say_same(d);
	else
		say_deployed(d);
	session_tell_result(&d->session, &d->result, STATUS_OK,
		well ? NULL : &d->error);
	if (well)
		delivery_keep_base(d);
}
