#include "server/query.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/beneath.h"
#include "base/io.h"
#include "server/apps.h"
#include "server/listing.h"
#include "server/room.h"

struct verb {
	const char *name;
	const char *needs; /* what --allow must grant */
	int (*run)(struct query *q);
	bool acts; /* it changes the store, or runs what that brings */
};

int
query_words(struct query *q, struct strv *words)
{
	struct frame f;
	const char *at, *end;

	if (session_frame(q->s, &f, q->err) < 0)
		return -1;
	if (strcmp(f.type, "words") || (f.len && f.data[f.len - 1]))
		return error_status(q->err, STATUS_TRANSFER,
			"%s needs a words frame", q->ask.verb);
	for (at = f.data, end = at + f.len; at < end; at += strlen(at) + 1)
		strv_add(words, at);
	return 0;
}

int
query_input(struct query *q, size_t most, struct buf *out)
{
	struct frame f;

	for (;;) {
		if (session_frame(q->s, &f, q->err) < 0)
			return -1;
		if (!strcmp(f.type, "input-end"))
			return 0;
		if (strcmp(f.type, "input"))
			return error_status(q->err, STATUS_TRANSFER,
				"an unexpected %s frame", f.type);
		if (out->len + f.len > most)
			return error_status(q->err, STATUS_REFUSED,
				"more than %zu bytes of input", most);
		buf_add(out, f.data, f.len);
	}
}

int
query_output(struct query *q, const char *type, const char *data, size_t len)
{
	struct session *s = q->s;

	while (len) {
		size_t n = len > FRAME_MOST ? FRAME_MOST : len;

		channel_send(&s->client, type, data, n);
		data += n;
		len -= n;
		if (session_room(s, q->err) < 0)
			return -1;
	}
	return 0;
}

static void
send_release(void *arg, const struct msg_release *m)
{
	struct query *q = arg;

	MESSAGE_SEND(&q->s->client, "release", release, m);
}

int
query_send_release(struct query *q, const char *id, const char *live)
{
	return listing_one(&q->s->store, id, live, send_release, q, q->err);
}

static int
serve_releases(struct query *q)
{
	return listing_each(&q->s->store, send_release, q, q->err);
}

/* The other apps, for who mistyped one. */
static char *
list_apps(const struct config *c)
{
	struct strv apps = STRV_INIT;
	struct buf b = BUF_INIT;
	size_t i;

	apps_visible(c, &apps);
	for (i = 0; i < apps.n && b.len < 4000; i++)
		buf_addf(&b, "%s%s", i ? " " : "", apps.v[i]);
	strv_release(&apps);
	return buf_detach(&b);
}

/* One that is under way now has one of the locks, or had it a moment ago. */
static char *
find_cut_off(const struct store *s)
{
	struct error ignored = ERROR_INIT;
	struct history_switch w;
	char busy[256], switching[256];

	if (history_unfinished(s, &w, &ignored) <= 0)
		return NULL;
	store_busy(s, busy, sizeof(busy));
	store_busy_switch(s, switching, sizeof(switching));
	if (*busy || *switching || history_unfinished(s, &w, &ignored) <= 0)
		return NULL;
	return mem_strdup(w.id);
}

int
query_status(const struct store *s, struct msg_status *m, struct error *amiss,
	struct error *err)
{
	char id[RELEASE_ID_LEN + 1], busy[256];
	struct error ignored = ERROR_INIT;
	struct strv ids = STRV_INIT;
	struct statvfs v;

	m->app = mem_strdup(s->app);
	m->version = mem_strdup(VERSION);
	m->exists = true;
	(void)listing_live(s, id, amiss);
	if (*id)
		m->live = mem_strdup(id);
	if (history_previous(s, id, NULL, &ignored) == 0 && *id)
		m->previous = mem_strdup(id);
	store_busy(s, busy, sizeof(busy));
	if (*busy)
		m->busy = mem_strdup(busy);
	else
		m->cut_off = find_cut_off(s);
	if (store_releases(s, &ids, err) < 0)
		return -1;
	m->releases = ids.n;
	strv_release(&ids);
	room_status(s, m);
	if (fstatvfs(s->dir, &v) == 0) {
		m->free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
		m->total_bytes = (uint64_t)v.f_blocks * v.f_frsize;
	}
	return 0;
}

static int
serve_status(struct query *q)
{
	struct error amiss = ERROR_INIT;
	struct msg_status m = { 0 };
	int rc = query_status(&q->s->store, &m, &amiss, q->err);

	if (rc == 0) {
		m.apps = list_apps(q->s->config);
		MESSAGE_SEND(&q->s->client, "status", status, &m);
		if (m.live)
			rc = query_send_release(q, m.live, m.live);
	}
	MESSAGE_RELEASE(status, &m);
	if (!*amiss.text)
		return rc;
	*q->err = amiss;
	return -1;
}

