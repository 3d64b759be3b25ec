/*
 * SIGINT, SIGTERM and, unless it is ignored, SIGHUP.  The first one is noted,
 * for the verb to end in order; a second SIGINT or SIGTERM ends the program at
 * once.
 */
#ifndef CLIENT_SIGNALS_H
#define CLIENT_SIGNALS_H

#include "base/error.h"

void signals_catch(void);
/* The number of the signal that came, or 0. */
int signals_caught(void);
/* What happens now, where the server has to be waited for. */
void signals_say(void);
/* STATUS_INT, STATUS_TERM or STATUS_HUP, and those words. */
int signals_error(struct error *err, const char *text);

#endif
