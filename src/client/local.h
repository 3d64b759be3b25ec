/*
 * What push and diff begin with on this machine: the project, the targets,
 * the commands of [local] before, and the tree that is there then.
 */
#ifndef CLIENT_LOCAL_H
#define CLIENT_LOCAL_H

#include "client/options.h"
#include "client/project.h"

/*
 * From the command line's TARGET and DIR.  Both are to be released all the
 * same.  The commands run in the project by /bin/sh -c, in order, unless an
 * archive is deployed; the first that fails is STATUS_LOCAL.
 */
int local_prepare(struct project *p, struct targets *t, const struct options *o,
	struct error *err);

#endif
