/*
 * The file of the history.  Who appends to it and who writes it anew have a
 * lock of that file between them, so that no line is lost to a copy that was
 * made before it; no other lock is needed.
 */
#ifndef SERVER_HISTORY_FILE_H
#define SERVER_HISTORY_FILE_H

#include "server/store.h"

/*
 * A history that is longer is cut down to the newest lines of so many bytes,
 * and to the switches of older releases that still are there; all of it is
 * history.1 then, in place of an earlier one.
 */
#define HISTORY_LONG (4u << 20)
#define HISTORY_KEPT (2u << 20)

/* Appends a line that ends in LF: its new length, or -1 with errno. */
int64_t history_add(const struct store *s, const struct buf *line);

/*
 * All of it, or its newest 16 MiB; "" where there is none.  Its last line may
 * be cut short.
 */
int history_text(const struct store *s, struct buf *text, struct error *err);

/* What is to be there instead of the old text; false: that stays. */
typedef bool history_edit_fn(const struct store *s, const struct buf *old,
	struct buf *text, void *arg);
/*
 * Writes it anew.  With `cut' the old one becomes history.1, and it can be put
 * off: nobody is waited for, and it takes no room that may be wanted.
 */
int history_rewrite(const struct store *s, history_edit_fn *edit, void *arg,
	bool cut, struct error *err);

#endif
