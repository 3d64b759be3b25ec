#include "tree/scan.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tree/chunk.h"
#include "tree/hash.h"
#include "tree/index.h"
#include "tree/walk.h"

/* An answer of the handshake is not to wait for longer. */
#define TICK_MS 2

/* What is too much for a manifest is not divided. */
static void
set_chunks(struct walk *w, struct entry *e, const struct chunks *c)
{
	if (w->chunks + c->n > MANIFEST_CHUNKS_MOST)
		return;
	w->chunks += c->n;
	e->chunks = manifest_add_chunks(w->m, c);
	if (w->o->index)
		index_put_chunks(w->o->index, c);
}

/* Waits for the hashes and puts them where they belong. */
static int
collect(struct walk *w)
{
	const struct chunks *chunks;
	struct stat st;
	uint8_t digest[DIGEST_SIZE];
	size_t i;
	int more;

	while (!hash_pool_wait(w->pool, TICK_MS))
		if (walk_tick(w) < 0)
			return -1;
	while ((more = hash_pool_next(w->pool, &i, &st, digest, &chunks,
			w->err)) > 0) {
		struct entry *e = &w->m->v[i];

		e->size = (uint64_t)st.st_size;
		e->mode = walk_mode(st.st_mode, w->o->exact_modes);
		memcpy(e->digest, digest, DIGEST_SIZE);
		if (w->o->index)
			index_put(w->o->index, e->path, &st, digest);
		if (chunks)
			set_chunks(w, e, chunks);
	}
	/* The chunks are lines, too. */
	manifest_number(w->m);
	return more;
}

int
scan_tree(const struct scan_options *o, struct manifest *m,
	struct scan_result *result, struct error *err)
{
	struct walk w = { .o = o, .m = m, .result = result, .err = err };
	int rc = -1;

	memset(result, 0, sizeof(*result));
	w.pool = hash_pool_new(o->dirfd, o->threads);
	if (walk_tree(&w) < 0 || refusals_report(&w.refusals, err) < 0 ||
		collect(&w) < 0)
		goto out;
	manifest_finish(m);
	manifest_count(m, &result->files, &result->bytes);
	result->hashed = hash_pool_read(w.pool);
	rc = walk_tick(&w);
out:
	hash_pool_free(w.pool);
	refusals_release(&w.refusals);
	buf_release(&w.path);
	return rc;
}

void
scan_result_release(struct scan_result *r)
{
	strv_release(&r->secrets);
	strv_release(&r->markers);
	memset(r, 0, sizeof(*r));
}

int
scan_file(int dirfd, bool exact_modes, struct entry *e, struct error *err)
{
	struct stat st;

	if (hash_file(dirfd, e->path, &st, e->digest, err) < 0)
		return -1;
	if (st.st_mode & (S_ISUID | S_ISGID))
		return error_set(err, "%s: a set-user or set-group bit",
			e->path);
	e->size = (uint64_t)st.st_size;
	e->mode = walk_mode(st.st_mode, exact_modes);
	e->chunks = NULL;
	return 0;
}
