#include "client/init_text.h"
#include "client/recipe.h"
#include "unit.h"

static struct survey survey;
static struct recipe r;
static struct error err;
static struct buf text;

static int
find(void)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	err = (struct error)ERROR_INIT;
	survey_init(&survey, fd, &err);
	return recipe_find(&r, &survey, "shop");
}

static void
forget(void)
{
	buf_release(&text);
	recipe_release(&r);
	close(survey.fd);
	survey_release(&survey);
}

static void
found(const char *kind)
{
	ck_assert_msg(find() == 0, "%s", err.text);
	ck_assert_ptr_nonnull(r.kind);
	ck_assert_str_eq(r.kind, kind);
}

/* The list's strings, a line each. */
static const char *
lines(const struct strv *l)
{
	size_t i;

	buf_clear(&text);
	for (i = 0; i < l->n; i++)
		buf_addf(&text, "%s\n", l->v[i]);
	return buf_str(&text);
}

static void
make_dir(const char *path)
{
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

#define CI "npm ci --omit=dev --cache \"$DEPLOY_CACHE_DIR/npm\"\n"
#define CI_ALL "npm ci --include=dev --cache \"$DEPLOY_CACHE_DIR/npm\"\n"
#define DEPENDS "\"dependencies\":{\"express\":\"4\"}"

START_TEST(npm_ci_where_there_is_a_lock_file)
{
	close(unit_dir());
	unit_write("package.json",
		"{\"scripts\":{\"start\":\"node server.js\"}," DEPENDS "}");
	unit_write("package-lock.json", "{}");
	found("Node");
	ck_assert_str_eq(lines(&r.build), CI);
	ck_assert_str_eq(r.start, "node server.js");
	ck_assert_uint_eq(r.carry.n, 0);
	forget();
}
END_TEST

START_TEST(npm_install_where_there_is_none)
{
	close(unit_dir());
	unit_write("package.json", "{\"main\":\"lib/main.js\"," DEPENDS "}");
	make_dir("lib");
	unit_write("lib/main.js", "");
	make_dir("node_modules");
	found("Node");
	ck_assert_str_eq(lines(&r.build),
		"npm install --omit=dev --cache \"$DEPLOY_CACHE_DIR/npm\"\n");
	ck_assert_str_eq(lines(&r.carry), "node_modules\n");
	ck_assert_str_eq(r.start, "node lib/main.js");
	ck_assert_ptr_nonnull(strstr(lines(&r.notes), "node_modules/ would"));
	ck_assert_ptr_nonnull(strstr(lines(&r.notes), "no lock file"));
	forget();
}
END_TEST

START_TEST(a_build_needs_what_development_needs)
{
	close(unit_dir());
	unit_write("package.json",
		"{\"scripts\":{\"build\":\"next build\","
		"\"start\":\"next start\"},"
		"\"dependencies\":{\"next\":\"14\"}}");
	unit_write("package-lock.json", "{}");
	found("Node, Next.js");
	ck_assert_str_eq(lines(&r.build), CI_ALL "npm run build\n");
	ck_assert_str_eq(lines(&r.carry), ".next/cache\n");
	ck_assert_str_eq(r.start, "npm start");
	forget();
}
END_TEST

START_TEST(yarn_and_pnpm)
{
	close(unit_dir());
	unit_write("package.json",
		"{\"scripts\":{\"start\":\"FOO=1 node x\"}," DEPENDS "}");
	unit_write("yarn.lock", "");
	found("Node");
	ck_assert_ptr_nonnull(strstr(lines(&r.build),
		"yarn install --frozen-lockfile"));
	ck_assert_str_eq(r.start, "yarn start");
	forget();
	unit_write(".yarnrc.yml", "");
	found("Node");
	ck_assert_ptr_nonnull(strstr(lines(&r.build), "--immutable"));
	forget();
	unit_write("pnpm-lock.yaml", "");
	found("Node");
	ck_assert_ptr_nonnull(strstr(lines(&r.build), "--prod "));
	ck_assert_str_eq(r.start, "pnpm start");
	forget();
}
END_TEST

START_TEST(nothing_to_install_nothing_to_start)
{
	close(unit_dir());
	unit_write("package.json", "{\"dependencies\":{}}");
	found("Node");
	ck_assert_uint_eq(r.build.n, 0);
	ck_assert_ptr_null(r.start);
	ck_assert_ptr_nonnull(strstr(lines(&r.notes), "`start'"));
	forget();
}
END_TEST

/* A name with a blank or a quote never gets into a command. */
START_TEST(names_that_are_no_words_are_not_used)
{
	close(unit_dir());
	unit_write("package.json", "{\"main\":\"x;rm -r y.js\"}");
	unit_write("x;rm -r y.js", "");
	unit_write("index.js", "");
	found("Node");
	ck_assert_str_eq(r.start, "node index.js");
	forget();
	unit_write("Cargo.toml", "[package]\nname = \"x; y\"\n");
	make_dir("src");
	unit_write("src/main.rs", "");
	found("Rust");
	ck_assert_ptr_null(r.start);
	forget();
}
END_TEST

START_TEST(a_build_without_a_start_makes_pages)
{
	close(unit_dir());
	unit_write("package.json",
		"{\"scripts\":{\"build\":\"vite build\"},"
		"\"devDependencies\":{\"vite\":\"5\"}}");
	unit_write("package-lock.json", "{}");
	found("pages that Node builds");
	ck_assert_ptr_null(r.start);
	ck_assert_str_eq(r.web_root, "dist");
	forget();
}
END_TEST

START_TEST(what_is_no_package_json)
{
	close(unit_dir());
	unit_write("package.json", "{\n\"scripts\": {\n");
	ck_assert_int_eq(find(), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "package.json:3: "));
	ck_assert_int_eq(err.status, STATUS_LOCAL);
	forget();
	unit_write("package.json", "[]");
	ck_assert_int_eq(find(), -1);
	ck_assert_str_eq(err.text, "package.json: not an object");
	forget();
	unit_write("package.json", "{\"scripts\":[],\"main\":7}");
	found("Node");
	ck_assert_ptr_null(r.start);
	forget();
}
END_TEST

