/*
 * Whole sessions of the client: one delivery of a small tree to a server that
 * says what it likes (cook.h), over a socket in place of a connection.  The
 * first line has words that choose: build, hold, compare; base; changed (a file
 * is not what the manifest says any more); several; abort (at the first pause).
 * ">wait" divides what is said: the rest comes when the client has nothing more
 * to say; what is behind ">lane" comes on a further channel.
 *
 * Whatever the server said, the client ends, and has sent nothing but frames
 * that are a client's, and files that are the tree's.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/zstream.h"
#include "client/delivery.h"
#include "cook.h"
#include "net.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TURNS_MOST 20000
#define SECRET "not to be sent\n"

static const char tree[] =
	">manifest\n"
	"f\t644\t@\ta\n"
	"f\t755\t@\tb\n"
	"f\t644\t13\t"
	"79008a2ca59322527202b28fc31ea30acc5f675867bd5d5d3ed4de047e4aa060\tc\n"
	"c\t6\t"
	"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\n"
	"c\t7\t"
	"8155f0e0ef671feaa2df0362794ba78fc554b8c7b05c57ddc8642fa510e43838\n"
	"d\t755\td\n"
	"l\ta\td/l\n"
	"end\t@\n"
	">file\nhello\n>file\n#!/bin/sh\n";
static const char before[] = ">manifest\n"
			     "f\t644\t@\ta\n"
			     "end\t@\n"
			     ">file\nhello\n";
static const char *const contents[] = { "hello\n", "#!/bin/sh\n",
	"hello\nworlds\n", "worlds\n", "changed\n" };

static struct cargo cargo;
static struct project project;
static struct manifest own, base;

/* A content of the tree, or what became of it. */
static bool
is_ours(const char *data, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(contents) / sizeof(*contents); i++)
		if (len == strlen(contents[i]) &&
			!memcmp(data, contents[i], len))
			return true;
	return false;
}

/* Members of a stream, of which the last one may have been cut; "x" is pax's. */
static void
check_tar(const char *p, size_t len)
{
	while (len >= 512 && *p) {
		size_t size = strtoul(p + 124, NULL, 8);
		size_t whole = 512 + (size + 511) / 512 * 512;

		assert(!memcmp(p + 257, "ustar", 5) && strchr("0x", p[156]));
		if (len < whole)
			return;
		assert(p[156] == 'x' || is_ours(p + 512, size));
		p += whole;
		len -= whole;
	}
}

static void
unpack(struct zin *z, const struct frame *f, struct buf *tar)
{
	struct error err = ERROR_INIT;
	size_t used = 0;
	long n;

	do {
		n = zin_read(z, f->data, f->len, &used, buf_reserve(tar, 65536),
			65536, &err);
		assert(n >= 0);
		tar->len += (size_t)n;
	} while (used < f->len || n == 65536);
}

static const char *const types[] = { "hello", "push", "full", "settings",
	"manifest", "offer", "files", "amend", "go", "abort", "put", "part",
	".ping", NULL };

/* The files stream of a channel, so far. */
struct stream {
	struct zin *z;
	struct buf tar;
};

static void
take(const struct frame *f, void *arg)
{
	struct stream *s = arg;

	/* A whole manifest voids what was offered, and its stream. */
	if (!strcmp(f->type, "full")) {
		check_tar(s->tar.data, s->tar.len);
		buf_clear(&s->tar);
		zin_free(s->z);
		s->z = zin_new_frames(23);
	}
	if (!strcmp(f->type, "files"))
		unpack(s->z, f, &s->tar);
}

static void
check_heard(struct net_end *e)
{
	struct stream s = { zin_new_frames(23), BUF_INIT };

	net_frames(&e->heard, types, take, &s);
	check_tar(s.tar.data, s.tar.len);
	buf_release(&s.tar);
	zin_free(s.z);
	buf_release(&e->heard);
}

