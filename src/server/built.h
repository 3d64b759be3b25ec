/*
 * What a build changed of the tree itself, so that it is not taken for damage:
 * records/ID.built is the difference from the release's manifest to its tree
 * when the build had ended.  There is none where those are equal.
 */
#ifndef SERVER_BUILT_H
#define SERVER_BUILT_H

#include "server/verify.h"

/*
 * Notes it.  `o' has what the entries of m were before the build; without
 * `seen' all is read.
 */
int built_note(const struct store *s, const char *id, const struct manifest *m,
	const struct verify_options *o, struct error *err);
/* What the release's directory should hold. */
int built_load(const struct store *s, const struct record *r,
	struct manifest *m, struct error *err);

#endif
