/* Addresses of a host, found within a time. */
#ifndef TRANSPORT_RESOLVE_H
#define TRANSPORT_RESOLVE_H

#include <netdb.h>
#include <stdint.h>

struct transport;

/*
 * getaddrinfo(), given up at the deadline (of io_now_ms(); EAI_SYSTEM with
 * ETIMEDOUT) or when the transport is stopped (ECANCELED).
 */
int resolve(const struct transport *t, const char *host, const char *port,
	const struct addrinfo *hints, int64_t deadline, struct addrinfo **list);

#endif
