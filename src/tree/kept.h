/*
 * What was read of files to hash them, kept in memory for who sends them: of a
 * first deploy each file is read once, as far as there is room.  What is sent
 * then is what was hashed, whatever became of the file since.
 *
 *	kept_begin()    room for a file that is about to be read
 *	kept_add()      it is whole, or
 *	kept_cancel()   it is not
 *	kept_only()     as soon as it is known what will be sent
 *	kept_take()     once, by who sends it
 *
 * Any thread may call any of these at any time.
 */
#ifndef TREE_KEPT_H
#define TREE_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Larger files are read again, which costs them the least. */
#define KEPT_FILE (1024 * 1024)
/* Bytes of memory in all; whoever comes first has them. */
#define KEPT_MOST (64 * 1024 * 1024)

struct kept;

struct kept_file {
	size_t size;
	char data[];
};

struct kept *kept_new(size_t most);
/* With all that was not taken. */
void kept_free(struct kept *k);

/* NULL: it is empty or too large, or there is no room left, or k is NULL. */
struct kept_file *kept_begin(struct kept *k, int64_t size);
/* place is that of its entry in the manifest. */
void kept_add(struct kept *k, size_t place, struct kept_file *f);
/* f may be NULL. */
void kept_cancel(struct kept *k, struct kept_file *f);

/* Frees what is not wanted; it is asked with the lock held. */
typedef bool kept_wanted_fn(size_t place, void *arg);
void kept_only(struct kept *k, kept_wanted_fn *wanted, void *arg);
/* The caller's to free from then on; NULL: it is not there, or k is NULL. */
struct kept_file *kept_take(struct kept *k, size_t place);

#endif
