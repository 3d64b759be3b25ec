#include "server/account.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

const char *
account_name(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	return pw ? pw->pw_name : "";
}

bool
account_lingers(const char *name)
{
	char *path = mem_printf("/var/lib/systemd/linger/%s", name);
	bool is = *name && access(path, F_OK) == 0;

	free(path);
	return is;
}

bool
account_has_units(void)
{
	return access("/run/systemd/system", F_OK) == 0 &&
		(access("/usr/lib/systemd/system/user@.service", F_OK) == 0 ||
			access("/lib/systemd/system/user@.service", F_OK) == 0);
}
