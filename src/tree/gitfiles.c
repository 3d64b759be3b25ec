#include "tree/gitfiles.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/gitenv.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"

#define OUTPUT_MOST (256 * 1024 * 1024)

struct gitfiles {
	pthread_mutex_t mutex; /* over what is not const after finish() */
	pid_t pid;             /* -1: done, or never begun */
	int fd;                /* its output */
	struct buf text;
	const char **v; /* the paths in text, sorted */
	size_t n, cap;
};

/*
 * All that is tracked: asking with -ci, for what is ignored, costs an lstat a
 * file.  The repository may be another user's, whose configuration is not to
 * run programs of theirs as us: no file system monitor.
 */
static const char *const command[] = { "git", "-c", "safe.directory=*", "-c",
	"core.fsmonitor=false", "ls-files", "-z", NULL };

struct gitfiles *
gitfiles_start(int dirfd)
{
	struct gitfiles *g = mem_zalloc(1, sizeof(*g));
	struct process_options o = PROCESS_OPTIONS_INIT;
	struct error err = ERROR_INIT;
	int fd[2];

	pthread_mutex_init(&g->mutex, NULL);
	g->pid = g->fd = -1;
	if (pipe2(fd, O_CLOEXEC) < 0)
		return g;
	o.argv = command;
	o.envp = gitenv_make();
	o.cwd = dirfd;
	o.fds[1] = fd[1];
	o.fds[2] = -1;
	g->pid = process_start(&o, &err);
	if (g->pid < 0)
		log_verbose("git is not asked what it tracks: %s", err.text);
	free((void *)o.envp);
	io_close(&fd[1]);
	if (g->pid < 0)
		io_close(&fd[0]);
	g->fd = fd[0];
	return g;
}

static int
compare_paths(const void *a, const void *b)
{
	return path_compare(*(const char *const *)a, *(const char *const *)b);
}

static void
parse(struct gitfiles *g)
{
	const char *s = g->text.data, *end = s + g->text.len;

	for (; s < end; s += strlen(s) + 1) {
		MEM_GROW(g->v, g->n, g->cap);
		g->v[g->n++] = s;
	}
	if (g->n)
		qsort(g->v, g->n, sizeof(*g->v), compare_paths);
}

/* Waits for the answer, once. */
static void
finish(struct gitfiles *g)
{
	ssize_t n;
	int status;

	if (g->pid < 0)
		return;
	do {
		n = io_read_some(g->fd, &g->text, 65536);
	} while (n > 0 && g->text.len <= OUTPUT_MOST);
	io_close(&g->fd);
	status = process_wait(g->pid);
	g->pid = -1;
	if (n == 0 && status == 0)
		parse(g);
	else
		log_verbose("git does not say what it tracks (status %d)",
			status);
}

void
gitfiles_free(struct gitfiles *g)
{
	if (!g)
		return;
	io_close(&g->fd); /* git ends when it cannot write */
	if (g->pid >= 0)
		process_wait(g->pid);
	pthread_mutex_destroy(&g->mutex);
	free(g->v);
	buf_release(&g->text);
	free(g);
}

/* The first path that is not before the one asked; it, or what is below. */
static const char *
find(struct gitfiles *g, const char *path)
{
	size_t from = 0, to;

	pthread_mutex_lock(&g->mutex);
	finish(g);
	pthread_mutex_unlock(&g->mutex);
	to = g->n;
	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (path_compare(g->v[mid], path) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from < g->n ? g->v[from] : NULL;
}

bool
gitfiles_has(struct gitfiles *g, const char *path)
{
	const char *found = find(g, path);

	return found && !strcmp(found, path);
}

bool
gitfiles_below(struct gitfiles *g, const char *path)
{
	const char *found = find(g, path);

	return found && strcmp(found, path) != 0 && path_below(found, path);
}
