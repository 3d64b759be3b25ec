#include "client/recipe.h"

#include <stdarg.h>
#include <string.h>

#include "base/buf.h"

static const char *const ruby[] = { "Gemfile", "config.ru", NULL };
static const char *const php[] = { "composer.json", "index.php",
	"public/index.php", NULL };
static const char *const python[] = { "manage.py", "requirements.txt",
	"pyproject.toml", NULL };
static const char *const hugo[] = { "hugo.toml", "hugo.yaml", "hugo.json",
	NULL };
static const char *const mkdocs[] = { "mkdocs.yml", NULL };
static const char *const go[] = { "go.mod", NULL };
static const char *const rust[] = { "Cargo.toml", NULL };
static const char *const node[] = { "package.json", NULL };
static const char *const make[] = { "GNUmakefile", "makefile", "Makefile",
	NULL };
static const char *const pages[] = { "index.html", "public/index.html",
	"dist/index.html", "_site/index.html", "build/index.html",
	"out/index.html", "site/index.html", NULL };

/*
 * The first that fits is it.  Many an app of another language has a
 * package.json for its front end, Hugo's modules have a go.mod, and anything
 * may have a Makefile.
 */
static const struct recipe_kind kinds[] = {
	{ "Ruby", ruby, recipe_ruby },
	{ "PHP", php, recipe_php },
	{ "Python", python, recipe_python },
	{ "Hugo", hugo, recipe_hugo },
	{ "Go", go, recipe_go },
	{ "Rust", rust, recipe_rust },
	{ "Node", node, recipe_node },
	{ "make", make, recipe_make },
	{ "MkDocs", mkdocs, recipe_mkdocs },
	{ "static pages", pages, recipe_static },
	{ NULL, NULL, NULL },
};

void
recipe_build(struct recipe *r, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	strv_take(&r->build, buf_detach(&b));
}

void
recipe_note(struct recipe *r, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	strv_take(&r->notes, buf_detach(&b));
}

void
recipe_keep_home(struct recipe *r, const char *dir)
{
	const char *top = survey_printf(r->at, "%.*s", (int)strcspn(dir, "/"),
		dir);

	if (!survey_has_dir(r->at, dir) ||
		survey_says(r->at, ".gitignore", top) ||
		survey_says(r->at, ".deployignore", top))
		return;
	recipe_note(r,
		"%s/ would be sent, though the server makes its own: "
		"add %s/ to .gitignore or .deployignore",
		dir, dir);
}

/* Blanks and the rest of what no command has would break the line. */
static bool
is_line(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' && *text != '\t')
			return false;
	return true;
}

/* Procfile names what runs, whatever the language. */
static void
heed_procfile(struct recipe *r)
{
	const char *web = survey_line(r->at, "Procfile", "web");
	const char *release = survey_line(r->at, "Procfile", "release");

	if (web && is_line(web))
		r->start = web;
	if (release && is_line(release)) {
		strv_clear(&r->migrate);
		strv_take(&r->migrate,
			r->path ?
				mem_printf(
					"PATH=\"$PWD/%s:$PATH\"; export PATH; %s",
					r->path, release) :
				mem_strdup(release));
	}
	if (survey_line(r->at, "Procfile", "worker"))
		recipe_note(r,
			"Procfile has a worker: write a unit for it as "
			"the one for web, and restart both");
	if (web && !r->kind) {
		r->kind = "Procfile";
		r->because = "Procfile";
	}
}

/* Of two languages at the top, one is a front end at most. */
static void
tell_other(struct recipe *r, const struct recipe_kind *k)
{
	const char *file = survey_first(r->at, k->files);

	if (file && k->fill != recipe_make && k->fill != recipe_static &&
		k->fill != recipe_mkdocs &&
		(k->fill != recipe_node || !r->front_end))
		recipe_note(r,
			"there is a %s as well, for which nothing is written",
			file);
}

int
recipe_find(struct recipe *r, struct survey *at, const char *app)
{
	const struct recipe_kind *k;

	memset(r, 0, sizeof(*r));
	r->at = at;
	r->app = app;
	r->port = 8080;
	for (k = kinds; k->name && !survey_first(at, k->files); k++)
		;
	if (k->name) {
		r->because = survey_first(at, k->files);
		r->kind = k->name;
		if (k->fill != recipe_node)
			recipe_node_assets(r);
		k->fill(r);
		for (k++; k->name; k++)
			tell_other(r, k);
	}
	heed_procfile(r);
	return at->failed ? -1 : 0;
}

void
recipe_release(struct recipe *r)
{
	strv_release(&r->carry);
	strv_release(&r->shared);
	strv_release(&r->build);
	strv_release(&r->migrate);
	strv_release(&r->notes);
}
