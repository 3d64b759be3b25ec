#include "client/cargo.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "client/cache.h"
#include "client/progress.h"
#include "client/report.h"
#include "client/signals.h"
#include "client/user.h"

#define LARGE_BYTES 100000000
#define OFFENDERS 5
/* An answer of the handshake is not to wait for longer. */
#define TICK_MS 2

/* While the walk goes on. */
struct walk_watch {
	struct progress progress;
	const struct cargo_options *how;
};

static bool
stop(void *arg)
{
	return signals_caught() != 0;
}

static void
show_progress(void *arg, uint64_t files, uint64_t bytes)
{
	struct walk_watch *w = arg;

	progress_at(&w->progress, bytes);
	if (w->how->tick)
		w->how->tick(w->how->arg);
}

static void
pass_decision(void *arg, const char *path, bool in, const char *rule)
{
	struct walk_watch *w = arg;

	w->how->decided(w->how->arg, path, in, rule);
}

static int
scan(struct cargo *c, const struct options *o, struct walk_watch *w,
	struct error *err)
{
	const struct project *p = c->project;
	struct scan_options s = { .dirfd = c->dirfd,
		.path = p->tree,
		.project = p->directory,
		.include = p->include,
		.exact_modes = p->exact_modes,
		.kept = c->kept,
		.progress = show_progress,
		.decided = w->how->decided ? pass_decision : NULL,
		.stop = stop,
		.arg = w };
	char name[80];
	int rc;

	cache_index_name(p->tree, name);
	if (c->cache >= 0 && !o->no_cache)
		s.index = index_load(c->cache, name);
	progress_begin(&w->progress, "hashing", NULL, 0);
	rc = scan_tree(&s, &c->m, &c->scan, err);
	progress_end(&w->progress);
	if (rc == 0)
		c->index = s.index;
	else
		index_free(s.index);
	if (rc < 0 && signals_caught())
		signals_error(err, "interrupted; nothing was sent");
	return rc;
}

/* git compares every file with its index, which takes as long as the walk. */
static int
scan_beside_git(struct cargo *c, const struct options *o, struct walk_watch *w,
	struct error *err)
{
	struct git_question q;
	int rc;

	git_ask(&q, c->project->tree);
	rc = scan(c, o, w, err);
	while (!git_answered(&q, TICK_MS))
		if (rc == 0 && w->how->tick)
			w->how->tick(w->how->arg);
	c->git = q.facts;
	return rc;
}

static int
load_directory(struct cargo *c, const struct options *o, struct walk_watch *w,
	struct error *err)
{
	const struct project *p = c->project;

	c->dirfd = open(p->tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dirfd < 0)
		return error_errno(err, "%s", p->tree);
	source_directory(&c->source, c->dirfd, p->exact_modes);
	if (w->how->keep && w->how->keep(w->how->arg, c->cache))
		c->kept = kept_new(KEPT_MOST);
	c->source.kept = c->kept;
	return scan_beside_git(c, o, w, err);
}

static int
load_archive(struct cargo *c, const struct options *o, struct walk_watch *w,
	struct error *err)
{
	const struct source_options s = { .name = o->tar,
		.exact_modes = c->project->exact_modes,
		.progress = show_progress,
		.stop = stop,
		.arg = w };
	int rc;

	progress_begin(&w->progress, "reading", NULL, 0);
	rc = source_archive(&c->source, &s, &c->m, &c->scan, &c->git.commit,
		err);
	progress_end(&w->progress);
	if (rc < 0 && signals_caught())
		signals_error(err, "interrupted; nothing was sent");
	return rc;
}

int
cargo_load(struct cargo *c, const struct project *p, const struct options *o,
	const struct cargo_options *how, struct error *err)
{
	struct walk_watch w = { .how = how };
	struct error why = ERROR_INIT;
	int rc;

	memset(c, 0, sizeof(*c));
	c->project = p;
	c->dirfd = -1;
	source_directory(&c->source, -1, false);
	c->user = user_name();
	c->cache = cache_open(&why);
	if (c->cache < 0)
		log_verbose("there is no cache: %s", why.text);
	if (o->tar)
		rc = load_archive(c, o, &w, err);
	else
		rc = load_directory(c, o, &w, err);
	if (rc == 0)
		manifest_count(&c->m, &c->files, &c->bytes);
	c->loaded = io_now_ms();
	return rc;
}

