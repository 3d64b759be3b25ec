/*
 * The options as data: how each is written, which verbs take it, where its
 * value goes and what `deploy help' says of it.
 */
#ifndef CLIENT_OPTION_TABLE_H
#define CLIENT_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "client/options.h"

enum option_kind {
	OPTION_FLAG,  /* bool */
	OPTION_TEXT,  /* const char * */
	OPTION_LIST,  /* struct strv */
	OPTION_CALL,  /* `set' does it; no value */
	OPTION_VALUE, /* `set' does it */
	OPTION_MAYBE, /* the same; the value may be missing: NULL */
};

struct option_rule {
	char letter;      /* 0: none */
	const char *name; /* without the dashes, or NULL */
	enum option_kind kind;
	size_t offset; /* in struct options */
	int (*set)(struct options *o, const char *value, struct error *err);
	const char *verbs;    /* those that take it, or NULL: all */
	const char *argument; /* "FILE" */
	const char *help;
};

/* Ends with a NULL help. */
extern const struct option_rule option_rules[];

bool option_takes_value(const struct option_rule *r);
/* Whether a verb takes the option. */
bool option_fits(const struct option_rule *r, const struct verb *v);
/* By letter, or by name where letter is 0; v may be NULL: any verb's. */
const struct option_rule *option_find(char letter, const char *name, size_t len,
	const struct verb *v);
/* "-n, --dry-run", "--tar=FILE". */
void option_spell(const struct option_rule *r, struct buf *out);
int option_apply(const struct option_rule *r, struct options *o,
	const char *value, struct error *err);

#endif