static void
make_cargo(struct cook *c)
{
	struct error err = ERROR_INIT;

	digest_to_hex((const uint8_t[DIGEST_SIZE]){ 0 }, project.settings_hex);
	project.tree = mem_strdup(scratch_path("tree"));
	cargo.project = &project;
	cargo.dirfd = open(project.tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(cargo.dirfd >= 0);
	source_directory(&cargo.source, cargo.dirfd, false);
	cargo.user = mem_strdup("ann@fuzz");
	cargo.cache = cache_open(&err);
	assert(cargo.cache >= 0);
	own = c->m;
	memset(&c->m, 0, sizeof(c->m));
}

/* What the client takes the server to hold. */
static void
make_base(const struct target *t)
{
	struct cache_draft draft;

	cache_draft_base(cargo.cache, t, &base, &draft);
	cache_keep_draft(&draft);
}

/* The tree, and a base for it in the cache. */
static void
make(const struct target *t)
{
	struct buf ignored = BUF_INIT;
	struct cook c;

	log_set_level(LOG_QUIET);
	setenv("DEPLOY_LANES", "2", 1);
	unsetenv("DEPLOY_TRACE");
	setenv("XDG_CACHE_HOME", scratch_dir(), 1);
	scratch_write("secret", SECRET, strlen(SECRET));
	scratch_mkdir("tree");
	scratch_mkdir("tree/d");
	scratch_write("tree/a", contents[0], strlen(contents[0]));
	scratch_write("tree/b", contents[1], strlen(contents[1]));
	chmod(scratch_path("tree/b"), 0755);
	scratch_write("tree/c", contents[2], strlen(contents[2]));
	cook_init(&c, NULL);
	cook(&c, tree, strlen(tree), &ignored);
	make_cargo(&c);
	cook(&c, before, strlen(before), &ignored);
	base = c.m;
	memset(&c.m, 0, sizeof(c.m));
	make_base(t);
	cook_release(&c);
	buf_release(&ignored);
}

/* Whether the client still does something of its own accord. */
static bool
is_busy(const struct delivery *d, const struct net *net)
{
	size_t i;

	if (d->session.input >= 0 || d->session.channel.tx.len ||
		net_unread(&net->main))
		return true;
	for (i = 0; i < d->lanes.lanes; i++) {
		const struct delivery_lane *l = &d->lanes.v[i];

		if (!l->over &&
			(l->session.channel.tx.len ||
				net_unread(&net->lanes[i]) ||
				(l->open && !packer_idle(l->pack))))
			return true;
	}
	return false;
}

static void
turn(struct delivery *d, struct net *net)
{
	struct session *all[1 + DELIVERY_LANES] = { &d->session };
	struct error err = ERROR_INIT;
	size_t n = 1 + delivery_lane_sessions(d, all + 1);
	int rc = sessions_turn(all, n, is_busy(d, net) ? 1 : 0, &err);

	assert(rc == 0);
	delivery_step(d);
	delivery_go(d);
	net_hear(net);
}

static void
converse(struct delivery *d, struct net *net, bool abort)
{
	bool ended = false;
	int turns = 0;

	delivery_ask(d, &cargo);
	while (d->state != DELIVERY_DONE) {
		if (!ended && !is_busy(d, net)) {
			if (abort && net->at != net->start)
				delivery_abort(d);
			ended = !net_say(net);
		}
		turn(d, net);
		/* It waits for ever, or turns in vain. */
		assert(++turns < TURNS_MOST);
	}
	session_close(&d->session);
	if (delivery_status(d) != STATUS_OK)
		assert(d->error.text[0]);
	else if (d->then != THEN_COMPARE)
		delivery_keep_base(d); /* as push does, and diff does not */
}

static bool
has(const char *line, size_t len, const char *word)
{
	return len && memmem(line, len, word, strlen(word));
}

static void
deliver(const struct target *t, const char *line, size_t len, struct net *net)
{
	const struct options o = { .no_cache = !has(line, len, "base") };
	const enum push_then then = has(line, len, "build") ? THEN_BUILD :
		has(line, len, "hold")                      ? THEN_HOLD :
		has(line, len, "compare")                   ? THEN_COMPARE :
							      THEN_ACTIVATE;
	struct delivery d;

	/* Each has a manifest of its own, for it is amended. */
	manifest_share(&cargo.m, &own);
	manifest_count(&cargo.m, &cargo.files, &cargo.bytes);
	if (has(line, len, "changed"))
		scratch_write("tree/a", "changed\n", 8);
	delivery_open(&d, t, &o, then, has(line, len, "several"));
	converse(&d, net, has(line, len, "abort"));
	if (delivery_status(&d) == STATUS_OK)
		make_base(t);
	delivery_release(&d);
	manifest_release(&cargo.m);
	if (has(line, len, "changed"))
		scratch_write("tree/a", contents[0], strlen(contents[0]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct target target;
	const char *line = (const char *)data, *nl;
	struct error err = ERROR_INIT;
	struct net net;
	size_t i;

	if (!target.text) {
		assert(target_parse(&target, "ann@web1:blog", &err) == 0);
		make(&target);
	}
	nl = size ? memchr(line, '\n', size) : NULL;
	if (!nl)
		return 0;
	net_open(&net, nl + 1, line + size, &own);
	deliver(&target, line, (size_t)(nl - line), &net);
	net_hear(&net);
	check_heard(&net.main);
	for (i = 0; i < net.n_lanes; i++)
		check_heard(&net.lanes[i]);
	net_close(&net);
	return 0;
}
