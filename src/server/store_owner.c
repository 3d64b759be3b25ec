/*
 * Whose a store is.  What another account has put there decides what runs, so
 * it runs as that account only; and what root would write is in its way.
 */
#include "server/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *
name_of(uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);

	return pw ? pw->pw_name : "NAME";
}

static int
refuse(const struct store *s, const char *path, uid_t uid, const char *command,
	struct error *err)
{
	error_status(err, STATUS_REFUSED, "%s belongs to uid %ld, not to us",
		path, (long)uid);
	error_hint(err, "run it as that account: sudo -H -u %s %s%s",
		name_of(uid), command, s->app);
	errno = EPERM;
	return -1;
}

/* What is made in a root of another account is in that one's way. */
int
store_check_new(const struct store *s, const char *root, const char *command,
	struct error *err)
{
	struct stat app, st;

	if (fstatat(s->root, s->app, &app, AT_SYMLINK_NOFOLLOW) == 0 ||
		geteuid() != 0 || fstat(s->root, &st) < 0 || st.st_uid == 0)
		return 0;
	return refuse(s, root, st.st_uid, command, err);
}

int
store_check_owner(const struct store *s, const char *command, struct error *err)
{
	struct stat app, own;
	uid_t us = geteuid();

	if (fstat(s->dir, &app) < 0)
		return error_errno(err, "%s", s->path);
	/* An admin may have made it, for an account that has all in it. */
	if (app.st_uid != us && app.st_uid != 0)
		return refuse(s, s->path, app.st_uid, command, err);
	if (fstatat(s->dir, ".deployd", &own, AT_SYMLINK_NOFOLLOW) < 0)
		own.st_uid = us; /* there is none, or opening it tells */
	if (own.st_uid == us)
		return 0;
	if (app.st_uid == 0)
		return refuse(s, s->path, own.st_uid, command, err);
	error_status(err, STATUS_REFUSED,
		"%s/.deployd belongs to uid %ld, %s "
		"to uid %ld",
		s->path, (long)own.st_uid, s->path, (long)app.st_uid);
	error_hint(err, "on the server, as root: chown -R %s %s/.deployd",
		name_of(app.st_uid), s->path);
	errno = EPERM;
	return -1;
}
