#include "tree/walk.h"

#include <string.h>

#include "tree/walk_ahead.h"

#define TICK_ENTRIES 256

static int walk_directory(struct walk *w, struct directory *d);

int
walk_tick(struct walk *w)
{
	const struct scan_options *o = w->o;
	struct error later = ERROR_INIT;

	w->looked = 0;
	/* What failed is told in the end, behind what cannot be in a tree. */
	(void)walk_collect(w, &later);
	if (o->stop && o->stop(o->arg))
		return error_status(w->err, STATUS_INT, "interrupted");
	if (o->progress)
		o->progress(o->arg, w->result->files,
			w->known + hash_pool_read(w->pool));
	return 0;
}

static void
report(const struct walk *w, bool in, const char *rule)
{
	if (w->o->decided)
		w->o->decided(w->o->arg, walk_path(w), in, rule);
}

/*
 * Takes the entry of a directory back if there is nothing in it that is
 * wanted: see the header.
 */
static bool
keep_directory(struct walk *w, const struct directory *d, size_t entry)
{
	bool empty = w->m->n == entry + 1;

	if (!empty || (!d->scope.ignored && (!d->left_out || d->wanted)))
		return true;
	w->m->n--;
	w->m->lines--;
	return false;
}

static void
report_directory(const struct walk *w, bool kept, const struct found *f)
{
	const char *rule = f->rule;

	if (kept && !f->in)
		rule = "leads to what is in the tree";
	else if (!kept && !rule)
		rule = "nothing in it is in the tree";
	report(w, kept, rule);
}

static int
wait_for(struct walk *w, struct directory *d)
{
	while (!ahead_work(w->ahead, d)) {
		w->looked += TICK_ENTRIES / 2;
		if (w->looked >= TICK_ENTRIES && walk_tick(w) < 0)
			return -1;
	}
	if (!d->err)
		return 0;
	*w->err = *d->err;
	return -1;
}

static int
add_directory(struct walk *w, struct directory *parent, const struct found *f)
{
	struct directory *d = f->directory;
	struct entry e = { .type = ENTRY_DIRECTORY,
		.mode = walk_mode(f->mode, w->o->exact_modes) };
	size_t entry = w->m->n;
	bool kept;

	if (wait_for(w, d) < 0)
		return -1;
	if (d->refused)
		walk_refuse(w, d->refused);
	if (d->refused || d->gone)
		return 0;
	walk_add_entry(w, &e);
	if (walk_directory(w, d) < 0)
		return -1;
	kept = keep_directory(w, d, entry);
	parent->left_out |= !kept;
	report_directory(w, kept, f);
	rules_leave(&w->rules, &d->scope, &parent->scope);
	return 0;
}

/* Once it is walked it is not needed any more. */
static int
take_directory(struct walk *w, struct directory *parent, struct found *f)
{
	int rc = add_directory(w, parent, f);

	if (rc == 0) {
		directory_free(f->directory);
		f->directory = NULL;
	}
	return rc;
}

/* w->path is its path. */
static int
take(struct walk *w, struct directory *parent, struct found *f)
{
	if (f->kind == FOUND_DIRECTORY)
		return take_directory(w, parent, f);
	report(w, f->kind != FOUND_OUT, f->rule);
	if (f->kind == FOUND_FILE)
		walk_add_file(w, f);
	else if (f->kind == FOUND_LINK)
		walk_add_link(w, f);
	else if (f->kind == FOUND_REFUSED)
		walk_refuse(w, f->why);
	return 0;
}

/* Walks a directory that was read; w->path is its path. */
static int
walk_directory(struct walk *w, struct directory *d)
{
	size_t i, len = w->path.len;

	for (i = 0; i < d->n; i++) {
		if (++w->looked >= TICK_ENTRIES && walk_tick(w) < 0)
			return -1;
		buf_truncate(&w->path, len);
		if (len > w->rules.prefix_len)
			buf_addch(&w->path, '/');
		buf_addstr(&w->path, d->v[i].name);
		if (take(w, d, &d->v[i]) < 0)
			return -1;
	}
	buf_truncate(&w->path, len);
	return 0;
}

int
walk_tree(struct walk *w)
{
	const struct scan_options *o = w->o;
	struct directory *top = NULL;
	struct rules_scope scope;
	int rc = -1;

	if (rules_init(&w->rules, o->dirfd, o->path, o->project, &o->include,
		    &scope, w->err) < 0)
		goto out;
	buf_addstr(&w->path, w->rules.prefix);
	top = directory_new(w->rules.prefix, &scope);
	w->ahead = ahead_new(o, &w->rules);
	if (wait_for(w, top) == 0)
		rc = walk_directory(w, top);
out:
	ahead_free(w->ahead);
	directory_free(top);
	rules_release(&w->rules);
	return rc;
}
