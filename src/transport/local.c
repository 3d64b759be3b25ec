#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "child.h"
#include "internal.h"
#include "ssh_config.h"

/* Beside our own program, which is how the two are built and installed. */
static char *
beside_us(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash, *path;

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return NULL;
	slash[1] = '\0';
	path = mem_printf("%sdeployd", self);
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static char *
find_deployd(const struct transport_options *o)
{
	const char *home = getenv("HOME");
	char *path = NULL;

	if (o->deployd && strncmp(o->deployd, "~/", 2) == 0 && home)
		return mem_printf("%s%s", home, o->deployd + 1);
	if (o->deployd)
		return mem_strdup(o->deployd);
	path = beside_us();
	return path ? path : mem_strdup("deployd");
}

/* The person may be here through SSH; deployd is not. */
static void
forget_ssh(struct strv *envp)
{
	struct strv kept = STRV_INIT;
	size_t i;

	for (i = 0; i < envp->n; i++)
		if (strncmp(envp->v[i], "SSH_CONNECTION=", 15) != 0)
			strv_add(&kept, envp->v[i]);
	strv_release(envp);
	*envp = kept;
}

int
local_run(struct transport *t, struct error *err)
{
	char *deployd = find_deployd(t->o);
	const char *serve[] = { deployd, "--serve", NULL };
	const char *script[] = { "sh", "-c", t->o->command, NULL };
	struct strv envp = STRV_INIT;
	struct child_options o = { .argv = serve, .own_life = true };
	int rc, status;

	strcpy(t->report.kind, "local");
	if (t->o->command)
		o = (struct child_options){ .argv = script };
	else
		log_verbose("running %s --serve on this machine", deployd);
	transport_environment(&envp);
	forget_ssh(&envp);
	o.envp = envp.v;
	t->report.connected_ms = t->report.keys_ms = transport_elapsed(t);
	t->report.authenticated_ms = t->report.exec_ms = transport_elapsed(t);
	rc = child_run(t, &o, &status, err);
	if (rc == 0)
		rc = transport_judge(t, status, err);
	else if (!t->talked && !t->o->deployd && !t->o->command)
		transport_local_hint(err);
	strv_release(&envp);
	free(deployd);
	return rc;
}
