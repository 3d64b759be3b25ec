#include "known_hosts.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/hmac.h"
#include "base/io.h"
#include "base/mem.h"
#include "known_hosts_match.h"

#define FILE_MOST (16 * 1024 * 1024)

static char *
lower(const char *s)
{
	char *copy = mem_strdup(s), *p;

	for (p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

void
known_hosts_init(struct known_hosts *k, const char *host, int port)
{
	memset(k, 0, sizeof(*k));
	k->name = lower(host);
	if (port != 0 && port != 22) {
		k->plain = k->name;
		k->name = mem_printf("[%s]:%d", k->plain, port);
	}
}

void
known_hosts_release(struct known_hosts *k)
{
	size_t i;

	for (i = 0; i < k->n; i++) {
		free(k->v[i].file);
		free(k->v[i].type);
		buf_release(&k->v[i].blob);
	}
	free(k->v);
	free(k->name);
	free(k->plain);
	strv_release(&k->warnings);
	memset(k, 0, sizeof(*k));
}

char *
known_hosts_type(const void *blob, size_t len)
{
	const uint8_t *p = blob;
	size_t n;

	if (len < 4)
		return NULL;
	n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (n == 0 || n > 64 || n > len - 4 || memchr(p + 4, '\0', n))
		return NULL;
	return mem_strndup((const char *)p + 4, n);
}

/* The next word of a line, its length in *len; NULL at the end. */
static const char *
word(const char **p, const char *end, size_t *len)
{
	const char *start;

	while (*p < end && (**p == ' ' || **p == '\t'))
		(*p)++;
	start = *p;
	while (*p < end && **p != ' ' && **p != '\t')
		(*p)++;
	*len = (size_t)(*p - start);
	return *len ? start : NULL;
}

static bool
is_word(const char *s, size_t len, const char *want)
{
	return len == strlen(want) && memcmp(s, want, len) == 0;
}

/* Why a line is bad, or NULL; one that matches the host is added. */
static const char *
parse_line(struct known_hosts *k, const char *file, int line, const char *p,
	const char *end)
{
	struct known_hosts_entry e = { .line = line };
	const char *names, *type, *key, *why = NULL;
	size_t names_len, type_len, key_len;
	char *inner;
	int hit;

	names = word(&p, end, &names_len);
	if (!names || *names == '#')
		return NULL;
	if (*names == '@') {
		if (is_word(names, names_len, "@revoked"))
			e.marker = KNOWN_HOSTS_REVOKED;
		else if (is_word(names, names_len, "@cert-authority"))
			e.marker = KNOWN_HOSTS_AUTHORITY;
		else
			return "an unknown marker";
		names = word(&p, end, &names_len);
	}
	type = word(&p, end, &type_len);
	key = word(&p, end, &key_len);
	if (!names || !type || !key)
		return "not `host type key'";
	hit = known_hosts_match(names, names_len, k->name);
	if (hit < 0)
		return "a hashed name that is none";
	if (hit == 0 && k->plain &&
		known_hosts_match(names, names_len, k->plain) == 1) {
		e.portless = true;
		hit = 1;
	}
	if (hit == 0)
		return NULL;
	if (base64_decode(&e.blob, key, key_len) < 0) {
		why = "the key is not base64";
		goto out;
	}
	inner = known_hosts_type(e.blob.data, e.blob.len);
	if (!inner || !is_word(type, type_len, inner))
		why = "the key is not of the type it says";
	free(inner);
	if (why)
		goto out;
	e.file = mem_strdup(file);
	e.type = mem_strndup(type, type_len);
	MEM_GROW(k->v, k->n, k->cap);
	k->v[k->n++] = e;
	return NULL;
out:
	buf_release(&e.blob);
	return why;
}

void
known_hosts_text(struct known_hosts *k, const char *file, const char *text,
	size_t len)
{
	const char *p = text, *end = text + len;
	int line = 0;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end, *why;

		line++;
		if (stop > p && stop[-1] == '\r')
			why = parse_line(k, file, line, p, stop - 1);
		else
			why = parse_line(k, file, line, p, stop);
		if (why)
			strv_take(&k->warnings,
				mem_printf("%s:%d: %s; skipped", file, line,
					why));
		p = stop + 1;
	}
}

void
known_hosts_file(struct known_hosts *k, const char *path)
{
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;

	if (io_read_file(AT_FDCWD, path, FILE_MOST, &text, &err) == 0)
		known_hosts_text(k, path, buf_str(&text), text.len);
	else if (errno != ENOENT && errno != ENOTDIR)
		strv_add(&k->warnings, err.text);
	buf_release(&text);
}

static bool
same_key(const struct known_hosts_entry *e, const void *blob, size_t len)
{
	return e->blob.len == len && memcmp(e->blob.data, blob, len) == 0;
}

enum known_hosts_result
known_hosts_check(const struct known_hosts *k, const char *type,
	const void *blob, size_t len, const struct known_hosts_entry **entry)
{
	const struct known_hosts_entry *match = NULL, *changed = NULL;
	const struct known_hosts_entry *other = NULL;
	size_t i;

	for (i = 0; i < k->n; i++) {
		const struct known_hosts_entry *e = &k->v[i];
		bool same = same_key(e, blob, len);

		if (e->marker == KNOWN_HOSTS_REVOKED && same) {
			*entry = e;
			return KNOWN_HOSTS_REVOKED_KEY;
		}
		if (e->marker != KNOWN_HOSTS_PLAIN)
			continue;
		/* A line without the port may vouch, never accuse. */
		if (same && (!match || match->portless))
			match = e;
		else if (!same && !e->portless && strcmp(e->type, type) == 0 &&
			!changed)
			changed = e;
		else if (!same && !e->portless && !other)
			other = e;
	}
	*entry = match;
	/* Several keys of one type may stand in the files. */
	if (match && !(match->portless && (changed || other)))
		return KNOWN_HOSTS_MATCH;
	*entry = changed ? changed : other;
	if (changed)
		return KNOWN_HOSTS_CHANGED;
	return other ? KNOWN_HOSTS_OTHER : KNOWN_HOSTS_UNKNOWN;
}

bool
known_hosts_has(const struct known_hosts *k, const char *type)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (k->v[i].marker == KNOWN_HOSTS_PLAIN &&
			strcmp(k->v[i].type, type) == 0)
			return true;
	return false;
}

