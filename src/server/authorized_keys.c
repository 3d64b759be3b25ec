#include "server/authorized_keys.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "server/config.h"

/*
 * The strings of a public key's blob behind the type, RFC 4253 and what
 * OpenSSH has added: '*' any, '3' 32 bytes, 'c' the curve at the type's end.
 */
static const struct {
	const char *type, *parts;
} kinds[] = {
	{ "ssh-ed25519", "3" },
	{ "ssh-rsa", "**" },
	{ "ecdsa-sha2-nistp256", "c*" },
	{ "ecdsa-sha2-nistp384", "c*" },
	{ "ecdsa-sha2-nistp521", "c*" },
	{ "sk-ssh-ed25519@openssh.com", "3*" },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", "c**" },
};

#define RSA_LEAST 129 /* bytes of a modulus of 1024 bits, with its sign */

struct bytes {
	const uint8_t *p;
	size_t len;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A string of the SSH protocol: its length in four bytes, then itself. */
static int
take_string(struct bytes *from, struct bytes *out)
{
	size_t n;

	if (from->len < 4)
		return -1;
	n = (size_t)from->p[0] << 24 | (size_t)from->p[1] << 16 |
		(size_t)from->p[2] << 8 | from->p[3];
	if (n > from->len - 4)
		return -1;
	out->p = from->p + 4;
	out->len = n;
	from->p += 4 + n;
	from->len -= 4 + n;
	return 0;
}

static bool
is_text(const struct bytes *b, const char *text, size_t len)
{
	return b->len == len && memcmp(b->p, text, len) == 0;
}

/* The word at *s up to a blank; *s and *len become what is behind it. */
static struct bytes
take_word(const char **s, size_t *len)
{
	struct bytes word = { (const uint8_t *)*s, 0 };

	while (word.len < *len && !is_blank((*s)[word.len]))
		word.len++;
	*s += word.len;
	*len -= word.len;
	while (*len && is_blank(**s)) {
		++*s;
		--*len;
	}
	return word;
}

/* A type and a blob that begins with the same type: 1, else 0. */
static int
try_key(struct authorized_key *k, const char *s, size_t len)
{
	struct bytes type = take_word(&s, &len), all, first;
	struct bytes text = take_word(&s, &len);
	struct buf blob = BUF_INIT;

	if (base64_decode(&blob, (const char *)text.p, text.len) == 0) {
		all = (struct bytes){ (const uint8_t *)buf_str(&blob),
			blob.len };
		if (take_string(&all, &first) == 0 && first.len &&
			!memchr(type.p, '\0', type.len) &&
			is_text(&first, (const char *)type.p, type.len)) {
			k->type = mem_strndup((const char *)type.p, type.len);
			k->comment = mem_strndup(s, len);
			k->blob = blob;
			return 1;
		}
	}
	buf_release(&blob);
	return 0;
}

/* The bytes of the options: to the first blank outside of quotes. */
static size_t
options_length(const char *s, size_t len)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < len && (quoted || !is_blank(s[i])); i++) {
		if (s[i] == '\\' && i + 1 < len && s[i + 1] == '"')
			i++;
		else if (s[i] == '"')
			quoted = !quoted;
	}
	return i;
}

int
authorized_key_parse(struct authorized_key *k, const char *line, size_t len)
{
	size_t n, skip;

	memset(k, 0, sizeof(*k));
	while (len && (line[len - 1] == '\r' || is_blank(line[len - 1])))
		len--;
	while (len && is_blank(*line)) {
		line++;
		len--;
	}
	if (len == 0 || *line == '#')
		return 0;
	n = 0;
	if (!try_key(k, line, len)) {
		n = skip = options_length(line, len);
		while (skip < len && is_blank(line[skip]))
			skip++;
		if (!try_key(k, line + skip, len - skip))
			return -1;
	}
	k->options = mem_strndup(line, n);
	return 1;
}

void
authorized_key_release(struct authorized_key *k)
{
	free(k->options);
	free(k->type);
	free(k->comment);
	buf_release(&k->blob);
	memset(k, 0, sizeof(*k));
}

static bool
part_fits(char kind, const struct authorized_key *k, const struct bytes *part)
{
	const char *dash = strrchr(k->type, '-');

	if (kind == '3')
		return part->len == 32;
	if (kind == 'c')
		return is_text(part, dash + 1, strlen("nistp256"));
	return part->len > 0;
}

