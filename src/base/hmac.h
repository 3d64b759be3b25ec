/* HMAC-SHA1: how known_hosts files hide the names of hosts. */
#ifndef BASE_HMAC_H
#define BASE_HMAC_H

#include <stddef.h>
#include <stdint.h>

#define HMAC_SHA1_SIZE 20

void hmac_sha1(const void *key, size_t key_len, const void *data, size_t len,
	uint8_t out[static HMAC_SHA1_SIZE]);

#endif
