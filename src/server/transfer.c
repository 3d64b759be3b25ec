#include "server/transfer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "server/offer.h"
#include "tree/wanted.h"

/* Below this one channel is done before others have begun. */
#define LANES_BYTES (8 * 1024 * 1024)
/* A line, or a file of which all chunks have come. */
#define DONE UINT32_MAX

/* A frame of an intake, if one has come: 1, 0, or -1 with its failure. */
static int
intake_frame(struct intake *in, struct frame *f, struct error *err)
{
	struct channel *c = &in->channel;
	struct msg_result r = { 0 };
	int rc = channel_next(c, f, err);

	if (rc == 0 && c->eof) {
		in->failed = true;
		return intake_ended(in, err);
	}
	if (rc <= 0 || strcmp(f->type, "fail"))
		return rc;
	in->failed = true;
	if (MESSAGE_READ(result, f, &r, err) == 0)
		result_to_error(&r, err);
	MESSAGE_RELEASE(result, &r);
	return -1;
}

/*
 * Whether a line is one more of those that were asked for: over several
 * channels it may come twice or late, and a file as its chunks.
 */
static bool
counts(struct push *p, const struct wanted *w, uint32_t line)
{
	uint32_t file = w->e->line;
	bool asked = ranges_has(p->asked, line) || ranges_has(&p->offer, line);

	if (!p->arrived)
		return true;
	if (!asked && !ranges_has(p->asked, file))
		return false;
	if (!asked && w->instead)
		line = file;
	if (p->arrived[line] == DONE)
		return false;
	p->arrived[line] = DONE;
	if (asked || line == file)
		return true;
	if (p->arrived[file] == DONE || ++p->arrived[file] < w->e->chunks->n)
		return false;
	p->arrived[file] = DONE;
	p->in_chunks = true;
	return true;
}

/*
 * What was offered may have been found elsewhere.  A lane that has not heard
 * of an amend speaks of what the file was before: it is looked for.
 */
static void
note_arrival(struct push *p, struct supply *u)
{
	char name[4 + DIGEST_HEX + 1] = "tmp/";
	struct stat st;

	if (u->where != SUPPLY_NONE)
		return;
	digest_to_hex(u->digest, name + 4);
	if (!p->arrived ||
		(beneath_stat(p->store->own, name, &st) == 0 &&
			(uint64_t)st.st_size == u->size))
		u->where = SUPPLY_TMP;
}

/* A line that an intake reports. */
static int
take_line(struct push *p, uint32_t line, struct error *err)
{
	struct wanted w;

	if (wanted_find(&w, &p->m, line) < 0)
		return error_set(err, "the intake named no file");
	if (!counts(p, &w, line))
		return 0;
	if (!p->left)
		return error_set(err, "the intake named more than was asked");
	p->left--;
	/* After an amend the plan is made anew, so its digest may differ. */
	if (!p->amended && !w.part)
		note_arrival(p, plan_supply(&p->plan, w.e));
	return 0;
}

static int
take_report(struct push *p, const struct frame *f, struct channel *client,
	struct error *err)
{
	struct ranges r = { NULL, 0, 0 };
	struct ranges_cursor at = { 0, 0 };
	uint32_t line;
	int rc = ranges_read(&r, f->data, f->len, p->m.lines, err);

	if (rc == 0 && !strcmp(f->type, "bad"))
		channel_send(client, "bad", f->data, f->len);
	else
		while (rc == 0 && ranges_next(&r, &at, &line))
			rc = take_line(p, line, err);
	ranges_release(&r);
	return rc;
}

/*
 * What has come on a lane and of its intake.  -1 with p->err only if it
 * concerns the whole push: a server that takes no more.
 */
