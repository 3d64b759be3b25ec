/*
 * Errors.  Library code returns 0 or -1 and fills the caller's struct error
 * with a sentence for the person at the terminal: what failed, on which path
 * or host, and why.  The text is kept raw; whatever prints it (log.h) escapes
 * it.  Every setter returns -1, so that `return error_set(err, ...)` reads.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "status.h"

struct error {
	enum status status; /* the exit status this failure should end in */
	char text[2048];    /* one sentence, no newline */
	char hint[1024];    /* what to do next; may be empty */
};

#define ERROR_INIT \
	{ \
		STATUS_LOCAL, "", "" \
	}

/* Sets the text; the status becomes STATUS_LOCAL, the hint is emptied. */
int error_set(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same with `: strerror(errno)` appended. */
int error_errno(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same as error_set() with a status of the caller's. */
int error_status(struct error *err, enum status status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts text in front of what is there: error_prefix(err, "%s: ", path). */
int error_prefix(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Puts text behind what is there. */
int error_add(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Sets the hint, which is printed on a line of its own. */
int error_hint(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
