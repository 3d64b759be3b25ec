/* Finding and reading the ignore files of a tree and of what is above it. */
#include "tree/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"

#define IGNORE_FILE_MOST (16 * 1024 * 1024)

/* Puts a list in front of those above it. */
static const struct rules_list *
push(struct rules *r, const struct rules_list *above, struct ignore_list *list)
{
	struct rules_list *l = mem_alloc(sizeof(*l));

	l->list = list;
	l->above = above;
	pthread_mutex_lock(&r->mutex);
	l->older = r->lists;
	r->lists = l;
	pthread_mutex_unlock(&r->mutex);
	return l;
}

/* Asks git about a directory, until the rules are released. */
static struct gitfiles *
ask_git(struct rules *r, int dirfd)
{
	struct gitfiles *g = gitfiles_start(dirfd);

	pthread_mutex_lock(&r->mutex);
	MEM_GROW(r->tracked, r->n, r->cap);
	r->tracked[r->n++] = g;
	pthread_mutex_unlock(&r->mutex);
	return g;
}

/* Adds the contents of a regular file; 0 if there is none. */
static int
read_regular(int fd, const char *name, int flags, struct buf *text)
{
	int file = openat(fd, name,
		O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
	struct stat st;
	ssize_t n = 0;

	if (file < 0)
		return errno == ENOENT || errno == ELOOP ? 0 : -1;
	if (fstat(file, &st) == 0 && S_ISREG(st.st_mode))
		do {
			n = io_read_some(file, text, 65536);
		} while (n > 0 && text->len <= IGNORE_FILE_MOST);
	io_close(&file);
	if (n > 0)
		errno = EFBIG;
	return n ? -1 : 0;
}

/* Reads base/name, where base is a path below the top, in front of *l. */
static int
read_list(struct rules *r, const struct rules_list **l, int fd,
	const char *base, const char *name, struct error *err)
{
	/* As git, which follows no link to a .gitignore. */
	int flags = strcmp(name, ".gitignore") ? 0 : O_NOFOLLOW, rc = -1;
	struct buf text = BUF_INIT;
	char *path = mem_printf("%s%s%s", base, *base ? "/" : "", name);

	if (read_regular(fd, name, flags, &text) < 0) {
		error_errno(err, "cannot read %s", path);
		goto out;
	}
	if (text.len)
		*l = push(r, *l, ignore_parse(path, base, text.data, text.len));
	rc = 0;
out:
	free(path);
	buf_release(&text);
	return rc;
}

static bool
is_repository(const char *dir)
{
	char *git = mem_printf("%s/.git", dir);
	char *head = mem_printf("%s/HEAD", git);
	struct stat st;
	bool is = false;

	if (lstat(git, &st) == 0)
		is = S_ISREG(st.st_mode) || lstat(head, &st) == 0;
	free(git);
	free(head);
	return is;
}

/* The nearest directory upward with a .git, or NULL. */
static char *
find_repository(const char *tree)
{
	char *dir = mem_strdup(tree), *slash;

	for (;;) {
		if (is_repository(dir))
			return dir;
		slash = strrchr(dir, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
	free(dir);
	return NULL;
}

/* The path without links; "/" is "". NULL if it is not the directory. */
static char *
physical_path(int dirfd, const char *path)
{
	char *real = path ? realpath(path, NULL) : NULL;
	struct stat a, b;

	if (real &&
		(stat(real, &a) < 0 || fstat(dirfd, &b) < 0 ||
			a.st_dev != b.st_dev || a.st_ino != b.st_ino)) {
		free(real);
		return NULL;
	}
	if (real && !strcmp(real, "/"))
		*real = '\0';
	return real;
}

/* Where rules begin: the repository's root, else the project, if above. */
static void
find_top(struct rules *r, int dirfd, const char *path, bool *repository)
{
	char *tree = physical_path(dirfd, path), *project;

	*repository = false;
	r->top = tree ? find_repository(tree) : NULL;
	if (r->top) {
		*repository = true;
	} else if (tree && r->project) {
		project = realpath(r->project, NULL);
		if (project && path_below(tree, project))
			r->top = project;
		else
			free(project);
	}
	if (r->top && strlen(tree) > strlen(r->top))
		r->prefix = mem_printf("%s/", tree + strlen(r->top) + 1);
	else
		r->prefix = mem_strdup("");
	r->prefix_len = strlen(r->prefix);
	free(tree);
}

/* Reads both ignore files of a directory above the tree. */
static int
read_above(struct rules *r, const char *base, struct rules_scope *scope,
	struct error *err)
{
	char *dir = mem_printf("%s/%s", r->top, base);
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), rc = -1;

	if (fd < 0) {
		error_errno(err, "%s", dir);
		goto out;
	}
	if (read_list(r, &scope->git, fd, base, ".gitignore", err) == 0 &&
		read_list(r, &scope->deploy, fd, base, ".deployignore", err) ==
			0)
		rc = 0;
out:
	io_close(&fd);
	free(dir);
	return rc;
}

/* Reads what lies above the tree, from the top down to its parent. */
static int
enter_above(struct rules *r, struct rules_scope *scope, struct error *err)
{
	char *base = mem_strdup(r->prefix), *slash = base;
	bool ignored = false;
	int rc = 0;

	if (*base)
		rc = read_above(r, "", scope, err);
	while (rc == 0 && (slash = strchr(slash, '/'))) {
		*slash = '\0';
		ignored = ignored ||
			rules_list_match(scope->git, base, true, NULL) ==
				IGNORE_OUT;
		if (!slash[1])
			break;
		rc = read_above(r, base, scope, err);
		*slash++ = '/';
	}
	if (ignored)
		scope->git = NULL;
	free(base);
	return rc;
}

/* As an ignore file of the tree's in which each pattern is anchored. */
static struct ignore_list *
parse_include(const struct rules *r, const struct strv *patterns)
{
	char *base = mem_strndup(r->prefix,
		r->prefix_len - (r->prefix_len > 0));
	struct buf text = BUF_INIT;
	struct ignore_list *l;
	size_t i;

	for (i = 0; i < patterns->n; i++) {
		const char *s = patterns->v[i];

		if (*s == '!')
			buf_addch(&text, *s++);
		buf_addf(&text, "%s%s\n", *s == '/' ? "" : "/", s);
	}
	l = ignore_parse("include", base, buf_str(&text), text.len);
	buf_release(&text);
	free(base);
	return l;
}

int
rules_init(struct rules *r, int dirfd, const char *path, const char *project,
	const struct strv *include, struct rules_scope *scope,
	struct error *err)
{
	bool repository;

	memset(r, 0, sizeof(*r));
	memset(scope, 0, sizeof(*scope));
	pthread_mutex_init(&r->mutex, NULL);
	r->project = project;
	find_top(r, dirfd, path, &repository);
	r->include = parse_include(r, include);
	scope->tracked_from = r->prefix_len;
	if (enter_above(r, scope, err) < 0)
		return -1;
	if (repository)
		scope->tracked = ask_git(r, dirfd);
	return 0;
}

void
rules_release(struct rules *r)
{
	while (r->lists) {
		struct rules_list *l = r->lists;

		r->lists = l->older;
		ignore_free(l->list);
		free(l);
	}
	while (r->n)
		gitfiles_free(r->tracked[--r->n]);
	free(r->tracked);
	pthread_mutex_destroy(&r->mutex);
	ignore_free(r->include);
	free(r->top);
	free(r->prefix);
}

int
rules_enter(struct rules *r, int fd, const char *path,
	const struct rules_names *names, struct rules_scope *scope,
	struct error *err)
{
	char *base;
	size_t len;
	int rc = 0;

	if (!names->git && !names->gitignore && !names->deployignore)
		return 0;
	base = mem_printf("%s%s", r->prefix, path);
	len = strlen(base);
	if (names->git && *path) {
		scope->git = NULL;
		scope->tracked = ask_git(r, fd);
		scope->tracked_from = len + 1;
	}
	if (len && base[len - 1] == '/')
		base[len - 1] = '\0';
	if (names->gitignore)
		rc = read_list(r, &scope->git, fd, base, ".gitignore", err);
	if (rc == 0 && names->deployignore)
		rc = read_list(r, &scope->deploy, fd, base, ".deployignore",
			err);
	free(base);
	return rc;
}

void
rules_leave(struct rules *r, const struct rules_scope *own,
	const struct rules_scope *parent)
{
	size_t i;

	if (own->tracked == parent->tracked)
		return;
	pthread_mutex_lock(&r->mutex);
	for (i = r->n; i-- > 0 && r->tracked[i] != own->tracked;)
		;
	r->tracked[i] = r->tracked[--r->n];
	pthread_mutex_unlock(&r->mutex);
	gitfiles_free(own->tracked);
}
