#include "client/confinement.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/confine.h"
#include "base/io.h"
#include "base/log.h"

/* Further channels open it again. */
static int
open_trace(void)
{
	const char *path = getenv("DEPLOY_TRACE");

	return path && *path ? open(path, O_PATH | O_CLOEXEC) : -1;
}

int
confinement_begin(const struct cargo *c, struct error *err)
{
	int trace = open_trace(), rc;
	const struct confine_rule rules[] = {
		{ c->dirfd, CONFINE_READ },
		{ c->cache, CONFINE_READ | CONFINE_FILES },
		{ trace, CONFINE_FILES },
	};
	/* Its other threads are in another domain, or none. */
	const struct confine confine = { .rules = rules,
		.n = sizeof(rules) / sizeof(*rules),
		.others = true,
		.sanitizer = true };

	rc = confine_privileges(err);
	if (rc == CONFINED)
		rc = confine_files(&confine, err);
	io_close(&trace);
	if (rc == CONFINE_UNKNOWN)
		log_debug("this kernel cannot confine what reads the tree");
	return rc < 0 ? -1 : 0;
}
