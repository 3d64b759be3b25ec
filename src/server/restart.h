/* The restart and the check of one release, by its own settings. */
#ifndef SERVER_RESTART_H
#define SERVER_RESTART_H

#include "server/activation.h"

/* Whether there is anything that restarts it. */
bool restart_is_known(const struct hook_settings *h);

/* Whether restart_release() does anything at all. */
bool restart_takes_time(const struct hook_settings *h);

/*
 * The restart hooks, then the unit; the checks, or with none of them that the
 * unit stays active.  -1: `failed' is the stage, and err says why; of the
 * unit's journal the last lines have been shown.
 */
int restart_release(const struct subject *x, const struct activate_host *host,
	const char **failed, struct error *err);

#endif
