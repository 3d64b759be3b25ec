/* Targets: any words; what is taken has parts that are safe to pass on. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "client/project.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What ssh is given as an argument. */
static void
check_name(const char *s)
{
	assert(*s && *s != '-');
	assert(!strpbrk(s, " \t\r\n/'\"`$\\;&<>|(){}"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct target t = { 0 };
	struct error err = ERROR_INIT;

	if (!text)
		abort();
	if (target_parse(&t, text, &err) < 0) {
		assert(err.status == STATUS_USAGE && err.text[0]);
	} else {
		assert(path_is_app(t.app) && t.local == !t.host);
		assert(t.port >= 0 && t.port <= 65535);
		if (t.host)
			check_name(t.host);
		if (t.user)
			check_name(t.user);
	}
	target_release(&t);
	free(text);
	return 0;
}
