#include "path.h"

#include <ctype.h>
#include <string.h>

static const char *
refuse_component(const char *s, size_t len)
{
	if (len == 0)
		return "an empty component";
	if (len > COMPONENT_MOST)
		return "a component is longer than 255 bytes";
	if (s[0] == '.' && (len == 1 || (len == 2 && s[1] == '.')))
		return "a component is . or ..";
	return NULL;
}

const char *
path_refuse(const char *path, size_t len)
{
	size_t i, start = 0;

	if (len == 0)
		return "an empty path";
	if (len > PATH_MOST)
		return "longer than 4096 bytes";
	for (i = 0; i <= len; i++) {
		unsigned char c = i < len ? (unsigned char)path[i] : '/';
		const char *why;

		if (c < 0x20 || c == 0x7f)
			return "a control character";
		if (c != '/')
			continue;
		why = refuse_component(path + start, i - start);
		if (why)
			return why;
		start = i + 1;
	}
	return NULL;
}

int
path_compare(const char *a, const char *b)
{
	size_t i = 0;
	int x, y;

	while (a[i] && a[i] == b[i])
		i++;
	x = a[i] == '/' ? 1 : (unsigned char)a[i] + (a[i] != 0);
	y = b[i] == '/' ? 1 : (unsigned char)b[i] + (b[i] != 0);
	return x - y;
}

bool
path_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) &&
		(path[len] == '\0' || path[len] == '/');
}

const char *
path_leaf(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool
path_is_app(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-");

	return len > 0 && len <= APP_MOST && name[len] == '\0' &&
		isalnum((unsigned char)name[0]) && !strstr(name, "..");
}

static bool
is_of_form(char c, char form)
{
	if (form == 'd' || (form == 'x' && c <= '9'))
		return c >= '0' && c <= '9';
	if (form == 'x')
		return c >= 'a' && c <= 'f';
	return c == form;
}

bool
path_is_release(const char *id)
{
	static const char form[] = "ddddddddTddddddZ-xxxxxxxx";
	size_t i;

	for (i = 0; form[i]; i++)
		if (!is_of_form(id[i], form[i]))
			return false;
	return id[i] == '\0';
}

bool
path_is_release_of(const char *id, const char *tree)
{
	return path_is_release(id) &&
		!strncmp(id + RELEASE_ID_LEN - RELEASE_TREE_LEN, tree,
			RELEASE_TREE_LEN);
}
