/* What of the files is lacking, until all of them lie in tmp/ or elsewhere. */
#include "server/push_state.h"

#include "server/assemble.h"
#include "server/offer.h"
#include "server/parts.h"
#include "server/push_checks.h"
#include "server/stage.h"
#include "server/transfer.h"
#include "wire/manifest_send.h"

#define ROUNDS_MOST 8

/* As if those releases were not there; NULL: all are. */
static int
make_plan(struct push *p, const struct strv *without)
{
	const struct busy busy = { session_busy, p->s };
	struct plan_options o = { .fresh = p->absent || p->ask.no_cache,
		.look = p->then == THEN_COMPARE,
		.offer = &p->offer,
		.chunks = p->trust,
		.without = without,
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
	end.token = transfer_token(p, bytes);
	ranges_send(&p->s->client, "need", need);
	MESSAGE_SEND(&p->s->client, "need-end", need_end, &end);
}

/* What the server lacks; counted is what was offered as well. */
static int
find_need_without(struct push *p, const struct strv *without,
	struct ranges *need, uint64_t *files, uint64_t *bytes)
{
	ranges_release(need);
	*files = *bytes = 0;
	if (make_plan(p, without) < 0)
		return -1;
	plan_need(&p->plan, need, files, bytes);
	offer_count(p, files, bytes);
	return 0;
}

static int
find_need(struct push *p, struct ranges *need, uint64_t *files, uint64_t *bytes)
{
	return find_need_without(p, NULL, need, files, bytes);
}

/* With so much free besides, or NULL. */
static int
check_room(struct push *p, uint64_t upload, const struct room_gain *gain,
	struct error *err)
{
	/* What is on its way unasked counts as if it were here. */
	struct space need = { .upload = upload,
		.copies = plan_copies(&p->plan),
		.makes = plan_makes(&p->plan) + ranges_count(&p->offer) };

	if (gain)
		need.gain = *gain;
	return check_space(p->store, &need, p->s->config->reserve, err);
}

/* Whether there is room once those are gone, and what they hold has to come. */
static int
would_do_without(struct push *p, const struct strv *ids, struct ranges *need)
{
	struct room_gain gain = { 0, 0 };
	struct error ignored = ERROR_INIT;
	uint64_t files, bytes;

	room_gain(p->store, ids, &p->plan.strays, &gain);
	if (find_need_without(p, ids, need, &files, &bytes) < 0)
		return -1;
	return check_room(p, bytes, &gain, &ignored) == 0;
}

/* When room is short. */
static const struct prune_options fewest = { .keep = 1 };

/* None is dropped where that does not help: p->err then has the refusal. */
static int
may_drop(struct push *p, struct ranges *need)
{
	struct error refusal = *p->err;
	struct strv ids = STRV_INIT;
	int rc = prune_plan(p->store, &fewest, &ids, p->err);

	if (rc == 0)
		rc = would_do_without(p, &ids, need);
	if (rc == 0) {
		*p->err = refusal;
		if (ids.n)
			error_add(p->err,
				"; dropping %zu old releases would not make "
				"enough room",
				ids.n);
	}
	strv_release(&ids);
	return rc > 0 ? 0 : -1;
}

/*
 * Before a deploy is refused for want of space, what lies in trash/ goes, and
 * beginnings of files, which take more room than to send them anew; then old
 * releases.
 */
static int
make_room(struct push *p, struct ranges *need, uint64_t *files, uint64_t *bytes)
{
	struct strv dropped = STRV_INIT;
	struct error ignored = ERROR_INIT;
	size_t i;

	if (check_room(p, *bytes, NULL, p->err) == 0)
		return 0;
	prune_trash_now(p->store);
	if (check_room(p, *bytes, NULL, p->err) == 0)
		return 0;
	if (parts_drop(p->store)) {
		prune_trash_now(p->store);
		if (find_need(p, need, files, bytes) < 0)
			return -1;
		if (check_room(p, *bytes, NULL, p->err) == 0)
			return 0;
	}
	if (may_drop(p, need) < 0)
		return -1;
	if (p->plan.strays.n) {
		session_note(p->s,
			"what was of no use in the spare was "
			"dropped to make room");
		stage_sweep(p->store, &p->plan);
	}
	prune_releases(p->store, &fewest, &dropped, &ignored);
	for (i = 0; i < dropped.n; i++)
		session_note(p->s, "%s was dropped to make room", dropped.v[i]);
	prune_trash_now(p->store);
	strv_release(&dropped);
	/* What was to be reused may have been in one of them. */
	return find_need(p, need, files, bytes) < 0 ?
		-1 :
		check_room(p, *bytes, NULL, p->err);
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

/*
 * With several channels a report may be one of an earlier round: what has not
 * come all the same is asked for again.
 */
static int
check_arrivals(struct push *p)
{
	size_t i;

	p->distrusted = false;
	for (i = 0; i < p->plan.n && !p->distrusted; i++)
		p->distrusted = p->plan.v[i].where == SUPPLY_NONE;
	if (!p->distrusted)
		return put_together(p);
	if (++p->rounds > ROUNDS_MOST)
		return error_status(p->err, STATUS_TRANSFER,
			"some files did not come");
	return 0;
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
	p->amended = false;
	if (transfer_files(p, need) < 0)
		return -1;
	ranges_release(&p->offer);
	return p->amended || p->in_chunks ? 0 : check_arrivals(p);
}

/*
 * A file amended while it was sent may leave others of the old content
 * without a supply: these are asked for in another round, as `bad`; so is what
 * a chunk was wrong of.  A file that came as its chunks is planned anew.
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
	} while (rc == 0 && (p->amended || p->distrusted || p->in_chunks));
	transfer_end(p);
	ranges_release(&need);
	return rc;
}

int
receive_nothing(struct push *p)
{
	struct ranges need = { NULL, 0, 0 };
	struct error why = *p->err;
	uint64_t files, bytes;
	int rc = find_need(p, &need, &files, &bytes);

	if (rc == 0 && need.n) {
		*p->err = why;
		rc = -1;
	}
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
