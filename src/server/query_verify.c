/* The verb verify: what of a release is not as it was deployed and built. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "server/built.h"
#include "server/query.h"

static int
send_fault(void *arg, const char *path, enum verify_how how)
{
	const char change[] = { verify_letter(how), '\0' };
	const struct msg_fault m = { .path = (char *)path,
		.change = (char *)change,
		.how = (char *)verify_word(how) };
	struct query *q = arg;
	struct session *s = q->s;

	MESSAGE_SEND(&s->client, "fault", fault, &m);
	return session_room(s, q->err);
}

static int
send_entry(void *arg, const struct entry *e, enum verify_how how)
{
	return send_fault(arg, e->path, how);
}

static int
choose(struct query *q, char id[static RELEASE_ID_LEN + 1])
{
	if (!q->ask.release)
		return query_live(q, id);
	return store_find(&q->s->store, q->ask.release, id, q->err);
}

static int
open_release(struct query *q, const char *id, int *dir)
{
	char path[64];

	snprintf(path, sizeof(path), "releases/%s", id);
	*dir = beneath_open(q->s->store.dir, path, O_RDONLY | O_DIRECTORY, 0);
	/* Retention spares a release that a process is in. */
	if (*dir >= 0 && fchdir(*dir) == 0)
		return 0;
	error_errno(q->err, "cannot open %s", path);
	q->err->status = STATUS_REFUSED;
	return error_hint(q->err, "deploy again");
}

static int
verify(struct query *q, const char *id, int dir)
{
	const struct busy busy = { session_busy, q->s };
	struct verify_options o = { .busy = &busy };
	struct manifest m = MANIFEST_INIT;
	struct record r = { 0 };
	uint64_t bytes;
	int rc = record_load(&q->s->store, id, &r, q->err);

	if (rc == 0)
		rc = built_load(&q->s->store, &r, &m, q->err);
	if (rc < 0) {
		q->err->status = STATUS_REFUSED;
		error_hint(q->err, "on the server: deployd fsck %s",
			q->ask.app);
	} else {
		o.umask = (mode_t)r.umask;
		rc = verify_tree(dir, &m, &o, send_entry, q, q->err);
		if (rc == 0)
			rc = verify_shared(&q->s->store, id, dir, &m,
				send_fault, q, q->err);
		manifest_count(&m, &q->result->files, &bytes);
	}
	manifest_release(&m);
	record_release(&r);
	return rc;
}

int
query_verify(struct query *q)
{
	char id[RELEASE_ID_LEN + 1];
	int dir = -1, rc = -1;

	if (choose(q, id) == 0 && open_release(q, id, &dir) == 0)
		rc = verify(q, id, dir);
	io_close(&dir);
	if (rc < 0)
		return -1;
	q->result->release = mem_strdup(id);
	q->result->outcome = mem_strdup("verified");
	return 0;
}