bool
known_hosts_any(const struct known_hosts *k)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (k->v[i].marker == KNOWN_HOSTS_PLAIN)
			return true;
	return false;
}

bool
known_hosts_authority(const struct known_hosts *k)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (k->v[i].marker == KNOWN_HOSTS_AUTHORITY)
			return true;
	return false;
}

static bool
algorithm_known(const struct known_hosts *k, const char *algorithm)
{
	if (strncmp(algorithm, "rsa-sha2-", 9) == 0)
		algorithm = "ssh-rsa";
	return known_hosts_has(k, algorithm);
}

void
known_hosts_order(const struct known_hosts *k, const char *algorithms,
	struct buf *out)
{
	struct strv list = STRV_INIT;
	int known;
	size_t i;

	strv_split(&list, algorithms, ",");
	for (known = 1; known >= 0; known--) {
		for (i = 0; i < list.n; i++) {
			if (algorithm_known(k, list.v[i]) != known)
				continue;
			if (out->len)
				buf_addch(out, ',');
			buf_addstr(out, list.v[i]);
		}
	}
	strv_release(&list);
}

void
known_hosts_line(const char *name, const char *type, const void *blob,
	size_t len, const unsigned char *salt, struct buf *out)
{
	uint8_t mac[HMAC_SHA1_SIZE];

	if (salt) {
		hmac_sha1(salt, HMAC_SHA1_SIZE, name, strlen(name), mac);
		buf_addstr(out, "|1|");
		base64_encode(out, salt, HMAC_SHA1_SIZE);
		buf_addch(out, '|');
		base64_encode(out, mac, sizeof(mac));
	} else {
		buf_addstr(out, name);
	}
	buf_addf(out, " %s ", type);
	base64_encode(out, blob, len);
}
