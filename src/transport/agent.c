#include "agent.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "internal.h"
#include "keys.h"
#include "known_hosts.h"
#include "sshbuf.h"

#define LIST_REQUEST 11
#define LIST_ANSWER 12
#define SIGN_REQUEST 13
#define SIGN_ANSWER 14
#define FLAG_SHA256 2
#define FLAG_SHA512 4
#define ANSWER_MOST (256 * 1024)
#define LIST_MS 10000
#define SIGN_MS 120000 /* then sshd has given up too */

int
agent_open(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(a.sun_path))
		return -1;
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		io_close(&fd);
	return fd;
}

/* Waits for events; -1 at the deadline or when stopped. */
static int
wait_for(int fd, const struct transport *t, short events, int64_t deadline)
{
	struct pollfd p[2] = { { fd, events, 0 }, { t->wake, POLLIN, 0 } };
	int64_t left = transport_until(t, deadline) - io_now_ms();

	if (poll(p, 2, left < 0 ? 0 : (int)left) <= 0 || transport_stopped(t) ||
		!p[0].revents)
		return -1;
	return 0;
}

static int
send_all(int fd, const struct transport *t, struct buf *b, int64_t deadline)
{
	while (b->len) {
		ssize_t n = send(fd, b->data, b->len, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			if (wait_for(fd, t, POLLOUT, deadline) < 0)
				return -1;
			continue;
		}
		if (n < 0)
			return -1;
		buf_consume(b, (size_t)n);
	}
	return 0;
}

static int
receive(int fd, const struct transport *t, struct buf *b, size_t len,
	int64_t deadline)
{
	while (b->len < len) {
		ssize_t n = io_read_some(fd, b, len - b->len);

		if (n < 0 && errno == EAGAIN) {
			if (wait_for(fd, t, POLLIN, deadline) < 0)
				return -1;
			continue;
		}
		if (n <= 0)
			return -1;
	}
	return 0;
}

/* Sends body in its frame and replaces it by the answer. */
static int
ask(int fd, const struct transport *t, struct buf *body, int64_t deadline)
{
	struct buf frame = BUF_INIT;
	struct sshbuf head;
	uint32_t len = 0;
	int rc = -1;

	sshbuf_put_string(&frame, body->data, body->len);
	buf_clear(body);
	if (send_all(fd, t, &frame, deadline) == 0 &&
		receive(fd, t, body, 4, deadline) == 0) {
		head = (struct sshbuf){ body->data, 4 };
		(void)sshbuf_get_u32(&head, &len);
		buf_clear(body);
		if (len > 0 && len <= ANSWER_MOST)
			rc = receive(fd, t, body, len, deadline);
	}
	buf_release(&frame);
	return rc;
}

int
agent_list(int fd, const struct transport *t, struct keys *keys)
{
	struct buf b = BUF_INIT;
	struct sshbuf in, blob, comment;
	uint32_t count = 0;
	uint8_t type = 0;
	int rc = -1;

	buf_addch(&b, LIST_REQUEST);
	if (ask(fd, t, &b, io_now_ms() + LIST_MS) < 0)
		goto out;
	in = (struct sshbuf){ b.data, b.len };
	if (sshbuf_get_u8(&in, &type) < 0 || type != LIST_ANSWER ||
		sshbuf_get_u32(&in, &count) < 0)
		goto out;
	for (; count; count--) {
		struct key *key;

		if (sshbuf_get_string(&in, &blob) < 0 ||
			sshbuf_get_string(&in, &comment) < 0)
			goto out;
		key = keys_add(keys);
		key->agent = true;
		key->name = mem_strndup(comment.p, comment.len);
		key->type = known_hosts_type(blob.p, blob.len);
		buf_add(&key->blob, blob.p, blob.len);
	}
	rc = 0;
out:
	buf_release(&b);
	return rc;
}

/*
 * The algorithm is named in what is to be signed: session id, type of
 * message, user, service, method, yes, algorithm.
 */
static uint32_t
signature_flags(const unsigned char *data, size_t len)
{
	struct sshbuf in = { (const char *)data, len }, skipped, name;
	uint8_t byte;

	if (sshbuf_get_string(&in, &skipped) < 0 ||
		sshbuf_get_u8(&in, &byte) < 0 ||
		sshbuf_get_string(&in, &skipped) < 0 ||
		sshbuf_get_string(&in, &skipped) < 0 ||
		sshbuf_get_string(&in, &skipped) < 0 ||
		sshbuf_get_u8(&in, &byte) < 0 ||
		sshbuf_get_string(&in, &name) < 0)
		return 0;
	if (sshbuf_is(&name, "rsa-sha2-256"))
		return FLAG_SHA256;
	return sshbuf_is(&name, "rsa-sha2-512") ? FLAG_SHA512 : 0;
}

int
agent_sign(int fd, const struct transport *t, const struct buf *blob,
	const unsigned char *data, size_t len, struct buf *signature)
{
	struct buf b = BUF_INIT;
	struct sshbuf in, whole, name, bytes;
	uint8_t type = 0;
	int rc = -1;

	buf_addch(&b, SIGN_REQUEST);
	sshbuf_put_string(&b, blob->data, blob->len);
	sshbuf_put_string(&b, data, len);
	sshbuf_put_u32(&b, signature_flags(data, len));
	if (ask(fd, t, &b, io_now_ms() + SIGN_MS) < 0)
		goto out;
	in = (struct sshbuf){ b.data, b.len };
	if (sshbuf_get_u8(&in, &type) < 0 || type != SIGN_ANSWER ||
		sshbuf_get_string(&in, &whole) < 0 ||
		sshbuf_get_string(&whole, &name) < 0 ||
		sshbuf_get_string(&whole, &bytes) < 0)
		goto out;
	buf_add(signature, bytes.p, bytes.len);
	rc = 0;
out:
	buf_release(&b);
	return rc;
}
