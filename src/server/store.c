#include "server/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static const struct {
	int error;
	enum status status;
	const char *hint;
} troubles[] = {
	{ ENOSPC, STATUS_REFUSED,
		"make room on the server, of bytes or inodes (df, df -i): "
		"deploy prune" },
	{ EDQUOT, STATUS_REFUSED,
		"the account's quota on the server is used up: deploy prune, "
		"or have it raised" },
	{ EROFS, STATUS_REFUSED,
		"the server's file system is read-only: its kernel's log may "
		"say why" },
	{ EACCES, STATUS_REFUSED, NULL },
	{ EIO, STATUS_TRANSFER,
		"the server's disk fails: see its kernel's log, then deployd "
		"fsck there" },
};

int
store_trouble(struct error *err)
{
	int saved = errno;
	size_t i;

	for (i = 0; i < sizeof(troubles) / sizeof(*troubles); i++) {
		if (troubles[i].error != saved)
			continue;
		err->status = troubles[i].status;
		if (troubles[i].hint && !err->hint[0])
			error_hint(err, "%s", troubles[i].hint);
	}
	errno = saved;
	return -1;
}

int
store_discard(const struct store *s, const char *name, const char *as)
{
	char to[80];
	int rc;

	if (as)
		snprintf(to, sizeof(to), "trash/%.60s", as);
	else
		snprintf(to, sizeof(to), "trash/%.40s.%lld", name,
			(long long)io_wall_ns());
	rc = beneath_rename(s->own, name, s->own, to);
	return rc < 0 && errno != ENOENT ? -1 : 0;
}

int
store_refuse_place(const char *path, struct error *err)
{
	int saved = errno;

	err->status = STATUS_REFUSED;
	if (saved == EACCES || saved == EPERM)
		error_hint(err,
			"on the server, let uid %ld write there, or set root "
			"in deployd.conf",
			(long)geteuid());
	else if (saved == ENOTDIR || saved == EEXIST)
		error_hint(err, "move it away on the server: %s", path);
	errno = saved;
	return store_trouble(err);
}

/* Links in the path of the admin's own choice are followed. */
static int
make_parents(const char *root)
{
	char *path = mem_strdup(root), *p;
	int rc = 0;

	for (p = path + 1; rc == 0 && (p = strchr(p, '/')); p++) {
		*p = '\0';
		rc = mkdir(path, 0755) < 0 && errno != EEXIST ? -1 : 0;
		*p = '/';
	}
	free(path);
	return rc;
}

int
store_make_root(const char *root, struct error *err)
{
	struct stat st;

	if (stat(root, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		errno = ENOTDIR;
		error_errno(err, "the root of apps, %s", root);
		return store_refuse_place(root, err);
	}
	if (make_parents(root) == 0 &&
		(mkdir(root, 0755) == 0 || errno == EEXIST))
		return 0;
	error_errno(err, "cannot make the root of apps, %s", root);
	return store_refuse_place(root, err);
}

static int
make_layout(struct store *s, struct error *err)
{
	static const char *const names[] = { "records", "manifests", "logs",
		"tmp", "trash", "cache" };
	size_t i;

	if (mkdirat(s->dir, "releases", 0755) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s/releases", s->path);
	if (mkdirat(s->dir, "shared", 0755) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s/shared", s->path);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (mkdirat(s->own, names[i], 0700) < 0 && errno != EEXIST)
			return error_errno(err, "cannot make %s/.deployd/%s",
				s->path, names[i]);
	store_take_ballast(s);
	return 0;
}

static int
open_own(struct store *s, bool create, const char *command, struct error *err)
{
	if (command && store_check_owner(s, command, err) < 0)
		return -1;
	if (create && mkdirat(s->dir, ".deployd", 0700) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s/.deployd", s->path);
	s->own = openat(s->dir, ".deployd", DIRECTORY);
	if (s->own >= 0)
		return create ? make_layout(s, err) : 0;
	return error_errno(err, "%s/.deployd", s->path);
}

/* The handles of root and of the app's directory. */
static int
open_app(struct store *s, const char *root, bool create, const char *command,
	struct error *err)
{
	s->root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->root < 0 && (create || errno != ENOENT))
		return error_errno(err, "the root of apps, %s", root);
	if (s->root >= 0 && create &&
		store_check_new(s, root, command, err) < 0)
		return -1;
	if (s->root >= 0 && create && mkdirat(s->root, s->app, 0755) < 0 &&
		errno != EEXIST)
		return error_errno(err, "cannot make %s", s->path);
	if (s->root >= 0)
		s->dir = openat(s->root, s->app, DIRECTORY);
	if (s->dir >= 0)
		return 0;
	if (errno == ENOENT)
		return error_set(err, "there is no app '%s' on this server",
			s->app);
	return error_errno(err, "%s", s->path);
}

int
store_open(struct store *s, const char *root, const char *app, bool create,
	const char *command, struct error *err)
{
	int saved;

	memset(s, 0, sizeof(*s));
	s->root = s->dir = s->own = -1;
	s->lock = s->switch_lock = s->next_lock = -1;
	if (!path_is_app(app))
		return error_status(err, STATUS_REFUSED,
			"'%s' cannot be an app's name", app);
	if (create && store_make_root(root, err) < 0)
		return -1;
	s->app = mem_strdup(app);
	s->path = mem_printf("%s/%s", root, app);
	if (open_app(s, root, create, command, err) == 0 &&
		open_own(s, create, command, err) == 0)
		return 0;
	saved = errno;
	if (!*err->hint)
		store_refuse_place(s->path, err);
	/* The app's directory is in nobody's way then. */
	if (s->dir >= 0 && s->own < 0 && (saved == ENOENT || saved == ENOTDIR))
		error_hint(err,
			"all that deployd keeps of the app is in there: put "
			"the directory back; without it the app begins anew, "
			"with nothing to roll back to");
	store_release(s);
	errno = saved;
	return -1;
}

int
store_check_layout(const struct store *s, struct error *err)
{
	const struct {
		int at;
		const char *name, *path;
	} parts[] = { { s->dir, "releases", "releases" },
		{ s->own, "records", ".deployd/records" },
		{ s->own, "manifests", ".deployd/manifests" } };
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (fstatat(parts[i].at, parts[i].name, &st,
			    AT_SYMLINK_NOFOLLOW) == 0) {
			if (S_ISDIR(st.st_mode))
				continue;
			errno = ENOTDIR;
		} else if (errno == ENOENT) {
			continue;
		}
		error_errno(err, "%s/%s", s->path, parts[i].path);
		if (errno == ENOTDIR)
			return store_refuse_damage(s, err);
		return store_trouble(err);
	}
	return 0;
}

int
store_refuse_damage(const struct store *s, struct error *err)
{
	int saved = errno;

	err->status = STATUS_REFUSED;
	error_hint(err,
		"move it away on the server, put back what was in its place "
		"if that is there yet, then: deployd fsck %s",
		s->app);
	errno = saved;
	return -1;
}

void
store_release(struct store *s)
{
	store_unlock_switch(s);
	store_unlock(s);
	io_close(&s->next_lock);
	io_close(&s->own);
	io_close(&s->dir);
	io_close(&s->root);
	free(s->app);
	free(s->path);
	s->app = s->path = NULL;
}

const char *
store_next(const struct store *s)
{
	return s->bypass ? "stage" : "next";
}

const char *
store_next_index(const struct store *s)
{
	return s->bypass ? "stage.index" : "next.index";
}
