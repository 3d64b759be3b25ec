#include "tree/refusals.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

#define WARN_MOST 50
#define SHOWN_MOST 400 /* bytes of a path, so that the reason is seen too */

void
refusals_add(struct refusals *r, const char *path, const char *why)
{
	size_t len = strlen(path);
	const char *cut = "";

	if (len > SHOWN_MOST) {
		path += len - SHOWN_MOST;
		cut = "...";
	}
	r->n++;
	if (r->n == 1) {
		r->first = mem_printf("%s%s: %s", cut, path, why);
		return;
	}
	/* The first one is in the error, if it is the only one. */
	if (r->n == 2)
		log_warn("%s", r->first);
	if (r->n <= WARN_MOST)
		log_warn("%s%s: %s", cut, path, why);
}

int
refusals_report(const struct refusals *r, struct error *err)
{
	if (!r->n)
		return 0;
	if (r->n == 1)
		error_set(err, "this cannot be deployed: %s", r->first);
	else
		error_set(err, "%zu paths cannot be deployed, %s among them",
			r->n, r->first);
	return error_hint(err, "a line in .deployignore leaves a path out");
}

void
refusals_release(struct refusals *r)
{
	free(r->first);
}
