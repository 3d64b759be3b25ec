/* Any text is parsed or refused, and what was parsed is as the manual says. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct settings_known known[] = {
	{ "app", false, "dir", false },
	{ "hooks", false, "build", true },
	{ "remote", true, "url", true },
	{ NULL, false, NULL, false },
};

static void
check_setting(const struct settings *s, const struct setting *e)
{
	struct error err = ERROR_INIT;
	long long size = 0;
	long seconds = 0;
	bool yes = false;

	assert(e->section[0] && e->key[0] && e->line > 0);
	assert(!strpbrk(e->section, " \t[]\"\n"));
	assert(!strpbrk(e->key, " \t=\n"));
	assert(!strpbrk(e->value, "\r\n"));
	assert(settings_get(s, e->section, e->name, e->key));
	if (settings_size(s, e, &size, &err) == 0)
		assert(size >= 0);
	if (settings_seconds(s, e, &seconds, &err) == 0)
		assert(seconds >= 0);
	(void)settings_bool(s, e, &yes, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings s = SETTINGS_INIT;
	struct error err = ERROR_INIT;
	size_t i;

	if (settings_parse(&s, "f", (const char *)data, size, &err) < 0)
		assert(!strncmp(err.text, "f:", 2));
	else
		(void)settings_check(&s, known, &err);
	for (i = 0; i < s.n; i++)
		check_setting(&s, &s.v[i]);
	settings_release(&s);
	return 0;
}
