/*
 * A server for fuzzers, within this process (inside.h): a store of the app
 * `blog' with two releases, and sessions with it.
 */
#ifndef FUZZ_SERVE_H
#define FUZZ_SERVE_H

#include "base/buf.h"
#include "cook.h"

/* Where it is, below scratch_dir(); beside it is a directory `outside'. */
#define SERVE_ROOT "root"

/* The manifest of what is live; the store is as at first. */
const struct manifest *serve_live(void);

/*
 * One session: `main' is what the client says, made by c, `lane' what it says on
 * a further channel once it was told the token, or NULL.  What the server said is checked
 * to be a conversation, and the store to be whole.
 */
void serve_session(const struct buf *main, const struct cook *c,
	const struct buf *lane);

/* The same with a store that was changed before, of which less is checked. */
void serve_spoilt(const struct buf *main, const struct cook *c);

/* serve_check.c: the bytes that a server said, and its store at rest. */
void serve_check_said(const char *p, size_t len);
void serve_check_locks(const char *root);
void serve_check_store(const char *root);

#endif
