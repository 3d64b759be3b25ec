/* An app's env file: what is read are NAME=value strings. */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/hooks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strv env = STRV_INIT;
	struct error err = ERROR_INIT;
	size_t i;

	if (env_parse("env", (const char *)data, size, &env, &err) < 0)
		assert(!strncmp(err.text, "env", 3));
	for (i = 0; i < env.n; i++) {
		const char *s = env.v[i], *sign = strchr(s, '=');

		assert(sign && sign > s && !isdigit((unsigned char)*s));
		for (; s < sign; s++)
			assert(isalnum((unsigned char)*s) || *s == '_');
	}
	strv_release(&env);
	return 0;
}
