#include "tree/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "tree/hash.h"
#include "tree/index.h"
#include "tree/refusals.h"
#include "tree/rules.h"
#include "tree/secrets.h"

/* Directories that are open at once; a deep tree has more. */
#define DEPTH_OPEN 64
#define TICK_MS 100
#define TICK_ENTRIES 256

/* A name of a directory that is being walked. */
struct name {
	const char *s;
	unsigned char type; /* DT_*, a hint */
};

struct walk {
	const struct scan_options *o;
	struct manifest *m;
	struct scan_result *result;
	struct rules rules;
	struct hash_pool *pool;
	struct refusals refusals;
	struct buf path;    /* of what is looked at, with the prefix */
	struct arena arena; /* the names */
	struct name *names; /* of this directory and those above it */
	size_t n, cap;
	uint64_t known;  /* bytes whose hash the index had */
	unsigned looked; /* entries since the last tick */
	struct error *err;
};

/* A directory on the way from the top to where the walk is. */
struct place {
	int fd; /* -1: closed for now */
	int depth;
	size_t path_len;    /* of the directory's own, with the prefix */
	size_t first, last; /* its names */
	struct rules_names special;
	struct rules_scope scope;
	bool left_out; /* a rule left something out */
	bool wanted;   /* a file of version control's lies in it */
};

static int walk_directory(struct walk *w, struct place *p);

/* The path as the manifest has it. */
static const char *
tree_path(const struct walk *w)
{
	return buf_str(&w->path) + w->rules.prefix_len;
}

static void
report(const struct walk *w, bool in, const char *rule)
{
	if (w->o->decided)
		w->o->decided(w->o->arg, tree_path(w), in, rule);
}

static int
tick(struct walk *w)
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

static uint16_t
entry_mode(mode_t mode, bool exact)
{
	if (exact)
		return mode & 0777;
	return S_ISDIR(mode) || (mode & S_IXUSR) ? 0755 : 0644;
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
list_names(struct walk *w, struct place *p)
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
			*tree_path(w) ? tree_path(w) : w->o->path);
	if (dir)
		closedir(dir);
	else
		io_close(&fd);
	return rc;
}

static int
refuse(struct walk *w, const char *why)
{
	refusals_add(&w->refusals, tree_path(w), why);
	return 0;
}

/* The directory's handle, opened again if it was closed for depth. */
static int
handle(struct walk *w, struct place *p)
{
	char *path;

	if (p->fd >= 0)
		return p->fd;
	path = mem_strndup(tree_path(w), p->path_len - w->rules.prefix_len);
	p->fd = beneath_open(w->o->dirfd, path, O_RDONLY | O_DIRECTORY, 0);
	if (p->fd < 0)
		error_errno(w->err, "%s", path);
	free(path);
	return p->fd;
}

static struct entry *
add_entry(struct walk *w, const struct entry *like)
{
	struct entry e = *like;

	e.path = tree_path(w);
	return manifest_add(w->m, &e);
}

static int
add_link(struct walk *w, struct place *p, const char *name)
{
	char target[TARGET_MOST + 2];
	struct entry e = { .type = ENTRY_LINK, .target = target };
	ssize_t n = readlinkat(p->fd, name, target, sizeof(target) - 1), i;

	if (n < 0)
		return refuse(w, strerror(errno));
	if (n > TARGET_MOST)
		return refuse(w, "its target is longer than 4095 bytes");
	target[n] = '\0';
	for (i = 0; i < n; i++)
		if ((unsigned char)target[i] < 0x20 || target[i] == 0x7f)
			return refuse(w, "a control character in its target");
	add_entry(w, &e);
	return 0;
}

static void
note_marker(struct walk *w, const struct place *p, const char *name)
{
	static const char *const markers[] = { "package.json",
		"requirements.txt", "pyproject.toml", "go.mod", "Gemfile",
		"Cargo.toml", "composer.json", "Makefile", "Procfile",
		"pom.xml", "mix.exs" };
	size_t i;

	for (i = 0; p->depth == 0 && i < sizeof(markers) / sizeof(*markers);
		i++)
		if (!strcmp(name, markers[i]))
			strv_add(&w->result->markers, name);
}

static int
add_file(struct walk *w, struct place *p, const char *name,
	const struct stat *st)
{
	struct entry e = { .type = ENTRY_FILE,
		.size = (uint64_t)st->st_size,
		.mode = entry_mode(st->st_mode, w->o->exact_modes) };
	struct entry *added;

	if (st->st_mode & (S_ISUID | S_ISGID))
		return refuse(w, "a set-user or set-group bit");
	w->result->files++;
	note_marker(w, p, name);
	if (secrets_look_like(p->fd, name))
		strv_add(&w->result->secrets, tree_path(w));
	added = add_entry(w, &e);
	if (!w->o->index ||
		!index_get(w->o->index, added->path, st, added->digest)) {
		hash_pool_add(w->pool, added->path, w->m->n - 1);
		return 0;
	}
	w->known += added->size;
	index_put(w->o->index, added->path, st, added->digest);
	return 0;
}

