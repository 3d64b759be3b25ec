/* SHA-256, and its lower-case hexadecimal text.  The one user of OpenSSL. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_SIZE 32
#define DIGEST_HEX 64

struct digest; /* a running hash; one may be used again after digest_final */

struct digest *digest_new(void);
void digest_free(struct digest *d);
void digest_update(struct digest *d, const void *data, size_t len);
/* Gives the hash of all since the last final and starts anew. */
void digest_final(struct digest *d, uint8_t out[static DIGEST_SIZE]);

void digest_bytes(const void *data, size_t len,
	uint8_t out[static DIGEST_SIZE]);
/*
 * Hashes what fd holds from its offset to the end.  Returns the number of
 * bytes, or -1 with errno.
 */
int64_t digest_fd(struct digest *d, int fd, uint8_t out[static DIGEST_SIZE]);

void digest_to_hex(const uint8_t digest[static DIGEST_SIZE],
	char hex[static DIGEST_HEX + 1]);
/* 0, or -1 if the DIGEST_HEX bytes at hex are not lower-case hexadecimal. */
int digest_from_hex(const char *hex, uint8_t out[static DIGEST_SIZE]);

#endif
