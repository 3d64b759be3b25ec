/* Questions of a connection to the person at the terminal: terminal.h. */
#ifndef TRANSPORT_PROMPT_H
#define TRANSPORT_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

struct transport;

/* Whether there is a terminal to ask on. */
bool prompt_possible(void);
/*
 * Shows text and reads a line, less its newline, of at most size - 1 bytes;
 * hidden turns the echo off.  -1: no terminal, the end of input, or the
 * transport was stopped meanwhile.
 */
int prompt_ask(const struct transport *t, const char *text, bool hidden,
	char *answer, size_t size);

#endif
