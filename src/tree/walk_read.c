/* Reading one directory: its names, what the rules say, lstat. */
#include "tree/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "tree/secrets.h"

/* One system call's worth of names. */
#define ENTRIES_SIZE (64 * 1024)

struct name {
	size_t offset;      /* in the text, while that grows */
	const char *s;      /* afterwards */
	unsigned char type; /* DT_*, a hint */
};

struct directory *
directory_new(const char *path, const struct rules_scope *scope)
{
	struct directory *d = mem_zalloc(1, sizeof(*d));

	d->path = mem_strdup(path);
	d->path_len = strlen(path);
	d->scope = *scope;
	return d;
}

void
directory_free(struct directory *d)
{
	size_t i;

	if (!d)
		return;
	for (i = 0; i < d->n; i++) {
		if (d->v[i].kind == FOUND_DIRECTORY)
			directory_free(d->v[i].directory);
		else if (d->v[i].kind == FOUND_LINK)
			free(d->v[i].target);
	}
	free(d->v);
	free(d->names);
	free(d->path);
	free(d->err);
	free(d);
}

void
reader_init(struct reader *r, const struct scan_options *o, struct rules *rules)
{
	memset(r, 0, sizeof(*r));
	r->o = o;
	r->rules = rules;
	r->entries = mem_alloc(ENTRIES_SIZE);
}

void
reader_release(struct reader *r)
{
	free(r->entries);
	free(r->names);
	free(r->v);
	buf_release(&r->text);
	buf_release(&r->path);
}

/* The path as the manifest has it, or the tree's own. */
static const char *
shown(const struct reader *r, const char *path)
{
	path += r->rules->prefix_len;
	return *path ? path : r->o->path;
}

static int
fail(const struct reader *r, struct directory *d, const char *path)
{
	d->err = mem_zalloc(1, sizeof(*d->err));
	return error_errno(d->err, "%s", shown(r, path));
}

static void
note_name(struct reader *r, struct directory *d, const char *s,
	unsigned char type, struct rules_names *special)
{
	if (!strcmp(s, ".") || !strcmp(s, ".."))
		return;
	if (*s == '.') {
		special->git |= !strcmp(s, ".git");
		special->gitignore |= !strcmp(s, ".gitignore");
		special->deployignore |= !strcmp(s, ".deployignore");
		d->wanted |= rules_is_vcs_file(s) || special->deployignore;
	}
	MEM_GROW(r->names, r->n, r->cap);
	r->names[r->n++] = (struct name){ r->text.len, NULL, type };
	buf_add(&r->text, s, strlen(s) + 1);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->s, ((const struct name *)b)->s);
}

/* Not by readdir(3), which needs a descriptor and a buffer for each. */
static int
read_names(struct reader *r, struct directory *d, int fd,
	struct rules_names *special)
{
	ssize_t n, at;
	size_t i;

	r->n = 0;
	buf_clear(&r->text);
	while ((n = syscall(SYS_getdents64, fd, r->entries, ENTRIES_SIZE)) > 0)
		for (at = 0; at < n;) {
			const struct dirent *e = (const void *)(r->entries +
				at);

			note_name(r, d, e->d_name, e->d_type, special);
			at += e->d_reclen;
		}
	if (n < 0)
		return fail(r, d, d->path);
	for (i = 0; i < r->n; i++)
		r->names[i].s = r->text.data + r->names[i].offset;
	if (r->n)
		qsort(r->names, r->n, sizeof(*r->names), compare_names);
	return 0;
}

