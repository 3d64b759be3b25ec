#include "wire/frame.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/io.h"

/* What a shell's start-up files may say before deployd's first line. */
#define NOISE_MOST 65536
#define READ_SIZE 65536
/* Memory of an empty queue that is kept. */
#define QUEUE_KEPT (4 * CHANNEL_QUEUE)

static size_t
type_length(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && n <= FRAME_TYPE_MOST &&
		(islower((unsigned char)s[n]) || s[n] == '.' || s[n] == '-'))
		n++;
	return n;
}

static int
malformed(struct error *err)
{
	return error_status(err, STATUS_TRANSFER, "a malformed frame");
}

long
frame_parse(const char *data, size_t len, struct frame *f, struct error *err)
{
	size_t type = type_length(data, len), i, size = 0;

	if (type > FRAME_TYPE_MOST || (type == 0 && len))
		return malformed(err);
	if (type == len)
		return 0;
	if (data[type] != ' ')
		return malformed(err);
	for (i = type + 1; i < len && isdigit((unsigned char)data[i]); i++) {
		size = size * 10 + (size_t)(data[i] - '0');
		if (size > FRAME_MOST ||
			(data[type + 1] == '0' && i > type + 1))
			return malformed(err);
	}
	if (i == len)
		return 0;
	if (data[i] != '\n' || i == type + 1)
		return malformed(err);
	i++;
	if (len - i < size)
		return 0;
	memcpy(f->type, data, type);
	f->type[type] = '\0';
	f->data = data + i;
	f->len = size;
	return (long)(i + size);
}

void
frame_add(struct buf *out, const char *type, const void *data, size_t len)
{
	assert(len <= FRAME_MOST && strlen(type) <= FRAME_TYPE_MOST);
	buf_addf(out, "%s %zu\n", type, len);
	buf_add(out, data, len);
}

void
channel_init(struct channel *c, int in, int out, bool magic, const char *peer)
{
	memset(c, 0, sizeof(*c));
	c->in = in;
	c->out = out;
	c->peer = peer;
	c->wants_magic = magic;
	c->allowance = SIZE_MAX;
	(void)io_nonblock(in);
	(void)io_nonblock(out);
	if (magic)
		buf_addstr(&c->tx, PROTOCOL_MAGIC);
}

void
channel_release(struct channel *c)
{
	buf_release(&c->rx);
	buf_release(&c->tx);
	if (c->trace)
		fclose(c->trace);
	memset(c, 0, sizeof(*c));
}

FILE *
channel_trace_open(void)
{
	const char *path = getenv("DEPLOY_TRACE");
	int fd = -1;
	FILE *f;

	/* It has settings and the output of hooks in it. */
	if (path && *path)
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			0600);
	f = fd < 0 ? NULL : fdopen(fd, "a");
	if (!f)
		io_close(&fd);
	return f;
}

/* Payloads of which only the length is shown: compressed or secret ones. */
static bool
opaque(const char *type)
{
	static const char *const types[] = { "manifest", "files", "input",
		"output", "variable" };
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(type, types[i]))
			return true;
	return false;
}

static void
trace(struct channel *c, char way, const char *type, const char *data,
	size_t len)
{
	struct buf text = BUF_INIT;

	if (!c->trace)
		return;
	buf_addf(&text, "%c %s %zu\n", way, type, len);
	while (len && !opaque(type)) {
		const char *nl = memchr(data, '\n', len);
		size_t n = nl ? (size_t)(nl - data) : len;

		buf_addstr(&text, "    ");
		escape_add(&text, data, n);
		buf_addch(&text, '\n');
		n += nl != NULL;
		data += n;
		len -= n;
	}
	fwrite(text.data, 1, text.len, c->trace);
	fflush(c->trace);
	buf_release(&text);
}

void
channel_send(struct channel *c, const char *type, const void *data, size_t len)
{
	if (c->broken)
		return;
	frame_add(&c->tx, type, data, len);
	trace(c, '>', type, data, len);
}

void
channel_sendf(struct channel *c, const char *type, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	channel_send(c, type, buf_str(&b), b.len);
	buf_release(&b);
}

bool
channel_full(const struct channel *c)
{
	return c->tx.len >= CHANNEL_QUEUE;
}

static void
give_up_writing(struct channel *c)
{
	c->broken = true;
	buf_clear(&c->tx);
}

/* A whole manifest was in it: what comes next is sent in pieces. */
static void
drop_large_queue(struct channel *c)
{
	if (!c->tx.len && c->tx.cap > QUEUE_KEPT)
		buf_release(&c->tx);
}

int
channel_pump(struct channel *c, bool readable, bool writable, struct error *err)
{
	if (writable && c->tx.len) {
		size_t before = c->tx.len;

		if (io_write_some(c->out, &c->tx, c->allowance) < 0 &&
			errno != EAGAIN)
			give_up_writing(c);
		else
			c->sent += before - c->tx.len;
		drop_large_queue(c);
	}
	if (readable && !c->eof) {
		ssize_t n = io_read_some(c->in, &c->rx, READ_SIZE);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			c->eof = true;
		else if (n > 0)
			c->received += (uint64_t)n;
		else if (errno != EAGAIN)
			return error_errno(err, "cannot read from %s", c->peer);
	}
	return 0;
}

static int
not_our_protocol(struct channel *c, struct error *err)
{
	int shown = c->rx.len > 300 ? 300 : (int)c->rx.len;

	while (shown && isspace((unsigned char)c->rx.data[shown - 1]))
		shown--;
	return error_status(err, STATUS_CONNECT,
		"%s does not speak the deploy protocol; it said: %.*s", c->peer,
		shown, c->rx.data);
}

/* Cut off within the magic line it spoke our protocol. */
static bool
is_magic_cut_off(const struct channel *c)
{
	return c->rx.len < strlen(PROTOCOL_MAGIC) &&
		!memcmp(c->rx.data, PROTOCOL_MAGIC, c->rx.len);
}

/* Skips what comes before the magic line: 1 found, 0 not yet, -1 never. */
static int
find_magic(struct channel *c, struct error *err)
{
	const size_t len = strlen(PROTOCOL_MAGIC);
	const char *at = c->rx.len ?
		memmem(c->rx.data, c->rx.len, PROTOCOL_MAGIC, len) :
		NULL;

	if (at) {
		buf_consume(&c->rx, (size_t)(at - c->rx.data) + len);
		c->wants_magic = false;
		return 1;
	}
	if (c->rx.len > NOISE_MOST ||
		(c->eof && c->rx.len && !is_magic_cut_off(c)))
		return not_our_protocol(c, err);
	return 0;
}

int
channel_next(struct channel *c, struct frame *f, struct error *err)
{
	long n;

	buf_consume(&c->rx, c->taken);
	c->taken = 0;
	if (c->wants_magic) {
		int rc = find_magic(c, err);

		if (rc <= 0)
			return rc;
	}
	if (c->rx.len == 0)
		return 0;
	n = frame_parse(c->rx.data, c->rx.len, f, err);
	if (n < 0)
		return error_prefix(err, "%s sent ", c->peer);
	if (n == 0)
		return 0;
	c->taken = (size_t)n;
	trace(c, '<', f->type, f->data, f->len);
	return 1;
}
