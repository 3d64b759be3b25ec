/*
 * The steps of one activation, for activate.c and activate_recover.c.  All of
 * them from activation_switch() on are taken under switch.lock, and what
 * happens is in history before it happens:
 *
 *	"switching"  activation_switch()     then `current` is renamed over
 *	"back"       activation_back()       then it is renamed over again
 *	"recovering" activate_recover()      then restart and check are repeated
 *	"live", "rollback", "reverted", "broken"    how it ended
 */
#ifndef SERVER_ACTIVATION_H
#define SERVER_ACTIVATION_H

#include "server/activate.h"
#include "server/surroundings.h"

/* A release with all that its hooks need. */
struct subject {
	struct record record;
	struct hook_settings hooks;
	struct surroundings around;
	bool withheld; /* this session's key keeps it from hooks of its */
};

struct activation {
	struct store *s;
	const struct config *c;
	const struct activate_options *o;
	const struct activate_host *host;
	struct subject new;
	char live[RELEASE_ID_LEN + 1]; /* `current` when it began */
	char was[RELEASE_ID_LEN + 1];  /* what to go back to, "" for nothing */
	const char *failed;            /* the hook that failed, or NULL */
	bool migrated;
	struct error unnoted; /* the first that could not be noted, or "" */
	struct error *err;
};

int subject_load(struct subject *x, struct store *s, const struct config *c,
	const char *id, const char *previous, struct error *err);
/* Safe on a zeroed struct whose around.cwd is -1, and when repeated. */
void subject_release(struct subject *x);
/*
 * A session whose key runs no hooks cannot make a release live that has some,
 * its own or the admin's, unless it was made without: STATUS_REFUSED.
 */
int subject_may_go_live(const struct subject *x, struct error *err);

/* Names a stage that runs a hook, and remembers it as the one that failed. */
void activation_enter(struct activation *a, const char *stage);
/* Until it returns 0, `current` is what it was. */
int activation_switch(struct activation *a);
/* restart and check of the new one; why not is in a->err. */
int activation_try(struct activation *a);
void activation_succeeded(struct activation *a);
/*
 * Goes back to a->was and restarts that, because of a->err.  Always -1, with
 * STATUS_REVERTED or STATUS_BROKEN.
 */
int activation_back(struct activation *a);
/* Marks a release held, or not any more; best effort. */
void activation_hold(struct store *s, const char *id, bool held);

#endif
