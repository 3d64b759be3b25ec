#include "server/patience.h"

#include <inttypes.h>

/* What lies between two looks beyond that, the server was at work for. */
#define TURN_MS 1100

void
patience_init(struct patience *p, const struct config *c, int64_t now)
{
	*p = (struct patience){
		.began = now, .looked = now, .left = c->stall_timeout * 1000
	};
}

static int
no_request(const struct config *c, struct error *err)
{
	error_status(err, STATUS_REFUSED,
		"the client has asked for nothing within %ld s",
		c->request_timeout);
	return error_hint(err, "raise request_timeout in deployd.conf");
}

static int
too_slow(const struct config *c, struct error *err)
{
	error_status(err, STATUS_REFUSED,
		"the client stalls: for %ld s it has sent too little "
		"(min_rate is %" PRIu64 " bytes a second)",
		c->stall_timeout, c->min_rate);
	return error_hint(err,
		"raise stall_timeout or lower min_rate in deployd.conf");
}

/* What this look adds and takes. */
static void
settle(struct patience *p, const struct config *c, int64_t now,
	uint64_t received)
{
	int64_t most = c->stall_timeout * 1000, passed = now - p->looked;
	uint64_t came = received - p->counted;

	p->looked = now;
	p->counted = received;
	p->left -= passed < TURN_MS ? passed : TURN_MS;
	if (!p->owes || (!c->min_rate && came) ||
		(c->min_rate &&
			came / c->min_rate >= (uint64_t)c->stall_timeout))
		p->left = most;
	else if (c->min_rate)
		p->left += (int64_t)(came * 1000 / c->min_rate);
	if (p->left > most)
		p->left = most;
}

int
patience_check(struct patience *p, const struct config *c, int64_t now,
	uint64_t received, bool busy, struct error *err)
{
	if (!p->asked)
		return c->request_timeout &&
				now - p->began >= c->request_timeout * 1000 ?
			no_request(c, err) :
			0;
	settle(p, c, now, received);
	if (!c->stall_timeout || !p->owes || p->left > 0)
		return 0;
	if (!busy)
		return too_slow(c, err);
	p->left = 0;
	return 0;
}
