#include "tree/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"

/* Directories that are open at once; a deep tree has more. */
#define DEPTH_OPEN 64
#define TICK_ENTRIES 256

static int walk_directory(struct walk *w, struct place *p);

int
walk_tick(struct walk *w)
{
	const struct scan_options *o = w->o;

	w->looked = 0;
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

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->s, ((const struct name *)b)->s);
}

static void
note_name(struct walk *w, struct place *p, const struct dirent *e)
{
	const char *s = e->d_name;

	if (!strcmp(s, ".") || !strcmp(s, ".."))
		return;
	if (*s == '.') {
		p->special.git |= !strcmp(s, ".git");
		p->special.gitignore |= !strcmp(s, ".gitignore");
		p->special.deployignore |= !strcmp(s, ".deployignore");
		p->wanted |= rules_is_vcs_file(s) || p->special.deployignore;
	}
	MEM_GROW(w->names, w->n, w->cap);
	w->names[w->n].s = arena_strndup(&w->arena, s, strlen(s));
	w->names[w->n++].type = e->d_type;
}

/* Reads the directory's names, sorted, on top of those of its parents. */
static int
read_names(struct walk *w, struct place *p)
{
	int fd = fcntl(p->fd, F_DUPFD_CLOEXEC, 3), rc = -1;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	p->first = w->n;
	if (!dir)
		goto out;
	while ((errno = 0, e = readdir(dir)))
		note_name(w, p, e);
	p->last = w->n;
	if (errno)
		goto out;
	if (p->last > p->first)
		qsort(w->names + p->first, p->last - p->first,
			sizeof(*w->names), compare_names);
	rc = 0;
out:
	if (rc < 0)
		error_errno(w->err, "%s",
			*walk_path(w) ? walk_path(w) : w->o->path);
	if (dir)
		closedir(dir);
	else
		io_close(&fd);
	return rc;
}

/* The directory's handle, opened again if it was closed for depth. */
static int
handle(struct walk *w, struct place *p)
{
	char *path;

	if (p->fd >= 0)
		return p->fd;
	path = mem_strndup(walk_path(w), p->path_len - w->rules.prefix_len);
	p->fd = beneath_open(w->o->dirfd, path, O_RDONLY | O_DIRECTORY, 0);
	if (p->fd < 0)
		error_errno(w->err, "%s", path);
	free(path);
	return p->fd;
}

/* Opens a directory of the tree; 0 with fd -1 if it is to be passed over. */
static int
open_directory(struct walk *w, struct place *p, const char *name, int *fd)
{
	*fd = openat(p->fd, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0 && errno == EACCES)
		return walk_refuse(w, strerror(errno));
	if (*fd < 0 && errno != ENOENT)
		return error_errno(w->err, "%s", walk_path(w));
	return 0;
}

/*
 * Takes the entry of a directory back if there is nothing in it that is
 * wanted: see the header.
 */
static bool
keep_directory(struct walk *w, const struct place *p, size_t entry)
{
	bool empty = w->m->n == entry + 1;

	if (!empty || (!p->scope.ignored && (!p->left_out || p->wanted)))
		return true;
	w->m->n--;
	w->m->lines--;
	return false;
}

static void
report_directory(const struct walk *w, bool kept,
	const struct rules_decision *d)
{
	const char *rule = d->rule;

	if (kept && !d->in)
		rule = "leads to what is in the tree";
	else if (!kept && !rule)
		rule = "nothing in it is in the tree";
	report(w, kept, rule);
}

static int
add_directory(struct walk *w, struct place *parent, const char *name,
	const struct stat *st, const struct rules_decision *d)
{
	struct place p = { .depth = parent->depth + 1,
		.path_len = w->path.len,
		.scope = parent->scope };
	struct entry e = { .type = ENTRY_DIRECTORY,
		.mode = walk_mode(st->st_mode, w->o->exact_modes) };
	size_t entry = w->m->n;
	bool kept;

	if (w->o->exact_modes && st->st_mode & (S_ISUID | S_ISGID))
		return walk_refuse(w, "a set-user or set-group bit");
	if (open_directory(w, parent, name, &p.fd) < 0)
		return -1;
	if (p.fd < 0)
		return 0;
	p.scope.ignored = !d->in;
	p.scope.included = d->included;
	walk_add_entry(w, &e);
	if (p.depth > DEPTH_OPEN)
		io_close(&parent->fd);
	if (walk_directory(w, &p) < 0)
		return -1;
	kept = keep_directory(w, &p, entry);
	parent->left_out |= !kept;
	report_directory(w, kept, d);
	return 0;
}

