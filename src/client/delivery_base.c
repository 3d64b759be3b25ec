/*
 * The base is loaded while other things are waited for; nobody asks for it
 * before.  The next one is written while the server works, as long as nothing
 * else is to be done, and becomes the base once the server says that it holds
 * it.
 */
#include <string.h>

#include "base/io.h"
#include "base/path.h"
#include "client/delivery_parts.h"

static void *
load(void *arg)
{
	struct delivery *d = arg;
	struct error ignored = ERROR_INIT;
	int cache = cache_open(&ignored);

	d->has_base = cache_load_base(cache, d->target, &d->base,
			      d->base_hex) == 0;
	io_close(&cache);
	return NULL;
}

void
delivery_load_base(struct delivery *d)
{
	if (d->options->no_cache)
		return;
	d->loading = pthread_create(&d->loader, NULL, load, d) == 0;
	if (!d->loading)
		load(d);
}

void
delivery_await_base(struct delivery *d)
{
	if (d->loading)
		pthread_join(d->loader, NULL);
	d->loading = false;
}

/* Nobody but the server checks that a base is what it says that it is. */
static bool
differs(const struct delivery *d)
{
	return !d->has_base || d->sent_whole ||
		memcmp(d->base_id, d->m.id, DIGEST_SIZE) != 0;
}

bool
delivery_listens(const struct delivery *d)
{
	/* Before it was asked the base may still be being loaded. */
	if (d->state != DELIVERY_ASKED || d->offering ||
		d->session.channel.tx.len)
		return false;
	return d->sent_whole ||
		(d->has_base && (d->locked || !delivery_waits(d)));
}

void
delivery_draft_base(struct delivery *d)
{
	if (!d->draft.written && !d->draft.failed && !d->amended && differs(d))
		cache_draft_base(d->cargo->cache, d->target, &d->m, &d->draft);
}

/* With several channels it may have heard of amends in another order. */
static bool
is_its_tree(const struct delivery *d)
{
	char hex[DIGEST_HEX + 1];

	digest_to_hex(d->m.id, hex);
	return path_is_release_of(d->result.release, hex);
}

void
delivery_keep_base(struct delivery *d)
{
	/* What is live already is as push said; the offer was for nothing. */
	if (!strcmp(d->result.outcome, "same"))
		delivery_forget_offer(d);
	if (d->amended) {
		cache_drop_draft(&d->draft);
		manifest_finish(&d->m);
		d->amended = false;
	}
	if (!is_its_tree(d))
		return;
	delivery_draft_base(d);
	cache_keep_draft(&d->draft);
}
