/* Base64 as SSH writes keys and hashes. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

struct buf;

void base64_encode(struct buf *out, const void *data, size_t len);
/* Adds the bytes to out; -1 if text is no base64 (`=' padding is optional). */
int base64_decode(struct buf *out, const char *text, size_t len);

#endif
