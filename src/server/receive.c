/* What a push sends: settings, manifest, files. */
#include "server/push_state.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "server/assemble.h"
#include "server/offer.h"
#include "server/push_checks.h"
#include "server/stage.h"
#include "tree/wanted.h"
#include "wire/manifest_send.h"

/* The base: a manifest that both sides hold, or `send full`. */
static int
choose_base(struct push *p)
{
	struct msg_send send = { (char *)"full",
		p->ask.base ? (char *)"the base manifest is not kept here" :
			      (char *)"there is no base" };
	struct error why = ERROR_INIT;
	struct frame f;

	if (p->ask.base && !p->absent && !p->ask.no_cache &&
		store_load_manifest(p->store, p->ask.base, &p->base, &why) ==
			0) {
		p->has_base = true;
		return 0;
	}
	manifest_release(&p->base);
	p->ask.offer = false;
	MESSAGE_SEND(&p->s->client, "send", send, &send);
	/* What followed push is void up to the client's `full`. */
	do {
		if (session_frame(p->s, &f, p->err) < 0)
			return -1;
	} while (strcmp(f.type, "full"));
	return 0;
}

static int
receive_settings(struct push *p)
{
	uint8_t hash[DIGEST_SIZE];
	char hex[DIGEST_HEX + 1];
	struct frame f;

	if (session_frame(p->s, &f, p->err) < 0)
		return -1;
	if (strcmp(f.type, "settings"))
		return error_status(p->err, STATUS_TRANSFER,
			"expected settings, got a %s frame", f.type);
	buf_add(&p->settings, f.data, f.len);
	digest_bytes(f.data, f.len, hash);
	digest_to_hex(hash, hex);
	if (strcmp(hex, p->ask.settings))
		return error_status(p->err, STATUS_TRANSFER,
			"the settings are not those announced");
	if (p->s->config->no_hooks && p->ask.hooks)
		session_note(p->s,
			"the hooks of deploy.conf do not run: this key has "
			"--hooks none");
	if (hook_settings_load(&p->hooks, p->s->config, p->ask.app,
		    buf_str(&p->settings), p->settings.len, p->err) < 0)
		return -1;
	return hook_settings_check(&p->hooks, p->err);
}

/* A frame of the intake, if one has come: 1, 0, or -1 with its failure. */
static int
intake_frame(struct push *p, struct frame *f)
{
	struct channel *c = &p->s->intake.channel;
	struct msg_result r = { 0 };
	int rc = channel_next(c, f, p->err);

	if (rc == 0 && c->eof)
		return error_status(p->err, STATUS_TRANSFER,
			"the intake process ended");
	if (rc <= 0 || strcmp(f->type, "fail"))
		return rc;
	if (MESSAGE_READ(result, f, &r, p->err) == 0)
		result_to_error(&r, p->err);
	MESSAGE_RELEASE(result, &r);
	return -1;
}

/* Passes a frame of the client on; amends and offers are kept here as well. */
static int
pass_on(struct push *p, const struct frame *in)
{
	uint32_t line;

	if (!strcmp(in->type, "offer")) {
		if (offer_take(p, in) < 0)
			return -1;
	} else if (!strcmp(in->type, "amend")) {
		if (intake_amend(&p->m, in->data, in->len, &line, p->err) < 0)
			return -1;
		p->amended = true;
	} else if (strcmp(in->type, "manifest") && strcmp(in->type, "files")) {
		return error_status(p->err, STATUS_TRANSFER,
			"an unexpected %s frame", in->type);
	}
	channel_send(&p->s->intake.channel, in->type, in->data, in->len);
	return 0;
}

/* Passes on what the client sends until the intake speaks: its frame is *f. */
static int
relay(struct push *p, struct frame *f)
{
	struct session *s = p->s;

	for (;;) {
		struct frame in;
		int rc = intake_frame(p, f);

		if (rc)
			return rc < 0 ? -1 : 0;
		if (channel_full(&s->intake.channel) || offer_waits(p)) {
			rc = 0;
		} else {
			rc = session_poll_frame(s, &in, p->err);
			if (rc < 0)
				return -1;
		}
		if (rc == 0) {
			if (session_turn(s, NULL, 0, -1, p->err) < 0)
				return -1;
			continue;
		}
		if (pass_on(p, &in) < 0)
			return -1;
	}
}

/*
 * What the intake made of what the client sent, read here once more: it is
 * the process that is not to be trusted.
 */
