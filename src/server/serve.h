/* `deployd --serve`: one conversation on standard input and output. */
#ifndef SERVER_SERVE_H
#define SERVER_SERVE_H

#include "server/config.h"

/* Returns the program's exit status. */
int serve_run(const struct config *c);
/*
 * The same where deployd.conf has a mistake: whatever is asked, the answer is
 * that, as STATUS_REFUSED.
 */
int serve_refuse(struct error *why);

#endif
