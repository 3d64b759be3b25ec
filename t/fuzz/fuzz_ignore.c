/*
 * The first line is a path, the rest an ignore file: what is said of the path
 * is said again with the file in a directory, and each pattern is matched in
 * bounded time.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tree/ignore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const char *path, const char *text, size_t len, bool directory)
{
	struct ignore_list *top, *sub;
	char *below = mem_printf("sub/%s", path);
	const char *rule = NULL;
	enum ignore_verdict v;

	top = ignore_parse("i", "", text, len);
	sub = ignore_parse("i", "sub", text, len);
	v = ignore_match(top, path, directory, &rule);
	assert((v == IGNORE_NONE) == !rule);
	assert(!rule || !strncmp(rule, "i:", 2));
	assert(ignore_match(sub, below, directory, NULL) == v);
	assert(ignore_match(sub, "other", directory, NULL) == IGNORE_NONE);
	/* What is ignored was within reach of a pattern. */
	if (v == IGNORE_OUT && strchr(path, '/') && !memchr(text, '\\', len) &&
		!memchr(text, '[', len)) {
		below[4 + (strrchr(path, '/') - path)] = '\0';
		assert(ignore_reaches(sub, below));
	}
	ignore_free(top);
	ignore_free(sub);
	free(below);
}

/* A relative path without empty components, as a walk gives them. */
static bool
is_path(const char *s)
{
	return *s && *s != '/' && s[strlen(s) - 1] != '/' && !strstr(s, "//");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nl = size ? memchr(data, '\n', size) : NULL;
	size_t len = nl ? (size_t)(nl - data) : size;
	char *path = mem_strndup(size ? (const char *)data : "", len);
	char *text;

	data += len + !!nl;
	size -= len + !!nl;
	text = mem_alloc(size + 1);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (is_path(path)) {
		check(path, text, size, false);
		check(path, text, size, true);
	}
	free(path);
	free(text);
	return 0;
}
