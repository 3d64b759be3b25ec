/*
 * Messages to standard error, one line each, escaped (escape.h).  The level
 * is the only mutable state of the program outside its structs.
 *
 * A live line (a progress bar) is wiped before a message is written.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

struct error;

enum log_level {
	LOG_QUIET, /* errors only */
	LOG_NORMAL,
	LOG_VERBOSE, /* -v */
	LOG_DEBUG,   /* -vv */
};

void log_set_level(enum log_level level);
enum log_level log_level(void);

/* "deploy: text", then the hint on its own line; always printed. */
void log_error(const char *program, const struct error *err);
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_verbose(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Shows text as the live line of a terminal, replacing the one before; ""
 * removes it.  A no-op unless standard error is a terminal.
 */
void log_live(const char *text);

#endif
