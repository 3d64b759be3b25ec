/* Records, and the settings beside them. */
#include "server/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/settings.h"

#define RECORD_MOST 65536

#define F(kind, key, member) \
	{ \
		key, MESSAGE_##kind, offsetof(struct record, member) \
	}

const struct message_field record_fields[] = {
	F(TEXT, "id", id),
	F(TEXT, "app", app),
	F(TEXT, "tree", tree),
	F(TEXT, "settings", settings),
	F(TEXT, "manifest", manifest),
	F(TEXT, "state", state),
	F(TEXT, "previous", previous),
	F(TEXT, "by", by),
	F(TEXT, "remote", remote),
	F(TEXT, "reason", reason),
	F(TEXT, "git-commit", git_commit),
	F(TEXT, "git-branch", git_branch),
	F(TEXT, "git-subject", git_subject),
	F(TEXT, "git-author", git_author),
	F(TEXT, "git-remote", git_remote),
	F(FLAG, "git-dirty", git_dirty),
	F(FLAG, "checked", checked),
	F(FLAG, "held", held),
	F(FLAG, "pinned", pinned),
	F(FLAG, "went-live", went_live),
	F(FLAG, "no-hooks", no_hooks),
	F(NUMBER, "created", created),
	F(NUMBER, "activated", activated),
	F(NUMBER, "files", files),
	F(NUMBER, "bytes", bytes),
	F(NUMBER, "hooks", hooks),
	F(NUMBER, "umask", umask),
	{ NULL, MESSAGE_TEXT, 0 },
};

void
record_release(struct record *r)
{
	message_release(record_fields, r);
}

/* Whatever the disk and the account, it will not be read. */
static bool
is_of_content(int error)
{
	return error == EINVAL || error == ELOOP || error == EISDIR ||
		error == ENOTDIR || error == EFBIG;
}

static void
refuse_lost(struct error *err)
{
	err->status = STATUS_REFUSED;
	error_hint(err, "deploy fsck tells what can be done");
}

int
record_load(const struct store *s, const char *id, struct record *r,
	struct error *err)
{
	struct buf text = BUF_INIT;
	char name[64];
	int rc;

	snprintf(name, sizeof(name), "records/%s", id);
	rc = beneath_read(s->own, name, RECORD_MOST, &text, err);
	if (rc == 0) {
		rc = message_read(record_fields, buf_str(&text), text.len, r,
			err);
		if (rc < 0)
			error_set(err, "it is damaged");
		errno = EINVAL;
	}
	if (rc == 0 &&
		(!r->id || strcmp(r->id, id) || !r->tree || !r->settings ||
			!r->manifest || !r->state)) {
		errno = EINVAL;
		rc = error_set(err, "it is incomplete");
	}
	buf_release(&text);
	if (rc < 0) {
		int saved = is_of_content(errno) ? EINVAL : errno;

		record_release(r);
		error_prefix(err, "the record of %s: ", id);
		if (saved == ENOENT || saved == EINVAL)
			refuse_lost(err);
		errno = saved;
	}
	return rc;
}

int
record_save(const struct store *s, const struct record *r, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc;

	message_write(record_fields, r, &text);
	do {
		rc = store_write(s, "records", r->id, text.data, text.len, err);
		if (rc < 0 &&
			store_write_over(s, "records", r->id, text.data,
				text.len))
			rc = 0;
	} while (rc < 0 && store_throw_ballast(s));
	if (rc < 0) {
		error_errno(err, "cannot write %s/.deployd/records/%s", s->path,
			r->id);
		store_trouble(err);
	}
	buf_release(&text);
	return rc;
}

int
record_held(const struct store *s, const char *tree, const char *settings,
	char id[static RELEASE_ID_LEN + 1], struct error *err)
{
	struct strv ids = STRV_INIT;
	bool good = false;
	int rc = record_list(s, &ids, err);
	size_t i;

	id[0] = '\0';
	for (i = rc < 0 ? 0 : ids.n; rc == 0 && i-- > 0 && !*id && !good;) {
		struct error why = ERROR_INIT;
		struct record r = { 0 };
		int loaded = record_load(s, ids.v[i], &r, &why);
		bool same = loaded == 0 && !strcmp(r.tree, tree) &&
			!strcmp(r.settings, settings);

		/* What is gone or spoilt says nothing; this might. */
		if (loaded < 0 && errno != ENOENT && errno != EINVAL) {
			*err = why;
			rc = store_trouble(err);
		}
		if (same && r.held)
			snprintf(id, RELEASE_ID_LEN + 1, "%s", ids.v[i]);
		/* It was forced later on, and went well. */
		good = same && !r.held && r.checked;
		record_release(&r);
	}
	strv_release(&ids);
	return rc;
}

bool
record_is_listed(const struct store *s, const struct record *r)
{
	return !strcmp(r->state, "failed") || !strcmp(r->state, "reverted") ||
		!store_lost_release(s, r->id);
}

void
record_to_message(const struct record *r, const char *live,
	struct msg_release *out)
{
	memset(out, 0, sizeof(*out));
	out->id = r->id;
	out->tree = r->tree;
	out->previous = r->previous;
	out->state = r->state;
	out->live = live && !strcmp(live, r->id);
	out->checked = r->checked;
	out->pinned = r->pinned;
	out->held = r->held;
	out->created = r->created;
	out->activated = r->activated;
	out->files = r->files;
	out->bytes = r->bytes;
	out->by = r->by;
	out->git_commit = r->git_commit;
	out->git_branch = r->git_branch;
	out->git_subject = r->git_subject;
	out->git_dirty = r->git_dirty;
	out->remote = r->remote;
	out->reason = r->reason;
}

int
record_settings(const struct store *s, const char *id, struct buf *text,
	struct error *err)
{
	char name[64];

	snprintf(name, sizeof(name), "records/%s.settings", id);
	if (beneath_read(s->own, name, SETTINGS_MOST, text, err) == 0)
		return 0;
	return errno == ENOENT ? 0 : -1;
}

int
record_settings_checked(const struct store *s, const struct record *r,
	struct buf *text, struct error *err)
{
	uint8_t digest[DIGEST_SIZE];
	char found[DIGEST_HEX + 1];

	if (record_settings(s, r->id, text, err) < 0)
		return -1;
	digest_bytes(buf_str(text), text->len, digest);
	digest_to_hex(digest, found);
	if (!strcmp(found, r->settings))
		return 0;
	errno = EINVAL;
	error_status(err, STATUS_REFUSED, "the settings of %s are %s", r->id,
		text->len ? "not what it came with" : "gone");
	return error_hint(err,
		"deploy fsck takes them from a release that came with the "
		"same; else go back to another release, or deploy its tree "
		"again, with --rebuild");
}

int
record_save_settings(const struct store *s, const char *id, const char *text,
	size_t len, struct error *err)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.settings", id);
	return store_write(s, "records", name, text, len, err);
}
