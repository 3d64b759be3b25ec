#include "client/progress.h"

#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "client/report.h"

#define DRAW_MS 100
#define TELL_MS 500
/* What is over by then needs no line. */
#define FIRST_MS 300

void
progress_begin(struct progress *p, const char *what, const char *target,
	uint64_t total)
{
	memset(p, 0, sizeof(*p));
	p->what = what;
	p->target = target;
	p->total = total;
	p->began = io_now_ms();
	p->drawn = p->began + FIRST_MS - DRAW_MS;
	p->told = p->began;
}

static void
draw(const struct progress *p, int64_t ms)
{
	struct buf b = BUF_INIT;
	uint64_t rate = p->done * 1000 / (uint64_t)ms;

	buf_addf(&b, "%s ", p->what);
	report_bytes(&b, p->done);
	if (p->total) {
		buf_addstr(&b, " of ");
		report_bytes(&b, p->total);
		buf_addf(&b, " (%d %%)",
			(int)((double)p->done * 100 / (double)p->total));
	}
	buf_addstr(&b, ", ");
	report_bytes(&b, rate);
	buf_addstr(&b, "/s");
	if (p->total && rate) {
		buf_addstr(&b, ", ");
		report_seconds(&b,
			(int64_t)((p->total - p->done) / rate) * 1000);
		buf_addstr(&b, " left");
	}
	log_live(b.data);
	buf_release(&b);
}

static void
tell(const struct progress *p)
{
	report_event("progress", "target", "s", p->target, "done", "i",
		(int64_t)p->done, "total", "i", (int64_t)p->total, NULL);
}

void
progress_at(struct progress *p, uint64_t done)
{
	int64_t now;

	if (!p->what)
		return;
	now = io_now_ms();
	/* Files that changed meanwhile are sent twice. */
	p->done = p->total && done > p->total ? p->total : done;
	if (now - p->drawn >= DRAW_MS) {
		p->drawn = now;
		draw(p, now - p->began);
	}
	if (p->target && now - p->told >= TELL_MS) {
		p->told = now;
		tell(p);
	}
}

void
progress_end(struct progress *p)
{
	if (!p->what)
		return;
	if (p->target)
		tell(p);
	p->what = NULL;
	log_live("");
}
