#include "tree/rules.h"

#include <string.h>
#include <sys/stat.h>

#include "base/path.h"

enum ignore_verdict
rules_list_match(const struct rules_list *l, const char *path, bool directory,
	const char **rule)
{
	for (; l; l = l->above) {
		enum ignore_verdict v = ignore_match(l->list, path, directory,
			rule);

		if (v != IGNORE_NONE)
			return v;
	}
	return IGNORE_NONE;
}

static bool
is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

bool
rules_is_vcs_file(const char *name)
{
	static const char *const names[] = { ".gitignore", ".gitattributes",
		".gitmodules", ".hgignore", ".hgtags", ".hgsub", ".hgsubstate",
		".bzrignore", ".bzrtags", ".cvsignore", NULL };

	return *name == '.' && is_one_of(name, names);
}

static bool
is_vcs_directory(const char *name, bool directory)
{
	static const char *const names[] = { ".git", ".hg", ".svn", ".bzr",
		".jj", ".sl", ".pijul", "_darcs", "CVS", NULL };

	/* A worktree's and a submodule's .git is a file. */
	return directory ? is_one_of(name, names) : !strcmp(name, ".git");
}

/* Whether fd is the project's directory, so that deploy.conf there is its. */
static bool
is_project(const struct rules *r, int fd)
{
	struct stat a, b;

	return r->project && stat(r->project, &a) == 0 && fstat(fd, &b) == 0 &&
		a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* What is never in a tree, whatever the rules say. */
static bool
is_never_in(const struct rules *r, int fd, const char *leaf, bool directory,
	struct rules_decision *d)
{
	if (is_vcs_directory(leaf, directory)) {
		d->rule = "version control";
		return true;
	}
	if (directory)
		return false;
	if (!strcmp(leaf, ".deployignore") ||
		(!strcmp(leaf, "deploy.conf") && is_project(r, fd))) {
		d->rule = "a file of deploy's";
		return true;
	}
	return false;
}

/* Whether `include' says in; one that is negated ends what is above it. */
static bool
match_include(const struct rules *r, const char *full, bool directory,
	bool inherited, const char **rule)
{
	enum ignore_verdict v = ignore_match(r->include, full, directory, rule);

	if (v == IGNORE_NONE && inherited)
		*rule = "below what `include' names";
	return v == IGNORE_NONE ? inherited : v == IGNORE_OUT;
}

/* A path that .gitignore files, or its directory's, leave out. */
static void
decide_ignored(const struct rules *r, const struct rules_scope *s,
	const char *full, bool directory, struct rules_decision *d)
{
	const char *path = full + s->tracked_from;

	if (s->tracked && gitfiles_has(s->tracked, path)) {
		d->in = d->descend = true;
		d->rule = "tracked by git";
		return;
	}
	d->descend = directory &&
		((s->tracked && gitfiles_below(s->tracked, path)) ||
			ignore_reaches(r->include, full));
}

struct rules_decision
rules_decide(const struct rules *r, const struct rules_scope *s, int fd,
	const char *full, bool directory)
{
	struct rules_decision d = { .included = s->included };
	const char *leaf = path_leaf(full), *rule = NULL;
	enum ignore_verdict v;
	bool named;

	if (is_never_in(r, fd, leaf, directory, &d))
		return d;
	v = rules_list_match(s->deploy, full, directory, &d.rule);
	if (v == IGNORE_OUT)
		return d;
	named = match_include(r, full, directory, s->included, &rule);
	d.included = named;
	if (!directory && rules_is_vcs_file(leaf) && v == IGNORE_NONE &&
		(!named || s->included)) {
		d.rule = "version control";
		return d;
	}
	d.in = d.descend = true;
	if (v == IGNORE_IN && !s->ignored)
		return d;
	if (named) {
		d.rule = rule;
		return d;
	}
	d.rule = NULL;
	if (s->ignored ||
		rules_list_match(s->git, full, directory, &d.rule) ==
			IGNORE_OUT) {
		d.in = d.descend = false;
		if (s->ignored)
			d.rule = "its directory is ignored";
		decide_ignored(r, s, full, directory, &d);
	}
	return d;
}

bool
rules_leave_out(const char *path, bool directory)
{
	const char *leaf = path, *slash;
	char name[COMPONENT_MOST + 1];

	for (; (slash = strchr(leaf, '/')); leaf = slash + 1) {
		if (slash - leaf > COMPONENT_MOST)
			continue;
		memcpy(name, leaf, (size_t)(slash - leaf));
		name[slash - leaf] = '\0';
		if (is_vcs_directory(name, true))
			return true;
	}
	if (directory)
		return is_vcs_directory(leaf, true);
	return is_vcs_directory(leaf, false) || rules_is_vcs_file(leaf) ||
		!strcmp(leaf, ".deployignore") || !strcmp(path, "deploy.conf");
}
