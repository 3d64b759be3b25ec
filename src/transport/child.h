/* A program on this machine as the peer: ssh, or deployd itself. */
#ifndef TRANSPORT_CHILD_H
#define TRANSPORT_CHILD_H

#include <stdbool.h>

struct error;
struct transport;

struct child_options {
	const char *const *argv;
	char *const *envp;
	/* Milliseconds in which the first byte must come; 0: any time. */
	int first_byte_ms;
	/*
	 * It ends by itself when its input has ended, and is to be left alone:
	 * no signal of ours or of the keyboard's reaches it.
	 */
	bool own_life;
};

/*
 * Runs it and relays until it ends: 0, with its exit status (128 + signal) in
 * *status, which is -1 for one with a life of its own that goes on.  Or -1
 * with err if it could not be started, was given up or did not talk in time.
 */
int child_run(struct transport *t, const struct child_options *o, int *status,
	struct error *err);

#endif
