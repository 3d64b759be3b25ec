/*
 * What a `check' line of deploy.conf is:
 *
 *	http://HOST[:PORT]/PATH    a request that 2xx or 3xx answers
 *	https://...
 *	tcp:PORT  tcp:HOST:PORT    a connection; HOST may be in brackets
 *	anything else              a command
 */
#ifndef BASE_HEALTH_H
#define BASE_HEALTH_H

struct error;

enum health_kind { HEALTH_COMMAND, HEALTH_HTTP, HEALTH_TCP };

enum health_kind health_kind(const char *check);
/* Why it cannot be one of its kind, or NULL. */
const char *health_refuse(const char *check);

#define HEALTH_HOST_MOST 255

/* Where a tcp check connects to; -1: it is malformed. */
struct health_address {
	char host[HEALTH_HOST_MOST + 1];
	char port[6];
};

int health_address(const char *check, struct health_address *a);

#endif
