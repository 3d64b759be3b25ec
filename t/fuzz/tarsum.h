/* Tar members for fuzzers, whose changes hardly ever are whole ones. */
#ifndef FUZZ_TARSUM_H
#define FUZZ_TARSUM_H

#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * Gives what looks like a header the checksum that it should have: without
 * this, hardly a changed one would be looked at any further.
 */
void tarsum_mend(uint8_t *tar, size_t size);
/* A member: header, contents and what fills its last block. */
void tarsum_member(struct buf *out, const void *data, size_t len);

#endif