static int
check_parts(const struct authorized_key *k, const char *parts,
	struct error *err)
{
	struct bytes all = { (const uint8_t *)buf_str(&k->blob), k->blob.len };
	struct bytes part = { NULL, 0 };
	bool good = take_string(&all, &part) == 0;

	for (; good && *parts; parts++)
		good = take_string(&all, &part) == 0 &&
			part_fits(*parts, k, &part);
	if (!good || all.len)
		return error_set(err, "it is no whole %s key: was it cut off?",
			k->type);
	if (strcmp("ssh-rsa", k->type) == 0 && part.len < RSA_LEAST)
		return error_set(err,
			"an RSA key of under 1024 bits, which sshd does not "
			"take");
	return 0;
}

int
authorized_key_check(const struct authorized_key *k, struct error *err)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].type, k->type) == 0)
			return check_parts(k, kinds[i].parts, err);
	if (strstr(k->type, "-cert-v01@"))
		return error_set(err,
			"it is a certificate: authorize the key itself");
	return error_set(err, "keys of type %s are not taken", k->type);
}

void
authorized_key_fingerprint(const struct authorized_key *k, struct buf *out)
{
	uint8_t digest[DIGEST_SIZE];

	digest_bytes(buf_str(&k->blob), k->blob.len, digest);
	buf_addstr(out, "SHA256:");
	base64_encode(out, digest, sizeof(digest));
	buf_truncate(out, out->len - 1); /* its one '=' */
}

/* The value of the option at s if it is command="...", unquoted. */
static bool
take_command(const char *s, struct buf *out)
{
	if (strncasecmp(s, "command=\"", 9) != 0)
		return false;
	for (s += 9; *s && *s != '"'; s++) {
		if (s[0] == '\\' && s[1] == '"')
			s++;
		buf_addch(out, *s);
	}
	return *s == '"';
}

/* Options are separated by commas outside of quotes. */
static bool
find_command(const char *s, struct buf *out)
{
	bool quoted = false, start = true;

	for (; *s; s++) {
		buf_clear(out);
		if (start && take_command(s, out))
			return true;
		start = *s == ',' && !quoted;
		if (s[0] == '\\' && s[1] == '"')
			s++;
		else if (*s == '"')
			quoted = !quoted;
	}
	return false;
}

/* --name=value or --name value at *i: whether it is there. */
static bool
take_limit(const struct strv *words, size_t *i, const char *name, char **value)
{
	const char *word = words->v[*i];
	size_t len = strlen(name);

	if (strncmp(word, name, len) != 0)
		return false;
	if (word[len] == '=')
		word += len + 1;
	else if (!word[len] && *i + 1 < words->n)
		word = words->v[++*i];
	else
		return false;
	free(*value);
	*value = mem_strdup(word);
	return true;
}

static bool
is_deployd(const struct strv *words)
{
	return words->n > 0 && strcmp(path_leaf(words->v[0]), "deployd") == 0 &&
		strv_has(words, "--serve");
}

void
authorized_limits_parse(struct authorized_limits *l, const char *options)
{
	struct buf command = BUF_INIT;
	struct strv words = STRV_INIT;
	char *root = NULL;
	size_t i;

	memset(l, 0, sizeof(*l));
	l->forced = find_command(options, &command);
	if (l->forced)
		strv_split(&words, buf_str(&command), " \t");
	l->serves = is_deployd(&words);
	for (i = 1; l->serves && i < words.n; i++) {
		if (take_limit(&words, &i, "--app", &l->app) ||
			take_limit(&words, &i, "--allow", &l->allow) ||
			take_limit(&words, &i, "--as", &l->as) ||
			take_limit(&words, &i, "--hooks", &l->hooks) ||
			take_limit(&words, &i, "--root", &root) ||
			!strcmp(words.v[i], "--serve") || l->stray)
			continue;
		l->stray = mem_strdup(words.v[i]);
	}
	free(root);
	buf_release(&command);
	strv_release(&words);
}

int
authorized_limits_check(const struct authorized_limits *l, struct error *err)
{
	struct config c;
	int rc;

	if (l->stray)
		return error_set(err, "deployd does not know `%s'", l->stray);
	memset(&c, 0, sizeof(c));
	rc = config_restrict(&c, l->app, l->allow, l->as, l->hooks, err);
	config_release(&c);
	return rc;
}

void
authorized_limits_release(struct authorized_limits *l)
{
	free(l->app);
	free(l->allow);
	free(l->as);
	free(l->hooks);
	free(l->stray);
	memset(l, 0, sizeof(*l));
}
