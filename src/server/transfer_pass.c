/* What a client sends, on its way to an intake. */
#include "server/transfer.h"

#include <inttypes.h>
#include <string.h>

#include "server/offer.h"
#include "server/push_checks.h"
#include "tree/wanted.h"

/* Whether all these lines were asked for, or are of files that were. */
static int
check_part(const struct push *p, const struct frame *f, struct error *err)
{
	struct ranges r = { NULL, 0, 0 };
	struct ranges_cursor at = { 0, 0 };
	struct wanted w;
	uint32_t line;
	int rc;

	if (!p->arrived)
		return error_status(err, STATUS_TRANSFER,
			"an unexpected part frame");
	rc = ranges_read(&r, f->data, f->len, p->m.lines, err);
	while (rc == 0 && ranges_next(&r, &at, &line))
		if (!ranges_has(p->asked, line) &&
			(wanted_find(&w, &p->m, line) < 0 ||
				!ranges_has(p->asked, w.e->line)))
			rc = error_status(err, STATUS_TRANSFER,
				"line %u was not asked for", line);
	ranges_release(&r);
	return rc;
}

/*
 * What the whole manifest is checked for, and how often that may be.  Room was
 * looked for when the files were smaller.
 */
static int
check_amend(struct push *p, const struct intake_amended *what,
	struct error *err)
{
	const uint64_t most = 1000 + 4 * (uint64_t)p->m.lines;
	const struct config *c = p->s->config;
	const struct entry *e = manifest_line(&p->m, what->line);
	struct space grown = { 0 };

	if (++p->amends > most)
		return error_status(err, STATUS_TRANSFER,
			"the files change more often than %" PRIu64 " times",
			most);
	if (check_entry(c, e, err) < 0)
		return -1;
	if (e->size <= what->was)
		return 0;
	grown.upload = p->grown += e->size - what->was;
	return check_space(p->store, &grown, c->reserve, err);
}

int
transfer_pass_on(struct push *p, struct intake *to, const struct frame *f,
	struct error *err)
{
	struct intake_amended what;

	if (!strcmp(f->type, "amend")) {
		if (intake_amend(&p->m, f->data, f->len, &what, err) < 0 ||
			check_amend(p, &what, err) < 0)
			return -1;
		p->amended = true;
	} else if (!strcmp(f->type, "part")) {
		if (check_part(p, f, err) < 0)
			return -1;
	} else if (strcmp(f->type, "files")) {
		return error_status(err, STATUS_TRANSFER,
			"an unexpected %s frame", f->type);
	}
	channel_send(&to->channel, f->type, f->data, f->len);
	return 0;
}

int
transfer_pass(struct push *p, const struct frame *in)
{
	struct intake *to = &p->s->intake;

	if (strcmp(in->type, "offer") && strcmp(in->type, "manifest"))
		return transfer_pass_on(p, to, in, p->err);
	if (!strcmp(in->type, "offer") && offer_take(p, in) < 0)
		return -1;
	channel_send(&to->channel, in->type, in->data, in->len);
	return 0;
}
