#include "backlog.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/io.h"
#include "internal.h"

/* More than a late acknowledgement takes. */
#define QUEUED_US 100000

void
backlog_note(struct backlog *b, struct transport *t, bool full)
{
	int64_t now = io_now_us();

	if (full && b->full)
		atomic_fetch_add(&t->link_us, now - b->looked);
	b->full = full;
	b->looked = now;
}

bool
backlog_is_full(const struct backlog_tcp *n)
{
	/* All of a channel's window may lie in the queue of some router. */
	if (n->unacked && n->rtt > 2 * (uint64_t)n->rtt_least + QUEUED_US)
		return true;
	if (n->unacked > n->window / 2 && n->window < n->slow)
		return false;
	return n->unsent > 0;
}

bool
backlog_of_socket(int fd, size_t queued)
{
	struct tcp_info i;
	socklen_t len = sizeof(i);

	memset(&i, 0, sizeof(i));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len) < 0)
		return queued > 0;
	return backlog_is_full(&(struct backlog_tcp){
		.unsent = queued + i.tcpi_notsent_bytes,
		.unacked = i.tcpi_unacked,
		.window = i.tcpi_snd_cwnd,
		.slow = i.tcpi_snd_ssthresh,
		.rtt = i.tcpi_rtt,
		.rtt_least = i.tcpi_min_rtt });
}
