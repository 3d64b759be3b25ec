/*
 * The reader of deploy.conf and deployd.conf:
 *
 *	# a comment, or ; a comment: only at the start of a line
 *	[section] or [section "name"]
 *	key = value, to the end of the line, less surrounding blanks
 *
 * Nothing is quoted, joined or expanded.  A repeated key adds a value.
 */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

struct error;

#define SETTINGS_MOST 65536 /* bytes of a file: one frame carries it */

struct setting {
	char *section;
	char *name; /* of [section "name"], else "" */
	char *key;
	char *value;
	int line;
};

struct settings {
	char *file; /* as named in errors */
	struct setting *v;
	size_t n, cap;
	struct setting *sections; /* their headers: key and value are NULL */
	size_t n_sections, cap_sections;
};

#define SETTINGS_INIT \
	{ \
		NULL, NULL, 0, 0, NULL, 0, 0 \
	}

/* Parses text; errors read `file:line: what`. */
int settings_parse(struct settings *s, const char *file, const char *text,
	size_t len, struct error *err);
void settings_release(struct settings *s);

/* The last value of a key, or NULL. */
const struct setting *settings_get(const struct settings *s,
	const char *section, const char *name, const char *key);

/* What a program knows; a table ends with a NULL section. */
struct settings_known {
	const char *section;
	bool named; /* [section "name"] */
	const char *key;
	bool repeats;
};

/* Every section and key must be in the table; single ones stand once. */
int settings_check(const struct settings *s, const struct settings_known *known,
	struct error *err);

/* `file:line: ` in front of a message about that setting. */
int settings_error(const struct settings *s, const struct setting *e,
	struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Values of one setting; -1 with err.  Durations: 90, 90s, 30m, 2h, never. */
int settings_bool(const struct settings *s, const struct setting *e, bool *out,
	struct error *err);
int settings_seconds(const struct settings *s, const struct setting *e,
	long *out, struct error *err);
/* Counts and sizes: 500, 64K, 20M, 4G (powers of 1024). */
int settings_size(const struct settings *s, const struct setting *e,
	long long *out, struct error *err);

#endif
