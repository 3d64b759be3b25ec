/*
 * Whole sessions of the client: one delivery of a small tree to a server that
 * says what it likes (cook.h), over a socket in place of a connection.  The
 * first line has words that choose: build, hold, compare; base; changed (a file
 * is not what the manifest says any more); several.  ">wait" divides what is
 * said: the rest comes when the client has nothing more to say; what is behind
 * ">lane" comes on a further channel.
 *
 * Whatever the server said, the client ends, and has sent nothing but frames
 * that are a client's, and files that are the tree's.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/zstream.h"
#include "client/delivery.h"
#include "cook.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TURNS_MOST 20000
#define LANES 2
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

/* One channel: what the client said there, and what it is to hear. */
struct end {
	int client, server;
	struct buf heard;
};

struct transport {
	struct end main, lanes[LANES];
	const char *lane_text[LANES]; /* what comes there, up to the next */
	const char *stop;
	size_t n_lanes, n_texts;
};

static struct transport *net;
static struct cargo cargo;
static struct project project;
static struct manifest own, base;

static void
end_open(struct end *e)
{
	int fds[2];
	int rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);

	assert(rc == 0 && io_nonblock(fds[0]) == 0 && io_nonblock(fds[1]) == 0);
	e->client = fds[0];
	e->server = fds[1];
}

static void
end_hear(struct end *e)
{
	while (e->server >= 0 && io_read_some(e->server, &e->heard, 65536) > 0)
		;
}

static void
end_say(struct end *e, struct cook *c, const char *text, const char *stop)
{
	struct buf said = BUF_INIT;

	cook(c, text, (size_t)(stop - text), &said);
	/* What the socket does not take is cut off. */
	if (said.len && write(e->server, said.data, said.len) < 0)
		(void)shutdown(e->server, SHUT_WR);
	buf_release(&said);
}

/*
 * The connection, in place of transport/transport.c.
 */
struct transport *
transport_open(const struct transport_options *o)
{
	return net;
}

int
transport_fd(const struct transport *t)
{
	return t->main.client;
}

int
transport_branch(struct transport *t)
{
	struct end *e = &t->lanes[t->n_lanes];
	struct cook c;

	if (t->n_lanes == LANES)
		return -1;
	end_open(e);
	if (t->n_lanes < t->n_texts) {
		cook_init(&c, NULL);
		end_say(e, &c, t->lane_text[t->n_lanes],
			t->n_lanes + 1 < t->n_texts ?
				t->lane_text[t->n_lanes + 1] - 6 :
				t->stop);
		cook_release(&c);
	}
	t->n_lanes++;
	return e->client; /* its owner closes it */
}

int
transport_rtt(const struct transport *t)
{
	return 100;
}

void
transport_counts(const struct transport *t, uint64_t *sent, uint64_t *received)
{
	*sent = *received = 0;
}

int64_t
transport_link_us(const struct transport *t)
{
	return 0;
}

void
transport_abort(struct transport *t)
{
}

int
transport_close(struct transport *t, struct transport_report *report,
	struct error *err)
{
	memset(report, 0, sizeof(*report));
	end_hear(&t->main);
	io_close(&t->main.client);
	return 0;
}

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

static bool
is_known(const char *type)
{
	static const char *const types[] = { "hello", "push", "full",
		"settings", "manifest", "offer", "files", "amend", "go",
		"abort", "put", "part", ".ping" };
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(type, types[i]))
			return true;
	return false;
}

