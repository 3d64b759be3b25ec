#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "error.h"
#include "escape.h"
#include "io.h"

static enum log_level current = LOG_NORMAL;
static bool live_shown;
/* The transport's thread speaks too. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void
log_set_level(enum log_level level)
{
	current = level;
}

enum log_level
log_level(void)
{
	return current;
}

static void
put(const char *prefix, const char *text)
{
	struct buf b = BUF_INIT;

	pthread_mutex_lock(&mutex);
	if (live_shown)
		buf_addstr(&b, "\r\033[K");
	live_shown = false;
	buf_addstr(&b, prefix);
	escape_add(&b, text, strlen(text));
	buf_addch(&b, '\n');
	/* A closed standard error is no reason to stop a deploy. */
	(void)io_write_full(STDERR_FILENO, b.data, b.len);
	pthread_mutex_unlock(&mutex);
	buf_release(&b);
}

__attribute__((format(printf, 2, 0))) static void
vput(const char *prefix, const char *fmt, va_list ap)
{
	struct buf b = BUF_INIT;

	buf_vaddf(&b, fmt, ap);
	put(prefix, buf_str(&b));
	buf_release(&b);
}

void
log_error(const char *program, const struct error *err)
{
	struct buf b = BUF_INIT;

	buf_addf(&b, "%s: ", program);
	put(b.data, err->text);
	if (err->hint[0])
		put(b.data, err->hint);
	buf_release(&b);
}

#define LOG_FUNCTION(name, least, prefix) \
	void log_##name(const char *fmt, ...) \
	{ \
		va_list ap; \
\
		if (current < (least)) \
			return; \
		va_start(ap, fmt); \
		vput(prefix, fmt, ap); \
		va_end(ap); \
	}

LOG_FUNCTION(warn, LOG_NORMAL, "warning: ")
LOG_FUNCTION(info, LOG_NORMAL, "")
LOG_FUNCTION(verbose, LOG_VERBOSE, "")
LOG_FUNCTION(debug, LOG_DEBUG, "debug: ")

void
log_live(const char *text)
{
	struct buf b = BUF_INIT;

	if (current < LOG_NORMAL || !isatty(STDERR_FILENO))
		return;
	pthread_mutex_lock(&mutex);
	if (live_shown || *text) {
		buf_addstr(&b, "\r\033[K");
		escape_add(&b, text, strlen(text));
		(void)io_write_full(STDERR_FILENO, b.data, b.len);
	}
	live_shown = *text != '\0';
	pthread_mutex_unlock(&mutex);
	buf_release(&b);
}
