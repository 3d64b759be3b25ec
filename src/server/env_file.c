#include "server/env_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/env.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/replace.h"

#define LOCK_SECONDS 10
/* Names in one line of history, in bytes. */
#define NAMES_MOST 400

static const struct store *
store(const struct env_file *e)
{
	return &e->q->s->store;
}

void
env_file_init(struct env_file *e, struct query *q)
{
	*e = (struct env_file){ .q = q, .lock = -1 };
}

/* What is not to be followed, or read. */
static int
refuse_file(struct env_file *e, const char *what)
{
	error_status(e->q->err, STATUS_REFUSED, "%s/env %s", store(e)->path,
		what);
	return error_hint(e->q->err,
		"on the server, put a regular file in its place, or take it "
		"away");
}

static int
trouble(struct env_file *e)
{
	error_errno(e->q->err, "cannot read %s/env", store(e)->path);
	return store_trouble(e->q->err);
}

static int
read_text(struct env_file *e, int fd)
{
	ssize_t n = 1;

	while (n > 0 && e->text.len <= ENV_MOST)
		n = io_read_some(fd, &e->text, ENV_MOST + 1);
	if (n < 0)
		return trouble(e);
	if (e->text.len > ENV_MOST)
		return refuse_file(e, "has more than 65,536 bytes");
	return 0;
}

/* A link is not followed: it may lead to what is no app's. */
int
env_file_read(struct env_file *e)
{
	/* A fifo without a writer must not hold us up. */
	int fd = openat(store(e)->dir, "env",
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	int rc;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && errno == ELOOP)
		return refuse_file(e,
			"is a symbolic link, which is not "
			"followed");
	if (fd < 0)
		return trouble(e);
	if (fstat(fd, &st) < 0)
		rc = trouble(e);
	else if (!S_ISREG(st.st_mode))
		rc = refuse_file(e, "is not a regular file");
	else
		rc = read_text(e, fd);
	e->mode = st.st_mode;
	io_close(&fd);
	return rc;
}

int
env_file_lock(struct env_file *e)
{
	struct query *q = e->q;
	uint64_t wait = q->ask.wait > LOCK_SECONDS ? q->ask.wait : LOCK_SECONDS;
	int64_t end = io_now_ms() + (int64_t)(wait % 1000000) * 1000;
	char holder[STORE_HOLDER];

	store_holder(session_who(q->s, q->ask.user), holder);
	while ((e->lock = lock_take(store(e)->own, "env.lock", holder)) < 0) {
		if (errno == ENOENT)
			break;
		if (errno != EWOULDBLOCK) {
			error_errno(q->err, "cannot lock %s/.deployd/env.lock",
				store(e)->path);
			return store_trouble(q->err);
		}
		if (io_now_ms() >= end) {
			error_status(q->err, STATUS_BUSY,
				"somebody else is changing %s/env",
				store(e)->path);
			return error_hint(q->err, "try again");
		}
		if (session_wait(q->s, 20))
			return error_status(q->err, STATUS_INT,
				"given up while waiting; nothing was changed");
	}
	return store_is_there(store(e)) ? 0 :
					  store_just_removed(store(e), q->err);
}

void
env_file_release(struct env_file *e)
{
	io_close(&e->lock);
	buf_release(&e->text);
}

/* The names that a line of history holds, or how many and the first. */
static void
name_changes(const struct strv *changes, struct buf *out)
{
	size_t i, total = 0;

	for (i = 0; i < changes->n; i++)
		total += env_name_length(changes->v[i]) + 1;
	if (total > NAMES_MOST)
		buf_addf(out, "%zu variables:", changes->n);
	for (i = 0; i < changes->n; i++) {
		size_t len = env_name_length(changes->v[i]);

		if (out->len + 1 + len > NAMES_MOST)
			break;
		buf_addf(out, "%s%.*s", out->len ? " " : "", (int)len,
			changes->v[i]);
	}
	if (i < changes->n)
		buf_addf(out, " ...");
}

/* One line, however many: a key for env alone must not fill the history. */
static int
record(struct env_file *e, const char *event, const struct strv *changes)
{
	struct query *q = e->q;
	struct buf names = BUF_INIT;
	int rc;

	if (!changes->n)
		return 0;
	name_changes(changes, &names);
	rc = history_append(store(e), event, "", "",
		session_who(q->s, q->ask.user), names.data, q->err);
	buf_release(&names);
	return rc < 0 ? error_prefix(q->err,
				"the variables were changed, but "
				"history does not have it: ") :
			0;
}

static int
replace(struct env_file *e, const struct buf *text)
{
	struct query *q = e->q;

	if (text->len > ENV_MOST)
		return error_status(q->err, STATUS_REFUSED,
			"%s/env would have more than 65,536 bytes",
			store(e)->path);
	if (replace_file(store(e)->dir, "env", buf_str(text), text->len, 0600,
		    REPLACE_SYNC, q->err) < 0) {
		store_trouble(q->err);
		return error_prefix(q->err, "%s: ", store(e)->path);
	}
	if (e->mode & 077)
		session_note(q->s,
			"env could be read by others (mode %03o); now it is "
			"its owner's alone (600)",
			(unsigned)e->mode & 0777);
	return 0;
}

int
env_file_change(struct env_file *e, const char *event,
	const struct strv *changes)
{
	struct buf text = BUF_INIT;
	char *path = mem_printf("%s/env", store(e)->path);
	int rc = env_edit(path, buf_str(&e->text), e->text.len, changes, &text,
		e->q->err);

	if (rc < 0) {
		e->q->err->status = STATUS_REFUSED;
	} else if (text.len == e->text.len && !(e->mode & 077) &&
		!memcmp(buf_str(&text), buf_str(&e->text), text.len)) {
		e->q->result->outcome = mem_strdup("same");
	} else {
		rc = replace(e, &text);
		if (rc == 0)
			rc = record(e, event, changes);
	}
	free(path);
	buf_release(&text);
	return rc;
}
