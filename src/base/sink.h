/*
 * A descriptor that is written by a thread of its own, so that whoever reads
 * it may pause (a pager, ^S) while what is told goes on.
 *
 *	sink_open(fd, what)  borrows both; `what' is for errors
 *	sink_add(s, ...)     queues; never waits
 *	sink_full(s)         say nothing more for now
 *	sink_close(s, &err)  waits until all is written, frees
 */
#ifndef BASE_SINK_H
#define BASE_SINK_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct sink;

struct sink *sink_open(int fd, const char *what);
/* -1 with err once writing has failed. */
int sink_add(struct sink *s, const void *data, size_t len, struct error *err);
bool sink_full(struct sink *s);
/* Waits until it is not: 0, or -1 after so long. */
int sink_wait(struct sink *s, int ms);
/* s may be NULL. */
int sink_close(struct sink *s, struct error *err);

#endif
