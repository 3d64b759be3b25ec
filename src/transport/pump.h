/* The conversation itself, on a channel of a link, and its branches. */
#ifndef TRANSPORT_PUMP_H
#define TRANSPORT_PUMP_H

#include <libssh2.h>

struct error;
struct link;

/*
 * `command` is what a branch runs.
 *
 * Relays until the remote program ends: 0, with its exit status in *status
 * (-1: unknown), or -1 with err.  A peer that is silent for alive_ms is dead;
 * a program that says nothing at all has until l->until.
 */
int pump_run(struct link *l, LIBSSH2_CHANNEL *channel, const char *command,
	int alive_ms, int *status, struct error *err);

#endif
