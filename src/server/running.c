#include "server/running.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

#define NAMED_MOST 5
#define COMM_MOST 64

struct looking {
	char *top; /* the store's path without links, as /proc has it */
	running_fn *fn;
	void *arg;
};

static void
look_at_path(const struct looking *l, const char *pid, const char *path)
{
	size_t len = strlen(l->top);

	if (strncmp(path, l->top, len))
		return;
	if (path[len] == '\0')
		l->fn(l->arg, pid, "");
	else if (path[len] == '/')
		l->fn(l->arg, pid, path + len + 1);
}

static void
look_at_process(const struct looking *l, int proc, const char *pid)
{
	static const char *const links[] = { "cwd", "exe", "root" };
	char name[300], path[4200];
	size_t i;

	for (i = 0; i < sizeof(links) / sizeof(*links); i++) {
		ssize_t n;

		snprintf(name, sizeof(name), "%s/%s", pid, links[i]);
		n = readlinkat(proc, name, path, sizeof(path) - 1);
		if (n <= 0)
			continue;
		path[n] = '\0';
		look_at_path(l, pid, path);
	}
}

int
running_each(const struct store *s, running_fn *fn, void *arg)
{
	struct looking l = { realpath(s->path, NULL), fn, arg };
	int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const char *name;
	int rc = 0;

	while (l.top && dir && (rc = io_next_name(dir, &name)) > 0)
		if (name[0] >= '1' && name[0] <= '9')
			look_at_process(&l, fd, name);
	if (dir)
		closedir(dir);
	free(l.top);
	return rc;
}

/* Naming them. */
struct naming {
	struct buf *out;
	char last[32]; /* the process named last */
	size_t n;
};

static void
name_process(void *arg, const char *pid, const char *path)
{
	struct naming *a = arg;
	struct error ignored = ERROR_INIT;
	struct buf comm = BUF_INIT;
	char file[64];

	if (!strcmp(pid, a->last))
		return;
	snprintf(a->last, sizeof(a->last), "%.31s", pid);
	if (a->n++ >= NAMED_MOST)
		return;
	snprintf(file, sizeof(file), "/proc/%.31s/comm", pid);
	if (io_read_file(AT_FDCWD, file, COMM_MOST, &comm, &ignored) < 0)
		buf_clear(&comm);
	buf_addf(a->out, "%s%s (%.*s) in %s", a->n > 1 ? ", " : "", pid,
		(int)strcspn(buf_str(&comm), "\n"), buf_str(&comm),
		*path ? path : "it");
	buf_release(&comm);
}

size_t
running_name(const struct store *s, struct buf *out)
{
	struct naming a = { .out = out };

	(void)running_each(s, name_process, &a);
	if (a.n > NAMED_MOST)
		buf_addf(out, " and %zu more", a.n - NAMED_MOST);
	return a.n;
}
