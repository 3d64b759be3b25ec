/*
 * The verb diff, and push --dry-run: what a deploy would add, change, remove
 * and send.  Nothing changes on the server.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "client/delivery.h"
#include "client/local.h"
#include "client/report.h"
#include "client/signals.h"
#include "client/verbs.h"

struct diff {
	struct options *o;
	struct project project;
	struct targets targets;
	struct cargo cargo;
	uint64_t added, changed, removed;
};

/* diff --files: each path and the rule that decided. */
static void
print_decision(void *arg, const char *path, bool in, const char *rule)
{
	const struct diff *d = arg;

	if (report_is_json())
		report_event("file", "path", "s", path, "in", "b", (int)in,
			"rule", "s", rule, NULL);
	else if (d->o->files)
		report_path(in ? "+" : "-", path, rule);
}

static const char *
how_changed(const struct entry *live, const struct entry *ours)
{
	if (live->type != ours->type)
		return "type";
	if (live->type == ENTRY_FILE &&
		(live->size != ours->size ||
			memcmp(live->digest, ours->digest, DIGEST_SIZE)))
		return "content";
	return live->type == ENTRY_LINK ? "target" : "mode";
}

static void
add_change(struct diff *d, const char *mark, const char *path, const char *how)
{
	if (report_is_json())
		report_event("change", "change", "s", mark, "path", "s", path,
			"how", "s", how, NULL);
	else if (!d->o->files)
		report_path(mark, path, how);
}

static int
compare_pair(const struct entry *live, const struct entry *ours, void *arg)
{
	struct diff *d = arg;

	if (!live) {
		d->added++;
		add_change(d, "A", ours->path, NULL);
	} else if (!ours) {
		d->removed++;
		add_change(d, "D", live->path, NULL);
	} else if (!entry_equal(live, ours)) {
		d->changed++;
		add_change(d, "M", ours->path, how_changed(live, ours));
	}
	return 0;
}

/* deploy.conf is no part of the tree, but a change of it is deployed. */
static void
compare_settings(struct diff *d, const struct delivery *v)
{
	if (!v->live.settings ||
		!strcmp(v->live.settings, d->project.settings_hex))
		return;
	d->changed++;
	add_change(d, "M", "deploy.conf", "settings");
}

/* What the files stream would be on a fast link, without sending it. */
static int
measure(struct delivery *v, uint64_t *packed, struct error *err)
{
	const struct pack_options o = { .threads = 1 };
	struct pack *pack = pack_new(&v->source, &v->m, &o);
	struct buf out = BUF_INIT;
	const struct entry *amended;
	enum pack_step step;
	struct ranges_cursor at = { 0, 0 };
	uint32_t line;

	while (ranges_next(&v->need, &at, &line))
		pack_ask_line(pack, line);
	*packed = 0;
	do {
		step = pack_step(pack, &out, &amended, err);
		*packed += out.len;
		buf_clear(&out);
	} while (step == PACK_MORE || step == PACK_AMENDED);
	buf_release(&out);
	pack_free(pack);
	return step == PACK_ERROR ? -1 : 0;
}

static void
summarise(struct diff *d, struct delivery *v, uint64_t packed)
{
	const struct msg_need_end *n = &v->need_end;
	struct buf bytes = BUF_INIT, wire = BUF_INIT;

	report_bytes(&bytes, n->bytes);
	report_bytes(&wire, packed);
	log_info("%s: %" PRIu64 " added, %" PRIu64 " changed, %" PRIu64
		 " removed; %" PRIu64 " files to send, %" PRIu64
		 " bytes (%s; %s "
		 "compressed)",
		v->target->text, d->added, d->changed, d->removed, n->files,
		n->bytes, bytes.data, wire.data);
	report_event("target-result", "target", "s", v->target->text, "status",
		"i", (int64_t)0, "outcome", "s", "compared", "live", "s",
		v->result.live, "added", "i", (int64_t)d->added, "changed", "i",
		(int64_t)d->changed, "removed", "i", (int64_t)d->removed,
		"files", "i", (int64_t)n->files, "bytes", "i",
		(int64_t)n->bytes, "packed", "i", (int64_t)packed, NULL);
	buf_release(&bytes);
	buf_release(&wire);
}

static int
converse(struct delivery *v, struct error *err)
{
	struct session *s = &v->session;

	while (v->state != DELIVERY_DONE) {
		if (sessions_turn(&s, 1, 250, err) < 0)
			return -1;
		delivery_step(v);
		if (signals_caught())
			return signals_error(err, "interrupted");
	}
	if (delivery_status(v) == STATUS_OK)
		return 0;
	*err = v->error;
	return -1;
}

static int
diff_target(struct diff *d, struct delivery *v, struct error *err)
{
	uint64_t packed = 0;
	int rc;

	delivery_ask(v, &d->cargo);
	rc = converse(v, err);
	session_close(&v->session);
	if (rc < 0)
		return -1;
	d->added = d->changed = d->removed = 0;
	if (d->targets.n > 1 && !report_is_json() && !d->o->files)
		report_line("%s", v->target->text);
	compare_settings(d, v);
	manifest_pairs(&v->live_tree, &v->m, compare_pair, d);
	if (measure(v, &packed, err) < 0)
		return -1;
	summarise(d, v, packed);
	return 0;
}

static int
diff_all(struct diff *d, struct error *err)
{
	const struct cargo_options how = {
		.decided = d->o->files ? print_decision : NULL, .arg = d
	};
	bool differs = false;
	size_t i;
	int rc;

	rc = cargo_load(&d->cargo, &d->project, d->o, &how, err);
	for (i = 0; rc == 0 && i < d->targets.n; i++) {
		struct delivery v;

		log_info("comparing %s with %s",
			d->o->tar ? d->o->tar : d->project.tree,
			d->targets.v[i].text);
		delivery_open(&v, &d->targets.v[i], d->o, THEN_COMPARE,
			d->targets.n > 1);
		rc = diff_target(d, &v, err);
		delivery_release(&v);
		differs |= d->added + d->changed + d->removed != 0;
	}
	cargo_release(&d->cargo);
	return rc < 0 ? -1 : d->o->exit_code && differs;
}

int
verb_diff(struct options *o, struct error *err)
{
	struct diff d = { .o = o };
	int rc = -1;

	if (local_prepare(&d.project, &d.targets, o, err) == 0)
		rc = diff_all(&d, err);
	targets_release(&d.targets);
	project_release(&d.project);
	return rc < 0 ? (int)err->status : rc;
}
