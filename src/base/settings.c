#include "settings.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mem.h"

/* Where the parser is. */
struct place {
	struct settings *s;
	char *section, *name;
	int line;
	struct error *err;
};

static int
complain(struct place *p, const char *what)
{
	return error_set(p->err, "%s:%d: %s", p->s->file, p->line, what);
}

static void
add_section(struct place *p, const char *name, size_t len)
{
	struct settings *s = p->s;

	free(p->name);
	p->name = mem_strndup(name, len);
	MEM_GROW(s->sections, s->n_sections, s->cap_sections);
	s->sections[s->n_sections++] = (struct setting){ mem_strdup(p->section),
		mem_strdup(p->name), NULL, NULL, p->line };
}

/* [section] or [section "name"]; text has no surrounding blanks. */
static int
parse_section(struct place *p, const char *text, size_t len)
{
	const char *end = text + len - 1, *s = text + 1, *quote;
	size_t n = 0;

	if (*end != ']')
		return complain(p, "a section ends with ]");
	while (s + n < end && (isalnum((unsigned char)s[n]) || s[n] == '-'))
		n++;
	if (n == 0)
		return complain(p, "a section has a name");
	free(p->section);
	p->section = mem_strndup(s, n);
	for (s += n; s < end && isblank((unsigned char)*s); s++)
		;
	if (s == end) {
		add_section(p, "", 0);
		return 0;
	}
	quote = end - 1;
	if (*s != '"' || quote <= s || *quote != '"' ||
		memchr(s + 1, '"', (size_t)(quote - s - 1)))
		return complain(p, "expected [section \"name\"]");
	add_section(p, s + 1, (size_t)(quote - s - 1));
	return 0;
}

static bool
is_key_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static int
parse_pair(struct place *p, const char *text, size_t len)
{
	struct settings *s = p->s;
	const char *value = memchr(text, '=', len);
	size_t key = 0, skip;

	while (key < len && is_key_char(text[key]))
		key++;
	for (skip = key; skip < len && isblank((unsigned char)text[skip]);)
		skip++;
	if (!value || key == 0 || text + skip != value)
		return complain(p, "expected `key = value'");
	if (!p->section)
		return complain(p, "a key before the first [section]");
	value++;
	while (value < text + len && isblank((unsigned char)*value))
		value++;
	MEM_GROW(s->v, s->n, s->cap);
	s->v[s->n++] = (struct setting){ mem_strdup(p->section),
		mem_strdup(p->name), mem_strndup(text, key),
		mem_strndup(value, (size_t)(text + len - value)), p->line };
	return 0;
}

static int
parse_line(struct place *p, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (iscntrl((unsigned char)text[i]) && text[i] != '\t')
			return complain(p, "a control character");
	while (len && isblank((unsigned char)text[len - 1]))
		len--;
	while (len && isblank((unsigned char)*text)) {
		text++;
		len--;
	}
	if (len == 0 || *text == '#' || *text == ';')
		return 0;
	if (*text == '[')
		return parse_section(p, text, len);
	return parse_pair(p, text, len);
}

int
settings_parse(struct settings *s, const char *file, const char *text,
	size_t len, struct error *err)
{
	struct place p = { s, NULL, NULL, 0, err };
	int rc = 0;

	s->file = mem_strdup(file);
	if (len > SETTINGS_MOST)
		rc = error_set(err, "%s: longer than %d bytes", file,
			SETTINGS_MOST);
	while (rc == 0 && len) {
		const char *nl = memchr(text, '\n', len);
		size_t n = nl ? (size_t)(nl - text) : len;
		size_t cr = n && text[n - 1] == '\r';

		p.line++;
		rc = parse_line(&p, text, n - cr);
		n += nl != NULL;
		text += n;
		len -= n;
	}
	free(p.section);
	free(p.name);
	return rc;
}

static void
free_all(struct setting *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(v[i].section);
		free(v[i].name);
		free(v[i].key);
		free(v[i].value);
	}
	free(v);
}

