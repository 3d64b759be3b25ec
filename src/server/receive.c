/* What a push sends first: settings, the manifest, an offer. */
#include "server/push_state.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/io.h"
#include "server/offer.h"
#include "server/parts.h"
#include "server/push_checks.h"
#include "server/transfer.h"

/* The base: a manifest that both sides hold, or `send full`. */
static int
choose_base(struct push *p)
{
	struct msg_send send = { (char *)"full",
		p->ask.base ? (char *)"the base manifest is not kept here" :
			      (char *)"there is no base" };
	struct error why = ERROR_INIT;
	struct frame f;

	if (p->ask.base && !p->absent && !p->ask.no_cache &&
		store_load_manifest(p->store, p->ask.base, &p->base, &why) ==
			0) {
		p->has_base = true;
		return 0;
	}
	manifest_release(&p->base);
	p->ask.offer = false;
	MESSAGE_SEND(&p->s->client, "send", send, &send);
	/* What followed push is void up to the client's `full`. */
	do {
		if (session_frame(p->s, &f, p->err) < 0)
			return -1;
	} while (strcmp(f.type, "full"));
	return 0;
}

static int
receive_settings(struct push *p)
{
	uint8_t hash[DIGEST_SIZE];
	char hex[DIGEST_HEX + 1];
	struct frame f;

	if (session_frame(p->s, &f, p->err) < 0)
		return -1;
	if (strcmp(f.type, "settings"))
		return error_status(p->err, STATUS_TRANSFER,
			"expected settings, got a %s frame", f.type);
	buf_add(&p->settings, f.data, f.len);
	digest_bytes(f.data, f.len, hash);
	digest_to_hex(hash, hex);
	if (strcmp(hex, p->ask.settings))
		return error_status(p->err, STATUS_TRANSFER,
			"the settings are not those announced");
	if (p->s->config->no_hooks && p->ask.hooks)
		session_note(p->s,
			"the hooks of deploy.conf do not run: this key has "
			"--hooks none");
	if (hook_settings_load(&p->hooks, p->s->config, p->ask.app,
		    buf_str(&p->settings), p->settings.len, p->err) < 0)
		return -1;
	return hook_settings_check(&p->hooks, p->err);
}

/*
 * What the intake made of what the client sent, read here once more: it is
 * the process that is not to be trusted.
 */
static int
read_manifest(struct push *p)
{
	int fd = p->s->intake.text;
	uint8_t digest[DIGEST_SIZE];
	char hex[DIGEST_HEX + 1];

	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(p->err, "manifest");
	if (manifest_read(&p->m, p->has_base ? &p->base : NULL, fd, digest,
		    p->err) < 0)
		return -1;
	manifest_adopt(&p->m, &p->base);
	digest_to_hex(p->m.id, hex);
	if (strcmp(hex, p->ask.tree))
		return error_status(p->err, STATUS_TRANSFER,
			"the manifest is not the one announced");
	return 0;
}

/* Limits and guards went by what push said of the tree. */
static int
check_counts(const struct push *p)
{
	const struct msg_push *a = &p->ask;
	uint64_t files, bytes;

	manifest_count(&p->m, &files, &bytes);
	if (files == a->files && (!a->bytes || bytes == a->bytes) &&
		(!a->entries || p->m.n == a->entries))
		return 0;
	return error_status(p->err, STATUS_TRANSFER,
		"the manifest is not the one announced: it has %" PRIu64
		" files of %" PRIu64 " bytes in %zu entries",
		files, bytes, p->m.n);
}

/* A handle of tmp/; without a base many files may come. */
static int
open_tmp(const struct push *p)
{
	char *path;
	int fd;

	if (!p->has_base)
		(void)store_make_apart(p->store, "tmp");
	fd = beneath_open(p->store->own, "tmp", O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0)
		return fd;
	path = mem_printf("%s/.deployd/tmp", p->store->path);
	error_errno(p->err, "cannot open %s", path);
	(void)store_refuse_place(path, p->err);
	free(path);
	return -1;
}

static int
receive_manifest(struct push *p)
{
	struct intake_options o = { .tmp = -1,
		.base = p->has_base ? &p->base : NULL,
		.most_entries = p->s->config->max_entries,
		.most_manifest = p->s->config->max_manifest,
		.most_file_size = p->s->config->max_file_size,
		.reserve = p->s->config->reserve,
		.umask = p->s->config->umask };
	struct frame f;
	int rc;

	/* A compare has no tmp/ to write to, and sends no files. */
	if (p->then != THEN_COMPARE) {
		parts_adopt(p->store, o.reserve);
		o.tmp = open_tmp(p);
		if (o.tmp < 0)
			return -1;
	}
	rc = intake_start(&p->s->intake, &o, p->err);
	io_close(&o.tmp);
	if (rc < 0 || transfer_frame(p, &f) < 0)
		return -1;
	if (strcmp(f.type, "read"))
		return error_set(p->err, "the intake said %s", f.type);
	return read_manifest(p);
}

/* It may have come before the manifest was read. */
static int
receive_offer(struct push *p)
{
	struct frame f;

	while (p->ask.offer && !p->offer.n)
		if (session_frame(p->s, &f, p->err) < 0 ||
			transfer_pass(p, &f) < 0)
			return -1;
	return offer_check(p);
}

int
receive_tree(struct push *p)
{
	if (choose_base(p) < 0 || receive_settings(p) < 0 ||
		receive_manifest(p) < 0 || receive_offer(p) < 0)
		return -1;
	if (check_manifest(p->s->config, &p->m, p->err) < 0)
		return -1;
	return check_counts(p);
}
