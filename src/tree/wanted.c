#include "tree/wanted.h"

#include <string.h>

int
wanted_find(struct wanted *w, const struct manifest *m, uint32_t line)
{
	uint32_t chunk;

	memset(w, 0, sizeof(*w));
	w->e = manifest_at(m, line, &chunk);
	if (!w->e || w->e->type != ENTRY_FILE)
		return -1;
	w->size = w->e->size;
	w->digest = w->e->digest;
	if (chunk == MANIFEST_NO_CHUNK)
		return 0;
	w->part = w->e->chunks != NULL;
	w->instead = !w->part;
	if (w->part) {
		w->offset = w->e->chunks->v[chunk].offset;
		w->size = chunk_length(w->e, chunk);
		w->digest = w->e->chunks->v[chunk].digest;
	}
	return 0;
}
