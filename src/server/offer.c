#include "server/offer.h"

#include "server/push_state.h"

int
offer_take(struct push *p, const struct frame *f)
{
	if (!p->ask.offer || p->offer.n)
		return error_status(p->err, STATUS_TRANSFER,
			"an unexpected offer frame");
	if (ranges_read(&p->offer, f->data, f->len, UINT32_MAX, p->err) < 0)
		return -1;
	if (!p->offer.n)
		return error_status(p->err, STATUS_TRANSFER, "an empty offer");
	return 0;
}

bool
offer_waits(const struct push *p)
{
	return p->offer.n && !p->m.n;
}

static int
check_line(const struct push *p, uint32_t line, uint64_t *bytes)
{
	const struct entry *e = manifest_line(&p->m, line);

	if (!e || e->type != ENTRY_FILE)
		return error_status(p->err, STATUS_TRANSFER,
			"the offer has line %u, which is no file", line);
	if (e->size > OFFER_MOST - *bytes)
		return error_status(p->err, STATUS_TRANSFER,
			"the offer is of more than %d bytes", OFFER_MOST);
	*bytes += e->size;
	return 0;
}

int
offer_check(struct push *p)
{
	struct ranges_cursor at = { 0, 0 };
	uint64_t bytes = 0;
	uint32_t line;

	/* Ascending, so that the loop ends at the first one there is not. */
	while (ranges_next(&p->offer, &at, &line))
		if (check_line(p, line, &bytes) < 0)
			return -1;
	return 0;
}

void
offer_count(const struct push *p, uint64_t *files, uint64_t *bytes)
{
	struct ranges_cursor at = { 0, 0 };
	uint32_t line;

	while (ranges_next(&p->offer, &at, &line)) {
		++*files;
		*bytes += manifest_line(&p->m, line)->size;
	}
}
