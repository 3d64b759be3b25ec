/* Python: Django, Flask, FastAPI, or a program. */
#include <ctype.h>
#include <string.h>

#include "client/recipe.h"

#define PIP ".venv/bin/pip install -q --cache-dir \"$DEPLOY_CACHE_DIR/pip\" "

static bool
needs(struct recipe *r, const char *package)
{
	return survey_says(r->at, "requirements.txt", package) ||
		survey_says(r->at, "pyproject.toml", package);
}

/* pyproject.toml may hold no more than the settings of a formatter. */
static bool
is_package(struct recipe *r)
{
	const char *text = survey_text(r->at, "pyproject.toml");

	return strstr(text, "[project]") || strstr(text, "[build-system]") ||
		strstr(text, "[tool.poetry]");
}

/* The virtual environment holds its own path, so each release makes one. */
static void
add_environment(struct recipe *r)
{
	r->path = ".venv/bin";
	recipe_keep_home(r, ".venv");
	recipe_keep_home(r, "venv");
	if (survey_has(r->at, "uv.lock")) {
		recipe_build(r,
			"uv sync --frozen --no-dev --cache-dir "
			"\"$DEPLOY_CACHE_DIR/uv\"");
		return;
	}
	recipe_build(r, "python3 -m venv .venv");
	if (survey_has(r->at, "requirements.txt"))
		recipe_build(r, PIP "-r requirements.txt");
	else if (is_package(r))
		recipe_build(r, PIP ".");
	else
		recipe_note(r,
			"there is no requirements.txt: nothing is "
			"installed for it");
}

/* gunicorn and uvicorn are rarely among what development needs. */
static void
add_server(struct recipe *r, const char *server)
{
	if (needs(r, server))
		return;
	if (survey_has(r->at, "uv.lock")) {
		recipe_note(r, "%s is to be the server: uv add %s", server,
			server);
		return;
	}
	recipe_build(r, PIP "%s", server);
	recipe_note(r,
		"%s is installed as the server, in its newest version: "
		"better name it in requirements.txt",
		server);
}

static void
serve(struct recipe *r, bool async, const char *module, const char *variable)
{
	add_server(r, async ? "uvicorn" : "gunicorn");
	r->start = async ?
		survey_printf(r->at,
			".venv/bin/uvicorn --host 127.0.0.1 --port $PORT %s:%s",
			module, variable) :
		survey_printf(r->at,
			".venv/bin/gunicorn --bind 127.0.0.1:$PORT %s:%s",
			module, variable);
}

static void
add_django_files(struct recipe *r, const char *site)
{
	const char *settings = survey_printf(r->at, "%s/settings.py", site);

	if (survey_says(r->at, settings, "STATIC_ROOT"))
		recipe_build(r,
			".venv/bin/python manage.py collectstatic "
			"--noinput");
	if (survey_says(r->at, settings, "MEDIA_ROOT"))
		strv_add(&r->shared, "media/");
	if (survey_says(r->at, settings, "sqlite3"))
		recipe_note(r,
			"%s keeps SQLite's file beside the code, where "
			"each release has its own: let it be in data/, and "
			"add data/ to shared",
			settings);
}

static void
fill_django(struct recipe *r)
{
	const char *site = survey_dir_with(r->at, ".", "wsgi.py");
	const char *async = survey_dir_with(r->at, ".", "asgi.py");
	bool is_async = async && (!site || needs(r, "uvicorn"));

	r->kind = "Python, Django";
	if (is_async)
		site = async;
	if (site)
		serve(r, is_async,
			survey_printf(r->at, "%s.%s", site,
				is_async ? "asgi" : "wsgi"),
			"application");
	else
		recipe_note(r, "no wsgi.py was found: nothing is restarted");
	if (site)
		add_django_files(r, site);
	strv_add(&r->migrate, ".venv/bin/python manage.py migrate --noinput");
}

/* The name in front of `= Flask(', which stands at the start of its line. */
static const char *
variable_of(struct recipe *r, const char *text, const char *call)
{
	const char *at = strstr(text, call), *begin, *end;

	if (!at)
		return NULL;
	for (end = at; end > text && strchr(" \t=", end[-1]); end--)
		;
	for (begin = end; begin > text &&
		(isalnum((unsigned char)begin[-1]) || begin[-1] == '_');
		begin--)
		;
	if (begin == end || end == at || (begin > text && begin[-1] != '\n'))
		return NULL;
	return survey_printf(r->at, "%.*s", (int)(end - begin), begin);
}

/* Whether the module is an app of a framework's. */
static bool
fill_module(struct recipe *r, const char *module)
{
	static const struct {
		const char *call, *kind;
		bool async;
	} frameworks[] = { { "Flask(", "Python, Flask", false },
		{ "FastAPI(", "Python, FastAPI", true },
		{ "Starlette(", "Python, Starlette", true } };
	const char *text = survey_text(r->at,
		survey_printf(r->at, "%s.py", module));
	const char *variable;
	size_t i;

	for (i = 0; i < sizeof(frameworks) / sizeof(*frameworks); i++) {
		variable = variable_of(r, text, frameworks[i].call);
		if (!variable)
			continue;
		r->kind = frameworks[i].kind;
		serve(r, frameworks[i].async, module, variable);
		return true;
	}
	/* PEP 3333's own name. */
	if (strcmp(module, "wsgi") || !strstr(text, "application"))
		return false;
	serve(r, false, module, "application");
	return true;
}

static void
fill_program(struct recipe *r)
{
	static const char *const modules[] = { "wsgi", "asgi", "app", "main",
		"server", "application" };
	const size_t n = sizeof(modules) / sizeof(*modules);
	size_t i;

	for (i = 0; i < n; i++)
		if (fill_module(r, modules[i]))
			return;
	for (i = 0; i < n && !r->start; i++)
		if (survey_has(r->at,
			    survey_printf(r->at, "%s.py", modules[i])))
			r->start = survey_printf(r->at,
				".venv/bin/python %s.py", modules[i]);
	if (!r->start)
		recipe_note(r,
			"no wsgi.py, app.py or main.py was found: "
			"nothing is restarted");
}

void
recipe_python(struct recipe *r)
{
	r->port = 8000;
	r->environment = "PYTHONUNBUFFERED=1";
	add_environment(r);
	if (survey_has(r->at, "manage.py"))
		fill_django(r);
	else
		fill_program(r);
}
