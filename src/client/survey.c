#include "client/survey.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"

#define TEXT_MOST (4u << 20) /* lock files, which may be long, are not read */

void
survey_init(struct survey *s, int fd, struct error *err)
{
	memset(s, 0, sizeof(*s));
	s->fd = fd;
	s->err = err;
}

void
survey_release(struct survey *s)
{
	arena_release(&s->arena);
}

bool
survey_has(struct survey *s, const char *path)
{
	struct stat st;

	return fstatat(s->fd, path, &st, 0) == 0 && S_ISREG(st.st_mode);
}

bool
survey_has_dir(struct survey *s, const char *path)
{
	struct stat st;

	return fstatat(s->fd, path, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

const char *
survey_first(struct survey *s, const char *const *names)
{
	while (*names && !survey_has(s, *names))
		names++;
	return *names;
}

static void
fail(struct survey *s, const struct error *why)
{
	if (!s->failed)
		*s->err = *why;
	s->failed = true;
}

const char *
survey_text(struct survey *s, const char *path)
{
	struct buf b = BUF_INIT;
	struct error why = ERROR_INIT;
	const char *text = "";

	if (!survey_has(s, path))
		return text;
	if (io_read_file(s->fd, path, TEXT_MOST, &b, &why) < 0)
		fail(s, &why);
	else
		text = arena_strndup(&s->arena, buf_str(&b), b.len);
	buf_release(&b);
	return text;
}

bool
survey_says(struct survey *s, const char *path, const char *words)
{
	return strcasestr(survey_text(s, path), words) != NULL;
}

bool
survey_is_plain(const char *text)
{
	const char *p;

	for (p = text; isalnum((unsigned char)*p) || (*p && strchr("._/-", *p));
		p++)
		;
	return p > text && *p == '\0' && *text != '-';
}

static bool
holds(struct survey *s, const char *below, const char *name, const char *file)
{
	char *path;
	bool is;

	if (*name == '.' || !survey_is_plain(name) ||
		!strcmp(name, "node_modules"))
		return false;
	path = mem_printf("%s/%s/%s", below, name, file);
	is = survey_has(s, path);
	free(path);
	return is;
}

const char *
survey_dir_with(struct survey *s, const char *below, const char *file)
{
	int fd = openat(s->fd, below, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	const char *found = NULL;

	if (!d) {
		io_close(&fd);
		return NULL;
	}
	while ((e = readdir(d)))
		if ((!found || strcmp(e->d_name, found) < 0) &&
			holds(s, below, e->d_name, file))
			found = survey_printf(s, "%s", e->d_name);
	closedir(d);
	return found;
}

/* The line without the blanks around it; *text moves to the next. */
static const char *
next_line(struct survey *s, const char **text)
{
	const char *p = *text;
	size_t len = strcspn(p, "\n");

	if (!*p)
		return NULL;
	*text = p + len + (p[len] == '\n');
	while (len && isspace((unsigned char)*p)) {
		p++;
		len--;
	}
	while (len && isspace((unsigned char)p[len - 1]))
		len--;
	return arena_strndup(&s->arena, p, len);
}

const char *
survey_line(struct survey *s, const char *path, const char *key)
{
	const char *text = survey_text(s, path), *line;
	size_t len = strlen(key);

	while ((line = next_line(s, &text))) {
		if (strncmp(line, key, len) != 0 || line[len] != ':')
			continue;
		line += len + 1;
		line += strspn(line, " \t");
		return *line ? line : NULL;
	}
	return NULL;
}

/* `key = "value"', or NULL. */
static const char *
toml_value(struct survey *s, const char *line, const char *key)
{
	size_t len = strlen(key);
	const char *p = line + len, *end;

	if (strncmp(line, key, len) != 0)
		return NULL;
	p += strspn(p, " \t");
	if (*p++ != '=')
		return NULL;
	p += strspn(p, " \t");
	if (*p != '"' && *p != '\'')
		return NULL;
	end = strchr(p + 1, *p);
	return end ? arena_strndup(&s->arena, p + 1, (size_t)(end - p - 1)) :
		     NULL;
}

const char *
survey_toml(struct survey *s, const char *path, const char *section,
	const char *key)
{
	const char *text = survey_text(s, path), *line, *value;
	bool inside = false;

	while ((line = next_line(s, &text))) {
		if (*line == '[') {
			size_t len = strlen(section);

			inside = !strncmp(line, section, len) &&
				(line[len] == '\0' || line[len] == ' ' ||
					line[len] == '#');
			continue;
		}
		value = inside ? toml_value(s, line, key) : NULL;
		if (value)
			return value;
	}
	return NULL;
}

char *
survey_printf(struct survey *s, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	char *text;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	text = arena_strndup(&s->arena, buf_str(&b), b.len);
	buf_release(&b);
	return text;
}
