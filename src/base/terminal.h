/* Questions to the person at the terminal, asked on /dev/tty. */
#ifndef BASE_TERMINAL_H
#define BASE_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel gives no longer line, and drops what is typed beyond it. */
#define TERMINAL_LINE_MOST 4095

/* What ends the waiting for an answer. */
struct terminal_limits {
	int64_t until; /* io_now_ms(); 0: never */
	int wake;      /* a descriptor that becomes readable, or -1 */
	bool (*stopped)(const void *arg); /* or NULL */
	const void *arg;
};

/* Whether there is a terminal to ask on. */
bool terminal_possible(void);
/*
 * Shows text and reads a line, less its newline, of at most size - 1 bytes;
 * hidden turns the echo off.  -1: no terminal, the end of input, a signal,
 * or one of the limits (NULL: none) was met.
 */
int terminal_ask(const char *text, bool hidden,
	const struct terminal_limits *limits, char *answer, size_t size);

#endif
