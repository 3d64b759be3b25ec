/*
 * A hostile client of `deployd --serve'.
 *
 *	client DEPLOYD ROOT MOST TABLE...
 *
 * ROOT is made here, with one app that is live and stays so, whatever is
 * said.  MOST is what deployd may have in memory, in KiB.  See client.h.
 */
#include "client.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APP "app"
#define SECONDS 20
/* An answer that nobody reads is held for a minute. */
#define DEAF_SECONDS 240
#define EDITED "edited\n"

static const char *deployd, *root;
static long most_kib;
static char live[64];

static char zeds[600];
struct content contents[TREE_FILES] = { { "dir/a", BYTES("alpha\n") },
	{ "dir/b", BYTES("beta\n") }, { "z", zeds, sizeof(zeds) } };
struct buf tree_lines;
char base_hash[HEX + 1];

/* What the server has said. */
struct answer {
	struct conversation *c;
	char status[24], outcome[64];
	char error[1100], hint[512]; /* the error has the hint behind it */
	char token[64];              /* of need-end */
	const char *wrong;           /* meanwhile, or NULL */
	bool has_result;
};

void
say_raw(struct conversation *c, enum step step, const void *data, size_t len)
{
	buf_clear(&c->step[step]);
	buf_add(&c->step[step], data, len);
}

void
say(struct conversation *c, enum step step, const char *type,
	const void *payload, size_t len)
{
	buf_clear(&c->step[step]);
	talk_frame(&c->step[step], type, payload, len);
}

void
only_to(struct conversation *c, enum step last)
{
	int i;

	for (i = (int)last + 1; i < STEPS; i++)
		buf_clear(&c->step[i]);
}

/* The payload of the step's only frame. */
static void
payload_of(const struct buf *step, struct buf *payload)
{
	struct heard f;
	size_t at = 0;

	if (talk_next(step, &at, &f))
		buf_add(payload, f.data, f.len);
}

void
push_key(struct conversation *c, const char *key, const char *value)
{
	struct buf old = BUF_INIT, now = BUF_INIT;
	size_t len = strlen(key), n;
	const char *at;

	payload_of(&c->step[PUSH], &old);
	for (at = buf_str(&old); *at; at += n) {
		n = strcspn(at, "\n") + 1;
		if (strncmp(at, key, len) != 0 || at[len] != ' ')
			buf_add(&now, at, n);
	}
	if (value)
		buf_addf(&now, "%s %s\n", key, value);
	say(c, PUSH, "push", buf_str(&now), now.len);
	buf_release(&old);
	buf_release(&now);
}

static void
push_number(struct conversation *c, const char *key, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	push_key(c, key, n ? text : NULL);
}

/* What push says of a manifest's lines. */
static void
push_tree(struct conversation *c, const struct buf *lines)
{
	char hex[HEX + 1];
	uint64_t files = 0, bytes = 0, entries = 0;
	const char *at = buf_str(lines), *end = at + lines->len;

	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		unsigned long long size;
		char behind;

		entries += *at == 'd' || *at == 'f' || *at == 'l';
		files += *at == 'f';
		if (sscanf(at, "f\t%*3[0-7]\t%18llu%c", &size, &behind) == 2 &&
			behind == '\t' && size < INT64_MAX)
			bytes += size;
		at = nl ? nl + 1 : end;
	}
	talk_tree(lines, hex);
	push_key(c, "tree", hex);
	push_number(c, "files", files);
	push_number(c, "bytes", bytes);
	push_number(c, "entries", entries);
}

void
tell_settings(struct conversation *c, const char *text, size_t len)
{
	char hex[HEX + 1];

	talk_hash(text, len, hex);
	push_key(c, "settings", hex);
	say(c, SETTINGS, "settings", text, len);
}

void
tell_packed(struct conversation *c, const struct buf *text)
{
	struct buf packed = BUF_INIT;

	talk_pack(&packed, buf_str(text), text->len);
	buf_clear(&c->step[MANIFEST]);
	talk_stream(&c->step[MANIFEST], "manifest", &packed);
	buf_release(&packed);
}

void
tell_text(struct conversation *c, const struct buf *text)
{
	push_tree(c, text);
	tell_packed(c, text);
}

void
tell_manifest(struct conversation *c, const char *lines, size_t len)
{
	struct buf text = BUF_INIT;
	char hex[HEX + 1];

	buf_add(&text, lines, len);
	talk_tree(&text, hex);
	buf_addf(&text, "end\t%s\n", hex);
	tell_text(c, &text);
	buf_release(&text);
}

void
add_tar(struct conversation *c, const struct buf *tar)
{
	struct buf packed = BUF_INIT;

	talk_pack(&packed, buf_str(tar), tar->len);
	talk_stream(&c->step[FILES], "files", &packed);
	buf_release(&packed);
}

void
tell_tar(struct conversation *c, const struct buf *tar)
{
	buf_clear(&c->step[FILES]);
	add_tar(c, tar);
}

