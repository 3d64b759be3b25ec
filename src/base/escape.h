/*
 * Making text from elsewhere (a peer, a file name, a hook's output) safe for
 * a terminal or a log: valid UTF-8 without control or bidirectional
 * characters stays, every other byte becomes \xNN; a backslash stays.
 */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include <stddef.h>

struct buf;

void escape_add(struct buf *out, const char *s, size_t len);
/* A copy that the caller frees. */
char *escape_dup(const char *s);

#endif
