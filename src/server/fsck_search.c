/* The bytes of files that lack them, in all releases of the app. */
#include "server/fsck_mend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

static int
compare_digests(const void *a, const void *b)
{
	return memcmp((*(struct damage *const *)a)->e->digest,
		(*(struct damage *const *)b)->e->digest, DIGEST_SIZE);
}

bool
mend_has_digest(struct mend *w, int fd, const struct entry *e)
{
	uint8_t digest[DIGEST_SIZE];

	if (lseek(fd, 0, SEEK_SET) == 0 &&
		digest_fd(w->digest, fd, digest) == (int64_t)e->size &&
		!memcmp(digest, e->digest, DIGEST_SIZE))
		return true;
	errno = 0;
	return false;
}

static void
try_source(struct mend *w, struct damage *d, const char *path)
{
	int in;

	/* It is no better than it was when it was found to be wrong. */
	if (!strcmp(w->id, w->r->id) && !strcmp(path, d->e->path))
		return;
	in = release_reader_open(&w->releases, w->id, path);
	if (in < 0)
		return;
	if (w->dry_run ? mend_has_digest(w, in, d->e) && mend_may_put(w, d) :
			 mend_copy(w, d->e, in)) {
		d->mended = true;
		d->from = mem_printf("releases/%s/%s", w->id, path);
	} else if (errno) {
		d->error = errno;
	}
	io_close(&in);
}

/* The first of those that want this content. */
static size_t
find_wanted(const struct mend *w, const uint8_t digest[static DIGEST_SIZE])
{
	size_t low = 0, high = w->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (memcmp(w->wanted[middle]->e->digest, digest, DIGEST_SIZE) <
			0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int
search_entry(const struct entry *e, void *arg)
{
	struct mend *w = arg;
	size_t i;

	if (e->type != ENTRY_FILE || path_refuse(e->path, strlen(e->path)))
		return 0;
	for (i = find_wanted(w, e->digest); i < w->n &&
		!memcmp(w->wanted[i]->e->digest, e->digest, DIGEST_SIZE);
		i++)
		if (!w->wanted[i]->mended)
			try_source(w, w->wanted[i], e->path);
	return busy_turn(w->f->o->busy, w->f->err);
}

/* In what a release was deployed with. */
static int
search_release(struct mend *w, const char *id)
{
	struct error ignored = ERROR_INIT;
	uint8_t digest[DIGEST_SIZE];
	struct record r = { 0 };
	int fd = -1, rc = 0;

	w->id = id;
	if (record_load(w->f->s, id, &r, &ignored) == 0)
		fd = store_open_manifest(w->f->s, r.manifest, &ignored);
	if (fd >= 0 &&
		manifest_entries(fd, search_entry, w, digest, &ignored) < 0)
		rc = busy_turn(w->f->o->busy, w->f->err);
	io_close(&fd);
	record_release(&r);
	return rc;
}

int
mend_search(struct mend *w)
{
	const struct strv *ids = &w->f->releases;
	size_t i;
	int rc = 0;

	if (w->n)
		qsort(w->wanted, w->n, sizeof(*w->wanted), compare_digests);
	for (i = ids->n; w->n && rc == 0 && i-- > 0;)
		rc = search_release(w, ids->v[i]);
	return rc;
}