void
honest(struct conversation *c)
{
	struct buf push = BUF_INIT, tar = BUF_INIT;
	char hex[HEX + 1];

	memset(c, 0, sizeof(*c));
	c->waits = FILES;
	c->sign = "need-end";
	say_raw(c, GREETING, BYTES(MAGIC));
	say(c, HELLO, "hello", BYTES("version 1\nagent hostile\n"));
	talk_hash("", 0, hex);
	buf_addf(&push,
		"app " APP "\nthen build\nsettings %s\nuser hostile\n"
		"no-cache yes\n",
		hex);
	say(c, PUSH, "push", buf_str(&push), push.len);
	say(c, FULL, "full", "", 0);
	say(c, SETTINGS, "settings", "", 0);
	tell_manifest(c, buf_str(&tree_lines), tree_lines.len);
	tar_all(&tar);
	tell_tar(c, &tar);
	buf_release(&push);
	buf_release(&tar);
}

void
honest_difference(struct conversation *c)
{
	struct buf lines = BUF_INIT, text = BUF_INIT, tar = BUF_INIT;
	const char *last = strstr(buf_str(&tree_lines), "\tlink\n") + 6;
	char hex[HEX + 1];

	honest(c);
	talk_hash(EDITED, strlen(EDITED), hex);
	buf_add(&lines, tree_lines.data, (size_t)(last - tree_lines.data));
	buf_addf(&lines, "f\t644\t7\t%s\tz\n", hex);
	tell_text(c, &lines);
	buf_addf(&text, "=4\n-1\nf\t644\t7\t%s\tz\n", hex);
	talk_tree(&lines, hex);
	buf_addf(&text, "end\t%s\n", hex);
	tell_packed(c, &text);
	push_key(c, "base", base_hash);
	push_key(c, "no-cache", NULL);
	push_key(c, "offer", "yes");
	buf_clear(&c->step[FULL]);
	say(c, OFFER, "offer", BYTES("5\n"));
	tar_member(&tar, "z", EDITED, strlen(EDITED));
	tell_tar(c, &tar);
	c->waits = STEPS;
	buf_release(&lines);
	buf_release(&text);
	buf_release(&tar);
}

static void
heard(struct talk *t, const struct heard *f)
{
	struct answer *a = t->arg;
	int i;

	if (!strcmp(f->type, "need-end"))
		talk_value(f, "token", a->token, sizeof(a->token));
	if (!strcmp(f->type, a->c->sign)) {
		if (a->c->meanwhile)
			a->wrong = a->c->meanwhile(a->token);
		for (i = a->c->waits; i < STEPS; i++)
			buf_add(&t->out, buf_str(&a->c->step[i]),
				a->c->step[i].len);
		/* Once only. */
		a->c->sign = "";
	}
	if (strcmp(f->type, "result") != 0)
		return;
	a->has_result = true;
	talk_value(f, "status", a->status, sizeof(a->status));
	talk_value(f, "error", a->error, sizeof(a->error) / 2);
	talk_value(f, "hint", a->hint, sizeof(a->hint));
	strcat(strcat(a->error, "; "), a->hint);
	talk_value(f, "outcome", a->outcome, sizeof(a->outcome));
	t->closing = true;
}

static void
release(struct conversation *c)
{
	int i;

	for (i = 0; i < STEPS; i++)
		buf_release(&c->step[i]);
}

static bool
is_locked(const char *name)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[4096];
	bool locked;
	int fd;

	snprintf(path, sizeof(path), "%s/" APP "/.deployd/%s", root, name);
	fd = open(path, O_RDONLY);
	locked = fd >= 0 && fcntl(fd, F_OFD_GETLK, &l) == 0 &&
		l.l_type != F_UNLCK;
	if (fd >= 0)
		close(fd);
	return locked;
}

