#include "server/put.h"

#include <ctype.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "server/lanes.h"

static int
parse(const struct frame *f, struct msg_put *m, struct error *err)
{
	size_t i;

	if (MESSAGE_READ(put, f, m, err) < 0)
		return -1;
	if (!m->app || !path_is_app(m->app))
		return error_status(err, STATUS_REFUSED,
			"'%s' cannot be an app's name", m->app ? m->app : "");
	for (i = 0; m->token && isxdigit((unsigned char)m->token[i]); i++)
		;
	if (i != LANE_TOKEN || m->token[i])
		return error_status(err, STATUS_TRANSFER, "a malformed put");
	return 0;
}

/* What hello left queued goes out before another process writes. */
static int
drain(struct session *s, struct error *err)
{
	while (s->client.tx.len)
		if (session_turn(s, NULL, 0, -1, err) < 0)
			return -1;
	return 0;
}

/* The channel closes when this process ends. */
static void
wait_for_end(int fd)
{
	char c;

	while (read(fd, &c, 1) > 0)
		;
}

static int
join(struct session *s, const char *token, struct error *err)
{
	struct channel *c = &s->client;
	int fd, rc;

	if (drain(s, err) < 0)
		return -1;
	fd = lanes_join(s->store.own, token, c->in, c->out, err);
	if (fd < 0)
		return -1;
	/* What was read already, then nothing more comes this way. */
	rc = io_write_full(fd, c->rx.data + c->taken, c->rx.len - c->taken);
	(void)shutdown(fd, SHUT_WR);
	if (rc == 0)
		wait_for_end(fd);
	io_close(&fd);
	return 0;
}

bool
put_serve(struct session *s, const struct frame *f, struct msg_result *result)
{
	struct error err = ERROR_INIT;
	struct msg_put m = { 0 };
	int rc = parse(f, &m, &err);

	/* Neither a lock nor a place: the push has both. */
	if (rc == 0)
		rc = config_authorise(s->config, m.app, "deploy", &err);
	if (rc == 0) {
		rc = store_open(&s->store, s->config->root, m.app, false,
			"deploy local:", &err);
		s->opened = rc == 0;
	}
	if (rc == 0)
		rc = join(s, m.token, &err);
	if (rc < 0)
		result_from_error(result, &err);
	MESSAGE_RELEASE(put, &m);
	return rc == 0;
}
