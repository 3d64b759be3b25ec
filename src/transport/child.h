/* A program on this machine as the peer: ssh, or deployd itself. */
#ifndef TRANSPORT_CHILD_H
#define TRANSPORT_CHILD_H

struct error;
struct transport;

struct child_options {
	const char *const *argv;
	char *const *envp;
	/* Milliseconds in which the first byte must come; 0: any time. */
	int first_byte_ms;
};

/*
 * Runs it and relays until it ends: its exit status (128 + signal), or -1
 * with err if it could not be started, was given up or did not talk in time.
 */
int child_run(struct transport *t, const struct child_options *o,
	struct error *err);

#endif
