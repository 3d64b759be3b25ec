/* ssh-agent: which keys it holds, and signatures by them. */
#ifndef TRANSPORT_AGENT_H
#define TRANSPORT_AGENT_H

#include <stddef.h>

struct buf;
struct keys;
struct transport;

/* A connection to the agent at this socket, or -1. */
int agent_open(const char *path);
/* Adds its keys; -1 if it does not answer. */
int agent_list(int fd, const struct transport *t, struct keys *keys);
/*
 * Signs data by the key with this public blob.  Adds to signature the bytes
 * behind the algorithm's name.  An agent may ask its owner, who takes time:
 * two minutes.
 */
int agent_sign(int fd, const struct transport *t, const struct buf *blob,
	const unsigned char *data, size_t len, struct buf *signature);

#endif
