/* The first field of a known_hosts line: which hosts it is about. */
#ifndef TRANSPORT_KNOWN_HOSTS_MATCH_H
#define TRANSPORT_KNOWN_HOSTS_MATCH_H

#include <stddef.h>

/*
 * Patterns, separated by commas, or a hash: 1 if they name this host (in
 * lower case), 0 if not, -1 if it begins as a hash and is none.
 */
int known_hosts_match(const char *names, size_t len, const char *name);

#endif