START_TEST(files_that_cannot_be_read)
{
	close(unit_dir());
	unit_write("package.json", "{}");
	ck_assert_int_eq(truncate("package.json", 5 << 20), 0);
	ck_assert_int_eq(find(), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "package.json"));
	forget();
	unit_write("package.json", "{}");
	ck_assert_int_eq(chmod("package.json", 0), 0);
	unit_drop_root();
	ck_assert_int_eq(find(), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "package.json"));
	forget();
}
END_TEST

START_TEST(the_front_end_of_another_language)
{
	close(unit_dir());
	unit_write("composer.json", "{}");
	unit_write("package.json",
		"{\"scripts\":{\"build\":\"vite build\"}," DEPENDS "}");
	unit_write("package-lock.json", "{}");
	found("PHP");
	ck_assert_uint_eq(r.build.n, 3);
	ck_assert_str_eq(r.build.v[1], "npm run build");
	ck_assert_ptr_nonnull(strstr(r.build.v[2], "composer install"));
	forget();
	unit_write("package.json", "{" DEPENDS "}");
	found("PHP");
	ck_assert_uint_eq(r.build.n, 1);
	ck_assert_ptr_nonnull(strstr(lines(&r.notes), "a package.json as"));
	forget();
	unit_write("go.mod", "");
	unit_write("Makefile", "");
	found("PHP");
	ck_assert_ptr_nonnull(strstr(lines(&r.notes), "a go.mod as well"));
	ck_assert_ptr_null(strstr(lines(&r.notes), "Makefile"));
	forget();
	unit_write("package.json", "{");
	ck_assert_int_eq(find(), -1);
	forget();
}
END_TEST