static int
add_found(struct walk *w, struct place *p, const struct name *name,
	const struct stat *st, const struct rules_decision *d)
{
	const char *path = walk_path(w), *why;

	why = path_refuse(path, strlen(path));
	if (why)
		return walk_refuse(w, why);
	if (S_ISDIR(st->st_mode))
		return add_directory(w, p, name->s, st, d);
	report(w, true, d->rule);
	if (S_ISREG(st->st_mode))
		return walk_add_file(w, p, name->s, st);
	if (S_ISLNK(st->st_mode))
		return walk_add_link(w, p, name->s);
	if (S_ISFIFO(st->st_mode))
		return walk_refuse(w, "a fifo");
	return walk_refuse(w, S_ISSOCK(st->st_mode) ? "a socket" : "a device");
}

/* 1 with *st; 0 if the name is gone; -1. */
static int
look(struct walk *w, struct place *p, const char *name, struct stat *st)
{
	if (fstatat(p->fd, name, st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : error_errno(w->err, "%s", walk_path(w));
}

/* One name of a directory; w->path is its path. */
static int
walk_name(struct walk *w, struct place *p, const struct name *name)
{
	struct rules_decision d;
	struct stat st;
	bool directory = name->type == DT_DIR, seen = false;
	int found;

	if (name->type == DT_UNKNOWN) {
		found = look(w, p, name->s, &st);
		if (found <= 0)
			return found;
		seen = true;
		directory = S_ISDIR(st.st_mode);
	}
	d = rules_decide(&w->rules, &p->scope, p->fd, w->path.data, directory);
	if (!d.in && !d.descend) {
		p->left_out = true;
		report(w, false, d.rule);
		return 0;
	}
	found = seen ? 1 : look(w, p, name->s, &st);
	if (found <= 0)
		return found;
	if (!d.in && !S_ISDIR(st.st_mode))
		return 0; /* it was a directory a moment ago */
	return add_found(w, p, name, &st, &d);
}

static int
walk_names(struct walk *w, struct place *p)
{
	size_t i;

	for (i = p->first; i < p->last; i++) {
		struct name name = w->names[i];

		if (++w->looked >= TICK_ENTRIES && walk_tick(w) < 0)
			return -1;
		buf_truncate(&w->path, p->path_len);
		if (handle(w, p) < 0)
			return -1;
		if (p->path_len > w->rules.prefix_len)
			buf_addch(&w->path, '/');
		buf_addstr(&w->path, name.s);
		if (walk_name(w, p, &name) < 0)
			return -1;
	}
	buf_truncate(&w->path, p->path_len);
	return 0;
}

/* Walks an open directory, which it closes; w->path is its path. */
static int
walk_directory(struct walk *w, struct place *p)
{
	struct rules_scope parent = p->scope;
	int rc = -1;

	if (read_names(w, p) == 0 &&
		rules_enter(&w->rules, p->fd, walk_path(w), &p->special,
			&p->scope, w->err) == 0)
		rc = walk_names(w, p);
	rules_leave(&w->rules, &p->scope, &parent);
	io_close(&p->fd);
	w->n = p->first;
	return rc;
}

int
walk_tree(struct walk *w)
{
	struct place top = { .fd = -1 };
	const struct scan_options *o = w->o;
	int rc = -1;

	if (rules_init(&w->rules, o->dirfd, o->path, o->project, &o->include,
		    &top.scope, w->err) < 0)
		goto out;
	buf_addstr(&w->path, w->rules.prefix);
	top.path_len = w->path.len;
	top.fd = openat(o->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top.fd < 0)
		error_errno(w->err, "%s", o->path);
	else
		rc = walk_directory(w, &top);
out:
	gitfiles_free(top.scope.tracked);
	rules_release(&w->rules);
	return rc;
}
