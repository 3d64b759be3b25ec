/* What deploy and deployd tell people in the same words. */
#ifndef WIRE_WORDS_H
#define WIRE_WORDS_H

#include "wire/message.h"

/*
 * "releases/ID/PATH: content (repaired: copied from releases/ID/PATH)"; in a
 * dry run it only can be.
 */
void fault_text(const struct msg_fault *m, bool dry_run, struct buf *out);
/* "2 faults repaired, 1 left" */
void fault_sum(uint64_t faults, uint64_t left, bool dry_run, struct buf *out);
/* live, kept (it was), built, failed or reverted, and what is to be known. */
void release_state(const struct msg_release *r, struct buf *out);

#endif
