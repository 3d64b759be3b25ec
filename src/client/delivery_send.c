#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "client/delivery_parts.h"
#include "wire/manifest_send.h"

static void
send_settings(struct delivery *d)
{
	const struct buf *text = &d->cargo->project->text;

	channel_send(&d->session.channel, "settings", buf_str(text), text->len);
}

static void
send_manifest(struct delivery *d, const struct manifest *base)
{
	manifest_send(&d->session.channel, base, &d->m);
	timeline_done(&d->watch.timeline, "manifest");
}

void
delivery_send_whole(struct delivery *d)
{
	channel_send(&d->session.channel, "full", "", 0);
	send_settings(d);
	send_manifest(d, NULL);
}

void
delivery_send_difference(struct delivery *d)
{
	if (!d->has_base)
		return;
	send_settings(d);
	send_manifest(d, &d->base);
	/* It may be large, and is not needed any more. */
	memcpy(d->base_id, d->base.id, DIGEST_SIZE);
	manifest_release(&d->base);
	delivery_send_offer(d);
}

static struct msg_push
request(struct delivery *d, char tree[static DIGEST_HEX + 1])
{
	static const char *const words[] = { "activate", "build", "hold",
		"compare" };
	const struct cargo *c = d->cargo;
	const struct options *o = d->options;
	struct msg_push p = {
		.app = d->target->app,
		.then = (char *)words[d->then],
		.tree = tree,
		.base = d->has_base ? d->base_hex : NULL,
		.settings = (char *)c->project->settings_hex,
		.remote = d->target->remote && *d->target->remote ?
			d->target->remote :
			NULL,
		.user = c->user,
		.expect = (char *)o->expect,
		.files = c->files,
		.bytes = c->bytes,
		.entries = c->m.n,
		.hooks = c->project->hooks,
		.wait = o->wait ? o->wait_seconds : 0,
		.lanes = d->watch.prefix || d->target->local ? 0 :
							       DELIVERY_LANES,
		.force = o->force,
		.rebuild = o->rebuild,
		.no_cache = o->no_cache,
		.offer = d->offer.n > 0,
		.git_commit = c->git.commit,
		.git_branch = c->git.branch,
		.git_subject = c->git.subject,
		.git_author = c->git.author,
		.git_remote = c->git.remote,
		.git_dirty = c->git.dirty,
	};

	digest_to_hex(c->m.id, tree);
	return p;
}

void
delivery_send_request(struct delivery *d)
{
	char tree[DIGEST_HEX + 1];
	struct msg_push p = request(d, tree);

	MESSAGE_SEND(&d->session.channel, "push", push, &p);
}

void
delivery_send_amend(struct channel *c, const struct entry *e)
{
	struct buf b = BUF_INIT;

	buf_addf(&b, "%u\t", e->line);
	manifest_write_entry(e, &b);
	channel_send(c, "amend", b.data, b.len);
	buf_release(&b);
	log_verbose("%s changed while it was sent", e->path);
}
