/*
 * What `ssh -G' prints, and what -o says: any text.  There always is a host, a
 * user and a home.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "transport/ssh_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct buf out = BUF_INIT;
	struct ssh_config c;
	char *space;
	size_t i;

	if (!text)
		abort();
	ssh_config_init(&c, "web1");
	ssh_config_parse(&c, text);
	for (i = 0; i < c.identities.n; i++)
		(void)ssh_config_expand(&c, c.identities.v[i], &out);
	(void)ssh_config_expand(&c, text, &out);
	space = strchr(text, ' ');
	if (space) {
		*space = '\0';
		(void)ssh_config_set(&c, text, space + 1);
	}
	assert(c.host && c.hostname && c.user && c.login && c.home);
	ssh_config_release(&c);
	buf_release(&out);
	free(text);
	return 0;
}
