/*
 * The next base.  It is written while the server works, as long as nothing
 * else is to be done, and becomes the base once the server says that it holds
 * it.
 */
#include <string.h>

#include "client/delivery_parts.h"

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
	bool sent = d->sent_whole ||
		(d->has_base && (d->locked || !delivery_waits(d)));

	return d->state == DELIVERY_ASKED && sent && !d->offering &&
		!d->session.channel.tx.len;
}

void
delivery_draft_base(struct delivery *d)
{
	if (!d->draft.written && !d->amended && differs(d))
		cache_draft_base(d->cargo->cache, d->target, &d->m, &d->draft);
}

void
delivery_keep_base(struct delivery *d)
{
	if (d->amended) {
		cache_drop_draft(&d->draft);
		manifest_finish(&d->m);
		d->amended = false;
	}
	delivery_draft_base(d);
	cache_keep_draft(&d->draft);
}
