/*
 * ROOT/APP/env as deploy changes it: env.lock is held from reading to
 * writing, so two changes at once lose nothing; it is replaced in one step,
 * mode 600 from its first byte on.  What is no regular file, links too, is
 * refused.
 */
#ifndef SERVER_ENV_FILE_H
#define SERVER_ENV_FILE_H

#include "server/query.h"

struct env_file {
	struct query *q; /* its session's store is to be open */
	int lock;
	struct buf text; /* of at most ENV_MOST bytes; "" if there is none */
	mode_t mode;     /* of what is there; 0: nothing is */
};

void env_file_init(struct env_file *e, struct query *q);
void env_file_release(struct env_file *e);
int env_file_lock(struct env_file *e);
int env_file_read(struct env_file *e);
/*
 * Makes the changes (env_edit()) to what was read under the lock, and
 * records the names in history.  The result's outcome becomes `same' where
 * nothing was to be done.
 */
int env_file_change(struct env_file *e, const char *event,
	const struct strv *changes);

#endif
