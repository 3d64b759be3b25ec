/* What a push makes: the release, staged, furnished and built. */
#include "server/push_state.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/io.h"
#include "server/built.h"
#include "server/stage.h"
#include "server/surroundings.h"
#include "server/times.h"
#include "server/undo.h"

/*
 * With several targets the slowest build decides when `go' comes; that the
 * client is still there, its pings tell.
 */
#define HOLD_MS (2 * 60 * 60 * 1000)
/* So often is staged what changes meanwhile. */
#define TRIES 3

static void
fill_record(struct push *p, const char *manifest)
{
	struct record *r = &p->record;
	struct msg_push *a = &p->ask;
	char tree[DIGEST_HEX + 1];
	uint64_t files, bytes;

	digest_to_hex(p->m.id, tree);
	manifest_count(&p->m, &files, &bytes);
	*r = (struct record){ .id = mem_strdup(p->id),
		.app = mem_strdup(a->app),
		.tree = mem_strdup(tree),
		.settings = mem_strdup(a->settings),
		.manifest = mem_strdup(manifest),
		.state = mem_strdup("staged"),
		.by = mem_strdup(session_who(p->s, a->user)),
		.created = (uint64_t)time(NULL),
		.files = files,
		.bytes = bytes,
		.hooks = a->hooks,
		.no_hooks = p->s->config->no_hooks,
		.umask = p->s->config->umask,
		.git_dirty = a->git_dirty };
#define COPY(field) r->field = a->field ? mem_strdup(a->field) : NULL
	COPY(remote);
	COPY(git_commit);
	COPY(git_branch);
	COPY(git_subject);
	COPY(git_author);
	COPY(git_remote);
#undef COPY
}

/* Everything about the release, on disk before its directory is. */
static int
save_release(struct push *p, const int64_t *times)
{
	char hex[DIGEST_HEX + 1];
	int rc = -1;

	store_batch(p->store);
	if (store_mint(p->store, p->m.id, p->id, p->err) == 0 &&
		store_save_manifest(p->store, &p->m, hex, p->err) == 0) {
		fill_record(p, hex);
		if (times_save(p->store, p->id, times, p->m.n, p->err) == 0 &&
			record_save_settings(p->store, p->id,
				buf_str(&p->settings), p->settings.len,
				p->err) == 0)
			rc = record_save(p->store, &p->record, p->err);
	}
	if (store_batch_end(p->store, rc < 0, p->err) < 0)
		rc = -1;
	return rc;
}

/* What is live may change its files: another release may have them yet. */
static int
stage(struct push *p, const struct stage_options *o)
{
	int tries = 0, rc;

	do {
		rc = stage_tree(p->store, &p->plan, o, p->err);
	} while (rc < 0 && p->plan.outdated && ++tries < TRIES &&
		receive_nothing(p) == 0);
	return rc;
}

int
release_stage(struct push *p)
{
	const struct busy busy = { session_busy, p->s };
	struct stage_options o = { .umask = p->s->config->umask,
		.busy = &busy };
	int64_t *times = NULL;
	int rc = -1;

	session_stage(p->s, "stage");
	intake_stop(&p->s->intake);
	if (times_compute(p->store, &p->m, &times, p->err) < 0)
		return -1;
	o.times = times;
	if (stage(p, &o) == 0 && save_release(p, times) == 0 &&
		stage_commit(p->store, p->id, p->err) == 0) {
		p->committed = true;
		stage_clear_tmp(p->store);
		p->result->release = mem_strdup(p->id);
		rc = 0;
	}
	free(times);
	return rc;
}

static void
shared_note(void *arg, const char *text)
{
	session_note(arg, "%s", text);
}

static int
note_built_to_its_end(struct push *p)
{
	free(p->record.state);
	p->record.state = mem_strdup("built");
	return record_save(p->store, &p->record, p->err);
}

