/* Ruby, PHP, static pages. */
#include <string.h>

#include "client/recipe.h"

#define RAILS "RAILS_ENV=production bundle exec rails "

static void
add_bundle(struct recipe *r)
{
	recipe_build(r, "bundle config set --local path vendor/bundle");
	recipe_build(r, "bundle config set --local without development:test");
	if (survey_has(r->at, "Gemfile.lock"))
		recipe_build(r, "bundle config set --local frozen true");
	else
		recipe_note(r,
			"there is no Gemfile.lock: commit one, and the "
			"same gems are installed every time");
	recipe_build(r, "bundle install --quiet");
	strv_add(&r->carry, "vendor/bundle");
	recipe_keep_home(r, "vendor/bundle");
}

static void
fill_rails(struct recipe *r)
{
	static const char *const shared[] = { "log/", "tmp/", "storage/" };
	size_t i;

	r->kind = "Ruby on Rails";
	r->environment = "RAILS_ENV=production";
	for (i = 0; i < sizeof(shared) / sizeof(*shared); i++)
		strv_add(&r->shared, shared[i]);
	if (survey_has_dir(r->at, "app/assets"))
		recipe_build(r,
			"SECRET_KEY_BASE_DUMMY=1 " RAILS "assets:precompile");
	if (survey_has_dir(r->at, "db"))
		strv_add(&r->migrate, RAILS "db:migrate");
	r->start = "bundle exec rails server -b 127.0.0.1 -p $PORT";
	if (survey_has(r->at, "config/credentials.yml.enc"))
		recipe_note(r,
			"Rails needs its key: RAILS_MASTER_KEY=... in "
			"the app's env on the server");
}

static const char *
ruby_start(struct recipe *r, const char *bundle)
{
	static const char *const files[] = { "app.rb", "server.rb", "main.rb",
		NULL };
	const char *file = survey_first(r->at, files);

	if (survey_has(r->at, "config/puma.rb"))
		return survey_printf(r->at, "%spuma -C config/puma.rb", bundle);
	if (survey_has(r->at, "config.ru"))
		return survey_printf(r->at,
			survey_says(r->at, "Gemfile", "puma") ?
				"%spuma -b tcp://127.0.0.1:$PORT config.ru" :
				"%srackup -o 127.0.0.1 -p $PORT config.ru",
			bundle);
	return file ? survey_printf(r->at, "%sruby %s", bundle, file) : NULL;
}

void
recipe_ruby(struct recipe *r)
{
	bool gems = survey_has(r->at, "Gemfile");

	r->port = 3000;
	r->environment = "RACK_ENV=production";
	if (gems)
		add_bundle(r);
	if (survey_has(r->at, "config/application.rb")) {
		fill_rails(r);
		return;
	}
	if (gems && survey_says(r->at, "Gemfile", "jekyll")) {
		r->kind = "pages that Jekyll builds";
		recipe_build(r, "bundle exec jekyll build");
		r->web_root = "_site";
		return;
	}
	r->start = ruby_start(r, gems ? "bundle exec " : "");
	if (!r->start)
		recipe_note(r,
			"neither config.ru nor app.rb was found: "
			"nothing is restarted");
}

static void
fill_laravel(struct recipe *r)
{
	r->kind = "PHP, Laravel";
	strv_add(&r->shared, "storage/");
	strv_add(&r->migrate, "php artisan migrate --force");
	recipe_note(r,
		"Laravel reads .env: put one into shared/ on the "
		"server, and .env into shared in deploy.conf");
}

/* php-fpm runs it, for which there is no unit of one's own. */
void
recipe_php(struct recipe *r)
{
	static const char *const roots[] = { "public/index.php",
		"web/index.php", "htdocs/index.php", NULL };
	const char *root = survey_first(r->at, roots);

	if (survey_has(r->at, "composer.json")) {
		recipe_build(r,
			"COMPOSER_CACHE_DIR=\"$DEPLOY_CACHE_DIR/composer\" "
			"composer install --no-dev --no-interaction "
			"--no-progress --optimize-autoloader");
		strv_add(&r->carry, "vendor");
		recipe_keep_home(r, "vendor");
		if (!survey_has(r->at, "composer.lock"))
			recipe_note(r,
				"there is no composer.lock: commit one, "
				"and the same packages are installed every "
				"time");
	}
	if (survey_has(r->at, "artisan"))
		fill_laravel(r);
	r->web_root = root ?
		survey_printf(r->at, "%.*s", (int)strcspn(root, "/"), root) :
		".";
	recipe_note(r,
		"php-fpm keeps compiled files: let the web server hand "
		"it $realpath_root, or reload it in restart");
}

/* What is deployed is where the pages are. */
void
recipe_static(struct recipe *r)
{
	r->web_root = ".";
	if (strchr(r->because, '/'))
		r->dir = survey_printf(r->at, "%.*s",
			(int)strcspn(r->because, "/"), r->because);
}

/* Generators that one has where one writes, and the server need not. */
void
recipe_hugo(struct recipe *r)
{
	r->before = "hugo --minify";
	r->dir = "public";
	r->web_root = ".";
}

void
recipe_mkdocs(struct recipe *r)
{
	r->before = "mkdocs build";
	r->dir = "site";
	r->web_root = ".";
}
