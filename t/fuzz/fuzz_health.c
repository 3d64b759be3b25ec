/* A check line: what is taken is a host and a port that can be asked for. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/health.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct health_address a;
	const char *why;

	assert(text);
	memcpy(text, data, size);
	text[size] = '\0';
	why = health_refuse(text);
	if (health_address(text, &a) == 0) {
		long port = strtol(a.port, NULL, 10);

		assert(health_kind(text) == HEALTH_TCP && !why);
		assert(port > 0 && port < 65536 && *a.host);
		assert(!strpbrk(a.host, " \t/[]@"));
	} else {
		assert(health_kind(text) != HEALTH_TCP || why);
	}
	free(text);
	return 0;
}
