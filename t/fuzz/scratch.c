#include "scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/rmtree.h"

#define PATH_ROOM 4200
#define FILES_MOST 256

struct kept {
	char *path; /* below the directory */
	struct stat st;
	char *data; /* contents, or a link's target */
	size_t len;
	bool there; /* while it is restored */
};

static char dir[64];
static struct kept *kept;
static size_t n_kept, cap_kept;
/* While it is compared: how many are as they were, and others. */
static size_t n_same, n_other;

static void
must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

static void
remove_dir(void)
{
	(void)rmtree_at(AT_FDCWD, dir);
}

const char *
scratch_dir(void)
{
	if (*dir)
		return dir;
	strcpy(dir, "/dev/shm/fuzz.XXXXXX");
	if (!mkdtemp(dir)) {
		strcpy(dir, "/tmp/fuzz.XXXXXX");
		must(mkdtemp(dir) != NULL, dir);
	}
	atexit(remove_dir);
	return dir;
}

const char *
scratch_path(const char *name)
{
	static char paths[4][4200];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", scratch_dir(), name);
	return path;
}

void
scratch_write(const char *name, const void *data, size_t len)
{
	const char *path = scratch_path(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && io_write_full(fd, data, len) == 0, path);
	close(fd);
}

void
scratch_mkdir(const char *name)
{
	const char *path = scratch_path(name);

	must(mkdir(path, 0755) == 0, path);
}

/* Of each entry, by its path; false, a directory is not looked into. */
typedef bool visit_fn(const char *path, const struct stat *st);

static void walk_at(int parent, const char *name, char *path, size_t len,
	visit_fn *fn);

static void
visit(int parent, const char *name, char *path, size_t len, visit_fn *fn)
{
	struct stat st;

	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return;
	len += (size_t)snprintf(path + len, PATH_ROOM - len, "%s%s",
		len ? "/" : "", name);
	must(len < PATH_ROOM &&
			fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0,
		path);
	if (fn(path, &st) && S_ISDIR(st.st_mode))
		walk_at(parent, name, path, len, fn);
}

/* For each input, so without opendir(), for which memory is allocated. */
static void
walk_at(int parent, const char *name, char *path, size_t len, visit_fn *fn)
{
	_Alignas(struct dirent64) char some[2048];
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ssize_t n, at;

	must(fd >= 0, path);
	while ((n = getdents64(fd, some, sizeof(some))) > 0)
		for (at = 0; at < n;) {
			struct dirent64 *e = (struct dirent64 *)(some + at);

			visit(fd, e->d_name, path, len, fn);
			path[len] = '\0';
			at += e->d_reclen;
		}
	must(n == 0, path);
	close(fd);
}

/* Directories before what is in them. */
static void
walk(const char *below, visit_fn *fn)
{
	static char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s", below);
	walk_at(AT_FDCWD, scratch_path(below), path, strlen(below), fn);
}

static void
load(struct kept *k)
{
	const char *path = scratch_path(k->path);
	int fd;

	if (!S_ISREG(k->st.st_mode) && !S_ISLNK(k->st.st_mode))
		return;
	k->len = (size_t)k->st.st_size;
	k->data = mem_alloc(k->len + 1);
	k->data[k->len] = '\0';
	if (S_ISLNK(k->st.st_mode)) {
		must(readlink(path, k->data, k->len) == (ssize_t)k->len, path);
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0 && io_read_full(fd, k->data, k->len) == (ssize_t)k->len,
		path);
	close(fd);
}

static bool
keep(const char *path, const struct stat *st)
{
	struct kept *k;

	MEM_GROW(kept, n_kept, cap_kept);
	k = &kept[n_kept++];
	memset(k, 0, sizeof(*k));
	k->path = mem_strdup(path);
	k->st = *st;
	load(k);
	return true;
}

void
scratch_keep(void)
{
	walk("", keep);
}

static bool
is_below(const char *path, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(path, name, len) && path[len] == '/';
}

