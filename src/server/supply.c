#include "server/supply.h"

#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
is_plain(const char *s)
{
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("_-./@:+,=%", *s))
			return false;
	return true;
}

/* One word for a shell. */
static void
add_word(struct buf *out, const char *word)
{
	if (is_plain(word)) {
		buf_addstr(out, word);
		return;
	}
	buf_addch(out, '\'');
	for (; *word; word++)
		if (*word == '\'')
			buf_addstr(out, "'\\''");
		else
			buf_addch(out, *word);
	buf_addch(out, '\'');
}

/* "deploy@web1:", as far as this machine knows its own name. */
static void
add_host(struct buf *out)
{
	const struct passwd *pw = getpwuid(geteuid());
	char host[256];

	if (gethostname(host, sizeof(host)) < 0 || !*host)
		strcpy(host, "HOST");
	host[sizeof(host) - 1] = '\0';
	if (pw)
		buf_addf(out, "%s@", pw->pw_name);
	buf_addf(out, "%s:", host);
}

char *
supply_command(const struct store *s, const char *path)
{
	/* sshd sets it; local: comes without. */
	bool remote = getenv("SSH_CONNECTION") != NULL;
	struct buf command = BUF_INIT, to = BUF_INIT;

	if (remote)
		add_host(&to);
	buf_addf(&to, "%s/shared/%s", s->path, path);
	buf_addstr(&command, remote ? "scp " : "cp ");
	add_word(&command, path);
	buf_addch(&command, ' ');
	add_word(&command, to.data);
	buf_release(&to);
	return buf_detach(&command);
}