/* The newest release that has a log, unless one was named. */
static int
choose_log(struct query *q, char id[static RELEASE_ID_LEN + 1])
{
	struct strv ids = STRV_INIT;

	if (q->ask.release)
		return store_find_record(&q->s->store, q->ask.release, id,
			q->err);
	if (record_list(&q->s->store, &ids, q->err) < 0)
		return -1;
	if (ids.n == 0) {
		strv_release(&ids);
		return error_status(q->err, STATUS_REFUSED,
			"%s has no releases yet", q->ask.app);
	}
	snprintf(id, RELEASE_ID_LEN + 1, "%s", ids.v[ids.n - 1]);
	strv_release(&ids);
	return 0;
}

static int
stream_log(struct query *q, int fd)
{
	char data[32768];
	ssize_t n;

	while ((n = io_read_full(fd, data, sizeof(data))) > 0)
		if (query_output(q, ".log", data, (size_t)n) < 0)
			return -1;
	return n < 0 ? error_errno(q->err, "cannot read the log") : 0;
}

static int
serve_log(struct query *q)
{
	char id[RELEASE_ID_LEN + 1], name[64];
	int fd, rc;

	if (choose_log(q, id) < 0)
		return -1;
	q->result->release = mem_strdup(id);
	snprintf(name, sizeof(name), "logs/%s", id);
	fd = beneath_open_file(q->s->store.own, name);
	if (fd < 0 && errno == ENOENT)
		return 0; /* it had no hooks */
	if (fd < 0)
		return error_errno(q->err, "cannot open the log of %s", id);
	rc = stream_log(q, fd);
	io_close(&fd);
	return rc;
}

static const struct verb verbs[] = {
	{ "releases", "read", serve_releases, false },
	{ "status", "read", serve_status, false },
	{ "log", "read", serve_log, false },
	{ "rollback", "rollback", query_rollback, true },
	{ "activate", "rollback", query_activate, true },
	{ "env", "env", query_env, false },
	{ "prune", "admin", query_prune, true },
	{ "pin", "admin", query_pin, true },
	{ "unpin", "admin", query_pin, true },
	{ "remove", "admin", query_remove, true },
	{ "fetch", "secrets", query_fetch, false },
	{ "verify", "read", query_verify, false },
	{ "fsck", "admin", query_fsck, true },
	{ "restart", "rollback", query_restart, true },
	{ "logs", "read", query_logs, true },
	{ "run", "run", query_run, true },
	{ "doctor", "admin", query_doctor, false },
	{ NULL, NULL, NULL, false },
};

/* To read values is more than to set them. */
static const char *
needs(const struct query *q, const struct verb *v)
{
	return v->run == query_env && q->ask.reveal ? "secrets" : v->needs;
}

/* It opens the app itself, once it knows that it is to; or needs none. */
static bool
opens_itself(const struct verb *v)
{
	return v->run == query_env || v->run == query_doctor;
}

static int
open_app(struct query *q, const struct verb *v)
{
	char command[40];

	snprintf(command, sizeof(command), "deploy %s local:", v->name);
	if (session_open_app(q->s, q->ask.app, false, v->acts ? command : NULL,
		    q->err) < 0)
		return -1;
	/* These are for a store that is damaged, too. */
	return v->run == query_fsck || v->run == query_remove ?
		0 :
		store_check_layout(&q->s->store, q->err);
}

static int
run(struct query *q, const struct frame *f)
{
	const struct verb *v = verbs;

	if (MESSAGE_READ(ask, f, &q->ask, q->err) < 0)
		return -1;
	while (v->name && (!q->ask.verb || strcmp(v->name, q->ask.verb)))
		v++;
	if (!v->name)
		return error_status(q->err, STATUS_REFUSED,
			"this deployd does not know the verb '%s'",
			q->ask.verb ? q->ask.verb : "");
	if (!q->ask.app || !path_is_app(q->ask.app))
		return error_status(q->err, STATUS_REFUSED,
			"'%s' cannot be an app's name",
			q->ask.app ? q->ask.app : "");
	if (config_authorise(q->s->config, q->ask.app, needs(q, v), q->err) <
			0 ||
		(!opens_itself(v) && open_app(q, v) < 0))
		return -1;
	return v->run(q);
}

void
query_serve(struct session *s, const struct frame *f, struct msg_result *result)
{
	struct error err = ERROR_INIT;
	struct query q = { .s = s, .result = result, .err = &err };

	if (run(&q, f) < 0) {
		if (err.status == STATUS_LOCAL)
			err.status = STATUS_TRANSFER;
		result_from_error(result, &err);
	} else if (!result->outcome) {
		result->outcome = mem_strdup("answered");
	}
	session_name_live(s, result);
	MESSAGE_RELEASE(ask, &q.ask);
}
