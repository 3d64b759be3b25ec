#include "known_hosts_match.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/hmac.h"

/* Whether name matches pattern, in which * and ? are wild; ignores case. */
static bool
glob(const char *pattern, size_t len, const char *name)
{
	const char *end = pattern + len, *star = NULL, *from = NULL;

	for (;;) {
		if (pattern < end && *pattern == '*') {
			star = ++pattern;
			from = name;
		} else if (*name && pattern < end &&
			(*pattern == '?' ||
				tolower((unsigned char)*pattern) == *name)) {
			pattern++;
			name++;
		} else if (!*name && pattern == end) {
			return true;
		} else if (star && *from) {
			pattern = star;
			name = ++from;
		} else {
			return false;
		}
	}
}

/* A list of patterns: one that begins with ! takes the host out. */
static bool
match_list(const char *list, size_t len, const char *name)
{
	const char *end = list + len;
	bool found = false;

	while (list < end) {
		const char *comma = memchr(list, ',', (size_t)(end - list));
		size_t n = (size_t)((comma ? comma : end) - list);
		bool negated = n > 0 && *list == '!';

		if (glob(list + negated, n - negated, name)) {
			if (negated)
				return false;
			found = true;
		}
		list += n + 1;
	}
	return found;
}

/* |1|salt|hash: 1, 0 or, if it is none, -1. */
static int
match_hashed(const char *text, size_t len, const char *name)
{
	struct buf salt = BUF_INIT, hash = BUF_INIT;
	uint8_t mac[HMAC_SHA1_SIZE];
	const char *bar;
	int rc = -1;

	if (len < 3 || memcmp(text, "|1|", 3) != 0)
		return -1;
	text += 3;
	len -= 3;
	bar = memchr(text, '|', len);
	if (bar && base64_decode(&salt, text, (size_t)(bar - text)) == 0 &&
		base64_decode(&hash, bar + 1, len - (size_t)(bar + 1 - text)) ==
			0 &&
		salt.len > 0 && hash.len == sizeof(mac)) {
		hmac_sha1(salt.data, salt.len, name, strlen(name), mac);
		rc = memcmp(mac, hash.data, sizeof(mac)) == 0;
	}
	buf_release(&salt);
	buf_release(&hash);
	return rc;
}

int
known_hosts_match(const char *names, size_t len, const char *name)
{
	if (len > 0 && *names == '|')
		return match_hashed(names, len, name);
	return match_list(names, len, name);
}
