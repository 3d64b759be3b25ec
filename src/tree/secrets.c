#include "tree/secrets.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

#define LOOK_MOST 4096 /* bytes that are searched */

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), len = strlen(end);

	return n > len && !strcmp(name + n - len, end);
}

/* A key in PEM, or one line of text as Rails' master.key is. */
static bool
holds_key(const char *text)
{
	size_t line;

	if (strstr(text, "PRIVATE KEY"))
		return true;
	line = strcspn(text, "\1\n");
	return line && line < 512 && text[line + (text[line] == '\n')] == '\0';
}

/* A token in it, rather than the name of a variable. */
static bool
holds_token(const char *text)
{
	const char *at = text;

	while ((at = strstr(at, "_authToken"))) {
		at += strlen("_authToken");
		at += strspn(at, " \t=\"'");
		if (*at && *at != '$' && *at != '\n' && *at != '\r')
			return true;
	}
	return false;
}

static bool
holds_private_key(const char *text)
{
	return strstr(text, "PRIVATE KEY") != NULL;
}

static bool
holds_password(const char *text)
{
	return strstr(text, "password") != NULL;
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

/* What tells of the contents where the name does not, or NULL: harmless. */
static bool (*look_for(const char *name))(const char *text)
{
	if (ends_with(name, ".pem"))
		return holds_private_key;
	if (ends_with(name, ".key"))
		return holds_key;
	if (!strcmp(name, ".npmrc"))
		return holds_token;
	if (!strcmp(name, ".pypirc"))
		return holds_password;
	return NULL;
}

/* Makes a string of the n bytes that were read, if any were. */
static const char *
as_string(char text[static LOOK_MOST + 1], ssize_t n)
{
	ssize_t i;

	n = n < 0 ? 0 : n;
	for (i = 0; i < n; i++)
		if (!text[i])
			text[i] = '\1';
	text[n] = '\0';
	return text;
}

bool
secrets_look_like(int dirfd, const char *name)
{
	bool (*holds)(const char *text) = look_for(name);
	char text[LOOK_MOST + 1];
	ssize_t n = 0;
	int fd;

	if (is_env(name) || is_known_name(name))
		return true;
	if (!holds)
		return false;
	fd = openat(dirfd, name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		n = io_read_full(fd, text, LOOK_MOST);
	io_close(&fd);
	return holds(as_string(text, n));
}

bool
secrets_look_like_at(int fd, uint64_t offset, uint64_t size, const char *name)
{
	bool (*holds)(const char *text) = look_for(name);
	char text[LOOK_MOST + 1];

	if (is_env(name) || is_known_name(name))
		return true;
	if (!holds)
		return false;
	size = size < LOOK_MOST ? size : LOOK_MOST;
	return holds(as_string(text, pread(fd, text, size, (off_t)offset)));
}
