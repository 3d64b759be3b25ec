/* SSH's data: big-endian numbers, and strings with their length in front. */
#ifndef TRANSPORT_SSHBUF_H
#define TRANSPORT_SSHBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* What is left to read; borrowed. */
struct sshbuf {
	const char *p;
	size_t len;
};

/* 0, or -1 if not so much is left. */
int sshbuf_get_u8(struct sshbuf *b, uint8_t *out);
int sshbuf_get_u32(struct sshbuf *b, uint32_t *out);
int sshbuf_get_string(struct sshbuf *b, struct sshbuf *out);
bool sshbuf_is(const struct sshbuf *b, const char *text);

void sshbuf_put_u32(struct buf *b, uint32_t v);
void sshbuf_put_string(struct buf *b, const void *data, size_t len);

#endif
