/* What is authorized: one public key, and nothing that could be taken for it. */
#include "server/keyfile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io.h"

#define KEY_MOST 65536

static int
read_input(struct buf *text, struct error *err)
{
	ssize_t n;

	do {
		n = io_read_some(STDIN_FILENO, text, 4096);
		if (n < 0)
			return error_errno(err, "standard input");
		if (text->len > KEY_MOST)
			return error_set(err,
				"standard input is longer than any key");
	} while (n > 0);
	return 0;
}

static bool
has(const struct buf *text, const char *word)
{
	return memmem(buf_str(text), text->len, word, strlen(word)) != NULL;
}

/* The files that are given by mistake, each with what to do. */
static int
check_kind(const char *path, const struct buf *text, struct error *err)
{
	if (has(text, "PRIVATE KEY-----") ||
		has(text, "PuTTY-User-Key-File-")) {
		error_set(err,
			"it is a private key, which nobody but its owner "
			"should have");
		return error_hint(err,
			"give the public one, which ends in .pub: ssh-keygen "
			"-y -f FILE prints it where the private one is");
	}
	if (has(text, "BEGIN SSH2 PUBLIC KEY")) {
		error_set(err, "it is a key in another form");
		return error_hint(err,
			"ssh-keygen -i -f %s | deployd "
			"authorize - ...",
			path);
	}
	return 0;
}

static bool
is_clean(const char *s)
{
	for (; *s; s++)
		if (iscntrl((unsigned char)*s))
			return false;
	return true;
}

static int
check_key(const struct authorized_key *key, struct error *err)
{
	if (*key->options) {
		error_set(err, "there are options in front of the key");
		return error_hint(err,
			"give the key alone, `TYPE BASE64 COMMENT'");
	}
	if (!is_clean(key->comment))
		return error_set(err, "its comment has control characters");
	return authorized_key_check(key, err);
}

/* Each line is one, empty or a comment; exactly one is a key. */
static int
find_key(const struct buf *text, struct authorized_key *key, struct error *err)
{
	const char *s = buf_str(text), *end = s + text->len;
	bool found = false;

	while (s < end) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		size_t len = (size_t)((nl ? nl : end) - s);
		struct authorized_key one;
		int rc = authorized_key_parse(&one, s, len);

		if (rc < 0)
			return error_set(err, "it is no public key");
		if (rc > 0 && found) {
			authorized_key_release(&one);
			return error_set(err, "it has more than one key");
		}
		if (rc > 0) {
			*key = one;
			found = true;
		}
		s += len + 1;
	}
	return found ? check_key(key, err) : error_set(err, "it has no key");
}

int
keyfile_read_key(const char *path, struct authorized_key *key,
	struct error *err)
{
	bool input = strcmp(path, "-") == 0;
	struct buf text = BUF_INIT;
	int rc;

	memset(key, 0, sizeof(*key));
	rc = input ? read_input(&text, err) :
		     io_read_file(AT_FDCWD, path, KEY_MOST, &text, err);
	if (rc == 0) {
		rc = check_kind(path, &text, err);
		if (rc == 0)
			rc = find_key(&text, key, err);
		if (rc < 0)
			error_prefix(err,
				"%s: ", input ? "standard input" : path);
	}
	buf_release(&text);
	return rc;
}
