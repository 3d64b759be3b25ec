#include "gitenv.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

static bool
is_inherited(const char *variable)
{
	static const char *const kept[] = { "GIT_CEILING_DIRECTORIES=",
		"GIT_CONFIG_GLOBAL=", "GIT_CONFIG_NOSYSTEM=",
		"GIT_CONFIG_SYSTEM=", "GIT_DISCOVERY_ACROSS_FILESYSTEM=",
		"GIT_EXEC_PATH=" };
	size_t i;

	if (strncmp(variable, "GIT_", 4) != 0)
		return true;
	for (i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		if (!strncmp(variable, kept[i], strlen(kept[i])))
			return true;
	return false;
}

char **
gitenv_make(void)
{
	size_t n = 0, k = 0;
	char **v;

	while (environ && environ[n])
		n++;
	v = mem_zalloc(n + 3, sizeof(*v));
	for (n = 0; environ && environ[n]; n++)
		if (is_inherited(environ[n]))
			v[k++] = environ[n];
	v[k++] = (char *)"GIT_ALLOW_PROTOCOL=none";
	v[k] = (char *)"GIT_OPTIONAL_LOCKS=0";
	return v;
}
