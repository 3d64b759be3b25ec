#include "tree/ignore.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"

struct pattern {
	const char *text; /* less `!`, a leading and a trailing slash */
	size_t len;
	size_t literal; /* bytes before the first special one */
	bool negated;
	bool directory; /* ended with a slash */
	bool leaf;      /* had no other slash: matches the last component */
	bool suffix;    /* `*` and then nothing special */
	const char *rule;
};

struct ignore_list {
	struct pattern *v;
	size_t n, cap;
	char *base;
	size_t base_len;
	struct arena arena;
};

static size_t
literal_length(const char *s)
{
	return strcspn(s, "*?[\\");
}

static void
add_pattern(struct ignore_list *l, const char *s, size_t len)
{
	struct pattern p = { .negated = len && *s == '!' };

	s += p.negated;
	len -= p.negated;
	p.directory = len && s[len - 1] == '/';
	len -= p.directory;
	p.leaf = !memchr(s, '/', len);
	if (len && *s == '/') {
		s++;
		len--;
	}
	if (!len)
		return; /* matches nothing */
	p.text = arena_strndup(&l->arena, s, len);
	p.len = len;
	p.literal = literal_length(p.text);
	p.suffix = *p.text == '*' && 1 + literal_length(p.text + 1) == len;
	MEM_GROW(l->v, l->n, l->cap);
	l->v[l->n++] = p;
}

/* The length less spaces at the end that are not escaped. */
static size_t
trim(const char *s, size_t len)
{
	size_t i, end = 0;

	for (i = 0; i < len; i++) {
		bool escaped = s[i] == '\\';

		if (escaped && ++i == len)
			return len;
		if (s[i] != ' ' || escaped)
			end = i + 1;
	}
	return end;
}

static void
add_line(struct ignore_list *l, const char *name, int number, const char *s,
	size_t len)
{
	struct buf rule = BUF_INIT;
	size_t before = l->n;

	if (len == 0 || *s == '#')
		return;
	len -= s[len - 1] == '\r';
	len = trim(s, strnlen(s, len));
	add_pattern(l, s, len);
	if (l->n == before)
		return;
	buf_addf(&rule, "%s:%d: ", name, number);
	buf_add(&rule, s, len);
	l->v[before].rule = arena_strndup(&l->arena, rule.data, rule.len);
	buf_release(&rule);
}

struct ignore_list *
ignore_parse(const char *name, const char *base, const char *text, size_t len)
{
	struct ignore_list *l = mem_zalloc(1, sizeof(*l));
	const char *end;
	int number = 1;

	l->base = mem_strdup(base);
	l->base_len = strlen(base);
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		len -= 3;
	}
	for (end = text + len; text < end; number++) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);

		add_line(l, name, number, text, n);
		text += n + 1;
	}
	return l;
}

void
ignore_free(struct ignore_list *l)
{
	if (!l)
		return;
	free(l->v);
	free(l->base);
	arena_release(&l->arena);
	free(l);
}

static bool
match_leaf(const struct pattern *p, const char *leaf, size_t len)
{
	if (p->literal == p->len)
		return len == p->len && !memcmp(p->text, leaf, len);
	if (p->suffix)
		return len >= p->len - 1 &&
			!memcmp(p->text + 1, leaf + len - (p->len - 1),
				p->len - 1);
	if (strncmp(p->text, leaf, p->literal) != 0)
		return false;
	return ignore_wildmatch(p->text, leaf);
}

static bool
match_path(const struct pattern *p, const char *path)
{
	if (strncmp(p->text, path, p->literal) != 0)
		return false;
	if (p->literal == p->len)
		return path[p->len] == '\0';
	return ignore_wildmatch(p->text, path);
}

/* The path as seen from the list's directory, NULL if it is not below it. */
static const char *
below_base(const struct ignore_list *l, const char *path)
{
	if (!l->base_len)
		return path;
	if (strncmp(path, l->base, l->base_len) != 0 ||
		path[l->base_len] != '/')
		return NULL;
	return path + l->base_len + 1;
}

enum ignore_verdict
ignore_match(const struct ignore_list *l, const char *path, bool directory,
	const char **rule)
{
	const char *below = below_base(l, path), *leaf;
	size_t i, leaf_len;

	if (!below || !l->n)
		return IGNORE_NONE;
	leaf = path_leaf(path);
	leaf_len = strlen(leaf);
	for (i = l->n; i-- > 0;) {
		const struct pattern *p = &l->v[i];

		if (p->directory && !directory)
			continue;
		if (p->leaf ? !match_leaf(p, leaf, leaf_len) :
			      !match_path(p, below))
			continue;
		if (rule)
			*rule = p->rule;
		return p->negated ? IGNORE_IN : IGNORE_OUT;
	}
	return IGNORE_NONE;
}

/* Takes the first component off *s into out, which has room for it. */
static void
take_component(const char **s, char *out)
{
	size_t len = strcspn(*s, "/");

	memcpy(out, *s, len);
	out[len] = '\0';
	*s += len + ((*s)[len] == '/');
}

/* Two stars or more and nothing else. */
static bool
is_deep(const char *component)
{
	size_t stars = strspn(component, "*");

	return stars > 1 && component[stars] == '\0';
}

static bool
pattern_reaches(const struct pattern *p, const char *dir)
{
	const char *text = p->text;
	char *want = mem_alloc(p->len + 1), *have = mem_alloc(strlen(dir) + 1);
	bool reaches = p->leaf;

	while (!reaches && *text) {
		take_component(&text, want);
		take_component(&dir, have);
		if (!*have || is_deep(want))
			reaches = true;
		else if (!ignore_wildmatch(want, have))
			break;
	}
	free(want);
	free(have);
	return reaches;
}

bool
ignore_reaches(const struct ignore_list *l, const char *dir)
{
	const char *below = below_base(l, dir);
	size_t i;

	for (i = 0; below && i < l->n; i++)
		if (!l->v[i].negated && pattern_reaches(&l->v[i], below))
			return true;
	return false;
}
