/*
 * A release's directory against what it should be: all is looked at and every
 * file read again, by all cores.  What is there besides is no fault, nor is
 * that a shared path is a link.
 */
#ifndef SERVER_VERIFY_H
#define SERVER_VERIFY_H

#include <sys/types.h>

#include "server/busy.h"
#include "server/plan.h"
#include "tree/manifest.h"

enum verify_how {
	VERIFY_RIGHT,
	VERIFY_MISSING,
	VERIFY_TYPE,
	VERIFY_CONTENT,
	VERIFY_UNREADABLE,
	VERIFY_TARGET,
	VERIFY_MODE,
	VERIFY_SHARED, /* what its link leads to is not in shared/ */
	VERIFY_ASKED,  /* it is being read */
};

/* "content"; and M, D for missing or T for the type. */
const char *verify_word(enum verify_how how);
char verify_letter(enum verify_how how);

struct verify_options {
	mode_t umask;
	/*
	 * Files that are as seen are not read: NULL, or by place in the
	 * manifest; moment, of index_moment(), is when that was.
	 */
	const struct plan_seen *seen;
	int64_t moment;
	bool unread; /* no file is read: what is missing, or another type */
	const struct busy *busy;
};

/* Returns what is not 0 to stop, which verify_tree() returns then. */
typedef int verify_fn(void *arg, const struct entry *e, enum verify_how how);

/*
 * Calls fn for each entry of m that is not right, in order.  0, or -1 with
 * err where busy stopped it.
 */
int verify_tree(int dir, const struct manifest *m,
	const struct verify_options *o, verify_fn *fn, void *arg,
	struct error *err);

typedef int verify_shared_fn(void *arg, const char *path, enum verify_how how);

/*
 * The same of the shared paths of the release `id', as its settings name them.
 * What verify_tree() tells of m, unless that is NULL, is not told again.  -1
 * with err: its settings cannot be read.
 */
int verify_shared(const struct store *s, const char *id, int dir,
	const struct manifest *m, verify_shared_fn *fn, void *arg,
	struct error *err);

/* Whether what has that mode is of the entry's type. */
bool verify_is_type(const struct entry *e, mode_t mode);
/* Whether there is a link with this target. */
bool verify_leads_to(int dir, const char *leaf, const char *target);

#endif
