/*
 * Whether a path is in the tree: all that decides it, in one place.  The
 * first of these that says something does:
 *
 *	version control's own directories        never in
 *	.deployignore and the project's deploy.conf  never in
 *	.deployignore files                      out, or with `!' in
 *	`include' of deploy.conf                 in
 *	version control's own files              out
 *	what git tracks                          in
 *	.gitignore files                         out, or with `!' in
 *
 * else it is in.  Nothing below a directory that is out is looked at, unless
 * git tracks something there or an `include' pattern may match; then only
 * that is in, and the directories that lead to it.
 *
 * Ignore files count from the repository's root down to each directory; a
 * repository within the tree begins anew with its own .gitignore files.
 * `include' patterns are written as in an ignore file, but start at the
 * tree's directory, as `carry' and `shared' do: `dist' is dist there, and a
 * dist anywhere is written with two stars and a slash in front.  What is
 * below a directory that is included is included too.
 *
 * The tree itself is never ignored: where .gitignore files above it say so,
 * they do not count in it.
 */
#ifndef TREE_RULES_H
#define TREE_RULES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strv.h"
#include "tree/gitfiles.h"
#include "tree/ignore.h"

/* The ignore files of one kind that count in a directory, the nearest first. */
struct rules_list {
	struct ignore_list *list;
	const struct rules_list *above;
	struct rules_list *older; /* of all that were read */
};

/* What the nearest of the lists that has a word on path says. */
enum ignore_verdict rules_list_match(const struct rules_list *l,
	const char *path, bool directory, const char **rule);

/* Several threads may use it, each with scopes of its own. */
struct rules {
	struct ignore_list *include;
	const char *project; /* borrowed */
	char *top;           /* of the repository, or where rules begin */
	char *prefix;        /* the tree's path below it with a slash, or "" */
	size_t prefix_len;
	pthread_mutex_t mutex; /* over what is released at the end: */
	struct rules_list *lists;
	struct gitfiles **tracked;
	size_t n, cap;
};

/* What a directory hands down to those in it. */
struct rules_scope {
	bool ignored;  /* only what is tracked or
	                                         included is in */
	bool included; /* an `include' pattern matched
	                                         it or above */
	const struct rules_list *git, *deploy;
	struct gitfiles *tracked; /* or NULL */
	size_t tracked_from;      /* of a path: as the repository names it */
};

struct rules_decision {
	bool in;
	bool descend; /* a directory: something in it may be in */
	bool included;
	const char *rule; /* what decided, or NULL; lives as long as rules */
};

/* The tree's path is found out by `path`; what is above it is read. */
int rules_init(struct rules *r, int dirfd, const char *path,
	const char *project, const struct strv *include,
	struct rules_scope *scope, struct error *err);
void rules_release(struct rules *r);

/* Names in a directory that change its rules. */
struct rules_names {
	bool git, gitignore, deployignore;
};

/*
 * Enters a directory of the tree, whose path ("" for the tree) has no slash
 * at its end, and reads its ignore files: *scope is the parent's with
 * `ignored' and `included' as was decided, and becomes its own.
 */
int rules_enter(struct rules *r, int fd, const char *path,
	const struct rules_names *names, struct rules_scope *scope,
	struct error *err);

/* A directory and all in it were decided on; its parent's scope is this. */
void rules_leave(struct rules *r, const struct rules_scope *own,
	const struct rules_scope *parent);

/*
 * Decides on `path`, whose directory is open as fd.  `full` is the path with
 * the prefix in front.
 */
struct rules_decision rules_decide(const struct rules *r,
	const struct rules_scope *scope, int fd, const char *full,
	bool directory);

/* A file of version control's, as .gitignore: its directory is wanted. */
bool rules_is_vcs_file(const char *name);
/*
 * Whether a path of an archive, in which ignore files have no say, is left
 * out: it or what it lies in is version control's, or it is a file of
 * deploy's (whose deploy.conf is the one at the top).
 */
bool rules_leave_out(const char *path, bool directory);

#endif
