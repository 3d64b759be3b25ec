/*
 * From a directory to its manifest: what is in the tree by the rules of
 * .gitignore, .deployignore, `include` and git's index (rules.h), each entry
 * with its mode and each file with its hash.
 *
 * Version control's directories (.git, .hg, .svn, ...) and files (.gitignore,
 * .gitattributes, .gitmodules, ...) are not in the tree; .gitkeep is a file
 * like any other.  Empty directories are in it.  One in which the rules left
 * out everything is not, since a fresh clone would not have it, unless a
 * .gitignore or the like in it shows that it is wanted.
 *
 * A repository within the tree (a submodule, a checkout in vendor/) goes as
 * files, by its own .gitignore files.
 */
#ifndef TREE_SCAN_H
#define TREE_SCAN_H

#include "base/strv.h"
#include "tree/manifest.h"

struct stat_index; /* index.h */
struct kept;       /* kept.h */

struct scan_options {
	int dirfd;           /* the tree's directory, borrowed */
	const char *path;    /* the same, for messages and to find the
	                        repository above it */
	const char *project; /* the directory of deploy.conf, or NULL; its
	                        deploy.conf is never part of the tree */
	struct strv include; /* [app] include: patterns that bring back what
	                        .gitignore leaves out; from the tree's top */
	bool exact_modes;    /* [app] modes = exact */
	struct stat_index *index; /* or NULL: hash everything */
	int threads;              /* that hash; 0: one a processor */
	struct kept *kept;        /* of what is read, by place in m; or NULL */
	/*
	 * Called for every path looked at, if set: whether it is in the
	 * tree, and the rule that decided, as `.gitignore:3: *.o`,
	 * `tracked by git`, `version control`; NULL when none did.  In
	 * order, but for a directory, which comes after what is in it.
	 */
	void (*decided)(void *arg, const char *path, bool in, const char *rule);
	/*
	 * Called now and then: the files found so far, and the bytes of
	 * those whose hash is known.
	 */
	void (*progress)(void *arg, uint64_t files, uint64_t bytes);
	/* Looked at between files: true stops with `interrupted`. */
	bool (*stop)(void *arg);
	void *arg;
};

struct scan_result {
	uint64_t files, bytes; /* in the tree */
	uint64_t hashed;       /* bytes that were read */
	struct strv secrets;   /* paths that look like secrets (.env, keys) */
	/* Build systems found at the top: "package.json" and the like. */
	struct strv markers;
};

/*
 * Fills m and finishes it.  What cannot be in a tree (devices, sockets,
 * set-id bits, control characters, overlong names, what cannot be read) is
 * refused after the whole walk, so that every one is named: err's text has
 * the first and the count, log_warn() each of them (at most 50).  A set-group
 * bit on a directory is dropped with its other bits, unless exact_modes.  A
 * file that changes while it is hashed is hashed again, up to three times.
 */
int scan_tree(const struct scan_options *o, struct manifest *m,
	struct scan_result *result, struct error *err);
void scan_result_release(struct scan_result *r);

/*
 * Hashes one file of the tree again (it changed while it was sent) and puts
 * mode, size and digest in e, whose path is kept and whose chunks go.  Errors: vanished, no
 * longer a regular file.
 */
int scan_file(int dirfd, bool exact_modes, struct entry *e, struct error *err);

#endif
