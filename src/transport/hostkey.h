/* Is this the host that was meant?  Decided before we authenticate. */
#ifndef TRANSPORT_HOSTKEY_H
#define TRANSPORT_HOSTKEY_H

#include "known_hosts.h"

struct error;
struct link;
struct ssh_config;
struct transport;

/* Reads what is known of the host; bad lines are warned of. */
void hostkey_load(struct known_hosts *k, const struct ssh_config *c);
/*
 * Judges the key that the host has shown, asks where that is to be asked,
 * and notes a new one.  -1 with STATUS_CONNECT and what to do.
 */
int hostkey_verify(const struct link *l, const struct known_hosts *k,
	const struct ssh_config *c, struct error *err);

#endif
