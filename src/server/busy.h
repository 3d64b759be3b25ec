/*
 * What takes long serves the client meanwhile, who would think it dead, and
 * can be cancelled: it calls busy_turn() now and then, between files.
 */
#ifndef SERVER_BUSY_H
#define SERVER_BUSY_H

#include <stddef.h>

#include "base/error.h"

struct busy {
	int (*turn)(void *arg, struct error *err); /* -1 with err stops */
	void *arg;
};

/* 0, or -1 with err; b may be NULL. */
static inline int
busy_turn(const struct busy *b, struct error *err)
{
	return b ? b->turn(b->arg, err) : 0;
}

#endif
