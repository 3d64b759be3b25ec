#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/zstream.h"
#include "client/delivery_parts.h"
#include "client/report.h"
#include "tree/wanted.h"

#define WINDOW_LOG 23
/* Hexadecimal digits of need-end's. */
#define TOKEN 32
/* A live tree's text; deployd takes less of ours. */
#define TEXT_MOST (1ULL << 30)

bool
delivery_waits(const struct delivery *d)
{
	return d->then != THEN_COMPARE && !d->options->force &&
		d->cargo->project->refuse_ancestry &&
		d->cargo->git.is_repository;
}

/* Replacing a commit that the checkout does not contain. */
static int
check_ancestry(struct delivery *d, struct error *err)
{
	const struct msg_live *l = &d->live;
	const struct cargo *c = d->cargo;
	int contains;

	if (!l->git_commit || !c->git.is_repository)
		return 0;
	contains = git_contains(c->project->tree, l->git_commit);
	/* Of a shallow clone only a no is an answer. */
	if (contains > 0 || (contains < 0 && !delivery_waits(d)))
		return 0;
	error_status(err, STATUS_REFUSED,
		"what is live on %s is commit %.12s (%s), which this checkout "
		"%s",
		d->target->text, l->git_commit,
		l->git_subject ? l->git_subject : "no subject",
		contains < 0 ? "may not contain: git cannot tell" :
			       "does not contain");
	if (!delivery_waits(d)) {
		log_warn("%s", err->text);
		return 0;
	}
	error_hint(err,
		contains < 0 ? "fetch more of the history (git fetch "
			       "--unshallow), or use --force" :
			       "fetch and merge it, or use --force");
	return -1;
}

static int
take_live(struct delivery *d, const struct frame *f, struct error *err)
{
	if (MESSAGE_READ(live, f, &d->live, err) < 0)
		return -1;
	d->locked = true;
	if (check_ancestry(d, err) < 0)
		return -1;
	if (delivery_waits(d))
		delivery_send_difference(d);
	return 0;
}

/* The server has no use for the difference. */
static int
take_send(struct delivery *d, const struct frame *f, struct error *err)
{
	struct msg_send m = { 0 };
	int rc = MESSAGE_READ(send, f, &m, err);
	bool full = rc == 0 && m.what && !strcmp(m.what, "full");

	if (full)
		log_verbose("%s: the whole manifest is sent: %s",
			d->target->text,
			m.reason ? m.reason : "the server wants it");
	MESSAGE_RELEASE(send, &m);
	if (rc < 0)
		return -1;
	if (!full)
		return error_status(err, STATUS_TRANSFER,
			"the server wants something else sent than all");
	if (d->sent_whole || d->need.n)
		return error_status(err, STATUS_TRANSFER,
			"the server asks for the manifest again");
	d->sent_whole = true;
	delivery_forget_offer(d);
	delivery_send_whole(d);
	return 0;
}

static int
take_need(struct delivery *d, const struct frame *f, struct error *err)
{
	return ranges_read(&d->need, f->data, f->len, d->m.lines, err);
}

/* All lines must be a file's, or a chunk's. */
static int
check_lines(const struct delivery *d, const struct ranges *lines,
	struct error *err)
{
	struct ranges_cursor at = { 0, 0 };
	struct wanted w;
	uint32_t line;
	int rc = 0;

	delivery_lock(d);
	while (rc == 0 && ranges_next(lines, &at, &line))
		if (wanted_find(&w, &d->m, line) < 0)
			rc = error_status(err, STATUS_TRANSFER,
				"the server asks for line %u, which is no file",
				line);
	delivery_unlock(d);
	return rc;
}

static bool
is_needed(size_t place, void *arg)
{
	const struct delivery *d = arg;

	return ranges_has(&d->need, d->m.v[place].line);
}

/* Other targets may need what this one does not. */
static void
drop_kept(struct delivery *d)
{
	if (d->cargo->kept && !d->watch.prefix)
		kept_only(d->cargo->kept, is_needed, d);
}

static void
ask_lines(struct delivery *d)
{
	struct ranges_cursor at = { 0, 0 };
	uint32_t line;

	while (ranges_next(&d->need, &at, &line))
		packer_ask(delivery_packer(d), line);
}

