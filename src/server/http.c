/* The place of libcurl, without which deployd can be built. */
#include "server/reach.h"

#include <stdio.h>
#include <string.h>

#ifdef WITH_CURL
#include <curl/curl.h>

/* So much of an answer is read; the status is known before. */
#define BODY_MOST (1 << 20)

const char *
http_library(void)
{
	return "libcurl " LIBCURL_VERSION;
}

static size_t
drop(char *data, size_t size, size_t n, void *arg)
{
	size_t *seen = arg;

	*seen += size * n;
	return *seen > BODY_MOST ? 0 : size * n;
}

static void
set_up(CURL *c, const char *url, size_t *seen, char *why)
{
	curl_easy_setopt(c, CURLOPT_URL, url);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(c, CURLOPT_PROTOCOLS,
		(long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	/* Whatever the environment says of proxies: it asks this machine. */
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "deployd/" VERSION);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, drop);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, seen);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
}

static int
judge(CURL *c, CURLcode rc, const char *why, char *got, size_t size)
{
	long status = 0, code = 0;

	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c, CURLINFO_OS_ERRNO, &code);
	if (status && (rc == CURLE_OK || rc == CURLE_WRITE_ERROR)) {
		snprintf(got, size, "status %ld", status);
		return status >= 200 && status < 400 ? 0 : -1;
	}
	if (rc == CURLE_COULDNT_CONNECT && code)
		snprintf(got, size, "%s", strerror((int)code));
	else
		snprintf(got, size, "%s", *why ? why : curl_easy_strerror(rc));
	return -1;
}

int
http_check(const char *url, char *got, size_t size)
{
	char why[CURL_ERROR_SIZE] = "";
	size_t seen = 0;
	CURL *c = curl_easy_init();
	int rc;

	if (!c) {
		snprintf(got, size, "libcurl cannot be used");
		return -1;
	}
	set_up(c, url, &seen, why);
	rc = judge(c, curl_easy_perform(c), why, got, size);
	curl_easy_cleanup(c);
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
