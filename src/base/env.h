/*
 * An app's env file: NAME=value lines in the form that systemd reads as an
 * EnvironmentFile, to the byte, so that hooks and a unit see the same.
 *
 *	- blanks around NAME and before the value do not count, nor do those
 *	  behind a value that is not quoted;
 *	- quotes open only where the value begins, or behind one that has
 *	  closed; 'single' ones take all as it is, newlines too; in "double"
 *	  ones a backslash goes before " \ ` $ and else stays;
 *	- outside of quotes a backslash makes the next byte ordinary, and a
 *	  newline behind it vanishes;
 *	- of a NAME that stands twice the last counts;
 *	- lines that begin with # or ; are comments, one that ends in a
 *	  backslash goes on.
 *
 * Variables are lists of "NAME=value" strings, each NAME once.
 */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

/* Of a file that is changed, and of what is sent to change it. */
#define ENV_MOST 65536

struct env_reader {
	const char *p, *end;
	int line;
	bool dotenv; /* `export NAME=value' is a variable too */
};

struct env_item {
	enum {
		ENV_REST,
		ENV_PAIR,
		ENV_UNKNOWN
	} kind;         /* REST: comments, blanks */
	const char *at; /* in the text, with the newline at its end */
	size_t len;
	int line;
	struct buf pair; /* ENV_PAIR: NAME=value */
	bool open;       /* the text ends within quotes */
	bool hash;       /* a blank and # outside of quotes: of the value */
};

/* Zero the item before the first call, release its pair after the last. */
bool env_next(struct env_reader *r, struct env_item *item);

/* Reads a whole text; what is no variable is an error `name:LINE: ...'. */
int env_parse(const char *name, const char *text, size_t len, struct strv *env,
	struct error *err);
/* The same, passing over what is no variable, as systemd does. */
void env_read(const char *text, size_t len, struct strv *env);

/* [A-Za-z_][A-Za-z0-9_]*, len bytes of it. */
bool env_is_name(const char *name, size_t len);
/* The length of NAME in NAME=value, or of NAME alone. */
size_t env_name_length(const char *pair);
/* The pair of that name (len bytes of it), or NULL. */
const char *env_find(const struct strv *env, const char *name, size_t len);
/* Adds the pair, in place of one with its name. */
void env_put(struct strv *env, const char *pair);

/*
 * Whether NAME=value may be set: a name, not one of deployd's own (DEPLOY_*),
 * and UTF-8, without which systemd reads nothing of the file.  The error
 * never holds the value.
 */
int env_check(const char *pair, struct error *err);

/* Adds the line of NAME=value, quoted where it has to be. */
void env_write(const char *pair, struct buf *out);
/*
 * Adds the text with changes made to it: "NAME=value" sets, "NAME" takes
 * away.  All else stays as it is.  Errors are `name:LINE: ...'.
 */
int env_edit(const char *name, const char *text, size_t len,
	const struct strv *changes, struct buf *out, struct error *err);

#endif