static size_t
count_below(const char *name)
{
	size_t i, n = 0;

	for (i = 0; i < n_kept; i++)
		n += is_below(kept[i].path, name);
	return n;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
scratch_names(const char *name, struct strv *out)
{
	size_t i;

	for (i = 0; i < n_kept; i++)
		if (is_below(kept[i].path, name))
			strv_add(out, kept[i].path);
	qsort(out->v, out->n, sizeof(*out->v), by_name);
}

/* Looked for from behind the last, where it is while little has changed. */
static struct kept *
find(const char *path)
{
	static size_t last;
	size_t i;

	for (i = 0; i < n_kept; i++) {
		last = last + 1 < n_kept ? last + 1 : 0;
		if (!strcmp(kept[last].path, path))
			return &kept[last];
	}
	return NULL;
}

static bool
is_same(const struct kept *k, const struct stat *st)
{
	return k->st.st_ino == st->st_ino && k->st.st_mode == st->st_mode &&
		k->st.st_size == st->st_size &&
		k->st.st_ctim.tv_sec == st->st_ctim.tv_sec &&
		k->st.st_ctim.tv_nsec == st->st_ctim.tv_nsec;
}

/* What differs tells enough. */
static bool
compare(const char *path, const struct stat *st)
{
	const struct kept *k = n_other ? NULL : find(path);

	if (k && is_same(k, st))
		n_same++;
	else
		n_other++;
	return !n_other;
}

bool
scratch_changed(void)
{
	n_same = n_other = 0;
	walk("", compare);
	return n_other || n_same != n_kept;
}

bool
scratch_touched(const char *name)
{
	n_same = n_other = 0;
	walk(name, compare);
	return n_other || n_same != count_below(name);
}

/* A directory stays where one was, whatever is in it. */
static bool
remove_other(const char *path, const struct stat *st)
{
	struct kept *k = find(path);
	const char *full = scratch_path(path);

	if (k &&
		(is_same(k, st) ||
			(S_ISDIR(st->st_mode) &&
				st->st_mode == k->st.st_mode))) {
		k->there = true;
		return true;
	}
	must(rmtree_at(AT_FDCWD, full) == 0, full);
	return false;
}

static void
make(const struct kept *k)
{
	const char *path = scratch_path(k->path);
	const struct timespec times[2] = { k->st.st_mtim, k->st.st_mtim };
	int fd;

	if (S_ISDIR(k->st.st_mode)) {
		must(mkdir(path, k->st.st_mode & 0777) == 0, path);
	} else if (S_ISLNK(k->st.st_mode)) {
		must(symlink(k->data, path) == 0, path);
	} else if (S_ISREG(k->st.st_mode)) {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			k->st.st_mode & 0777);
		must(fd >= 0 && io_write_full(fd, k->data, k->len) == 0 &&
				futimens(fd, times) == 0,
			path);
		close(fd);
	}
}

/* A directory has changed with what is in it, and is noted behind it. */
static void
note_again(struct kept *k)
{
	const char *path = scratch_path(k->path);

	must(lstat(path, &k->st) == 0, path);
}

bool
scratch_restore(void)
{
	size_t i;

	if (!scratch_changed())
		return false;
	for (i = 0; i < n_kept; i++)
		kept[i].there = false;
	walk("", remove_other);
	for (i = 0; i < n_kept; i++)
		if (!kept[i].there)
			make(&kept[i]);
	for (i = 0; i < n_kept; i++)
		if (!kept[i].there || S_ISDIR(kept[i].st.st_mode))
			note_again(&kept[i]);
	return true;
}

int
scratch_open_files(void)
{
	static const struct timespec none;
	struct pollfd p[FILES_MOST];
	int i, n = 0;

	for (i = 0; i < FILES_MOST; i++)
		p[i] = (struct pollfd){ .fd = i };
	/* Not poll(), which may be that of inside.c. */
	must(ppoll(p, FILES_MOST, &none, NULL) >= 0, "ppoll");
	for (i = 0; i < FILES_MOST; i++)
		n += !(p[i].revents & POLLNVAL);
	return n;
}
