/* The verb status: what is live, and what goes on. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "client/ask.h"
#include "client/report.h"
#include "client/verbs.h"

/* "releases 12.3 MB", or "more than" where the server stopped counting. */
static void
add_figure(struct buf *b, const struct msg_status *m, const char *name,
	uint64_t bytes)
{
	struct strv more = STRV_INIT;

	strv_split(&more, m->more ? m->more : "", " ");
	buf_addf(b, "%s%s %s", b->len ? ", " : "", name,
		strv_has(&more, name) ? "more than " : "");
	report_bytes(b, bytes);
	strv_release(&more);
}

static void
print_disk(const struct msg_status *m)
{
	struct buf b = BUF_INIT;

	add_figure(&b, m, "releases", m->releases_bytes);
	add_figure(&b, m, "next", m->next_bytes);
	add_figure(&b, m, "shared", m->shared_bytes);
	add_figure(&b, m, "cache", m->cache_bytes);
	report_line("  disk      %s", b.data);
	buf_release(&b);
}

static void
print_room(const struct msg_status *m)
{
	struct buf b = BUF_INIT;

	report_bytes(&b, m->free_bytes);
	buf_addstr(&b, " of ");
	report_bytes(&b, m->total_bytes);
	report_line("  room      %s free", b.data);
	buf_release(&b);
}

/* What comes behind what is live. */
static void
print_rest(const struct msg_status *m)
{
	if (!m->live)
		report_line("  live      nothing");
	if (m->previous)
		report_line("  previous  %s", m->previous);
	report_line("  releases  %" PRIu64, m->releases);
	if (m->busy)
		report_line("  deploying %s", m->busy);
	if (m->cut_off)
		report_line("  cut off   the switch to %s; the next deploy "
			    "finishes it, or deploy fsck",
			m->cut_off);
	print_disk(m);
	print_room(m);
	report_line("  deployd   %s", m->version ? m->version : "");
	if (m->apps)
		report_line("  apps here %s", m->apps);
}

static void
tell_status(const struct ask *a, const struct msg_status *m)
{
	report_event("status", "target", "s", a->target->text, "live", "s",
		m->live, "previous", "s", m->previous, "busy", "s", m->busy,
		"cut_off", "s", m->cut_off, "releases", "i",
		(int64_t)m->releases, "free", "i", (int64_t)m->free_bytes,
		"total", "i", (int64_t)m->total_bytes, "releases_bytes", "i",
		(int64_t)m->releases_bytes, "next_bytes", "i",
		(int64_t)m->next_bytes, "shared_bytes", "i",
		(int64_t)m->shared_bytes, "cache_bytes", "i",
		(int64_t)m->cache_bytes, "more", "s", m->more, "deployd", "s",
		m->version, "apps", "s", m->apps, NULL);
}

static void
print_live(const struct msg_release *r)
{
	struct buf when = BUF_INIT;

	if (r->state && !strcmp(r->state, "damaged")) {
		report_line("  live      %s, %s", r->id,
			r->reason ? r->reason : "which is damaged");
		return;
	}
	report_time(&when, r->activated ? r->activated : r->created);
	report_line("  live      %s, %s by %s%s", r->id, when.data,
		r->by ? r->by : "unknown",
		r->checked ? "" : ", its check has not passed");
	if (!r->checked && r->reason)
		report_line("  reason    %s", r->reason);
	if (r->git_commit)
		report_line("  commit    %s %.12s %s%s",
			r->git_branch ? r->git_branch : "-", r->git_commit,
			r->git_subject ? r->git_subject : "",
			r->git_dirty ? " (with changes)" : "");
	buf_release(&when);
}

static int
take_status(const struct ask *a, const struct frame *f, struct msg_status *m,
	struct error *err)
{
	MESSAGE_RELEASE(status, m);
	if (MESSAGE_READ(status, f, m, err) < 0)
		return -1;
	if (report_is_json()) {
		tell_status(a, m);
		return 0;
	}
	report_line("%s", a->target->text);
	if (!m->live)
		print_rest(m);
	return 0;
}

static int
take_live(const struct ask *a, const struct frame *f, struct error *err)
{
	struct msg_release r = { 0 };
	int rc = MESSAGE_READ(release, f, &r, err);

	if (rc == 0 && report_is_json())
		report_release(&r, a->target->text);
	else if (rc == 0)
		print_live(&r);
	if (rc == 0 && !report_is_json())
		print_rest(a->arg);
	MESSAGE_RELEASE(release, &r);
	return rc;
}

static int
take(struct ask *a, const struct frame *f, struct error *err)
{
	if (!strcmp(f->type, "status"))
		return take_status(a, f, a->arg, err);
	if (!strcmp(f->type, "release"))
		return take_live(a, f, err);
	return ask_unexpected(f, err);
}

int
verb_status(struct options *o, struct error *err)
{
	struct msg_status m = { 0 };
	struct ask a = { .verb = "status", .take = take, .arg = &m };
	int rc = ask_run(&a, o, err);

	MESSAGE_RELEASE(status, &m);
	return rc;
}