/* Opens a directory of the tree; 0 with fd -1 if it is to be passed over. */
static int
open_directory(struct walk *w, struct place *p, const char *name, int *fd)
{
	*fd = openat(p->fd, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0 && errno == EACCES)
		return refuse(w, strerror(errno));
	if (*fd < 0 && errno != ENOENT)
		return error_errno(w->err, "%s", tree_path(w));
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

static int
add_directory(struct walk *w, struct place *parent, const char *name,
	const struct stat *st, const struct rules_decision *d)
{
	struct place p = { .depth = parent->depth + 1,
		.path_len = w->path.len,
		.scope = parent->scope };
	struct entry e = { .type = ENTRY_DIRECTORY,
		.mode = entry_mode(st->st_mode, w->o->exact_modes) };
	size_t entry = w->m->n;
	bool kept;

	if (w->o->exact_modes && st->st_mode & (S_ISUID | S_ISGID))
		return refuse(w, "a set-user or set-group bit");
	if (open_directory(w, parent, name, &p.fd) < 0)
		return -1;
	if (p.fd < 0)
		return 0;
	p.scope.ignored = !d->in;
	p.scope.included = d->included;
	add_entry(w, &e);
	if (p.depth > DEPTH_OPEN)
		io_close(&parent->fd);
	if (walk_directory(w, &p) < 0)
		return -1;
	kept = keep_directory(w, &p, entry);
	parent->left_out |= !kept;
	report(w, kept,
		d->rule      ? d->rule :
			kept ? NULL :
			       "nothing in it is in the tree");
	return 0;
}

static int
add_found(struct walk *w, struct place *p, const struct name *name,
	const struct stat *st, const struct rules_decision *d)
{
	const char *path = tree_path(w), *why;

	why = path_refuse(path, strlen(path));
	if (why)
		return refuse(w, why);
	if (S_ISDIR(st->st_mode))
		return add_directory(w, p, name->s, st, d);
	report(w, true, d->rule);
	if (S_ISREG(st->st_mode))
		return add_file(w, p, name->s, st);
	if (S_ISLNK(st->st_mode))
		return add_link(w, p, name->s);
	return refuse(w,
		S_ISFIFO(st->st_mode)         ? "a fifo" :
			S_ISSOCK(st->st_mode) ? "a socket" :
						"a device");
}

/* 1 with *st; 0 if the name is gone; -1. */
static int
look(struct walk *w, struct place *p, const char *name, struct stat *st)
{
	if (fstatat(p->fd, name, st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : error_errno(w->err, "%s", tree_path(w));
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

		if (++w->looked >= TICK_ENTRIES && tick(w) < 0)
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

	if (list_names(w, p) == 0 &&
		rules_enter(&w->rules, p->fd, tree_path(w), &p->special,
			&p->scope, w->err) == 0)
		rc = walk_names(w, p);
	rules_leave(&w->rules, &p->scope, &parent);
	io_close(&p->fd);
	w->n = p->first;
	return rc;
}

/* Waits for the hashes and puts them where they belong. */
static int
collect(struct walk *w)
{
	struct stat st;
	uint8_t digest[DIGEST_SIZE];
	size_t i;
	int more;

	while (!hash_pool_wait(w->pool, TICK_MS))
		if (tick(w) < 0)
			return -1;
	while ((more = hash_pool_next(w->pool, &i, &st, digest, w->err)) > 0) {
		struct entry *e = &w->m->v[i];

		e->size = (uint64_t)st.st_size;
		e->mode = entry_mode(st.st_mode, w->o->exact_modes);
		memcpy(e->digest, digest, DIGEST_SIZE);
		if (w->o->index)
			index_put(w->o->index, e->path, &st, digest);
	}
	return more;
}

static int
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
	rc = tick(&w);
out:
	hash_pool_free(w.pool);
	refusals_release(&w.refusals);
	buf_release(&w.path);
	arena_release(&w.arena);
	free(w.names);
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
	uint64_t read = 0;
	struct stat st;

	if (hash_file(dirfd, e->path, &st, e->digest, &read, err) < 0)
		return -1;
	if (st.st_mode & (S_ISUID | S_ISGID))
		return error_set(err, "%s: a set-user or set-group bit",
			e->path);
	e->size = (uint64_t)st.st_size;
	e->mode = entry_mode(st.st_mode, exact_modes);
	return 0;
}
