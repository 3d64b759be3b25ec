/*
 * One plan being made, shared by the files that are its searches:
 *
 *	plan.c                  the contents of the tree; uploads in tmp/
 *	plan_next.c             what next/ holds, where it belongs
 *	plan_strays.c           and what of it does not
 *	plan_ahead.c            stat data of that, by threads
 *	plan_releases.c         what other releases hold
 *	plan_chunks.c           parts of large files that are nowhere whole
 *	plan_chunks_releases.c  those that other releases hold
 *	plan_chunks_divide.c    those of files that no manifest divides
 *	plan_chunks_parts.c     and of uploads that were cut off
 */
#ifndef SERVER_PLAN_PARTS_H
#define SERVER_PLAN_PARTS_H

#include <sys/stat.h>

#include "server/plan_ahead.h"
#include "server/plan_chunks.h"
#include "tree/index.h"

/* Open addressing from a digest to its supply's place, while planning. */
struct plan_table {
	uint32_t *slots;
	size_t mask;
};

struct plan_search {
	struct plan *p;
	struct store *s;
	struct plan_table table;
	struct digest *digest;
	const struct plan_options *o;
	size_t missing; /* supplies with SUPPLY_NONE */
	struct error *err;
};

/* The supply of that content, or NULL. */
struct supply *plan_find(const struct plan_search *x,
	const uint8_t digest[static DIGEST_SIZE]);
/* path must be the plan's, or the manifest's. */
void plan_set(struct plan_search *x, struct supply *u, enum supply_where where,
	const char *path);
int plan_hash(struct plan_search *x, int dir, const char *name,
	uint8_t out[static DIGEST_SIZE]);

void plan_table_init(struct plan_table *t, size_t n);

int plan_next(struct plan_search *x);

/* next/ beside the manifest. */
struct plan_walk {
	struct plan_search *x;
	struct stat_index *index;
	struct plan_ahead *ahead; /* or NULL */
	uid_t user;
	size_t i;       /* the manifest's next entry */
	int64_t moment; /* before anything was looked at */
};

#define PLAN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
int plan_open_directory(struct plan_search *x, int dir, const char *name,
	struct stat *st);
bool plan_is_ours(const struct plan_walk *w, const struct stat *st);
/* Adds what next.index has and the manifest has not to the strays. */
int plan_unknown(struct plan_walk *w);
/* Whether one of them is a supply that is missing; next is the directory's. */
int plan_strays(struct plan_walk *w, int next);

int plan_releases(struct plan_search *x);

/*
 * Each release with the text of its manifest, newest first, until fn returns
 * what is not 0.  dir is its directory, id the plan's.
 */
typedef int plan_release_fn(void *arg, const char *id, int dir,
	const char *text, size_t len);
int plan_each_release(struct plan_search *x, plan_release_fn *fn, void *arg);

/* The pieces that are wanted, while planning. */
struct plan_pieces {
	struct piece *v;
	size_t n, missing;
	uint32_t counts; /* how often was counted what is missing */
	struct plan_table table;
};

/* The piece of that content, or NULL. */
struct piece *plan_piece(const struct plan_pieces *t,
	const uint8_t digest[static DIGEST_SIZE]);
void plan_piece_set(struct plan_pieces *t, struct piece *p,
	enum piece_where where);
int plan_chunks_releases(struct plan_search *x, struct plan_pieces *t);
int plan_chunks_divide(struct plan_search *x, struct plan_pieces *t);
/* Divides what stands below `top` at the path of place, if it is large. */
int plan_chunks_look_at(struct plan_search *x, struct plan_pieces *t, int top,
	const struct piece *place);
int plan_chunks_parts(struct plan_search *x, struct plan_pieces *t);
/* Removes those of which nothing is used. */
void plan_chunks_drop_parts(struct plan_search *x);
/* Whether so much of a file is there that it is worth putting together. */
bool plan_chunks_enough(struct plan_pieces *t, const struct divided *d);
/*
 * Makes SUPPLY_CHUNKS of what no other search has found and of which enough
 * is there to be worth it.
 */
int plan_chunks(struct plan_search *x);

#endif
