#include "server/admin.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/io.h"
#include "base/log.h"
#include "server/activate.h"
#include "server/apps.h"
#include "server/listing.h"
#include "server/query.h"
#include "server/room.h"
#include "server/store.h"
#include "wire/words.h"

/* Values come from clients: they are escaped. */
static void
print_pair(const char *key, const char *value)
{
	char *safe;

	if (!value)
		return;
	safe = escape_dup(value);
	printf("%-10s %s\n", key, safe);
	free(safe);
}

/* Why what is live has not passed its check. */
static void
print_unchecked(const struct store *s, const char *live, struct error *amiss)
{
	struct error why = ERROR_INIT;
	struct record r = { 0 };

	if (record_load(s, live, &r, &why) < 0) {
		print_pair("unchecked", why.text);
		if (!*amiss->text)
			*amiss = why;
	} else if (!r.checked) {
		print_pair("unchecked",
			r.reason ? r.reason : "its check has not passed");
	}
	record_release(&r);
}

static void
print_megabytes(uint64_t bytes, bool more)
{
	printf("%s%" PRIu64 ".%" PRIu64 " MB", more ? "more than " : "",
		bytes / 1000000, bytes / 100000 % 10);
}

static void
print_figure(const struct msg_status *m, const char *name, const char *label,
	uint64_t bytes)
{
	struct strv more = STRV_INIT;

	strv_split(&more, m->more ? m->more : "", " ");
	printf("%-11s ", label);
	print_megabytes(bytes, strv_has(&more, name));
	putchar('\n');
	strv_release(&more);
}

static int
print_status(const struct store *s, struct error *err)
{
	struct msg_status m = { 0 };
	struct error amiss = ERROR_INIT;

	if (query_status(s, &m, &amiss, err) < 0)
		return -1;
	print_pair("app", m.app);
	print_pair("live", m.live ? m.live : "nothing");
	if (m.live)
		print_unchecked(s, m.live, &amiss);
	print_pair("previous", m.previous);
	print_pair("busy", m.busy);
	print_pair("cut off", m.cut_off);
	printf("%-10s %" PRIu64 "\n", "releases", m.releases);
	print_figure(&m, "releases", "in releases", m.releases_bytes);
	print_figure(&m, "next", "in next", m.next_bytes);
	print_figure(&m, "shared", "in shared", m.shared_bytes);
	print_figure(&m, "cache", "in cache", m.cache_bytes);
	printf("%-10s %" PRIu64 " MB of %" PRIu64 " MB\n", "free",
		m.free_bytes / 1000000, m.total_bytes / 1000000);
	MESSAGE_RELEASE(status, &m);
	if (!*amiss.text)
		return 0;
	*err = amiss;
	return -1;
}

static void
print_release(void *arg, const struct msg_release *m)
{
	char *by = escape_dup(m->by ? m->by : "");
	char *subject = escape_dup(m->git_subject ? m->git_subject :
			m->by                     ? "" :
						    m->reason);
	struct buf state = BUF_INIT;

	release_state(m, &state);
	printf("%c %s  %-8s  %-16s  %s\n", m->live ? '*' : ' ', m->id,
		buf_str(&state), by, subject);
	buf_release(&state);
	free(by);
	free(subject);
}

static void
show_output(void *arg, const char *data, size_t len)
{
	say_text(arg, data, len);
}

static int
wait_for(void *arg, struct pollfd *fds, int n, int timeout)
{
	int rc = poll(fds, (nfds_t)n, timeout);

	return rc < 0 && errno == EINTR ? 0 : rc;
}

static void
show_line(void *arg, const char *text)
{
	say_line(arg, text);
}

struct activate_host
admin_host(const struct config *c, struct say *say)
{
	return (struct activate_host){ { .output = show_output,
					       .wait = wait_for,
					       .arg = say,
					       .umask = c->umask },
		show_line, show_line, say };
}

static const char *
user_name(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw ? pw->pw_name : "admin";
}

