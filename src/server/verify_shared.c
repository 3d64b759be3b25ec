/* What a release has at shared paths, and whether shared/ holds that. */
#include "server/verify.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/beneath.h"
#include "base/io.h"
#include "server/hooks.h"
#include "server/stage.h"

static bool
is_link_to_it(int release, const char *path)
{
	char *target = stage_shared_target(path);
	struct beneath at;
	const char *leaf;
	int dir;
	bool is;

	beneath_init(&at, release);
	dir = beneath_at(&at, path, &leaf);
	is = dir >= 0 && verify_leads_to(dir, leaf, target);
	beneath_release(&at);
	free(target);
	return is;
}

/* What stands in the link's place; VERIFY_RIGHT: the manifest tells of it. */
static enum verify_how
judge_other(int release, const struct manifest *m, const char *path)
{
	const struct entry *e = m ? manifest_find(m, path) : NULL;
	struct stat st;

	if (beneath_stat(release, path, &st) < 0)
		return e ? VERIFY_RIGHT : VERIFY_MISSING;
	return e && !verify_is_type(e, st.st_mode) ? VERIFY_RIGHT : VERIFY_TYPE;
}

static enum verify_how
judge(int release, int shared, const struct manifest *m, const char *path,
	bool directory)
{
	struct stat st;

	if (!is_link_to_it(release, path))
		return judge_other(release, m, path);
	if (beneath_stat(shared, path, &st) < 0 ||
		(directory && !S_ISDIR(st.st_mode)))
		return VERIFY_SHARED;
	return VERIFY_RIGHT;
}

static int
load_words(const struct store *s, const char *id, struct strv *words,
	struct error *err)
{
	struct buf text = BUF_INIT;
	int rc = record_settings(s, id, &text, err);

	if (rc == 0)
		rc = hook_settings_shared(words, buf_str(&text), text.len, err);
	buf_release(&text);
	return rc;
}

static int
tell_all(int release, int shared, const struct manifest *m,
	const struct strv *words, verify_shared_fn *fn, void *arg)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < words->n && rc == 0; i++) {
		size_t len = strlen(words->v[i]);
		bool directory = len && words->v[i][len - 1] == '/';
		char *path = mem_strndup(words->v[i], len - directory);
		enum verify_how how = judge(release, shared, m, path,
			directory);

		if (how != VERIFY_RIGHT)
			rc = fn(arg, path, how);
		free(path);
	}
	return rc;
}

int
verify_shared(const struct store *s, const char *id, int dir,
	const struct manifest *m, verify_shared_fn *fn, void *arg,
	struct error *err)
{
	struct strv words = STRV_INIT;
	int shared, rc = load_words(s, id, &words, err);

	if (rc == 0 && words.n) {
		/* Without it nothing is found in it. */
		shared = beneath_open(s->dir, "shared", O_RDONLY | O_DIRECTORY,
			0);
		rc = tell_all(dir, shared, m, &words, fn, arg);
		io_close(&shared);
	}
	strv_release(&words);
	return rc;
}
