#include "deadline.h"

#include <stdint.h>

#include "ssh_config.h"
#include "transport.h"

#define CONNECT_SECONDS 15
#define ALIVE_SECONDS 30
#define ALIVE_LEAST 6 /* libssh2 asks every other second at most */
#define MOST_SECONDS (7 * 24 * 3600) /* in milliseconds an int still */

static int
milliseconds(int64_t seconds)
{
	return (int)(seconds < MOST_SECONDS ? seconds : MOST_SECONDS) * 1000;
}

int
deadline_connect(const struct transport_options *o, const struct ssh_config *c)
{
	if (o->connect_timeout > 0)
		return milliseconds(o->connect_timeout);
	if (c->connect_timeout > 0)
		return milliseconds(c->connect_timeout);
	return milliseconds(CONNECT_SECONDS);
}

int
deadline_alive(const struct transport_options *o, const struct ssh_config *c)
{
	int64_t seconds = ALIVE_SECONDS;

	if (o->alive_timeout > 0)
		seconds = o->alive_timeout;
	else if (c->alive_interval > 0 && c->alive_count > 0)
		seconds = (int64_t)c->alive_interval * c->alive_count;
	return milliseconds(seconds > ALIVE_LEAST ? seconds : ALIVE_LEAST);
}

int
deadline_answer(const struct transport_options *o, const struct ssh_config *c)
{
	int connect = deadline_connect(o, c), alive = deadline_alive(o, c);

	return connect > alive ? connect : alive;
}

int
deadline_start(const struct transport_options *o, const struct ssh_config *c)
{
	int64_t all = 2 * (int64_t)deadline_connect(o, c) +
		deadline_alive(o, c);

	return milliseconds(all / 1000);
}
