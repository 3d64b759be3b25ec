/* UTF-8 as it has to be: shortest forms, no surrogates, up to U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The length of the sequence at s, of len > 0 bytes; 0 if it is not one. */
size_t utf8_decode(const char *s, size_t len, uint32_t *code);

#endif
