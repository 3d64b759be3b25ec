/*
 * Two lines are two paths: what is taken names something below the directory
 * it is used in, and the order of paths is an order.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_path(const char *path, size_t len)
{
	const char *s;

	if (path_refuse(path, len))
		return;
	assert(len > 0 && len <= PATH_MOST && strlen(path) == len);
	assert(path[0] != '/' && path[len - 1] != '/');
	for (s = path; s; s = strchr(s, '/')) {
		size_t n;

		s += *s == '/';
		n = strcspn(s, "/");
		assert(n > 0 && n <= COMPONENT_MOST);
		assert(strncmp(s, ".", n) || n != 1);
		assert(strncmp(s, "..", n) || n != 2);
	}
	assert(!strchr(path_leaf(path), '/'));
	assert(path_below(path, path));
}

static void
check_names(const char *name)
{
	if (path_is_app(name))
		assert(!path_refuse(name, strlen(name)) && !strchr(name, '/'));
	if (path_is_release(name))
		assert(strlen(name) == RELEASE_ID_LEN && !strchr(name, '/'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nl = size ? memchr(data, '\n', size) : NULL;
	size_t na = nl ? (size_t)(nl - data) : size, nb = size - na - !!nl;
	char *a = mem_alloc(na + 1), *b = mem_alloc(nb + 1);
	int c;

	if (na)
		memcpy(a, data, na);
	a[na] = '\0';
	if (nb)
		memcpy(b, nl + 1, nb);
	b[nb] = '\0';
	check_path(a, na);
	check_path(b, nb);
	check_names(a);
	check_names(b);
	c = path_compare(a, b);
	assert((c == 0) == !strcmp(a, b));
	assert((c < 0) == (path_compare(b, a) > 0));
	if (path_below(b, a) && c)
		assert(c < 0);
	free(a);
	free(b);
	return 0;
}
