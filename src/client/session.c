#include "client/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/report.h"

/* deployd pings every 10 s, whatever it is doing. */
#define SILENCE_MS 30000

static enum transport_kind
choose_kind(const struct target *t, const struct options *o)
{
	if (t->local)
		return TRANSPORT_LOCAL;
	if (o->transport && !strcmp(o->transport, "libssh2"))
		return TRANSPORT_LIBSSH2;
	if (o->transport && !strcmp(o->transport, "openssh"))
		return TRANSPORT_OPENSSH;
	return TRANSPORT_AUTO;
}

struct transport_options
session_transport(const struct target *t, const struct options *o)
{
	return (struct transport_options){
		.kind = choose_kind(t, o),
		.user = t->user,
		.host = t->host,
		.port = t->port ? t->port : o->port,
		.config = o->ssh_config,
		.jump = o->jump,
		.identities = o->identities,
		.settings = o->ssh_options,
		.family = o->family,
		.deployd = o->deployd,
	};
}

static void
begin(struct session *s, const struct target *t, int fd)
{
	struct msg_hello hello = { 1, (char *)"deploy/" VERSION };

	s->target = t;
	s->input = -1;
	channel_init(&s->channel, fd, fd, true, "the server");
	s->channel.trace = channel_trace_open();
	s->pinged = s->heard = io_now_ms();
	MESSAGE_SEND(&s->channel, "hello", hello, &hello);
}

void
session_open(struct session *s, const struct target *t, const struct options *o)
{
	memset(s, 0, sizeof(*s));
	s->transport_options = session_transport(t, o);
	s->transport = transport_open(&s->transport_options);
	s->limit = o->limit;
	begin(s, t, transport_fd(s->transport));
}

int
session_branch(struct session *s, struct session *of)
{
	memset(s, 0, sizeof(*s));
	s->fd = of->transport ? transport_branch(of->transport) : -1;
	s->branch = s->fd >= 0;
	if (!s->branch)
		return -1;
	s->limit = of->limit;
	begin(s, of->target, s->fd);
	return 0;
}

int
session_rtt(const struct session *s)
{
	return s->transport ? transport_rtt(s->transport) : 0;
}

uint64_t
session_sent(const struct session *s)
{
	uint64_t sent = 0, received;

	if (s->transport)
		transport_counts(s->transport, &sent, &received);
	return sent;
}

int64_t
session_link_us(const struct session *s)
{
	int64_t us = s->limited_us;

	if (s->limited_since)
		us += io_now_us() - s->limited_since;
	return s->transport ? us + transport_link_us(s->transport) : us;
}

/* The conversation is over without a result: whoever knows why says so. */
static int
over(struct session *s, struct error *err)
{
	struct error why = ERROR_INIT;
	struct transport *t = s->transport;

	s->transport = NULL;
	if (!t)
		return error_status(err, STATUS_TRANSFER,
			"the connection was closed");
	if (transport_close(t, &s->report, &why) < 0) {
		*err = why;
		return -1;
	}
	return error_status(err, s->greeted ? STATUS_TRANSFER : STATUS_CONNECT,
		"the server ended the conversation %s%s%s",
		s->greeted ? "without a result" : "before deployd said a word",
		s->report.errors[0] ? ": " : "", s->report.errors);
}

/* It spoke, but not our protocol: the transport may know better. */
static int
babble(struct session *s, struct error *err)
{
	struct error said = *err;

	if (!s->channel.wants_magic)
		return -1;
	if (over(s, err) < 0 && err->status == STATUS_CONNECT && err->hint[0])
		return -1;
	*err = said;
	return error_hint(err,
		"deployd has to be what runs there; see what "
		"this prints: ssh %s%s%s true",
		s->target->user ? s->target->user : "",
		s->target->user ? "@" : "",
		s->target->host ? s->target->host : "localhost");
}

static int
take_hello(struct session *s, const struct frame *f, struct error *err)
{
	if (strcmp(f->type, "hello") != 0)
		return error_status(err, STATUS_TRANSFER,
			"expected hello, the server sent a %s frame", f->type);
	if (MESSAGE_READ(hello, f, &s->server, err) < 0)
		return -1;
	if (s->server.version != 1)
		return error_status(err, STATUS_REFUSED,
			"the server speaks version %llu of the protocol, this "
			"deploy version 1",
			(unsigned long long)s->server.version);
	s->greeted = true;
	log_debug("%s speaks version %llu (%s)", s->target->text,
		(unsigned long long)s->server.version,
		s->server.agent ? s->server.agent : "");
	return 0;
}

static int
check_silence(struct session *s, struct error *err)
{
	/* Until the first byte the transport has the deadlines. */
	if (!s->channel.received || io_now_ms() - s->heard < SILENCE_MS)
		return 0;
	return error_status(err, s->greeted ? STATUS_TRANSFER : STATUS_CONNECT,
		"deployd has said nothing for %d s", SILENCE_MS / 1000);
}

int
session_next(struct session *s, struct frame *f, struct error *err)
{
	int rc;

	while ((rc = channel_next(&s->channel, f, err)) > 0) {
		if (!s->greeted) {
			if (take_hello(s, f, err) < 0)
				return -1;
		} else if (strcmp(f->type, ".ping") != 0) {
			return 1;
		}
	}
	if (rc < 0)
		return babble(s, err);
	if (s->channel.eof)
		return over(s, err);
	return check_silence(s, err);
}

void
session_close(struct session *s)
{
	struct error ignored = ERROR_INIT;

	if (s->transport)
		(void)transport_close(s->transport, &s->report, &ignored);
	s->transport = NULL;
	if (s->branch)
		io_close(&s->fd);
	s->branch = false;
}

void
session_tell_result(const struct session *s, const struct msg_result *r,
	enum status well, const struct error *err)
{
	report_event("target-result", "target", "s", s->target->text, "status",
		"i", (int64_t)(err ? err->status : well), "outcome", "s",
		err || !r->outcome ? "failed" : r->outcome, "release", "s",
		r->release, "previous", "s", r->previous, "live", "s", r->live,
		"files", "i", (int64_t)r->files, "reused", "i",
		(int64_t)r->reused, "bytes", "i", (int64_t)r->bytes, "sent",
		"i", (int64_t)s->report.sent, "received", "i",
		(int64_t)s->report.received, "error", "s",
		err ? err->text : NULL, "hint", "s",
		err && err->hint[0] ? err->hint : NULL, "stage", "s", r->stage,
		"code", "i", (int64_t)r->code, NULL);
}

void
session_release(struct session *s)
{
	session_close(s);
	channel_release(&s->channel);
	MESSAGE_RELEASE(hello, &s->server);
}
