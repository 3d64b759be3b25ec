#include "tree/secrets.h"

#include <fcntl.h>
#include <string.h>

#include "base/io.h"

#define LOOK_MOST 4096 /* bytes that are searched */

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), len = strlen(end);

	return n > len && !strcmp(name + n - len, end);
}

/* The file's first bytes as a string, "" if they cannot be read. */
static const char *
first_bytes(int dirfd, const char *name, char text[static LOOK_MOST + 1])
{
	int fd = openat(dirfd, name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : io_read_full(fd, text, LOOK_MOST), i;

	io_close(&fd);
	n = n < 0 ? 0 : n;
	for (i = 0; i < n; i++)
		if (!text[i])
			text[i] = '\1';
	text[n] = '\0';
	return text;
}

static bool
contains(int dirfd, const char *name, const char *what)
{
	char text[LOOK_MOST + 1];

	return strstr(first_bytes(dirfd, name, text), what) != NULL;
}

/* A key in PEM, or one line of text as Rails' master.key is. */
static bool
holds_key(int dirfd, const char *name)
{
	char text[LOOK_MOST + 1];
	size_t line;

	first_bytes(dirfd, name, text);
	if (strstr(text, "PRIVATE KEY"))
		return true;
	line = strcspn(text, "\1\n");
	return line && line < 512 && text[line + (text[line] == '\n')] == '\0';
}

/* A token in it, rather than the name of a variable. */
static bool
holds_token(int dirfd, const char *name)
{
	char text[LOOK_MOST + 1];
	const char *at = first_bytes(dirfd, name, text);

	while ((at = strstr(at, "_authToken"))) {
		at += strlen("_authToken");
		at += strspn(at, " \t=\"'");
		if (*at && *at != '$' && *at != '\n' && *at != '\r')
			return true;
	}
	return false;
}

static bool
is_env(const char *name)
{
	static const char *const harmless[] = { ".example", ".sample",
		".template", ".dist", ".defaults", ".schema" };
	size_t i;

	if (strncmp(name, ".env", 4) != 0 || (name[4] && name[4] != '.'))
		return false;
	for (i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		if (ends_with(name, harmless[i]))
			return false;
	return true;
}

static bool
is_known_name(const char *name)
{
	static const char *const names[] = { "id_rsa", "id_dsa", "id_ecdsa",
		"id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", ".netrc",
		"_netrc", ".pgpass", ".my.cnf", ".git-credentials",
		"credentials.json", "client_secret.json",
		"service-account.json", "service_account.json" };
	static const char *const ends[] = { ".p12", ".pfx", ".ppk", ".kdbx",
		".jks", ".keystore" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return true;
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (ends_with(name, ends[i]))
			return true;
	return false;
}

bool
secrets_look_like(int dirfd, const char *name)
{
	if (is_env(name) || is_known_name(name))
		return true;
	if (ends_with(name, ".pem"))
		return contains(dirfd, name, "PRIVATE KEY");
	if (ends_with(name, ".key"))
		return holds_key(dirfd, name);
	if (!strcmp(name, ".npmrc"))
		return holds_token(dirfd, name);
	if (!strcmp(name, ".pypirc"))
		return contains(dirfd, name, "password");
	return false;
}
