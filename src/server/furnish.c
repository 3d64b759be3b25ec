/* What a release gets besides its tree: shared links, carried products. */
#include "server/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/rename.h"
#include "base/rmtree.h"
#include "server/copy.h"
#include "server/supply.h"

/* Where what seeds shared/ is put together. */
#define SEED "seed"

/* The handles that linking one shared path needs. */
struct furnish {
	struct store *s;
	int release, shared;
	void (*note)(void *arg, const char *text);
	void *arg;
	struct error *err;
};

static int
open_release(struct store *s, const char *id)
{
	char path[64];

	snprintf(path, sizeof(path), "releases/%s", id);
	return beneath_open(s->dir, path, O_RDONLY | O_DIRECTORY, 0);
}

/* Moves what seed/ has at the path to its place in shared/. */
static int
move_seed(struct furnish *f, int seed, const char *path)
{
	char *parent = mem_strndup(path, (size_t)(path_leaf(path) - path));
	struct beneath from, to;
	const char *leaf;
	int a, b, rc = -1;

	beneath_init(&from, seed);
	beneath_init(&to, f->shared);
	if (beneath_mkdirs(f->shared, parent) == 0 &&
		(a = beneath_at(&from, path, &leaf)) >= 0 &&
		(b = beneath_at(&to, path, &leaf)) >= 0)
		rc = rename_free(a, leaf, b, leaf);
	beneath_release(&from);
	beneath_release(&to);
	free(parent);
	return rc;
}

/*
 * It is there whole and on disk, or not at all: half of it would be taken for
 * all in the next deploy.
 */
static int
copy_seed(struct furnish *f, const char *path)
{
	int own = f->s->own, seed = -1, rc = -1;

	if (rmtree_at(own, SEED) == 0 && mkdirat(own, SEED, 0700) == 0)
		seed = openat(own, SEED,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (seed < 0)
		error_errno(f->err, "cannot make .deployd/" SEED);
	else if (copy_tree(f->release, seed, path, NULL, f->err) == 0) {
		rc = !f->s->relaxed && syncfs(seed) < 0 ?
			-1 :
			move_seed(f, seed, path);
		if (rc < 0)
			error_errno(f->err, "cannot make shared/%s", path);
	}
	if (rc < 0)
		(void)store_trouble(f->err);
	io_close(&seed);
	(void)rmtree_at(own, SEED);
	return rc;
}

/* What the tree holds at the path becomes the first shared content. */
static int
seed(struct furnish *f, const char *path, bool *seeded)
{
	struct stat tree, shared;

	*seeded = false;
	if (beneath_stat(f->release, path, &tree) < 0)
		return 0;
	if (beneath_stat(f->shared, path, &shared) == 0) {
		char *text = mem_printf("%s is shared: what the tree holds "
					"there is not used",
			path);

		f->note(f->arg, text);
		free(text);
		return 0;
	}
	*seeded = true;
	return copy_seed(f, path);
}

/* Its directory is made, so that the command in the hint works. */
static int
missing_file(struct furnish *f, const char *path)
{
	char *parent = mem_strndup(path, (size_t)(path_leaf(path) - path));
	char *command = supply_command(f->s, path);

	if (beneath_mkdirs(f->shared, parent) < 0) {
		error_errno(f->err, "cannot make shared/%s", parent);
		f->err->status = STATUS_REFUSED;
		(void)store_trouble(f->err);
	} else {
		error_status(f->err, STATUS_REFUSED,
			"the shared file %s is not on the server yet", path);
		error_hint(f->err, "supply it: %s", command);
	}
	free(command);
	free(parent);
	return -1;
}

static int
provide(struct furnish *f, const char *path, bool directory)
{
	struct stat st;

	if (beneath_stat(f->shared, path, &st) == 0) {
		if (directory && !S_ISDIR(st.st_mode))
			return error_status(f->err, STATUS_REFUSED,
				"shared/%s is not a directory", path);
		return 0;
	}
	if (!directory)
		return missing_file(f, path);
	if (beneath_mkdirs(f->shared, path) == 0)
		return 0;
	error_errno(f->err, "cannot make shared/%s", path);
	return store_trouble(f->err);
}

/* "../../shared/" and the path, as seen from the link's directory. */
char *
stage_shared_target(const char *path)
{
	struct buf b = BUF_INIT;
	const char *p;

	buf_addstr(&b, "../../");
	for (p = path; *p; p++)
		if (*p == '/')
			buf_addstr(&b, "../");
	buf_addf(&b, "shared/%s", path);
	return buf_detach(&b);
}

static int
place_link(struct furnish *f, const char *path)
{
	char *target = stage_shared_target(path);
	char *parent = mem_strndup(path, (size_t)(path_leaf(path) - path));
	struct beneath b;
	const char *leaf;
	int dir, rc = -1;

	beneath_init(&b, f->release);
	if (beneath_mkdirs(f->release, parent) == 0 &&
		(dir = beneath_at(&b, path, &leaf)) >= 0 &&
		rmtree_at(dir, leaf) == 0 && symlinkat(target, dir, leaf) == 0)
		rc = 0;
	if (rc < 0)
		error_errno(f->err, "cannot link %s into the release", path);
	if (rc < 0)
		(void)store_trouble(f->err);
	beneath_release(&b);
	free(parent);
	free(target);
	return rc;
}

static int
share(struct furnish *f, const char *word)
{
	size_t len = strlen(word);
	bool directory = len && word[len - 1] == '/', seeded;
	char *path = mem_strndup(word, len - directory);
	int rc = -1;

	if (seed(f, path, &seeded) == 0 && provide(f, path, directory) == 0)
		rc = place_link(f, path);
	free(path);
	return rc;
}

/* What a link leads to could be anybody's. */
static int
no_shared(const struct store *s, struct error *err)
{
	bool link = errno == ELOOP || errno == ENOTDIR;

	error_errno(err, "%s/shared", s->path);
	err->status = STATUS_REFUSED;
	return link ? error_hint(err,
			      "on the server, make it a directory: links are "
			      "not followed, a bind mount is") :
		      -1;
}

int
stage_shared(struct store *s, const char *id, const struct strv *shared,
	void (*note)(void *arg, const char *text), void *arg, struct error *err)
{
	struct furnish f = { s, -1, -1, note, arg, err };
	size_t i;
	int rc = 0;

	if (shared->n == 0)
		return 0;
	f.release = open_release(s, id);
	f.shared = beneath_open(s->dir, "shared", O_RDONLY | O_DIRECTORY, 0);
	if (f.release < 0)
		rc = error_errno(err, "cannot open releases/%s", id);
	else if (f.shared < 0)
		rc = no_shared(s, err);
	for (i = 0; rc == 0 && i < shared->n; i++)
		rc = share(&f, shared->v[i]);
	io_close(&f.release);
	io_close(&f.shared);
	return rc;
}

int
stage_carry(struct store *s, const char *id, const char *from,
	const struct strv *carry, const struct busy *busy, struct error *err)
{
	int in, out, rc = 0;
	size_t i;

	if (carry->n == 0 || !*from)
		return 0;
	in = open_release(s, from);
	out = open_release(s, id);
	if (in < 0 || out < 0)
		rc = error_errno(err, "cannot carry build products over");
	for (i = 0; rc == 0 && i < carry->n; i++) {
		size_t len = strlen(carry->v[i]);
		bool slash = len && carry->v[i][len - 1] == '/';
		char *path = mem_strndup(carry->v[i], len - slash);

		rc = copy_tree(in, out, path, busy, err);
		free(path);
	}
	io_close(&in);
	io_close(&out);
	return rc;
}
