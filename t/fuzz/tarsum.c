#include "tarsum.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

#define BLOCK 512

static void
mend(uint8_t *header)
{
	unsigned sum = 0;
	char text[8];
	size_t i;

	memset(header + 148, ' ', 8);
	for (i = 0; i < BLOCK; i++)
		sum += header[i];
	snprintf(text, sizeof(text), "%06o", sum & 0777777);
	memcpy(header + 148, text, 7);
}

void
tarsum_mend(uint8_t *tar, size_t size)
{
	for (; size >= BLOCK; tar += BLOCK, size -= BLOCK)
		if (!memcmp(tar + 257, "ustar", 5))
			mend(tar);
}

void
tarsum_member(struct buf *out, const void *data, size_t len)
{
	static const char nothing[BLOCK];
	uint8_t header[BLOCK] = "x";

	memcpy(header + 100, "0000644", 8);
	memcpy(header + 108, "0000000", 8);
	memcpy(header + 116, "0000000", 8);
	snprintf((char *)header + 124, 12, "%011zo", len);
	memcpy(header + 136, "00000000000", 12);
	header[156] = '0';
	memcpy(header + 257, "ustar\00000", 8);
	mend(header);
	buf_add(out, header, sizeof(header));
	buf_add(out, data, len);
	buf_add(out, nothing, (BLOCK - len % BLOCK) % BLOCK);
}
