/*
 * Putting large files together in tmp/ from what the plan has of them: pieces
 * of files in kept releases, and chunks that were sent.
 */
#ifndef SERVER_ASSEMBLE_H
#define SERVER_ASSEMBLE_H

#include "server/plan.h"

/*
 * Every SUPPLY_CHUNKS of p, whose missing chunks have arrived, becomes a
 * SUPPLY_TMP if the whole has the hash that it should have.  1 if all have, 0
 * if not: a piece was not what it was taken for; -1 with err.
 */
int assemble(struct store *s, struct plan *p, mode_t umask,
	const struct busy *busy, struct error *err);

#endif
