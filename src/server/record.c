/* Records, the settings beside them, and manifests by their hash. */
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
#include "base/replace.h"
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

int
record_load(const struct store *s, const char *id, struct record *r,
	struct error *err)
{
	struct buf text = BUF_INIT;
	char name[64];
	int rc;

	snprintf(name, sizeof(name), "records/%s", id);
	rc = beneath_read(s->own, name, RECORD_MOST, &text, err);
	if (rc == 0)
		rc = message_read(record_fields, buf_str(&text), text.len, r,
			err);
	if (rc == 0 &&
		(!r->id || strcmp(r->id, id) || !r->tree || !r->settings ||
			!r->manifest || !r->state)) {
		errno = EINVAL;
		rc = error_set(err, "it is incomplete");
	}
	buf_release(&text);
	if (rc < 0) {
		int saved = errno;

		record_release(r);
		error_prefix(err, "the record of %s: ", id);
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
	size_t i;

	id[0] = '\0';
	if (record_list(s, &ids, err) < 0)
		return -1;
	for (i = ids.n; i-- > 0 && !*id && !good;) {
		struct error ignored = ERROR_INIT;
		struct record r = { 0 };

		bool same = record_load(s, ids.v[i], &r, &ignored) == 0 &&
			!strcmp(r.tree, tree) && !strcmp(r.settings, settings);

		if (same && r.held)
			snprintf(id, RELEASE_ID_LEN + 1, "%s", ids.v[i]);
		/* It was forced later on, and went well. */
		good = same && !r.held && r.checked;
		record_release(&r);
	}
	strv_release(&ids);
	return 0;
}

bool
record_is_listed(const struct store *s, const struct record *r)
{
	return !strcmp(r->state, "failed") || !strcmp(r->state, "reverted") ||
		store_has_release(s, r->id);
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
record_save_settings(const struct store *s, const char *id, const char *text,
	size_t len, struct error *err)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.settings", id);
	return store_write(s, "records", name, text, len, err);
}

/* A text that is hashed as it is written. */
struct writing {
	struct replace file;
	struct digest *digest;
};

static int
write_piece(const char *data, size_t len, void *arg)
{
	struct writing *w = arg;

	digest_update(w->digest, data, len);
	return replace_write(&w->file, data, len);
}

int
store_save_manifest(const struct store *s, const struct manifest *m,
	char hex[static DIGEST_HEX + 1], struct error *err)
{
	struct writing w = { .digest = NULL };
	uint8_t digest[DIGEST_SIZE];
	int rc;

	if (store_begin(s, "manifests", "new", &w.file, err) < 0)
		return -1;
	w.digest = digest_new();
	rc = manifest_text(m, write_piece, &w);
	digest_final(w.digest, digest);
	digest_free(w.digest);
	if (rc < 0)
		return store_give_up(&w.file, "a manifest", err);
	digest_to_hex(digest, hex);
	return store_end(s, &w.file, hex, err);
}

/* Its path below .deployd, and the digest that names it. */
static int
name_manifest(const char *hex, char name[static 96],
	uint8_t digest[static DIGEST_SIZE], struct error *err)
{
	if (strlen(hex) == DIGEST_HEX && digest_from_hex(hex, digest) == 0) {
		snprintf(name, 96, "manifests/%s", hex);
		return 0;
	}
	errno = EINVAL;
	return error_set(err, "a manifest is named by a SHA-256");
}

int
store_open_manifest(const struct store *s, const char *hex, struct error *err)
{
	uint8_t digest[DIGEST_SIZE];
	char name[96];
	int fd;

	if (name_manifest(hex, name, digest, err) < 0)
		return -1;
	fd = beneath_open_file(s->own, name);
	return fd < 0 ? error_errno(err, "%s", name) : fd;
}

int
store_load_manifest(const struct store *s, const char *hex, struct manifest *m,
	struct error *err)
{
	int fd = store_open_manifest(s, hex, err), rc;
	uint8_t digest[DIGEST_SIZE];
	char found[DIGEST_HEX + 1];

	if (fd < 0)
		return -1;
	rc = manifest_read_known(m, fd, digest, err);
	io_close(&fd);
	digest_to_hex(digest, found);
	if (rc == 0 && !strcmp(found, hex))
		return 0;
	errno = EINVAL;
	return error_set(err, "manifest %s is damaged", hex);
}
