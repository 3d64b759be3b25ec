#include "confine.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "error.h"

int
confine_privileges(struct error *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		return CONFINED;
	return errno == EINVAL ? CONFINE_UNKNOWN :
				 error_errno(err, "no_new_privs");
}

/* At most that much, and no more than it was. */
static int
limit(int which, rlim_t most)
{
	struct rlimit r;

	if (getrlimit(which, &r) < 0)
		return -1;
	if (r.rlim_max == RLIM_INFINITY || r.rlim_max > most)
		r.rlim_max = most;
	if (r.rlim_cur == RLIM_INFINITY || r.rlim_cur > r.rlim_max)
		r.rlim_cur = r.rlim_max;
	return setrlimit(which, &r);
}

int
confine_limits(const struct confine_limits *l, struct error *err)
{
	if (limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_NPROC, 0) < 0 ||
		limit(RLIMIT_NOFILE, l->files) < 0 ||
		(l->memory && limit(RLIMIT_DATA, l->memory) < 0) ||
		(l->file_size && limit(RLIMIT_FSIZE, l->file_size) < 0))
		return error_errno(err, "resource limits");
	return CONFINED;
}
