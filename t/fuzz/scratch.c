#include "scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/rmtree.h"

struct kept {
	char *path; /* below the directory */
	struct stat st;
	char *data; /* contents, or a link's target */
	size_t len;
};

static char dir[64];
static struct kept *kept;
static size_t n_kept, cap_kept;
/* While it is compared: how many are as they were so far. */
static size_t n_same;

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

/* Calls fn for each entry below, directories before what is in them. */
static void
walk(const char *below, void (*fn)(const char *path, const struct stat *st))
{
	char *top = mem_strdup(scratch_path(below));
	DIR *d = opendir(top);
	struct dirent *e;

	must(d != NULL, top);
	while ((e = readdir(d))) {
		char *path;
		struct stat st;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		path = mem_printf("%s%s%s", below, *below ? "/" : "",
			e->d_name);
		must(fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
				0,
			path);
		fn(path, &st);
		if (S_ISDIR(st.st_mode))
			walk(path, fn);
		free(path);
	}
	closedir(d);
	free(top);
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

static void
keep(const char *path, const struct stat *st)
{
	struct kept *k;

	MEM_GROW(kept, n_kept, cap_kept);
	k = &kept[n_kept++];
	memset(k, 0, sizeof(*k));
	k->path = mem_strdup(path);
	k->st = *st;
	load(k);
}

void
scratch_keep(void)
{
	walk("", keep);
}

static bool
is_same(const struct kept *k, const char *path, const struct stat *st)
{
	return !strcmp(k->path, path) && k->st.st_ino == st->st_ino &&
		k->st.st_mode == st->st_mode && k->st.st_size == st->st_size &&
		k->st.st_ctim.tv_sec == st->st_ctim.tv_sec &&
		k->st.st_ctim.tv_nsec == st->st_ctim.tv_nsec;
}

static void
compare(const char *path, const struct stat *st)
{
	if (n_same < n_kept && is_same(&kept[n_same], path, st))
		n_same++;
	else
		n_same = SIZE_MAX / 2;
}

bool
scratch_changed(void)
{
	n_same = 0;
	walk("", compare);
	return n_same != n_kept;
}

/* While one directory is compared: how many of its entries are the same. */
static void
count_same(const char *path, const struct stat *st)
{
	size_t i;

	for (i = 0; i < n_kept && !is_same(&kept[i], path, st); i++)
		;
	n_same = i < n_kept ? n_same + 1 : SIZE_MAX / 2;
}

bool
scratch_touched(const char *name)
{
	size_t i, len = strlen(name), n = 0;

	n_same = 0;
	walk(name, count_same);
	for (i = 0; i < n_kept; i++)
		n += !strncmp(kept[i].path, name, len) &&
			kept[i].path[len] == '/';
	return n_same != n;
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

static void
note_again(const char *path, const struct stat *st)
{
	size_t i;

	for (i = 0; i < n_kept && strcmp(kept[i].path, path) != 0; i++)
		;
	must(i < n_kept, path);
	/* The order in which a directory is read is a new one, too. */
	if (i != n_same) {
		struct kept k = kept[i];

		memmove(&kept[n_same + 1], &kept[n_same],
			(i - n_same) * sizeof(k));
		kept[n_same] = k;
		i = n_same;
	}
	kept[i].st = *st;
	n_same++;
}

bool
scratch_restore(void)
{
	int fd;
	size_t i;

	if (!scratch_changed())
		return false;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(fd >= 0 && rmtree_contents(fd) == 0, dir);
	close(fd);
	for (i = 0; i < n_kept; i++)
		make(&kept[i]);
	n_same = 0;
	walk("", note_again);
	return true;
}

int
scratch_open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	must(d != NULL, "/proc/self/fd");
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}
