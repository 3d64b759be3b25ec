/* The verb doctor: it is about the server, whatever app is named. */
#include "server/doctor.h"
#include "server/query.h"

static void
send_finding(void *arg, const struct msg_finding *m)
{
	struct query *q = arg;

	MESSAGE_SEND(&q->s->client, "finding", finding, m);
}

int
query_doctor(struct query *q)
{
	(void)doctor_examine(q->s->config, send_finding, q);
	return 0;
}
