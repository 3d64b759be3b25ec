#include "server/times.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* The last build begun: its tree with the times that it had. */
struct last {
	struct msg_built built;
	struct manifest m;
	int64_t *times;
};

/* A walk over the last tree and the new one side by side. */
struct walk {
	const struct last *last;
	const struct manifest *m;
	int64_t *times;
	int64_t stamp;
	bool *dirty; /* by place in m: a directory whose names changed */
};

/* Lines of "COUNT NS": runs of equal times. */
int
times_load(const struct store *s, const char *id, size_t n, int64_t **out)
{
	struct error ignored = ERROR_INIT;
	struct buf text = BUF_INIT;
	int64_t *times = mem_zalloc(n, sizeof(*times));
	char name[64], *p;
	size_t i = 0;

	snprintf(name, sizeof(name), "records/%s.times", id);
	if (io_read_file(s->own, name, TIMES_MOST, &text, &ignored) < 0)
		goto out;
	p = text.data;
	while (p && *p && i <= n) {
		char *end;
		unsigned long long count = strtoull(p, &end, 10);
		int64_t ns = strtoll(end, &end, 10);

		if (*end != '\n' || count == 0 || count > n - i)
			goto out;
		for (; count; count--)
			times[i++] = ns;
		p = end + 1;
	}
	buf_release(&text);
	if (i == n) {
		*out = times;
		return 0;
	}
out:
	buf_release(&text);
	free(times);
	return -1;
}

static void
load_built(const struct store *s, struct msg_built *b)
{
	struct error ignored = ERROR_INIT;
	struct buf text = BUF_INIT;

	if (io_read_file(s->own, "built", 4096, &text, &ignored) == 0 &&
		message_read(built_fields, buf_str(&text), text.len, b,
			&ignored) < 0)
		message_release(built_fields, b);
	buf_release(&text);
}

/* Whatever is missing or damaged: there is no last tree, all gets S. */
static void
load_last(const struct store *s, struct last *l)
{
	struct error ignored = ERROR_INIT;
	struct record r = { 0 };

	memset(l, 0, sizeof(*l));
	load_built(s, &l->built);
	if (!l->built.id || !path_is_release(l->built.id) ||
		record_load(s, l->built.id, &r, &ignored) < 0)
		return;
	if (store_load_manifest(s, r.manifest, &l->m, &ignored) < 0 ||
		times_load(s, l->built.id, l->m.n, &l->times) < 0)
		manifest_release(&l->m);
	record_release(&r);
}

static void
last_release(struct last *l)
{
	message_release(built_fields, &l->built);
	manifest_release(&l->m);
	free(l->times);
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

static int
pair(const struct entry *old, const struct entry *new, void *arg)
{
	struct walk *w = arg;

	if (!old || !new)
		mark_parent(w, (old ? old : new)->path);
	if (!new)
		return 0;
	w->times[new - w->m->v] = old && entry_equal(old, new) ?
		w->last->times[old - w->last->m.v] :
		w->stamp;
	return 0;
}

int
times_compute(const struct store *s, const struct manifest *m, int64_t **times,
	struct error *err)
{
	struct last last;
	struct walk w = { .last = &last, .m = m };
	size_t i;

	load_last(s, &last);
	w.times = mem_zalloc(m->n, sizeof(*w.times));
	w.dirty = mem_zalloc(m->n, sizeof(*w.dirty));
	w.stamp = io_wall_ns();
	if (w.stamp <= (int64_t)last.built.ended)
		w.stamp = (int64_t)last.built.ended + 1;
	manifest_pairs(&last.m, m, pair, &w);
	for (i = 0; i < m->n; i++)
		if (w.dirty[i])
			w.times[i] = w.stamp;
	free(w.dirty);
	last_release(&last);
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