static int
read_manifest(struct push *p)
{
	int fd = p->s->intake.text;
	uint8_t digest[DIGEST_SIZE];
	char hex[DIGEST_HEX + 1];

	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(p->err, "manifest");
	if (manifest_read(&p->m, p->has_base ? &p->base : NULL, fd, digest,
		    p->err) < 0)
		return -1;
	manifest_adopt(&p->m, &p->base);
	digest_to_hex(p->m.id, hex);
	if (strcmp(hex, p->ask.tree))
		return error_status(p->err, STATUS_TRANSFER,
			"the manifest is not the one announced");
	return 0;
}

/* A handle of tmp/; without a base many files may come. */
static int
open_tmp(const struct push *p)
{
	if (!p->has_base)
		(void)store_make_apart(p->store, "tmp");
	return openat(p->store->own, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
receive_manifest(struct push *p)
{
	struct intake_options o = { -1, p->has_base ? &p->base : NULL,
		p->s->config->max_entries, p->s->config->umask };
	struct frame f;
	int rc;

	/* A compare has no tmp/ to write to, and sends no files. */
	if (p->then != THEN_COMPARE)
		o.tmp = open_tmp(p);
	rc = intake_start(&p->s->intake, &o, p->err);
	io_close(&o.tmp);
	if (rc < 0 || relay(p, &f) < 0)
		return -1;
	if (strcmp(f.type, "read"))
		return error_set(p->err, "the intake said %s", f.type);
	return read_manifest(p);
}

/* It may have come before the manifest was read. */
static int
receive_offer(struct push *p)
{
	struct frame f;

	while (p->ask.offer && !p->offer.n)
		if (session_frame(p->s, &f, p->err) < 0 || pass_on(p, &f) < 0)
			return -1;
	return offer_check(p);
}

int
receive_tree(struct push *p)
{
	if (choose_base(p) < 0 || receive_settings(p) < 0 ||
		receive_manifest(p) < 0 || receive_offer(p) < 0)
		return -1;
	return check_manifest(p->s->config, &p->m, p->err);
}

static int
make_plan(struct push *p)
{
	const struct busy busy = { session_busy, p->s };
	struct plan_options o = { .fresh = p->absent || p->ask.no_cache,
		.look = p->then == THEN_COMPARE,
		.offer = &p->offer,
		.chunks = p->trust,
		.busy = &busy };

	if (p->planned)
		plan_release(&p->plan);
	p->planned = true;
	return plan_make(&p->plan, p->store, &p->m, &o, p->err);
}

static void
answer_need(struct push *p, const struct ranges *need, uint64_t files,
	uint64_t bytes)
{
	struct msg_need_end end = { .files = files, .bytes = bytes };
	uint64_t all_bytes;

	manifest_count(&p->m, &p->result->files, &all_bytes);
	p->result->reused = p->result->files - files;
	p->result->bytes = bytes;
	end.reused = p->result->reused;
	if (p->plan.reason.len)
		end.reason = p->plan.reason.data;
	ranges_send(&p->s->client, "need", need);
	MESSAGE_SEND(&p->s->client, "need-end", need_end, &end);
}

/* What was offered may have been found elsewhere. */
static void
note_arrival(struct supply *u)
{
	if (u->where == SUPPLY_NONE)
		u->where = SUPPLY_TMP;
}

/* A line that the intake reports; *left counts what is to come. */
static int
take_line(struct push *p, uint32_t line, uint64_t *left)
{
	struct wanted w;

	if (wanted_find(&w, &p->m, line) < 0 || !*left)
		return error_set(p->err, "the intake named no file");
	--*left;
	/* After an amend the plan is made anew, so its digest may differ. */
	if (!p->amended && !w.part)
		note_arrival(plan_supply(&p->plan, w.e));
	return 0;
}

static int
take_report(struct push *p, const struct frame *f, uint64_t *left)
{
	struct ranges r = { NULL, 0, 0 };
	uint32_t line;
	size_t i;
	int rc = ranges_read(&r, f->data, f->len, p->m.lines, p->err);

	if (rc == 0 && !strcmp(f->type, "bad"))
		channel_send(&p->s->client, "bad", f->data, f->len);
	else
		for (i = 0; rc == 0 && i < r.n; i++)
			for (line = r.v[i].first;
				rc == 0 && line <= r.v[i].last; line++)
				rc = take_line(p, line, left);
	ranges_release(&r);
	return rc;
}

static int
receive_files(struct push *p, uint64_t left)
{
	struct frame f;

	while (left)
		if (relay(p, &f) < 0 || take_report(p, &f, &left) < 0)
			return -1;
	return 0;
}

/* What the server lacks now; counted is what was offered as well. */
static int
find_need(struct push *p, struct ranges *need, uint64_t *files, uint64_t *bytes)
{
	ranges_release(need);
	*files = *bytes = 0;
	if (make_plan(p) < 0)
		return -1;
	plan_need(&p->plan, need, files, bytes);
	offer_count(p, files, bytes);
	return 0;
}

static int
check_room(struct push *p, uint64_t upload)
{
	return check_space(p->store, upload, plan_copies(&p->plan),
		p->s->config->reserve, p->err);
}

/* Old releases go before a deploy is refused for want of space. */
static int
make_room(struct push *p, struct ranges *need, uint64_t *files, uint64_t *bytes)
{
	struct strv dropped = STRV_INIT;
	struct error ignored = ERROR_INIT;
	size_t i;

	if (check_room(p, *bytes) == 0)
		return 0;
	if (p->plan.strays.n) {
		session_note(p->s,
			"what was of no use in the spare was "
			"dropped to make room");
		stage_sweep(p->store, &p->plan);
	}
	prune_releases(p->store, 1, &dropped, &ignored);
	for (i = 0; i < dropped.n; i++)
		session_note(p->s, "%s was dropped to make room", dropped.v[i]);
	prune_trash_now(p->store);
	strv_release(&dropped);
	/* What was to be reused may have been in one of them. */
	return find_need(p, need, files, bytes) < 0 ? -1 :
						      check_room(p, *bytes);
}

/* Large files of which a part was here; what is wrong with one is asked for. */
static int
put_together(struct push *p)
{
	const struct busy busy = { session_busy, p->s };
	int rc = assemble(p->store, &p->plan, p->s->config->umask, &busy,
		p->err);

	p->distrusted = rc == 0;
	if (rc == 0 && p->trust < CHUNKS_NOT)
		p->trust++;
	return rc < 0 ? -1 : 0;
}

/* One round: asks, and takes what comes. */
static int
ask_and_receive(struct push *p, bool again, struct ranges *need)
{
	uint64_t files, bytes;

	if (find_need(p, need, &files, &bytes) < 0 ||
		make_room(p, need, &files, &bytes) < 0)
		return -1;
	if (again)
		ranges_send(&p->s->client, "bad", need);
	else
		answer_need(p, need, files, bytes);
	ranges_send(&p->s->intake.channel, "need", need);
	p->amended = false;
	if (receive_files(p, ranges_count(need) + ranges_count(&p->offer)) < 0)
		return -1;
	ranges_release(&p->offer);
	return p->amended ? 0 : put_together(p);
}

/*
 * A file amended while it was sent may leave others of the old content
 * without a supply: these are asked for in another round, as `bad`; so is what
 * a chunk was wrong of.
 */
int
receive_content(struct push *p)
{
	struct ranges need = { NULL, 0, 0 };
	bool again = false;
	int rc;

	do {
		rc = ask_and_receive(p, again, &need);
		if (rc == 0 && p->amended) {
			manifest_finish(&p->m);
			rc = check_manifest(p->s->config, &p->m, p->err);
		}
		again = true;
	} while (rc == 0 && (p->amended || p->distrusted));
	ranges_release(&need);
	return rc;
}

/* --dry-run: the live tree, as a difference against the one pushed. */
static int
answer_compare(struct push *p)
{
	struct manifest live = MANIFEST_INIT;
	int rc = 0;

	if (p->live.id)
		rc = store_load_manifest(p->store, p->live.manifest, &live,
			p->err);
	else
		manifest_finish(&live);
	if (rc == 0) {
		manifest_send(&p->s->client, &p->m, &live);
		p->result->outcome = mem_strdup("compared");
	}
	manifest_release(&live);
	return rc;
}

int
receive_compare(struct push *p)
{
	struct ranges need = { NULL, 0, 0 };
	uint64_t files, bytes;
	int rc = find_need(p, &need, &files, &bytes);

	if (rc == 0) {
		answer_need(p, &need, files, bytes);
		rc = answer_compare(p);
	}
	ranges_release(&need);
	return rc;
}