START_TEST(django)
{
	close(unit_dir());
	unit_write("manage.py", "");
	unit_write("requirements.txt", "Django\nGunicorn==21\n");
	make_dir("site");
	unit_write("site/wsgi.py", "");
	unit_write("site/asgi.py", "");
	unit_write("site/settings.py",
		"STATIC_ROOT = 's'\nMEDIA_ROOT = 'm'\n'sqlite3'\n");
	found("Python, Django");
	ck_assert_str_eq(lines(&r.build),
		"python3 -m venv .venv\n"
		".venv/bin/pip install -q "
		"--cache-dir \"$DEPLOY_CACHE_DIR/pip\" -r requirements.txt\n"
		".venv/bin/python manage.py collectstatic --noinput\n");
	ck_assert_str_eq(lines(&r.migrate),
		".venv/bin/python manage.py migrate --noinput\n");
	ck_assert_str_eq(lines(&r.shared), "media/\n");
	ck_assert_str_eq(r.start,
		".venv/bin/gunicorn --bind 127.0.0.1:$PORT "
		"site.wsgi:application");
	ck_assert_ptr_nonnull(strstr(lines(&r.notes), "SQLite"));
	forget();
	unit_write("requirements.txt", "django\nuvicorn\n");
	found("Python, Django");
	ck_assert_ptr_nonnull(strstr(r.start, "uvicorn"));
	ck_assert_ptr_nonnull(strstr(r.start, "site.asgi:application"));
	forget();
	ck_assert_int_eq(unlink("site/asgi.py") | unlink("site/wsgi.py"), 0);
	found("Python, Django");
	ck_assert_ptr_null(r.start);
	forget();
}
END_TEST

START_TEST(flask_and_fastapi)
{
	close(unit_dir());
	unit_write("requirements.txt", "flask\n");
	unit_write("app.py", "import flask\nweb = Flask(__name__)\n");
	found("Python, Flask");
	ck_assert_str_eq(r.start,
		".venv/bin/gunicorn --bind 127.0.0.1:$PORT app:web");
	ck_assert_ptr_nonnull(strstr(r.build.v[2], " gunicorn"));
	forget();
	unit_write("app.py", "\tweb = Flask(__name__)\nFlask(\n");
	found("Python");
	ck_assert_str_eq(r.start, ".venv/bin/python app.py");
	forget();
	unit_write("main.py", "app=FastAPI()\n");
	unit_write("requirements.txt", "fastapi\nuvicorn\n");
	found("Python, FastAPI");
	ck_assert_str_eq(r.start,
		".venv/bin/uvicorn --host 127.0.0.1 --port $PORT main:app");
	forget();
	unit_write("wsgi.py", "application = 1\n");
	found("Python");
	ck_assert_ptr_nonnull(strstr(r.start, "wsgi:application"));
	forget();
}
END_TEST

START_TEST(pyproject)
{
	close(unit_dir());
	unit_write("pyproject.toml", "[tool.black]\n");
	found("Python");
	ck_assert_str_eq(lines(&r.build), "python3 -m venv .venv\n");
	ck_assert_ptr_null(r.start);
	forget();
	unit_write("pyproject.toml", "[project]\nname = 'x'\n");
	unit_write("app.py", "app = Flask(__name__)\n");
	found("Python, Flask");
	ck_assert_ptr_nonnull(strstr(r.build.v[1], "pip\" ."));
	forget();
	unit_write("uv.lock", "");
	found("Python, Flask");
	ck_assert_uint_eq(r.build.n, 1);
	ck_assert_ptr_nonnull(strstr(r.build.v[0], "uv sync --frozen"));
	ck_assert_ptr_nonnull(strstr(lines(&r.notes), "uv add gunicorn"));
	forget();
}
END_TEST

START_TEST(go_programs)
{
	close(unit_dir());
	unit_write("go.mod", "module x\n");
	found("Go");
	ck_assert_ptr_null(r.start);
	forget();
	make_dir("cmd");
	make_dir("cmd/zeta");
	make_dir("cmd/beta");
	unit_write("cmd/zeta/main.go", "");
	unit_write("cmd/beta/main.go", "");
	found("Go");
	ck_assert_ptr_nonnull(strstr(r.build.v[0], "bin/shop ./cmd/beta"));
	forget();
	make_dir("cmd/shop");
	unit_write("cmd/shop/main.go", "");
	found("Go");
	ck_assert_ptr_nonnull(strstr(r.build.v[0], "bin/shop ./cmd/shop"));
	forget();
	unit_write("main.go", "");
	found("Go");
	ck_assert_str_eq(r.build.v[0],
		"PATH=\"$PATH:/usr/local/go/bin\" go build -o bin/shop .");
	ck_assert_str_eq(r.start, "bin/shop");
	forget();
}
END_TEST

