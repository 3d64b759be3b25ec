/* Is this the host that was meant?  Decided before we authenticate. */
#ifndef TRANSPORT_HOSTKEY_H
#define TRANSPORT_HOSTKEY_H

#include "known_hosts.h"

struct error;
struct ssh_config;
struct transport;

/* Reads what is known of the host; bad lines are warned of. */
void hostkey_load(struct known_hosts *k, const struct ssh_config *c);
/*
 * Judges the key that the host has shown, asks where that is to be asked
 * (address is shown, may be empty), and notes a new one.  -1 with
 * STATUS_CONNECT and what to do.
 */
int hostkey_judge(const struct transport *t, const char *address,
	const struct known_hosts *k, const struct ssh_config *c,
	const void *blob, size_t len, struct error *err);

#endif