void
cargo_save_index(struct cargo *c)
{
	struct error ignored = ERROR_INIT;

	if (!c->index)
		return;
	if (index_save(c->index, &ignored) < 0)
		log_verbose("the index is not kept: %s", ignored.text);
	cache_tidy(c->cache);
	index_free(c->index);
	c->index = NULL;
}

void
cargo_release(struct cargo *c)
{
	cargo_save_index(c);
	source_release(&c->source);
	kept_free(c->kept);
	manifest_release(&c->m);
	scan_result_release(&c->scan);
	git_facts_release(&c->git);
	io_close(&c->dirfd);
	io_close(&c->cache);
	free(c->user);
}

static int
by_digest(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;

	return memcmp((*x)->digest, (*y)->digest, DIGEST_SIZE);
}

/* The entries that look like secrets, by digest; the caller frees it. */
static const struct entry **
find_secrets(const struct cargo *c, size_t *n)
{
	const struct strv *paths = &c->scan.secrets;
	const struct entry **v = mem_zalloc(paths->n, sizeof(*v));
	size_t i;

	*n = 0;
	for (i = 0; i < paths->n; i++) {
		v[*n] = manifest_find(&c->m, paths->v[i]);
		*n += v[*n] != NULL;
	}
	if (*n)
		qsort(v, *n, sizeof(*v), by_digest);
	return v;
}

static void
warn_secrets(const struct entry *const *v, size_t n, const struct entry *sent,
	bool *warned)
{
	const struct entry *const *found = bsearch(&sent, v, n, sizeof(*v),
		by_digest);
	size_t i;

	if (!found)
		return;
	for (i = (size_t)(found - v); i && !by_digest(&v[i - 1], &sent);)
		i--;
	/* Of files with the same content one crosses for all. */
	for (; i < n && !by_digest(&v[i], &sent); i++) {
		if (!warned[i])
			log_warn("%s looks like a secret and is sent; leave "
				 "it out with .deployignore",
				v[i]->path);
		warned[i] = true;
	}
}

void
cargo_warn_secrets(const struct cargo *c, const struct ranges *need)
{
	size_t n;
	const struct entry **v = find_secrets(c, &n);
	bool *warned = mem_zalloc(n, sizeof(*warned));
	struct ranges_cursor at = { 0, 0 };
	uint32_t line, chunk;

	while (n && ranges_next(need, &at, &line)) {
		const struct entry *e = manifest_at(&c->m, line, &chunk);

		if (e)
			warn_secrets(v, n, e, warned);
	}
	free(warned);
	free(v);
}

static int
by_size(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;

	return (*x)->size < (*y)->size ? 1 : (*x)->size > (*y)->size ? -1 : 0;
}

void
cargo_warn_size(const struct cargo *c, uint64_t bytes)
{
	const struct entry **v;
	struct buf b = BUF_INIT;
	size_t i, n = 0;

	if (bytes < LARGE_BYTES)
		return;
	report_bytes(&b, bytes);
	log_warn("this first deploy sends %s; the largest files:", b.data);
	v = mem_zalloc(c->m.n, sizeof(*v));
	for (i = 0; i < c->m.n; i++)
		if (c->m.v[i].type == ENTRY_FILE)
			v[n++] = &c->m.v[i];
	qsort(v, n, sizeof(*v), by_size);
	for (i = 0; i < n && i < OFFENDERS; i++) {
		buf_clear(&b);
		report_bytes(&b, v[i]->size);
		log_warn("  %s  %s", b.data, v[i]->path);
	}
	free(v);
	buf_release(&b);
}

void
cargo_hint_hooks(const struct cargo *c)
{
	if (c->project->hooks || c->scan.markers.n == 0)
		return;
	log_info("there is a %s, but no [hooks] in deploy.conf: files are put "
		 "in place and nothing is built or restarted%s",
		c->scan.markers.v[0],
		c->project->has_settings ? "" :
					   "; `deploy init' writes what fits");
}
