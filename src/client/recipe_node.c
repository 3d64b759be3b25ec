/* Node: package.json, and the front end of apps in other languages. */
#include <jansson.h>
#include <string.h>

#include "client/recipe.h"

#define CACHE "\"$DEPLOY_CACHE_DIR/"

/* How a package manager installs. */
struct manager {
	const char *lock;   /* the file that tells; NULL: the last resort */
	const char *run;    /* runs a script */
	const char *all;    /* installs everything, whatever NODE_ENV is */
	const char *needed; /* only what runs needs */
};

static const struct manager managers[] = {
	{ "package-lock.json", "npm",
		"npm ci --include=dev --cache " CACHE "npm\"",
		"npm ci --omit=dev --cache " CACHE "npm\"" },
	{ "npm-shrinkwrap.json", "npm",
		"npm ci --include=dev --cache " CACHE "npm\"",
		"npm ci --omit=dev --cache " CACHE "npm\"" },
	{ "pnpm-lock.yaml", "pnpm",
		"pnpm install --frozen-lockfile --prod=false "
		"--store-dir " CACHE "pnpm\"",
		"pnpm install --frozen-lockfile --prod "
		"--store-dir " CACHE "pnpm\"" },
	/* From 2 on yarn has another command line. */
	{ ".yarnrc.yml", "yarn",
		"YARN_CACHE_FOLDER=" CACHE "yarn\" yarn install --immutable",
		"YARN_CACHE_FOLDER=" CACHE "yarn\" yarn install --immutable" },
	{ "yarn.lock", "yarn",
		"yarn install --frozen-lockfile --production=false "
		"--cache-folder " CACHE "yarn\"",
		"yarn install --frozen-lockfile --production "
		"--cache-folder " CACHE "yarn\"" },
	{ NULL, "npm", "npm install --include=dev --cache " CACHE "npm\"",
		"npm install --omit=dev --cache " CACHE "npm\"" },
};

static const struct manager *
choose_manager(struct recipe *r)
{
	const struct manager *m = managers;

	while (m->lock && !survey_has(r->at, m->lock))
		m++;
	return m;
}

static json_t *
read_package(struct recipe *r)
{
	const char *text = survey_text(r->at, "package.json");
	json_error_t why;
	json_t *package = json_loads(text, 0, &why);

	if (json_is_object(package) || r->at->failed)
		return package;
	r->at->failed = true;
	if (package)
		error_set(r->at->err, "package.json: not an object");
	else
		error_set(r->at->err, "package.json:%d: %s", why.line,
			why.text);
	error_hint(r->at->err, "correct it, then run `deploy init' again");
	json_decref(package);
	return NULL;
}

static const char *
script(json_t *package, const char *name)
{
	return json_string_value(json_object_get(json_object_get(package,
							 "scripts"),
		name));
}

static bool
depends_on(json_t *package, const char *name)
{
	return json_object_get(json_object_get(package, "dependencies"),
		       name) ||
		json_object_get(json_object_get(package, "devDependencies"),
			name);
}

static bool
has_packages(json_t *package)
{
	static const char *const keys[] = { "dependencies", "devDependencies",
		"optionalDependencies", "workspaces" };
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		json_t *value = json_object_get(package, keys[i]);

		if (json_object_size(value) || json_array_size(value))
			return true;
	}
	return false;
}

/* What builds may use is needed for the build, too. */
static void
add_build(struct recipe *r, json_t *package)
{
	const struct manager *m = choose_manager(r);
	bool builds = script(package, "build");

	if (has_packages(package)) {
		recipe_build(r, "%s", builds ? m->all : m->needed);
		recipe_keep_home(r, "node_modules");
	}
	if (builds)
		recipe_build(r, "%s run build", m->run);
	if (has_packages(package) && !m->lock) {
		strv_add(&r->carry, "node_modules");
		recipe_note(r,
			"there is no lock file: commit "
			"package-lock.json, and `npm ci' installs the same "
			"packages every time");
	}
}

/* `node FILE', run as it is: npm between would be one process more. */
static const char *
choose_start(struct recipe *r, json_t *package)
{
	static const char *const files[] = { "server.js", "index.js", "app.js",
		"server.mjs", "index.mjs", NULL };
	const char *start = script(package, "start");
	const char *file = json_string_value(json_object_get(package, "main"));

	if (start && !strncmp(start, "node ", 5) &&
		survey_is_plain(start + 5) && !script(package, "prestart"))
		return survey_printf(r->at, "%s", start);
	if (start)
		return survey_printf(r->at, "%s start", choose_manager(r)->run);
	if (script(package, "build"))
		return NULL;
	if (!file || !survey_is_plain(file) || !survey_has(r->at, file))
		file = survey_first(r->at, files);
	return file ? survey_printf(r->at, "node %s", file) : NULL;
}

/* A build and nothing that starts: it makes pages. */
static const char *
choose_output(struct recipe *r, json_t *package)
{
	static const char *const dirs[] = { "dist", "build", "out", "public",
		"_site" };
	size_t i;

	if (depends_on(package, "react-scripts"))
		return "build";
	if (depends_on(package, "next"))
		return "out";
	if (depends_on(package, "@11ty/eleventy"))
		return "_site";
	if (depends_on(package, "vite") || depends_on(package, "astro"))
		return "dist";
	for (i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (survey_has_dir(r->at, dirs[i]))
			return dirs[i];
	return "dist";
}

static void
fill(struct recipe *r, json_t *package)
{
	r->port = 3000;
	r->path = "node_modules/.bin";
	r->environment = "NODE_ENV=production";
	if (depends_on(package, "next")) {
		r->kind = "Node, Next.js";
		strv_add(&r->carry, ".next/cache");
		recipe_keep_home(r, ".next");
	}
	add_build(r, package);
	r->start = choose_start(r, package);
	if (r->start)
		return;
	if (script(package, "build")) {
		r->kind = "pages that Node builds";
		r->web_root = choose_output(r, package);
	} else {
		recipe_note(r,
			"package.json has no script `start', and there "
			"is no server.js: nothing is restarted");
	}
}

void
recipe_node(struct recipe *r)
{
	json_t *package = read_package(r);

	if (package)
		fill(r, package);
	json_decref(package);
}

void
recipe_node_assets(struct recipe *r)
{
	json_t *package;

	if (!survey_has(r->at, "package.json"))
		return;
	package = read_package(r);
	r->front_end = package && script(package, "build");
	if (r->front_end)
		add_build(r, package);
	json_decref(package);
}
