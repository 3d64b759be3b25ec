/*
 * The place of libcurl, without which deployd can be built, and run: with the
 * thirty libraries below it, it would take longer to load than the rest of a
 * deploy that changes nothing takes here.  So it is loaded for a check.
 */
#include "server/reach.h"

#include <stdio.h>
#include <string.h>

#ifdef WITH_CURL
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdbool.h>

/* So much of an answer is read; the status is known before. */
#define BODY_MOST (1 << 20)

struct curl {
	void *library;
	CURL *(*easy_init)(void);
	CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
	CURLcode (*easy_perform)(CURL *);
	CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
	const char *(*easy_strerror)(CURLcode);
	void (*easy_cleanup)(CURL *);
};

/* POSIX has it that a function's address is one of an object. */
static bool
find(const struct curl *c, const char *name, void *function)
{
	void *found = dlsym(c->library, name);

	memcpy(function, &found, sizeof(found));
	return found;
}

/* It stays loaded: the process ends with the check. */
static bool
load(struct curl *c)
{
	c->library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	return c->library && find(c, "curl_easy_init", &c->easy_init) &&
		find(c, "curl_easy_setopt", &c->easy_setopt) &&
		find(c, "curl_easy_perform", &c->easy_perform) &&
		find(c, "curl_easy_getinfo", &c->easy_getinfo) &&
		find(c, "curl_easy_strerror", &c->easy_strerror) &&
		find(c, "curl_easy_cleanup", &c->easy_cleanup);
}

const char *
http_library(void)
{
	struct curl c;

	return load(&c) ? "libcurl " LIBCURL_VERSION : NULL;
}

static size_t
drop(char *data, size_t size, size_t n, void *arg)
{
	size_t *seen = arg;

	*seen += size * n;
	return *seen > BODY_MOST ? 0 : size * n;
}

static void
set_up(const struct curl *lib, CURL *c, const char *url, size_t *seen,
	char *why)
{
	lib->easy_setopt(c, CURLOPT_URL, url);
#if LIBCURL_VERSION_NUM >= 0x075500
	lib->easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	lib->easy_setopt(c, CURLOPT_PROTOCOLS,
		(long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	/* Whatever the environment says of proxies: it asks this machine. */
	lib->easy_setopt(c, CURLOPT_PROXY, "");
	lib->easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	lib->easy_setopt(c, CURLOPT_USERAGENT, "deployd/" VERSION);
	lib->easy_setopt(c, CURLOPT_WRITEFUNCTION, drop);
	lib->easy_setopt(c, CURLOPT_WRITEDATA, seen);
	lib->easy_setopt(c, CURLOPT_ERRORBUFFER, why);
}

static int
judge(const struct curl *lib, CURL *c, CURLcode rc, const char *why, char *got,
	size_t size)
{
	long status = 0, code = 0;

	lib->easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	lib->easy_getinfo(c, CURLINFO_OS_ERRNO, &code);
	if (status && (rc == CURLE_OK || rc == CURLE_WRITE_ERROR)) {
		snprintf(got, size, "status %ld", status);
		return status >= 200 && status < 400 ? 0 : -1;
	}
	if (rc == CURLE_COULDNT_CONNECT && code)
		snprintf(got, size, "%s", strerror((int)code));
	else
		snprintf(got, size, "%s", *why ? why : lib->easy_strerror(rc));
	return -1;
}

int
http_check(const char *url, char *got, size_t size)
{
	char why[CURL_ERROR_SIZE] = "";
	size_t seen = 0;
	struct curl lib;
	CURL *c = load(&lib) ? lib.easy_init() : NULL;
	int rc;

	if (!c) {
		snprintf(got, size, "libcurl cannot be used");
		return -1;
	}
	set_up(&lib, c, url, &seen, why);
	rc = judge(&lib, c, lib.easy_perform(c), why, got, size);
	lib.easy_cleanup(c);
	return rc;
}

#else

const char *
http_library(void)
{
	return NULL;
}

int
http_check(const char *url, char *got, size_t size)
{
	snprintf(got, size, "%s; %s", HTTP_MISSING, HTTP_INSTEAD);
	return -1;
}

#endif
