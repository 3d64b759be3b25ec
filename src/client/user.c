#include "client/user.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

char *
user_name(void)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *login = pw ? pw->pw_name : getenv("USER");
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	return mem_printf("%s@%s", login ? login : "unknown", host);
}