static int
run_build(struct push *p, const struct activate_host *host)
{
	const char *previous = p->live.id ? p->live.id : "";
	struct surroundings around = SURROUNDINGS_INIT;
	struct run_place at;
	enum hook_outcome how;

	if (surroundings_open(&around, p->store, p->s->config, previous,
		    &p->record, p->err) < 0)
		return -1;
	session_stage(p->s, "build");
	at = surroundings_place(&around, &host->hooks);
	how = hooks_run("build", &p->hooks.build, &at, p->hooks.build_timeout,
		p->err);
	surroundings_release(&around);
	if (how == HOOK_DONE)
		return 0;
	p->result->stage = mem_strdup("build");
	p->err->status = how == HOOK_CANCELLED ? session_status(p->s) :
						 STATUS_HOOK;
	return -1;
}

/* What is there before the build hook begins. */
static int
furnish(struct push *p)
{
	const struct busy busy = { session_busy, p->s };
	struct error ignored = ERROR_INIT;
	bool carries = p->live.id && !p->ask.rebuild &&
		!store_lost_release(p->store, p->live.id) &&
		stage_is_doubtful(p->store, p->live.id, &ignored) == 0;
	const char *from = carries ? p->live.id : "";

	if (session_open_log(p->s, p->id, p->err) < 0 ||
		stage_shared(p->store, p->id, &p->hooks.shared, shared_note,
			p->s, p->err) < 0)
		return -1;
	return stage_carry(p->store, p->id, from, &p->hooks.carry, &busy,
		p->err);
}

/* What of the tree is not as it was staged. */
static int
note_built(struct push *p, int64_t moment)
{
	const struct busy busy = { session_busy, p->s };
	const struct verify_options o = { .umask = p->s->config->umask,
		.seen = p->plan.seen,
		.moment = moment,
		.busy = &busy };

	return built_note(p->store, p->id, &p->m, &o, p->err);
}

/* The build hook, and when it began and ended, for the next tree's times. */
static int
build(struct push *p)
{
	struct activate_host host = session_host(p->s);
	struct error ignored = ERROR_INIT;
	int64_t moment = index_moment();
	int rc;

	/*
	 * A tree without a build hook counts as one that was built: files
	 * that do not change keep their times all the same.
	 */
	if (!p->hooks.build.n)
		return times_not_built(p->store, p->id, p->err);
	if (times_build_begins(p->store, p->id, p->err) < 0)
		return -1;
	rc = run_build(p, &host);
	/* Its products have times up to now, however it ended. */
	if (times_build_ended(p->store, p->id, rc < 0 ? &ignored : p->err) < 0)
		rc = -1;
	return rc < 0 ? -1 : note_built(p, moment);
}

/* Whether something may stop it between here and the switch. */
static bool
goes_on_at_once(const struct push *p)
{
	return p->then == THEN_ACTIVATE && !p->hooks.build.n &&
		!p->hooks.migrate.n;
}

int
release_build(struct push *p)
{
	if (furnish(p) < 0 || build(p) < 0)
		return -1;
	/* Links and products; the tree itself was synced when staged. */
	if ((p->hooks.build.n || p->hooks.shared.n || p->hooks.carry.n) &&
		stage_sync(p->store, p->err) < 0)
		return -1;
	/* After a crash one that is only staged is taken back, as well. */
	return goes_on_at_once(p) ? 0 : note_built_to_its_end(p);
}

/* The end of a stream may lag behind what it held. */
static bool
is_leftover(const struct frame *f)
{
	return !strcmp(f->type, "files") || !strcmp(f->type, "manifest");
}

int
release_hold(struct push *p)
{
	int64_t end = io_now_ms() + HOLD_MS;
	struct frame f;

	channel_sendf(&p->s->client, "staged", "release %s\n", p->id);
	while (io_now_ms() < end) {
		int rc = session_poll_frame(p->s, &f, p->err);

		if (rc < 0)
			return -1;
		if (rc && !strcmp(f.type, "go"))
			return 0;
		if (rc && is_leftover(&f))
			continue;
		if (rc)
			return error_status(p->err, STATUS_TRANSFER,
				"expected go, got a %s frame", f.type);
		if (session_turn(p->s, NULL, 0, (int)(end - io_now_ms()),
			    p->err) < 0)
			return -1;
	}
	return error_status(p->err, STATUS_TRANSFER,
		"the client did not say go within two hours");
}

void
release_undo(struct push *p)
{
	if (p->committed && !p->stays && p->err->status != STATUS_BROKEN)
		undo_release(p->store, &p->record, p->err);
}
