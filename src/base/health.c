#include "health.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HERE "127.0.0.1"

static const char *
behind(const char *s, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(s, prefix, len) ? NULL : s + len;
}

enum health_kind
health_kind(const char *check)
{
	if (behind(check, "http://") || behind(check, "https://"))
		return HEALTH_HTTP;
	return behind(check, "tcp:") ? HEALTH_TCP : HEALTH_COMMAND;
}

static int
take_port(const char *s, char port[static 6])
{
	size_t len = strspn(s, "0123456789");
	long n;

	if (len == 0 || len > 5 || s[len])
		return -1;
	n = strtol(s, NULL, 10);
	if (n < 1 || n > 65535)
		return -1;
	snprintf(port, 6, "%ld", n);
	return 0;
}

static int
take_host(const char *s, size_t len, char host[static HEALTH_HOST_MOST + 1])
{
	size_t i;

	if (len > 1 && *s == '[' && s[len - 1] == ']') {
		s++;
		len -= 2;
	} else if (memchr(s, ':', len)) {
		return -1; /* of an IPv6 address, or of a URL */
	}
	if (len == 0 || len > HEALTH_HOST_MOST)
		return -1;
	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr(".:_%-", s[i]))
			return -1;
	memcpy(host, s, len);
	host[len] = '\0';
	return 0;
}

int
health_address(const char *check, struct health_address *a)
{
	const char *s = behind(check, "tcp:"), *colon;

	if (!s)
		return -1;
	colon = strrchr(s, ':');
	if (!colon) {
		snprintf(a->host, sizeof(a->host), "%s", HERE);
		return take_port(s, a->port);
	}
	if (take_host(s, (size_t)(colon - s), a->host) < 0)
		return -1;
	return take_port(colon + 1, a->port);
}

const char *
health_refuse(const char *check)
{
	struct health_address a;
	const char *s;

	switch (health_kind(check)) {
	case HEALTH_TCP:
		if (health_address(check, &a) < 0)
			return "expected tcp:PORT or tcp:HOST:PORT";
		return NULL;
	case HEALTH_HTTP:
		s = strstr(check, "://") + 3;
		if (!isalnum((unsigned char)*s) && *s != '[')
			return "the URL has no host";
		for (; *s; s++)
			if ((unsigned char)*s <= ' ' || *s == 0x7f)
				return "a URL has no blanks";
		return NULL;
	default:
		return NULL;
	}
}
