/*
 * What `ssh -G' prints, and what -o says: any text.  There always is a host, a
 * user and a home.  The accounts are two of ours: those of the system are
 * files, and would be read for each input.
 */
#include <assert.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "transport/ssh_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char names[2][4] = { "ann", "bob" };
static char homes[2][12] = { "/home/ann", "/home/bob" };

static int
account(int i, struct passwd *pw, struct passwd **found)
{
	memset(pw, 0, sizeof(*pw));
	pw->pw_name = names[i];
	pw->pw_dir = homes[i];
	*found = pw;
	return 0;
}

int
getpwuid_r(uid_t uid, struct passwd *pw, char *text, size_t size,
	struct passwd **found)
{
	return account(0, pw, found);
}

int
getpwnam_r(const char *name, struct passwd *pw, char *text, size_t size,
	struct passwd **found)
{
	int i;

	*found = NULL;
	for (i = 0; i < 2; i++)
		if (!strcmp(name, names[i]))
			return account(i, pw, found);
	return 0;
}

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
