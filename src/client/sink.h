/*
 * A descriptor that is written by a thread of its own, so that whoever reads
 * it may pause (a pager, ^S) while the conversation goes on.
 *
 *	sink_open(fd, what)  borrows both; `what' is for errors
 *	sink_add(s, ...)     queues; never waits
 *	sink_full(s)         take nothing more from the server for now
 *	sink_close(s, &err)  waits until all is written, frees
 */
#ifndef CLIENT_SINK_H
#define CLIENT_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct sink;

struct sink *sink_open(int fd, const char *what);
/* -1 with err once writing has failed. */
int sink_add(struct sink *s, const void *data, size_t len, struct error *err);
bool sink_full(struct sink *s);
/* s may be NULL. */
int sink_close(struct sink *s, struct error *err);

#endif