static int
serve_lane(struct push *p, struct lane *l)
{
	struct error err = ERROR_INIT;
	struct frame f;
	int rc = 0;

	if (l->broken)
		return 0;
	while ((rc = intake_frame(&l->intake, &f, &err)) > 0)
		if (take_report(p, &f, &l->client, &err) < 0) {
			rc = -1;
			break;
		}
	while (rc == 0 && !channel_full(&l->intake.channel) &&
		(rc = channel_next(&l->client, &f, &err)) > 0)
		rc = f.type[0] == '.' ?
			0 :
			transfer_pass_on(p, &l->intake, &f, &err);
	if (rc == 0 && l->client.eof && !l->intake.channel.tx.len)
		lane_end(l);
	if (rc == 0)
		return 0;
	if (l->ended) {
		lane_break(l);
		return 0;
	}
	if (err.status == STATUS_REFUSED) {
		*p->err = err;
		return -1;
	}
	session_note(p->s, "a further channel is given up: %s", err.text);
	lane_break(l);
	return 0;
}

static int
turn(struct push *p)
{
	struct pollfd fds[LANES_FDS];
	size_t i;
	int n = 0;

	if (p->lanes.open)
		n = lanes_poll(&p->lanes, fds);
	if (session_await(p->s, fds, n, p->err) < 0)
		return -1;
	if (!p->lanes.open)
		return 0;
	lanes_turn(&p->lanes, fds);
	p->s->brought = lanes_received(&p->lanes);
	for (i = 0; i < p->lanes.n; i++)
		if (serve_lane(p, &p->lanes.v[i]) < 0)
			return -1;
	return 0;
}

/* As transfer_frame(), or 0 if lanes have brought the rest. */
static int
next_frame(struct push *p, struct frame *f)
{
	struct session *s = p->s;

	for (;;) {
		struct frame in;
		/* What is bad waits for who reads of it. */
		int rc = session_full(s) ? 0 :
					   intake_frame(&s->intake, f, p->err);

		if (rc)
			return rc;
		if (p->lanes.open && !p->left)
			return 0;
		if (channel_full(&s->intake.channel) || offer_waits(p)) {
			rc = 0;
		} else {
			rc = session_poll_frame(s, &in, p->err);
			if (rc < 0)
				return -1;
		}
		if (rc ? transfer_pass(p, &in) < 0 : turn(p) < 0)
			return -1;
	}
}

int
transfer_frame(struct push *p, struct frame *f)
{
	return next_frame(p, f) < 0 ? -1 : 0;
}

char *
transfer_token(struct push *p, uint64_t bytes)
{
	if (!p->ask.lanes || bytes < LANES_BYTES || p->then == THEN_COMPARE ||
		lanes_open(&p->lanes, p->store->own, &p->m, p->s->config) < 0)
		return NULL;
	p->arrived = mem_zalloc((size_t)p->m.lines + 1, sizeof(*p->arrived));
	channel_send(&p->s->intake.channel, "parts", "", 0);
	return p->lanes.token;
}

/* A later round asks for some lines once more. */
static void
begin(struct push *p, const struct ranges *need)
{
	p->asked = need;
	p->in_chunks = false;
	p->left = ranges_count(need) + ranges_count(&p->offer);
	if (p->arrived)
		memset(p->arrived, 0,
			((size_t)p->m.lines + 1) * sizeof(*p->arrived));
	if (p->arrived)
		return;
	ranges_send(&p->s->intake.channel, "need", need);
	channel_send(&p->s->intake.channel, "settled", "", 0);
}

int
transfer_files(struct push *p, const struct ranges *need)
{
	struct frame f;
	int rc = 0;

	begin(p, need);
	while (rc >= 0 && p->left) {
		rc = next_frame(p, &f);
		if (rc > 0)
			rc = take_report(p, &f, &p->s->client, p->err);
	}
	p->asked = NULL;
	return rc < 0 ? -1 : 0;
}

void
transfer_end(struct push *p)
{
	struct channel *c = &p->s->client;

	lanes_rest(&p->lanes);
	buf_consume(&c->rx, c->taken);
	c->taken = 0;
	p->s->has_files = true;
}

void
transfer_release(struct push *p)
{
	if (p->lanes.open)
		lanes_close(&p->lanes);
	free(p->arrived);
	p->arrived = NULL;
}