void
settings_release(struct settings *s)
{
	free_all(s->v, s->n);
	free_all(s->sections, s->n_sections);
	free(s->file);
	memset(s, 0, sizeof(*s));
}

const struct setting *
settings_get(const struct settings *s, const char *section, const char *name,
	const char *key)
{
	size_t i;

	for (i = s->n; i-- > 0;)
		if (!strcmp(s->v[i].key, key) && !strcmp(s->v[i].name, name) &&
			!strcmp(s->v[i].section, section))
			return &s->v[i];
	return NULL;
}

int
settings_error(const struct settings *s, const struct setting *e,
	struct error *err, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return error_set(err, "%s:%d: %s", s->file, e->line, text);
}

/* The rule for a key, or with a NULL key any of its section. */
static const struct settings_known *
find_known(const struct settings_known *known, const struct setting *e)
{
	for (; known->section; known++)
		if (!strcmp(known->section, e->section) &&
			known->named == (e->name[0] != '\0') &&
			(!e->key || !strcmp(known->key, e->key)))
			return known;
	return NULL;
}

static int
check_section(const struct settings *s, const struct settings_known *known,
	const struct setting *e, struct error *err)
{
	if (find_known(known, e))
		return 0;
	if (e->name[0])
		return settings_error(s, e, err, "no such section: [%s \"%s\"]",
			e->section, e->name);
	return settings_error(s, e, err, "no such section: [%s]", e->section);
}

static int
check_key(const struct settings *s, const struct settings_known *known,
	const struct setting *e, struct error *err)
{
	const struct settings_known *k = find_known(known, e);
	const struct setting *last;

	if (!k)
		return settings_error(s, e, err, "no such key in [%s]: %s",
			e->section, e->key);
	last = settings_get(s, e->section, e->name, e->key);
	assert(last); /* e, if no other */
	if (!k->repeats && last != e)
		return settings_error(s, last, err, "%s stands twice", e->key);
	return 0;
}

int
settings_check(const struct settings *s, const struct settings_known *known,
	struct error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < s->n_sections; i++)
		rc = check_section(s, known, &s->sections[i], err);
	for (i = 0; rc == 0 && i < s->n; i++)
		rc = check_key(s, known, &s->v[i], err);
	return rc;
}

int
settings_bool(const struct settings *s, const struct setting *e, bool *out,
	struct error *err)
{
	if (!strcmp(e->value, "yes") || !strcmp(e->value, "true"))
		*out = true;
	else if (!strcmp(e->value, "no") || !strcmp(e->value, "false"))
		*out = false;
	else
		return settings_error(s, e, err, "%s is yes or no", e->key);
	return 0;
}

/* A number and its unit's place among `units`, ' ' standing for none. */
static int
parse_number(const char *text, const char *units, long long *n, size_t *unit)
{
	const char *u;
	char *end;

	errno = 0;
	*n = strtoll(text, &end, 10);
	if (errno || end == text || *n < 0 || !isdigit((unsigned char)*text))
		return -1;
	u = strchr(units, *end ? *end : ' ');
	if (!u || (*end && end[1]))
		return -1;
	*unit = (size_t)(u - units);
	return 0;
}

int
settings_seconds(const struct settings *s, const struct setting *e, long *out,
	struct error *err)
{
	static const long factor[] = { 1, 1, 60, 3600 };
	long long n;
	size_t unit;

	if (!strcmp(e->value, "never")) {
		*out = 0;
		return 0;
	}
	if (parse_number(e->value, " smh", &n, &unit) < 0 || n < 1 ||
		n > 10000000)
		return settings_error(s, e, err,
			"%s is a time such as 90, 30m, 2h or never", e->key);
	*out = (long)n * factor[unit];
	return 0;
}

int
settings_size(const struct settings *s, const struct setting *e, long long *out,
	struct error *err)
{
	long long n;
	size_t unit;

	if (parse_number(e->value, " KMGT", &n, &unit) < 0 ||
		n > LLONG_MAX >> (10 * unit))
		return settings_error(s, e, err,
			"%s is a number such as 500, 64K, 20M or 4G", e->key);
	*out = n << (10 * unit);
	return 0;
}
