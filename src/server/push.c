#include "server/push.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/zstream.h"
#include "server/plan.h"
#include "server/push_checks.h"
#include "server/stage.h"
#include "server/times.h"

/* A held release waits so long for `go`. */
#define HOLD_MS 60000
/* Waited for without --wait: the tail of the deploy before. */
#define LOCK_SECONDS 2

/* One push. */
struct push {
	struct session *s;
	struct store *store;
	struct msg_push ask;
	enum push_then then;
	struct record live;  /* of what is live; empty if nothing is */
	struct buf settings; /* deploy.conf's text */
	struct hook_settings hooks;
	struct manifest base;
	bool has_base;
	struct manifest m;
	struct plan plan;
	bool planned;
	bool absent; /* a compare with an app that is not there */
	bool amended;
	char id[RELEASE_ID_LEN + 1];
	struct record record;
	bool committed; /* releases/ID is there */
	bool live_now;  /* it went live */
	struct msg_result *result;
	struct error *err;
};

static int
parse_request(struct push *p, const struct frame *f)
{
	uint8_t hash[DIGEST_SIZE];
	const struct msg_push *a = &p->ask;

	if (MESSAGE_READ(push, f, &p->ask, p->err) < 0)
		return -1;
	p->then = push_then_parse(a->then);
	if (!a->app || !path_is_app(a->app))
		return error_status(p->err, STATUS_REFUSED,
			"'%s' cannot be an app's name", a->app ? a->app : "");
	if ((int)p->then < 0 || !a->tree || strlen(a->tree) != DIGEST_HEX ||
		digest_from_hex(a->tree, hash) < 0 || !a->settings ||
		strlen(a->settings) != DIGEST_HEX ||
		digest_from_hex(a->settings, hash) < 0)
		return error_status(p->err, STATUS_TRANSFER,
			"a malformed push");
	return 0;
}

/* A new app says so, with the apps it may have been mistaken for. */
static void
note_new_app(struct push *p)
{
	struct error ignored = ERROR_INIT;
	struct strv apps = STRV_INIT;
	const char *near = NULL;

	if (store_apps(p->s->config->root, &apps, &ignored) == 0)
		near = store_near_miss(&apps, p->ask.app);
	if (near)
		session_note(p->s, "%s is a new app here; this server has '%s'",
			p->ask.app, near);
	else
		session_note(p->s, "%s is a new app here", p->ask.app);
	strv_release(&apps);
}

static int
load_live(struct push *p)
{
	char id[RELEASE_ID_LEN + 1];
	struct msg_live m = { 0 };

	if (store_current(p->store, id, p->err) < 0 ||
		(*id && record_load(p->store, id, &p->live, p->err) < 0))
		return -1;
	/* Sent in any case: it tells the client that the lock is held. */
	m.release = p->live.id;
	m.tree = p->live.tree;
	m.git_commit = p->live.git_commit;
	m.git_subject = p->live.git_subject;
	m.files = p->live.files;
	MESSAGE_SEND(&p->s->client, "live", live, &m);
	return 0;
}

static int
open_app(struct push *p, bool create)
{
	struct session *s = p->s;

	if (store_open(&s->store, s->config->root, p->ask.app, create, p->err) <
		0)
		return -1;
	s->opened = true;
	p->store = &s->store;
	return 0;
}

/* For a compare: no lock, and an app that is not there stays so. */
static int
open_to_look(struct push *p)
{
	struct strv apps = STRV_INIT;

	if (config_authorise(p->s->config, p->ask.app, "read", p->err) < 0)
		return -1;
	/* Without a root there are no apps either. */
	p->absent = store_apps(p->s->config->root, &apps, p->err) < 0 ||
		!strv_has(&apps, p->ask.app);
	strv_release(&apps);
	if (p->absent) {
		struct msg_live none = { 0 };

		note_new_app(p);
		MESSAGE_SEND(&p->s->client, "live", live, &none);
		return 0;
	}
	return open_app(p, false) < 0 ? -1 : load_live(p);
}

