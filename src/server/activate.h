/*
 * The switch and what surrounds it, for a deploy, an `activate` and a
 * rollback alike:
 *
 *	migrate, sync
 *	take switch.lock, check that `current` is what was expected
 *	append "switching ID from PREV", rename over current
 *	restart, check
 *	append the outcome; on failure append "back", switch back and restart
 *	the old one
 *
 * A session that finds a switch without an outcome repeats restart and
 * check, or switches back.  activation.h has the steps.
 */
#ifndef SERVER_ACTIVATE_H
#define SERVER_ACTIVATE_H

#include "server/config.h"
#include "server/hooks.h"
#include "server/store.h"

/* Seconds to wait for a switch that is under way. */
#define ACTIVATE_WAIT 150

enum activate_kind { ACTIVATE_DEPLOY, ACTIVATE_AGAIN, ACTIVATE_ROLLBACK };

struct activate_options {
	enum activate_kind kind;
	const char *release;
	const char *expected; /* what must be live before the switch, "" for
	                         nothing; NULL: anything, as --force */
	const char *who;      /* for history */
	bool migrate;         /* run migrate first (a deploy; never rollback) */
	uint64_t wait;        /* seconds for switch.lock */
	bool old;             /* it was built before: is it whole yet? */
	bool force;           /* if not, too */
};

/* Who watches: stages are named as they begin ("migrate", "switch", ...). */
struct activate_host {
	struct hook_host hooks;
	void (*stage)(void *arg, const char *name);
	void (*note)(void *arg, const char *text);
	void *arg;
};

/*
 * 0: it is live and checked; 1: it was already, and nothing was done.  -1
 * with err->status STATUS_HOOK (migrate failed, nothing switched),
 * STATUS_REFUSED (`current` moved, or an old release is not whole),
 * STATUS_BUSY, STATUS_REVERTED, STATUS_BROKEN, STATUS_INT (cancelled).  Records
 * and history are up to date in every case.  `failed` becomes the hook that
 * failed, or NULL.
 */
int activate_release(struct store *s, const struct config *c,
	const struct activate_options *o, const struct activate_host *host,
	const char **failed, struct error *err);

/*
 * Rolls back to `to`, or to history_previous() where it is NULL, marking
 * what was live as held, unless its tree is the same.  `went` becomes the ID
 * that is live then.  1: `to` was live and checked already, and nothing was
 * done.
 */
int activate_rollback(struct store *s, const struct config *c, const char *to,
	const char *expected, const char *who, uint64_t wait, bool force,
	const struct activate_host *host, char went[static RELEASE_ID_LEN + 1],
	const char **failed, struct error *err);

/*
 * Finishes what a crash left between switch and outcome.  It is an error if
 * that cannot be noted; where nothing can be written, no hook runs.
 */
int activate_recover(struct store *s, const struct config *c,
	const struct activate_host *host, struct error *err);

#endif
