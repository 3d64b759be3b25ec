/* Manifests, by the hash of their text. */
#include "server/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/beneath.h"
#include "base/io.h"
#include "base/replace.h"

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
		return store_give_up(&w.file, "new", err);
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
	return error_set(err, "its record names no manifest");
}

/* Whatever is in the way, its release cannot be told any more. */
static int
refuse_lost(const struct store *s, struct error *err)
{
	int saved = errno;

	if (saved == ENOENT || saved == EINVAL || saved == ELOOP) {
		err->status = STATUS_REFUSED;
		error_hint(err,
			"see what can be done, on the server: deployd fsck %s",
			s->app);
	}
	errno = saved;
	return -1;
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
		return refuse_lost(s, err);
	rc = manifest_read_known(m, fd, digest, err);
	io_close(&fd);
	digest_to_hex(digest, found);
	if (rc == 0 && !strcmp(found, hex))
		return 0;
	errno = EINVAL;
	error_set(err, "manifest %s is damaged", hex);
	return refuse_lost(s, err);
}

const char *
store_manifest_fault(const struct store *s, const char *hex)
{
	struct error ignored = ERROR_INIT;
	int fd = store_open_manifest(s, hex, &ignored);
	uint8_t digest[DIGEST_SIZE];
	char found[DIGEST_HEX + 1] = "";
	struct digest *d;

	if (fd < 0)
		return errno == ENOENT ? "is gone" : "cannot be read";
	d = digest_new();
	if (digest_fd(d, fd, digest) >= 0)
		digest_to_hex(digest, found);
	digest_free(d);
	io_close(&fd);
	return strcmp(found, hex) ? "is damaged" : NULL;
}
