/*
 * What a release's hooks run in: the directory, the environment and, where
 * deployd.conf says `confine = yes', a fence around what they may write.
 */
#ifndef SERVER_SURROUNDINGS_H
#define SERVER_SURROUNDINGS_H

#include "base/confine.h"
#include "server/config.h"
#include "server/run.h"
#include "server/store.h"

/*
 * The version of Landlock without which a file can never be moved from one
 * directory to another.
 */
#define SURROUNDINGS_LANDLOCK 2
/* That which keeps them from processes that are not theirs. */
#define SURROUNDINGS_SIGNALS 6
#define FENCE_RULES 48

struct surroundings {
	const struct store *store;
	struct strv env;
	int cwd;
	bool fenced;
	struct confine fence;
	struct confine_rule rules[FENCE_RULES];
};

#define SURROUNDINGS_INIT \
	{ \
		.cwd = -1 \
	}

/* x is empty; after a failure it is so again, and STATUS_REFUSED. */
int surroundings_open(struct surroundings *x, const struct store *s,
	const struct config *c, const char *previous, const struct record *r,
	struct error *err);
/* May be repeated. */
void surroundings_release(struct surroundings *x);
/* It points to x. */
struct run_place surroundings_place(const struct surroundings *x,
	const struct hook_host *host);

#endif
