/* A manifest on its way: text, compressed, in `manifest` frames. */
#ifndef WIRE_MANIFEST_SEND_H
#define WIRE_MANIFEST_SEND_H

#include "tree/manifest.h"
#include "wire/frame.h"

/* Queues it, as a difference to base unless that is NULL. */
void manifest_send(struct channel *c, const struct manifest *base,
	const struct manifest *m);

#endif
