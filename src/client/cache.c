#include "client/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/log.h"
#include "base/replace.h"

/* Seconds: few deploys take longer, and one that does lacks a base then. */
#define DRAFT_AGE (24 * 60 * 60)

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/*
 * Another thread, or another deploy, may be making it, too.  -1 with errno,
 * which is why it could not be made where it is not there.
 */
static int
open_made(int at, const char *name)
{
	int why = mkdirat(at, name, 0700) < 0 ? errno : EEXIST;
	int fd = openat(at, name, DIRECTORY);

	if (fd < 0 && errno == ENOENT && why != EEXIST)
		errno = why;
	return fd;
}

/* $XDG_CACHE_HOME, made if missing, or ~/.cache; -1 with errno. */
static int
open_top(void)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int top, at;

	errno = ENOENT;
	if (xdg && *xdg == '/')
		return open_made(AT_FDCWD, xdg);
	at = home && *home == '/' ? open(home, DIRECTORY) : -1;
	if (at < 0)
		return -1;
	top = open_made(at, ".cache");
	io_close(&at);
	return top;
}

/* Who can write what files hash to decides what is deployed. */
static bool
is_for_others(int dir)
{
	struct stat st;

	return fstat(dir, &st) < 0 || st.st_mode & S_IWOTH ||
		(st.st_uid != geteuid() && st.st_uid != 0);
}

int
cache_open(struct error *err)
{
	int top = open_top();
	/* Links may stand for ~/.cache and what is in it. */
	int dir = top < 0 ? -1 : open_made(top, "deploy");

	if (dir < 0) {
		error_errno(err, "no directory for it");
	} else if (is_for_others(dir)) {
		error_set(err, "others may write in its directory");
		io_close(&dir);
	}
	io_close(&top);
	return dir;
}

static void
name_of(const char *text, const char *suffix, char name[static 80])
{
	uint8_t digest[DIGEST_SIZE];
	char hex[DIGEST_HEX + 1];

	digest_bytes(text, strlen(text), digest);
	digest_to_hex(digest, hex);
	snprintf(name, 80, "%.32s.%s", hex, suffix);
}

void
cache_index_name(const char *tree, char name[static 80])
{
	name_of(tree, "index", name);
}

static void
base_name(const struct target *t, char name[static 80])
{
	char *text = t->local ?
		mem_printf("local:%s", t->app) :
		mem_printf("%s@%s:%d/%s", t->user ? t->user : "", t->host,
			t->port, t->app);

	name_of(text, "base", name);
	free(text);
}

int
cache_load_base(int dir, const struct target *t, struct manifest *m,
	char hex[static DIGEST_HEX + 1])
{
	struct error err = ERROR_INIT;
	uint8_t digest[DIGEST_SIZE];
	char name[80];
	int fd, rc = -1;

	if (dir < 0)
		return -1;
	base_name(t, name);
	fd = beneath_open_file(dir, name);
	if (fd >= 0)
		rc = manifest_read_known(m, fd, digest, &err);
	if (rc == 0)
		digest_to_hex(digest, hex);
	else
		manifest_release(m);
	io_close(&fd);
	return rc;
}

bool
cache_has_base(int dir, const struct target *t)
{
	char name[80];

	if (dir < 0)
		return false;
	base_name(t, name);
	return faccessat(dir, name, F_OK, 0) == 0;
}

void
cache_tidy(int dir)
{
	replace_tidy_old(dir, time(NULL) - DRAFT_AGE);
}

static int
write_piece(const char *data, size_t len, void *arg)
{
	return replace_write(arg, data, len);
}

static void
say_not_kept(const struct error *err)
{
	log_verbose("the next base is not kept: %s", err->text);
}

void
cache_draft_base(int dir, const struct target *t, const struct manifest *m,
	struct cache_draft *draft)
{
	struct error err = ERROR_INIT;
	int rc;

	memset(draft, 0, sizeof(*draft));
	if (dir < 0)
		return;
	base_name(t, draft->name);
	rc = replace_begin(&draft->file, dir, draft->name, 0600, &err);
	if (rc == 0 && manifest_text(m, write_piece, &draft->file) < 0) {
		rc = error_errno(&err, "cannot write %s", draft->name);
		replace_abandon(&draft->file);
	}
	draft->written = rc == 0;
	draft->failed = rc < 0;
	if (rc < 0)
		say_not_kept(&err);
}

void
cache_keep_draft(struct cache_draft *draft)
{
	struct error err = ERROR_INIT;

	if (draft->written &&
		replace_end(&draft->file, draft->name, REPLACE_FAST, &err) < 0)
		say_not_kept(&err);
	draft->written = false;
}

void
cache_drop_draft(struct cache_draft *draft)
{
	if (draft->written)
		replace_abandon(&draft->file);
	draft->written = false;
}
