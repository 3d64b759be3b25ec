/* What is in a store by name: apps and releases, sorted and looked up. */
#include "server/store.h"

#include <dirent.h>
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

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in a directory that `is` accepts, sorted.  Takes fd. */
static int
list_names(int fd, bool (*is)(const char *), struct strv *out)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const char *name;
	int rc;

	if (!dir) {
		io_close(&fd);
		return -1;
	}
	while ((rc = io_next_name(dir, &name)) > 0)
		if (is(name))
			strv_add(out, name);
	closedir(dir);
	if (rc < 0)
		return -1;
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), compare_names);
	return 0;
}

/* One that has lost what is deployd's is none the less. */
static bool
is_store(int root, const char *app)
{
	char own[APP_MOST + sizeof("/.deployd")], id[RELEASE_ID_LEN + 1];
	struct stat st;
	int dir;
	bool is;

	snprintf(own, sizeof(own), "%s/.deployd", app);
	if (beneath_stat(root, own, &st) == 0)
		return true;
	dir = openat(root, app, DIRECTORY);
	is = dir >= 0 && store_leads(dir, id);
	io_close(&dir);
	return is;
}

int
store_apps(const char *root, struct strv *apps, struct error *err)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), copy;
	struct strv names = STRV_INIT;
	size_t i;

	if (fd < 0 && errno == ENOENT)
		return 0;
	copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (list_names(copy, path_is_app, &names) < 0) {
		error_errno(err, "%s", root);
		strv_release(&names);
		io_close(&fd);
		return -1;
	}
	for (i = 0; i < names.n; i++)
		if (is_store(fd, names.v[i]))
			strv_add(apps, names.v[i]);
	io_close(&fd);
	strv_release(&names);
	return 0;
}

static int
look(int root, const char *dir, const char *id)
{
	struct stat st;
	char name[64];

	snprintf(name, sizeof(name), "%s/%s", dir, id);
	return beneath_stat(root, name, &st);
}

static bool
is_lost(int root, const char *dir, const char *id)
{
	return !path_is_release(id) ||
		(look(root, dir, id) < 0 && errno == ENOENT);
}

bool
store_has_release(const struct store *s, const char *id)
{
	return path_is_release(id) && look(s->dir, "releases", id) == 0;
}

bool
store_lost_release(const struct store *s, const char *id)
{
	return is_lost(s->dir, "releases", id);
}

bool
record_is_lost(const struct store *s, const char *id)
{
	return is_lost(s->own, "records", id);
}

static bool
id_taken(const struct store *s, const char *id)
{
	return store_has_release(s, id) || look(s->own, "records", id) == 0;
}

/* Whether any release has that second: IDs tell them apart by it. */
static bool
second_taken(const struct strv *ids, const char *id)
{
	size_t i;

	for (i = 0; i < ids->n; i++)
		if (!strncmp(ids->v[i], id, RELEASE_ID_LEN - 9))
			return true;
	return false;
}

int
store_mint(const struct store *s, const uint8_t tree[static DIGEST_SIZE],
	char id[static RELEASE_ID_LEN + 1], struct error *err)
{
	struct strv ids = STRV_INIT;
	char when[20], hex[DIGEST_HEX + 1];
	time_t t = time(NULL);
	struct tm tm;

	if (record_list(s, &ids, err) < 0)
		return -1;
	digest_to_hex(tree, hex);
	do {
		strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ",
			gmtime_r(&t, &tm));
		snprintf(id, RELEASE_ID_LEN + 1, "%.16s-%.8s", when, hex);
		t++;
	} while (second_taken(&ids, id) || id_taken(s, id));
	strv_release(&ids);
	return 0;
}

int
store_releases(const struct store *s, struct strv *ids, struct error *err)
{
	int fd = openat(s->dir, "releases", DIRECTORY);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (list_names(fd, path_is_release, ids) < 0)
		return error_errno(err, "%s/releases", s->path);
	return 0;
}

int
record_list(const struct store *s, struct strv *ids, struct error *err)
{
	int fd = openat(s->own, "records", DIRECTORY);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (list_names(fd, path_is_release, ids) < 0)
		return error_errno(err, "%s/.deployd/records", s->path);
	return 0;
}

static int
list_what_there_is(const struct strv *ids, struct error *err)
{
	struct buf b = BUF_INIT;
	size_t i;

	for (i = ids->n; i-- > 0 && b.len < 800;)
		buf_addf(&b, " %s", ids->v[i]);
	error_hint(err, "there are:%s", b.len ? b.data : " none");
	buf_release(&b);
	return -1;
}

static int
find(const struct strv *ids, const char *text,
	char id[static RELEASE_ID_LEN + 1], struct error *err)
{
	size_t i, found = 0, len = strlen(text);

	for (i = 0; i < ids->n; i++) {
		const char *tree = ids->v[i] + RELEASE_ID_LEN -
			RELEASE_TREE_LEN;

		if (len == 0 ||
			(strncmp(ids->v[i], text, len) && strcmp(tree, text)))
			continue;
		found++;
		snprintf(id, RELEASE_ID_LEN + 1, "%s", ids->v[i]);
	}
	if (found == 1)
		return 0;
	error_status(err, STATUS_REFUSED,
		found ? "'%s' stands for more than one release" :
			"there is no release '%s'",
		text);
	return list_what_there_is(ids, err);
}

int
store_find(const struct store *s, const char *text,
	char id[static RELEASE_ID_LEN + 1], struct error *err)
{
	struct strv ids = STRV_INIT;
	int rc = store_releases(s, &ids, err);

	if (rc == 0)
		rc = find(&ids, text, id, err);
	strv_release(&ids);
	return rc;
}

int
store_find_record(const struct store *s, const char *text,
	char id[static RELEASE_ID_LEN + 1], struct error *err)
{
	struct strv ids = STRV_INIT;
	int rc = record_list(s, &ids, err);

	if (rc == 0)
		rc = find(&ids, text, id, err);
	strv_release(&ids);
	return rc;
}
