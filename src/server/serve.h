/* `deployd --serve`: one conversation on standard input and output. */
#ifndef SERVER_SERVE_H
#define SERVER_SERVE_H

#include "server/config.h"

/* Returns the program's exit status. */
int serve_run(const struct config *c);

#endif