/* 1 with *st; 0 if the name is gone; -1. */
static int
look(struct reader *r, struct directory *d, int fd, const char *name,
	struct stat *st)
{
	if (fstatat(fd, name, st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : fail(r, d, r->path.data);
}

static struct found *
add_found(struct reader *r, const char *name, enum found_kind kind,
	const char *rule)
{
	struct found *f;

	MEM_GROW(r->v, r->found, r->found_cap);
	f = &r->v[r->found++];
	memset(f, 0, sizeof(*f));
	f->name = name;
	f->kind = (uint8_t)kind;
	f->rule = rule;
	return f;
}

static void
refuse(struct found *f, const char *why)
{
	f->kind = FOUND_REFUSED;
	f->why = why;
}

static void
read_link(struct found *f, int fd)
{
	char target[TARGET_MOST + 2];
	ssize_t n = readlinkat(fd, f->name, target, sizeof(target) - 1);
	const char *why = n < 0 ? strerror(errno) :
				  walk_refuse_target(target, (size_t)n);

	if (why)
		refuse(f, why);
	else
		f->target = mem_strndup(target, (size_t)n);
}

static void
find_directory(struct reader *r, struct directory *parent, struct found *f,
	const struct rules_decision *d)
{
	struct rules_scope scope = parent->scope;

	if (r->o->exact_modes && f->mode & (S_ISUID | S_ISGID)) {
		refuse(f, "a set-user or set-group bit");
		return;
	}
	scope.ignored = !d->in;
	scope.included = d->included;
	f->in = d->in;
	f->directory = directory_new(r->path.data, &scope);
}

static void
find_file(struct found *f, int fd, const struct stat *st)
{
	if (f->mode & (S_ISUID | S_ISGID)) {
		refuse(f, "a set-user or set-group bit");
		return;
	}
	f->inode = st->st_ino;
	f->size = st->st_size;
	f->mtime = st->st_mtim;
	f->ctime = st->st_ctim;
	f->secret = secrets_look_like(fd, f->name);
}

/* What is in the tree, or leads to what is. */
static void
find(struct reader *r, struct directory *d, int fd, const char *name,
	const struct stat *st, const struct rules_decision *decision)
{
	const char *path = r->path.data + r->rules->prefix_len;
	size_t len = r->path.len - r->rules->prefix_len;
	struct found *f = add_found(r, name, FOUND_FILE, decision->rule);
	const char *why;

	/* Those above it were looked at before. */
	why = len > PATH_MOST ? path_refuse(path, len) :
				path_refuse(name, strlen(name));
	f->mode = st->st_mode;
	if (why) {
		refuse(f, why);
	} else if (S_ISDIR(st->st_mode)) {
		f->kind = FOUND_DIRECTORY;
		find_directory(r, d, f, decision);
	} else if (S_ISREG(st->st_mode)) {
		find_file(f, fd, st);
	} else if (S_ISLNK(st->st_mode)) {
		f->kind = FOUND_LINK;
		read_link(f, fd);
	} else {
		refuse(f,
			S_ISFIFO(st->st_mode)         ? "a fifo" :
				S_ISSOCK(st->st_mode) ? "a socket" :
							"a device");
	}
}

/* One name; r->path is its path. */
static int
find_name(struct reader *r, struct directory *parent, int fd,
	const struct name *name)
{
	struct rules_decision d;
	struct stat st;
	bool directory = name->type == DT_DIR, seen = false;
	int found;

	if (name->type == DT_UNKNOWN) {
		found = look(r, parent, fd, name->s, &st);
		if (found <= 0)
			return found;
		seen = true;
		directory = S_ISDIR(st.st_mode);
	}
	d = rules_decide(r->rules, &parent->scope, fd, r->path.data, directory);
	if (!d.in && !d.descend) {
		parent->left_out = true;
		if (r->o->decided)
			add_found(r, name->s, FOUND_OUT, d.rule);
		return 0;
	}
	found = seen ? 1 : look(r, parent, fd, name->s, &st);
	if (found <= 0)
		return found;
	if (d.in || S_ISDIR(st.st_mode)) /* it was one a moment ago */
		find(r, parent, fd, name->s, &st, &d);
	return 0;
}

static int
find_names(struct reader *r, struct directory *d, int fd)
{
	size_t i, len;

	buf_clear(&r->path);
	buf_add(&r->path, d->path, d->path_len);
	if (d->path_len > r->rules->prefix_len)
		buf_addch(&r->path, '/');
	len = r->path.len;
	r->found = 0;
	for (i = 0; i < r->n; i++) {
		buf_truncate(&r->path, len);
		buf_addstr(&r->path, r->names[i].s);
		if (find_name(r, d, fd, &r->names[i]) < 0)
			return -1;
	}
	return 0;
}

/* Moves what was found, and the names, from the reader's to its own. */
static void
keep_found(struct reader *r, struct directory *d)
{
	size_t i;

	d->n = r->found;
	d->v = mem_alloc(d->n * sizeof(*d->v));
	d->names = mem_alloc(r->text.len);
	if (r->text.len)
		memcpy(d->names, r->text.data, r->text.len);
	for (i = 0; i < d->n; i++) {
		d->v[i] = r->v[i];
		d->v[i].name = d->names + (r->v[i].name - r->text.data);
	}
	r->found = 0;
}

static int
open_directory(struct reader *r, struct directory *d)
{
	const char *path = d->path + r->rules->prefix_len;

	if (*path)
		return beneath_open(r->o->dirfd, path, O_RDONLY | O_DIRECTORY,
			0);
	return openat(r->o->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void
reader_read(struct reader *r, struct directory *d)
{
	struct rules_names special = { false, false, false };
	bool top = d->path_len == r->rules->prefix_len;
	int fd = open_directory(r, d);

	if (fd < 0) {
		d->gone = !top && errno == ENOENT;
		if (!top && errno == EACCES)
			d->refused = strerror(errno);
		else if (!d->gone)
			fail(r, d, d->path);
		return;
	}
	if (read_names(r, d, fd, &special) == 0) {
		struct error err = ERROR_INIT;

		if (rules_enter(r->rules, fd, d->path + r->rules->prefix_len,
			    &special, &d->scope, &err) < 0) {
			d->err = mem_alloc(sizeof(*d->err));
			*d->err = err;
		} else {
			find_names(r, d, fd);
			keep_found(r, d);
		}
	}
	io_close(&fd);
}
