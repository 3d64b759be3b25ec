/*
 * Looking at a project directory, for `deploy init': which files are there and
 * what they say.  Strings live until survey_release().  The first file that
 * cannot be read is kept in `err' and everything goes on as if it were empty;
 * whoever looked asks `failed' once, at the end.
 */
#ifndef CLIENT_SURVEY_H
#define CLIENT_SURVEY_H

#include <stdbool.h>

#include "base/error.h"
#include "base/mem.h"

struct survey {
	int fd; /* the directory; borrowed */
	struct arena arena;
	bool failed;
	struct error *err;
};

void survey_init(struct survey *s, int fd, struct error *err);
void survey_release(struct survey *s);

/* Whether it is a regular file, a directory. */
bool survey_has(struct survey *s, const char *path);
bool survey_has_dir(struct survey *s, const char *path);
/* The first of the names that is a file, or NULL; names end with a NULL. */
const char *survey_first(struct survey *s, const char *const *names);
/* What the file says, "" if there is none. */
const char *survey_text(struct survey *s, const char *path);
/* Whether what the file says has these words somewhere, in either case. */
bool survey_says(struct survey *s, const char *path, const char *words);
/*
 * The first directory, in byte order, below `below' that holds the file; its
 * name has letters, digits and ._- only.  NULL if there is none.
 */
const char *survey_dir_with(struct survey *s, const char *below,
	const char *file);
/* The value of `key: value' in a line that begins so, or NULL. */
const char *survey_line(struct survey *s, const char *path, const char *key);
/* The string at [section] key in TOML, or NULL; a subset that names need. */
const char *survey_toml(struct survey *s, const char *path, const char *section,
	const char *key);

char *survey_printf(struct survey *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Whether text can stand in a command as it is: letters, digits, ._/-. */
bool survey_is_plain(const char *text);

#endif
