/* Records, by themselves and against the history. */
#include "server/fsck_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "server/stage.h"

static int
note_event(const struct event *e, void *arg)
{
	struct strv *live = arg;

	if (!strcmp(e->name, "live") || !strcmp(e->name, "rollback"))
		strv_add(live, e->id);
	return 0;
}

/* The ID that a file's name begins with, and whether there is such a file. */
static bool
is_known(const char *name, char id[static RELEASE_ID_LEN + 1])
{
	static const char *const suffixes[] = { "", ".settings", ".index",
		".times", ".built" };
	size_t i;

	snprintf(id, RELEASE_ID_LEN + 1, "%.*s", RELEASE_ID_LEN, name);
	if (!path_is_release(id))
		return false;
	for (i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (!strcmp(name + RELEASE_ID_LEN, suffixes[i]))
			return true;
	return false;
}

/* Files in records/ or logs/ that belong to no release that is known. */
static void
drop_orphans(struct fsck *f, const char *name)
{
	int fd = openat(f->s->own, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char id[RELEASE_ID_LEN + 1], where[32], path[320];
	const char *leaf;

	snprintf(where, sizeof(where), ".deployd/%s", name);
	while (fsck_next_name(f, dir, where, &leaf)) {
		if (leaf[0] == '.' ||
			(is_known(leaf, id) &&
				!(record_is_lost(f->s, id) &&
					store_lost_release(f->s, id))))
			continue;
		snprintf(path, sizeof(path), "%s/%s", where, leaf);
		fsck_drop(f, fd, leaf, path);
	}
	if (dir)
		closedir(dir);
}

static bool
has_digest(const struct buf *text, const char *hex)
{
	uint8_t digest[DIGEST_SIZE];
	char found[DIGEST_HEX + 1];

	digest_bytes(buf_str(text), text->len, digest);
	digest_to_hex(digest, found);
	return !strcmp(found, hex);
}

/* Whether it has these settings, which then are in text. */
static bool
has_settings(const struct fsck *f, const char *id, const char *hex,
	struct buf *text)
{
	struct error ignored = ERROR_INIT;

	buf_clear(text);
	return record_settings(f->s, id, text, &ignored) == 0 &&
		has_digest(text, hex);
}

/* The same deploy.conf came with other releases, as a rule. */
static bool
find_settings(const struct fsck *f, const char *hex, struct buf *text)
{
	struct error ignored = ERROR_INIT;
	struct strv ids = STRV_INIT;
	bool found = false;
	size_t i;

	if (record_list(f->s, &ids, &ignored) == 0)
		for (i = ids.n; !found && i-- > 0;)
			found = has_settings(f, ids.v[i], hex, text);
	strv_release(&ids);
	return found;
}

static void
check_settings(struct fsck *f, const struct record *r)
{
	char path[80];
	struct fsck_fault fault = { path, "is not what its release came with",
		"taken from another release",
		"deploy its tree again, with --rebuild; nothing goes back to "
		"it" };
	struct error why = ERROR_INIT, ignored = ERROR_INIT;
	struct buf text = BUF_INIT;

	if (record_settings(f->s, r->id, &text, &why) < 0)
		fault.how = why.text;
	snprintf(path, sizeof(path), ".deployd/records/%s.settings", r->id);
	if (!has_settings(f, r->id, r->settings, &text))
		fsck_tell(f, &fault,
			find_settings(f, r->settings, &text) &&
				(f->o->dry_run ||
					record_save_settings(f->s, r->id,
						buf_str(&text), text.len,
						&ignored) == 0));
	buf_release(&text);
}

/* On a full disk the history may have got what the record did not. */
static void
note_live(struct fsck *f, struct record *r, const char *path)
{
	const struct fsck_fault fault = { path,
		"does not say that its release was live",
		"as the history has it",
		"make room on the disk, then deployd fsck again" };
	struct error ignored = ERROR_INIT;

	r->went_live = true;
	free(r->state);
	r->state = mem_strdup("live");
	fsck_tell(f, &fault,
		f->o->dry_run || record_save(f->s, r, &ignored) == 0);
}

static void
check_history(struct fsck *f, struct record *r, const struct strv *were_live,
	const char *path)
{
	if (!r->went_live &&
		(strv_has(were_live, r->id) || !strcmp(r->id, f->live)))
		note_live(f, r, path);
}

bool
fsck_is_its_tree(const struct record *r)
{
	return strlen(r->tree) == DIGEST_HEX &&
		path_is_release_of(r->id, r->tree);
}

/* It makes no sense: then it goes, unless its release is there. */
static void
tell_lost(struct fsck *f, const char *id, const char *path, const char *how)
{
	bool lost = store_lost_release(f->s, id);
	struct fsck_fault fault = { path, how, "removed", "remove it by hand" };

	if (!lost)
		fault.advice = strcmp(id, f->live) ?
			"no rollback leads there: deploy prune "
			"drops its release" :
			"deploy again, with --rebuild";
	fsck_tell(f, &fault,
		lost &&
			(f->o->dry_run ||
				beneath_unlink(f->s->own,
					path + strlen(".deployd/")) == 0));
}

static void
check_record(struct fsck *f, const char *id, const struct strv *were_live)
{
	struct error why = ERROR_INIT;
	struct record r = { 0 };
	char path[64];
	const struct fsck_fault unread = { path, why.text, NULL,
		"see the kernel's log" };
	const struct fsck_fault wrong = { path, "is of another tree", NULL,
		"do not go back to its release; deploy its tree again" };

	snprintf(path, sizeof(path), ".deployd/records/%s", id);
	if (record_load(f->s, id, &r, &why) < 0) {
		if (errno == EINVAL)
			tell_lost(f, id, path, why.text);
		else
			fsck_tell(f, &unread, false);
	} else if (store_has_release(f->s, id)) {
		if (!fsck_is_its_tree(&r))
			fsck_tell(f, &wrong, false);
		check_settings(f, &r);
		check_history(f, &r, were_live, path);
	}
	record_release(&r);
}

/* It is of no use any more, and no record says how long it is to stay. */
static void
check_has_record(struct fsck *f, const char *id)
{
	char path[64];
	struct fsck_fault fault = { path, "has no record", NULL, NULL };

	if (!record_is_lost(f->s, id))
		return;
	fault.advice = strcmp(id, f->live) ?
		"no rollback leads there: deploy prune drops it" :
		"deploy again, with --rebuild";
	snprintf(path, sizeof(path), "releases/%s", id);
	fsck_tell(f, &fault, false);
}

/* What is read of it may be in memory only. */
static void
check_doubtful(struct fsck *f, const char *id)
{
	char path[64];
	const struct fsck_fault fault = { path,
		"may not be on disk: syncing it failed", NULL,
		"deploy its tree again" };
	struct error ignored = ERROR_INIT;

	snprintf(path, sizeof(path), "releases/%s", id);
	if (stage_is_doubtful(f->s, id, &ignored) > 0)
		fsck_tell(f, &fault, false);
}

/* Nothing in it is about an ID that is none. */
static void
check_doubts(struct fsck *f)
{
	struct error why = ERROR_INIT;
	const struct fsck_fault fault = { ".deployd/doubtful", why.text, NULL,
		why.hint };

	if (stage_is_doubtful(f->s, "-", &why) < 0)
		fsck_tell(f, &fault, false);
}

int
fsck_records(struct fsck *f)
{
	struct strv were_live = STRV_INIT;
	struct strv ids = STRV_INIT;
	size_t i;
	int rc = -1;

	drop_orphans(f, "records");
	drop_orphans(f, "logs");
	check_doubts(f);
	if (history_each(f->s, note_event, &were_live, f->err) == 0 &&
		record_list(f->s, &ids, f->err) == 0)
		rc = 0;
	for (i = 0; rc == 0 && i < ids.n; i++)
		check_record(f, ids.v[i], &were_live);
	for (i = 0; rc == 0 && i < f->releases.n; i++) {
		check_has_record(f, f->releases.v[i]);
		check_doubtful(f, f->releases.v[i]);
	}
	strv_release(&were_live);
	strv_release(&ids);
	return rc;
}
