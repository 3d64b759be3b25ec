/*
 * One plan being made, shared by the files that are its searches:
 *
 *	plan.c           the contents of the tree; uploads in tmp/
 *	plan_next.c      what next/ holds
 *	plan_releases.c  what other releases hold
 */
#ifndef SERVER_PLAN_PARTS_H
#define SERVER_PLAN_PARTS_H

#include "server/plan.h"

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
/* path is copied; release must be the plan's. */
void plan_set(struct plan_search *x, struct supply *u, enum supply_where where,
	const char *release, const char *path);
int plan_hash(struct plan_search *x, int dir, const char *name,
	uint8_t out[static DIGEST_SIZE]);

int plan_next(struct plan_search *x);
int plan_releases(struct plan_search *x);

#endif
