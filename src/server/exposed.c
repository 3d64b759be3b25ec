#include "server/exposed.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/account.h"

/* As many as the kernel follows. */
#define LINKS_MOST 40

static bool
written_by_others(const struct stat *st)
{
	/* What links lead to counts; in a sticky directory each has its own. */
	return !S_ISLNK(st->st_mode) && st->st_mode & (S_IWGRP | S_IWOTH) &&
		!(S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX);
}

bool
exposed_stat(const char *path, const struct stat *st, bool own, struct buf *how)
{
	if (st->st_uid != geteuid() && (own || st->st_uid != 0))
		buf_addf(how, "%s belongs to uid %ld: chown %s%s %s", path,
			(long)st->st_uid, S_ISLNK(st->st_mode) ? "-h " : "",
			account_name(), path);
	else if (written_by_others(st))
		buf_addf(how, "others may write %s%s: chmod go-w %s",
			S_ISDIR(st->st_mode) ? "in " : "", path, path);
	else
		return false;
	return true;
}

/* The last part of a path is cut off; "" is the root. */
static void
go_up(char *path)
{
	char *slash = strrchr(path, '/');

	*(slash ? slash : path) = '\0';
}

static bool walk(const char *path, int *links, struct buf *how);

/* Whoever may change what a link leads through may as well change the link. */
static bool
follow(const char *path, int *links, struct buf *how)
{
	char target[PATH_MAX], *above = mem_strdup(path), *to;
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	bool is = false;

	go_up(above);
	target[n > 0 ? n : 0] = '\0';
	to = *target == '/' ? mem_strdup(target) :
			      mem_printf("%s/%s", above, target);
	if (n > 0 && (*links)++ < LINKS_MOST)
		is = walk(to, links, how);
	free(to);
	free(above);
	return is;
}

static bool
look(const char *path, int *links, struct buf *how)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return false;
		buf_addf(how, "%s cannot be looked at: %s", path,
			strerror(errno));
		return true;
	}
	return exposed_stat(path, &st, false, how) ||
		(S_ISLNK(st.st_mode) && follow(path, links, how));
}

/* Each directory that is gone through, on either side of each link. */
static bool
walk(const char *path, int *links, struct buf *how)
{
	char *at = mem_strdup(path);
	bool is, root;

	do {
		root = !*at || !strcmp(at, "/");
		is = look(root ? "/" : at, links, how);
		go_up(at);
	} while (!is && !root);
	free(at);
	return is;
}

bool
exposed_path(const char *path, struct buf *how)
{
	int links = 0;

	return walk(path, &links, how);
}