static int
open_to_deploy(struct push *p)
{
	struct session *s = p->s;
	char holder[256];
	uint64_t wait = p->ask.wait > LOCK_SECONDS ? p->ask.wait : LOCK_SECONDS;
	struct activate_host host = session_host(s);

	if (config_authorise(s->config, p->ask.app, "deploy", p->err) < 0 ||
		open_app(p, true) < 0)
		return -1;
	session_holder(s, p->ask.user, holder, sizeof(holder));
	if (store_lock(p->store, holder, wait, session_wait, s, p->err) < 0 ||
		activate_recover(p->store, s->config, &host, p->err) < 0 ||
		stage_recover(p->store, p->err) < 0 || load_live(p) < 0)
		return -1;
	if (!p->live.id)
		note_new_app(p);
	return 0;
}

static int
answer_same(struct push *p)
{
	p->result->outcome = mem_strdup("same");
	p->result->release = mem_strdup(p->live.id);
	p->result->live = mem_strdup(p->live.id);
	p->result->files = p->result->reused = p->live.files;
	return 0;
}

static struct activate_options
activation(struct push *p, enum activate_kind kind, const char *id)
{
	struct activate_options o = { .kind = kind,
		.release = id,
		.expected = p->ask.force ? NULL :
			p->live.id       ? p->live.id :
					   "",
		.who = session_who(p->s, p->ask.user),
		.migrate = kind == ACTIVATE_DEPLOY,
		.wait = LOCK_SECONDS };

	return o;
}

static int
activate(struct push *p, enum activate_kind kind, const char *id)
{
	struct activate_options o = activation(p, kind, id);
	struct activate_host host = session_host(p->s);
	const char *stage = NULL;

	if (activate_release(p->store, p->s->config, &o, &host, &stage,
		    p->err) == 0)
		return 0;
	if (stage)
		p->result->stage = mem_strdup(stage);
	return -1;
}

/* The tree is live but a crash or a failure left it unchecked. */
static int
finish_live(struct push *p)
{
	if (session_open_log(p->s, p->live.id, p->err) < 0 ||
		activate(p, ACTIVATE_AGAIN, p->live.id) < 0)
		return -1;
	return answer_same(p);
}

/* 1: this tree with these settings is live and checked already. */
static int
nothing_to_do(struct push *p)
{
	const struct record *r = &p->live;

	if (!r->id || p->ask.rebuild || p->ask.no_cache ||
		p->then == THEN_COMPARE || strcmp(r->tree, p->ask.tree) ||
		strcmp(r->settings, p->ask.settings))
		return 0;
	return (r->checked ? answer_same(p) : finish_live(p)) < 0 ? -1 : 1;
}

