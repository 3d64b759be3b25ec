#include "server/times.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/beneath.h"
#include "base/io.h"

#define TIMES_MOST (256u << 20)

/* The file `built`. */
struct msg_built {
	char *id;
	uint64_t ended; /* nanoseconds since 1970 */
};

static const struct message_field built_fields[] = {
	{ "id", MESSAGE_TEXT, offsetof(struct msg_built, id) },
	{ "ended", MESSAGE_NUMBER, offsetof(struct msg_built, ended) },
	{ NULL, MESSAGE_TEXT, 0 },
};

/* Times of a release's entries, lines of "COUNT NS", as runs of equal ones. */
struct runs {
	struct buf text;
	const char *at;
	uint64_t left; /* of the run under way */
	int64_t ns;
};

/* A walk over the tree of the last build begun and the new one. */
struct walk {
	const struct manifest *m;
	size_t next; /* entry of the new one */
	struct runs runs;
	int64_t *times;
	int64_t stamp;
	bool *dirty; /* by place in m: a directory whose names changed */
};

static int
runs_open(struct runs *r, const struct store *s, const char *id)
{
	struct error ignored = ERROR_INIT;
	char name[64];
	int rc;

	memset(r, 0, sizeof(*r));
	snprintf(name, sizeof(name), "records/%s.times", id);
	rc = beneath_read(s->own, name, TIMES_MOST, &r->text, &ignored);
	r->at = buf_str(&r->text);
	return rc;
}

static int
runs_next(struct runs *r, int64_t *ns)
{
	char *end;

	if (!r->left) {
		r->left = strtoull(r->at, &end, 10);
		r->ns = strtoll(end, &end, 10);
		if (*end != '\n' || !r->left)
			return -1;
		r->at = end + 1;
	}
	r->left--;
	*ns = r->ns;
	return 0;
}

static bool
runs_ended(const struct runs *r)
{
	return !r->left && *r->at == '\0';
}

int
times_load(const struct store *s, const char *id, size_t n, int64_t **out)
{
	int64_t *times = mem_zalloc(n, sizeof(*times));
	struct runs r;
	size_t i;
	int rc = runs_open(&r, s, id);

	for (i = 0; rc == 0 && i < n; i++)
		rc = runs_next(&r, &times[i]);
	if (rc == 0 && !runs_ended(&r))
		rc = -1;
	buf_release(&r.text);
	if (rc == 0)
		*out = times;
	else
		free(times);
	return rc;
}

static void
load_built(const struct store *s, struct msg_built *b)
{
	struct error ignored = ERROR_INIT;
	struct buf text = BUF_INIT;

	if (beneath_read(s->own, "built", 4096, &text, &ignored) == 0 &&
		message_read(built_fields, buf_str(&text), text.len, b,
			&ignored) < 0)
		message_release(built_fields, b);
	buf_release(&text);
}

/* Marks the directory that path stands in. */
static void
mark_parent(struct walk *w, const char *path)
{
	const char *leaf = path_leaf(path);
	char *parent;
	struct entry *e;

	if (leaf == path)
		return;
	parent = mem_strndup(path, (size_t)(leaf - path) - 1);
	e = manifest_find(w->m, parent);
	if (e)
		w->dirty[e - w->m->v] = true;
	free(parent);
}

/* New entries up to path, or to the end: their directories got a name. */
static void
pass_new(struct walk *w, const char *path)
{
	const struct manifest *m = w->m;

	for (; w->next < m->n; w->next++) {
		const char *new = m->v[w->next].path;

		if (path && path_compare(new, path) >= 0)
			return;
		mark_parent(w, new);
	}
}

/* The next entry of the last tree. */
static int
old_entry(const struct entry *old, void *arg)
{
	struct walk *w = arg;
	const struct entry *new;
	int64_t ns;

	if (runs_next(&w->runs, &ns) < 0)
		return -1;
	pass_new(w, old->path);
	new = w->next < w->m->n ? &w->m->v[w->next] : NULL;
	if (!new || strcmp(new->path, old->path)) {
		mark_parent(w, old->path);
		return 0;
	}
	if (entry_equal(old, new))
		w->times[w->next] = ns;
	w->next++;
	return 0;
}

static int
compare_trees(struct walk *w, int fd, const char *manifest)
{
	struct error ignored = ERROR_INIT;
	uint8_t digest[DIGEST_SIZE];
	char hex[DIGEST_HEX + 1];

	if (manifest_entries(fd, old_entry, w, digest, &ignored) < 0)
		return -1;
	digest_to_hex(digest, hex);
	pass_new(w, NULL);
	return runs_ended(&w->runs) && !strcmp(hex, manifest) ? 0 : -1;
}

/* Gives their times to what is as it was in the last tree, if there is one. */
static int
compare_last(struct walk *w, const struct store *s, const char *id)
{
	struct error ignored = ERROR_INIT;
	struct record r = { 0 };
	int fd = -1, rc = -1;

	if (!id || !path_is_release(id) || record_load(s, id, &r, &ignored) < 0)
		return -1;
	fd = store_open_manifest(s, r.manifest, &ignored);
	if (fd >= 0 && runs_open(&w->runs, s, id) == 0)
		rc = compare_trees(w, fd, r.manifest);
	io_close(&fd);
	buf_release(&w->runs.text);
	record_release(&r);
	return rc;
}

int
times_compute(const struct store *s, const struct manifest *m, int64_t **times,
	struct error *err)
{
	struct msg_built last = { 0 };
	struct walk w = { .m = m };
	bool known;
	size_t i;

	load_built(s, &last);
	w.times = mem_zalloc(m->n, sizeof(*w.times));
	w.dirty = mem_zalloc(m->n, sizeof(*w.dirty));
	w.stamp = io_wall_ns();
	if (w.stamp <= (int64_t)last.ended)
		w.stamp = (int64_t)last.ended + 1;
	/* Whatever is missing or damaged: all gets the stamp. */
	known = compare_last(&w, s, last.id) == 0;
	for (i = 0; i < m->n; i++)
		if (!known || w.dirty[i] || !w.times[i]) /* 0: it is new */
			w.times[i] = w.stamp;
	free(w.dirty);
	message_release(built_fields, &last);
	*times = w.times;
	return 0;
}

int
times_save(const struct store *s, const char *id, const int64_t *times,
	size_t n, struct error *err)
{
	struct buf text = BUF_INIT;
	char name[64];
	size_t i, j;
	int rc;

	for (i = 0; i < n; i = j) {
		for (j = i + 1; j < n && times[j] == times[i]; j++)
			;
		buf_addf(&text, "%zu %" PRId64 "\n", j - i, times[i]);
	}
	snprintf(name, sizeof(name), "%s.times", id);
	rc = store_write(s, "records", name, buf_str(&text), text.len, err);
	buf_release(&text);
	return rc;
}

static int
save_built(const struct store *s, const struct msg_built *b, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc;

	message_write(built_fields, b, &text);
	rc = store_write(s, ".", "built", buf_str(&text), text.len, err);
	buf_release(&text);
	return rc;
}

int
times_build_begins(const struct store *s, const char *id, struct error *err)
{
	struct msg_built b = { (char *)id, (uint64_t)io_wall_ns() };

	return save_built(s, &b, err);
}

int
times_build_ended(const struct store *s, const char *id, struct error *err)
{
	return times_build_begins(s, id, err);
}

int
times_not_built(const struct store *s, const char *id, struct error *err)
{
	struct store unsynced = *s;

	unsynced.relaxed = true;
	return times_build_begins(&unsynced, id, err);
}