START_TEST(rust_programs)
{
	close(unit_dir());
	make_dir("src");
	unit_write("Cargo.toml",
		"[package] # it\nname = \"a-lib\"\n"
		"[dependencies]\nname = \"no\"\n");
	unit_write("src/lib.rs", "");
	found("Rust");
	ck_assert_ptr_null(r.start);
	ck_assert_str_eq(lines(&r.carry), "target\n");
	forget();
	unit_write("src/main.rs", "");
	unit_write("Cargo.lock", "");
	found("Rust");
	ck_assert_str_eq(r.start, "target/release/a-lib");
	ck_assert_ptr_nonnull(strstr(r.build.v[0], "--release --locked"));
	forget();
	unit_write("Cargo.toml",
		"[package]\nname='a'\n[[bin]]\npath = 'x'\nname = 'web'\n");
	found("Rust");
	ck_assert_str_eq(r.start, "target/release/web");
	forget();
}
END_TEST

START_TEST(ruby_and_rails)
{
	close(unit_dir());
	unit_write("config.ru", "");
	found("Ruby");
	ck_assert_uint_eq(r.build.n, 0);
	ck_assert_str_eq(r.start, "rackup -o 127.0.0.1 -p $PORT config.ru");
	forget();
	unit_write("Gemfile", "gem 'puma'\n");
	found("Ruby");
	ck_assert_str_eq(r.start,
		"bundle exec puma -b tcp://127.0.0.1:$PORT config.ru");
	ck_assert_str_eq(lines(&r.carry), "vendor/bundle\n");
	forget();
	unit_write("Gemfile", "gem 'jekyll'\n");
	found("pages that Jekyll builds");
	ck_assert_str_eq(r.web_root, "_site");
	forget();
	make_dir("config");
	unit_write("config/puma.rb", "");
	unit_write("Gemfile", "gem 'rack'\n");
	unit_write("Gemfile.lock", "");
	found("Ruby");
	ck_assert_str_eq(r.start, "bundle exec puma -C config/puma.rb");
	ck_assert_ptr_nonnull(strstr(lines(&r.build), "frozen true"));
	forget();
	unit_write("config/application.rb", "");
	unit_write("config/credentials.yml.enc", "");
	make_dir("app");
	make_dir("app/assets");
	make_dir("db");
	found("Ruby on Rails");
	ck_assert_str_eq(lines(&r.shared), "log/\ntmp/\nstorage/\n");
	ck_assert_str_eq(lines(&r.migrate),
		"RAILS_ENV=production bundle exec rails db:migrate\n");
	ck_assert_ptr_nonnull(strstr(lines(&r.build), "assets:precompile"));
	ck_assert_ptr_nonnull(strstr(lines(&r.notes), "RAILS_MASTER_KEY"));
	forget();
}
END_TEST

START_TEST(php_and_laravel)
{
	close(unit_dir());
	unit_write("index.php", "");
	found("PHP");
	ck_assert_uint_eq(r.build.n, 0);
	ck_assert_str_eq(r.web_root, ".");
	forget();
	unit_write("composer.json", "{}");
	unit_write("artisan", "");
	make_dir("public");
	unit_write("public/index.php", "");
	found("PHP, Laravel");
	ck_assert_str_eq(r.web_root, "public");
	ck_assert_str_eq(lines(&r.migrate), "php artisan migrate --force\n");
	ck_assert_str_eq(lines(&r.shared), "storage/\n");
	forget();
}
END_TEST

START_TEST(makefiles_and_pages)
{
	close(unit_dir());
	make_dir("dist");
	unit_write("dist/index.html", "");
	found("static pages");
	ck_assert_str_eq(r.dir, "dist");
	forget();
	unit_write("index.html", "");
	found("static pages");
	ck_assert_ptr_null(r.dir);
	forget();
	unit_write("Makefile", "all:\n\ttrue\n");
	found("make");
	ck_assert_uint_eq(r.carry.n, 0);
	forget();
	unit_write("Makefile", "O = obj\nall:\n\ttouch $O/x\n");
	found("make");
	ck_assert_str_eq(lines(&r.build), "make\n");
	ck_assert_str_eq(lines(&r.carry), "obj\n");
	forget();
}
END_TEST

