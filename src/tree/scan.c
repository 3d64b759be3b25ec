#include "tree/scan.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tree/hash.h"
#include "tree/walk.h"

/* An answer of the handshake is not to wait for longer. */
#define TICK_MS 2

/* Waits for the hashes and puts them where they belong. */
static int
collect(struct walk *w)
{
	while (!hash_pool_wait(w->pool, TICK_MS))
		if (walk_tick(w) < 0)
			return -1;
	if (walk_collect(w, w->err) < 0)
		return -1;
	/* The chunks are lines, too. */
	manifest_number(w->m);
	return 0;
}

int
scan_tree(const struct scan_options *o, struct manifest *m,
	struct scan_result *result, struct error *err)
{
	struct walk w = { .o = o, .m = m, .result = result, .err = err };
	int rc = -1;

	memset(result, 0, sizeof(*result));
	w.pool = hash_pool_new(o->dirfd, o->threads);
	hash_pool_keep(w.pool, o->kept);
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
