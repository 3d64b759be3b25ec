/*
 * How long a connection may take, from our options, else from ssh's
 * configuration, else as we think right.  In milliseconds, all above 0.
 */
#ifndef TRANSPORT_DEADLINE_H
#define TRANSPORT_DEADLINE_H

struct ssh_config;
struct transport_options;

/* For a connection to stand, and once more for its keys. */
int deadline_connect(const struct transport_options *o,
	const struct ssh_config *c);
/* A peer that is silent for so long is dead: 6 seconds or more. */
int deadline_alive(const struct transport_options *o,
	const struct ssh_config *c);
/* For one answer while we log in: a busy server is slow, not dead. */
int deadline_answer(const struct transport_options *o,
	const struct ssh_config *c);
/* For all that comes before deployd's first byte, but for questions. */
int deadline_start(const struct transport_options *o,
	const struct ssh_config *c);

#endif
