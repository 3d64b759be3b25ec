/*
 * Ignore files, with exactly git's meaning: nested, negated, anchored,
 * escaped, directory-only and ** patterns, the last that matches deciding,
 * nearer files over farther ones.
 *
 * A list is one file's.  That nothing below an ignored directory can be
 * brought back is the walker's to see to (rules.h): it does not go there.
 */
#ifndef TREE_IGNORE_H
#define TREE_IGNORE_H

#include <stdbool.h>
#include <stddef.h>

struct ignore_list; /* the patterns of one file */

/*
 * Parses text.  `name` is for messages (`web/.gitignore`).  `base` is the
 * directory that the patterns are relative to, as a path below the top that
 * paths are matched from, "" for the top itself.
 */
struct ignore_list *ignore_parse(const char *name, const char *base,
	const char *text, size_t len);
void ignore_free(struct ignore_list *l);

enum ignore_verdict { IGNORE_NONE, IGNORE_OUT, IGNORE_IN };

/*
 * What the last pattern of the list that matches says of path (relative to
 * the same top as base): out, in (negated), none.  *rule, if not NULL,
 * becomes `name:line: pattern`, which lives as long as the list.
 */
enum ignore_verdict ignore_match(const struct ignore_list *l, const char *path,
	bool directory, const char **rule);

/*
 * Whether a pattern that is not negated may match something below the
 * directory `dir`; sometimes true although none does.
 */
bool ignore_reaches(const struct ignore_list *l, const char *dir);

/* git's wildmatch with WM_PATHNAME: `*` and `?` do not match a slash. */
bool ignore_wildmatch(const char *pattern, const char *text);

#endif