static bool
is_token(const char *s)
{
	return strlen(s) == TOKEN && strspn(s, "0123456789abcdef") == TOKEN;
}

static void
report_need(struct delivery *d)
{
	const struct msg_need_end *n = &d->need_end;
	struct buf b = BUF_INIT;

	report_bytes(&b, n->bytes);
	log_verbose("%s: needs %llu files, %s; holds %llu already",
		d->target->text, (unsigned long long)n->files, b.data,
		(unsigned long long)n->reused);
	if (n->reason)
		log_verbose("%s: %s", d->target->text, n->reason);
	report_event("need", "target", "s", d->target->text, "files", "i",
		(int64_t)n->files, "bytes", "i", (int64_t)n->bytes, "reused",
		"i", (int64_t)n->reused, NULL);
	buf_release(&b);
}

static int
take_need_end(struct delivery *d, const struct frame *f, struct error *err)
{
	const char *token;

	if (MESSAGE_READ(need_end, f, &d->need_end, err) < 0 ||
		check_lines(d, &d->need, err) < 0)
		return -1;
	token = d->need_end.token;
	if (token && !is_token(token))
		return error_status(err, STATUS_TRANSFER,
			"the server sent a malformed token");
	timeline_done(&d->watch.timeline, "need");
	report_need(d);
	delivery_lock(d);
	cargo_warn_secrets(d->cargo, &d->need);
	drop_kept(d);
	if (!d->live.release)
		cargo_warn_size(d->cargo, d->need_end.bytes);
	delivery_unlock(d);
	if (token && d->then != THEN_COMPARE)
		delivery_open_lanes(d);
	else if (d->then != THEN_COMPARE)
		ask_lines(d);
	d->state = DELIVERY_WAITING;
	if (d->then == THEN_COMPARE || (d->need.n == 0 && !d->offering))
		return 0;
	d->state = DELIVERY_SENDING;
	progress_begin(&d->progress, "sending", d->target->text,
		d->need_end.bytes);
	return 0;
}

static int
take_bad(struct delivery *d, const struct frame *f, struct error *err)
{
	struct ranges r = { NULL, 0, 0 };
	struct ranges_cursor at = { 0, 0 };
	uint32_t line;
	int rc = ranges_read(&r, f->data, f->len, d->m.lines, err);

	if (rc == 0 && !r.n)
		rc = error_status(err, STATUS_TRANSFER,
			"the server sent an empty bad frame");
	d->again += ranges_count(&r);
	if (rc == 0 && (d->then == THEN_COMPARE || d->again > MOST_AGAIN(d->m)))
		rc = error_status(err, STATUS_TRANSFER,
			"the server asks for the same again and again");
	if (rc == 0)
		rc = check_lines(d, &r, err);
	while (rc == 0 && ranges_next(&r, &at, &line)) {
		delivery_part_again(d, line);
		packer_again(delivery_packer(d), line);
	}
	ranges_release(&r);
	if (rc == 0)
		d->state = DELIVERY_SENDING;
	return rc;
}

static int
take_staged(struct delivery *d, const struct frame *f, struct error *err)
{
	if (d->then != THEN_HOLD)
		return error_status(err, STATUS_TRANSFER,
			"a release is held that is not to be");
	d->state = DELIVERY_STAGED;
	return 0;
}

/* A peer shall not fill memory: so much larger is no live tree. */
static uint64_t
most_entries(const struct delivery *d)
{
	return 1000000 + 4 * (uint64_t)d->m.n;
}

static int
unpack_manifest(struct delivery *d, const struct frame *f, struct error *err)
{
	char plain[65536];
	size_t used = 0;
	long n;

	do {
		n = zin_read(d->unzip, f->data, f->len, &used, plain,
			sizeof(plain), err);
		if (n < 0 ||
			manifest_reader_add(d->theirs, plain, (size_t)n, err) <
				0)
			return -1;
	} while (used < f->len || n == sizeof(plain));
	return 0;
}