static void
check_heard(struct end *e)
{
	const size_t magic = strlen(PROTOCOL_MAGIC);
	struct error err = ERROR_INIT;
	struct buf tar = BUF_INIT, *b = &e->heard;
	struct zin *z = zin_new_frames(23);
	struct frame f;
	long n;

	end_hear(e);
	assert(b->len < magic || !memcmp(b->data, PROTOCOL_MAGIC, magic));
	buf_consume(b, b->len < magic ? b->len : magic);
	while (b->len && (n = frame_parse(b->data, b->len, &f, &err)) != 0) {
		assert(n > 0 && is_known(f.type));
		/* A whole manifest voids what was offered, and its stream. */
		if (!strcmp(f.type, "full")) {
			check_tar(tar.data, tar.len);
			buf_clear(&tar);
			zin_free(z);
			z = zin_new_frames(23);
		}
		if (!strcmp(f.type, "files"))
			unpack(z, &f, &tar);
		buf_consume(b, (size_t)n);
	}
	check_tar(tar.data, tar.len);
	buf_release(&tar);
	zin_free(z);
	buf_release(b);
	io_close(&e->server);
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

/* What the server says next, up to ">wait"; false at the end. */
static bool
feed(struct cook *c, const char **at, const char *stop)
{
	static const char mark[] = ">wait\n";
	const char *next;

	if (*at == stop) {
		(void)shutdown(net->main.server, SHUT_WR);
		return false;
	}
	next = memmem(*at, (size_t)(stop - *at), mark, strlen(mark));
	end_say(&net->main, c, *at, next ? next : stop);
	*at = next ? next + strlen(mark) : stop;
	return true;
}

static bool
unread(int fd)
{
	int n = 0;

	return fd >= 0 && ioctl(fd, FIONREAD, &n) == 0 && n > 0;
}

/* Whether the client still does something of its own accord. */
static bool
is_busy(struct delivery *d)
{
	size_t i;

	if (d->session.input >= 0 || d->session.channel.tx.len ||
		unread(net->main.client))
		return true;
	for (i = 0; i < d->lanes.lanes; i++) {
		const struct delivery_lane *l = &d->lanes.v[i];

		if (!l->over &&
			(l->session.channel.tx.len ||
				unread(net->lanes[i].client) ||
				(l->open && !packer_idle(l->pack))))
			return true;
	}
	return false;
}

static void
turn(struct delivery *d)
{
	struct session *all[1 + DELIVERY_LANES] = { &d->session };
	struct error err = ERROR_INIT;
	size_t n = 1 + delivery_lane_sessions(d, all + 1), i;
	int rc = sessions_turn(all, n, is_busy(d) ? 1 : 0, &err);

	assert(rc == 0);
	delivery_step(d);
	delivery_go(d);
	if (d->session.transport)
		end_hear(&net->main);
	for (i = 0; i < net->n_lanes; i++)
		end_hear(&net->lanes[i]);
}

static void
converse(struct delivery *d, const char *at, const char *stop)
{
	struct cook c;
	bool ended = false;
	int turns = 0;

	cook_init(&c, &own);
	delivery_ask(d, &cargo);
	while (d->state != DELIVERY_DONE) {
		if (!ended && !is_busy(d))
			ended = !feed(&c, &at, stop);
		turn(d);
		/* It waits for ever, or turns in vain. */
		assert(++turns < TURNS_MOST);
	}
	session_close(&d->session);
	if (delivery_status(d) == STATUS_OK)
		delivery_keep_base(d);
	else
		assert(d->error.text[0]);
	cook_release(&c);
}

static bool
has(const char *line, size_t len, const char *word)
{
	return len && memmem(line, len, word, strlen(word));
}

/* Up to ">lane", which may come more than once. */
static const char *
find_lanes(const char *text, const char *stop)
{
	const char *at = text, *first = NULL;

	net->stop = stop;
	while ((at = memmem(at, (size_t)(stop - at), ">lane\n", 6))) {
		if (!first)
			first = at;
		at += 6;
		if (net->n_texts < LANES)
			net->lane_text[net->n_texts++] = at;
	}
	return first ? first : stop;
}

static void
run(const struct target *t, const char *line, size_t len, const char *text,
	const char *stop)
{
	const struct options o = { .no_cache = !has(line, len, "base") };
	const enum push_then then = has(line, len, "build") ? THEN_BUILD :
		has(line, len, "hold")                      ? THEN_HOLD :
		has(line, len, "compare")                   ? THEN_COMPARE :
							      THEN_ACTIVATE;
	struct transport network = { .main = { -1, -1, BUF_INIT } };
	struct delivery d;
	size_t i;

	net = &network;
	end_open(&network.main);
	/* Each has a manifest of its own, for it is amended. */
	manifest_share(&cargo.m, &own);
	manifest_count(&cargo.m, &cargo.files, &cargo.bytes);
	if (has(line, len, "changed"))
		scratch_write("tree/a", "changed\n", 8);
	stop = find_lanes(text, stop);
	delivery_open(&d, t, &o, then, has(line, len, "several"));
	converse(&d, text, stop);
	if (delivery_status(&d) == STATUS_OK)
		make_base(t);
	delivery_release(&d);
	manifest_release(&cargo.m);
	if (has(line, len, "changed"))
		scratch_write("tree/a", contents[0], strlen(contents[0]));
	check_heard(&network.main);
	for (i = 0; i < network.n_lanes; i++)
		check_heard(&network.lanes[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct target target;
	const char *line = (const char *)data, *stop = line + size, *nl;
	struct error err = ERROR_INIT;

	if (!target.text) {
		assert(target_parse(&target, "ann@web1:blog", &err) == 0);
		make(&target);
	}
	nl = size ? memchr(line, '\n', size) : NULL;
	if (!nl)
		return 0;
	run(&target, line, (size_t)(nl - line), nl + 1, stop);
	return 0;
}
