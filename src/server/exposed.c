#include "server/exposed.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/account.h"

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

/* The last part of a path that is there is cut off; "" is the root. */
static void
go_up(char *path)
{
	char *slash = strrchr(path, '/');

	*(slash ? slash : path) = '\0';
}

bool
exposed_path(const char *path, struct buf *how)
{
	char real[PATH_MAX];
	struct stat st;
	bool is = false;

	if (!realpath(path, real)) {
		char *above = mem_strdup(path);

		go_up(above);
		is = errno == ENOENT && *above && exposed_path(above, how);
		free(above);
		return is;
	}
	for (;; go_up(real)) {
		const char *at = *real ? real : "/";

		is = lstat(at, &st) == 0 && exposed_stat(at, &st, false, how);
		if (is || !*real || !strcmp(real, "/"))
			return is;
	}
}
