/* What people are told of a fault. */
#ifndef WIRE_FAULT_H
#define WIRE_FAULT_H

#include "wire/message.h"

/*
 * "releases/ID/PATH: content (repaired: copied from releases/ID/PATH)"; in a
 * dry run it only can be.
 */
void fault_text(const struct msg_fault *m, bool dry_run, struct buf *out);

#endif
