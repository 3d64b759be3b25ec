/* What a compiler makes: Go, Rust, make. */
#include <string.h>

#include "client/recipe.h"

/* The directory of `package main' as go names it, or NULL. */
static const char *
go_main(struct recipe *r)
{
	const char *name;

	if (survey_has(r->at, "main.go"))
		return ".";
	name = survey_has_dir(r->at, "cmd") ?
		survey_printf(r->at, "cmd/%s", r->app) :
		NULL;
	if (name && survey_has(r->at, survey_printf(r->at, "%s/main.go", name)))
		return survey_printf(r->at, "./%s", name);
	name = survey_dir_with(r->at, "cmd", "main.go");
	return name ? survey_printf(r->at, "./cmd/%s", name) : NULL;
}

void
recipe_go(struct recipe *r)
{
	const char *package = go_main(r);

	if (!package) {
		recipe_build(r,
			"PATH=\"$PATH:/usr/local/go/bin\" go build ./...");
		recipe_note(r,
			"neither main.go nor cmd/NAME/main.go was found: "
			"nothing is restarted");
		return;
	}
	/* Go's own archive puts it there, which hooks' PATH lacks. */
	recipe_build(r,
		"PATH=\"$PATH:/usr/local/go/bin\" go build -o bin/%s %s",
		r->app, package);
	r->start = survey_printf(r->at, "bin/%s", r->app);
	recipe_note(r,
		"the server compiles; to do it here instead: `before = "
		"CGO_ENABLED=0 GOOS=linux go build -o bin/%s %s' in [local], "
		"`include = /bin/%s' in [app], and no build",
		r->app, package, r->app);
}

/* The name of the program, or NULL. */
static const char *
rust_program(struct recipe *r)
{
	const char *name = survey_toml(r->at, "Cargo.toml", "[[bin]]", "name");

	if (!name && survey_has(r->at, "src/main.rs"))
		name = survey_toml(r->at, "Cargo.toml", "[package]", "name");
	return name && survey_is_plain(name) ? name : NULL;
}

void
recipe_rust(struct recipe *r)
{
	const char *name = rust_program(r);

	/* rustup puts it there, which hooks' PATH lacks. */
	recipe_build(r,
		"PATH=\"$PATH:$HOME/.cargo/bin\" cargo build --release%s",
		survey_has(r->at, "Cargo.lock") ? " --locked" : "");
	strv_add(&r->carry, "target");
	recipe_keep_home(r, "target");
	if (name)
		r->start = survey_printf(r->at, "target/release/%s", name);
	else
		recipe_note(r,
			"Cargo.toml names no program: nothing is "
			"restarted");
}

/* A directory for what is made, by the Makefile's words. */
static const char *
make_output(struct recipe *r)
{
	static const char *const dirs[] = { "build", "obj", "_build", "out",
		"target" };
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (survey_says(r->at, r->because,
			    survey_printf(r->at, "%s/", dirs[i])) ||
			survey_says(r->at, r->because,
				survey_printf(r->at, "= %s\n", dirs[i])))
			return dirs[i];
	return NULL;
}

void
recipe_make(struct recipe *r)
{
	const char *output = make_output(r);

	recipe_build(r, "make");
	if (output) {
		strv_add(&r->carry, output);
		recipe_keep_home(r, output);
	}
	if (!survey_has(r->at, "Procfile"))
		recipe_note(r,
			"what make makes may be a service: a Procfile "
			"with the line `web: COMMAND', and `deploy init' "
			"writes a unit for it");
}
