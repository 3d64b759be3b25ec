/*
 * Matching of one pattern.  Nothing recurses: it is enough to remember the
 * last `*` and the last `**`, since the leftmost place where what follows a
 * star matches leaves the most text to the stars behind it.
 */
#include "tree/ignore.h"

#include <string.h>

/* Where to go on when what follows a star did not match. */
struct retry {
	const char *pattern; /* behind the star; NULL: there was none */
	const char *text;    /* where that was tried last */
};

struct matcher {
	const char *start; /* of the pattern */
	const char *p, *t;
	struct retry star; /* `*`: over any byte but a slash */
	struct retry deep; /* `**`: from slash to slash */
	bool bytewise;     /* `**` before an escaped slash: over any byte */
};

/* ASCII whatever the locale, and a space is one of these four, as in git. */
static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_cntrl(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_graph(unsigned char c)
{
	return c > 0x20 && c < 0x7f;
}

static bool
is_lower(unsigned char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_upper(unsigned char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
is_alpha(unsigned char c)
{
	return is_lower(c) || is_upper(c);
}

static bool
is_alnum(unsigned char c)
{
	return is_alpha(c) || is_digit(c);
}

static bool
is_print(unsigned char c)
{
	return c == ' ' || is_graph(c);
}

static bool
is_punct(unsigned char c)
{
	return is_graph(c) && !is_alnum(c);
}

static bool
is_space(unsigned char c)
{
	return is_blank(c) || c == '\n' || c == '\r';
}

static bool
is_xdigit(unsigned char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static const struct character_class {
	const char *name;
	bool (*has)(unsigned char c);
} classes[] = {
	{ "alnum", is_alnum },
	{ "alpha", is_alpha },
	{ "blank", is_blank },
	{ "cntrl", is_cntrl },
	{ "digit", is_digit },
	{ "graph", is_graph },
	{ "lower", is_lower },
	{ "print", is_print },
	{ "punct", is_punct },
	{ "space", is_space },
	{ "upper", is_upper },
	{ "xdigit", is_xdigit },
};

static const struct character_class *
find_class(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (strlen(classes[i].name) == len &&
			!strncmp(classes[i].name, name, len))
			return &classes[i];
	return NULL;
}

/* An item of a bracket expression: a byte, a range or a class. */
struct item {
	unsigned char first, last;
	const struct character_class *class;
};

/*
 * `[:alpha:]` at *p: 1 and *p behind it; 0 if it has not that form, so that
 * the `[` stands for itself; -1 if there is no such class, or no end.
 */
static int
read_class(const char **p, struct item *item)
{
	const char *name = *p + 2, *end;

	if ((*p)[0] != '[' || (*p)[1] != ':')
		return 0;
	end = strchr(name, ']');
	if (!end)
		return -1;
	if (end == name || end[-1] != ':')
		return 0;
	item->class = find_class(name, (size_t)(end - 1 - name));
	*p = end + 1;
	return item->class ? 1 : -1;
}

/* A byte, perhaps escaped; false at the pattern's end. */
static bool
read_byte(const char **p, unsigned char *c)
{
	if (**p == '\\')
		++*p;
	*c = (unsigned char)**p;
	if (*c)
		++*p;
	return *c != '\0';
}

/* One item; *previous is the byte a range may begin with, 0 if none. */
static bool
read_item(const char **p, unsigned char *previous, struct item *item)
{
	int class;

	item->class = NULL;
	if (**p == '-' && *previous && (*p)[1] && (*p)[1] != ']') {
		++*p;
		item->first = *previous;
		*previous = '\0';
		return read_byte(p, &item->last);
	}
	class = read_class(p, item);
	if (class < 0)
		return false;
	if (class > 0) {
		*previous = '\0';
		return true;
	}
	if (!read_byte(p, &item->first))
		return false;
	item->last = *previous = item->first;
	return true;
}

/* *p is behind the `[` and goes behind the `]`; a bad one never matches. */
static bool
match_bracket(const char **p, unsigned char c)
{
	unsigned char previous = '\0';
	bool negated = **p == '!' || **p == '^', found = false;
	struct item item;

	*p += negated;
	do {
		if (!read_item(p, &previous, &item))
			return false;
		if (item.class ? item.class->has(c) :
				 (c >= item.first && c <= item.last))
			found = true;
	} while (**p != ']');
	++*p;
	return found != negated && c != '/';
}

/* Matches anything but a star against the next byte, of which there is one. */
static bool
match_one(struct matcher *m)
{
	unsigned char c = (unsigned char)*m->t++;

	switch (*m->p) {
	case '\0':
		return false;
	case '?':
		m->p++;
		return c != '/';
	case '[':
		m->p++;
		return match_bracket(&m->p, c);
	case '\\':
		if (!*++m->p)
			return false;
		break;
	default:
		break;
	}
	return (unsigned char)*m->p++ == c;
}

/* Takes the stars at p; true if all the rest matches by them. */
static bool
take_stars(struct matcher *m)
{
	const char *first = m->p;
	bool alone = first == m->start || first[-1] == '/', bytewise, deep;

	m->p += strspn(m->p, "*");
	bytewise = m->p[0] == '\\' && m->p[1] == '/';
	deep = m->p - first > 1 && alone &&
		(*m->p == '\0' || *m->p == '/' || bytewise);
	if (*m->p == '\0' && (deep || !strchr(m->t, '/')))
		return true;
	if (!deep) {
		m->star.pattern = m->p;
		m->star.text = m->t;
		return false;
	}
	if (*m->p == '/')
		m->p++;
	m->bytewise = bytewise;
	m->deep.pattern = m->p;
	m->deep.text = m->t;
	m->star.pattern = NULL;
	return false;
}

/* Lets a star take more; false if there is none that can. */
static bool
retry(struct matcher *m)
{
	if (m->star.pattern && *m->star.text && *m->star.text != '/') {
		m->p = m->star.pattern;
		m->t = ++m->star.text;
		return true;
	}
	if (!m->deep.pattern)
		return false;
	if (!m->bytewise)
		m->deep.text = strchr(m->deep.text, '/');
	if (!m->deep.text || !*m->deep.text)
		return false;
	m->star.pattern = NULL;
	m->p = m->deep.pattern;
	m->t = ++m->deep.text;
	return true;
}

bool
ignore_wildmatch(const char *pattern, const char *text)
{
	struct matcher m = { .start = pattern, .p = pattern, .t = text };

	for (;;) {
		if (*m.p == '*') {
			if (take_stars(&m))
				return true;
			continue;
		}
		if (!*m.t) {
			/* A star that takes more would only leave less. */
			return !*m.p;
		}
		if (!match_one(&m) && !retry(&m))
			return false;
	}
}
