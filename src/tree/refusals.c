#include "tree/refusals.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

#define WARN_MOST 50

void
refusals_add(struct refusals *r, const char *path, const char *why)
{
	if (!r->first)
		r->first = mem_printf("%s: %s", path, why);
	if (r->n++ < WARN_MOST)
		log_warn("%s: %s", path, why);
}

int
refusals_report(const struct refusals *r, struct error *err)
{
	if (!r->n)
		return 0;
	if (r->n == 1)
		error_set(err, "%s", r->first);
	else
		error_set(err, "%s, and %zu more that cannot be deployed",
			r->first, r->n - 1);
	return error_hint(err, "a line in .deployignore leaves a path out");
}

void
refusals_release(struct refusals *r)
{
	free(r->first);
}
