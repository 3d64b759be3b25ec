#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "client/project.h"

/* The names of the remotes, each once. */
static void
list_remotes(const struct project *p, struct strv *names)
{
	size_t i;

	for (i = 0; i < p->settings.n; i++) {
		const struct setting *e = &p->settings.v[i];

		if (!strcmp(e->section, "remote") && !strv_has(names, e->name))
			strv_add(names, e->name);
	}
}

static void
join(const struct strv *l, struct buf *out)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		buf_addf(out, "%s%s", i ? ", " : "", l->v[i]);
}

bool
project_has_remote(const struct project *p, const char *name)
{
	return settings_get(&p->settings, "remote", name, "url") != NULL;
}

/* Makes room for one more, zeroed. */
static struct target *
add(struct targets *t)
{
	t->v = mem_realloc(t->v, t->n + 1, sizeof(*t->v));
	memset(&t->v[t->n], 0, sizeof(*t->v));
	return &t->v[t->n++];
}

static int
add_remote(struct targets *t, const struct project *p, const char *name,
	struct error *err)
{
	size_t i;

	for (i = 0; i < p->settings.n; i++) {
		const struct setting *e = &p->settings.v[i];
		struct target *one;

		if (strcmp(e->section, "remote") || strcmp(e->name, name) ||
			strcmp(e->key, "url"))
			continue;
		one = add(t);
		if (target_parse(one, e->value, err) < 0)
			return -1;
		free(one->remote);
		one->remote = mem_strdup(name);
	}
	return 0;
}

static int
not_known(const struct project *p, const char *word, struct error *err)
{
	struct strv names = STRV_INIT;
	struct buf b = BUF_INIT;
	struct stat st;

	list_remotes(p, &names);
	join(&names, &b);
	if (stat(word, &st) == 0 && S_ISDIR(st.st_mode)) {
		error_status(err, STATUS_USAGE,
			"'%s' is a directory, not a target", word);
		error_hint(err,
			"to deploy it: -C %s, or name the target "
			"before it",
			word);
	} else {
		error_status(err, STATUS_USAGE,
			"'%s' is neither a verb, a target nor a remote", word);
		if (names.n)
			error_hint(err, "the remotes of %s: %s",
				p->settings.file, b.data);
		else
			error_hint(err,
				"a target is [user@]host:app; `deploy "
				"help' lists the verbs");
	}
	strv_release(&names);
	buf_release(&b);
	return -1;
}

/* The remote that has this url, or NULL. */
static const char *
remote_of(const struct project *p, const char *url)
{
	size_t i;

	for (i = 0; i < p->settings.n; i++) {
		const struct setting *e = &p->settings.v[i];

		if (!strcmp(e->section, "remote") && !strcmp(e->key, "url") &&
			!strcmp(e->value, url))
			return e->name;
	}
	return NULL;
}

static int
add_word(struct targets *t, const struct project *p, const char *word,
	struct error *err)
{
	struct target *one;
	const char *name;

	if (project_has_remote(p, word))
		return add_remote(t, p, word, err);
	if (!strchr(word, ':'))
		return not_known(p, word, err);
	one = add(t);
	if (target_parse(one, word, err) < 0)
		return -1;
	/* A remote's url means that remote, with the directory it has. */
	name = remote_of(p, word);
	if (name) {
		free(one->remote);
		one->remote = mem_strdup(name);
	}
	return 0;
}

/* Several remotes, none of them `default'; or none at all. */
static int
which(const struct project *p, const struct strv *names, struct error *err)
{
	struct buf b = BUF_INIT;

	if (!p->has_settings)
		return error_status(err, STATUS_USAGE,
			"no target was given, "
			"and there is no deploy.conf here or above");
	if (names->n == 0) {
		error_status(err, STATUS_USAGE,
			"no target was given, and %s "
			"has no remote",
			p->settings.file);
		return error_hint(err,
			"deploy [user@]host:app, or add "
			"[remote \"production\"] with url = [user@]host:app");
	}
	join(names, &b);
	error_status(err, STATUS_USAGE, "which remote? %s has %s",
		p->settings.file, b.data);
	buf_release(&b);
	return error_hint(err,
		"deploy %s, for one; a remote named `default' "
		"is taken where none is given",
		names->v[0]);
}

static int
add_default(struct targets *t, const struct project *p, struct error *err)
{
	struct strv names = STRV_INIT;
	int rc;

	list_remotes(p, &names);
	if (names.n == 1)
		rc = add_remote(t, p, names.v[0], err);
	else if (strv_has(&names, "default"))
		rc = add_remote(t, p, "default", err);
	else
		rc = which(p, &names, err);
	strv_release(&names);
	return rc;
}

static int
compare_text(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

/* The order in which locks are taken, by whichever name it was given. */
static int
compare(const void *a, const void *b)
{
	const struct target *x = a, *y = b;
	int c = compare_text(x->host, y->host);

	if (c == 0)
		c = strcmp(x->app, y->app);
	if (c == 0)
		c = x->port - y->port;
	return c ? c : compare_text(x->user, y->user);
}

static void
sort(struct targets *t)
{
	size_t i, kept = 0;

	if (t->n == 0)
		return;
	qsort(t->v, t->n, sizeof(*t->v), compare);
	for (i = 1; i < t->n; i++)
		if (compare(&t->v[kept], &t->v[i]) == 0)
			target_release(&t->v[i]);
		else
			t->v[++kept] = t->v[i];
	t->n = kept + 1;
}

int
targets_choose(struct targets *t, const struct project *p,
	const struct options *o, const char *argument, struct error *err)
{
	size_t i;
	int rc = 0;

	memset(t, 0, sizeof(*t));
	for (i = 0; rc == 0 && i < o->targets.n; i++)
		rc = add_word(t, p, o->targets.v[i], err);
	if (rc == 0 && argument)
		rc = add_word(t, p, argument, err);
	if (rc == 0 && t->n == 0)
		rc = add_default(t, p, err);
	if (rc == 0)
		sort(t);
	return rc;
}

void
targets_release(struct targets *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		target_release(&t->v[i]);
	free(t->v);
	memset(t, 0, sizeof(*t));
}
