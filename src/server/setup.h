/*
 * deployd setup: what an account needs besides the program itself.  Each
 * step is a line on standard output, which `deploy setup' reads:
 *
 *	STATE STEP TEXT
 *
 * STATE is done (now), same (it was so) or todo (for a person, as TEXT says).
 */
#ifndef SERVER_SETUP_H
#define SERVER_SETUP_H

#include <stdbool.h>

#include "server/config.h"

/* list: only tells what is there.  Returns the program's exit status. */
int setup_run(const struct config *c, bool list);

#endif
