#include "digest.h"

#include <endian.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

/* Large enough that the hash, not the system call, is the cost. */
#define READ_SIZE (128 * 1024)

struct digest {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

static void
must(int ok)
{
	/* OpenSSL fails here only when memory is out. */
	if (!ok)
		abort();
}

struct digest *
digest_new(void)
{
	struct digest *d = mem_zalloc(1, sizeof(*d));

	/* Fetched once: an implicit fetch costs more than a small hash. */
	d->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	d->ctx = EVP_MD_CTX_new();
	must(d->md && d->ctx);
	must(EVP_DigestInit_ex(d->ctx, d->md, NULL));
	return d;
}

void
digest_free(struct digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	EVP_MD_free(d->md);
	free(d);
}

void
digest_update(struct digest *d, const void *data, size_t len)
{
	must(EVP_DigestUpdate(d->ctx, data, len));
}

void
digest_final(struct digest *d, uint8_t out[static DIGEST_SIZE])
{
	must(EVP_DigestFinal_ex(d->ctx, out, NULL));
	must(EVP_DigestInit_ex(d->ctx, d->md, NULL));
}

void
digest_bytes(const void *data, size_t len, uint8_t out[static DIGEST_SIZE])
{
	must(EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL));
}

int64_t
digest_fd(struct digest *d, int fd, uint8_t out[static DIGEST_SIZE])
{
	char *chunk = mem_alloc(READ_SIZE);
	int64_t total = 0;
	ssize_t n;

	for (;;) {
		n = read(fd, chunk, READ_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		digest_update(d, chunk, (size_t)n);
		total += n;
	}
	digest_final(d, out);
	free(chunk);
	return n < 0 ? -1 : total;
}

/* Eight digits at once, the lowest byte's first: manifests hold millions. */
static uint64_t
hex_of(uint32_t bytes)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t v = bytes, letters;

	v = (v | v << 16) & UINT64_C(0x0000ffff0000ffff);
	v = (v | v << 8) & UINT64_C(0x00ff00ff00ff00ff);
	v = (v >> 4 | v << 8) & (15 * ones);
	letters = (v + 6 * ones) >> 4 & ones;
	return v + '0' * ones + ('a' - '0' - 10) * letters;
}

void
digest_to_hex(const uint8_t digest[static DIGEST_SIZE],
	char hex[static DIGEST_HEX + 1])
{
	size_t i;

	for (i = 0; i < DIGEST_SIZE; i += 4) {
		uint32_t bytes;
		uint64_t text;

		memcpy(&bytes, digest + i, sizeof(bytes));
		text = htole64(hex_of(le32toh(bytes)));
		memcpy(hex + 2 * i, &text, sizeof(text));
	}
	hex[DIGEST_HEX] = '\0';
}

/* A digit's value with a bit that says it is one. */
#define DIGIT 0x80
#define OF(c) [c] = DIGIT | ((c) <= '9' ? (c) - '0' : (c) - 'a' + 10)
static const uint8_t nibbles[256] = { OF('0'), OF('1'), OF('2'), OF('3'),
	OF('4'), OF('5'), OF('6'), OF('7'), OF('8'), OF('9'), OF('a'), OF('b'),
	OF('c'), OF('d'), OF('e'), OF('f') };
#undef OF

/* Without a branch a digit. */
int
digest_from_hex(const char *hex, uint8_t out[static DIGEST_SIZE])
{
	size_t i;

	for (i = 0; i < DIGEST_SIZE; i++) {
		uint8_t high = nibbles[(uint8_t)hex[2 * i]];
		uint8_t low;

		/* Nothing is read behind the end. */
		if (!(high & DIGIT))
			return -1;
		low = nibbles[(uint8_t)hex[2 * i + 1]];
		if (!(low & DIGIT))
			return -1;
		out[i] = (uint8_t)(high << 4 | (low & 15));
	}
	return 0;
}
