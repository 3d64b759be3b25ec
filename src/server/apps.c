#include "server/apps.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/path.h"
#include "server/store.h"

#define EDITS_MOST 2
#define NAMES_MOST 3

void
apps_visible(const struct config *c, struct strv *out)
{
	struct error ignored = ERROR_INIT;
	struct strv all = STRV_INIT;
	size_t i;

	if (store_apps(c->root, &all, &ignored) == 0)
		for (i = 0; i < all.n; i++)
			if (config_authorise(c, all.v[i], "read", &ignored) ==
				0)
				strv_add(out, all.v[i]);
	strv_release(&all);
}

/* Edits between two short names: insert, drop, replace. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[APP_MOST + 2], i, j, n = strlen(b);

	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 1; a[i - 1]; i++) {
		size_t last = row[0];

		row[0] = i;
		for (j = 1; j <= n; j++) {
			size_t old = row[j];
			size_t best = last + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			last = old;
		}
	}
	return row[n];
}

/*
 * 1 and 2: so many edits apart, which for two short names means nothing; 3:
 * one begins with the other; 0: another name.
 */
static size_t
likeness(const char *a, const char *b)
{
	size_t x = strlen(a), y = strlen(b), least = x < y ? x : y;
	size_t edits = distance(a, b);

	if (edits <= EDITS_MOST && edits < least)
		return edits;
	return strncmp(a, b, least) ? 0 : EDITS_MOST + 1;
}

char *
apps_near_miss(const struct config *c, const char *app)
{
	struct strv apps = STRV_INIT;
	struct buf b = BUF_INIT;
	size_t i, like, n = 0;

	if (path_is_app(app))
		apps_visible(c, &apps);
	for (like = 1; like <= EDITS_MOST + 1; like++)
		for (i = 0; i < apps.n && n < NAMES_MOST; i++)
			if (likeness(app, apps.v[i]) == like)
				buf_addf(&b, "%s'%s'",
					n++ ? ", " : "this server has ",
					apps.v[i]);
	strv_release(&apps);
	return n ? buf_detach(&b) : NULL;
}
