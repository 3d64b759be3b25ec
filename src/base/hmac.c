#include "hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

void
hmac_sha1(const void *key, size_t key_len, const void *data, size_t len,
	uint8_t out[static HMAC_SHA1_SIZE])
{
	unsigned n = HMAC_SHA1_SIZE;

	/* OpenSSL fails here only when memory is out. */
	if (!HMAC(EVP_sha1(), key, (int)key_len, data, len, out, &n))
		abort();
}
