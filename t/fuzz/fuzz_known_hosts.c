/* known_hosts files: any text, and any key that a host may show. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transport/known_hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A line that is written for a key makes it known. */
static void
check_line(const char *host, int port, const struct known_hosts_entry *e,
	const unsigned char *salt)
{
	const struct known_hosts_entry *entry;
	struct buf line = BUF_INIT;
	struct known_hosts k;

	known_hosts_init(&k, host, port);
	known_hosts_line(k.name, e->type, e->blob.data, e->blob.len, salt,
		&line);
	known_hosts_text(&k, "f", line.data, line.len);
	assert(k.n == 1 && k.v[0].marker == KNOWN_HOSTS_PLAIN);
	assert(known_hosts_check(&k, e->type, e->blob.data, e->blob.len,
		       &entry) == KNOWN_HOSTS_MATCH);
	buf_release(&line);
	known_hosts_release(&k);
}

static void
check(const char *host, int port, const char *text, size_t len)
{
	struct buf order = BUF_INIT;
	const struct known_hosts_entry *entry;
	struct known_hosts k;
	size_t i;

	known_hosts_init(&k, host, port);
	known_hosts_text(&k, "f", text, len);
	for (i = 0; i < k.n; i++) {
		const struct known_hosts_entry *e = &k.v[i];
		enum known_hosts_result r = known_hosts_check(&k, e->type,
			e->blob.data, e->blob.len, &entry);

		assert(e->line > 0);
		/* Its own key is taken, unless a line revokes it. */
		if (e->marker == KNOWN_HOSTS_PLAIN && !e->portless)
			assert(r == KNOWN_HOSTS_MATCH ||
				r == KNOWN_HOSTS_REVOKED_KEY);
		if (e->marker == KNOWN_HOSTS_REVOKED)
			assert(r == KNOWN_HOSTS_REVOKED_KEY);
		assert(known_hosts_check(&k, e->type, "x", 1, &entry) !=
			KNOWN_HOSTS_MATCH);
		check_line(host, port, e, NULL);
		check_line(host, port, e,
			(const unsigned char *)"twenty bytes of salt");
	}
	known_hosts_order(&k, "ssh-ed25519,rsa-sha2-512,ssh-rsa", &order);
	assert(order.len == strlen("ssh-ed25519,rsa-sha2-512,ssh-rsa"));
	buf_release(&order);
	known_hosts_release(&k);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *type = known_hosts_type(data, size);

	free(type);
	check("web1", 22, (const char *)data, size);
	check("web1", 2222, (const char *)data, size);
	return 0;
}