/* The base: a manifest that both sides hold, or `send full`. */
static int
choose_base(struct push *p)
{
	struct error why = ERROR_INIT;
	struct frame f;

	if (p->ask.base && !p->absent && !p->ask.no_cache &&
		store_load_manifest(p->store, p->ask.base, &p->base, &why) ==
			0) {
		p->has_base = true;
		return 0;
	}
	manifest_release(&p->base);
	channel_sendf(&p->s->client, "send", "what full\nreason %s\n",
		p->ask.base ? "the base manifest is not kept here" :
			      "there is no base");
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
	return hook_settings_load(&p->hooks, p->s->config, p->ask.app,
		buf_str(&p->settings), p->settings.len, p->err);
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

/*
 * Passes what the client sends on to the intake until the intake speaks:
 * its frame is in *f.  Amends are kept here as well.
 */
static int
relay(struct push *p, struct frame *f)
{
	struct session *s = p->s;

	for (;;) {
		struct frame in;
		uint32_t line;
		int rc = intake_frame(p, f);

		if (rc)
			return rc < 0 ? -1 : 0;
		if (channel_full(&s->intake.channel)) {
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
		if (strcmp(in.type, "manifest") && strcmp(in.type, "files") &&
			strcmp(in.type, "amend"))
			return error_status(p->err, STATUS_TRANSFER,
				"an unexpected %s frame", in.type);
		if (!strcmp(in.type, "amend")) {
			if (intake_amend(&p->m, in.data, in.len, &line,
				    p->err) < 0)
				return -1;
			p->amended = true;
		}
		channel_send(&s->intake.channel, in.type, in.data, in.len);
	}
}

/* The intake's file of the whole text, parsed here once more. */
static int
parse_manifest(struct push *p)
{
	int fd = p->s->intake.text;
	char hex[DIGEST_HEX + 1];
	struct stat st;
	void *text;
	int rc;

	if (fstat(fd, &st) < 0)
		return error_errno(p->err, "manifest");
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return error_errno(p->err, "manifest");
	rc = manifest_parse(&p->m, text, (size_t)st.st_size, p->err);
	munmap(text, (size_t)st.st_size);
	if (rc < 0)
		return -1;
	digest_to_hex(p->m.id, hex);
	if (strcmp(hex, p->ask.tree))
		return error_status(p->err, STATUS_TRANSFER,
			"the manifest is not the one announced");
	return 0;
}

static int
receive_manifest(struct push *p)
{
	struct intake_options o = { -1, p->has_base ? &p->base : NULL,
		p->s->config->max_entries };
	struct frame f;
	int rc;

	/* A compare has no tmp/ to write to, and sends no files. */
	if (p->then != THEN_COMPARE)
		o.tmp = openat(p->store->own, "tmp",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = intake_start(&p->s->intake, &o, p->err);
	io_close(&o.tmp);
	if (rc < 0 || relay(p, &f) < 0)
		return -1;
	if (strcmp(f.type, "read"))
		return error_set(p->err, "the intake said %s", f.type);
	return parse_manifest(p);
}

static int
make_plan(struct push *p)
{
	if (p->planned)
		plan_release(&p->plan);
	p->planned = true;
	return plan_make(&p->plan, p->store, &p->m,
		p->absent || p->ask.no_cache, p->then == THEN_COMPARE, p->err);
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

/* One report of the intake on a line; *left counts what is to come. */
static int
take_report(struct push *p, const struct frame *f, uint64_t *left)
{
	struct ranges r = { NULL, 0, 0 };
	struct entry *e = NULL;

	if (ranges_read(&r, f->data, f->len, p->m.lines, p->err) == 0 && r.n)
		e = manifest_line(&p->m, r.v[0].first);
	ranges_release(&r);
	if (!e || e->type != ENTRY_FILE)
		return error_set(p->err, "the intake named no file");
	if (!strcmp(f->type, "bad")) {
		channel_send(&p->s->client, "bad", f->data, f->len);
		return 0;
	}
	--*left;
	/* After an amend the plan is made anew, so its digest may differ. */
	if (!p->amended)
		plan_supply(&p->plan, e)->where = SUPPLY_TMP;
	return 0;
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

/*
 * Asks for what is lacking until nothing is.  A file amended while it was
 * sent may leave others of the old content without a supply: these are
 * asked for as `bad`.
 */
static int
receive_content(struct push *p)
{
	const char *type = "need";

	for (;;) {
		struct ranges need = { NULL, 0, 0 };
		uint64_t files = 0, bytes = 0;
		int rc;

		if (make_plan(p) < 0)
			return -1;
		plan_need(&p->plan, &need, &files, &bytes);
		if (!strcmp(type, "need"))
			answer_need(p, &need, files, bytes);
		else
			ranges_send(&p->s->client, type, &need);
		ranges_send(&p->s->intake.channel, "need", &need);
		ranges_release(&need);
		if (files == 0)
			return 0;
		if (check_space(p->store, bytes, p->err) < 0)
			return -1;
		p->amended = false;
		rc = receive_files(p, files);
		if (rc < 0 || !p->amended)
			return rc;
		manifest_finish(&p->m);
		type = "bad";
	}
}

static int
stage_turn(void *arg)
{
	struct push *p = arg;
	struct frame f;

	return session_turn(p->s, NULL, 0, 0, p->err) < 0 ||
		session_poll_frame(p->s, &f, p->err) < 0;
}

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
	struct buf text = BUF_INIT;
	char hex[DIGEST_HEX + 1];
	int rc = -1;

	manifest_write(&p->m, &text);
	if (store_mint(p->store, p->m.id, p->id, p->err) == 0 &&
		store_save_manifest(p->store, text.data, text.len, hex,
			p->err) == 0) {
		fill_record(p, hex);
		if (times_save(p->store, p->id, times, p->m.n, p->err) == 0 &&
			record_save_settings(p->store, p->id,
				buf_str(&p->settings), p->settings.len,
				p->err) == 0)
			rc = record_save(p->store, &p->record, p->err);
	}
	buf_release(&text);
	return rc;
}

static int
stage(struct push *p)
{
	struct stage_options o = { NULL, p->s->config->umask, stage_turn, p };
	int64_t *times = NULL;
	int rc = -1;

	session_stage(p->s, "stage");
	intake_stop(&p->s->intake);
	if (times_compute(p->store, &p->m, &times, p->err) < 0)
		return -1;
	o.times = times;
	if (stage_tree(p->store, &p->plan, &o, p->err) == 0 &&
		save_release(p, times) == 0 &&
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
set_state(struct push *p, const char *state, const char *reason)
{
	free(p->record.state);
	p->record.state = mem_strdup(state);
	free(p->record.reason);
	p->record.reason = reason ? mem_strdup(reason) : NULL;
	return record_save(p->store, &p->record, p->err);
}

static int
run_build(struct push *p)
{
	struct activate_host host = session_host(p->s);
	const char *previous = p->live.id ? p->live.id : "";
	struct error ignored = ERROR_INIT;
	struct strv env = STRV_INIT;
	enum hook_outcome how;
	int cwd = -1, rc;

	if (times_build_begins(p->store, p->id, p->err) < 0 ||
		activate_surroundings(p->store, p->id, previous, &p->record,
			&env, &cwd, p->err) < 0)
		return -1;
	session_stage(p->s, "build");
	how = hooks_run("build", &p->hooks.build, cwd, &env,
		p->hooks.build_timeout, &host.hooks, p->err);
	strv_release(&env);
	io_close(&cwd);
	/* Its products have times up to now, however it ended. */
	rc = times_build_ended(p->store, p->id,
		how == HOOK_DONE ? p->err : &ignored);
	if (how == HOOK_DONE)
		return rc;
	p->result->stage = mem_strdup("build");
	p->err->status = how != HOOK_CANCELLED ? STATUS_HOOK :
		p->s->gone                     ? STATUS_TRANSFER :
						 STATUS_INT;
	return -1;
}

static int
build(struct push *p)
{
	const char *carry_from = p->live.id && !p->ask.rebuild ? p->live.id :
								 "";

	if (session_open_log(p->s, p->id, p->err) < 0 ||
		stage_shared(p->store, p->id, &p->hooks.shared, shared_note,
			p->s, p->err) < 0 ||
		stage_carry(p->store, p->id, carry_from, &p->hooks.carry,
			p->err) < 0)
		return -1;
	if (p->hooks.build.n && run_build(p) < 0)
		return -1;
	/* Links and products; the tree itself was synced when staged. */
	if ((p->hooks.build.n || p->hooks.shared.n || p->hooks.carry.n) &&
		stage_sync(p->store, p->err) < 0)
		return -1;
	return set_state(p, "built", NULL);
}

/* Several targets: built, and held until all are. */
static int
hold(struct push *p)
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
		if (rc)
			return error_status(p->err, STATUS_TRANSFER,
				"expected go, got a %s frame", f.type);
		if (session_turn(p->s, NULL, 0, (int)(end - io_now_ms()),
			    p->err) < 0)
			return -1;
	}
	return error_status(p->err, STATUS_TRANSFER,
		"the client did not say go within 60 s");
}

static int
finish(struct push *p)
{
	struct error ignored = ERROR_INIT;

	if (p->then == THEN_BUILD) {
		history_append(p->store, "built", p->id, "", p->record.by, "",
			&ignored);
		p->result->outcome = mem_strdup("built");
		p->live_now = true; /* it stays */
		return 0;
	}
	if (p->then == THEN_HOLD && hold(p) < 0)
		return -1;
	if (activate(p, ACTIVATE_DEPLOY, p->id) < 0)
		return -1;
	p->live_now = true;
	p->result->outcome = mem_strdup("deployed");
	if (p->live.id)
		p->result->previous = mem_strdup(p->live.id);
	return 0;
}

/* --dry-run: the live tree, as a difference against the one pushed. */
static int
answer_compare(struct push *p)
{
	struct manifest live = MANIFEST_INIT;
	struct buf text = BUF_INIT, z = BUF_INIT;
	struct zout *zout = zout_new(3);
	int rc = 0;

	if (p->live.id)
		rc = store_load_manifest(p->store, p->live.manifest, &live,
			p->err);
	else
		manifest_finish(&live);
	if (rc == 0) {
		manifest_difference(&p->m, &live, &text);
		zout_write(zout, text.data, text.len, ZFLUSH_END, &z);
		while (z.len) {
			size_t n = z.len > FRAME_MOST ? FRAME_MOST : z.len;

			channel_send(&p->s->client, "manifest", z.data, n);
			buf_consume(&z, n);
		}
		p->result->outcome = mem_strdup("compared");
	}
	zout_free(zout);
	buf_release(&text);
	buf_release(&z);
	manifest_release(&live);
	return rc;
}

static int
compare(struct push *p)
{
	struct ranges need = { NULL, 0, 0 };
	uint64_t files = 0, bytes = 0;

	if (make_plan(p) < 0)
		return -1;
	plan_need(&p->plan, &need, &files, &bytes);
	answer_need(p, &need, files, bytes);
	ranges_release(&need);
	return answer_compare(p);
}

/* --no-cache: nothing that was left over counts. */
static void
forget_leftovers(struct push *p)
{
	stage_clear_tmp(p->store);
	unlinkat(p->store->own, "next.index", 0);
}

static int
run(struct push *p)
{
	int rc = p->then == THEN_COMPARE ? open_to_look(p) : open_to_deploy(p);

	if (rc < 0 || check_expected(&p->ask, &p->live, p->err) < 0)
		return -1;
	rc = nothing_to_do(p);
	if (rc)
		return rc < 0 ? -1 : 0;
	if (check_limits(p->s->config, &p->ask, p->err) < 0)
		return -1;
	if (p->then != THEN_COMPARE &&
		check_guards(p->store, &p->ask, &p->live, p->err) < 0)
		return -1;
	if (choose_base(p) < 0 || receive_settings(p) < 0 ||
		receive_manifest(p) < 0 ||
		check_manifest(p->s->config, &p->m, p->err) < 0)
		return -1;
	if (p->then == THEN_COMPARE)
		return compare(p);
	if (p->ask.no_cache)
		forget_leftovers(p);
	if (receive_content(p) < 0 || stage(p) < 0 || build(p) < 0)
		return -1;
	return finish(p);
}

/* A release that did not make it: its record says why, its files stay. */
static void
undo(struct push *p)
{
	struct error ignored = ERROR_INIT;

	if (!p->committed || p->live_now)
		return;
	/* After the switch activate_release() has recorded what happened. */
	if (p->err->status != STATUS_REVERTED &&
		p->err->status != STATUS_BROKEN) {
		struct error why = *p->err;

		history_append(p->store, "failed", p->id, "", p->record.by,
			why.text, &ignored);
		set_state(p, "failed", why.text);
		*p->err = why;
	}
	/* One that may be live after all stays where it is. */
	if (p->err->status != STATUS_BROKEN)
		stage_take_back(p->store, p->id, &ignored);
}

static void
release(struct push *p)
{
	MESSAGE_RELEASE(push, &p->ask);
	record_release(&p->live);
	record_release(&p->record);
	buf_release(&p->settings);
	hook_settings_release(&p->hooks);
	manifest_release(&p->base);
	manifest_release(&p->m);
	if (p->planned)
		plan_release(&p->plan);
}

/* What is live now, whatever happened: the client says so. */
static void
name_live(struct push *p)
{
	struct error ignored = ERROR_INIT;
	char id[RELEASE_ID_LEN + 1];

	if (!p->store || p->result->live ||
		store_current(p->store, id, &ignored) < 0 || !*id)
		return;
	p->result->live = mem_strdup(id);
}

void
push_serve(struct session *s, const struct frame *f, struct msg_result *result)
{
	struct error err = ERROR_INIT;
	struct push p = { .s = s, .result = result, .err = &err };

	if (parse_request(&p, f) < 0 || run(&p) < 0) {
		undo(&p);
		if (err.status == STATUS_LOCAL)
			err.status = STATUS_TRANSFER;
		free(result->outcome);
		result->outcome = NULL;
		result_from_error(result, &err);
	}
	name_live(&p);
	release(&p);
}

void
push_tidy(struct session *s)
{
	struct error ignored = ERROR_INIT;
	struct strv dropped = STRV_INIT;

	if (!s->opened || s->store.lock < 0)
		return;
	prune_releases(&s->store, s->config->keep, &dropped, &ignored);
	store_unlock(&s->store);
	prune_trash(&s->store);
	strv_release(&dropped);
}