/* The live tree of a compare, as a difference against ours. */
static int
take_manifest(struct delivery *d, const struct frame *f, struct error *err)
{
	if (d->then != THEN_COMPARE)
		return error_status(err, STATUS_TRANSFER,
			"a manifest that was not asked for");
	if (!d->theirs) {
		d->theirs = mem_zalloc(1, sizeof(*d->theirs));
		manifest_reader_init(d->theirs, &d->live_tree, &d->m,
			most_entries(d));
		d->theirs->most_bytes = TEXT_MOST;
		d->unzip = zin_new(WINDOW_LOG);
	}
	if (unpack_manifest(d, f, err) == 0)
		return 0;
	err->status = STATUS_TRANSFER;
	return -1;
}

/* What a success must say to be one. */
static int
check_success(const struct delivery *d, struct error *err)
{
	const struct msg_result *r = &d->result;
	bool compare = d->then == THEN_COMPARE;

	if (d->state == DELIVERY_OPENING || !r->outcome ||
		(!compare && !r->release))
		return error_status(err, STATUS_TRANSFER,
			"the server's result says nothing");
	if (compare && !(d->theirs && d->theirs->ended))
		return error_status(err, STATUS_TRANSFER,
			"the live tree did not come");
	return 0;
}

static int
take_result(struct delivery *d, const struct frame *f, struct error *err)
{
	struct error why = ERROR_INIT;

	if (MESSAGE_READ(result, f, &d->result, err) < 0)
		return -1;
	progress_end(&d->progress);
	timeline_end(&d->watch.timeline);
	timeline_done(&d->watch.timeline, "result");
	watch_end(&d->watch);
	if (d->result.status) {
		result_to_error(&d->result, &why);
		delivery_fail(d, &why);
		return 0;
	}
	if (check_success(d, err) < 0)
		return -1;
	d->state = DELIVERY_DONE;
	return 0;
}

#define IN(state) (1u << DELIVERY_##state)
#define ANY (~IN(DONE))

/* Which frames may come in which states, and whether live has come before. */
static const struct handler {
	const char *type;
	int (*take)(struct delivery *d, const struct frame *f,
		struct error *err);
	unsigned states;
	enum { BEFORE_LIVE, AFTER_LIVE, AT_ANY_TIME } when;
} handlers[] = {
	{ "live", take_live, IN(ASKED), BEFORE_LIVE },
	{ "send", take_send, IN(ASKED), AFTER_LIVE },
	{ "need", take_need, IN(ASKED), AFTER_LIVE },
	{ "need-end", take_need_end, IN(ASKED), AFTER_LIVE },
	{ "bad", take_bad, IN(SENDING) | IN(WAITING), AFTER_LIVE },
	{ "staged", take_staged, IN(WAITING) | IN(BUILDING), AFTER_LIVE },
	{ "manifest", take_manifest, IN(WAITING), AFTER_LIVE },
	{ "result", take_result, ANY, AT_ANY_TIME },
};

static bool
is_expected(const struct delivery *d, const struct handler *h)
{
	return h->states & (1u << d->state) &&
		(h->when == AT_ANY_TIME ||
			(h->when == AFTER_LIVE) == d->locked);
}

/* A stage begins: the server has all it needs. */
static void
note_stage(struct delivery *d)
{
	progress_end(&d->progress);
	/* What a channel that ended had sent may be under way once more. */
	if (d->lanes.parts) {
		packer_free(d->pack);
		d->pack = NULL;
		delivery_close_lanes(d);
	}
	if (d->watch.switched)
		d->state = DELIVERY_SWITCHED;
	else if (d->state == DELIVERY_WAITING || d->state == DELIVERY_SENDING)
		d->state = DELIVERY_BUILDING;
}

int
delivery_take(struct delivery *d, const struct frame *f, struct error *err)
{
	size_t i;

	if (watch_frame(&d->watch, f)) {
		if (!strcmp(f->type, ".stage") && d->cargo)
			note_stage(d);
		return 0;
	}
	for (i = 0; i < sizeof(handlers) / sizeof(*handlers); i++)
		if (!strcmp(f->type, handlers[i].type) &&
			is_expected(d, &handlers[i]))
			return handlers[i].take(d, f, err);
	if (f->type[0] == '.')
		return 0;
	return error_status(err, STATUS_TRANSFER,
		"%s sent an unexpected %s frame", d->target->text, f->type);
}