static int
roll_back(struct store *s, const struct config *c, const char *to,
	struct error *err)
{
	struct say say = { .fd = STDERR_FILENO };
	const struct activate_host host = admin_host(c, &say);
	char id[RELEASE_ID_LEN + 1], went[RELEASE_ID_LEN + 1];
	const char *failed;
	int rc;

	if (to && store_find(s, to, id, err) < 0)
		return -1;
	rc = activate_rollback(s, c, to ? id : NULL, NULL, user_name(),
		ACTIVATE_WAIT, true, &host, went, &failed, err);
	say_end(&say);
	if (rc > 0)
		log_info("%s is live already", went);
	if (rc == 0)
		log_info("rolled back %s to %s", s->app, went);
	return rc < 0 ? -1 : 0;
}

static void
show_dropped(void *arg, const struct msg_dropped *m)
{
	struct buf line = BUF_INIT;

	buf_addf(&line, "dropped %s: %s%" PRIu64 ".%" PRIu64 " MB",
		m->release       ? m->release :
			m->spare ? "the spare" :
				   "what was in trash",
		m->more ? "more than " : "", m->bytes / 1000000,
		m->bytes / 100000 % 10);
	show_line(arg, buf_str(&line));
	buf_release(&line);
}

static int
prune(struct store *s, const struct config *c, struct error *err)
{
	struct say say = { .fd = STDERR_FILENO };
	char holder[STORE_HOLDER];
	int rc;

	store_holder("deployd prune", holder);
	if (store_lock(s, holder, 2, NULL, NULL, err) < 0)
		return -1;
	rc = room_make(s, c, false, show_dropped, &say, err);
	store_unlock(s);
	say_end(&say);
	return rc;
}

int
admin_open(struct store *s, const struct config *c, const char *app,
	const char *command, struct error *err)
{
	char *near;

	if (store_open(s, c->root, app, false, command, err) == 0) {
		s->relaxed = c->relaxed;
		return 0;
	}
	near = errno == ENOENT ? apps_near_miss(c, app) : NULL;
	if (near)
		error_hint(err, "%s", near);
	free(near);
	return -1;
}

/* store_open()'s; NULL for those that only look. */
static const char *
command_of(const char *word)
{
	return !strcmp(word, "rollback") ? "deployd rollback " :
		!strcmp(word, "prune")   ? "deployd prune " :
					   NULL;
}

static int
run_on_store(const struct config *c, const char *const *words, int n,
	struct error *err)
{
	struct store s;
	int rc;

	if (admin_open(&s, c, words[1], command_of(words[0]), err) < 0)
		return -1;
	if (store_check_layout(&s, err) < 0)
		rc = -1;
	else if (!strcmp(words[0], "status"))
		rc = print_status(&s, err);
	else if (!strcmp(words[0], "releases"))
		rc = listing_each(&s, print_release, NULL, err);
	else if (!strcmp(words[0], "rollback"))
		rc = roll_back(&s, c, n == 3 ? words[2] : NULL, err);
	else
		rc = prune(&s, c, err);
	store_release(&s);
	return rc;
}

int
admin_run(const struct config *c, const char *const *words, int n)
{
	static const char *const known[] = { "status", "releases", "rollback",
		"prune", NULL };
	struct error err = ERROR_INIT;
	size_t i = 0;
	int rc;

	signal(SIGPIPE, SIG_IGN);
	while (known[i] && strcmp(known[i], words[0]))
		i++;
	if (known[i] && n == 3 && strcmp(words[0], "rollback"))
		rc = error_status(&err, STATUS_USAGE,
			"%s takes an app and nothing else, not '%s'", words[0],
			words[2]);
	else if (!known[i])
		rc = error_status(&err, STATUS_USAGE,
			"no such command: %s; there are status, releases, "
			"rollback, prune and fsck",
			words[0]);
	else if (!path_is_app(words[1]))
		rc = error_status(&err, STATUS_USAGE,
			"'%s' cannot be an app's name", words[1]);
	else
		rc = run_on_store(c, words, n, &err);
	if (rc < 0)
		log_error("deployd", &err);
	return rc < 0 ? (int)err.status : 0;
}