START_TEST(generators_run_here)
{
	struct strv urls = STRV_INIT;

	close(unit_dir());
	unit_write("mkdocs.yml", "");
	found("MkDocs");
	ck_assert_str_eq(r.dir, "site");
	forget();
	unit_write("hugo.toml", "");
	unit_write("go.mod", "");
	found("Hugo");
	ck_assert_str_eq(r.dir, "public");
	ck_assert_uint_eq(r.build.n, 0);
	init_text_conf(&text, &r, &urls);
	ck_assert_ptr_nonnull(strstr(text.data, "\nbefore = hugo --minify\n"));
	forget();
}
END_TEST

START_TEST(a_procfile_wins)
{
	close(unit_dir());
	unit_write("Procfile",
		"web:   ./serve --it's $PORT 5% \\ \r\n"
		"worker: ./work\nrelease: ./migrate now\n");
	found("Procfile");
	ck_assert_str_eq(r.start, "./serve --it's $PORT 5% \\");
	ck_assert_str_eq(lines(&r.migrate), "./migrate now\n");
	ck_assert_ptr_nonnull(strstr(lines(&r.notes), "worker"));
	init_text_unit(&text, &r);
	ck_assert_ptr_nonnull(strstr(text.data,
		"\nExecStart=/bin/sh -c "
		"'exec ./serve --it\\'s $$PORT 5%% \\\\'\n"));
	forget();
	unit_write("manage.py", "");
	unit_write("Procfile", "release: python manage.py migrate\nweb:\n");
	found("Python, Django");
	ck_assert_str_eq(lines(&r.migrate),
		"PATH=\"$PWD/.venv/bin:$PATH\"; export PATH; "
		"python manage.py migrate\n");
	forget();
	unit_write("Procfile", "web: a\tb\nrelease: \033[1m\n");
	found("Python, Django");
	ck_assert_str_eq(r.start, "a\tb");
	ck_assert_ptr_nonnull(strstr(lines(&r.migrate), "--noinput"));
	forget();
}
END_TEST

/* exec replaces the shell only where there is one program. */
START_TEST(what_is_more_than_one_program)
{
	static const char *const commands[] = { "a && b", "A=1 b", "a; b",
		"(a)" };
	size_t i;

	close(unit_dir());
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		ck_assert_int_eq(find(), 0);
		r.start = commands[i];
		init_text_unit(&text, &r);
		ck_assert_ptr_null(strstr(text.data, "'exec "));
		forget();
	}
}
END_TEST

START_TEST(nothing_is_known)
{
	struct strv urls = STRV_INIT;

	close(unit_dir());
	ck_assert_int_eq(find(), 0);
	ck_assert_ptr_null(r.kind);
	init_text_conf(&text, &r, &urls);
	ck_assert_ptr_nonnull(strstr(text.data, "# url = "));
	ck_assert_ptr_nonnull(strstr(text.data, "# build = make\n"));
	forget();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("recipe");
	TCase *tc = tcase_create("recipe");

	tcase_add_test(tc, npm_ci_where_there_is_a_lock_file);
	tcase_add_test(tc, npm_install_where_there_is_none);
	tcase_add_test(tc, a_build_needs_what_development_needs);
	tcase_add_test(tc, yarn_and_pnpm);
	tcase_add_test(tc, nothing_to_install_nothing_to_start);
	tcase_add_test(tc, names_that_are_no_words_are_not_used);
	tcase_add_test(tc, a_build_without_a_start_makes_pages);
	tcase_add_test(tc, what_is_no_package_json);
	tcase_add_test(tc, files_that_cannot_be_read);
	tcase_add_test(tc, the_front_end_of_another_language);
	tcase_add_test(tc, django);
	tcase_add_test(tc, flask_and_fastapi);
	tcase_add_test(tc, pyproject);
	tcase_add_test(tc, go_programs);
	tcase_add_test(tc, rust_programs);
	tcase_add_test(tc, ruby_and_rails);
	tcase_add_test(tc, php_and_laravel);
	tcase_add_test(tc, makefiles_and_pages);
	tcase_add_test(tc, generators_run_here);
	tcase_add_test(tc, a_procfile_wins);
	tcase_add_test(tc, what_is_more_than_one_program);
	tcase_add_test(tc, nothing_is_known);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
