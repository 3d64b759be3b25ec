/* The words of what `deploy init' writes. */
#ifndef CLIENT_INIT_TEXT_H
#define CLIENT_INIT_TEXT_H

#include "base/buf.h"
#include "client/recipe.h"

/* deploy.conf; urls may be empty, then an example is a comment. */
void init_text_conf(struct buf *out, const struct recipe *r,
	const struct strv *urls);
/* The unit of a recipe that has a start. */
void init_text_unit(struct buf *out, const struct recipe *r);

#endif
