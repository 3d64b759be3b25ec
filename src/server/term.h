/*
 * Being told to end, by SIGTERM, SIGINT or SIGHUP.  The first time it is noted,
 * for the session to be given up in order; the second time it ends deployd at
 * once.
 */
#ifndef SERVER_TERM_H
#define SERVER_TERM_H

#include <stdbool.h>

void term_catch(void);
bool term_caught(void);
/*
 * From here on they end deployd at once, as one has that was noted and not
 * heeded; but SIGHUP does nothing.  Who comes next finishes a switch.
 */
void term_let_go(bool heeded);

#endif
