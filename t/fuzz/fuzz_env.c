/*
 * An app's env file: what is read are NAME=value strings, each name once; and
 * what is written is read as it was meant.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct strv *env)
{
	size_t i;

	for (i = 0; i < env->n; i++) {
		const char *s = env->v[i];
		size_t len = env_name_length(s);

		assert(s[len] == '=' && env_is_name(s, len));
		assert(env_find(env, s, len) == s);
	}
}

/* The text with one variable changed: the others are as before. */
static void
change(const char *text, size_t size, const struct strv *env)
{
	static const char *const pairs[] = { "A=x", "A= \\'\"$`\n\\", "NEW=" };
	struct strv changes = STRV_INIT, again = STRV_INIT;
	struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;
	const char *pair = pairs[size % 3];
	size_t i, len = env_name_length(pair);

	strv_add(&changes, pair);
	if (env_edit("env", text, size, &changes, &out, &err) == 0) {
		env_read(buf_str(&out), out.len, &again);
		check(&again);
		assert(!strcmp(env_find(&again, pair, len), pair));
		assert(again.n == env->n + !env_find(env, pair, len));
		for (i = 0; i < env->n; i++) {
			const char *s = env->v[i];
			size_t n = env_name_length(s);

			assert((n == len && !strncmp(s, pair, n)) ||
				!strcmp(env_find(&again, s, n), s));
		}
	} else {
		assert(!strncmp(err.text, "env:", 4));
	}
	strv_release(&changes);
	strv_release(&again);
	buf_release(&out);
}

/* All of it anew. */
static void
rewrite(const struct strv *env)
{
	struct strv again = STRV_INIT;
	struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;
	size_t i;

	for (i = 0; i < env->n; i++)
		env_write(env->v[i], &out);
	assert(env_parse("env", buf_str(&out), out.len, &again, &err) == 0);
	assert(again.n == env->n);
	for (i = 0; i < env->n; i++)
		assert(!strcmp(env->v[i], again.v[i]));
	strv_release(&again);
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = data ? (const char *)data : "";
	struct strv env = STRV_INIT, strict = STRV_INIT;
	struct error err = ERROR_INIT;

	env_read(text, size, &env);
	check(&env);
	if (env_parse("env", text, size, &strict, &err) < 0)
		assert(!strncmp(err.text, "env:", 4));
	else
		assert(strict.n == env.n);
	change(text, size, &env);
	rewrite(&env);
	strv_release(&env);
	strv_release(&strict);
	return 0;
}
