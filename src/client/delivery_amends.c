/* What each channel has announced of files that changed meanwhile. */
#include <string.h>

#include "client/delivery_parts.h"

void
delivery_note_amended(struct delivery_lanes *l,
	const struct delivery_lane *lane, const struct entry *e)
{
	struct delivery_amend *a;

	MEM_GROW(l->amended, l->n_amended, l->cap_amended);
	a = &l->amended[l->n_amended++];
	*a = (struct delivery_amend){
		.lane = lane, .line = e->line, .mode = e->mode, .size = e->size
	};
	memcpy(a->digest, e->digest, DIGEST_SIZE);
}

void
delivery_forget_amended(struct delivery_lanes *l,
	const struct delivery_lane *lane)
{
	size_t i, n = 0;

	for (i = 0; i < l->n_amended; i++)
		if (l->amended[i].lane != lane)
			l->amended[n++] = l->amended[i];
	l->n_amended = n;
}

void
delivery_take_amended(struct delivery *d)
{
	size_t i;

	for (i = 0; i < d->lanes.n_amended; i++) {
		const struct delivery_amend *a = &d->lanes.amended[i];
		struct entry *ours = manifest_line(&d->m, a->line);

		if (!ours)
			continue;
		d->amended = true;
		ours->mode = a->mode;
		ours->size = a->size;
		memcpy(ours->digest, a->digest, DIGEST_SIZE);
		ours->chunks = NULL;
	}
	d->lanes.n_amended = 0;
}
