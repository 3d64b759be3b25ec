#include "descendants.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "io.h"
#include "mem.h"

struct process {
	pid_t pid, parent, group;
	bool ended, ours;
};

struct processes {
	struct process *v;
	size_t n, cap;
};

/* "PID (NAME) STATE PPID PGRP ...", where NAME may have anything in it. */
static bool
parse(const char *text, struct process *p)
{
	const char *end = strrchr(text, ')');
	char state;
	int parent, group;

	if (!end || sscanf(end + 1, " %c %d %d", &state, &parent, &group) != 3)
		return false;
	p->parent = parent;
	p->group = group;
	p->ended = state == 'Z' || state == 'X';
	return true;
}

/* One that has gone meanwhile is left out. */
static void
add(struct processes *all, int proc, const char *name)
{
	struct process p = { .pid = (pid_t)atol(name) };
	char path[32], text[512];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%.15s/stat", name);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : io_read_full(fd, text, sizeof(text) - 1);
	io_close(&fd);
	text[n > 0 ? n : 0] = '\0';
	if (!parse(text, &p))
		return;
	MEM_GROW(all->v, all->n, all->cap);
	all->v[all->n++] = p;
}

/* Where /proc is that of other processes, its numbers mean nothing here. */
static bool
is_about_us(int proc)
{
	char self[32];
	ssize_t n = readlinkat(proc, "self", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	return atol(self) == (long)getpid();
}

static int
list(struct processes *all)
{
	int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;
	DIR *dir = fd >= 0 && is_about_us(fd) ? fdopendir(fd) : NULL;
	const char *name;

	if (!dir) {
		io_close(&fd);
		errno = ENOENT;
		return -1;
	}
	while ((rc = io_next_name(dir, &name)) > 0)
		if (name[0] >= '1' && name[0] <= '9')
			add(all, fd, name);
	closedir(dir);
	return rc;
}

static void
mark_children(struct processes *all, pid_t of)
{
	size_t i;

	for (i = 0; i < all->n; i++) {
		struct process *p = &all->v[i];

		if (p->parent != of || p->ours)
			continue;
		p->ours = true;
		mark_children(all, p->pid);
	}
}

int
descendants_signal(int number, pid_t but)
{
	struct processes all = { NULL, 0, 0 };
	int n = list(&all);
	size_t i;

	if (n == 0)
		mark_children(&all, getpid());
	for (i = 0; n >= 0 && i < all.n; i++)
		if (all.v[i].ours && !all.v[i].ended && all.v[i].group != but &&
			kill(all.v[i].pid, number) == 0)
			n++;
	free(all.v);
	return n;
}
