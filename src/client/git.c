#include "client/git.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/gitenv.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/process.h"

#define OUTPUT_MOST 65536

/*
 * Runs git with these words in a directory; its exit status, or -1.  The
 * line feed that ends its output is taken off.
 */
static int
ask(int dir, const char *const *words, struct buf *out)
{
	const char *argv[16] = { "git", "-c", "core.fsmonitor=false" };
	struct error err = ERROR_INIT;
	char **envp = gitenv_make();
	size_t n = 3;
	int rc;

	while (*words)
		argv[n++] = *words++;
	buf_clear(out);
	rc = process_output(argv, envp, dir, OUTPUT_MOST, out, &err);
	if (out->len && out->data[out->len - 1] == '\n')
		buf_truncate(out, out->len - 1);
	free(envp);
	return rc;
}

#define ASK(dir, out, ...) \
	ask((dir), (const char *const[]){ __VA_ARGS__, NULL }, (out))
/*
 * In anybody's repository: only for questions that run no program which its
 * configuration names.
 */
#define ANYBODYS "-c", "safe.directory=*"

/* The next line of text, a copy, or NULL if it is empty. */
static char *
take_line(const char **text)
{
	size_t len = strcspn(*text, "\n");
	char *line = len ? mem_strndup(*text, len) : NULL;

	*text += len + ((*text)[len] == '\n');
	return line;
}

/* A password or token in https://user:token@host/ is not for a record. */
static char *
without_secret(const char *url)
{
	const char *scheme = strstr(url, "://"), *authority, *at;

	if (!scheme)
		return mem_strdup(url);
	authority = scheme + 3;
	at = memrchr(authority, '@', strcspn(authority, "/"));
	if (!at)
		return mem_strdup(url);
	return mem_printf("%.*s%s", (int)(authority - url), url, at + 1);
}

static void
read_facts(struct git_facts *g, int dir)
{
	struct buf out = BUF_INIT;
	const char *text;

	if (ASK(dir, &out, ANYBODYS, "log", "-1", "--no-show-signature",
		    "--format=%H%n%s%n%an <%ae>") != 0 ||
		out.len == 0)
		goto out;
	text = out.data;
	g->is_repository = true;
	g->commit = take_line(&text);
	g->subject = take_line(&text);
	g->author = take_line(&text);
	if (ASK(dir, &out, ANYBODYS, "symbolic-ref", "-q", "--short", "HEAD") ==
			0 &&
		out.len)
		g->branch = mem_strdup(out.data);
	if (ASK(dir, &out, ANYBODYS, "config", "remote.origin.url") == 0 &&
		out.len)
		g->remote = without_secret(out.data);
	/* This may run filters: in one's own repository only. */
	g->dirty = ASK(dir, &out, "status", "--porcelain",
			   "--untracked-files=no", "--", ".") == 0 &&
		out.len;
out:
	buf_release(&out);
}

static int
open_directory(const char *directory)
{
	return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void *
answer(void *arg)
{
	struct git_question *q = arg;
	int dir = open_directory(q->directory);

	if (dir >= 0)
		read_facts(&q->facts, dir);
	io_close(&dir);
	return NULL;
}

void
git_ask(struct git_question *q, const char *directory)
{
	memset(q, 0, sizeof(*q));
	q->directory = directory;
	q->asking = pthread_create(&q->thread, NULL, answer, q) == 0;
	if (!q->asking)
		answer(q);
}

bool
git_answered(struct git_question *q, int ms)
{
	struct timespec until;
	int64_t ns = io_wall_ns() + (int64_t)ms * 1000000;

	until.tv_sec = ns / 1000000000;
	until.tv_nsec = ns % 1000000000;
	if (q->asking &&
		pthread_timedjoin_np(q->thread, NULL, &until) == ETIMEDOUT)
		return false;
	q->asking = false;
	return true;
}

void
git_facts_release(struct git_facts *g)
{
	free(g->commit);
	free(g->branch);
	free(g->subject);
	free(g->author);
	free(g->remote);
	memset(g, 0, sizeof(*g));
}

/* The server said it: nothing else is handed to git. */
static bool
is_commit(const char *s)
{
	size_t len = strlen(s);

	while (isxdigit((unsigned char)*s))
		s++;
	return *s == '\0' && (len == 40 || len == 64);
}

static int
contains(int dir, const char *commit)
{
	char *object = mem_printf("%s^{commit}", commit);
	struct buf out = BUF_INIT;
	int rc;

	if (ASK(dir, &out, ANYBODYS, "cat-file", "-e", object) == 0) {
		rc = ASK(dir, &out, ANYBODYS, "merge-base", "--is-ancestor",
			commit, "HEAD");
		rc = rc == 0 ? 1 : rc == 1 ? 0 : -1;
	} else {
		/* A shallow clone may just not have it. */
		rc = ASK(dir, &out, ANYBODYS, "rev-parse",
			     "--is-shallow-repository") == 0 &&
				!strcmp(buf_str(&out), "false") ?
			0 :
			-1;
	}
	buf_release(&out);
	free(object);
	return rc;
}

int
git_contains(const char *directory, const char *commit)
{
	int dir = is_commit(commit) ? open_directory(directory) : -1;
	int rc = dir < 0 ? -1 : contains(dir, commit);

	io_close(&dir);
	return rc;
}
