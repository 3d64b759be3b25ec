#include "unit.h"

#include <ctype.h>
#include <string.h>

#include "mem.h"

/* systemd's own limit, less what is added. */
#define NAME_MOST (255 - 8)

bool
unit_is_name(const char *name)
{
	size_t i;

	if (!isalnum((unsigned char)*name))
		return false;
	for (i = 0; name[i]; i++)
		if (!isalnum((unsigned char)name[i]) &&
			!strchr("@._:-", name[i]))
			return false;
	return i <= NAME_MOST && name[i - 1] != '.';
}

char *
unit_full(const char *name)
{
	static const char *const suffixes[] = { ".service", ".socket",
		".target", ".timer", ".path", ".mount", ".automount", ".swap",
		".slice", ".scope", ".device" };
	const char *dot = strrchr(name, '.');
	size_t i;

	for (i = 0; dot && i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (!strcmp(dot, suffixes[i]))
			return mem_strdup(name);
	return mem_printf("%s.service", name);
}