static void
read_live(char id[static sizeof(live)])
{
	char path[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/" APP "/current", root);
	n = readlink(path, id, sizeof(live) - 1);
	id[n < 0 ? 0 : n] = '\0';
}

/* The app and .deployd; nothing has come beside or above them. */
static size_t
count(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static const char *
judge_store(void)
{
	static size_t around;
	int tries = 0;
	char now[sizeof(live)], above[4096];

	read_live(now);
	if (strcmp(now, live) != 0)
		return "another release is live";
	/* What tidies up behind an answer had the descriptor for a moment. */
	while (tries++ < 500 && (is_locked("lock") || is_locked("switch.lock")))
		usleep(10000);
	if (tries > 500)
		return "a lock is held";
	if (count(root) != 4)
		return "something has come beside the app";
	snprintf(above, sizeof(above), "%s/..", root);
	if (!around)
		around = count(above);
	return count(above) == around ? NULL : "something has come outside";
}

static const char *
judge(const struct answer *a, int exited, bool ended, long kib, int status,
	const char *says, char why[static 2048])
{
	int got = a->has_result ? atoi(a->status) : NO_RESULT;
	const char *text = status ? a->error : a->outcome;

	if (!ended || exited != 0)
		snprintf(why, 2048, "%s, exit %d",
			ended ? "it failed" : "it did not end", exited);
	else if (got != status || !strstr(text, says))
		snprintf(why, 2048, "status %d: %s %s; wanted %d: %s", got,
			a->outcome, a->error, status, says);
	else if (kib > most_kib)
		snprintf(why, 2048, "it took %ld KiB", kib);
	else
		return judge_store();
	return why;
}

void
lane_start(struct child *c)
{
	char *argv[] = { (char *)deployd, (char *)"--serve", NULL };

	child_start(c, argv, "errors.lane");
}

void
deployd_conf(const char *text)
{
	FILE *f = fopen("limits.conf", "w");

	if (!f)
		abort();
	fprintf(f, "[deployd]\ndurability = relaxed\nspare = no\n%s", text);
	fclose(f);
	setenv("DEPLOYD_CONF", "limits.conf", 1);
}

static void
converse(struct conversation *c, struct answer *a, bool *ended, int *exited,
	long *kib)
{
	char *argv[] = { (char *)deployd, (char *)"--serve", (char *)c->serve,
		NULL };
	struct talk t = { .heard = heard,
		.arg = a,
		.closing = c->hangs_up,
		.drips = c->drips,
		.deaf = c->deaf,
		.sips = c->sips };
	struct child child;
	int i;

	a->c = c;
	child_start(&child, argv, "errors");
	for (i = 0; i < (int)c->waits; i++)
		buf_add(&t.out, buf_str(&c->step[i]), c->step[i].len);
	*ended = child_talk(&child, &t,
		(c->deaf || c->sips || c->mute ? DEAF_SECONDS : SECONDS) *
			1000);
	*exited = child_end(&child, kib);
	buf_release(&t.out);
	buf_release(&t.in);
}

void
expect(struct conversation *c, int status, const char *says, const char *fmt,
	...)
{
	struct answer a = { 0 };
	char why[2048], name[256];
	va_list ap;
	int exited;
	bool ended;
	long kib;

	/* What goes live is what others are held against. */
	if (status != 0 && !talk_next_case()) {
		release(c);
		return;
	}
	converse(c, &a, &ended, &exited, &kib);
	/* What is made live on purpose. */
	if (!strcmp(a.outcome, "deployed") && status == 0)
		read_live(live);
	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	talk_result(name,
		a.wrong ? a.wrong :
			  judge(&a, exited, ended, kib, status, says, why));
	release(c);
}

static void
make_tree(void)
{
	char hex[3][HEX + 1], end[HEX + 1];
	struct buf text = BUF_INIT;
	size_t i;

	memset(zeds, 'z', sizeof(zeds));
	for (i = 0; i < TREE_FILES; i++)
		talk_hash(contents[i].data, contents[i].len, hex[i]);
	buf_addf(&tree_lines,
		"d\t755\tdir\nf\t644\t6\t%s\tdir/a\nf\t755\t5\t%s\tdir/b\n"
		"l\tdir/a\tlink\nf\t644\t600\t%s\tz\n",
		hex[0], hex[1], hex[2]);
	buf_add(&text, tree_lines.data, tree_lines.len);
	talk_tree(&text, end);
	buf_addf(&text, "end\t%s\n", end);
	talk_hash(text.data, text.len, base_hash);
	buf_release(&text);
}

/* The release that is live from then on. */
static void
deploy(void)
{
	struct conversation c;
	struct answer a = { 0 };
	int exited;
	bool ended;
	long kib;

	honest(&c);
	push_key(&c, "then", "activate");
	converse(&c, &a, &ended, &exited, &kib);
	release(&c);
	read_live(live);
	talk_result("an honest deploy goes live",
		strcmp(a.outcome, "deployed") ? a.error : judge_store());
}

static const struct {
	const char *name;
	void (*run)(void);
} tables[] = {
	{ "frames", client_frames },
	{ "messages", client_messages },
	{ "states", client_states },
	{ "manifests", client_manifests },
	{ "differences", client_differences },
	{ "ranges", client_ranges },
	{ "tars", client_tars },
	{ "streams", client_streams },
	{ "verbs", client_verbs },
	{ "settings", client_settings },
	{ "lanes", client_lanes },
	{ "limits", client_limits },
	{ "deaf", client_deaf },
};

int
main(int argc, char **argv)
{
	size_t i;
	int n;

	if (argc > 2 && !strcmp(argv[1], MEASURE))
		return measure(argv + 2);
	if (argc < 5)
		return 2;
	deployd = argv[1];
	root = argv[2];
	most_kib = atol(argv[3]);
	setenv("DEPLOYD_ROOT", root, 1);
	signal(SIGPIPE, SIG_IGN);
	make_tree();
	deploy();
	for (n = 4; n < argc; n++)
		for (i = 0; i < COUNT(tables); i++)
			if (!strcmp(argv[n], tables[i].name))
				tables[i].run();
	buf_release(&tree_lines);
	return 0;
}
