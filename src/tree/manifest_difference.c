/* Writing a difference: which lines of the base stay. */
#include "tree/manifest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX
#define PIECE 65536

/* A run of kept or dropped lines that is not written yet. */
struct run {
	struct buf *out;
	manifest_text_fn *fn; /* where it goes once there is much of it */
	void *arg;
	char sign; /* '=' or '-' */
	uint64_t n;
};

static void
run_flush(struct run *r)
{
	if (r->n)
		buf_addf(r->out, "%c%" PRIu64 "\n", r->sign, r->n);
	r->n = 0;
}

static int
pass_on(struct run *r)
{
	int rc;

	if (!r->fn)
		return 0;
	rc = r->fn(r->out->data, r->out->len, r->arg);
	buf_clear(r->out);
	return rc;
}

static void
run_add(struct run *r, char sign, uint64_t n)
{
	if (!n)
		return;
	if (r->sign != sign)
		run_flush(r);
	r->sign = sign;
	r->n += n;
}

static int
compare_chunks(const struct entry *a, uint32_t i, const struct entry *b,
	uint32_t j)
{
	uint32_t x = chunk_length(a, i), y = chunk_length(b, j);

	if (x != y)
		return x < y ? -1 : 1;
	return memcmp(a->chunks->v[i].digest, b->chunks->v[j].digest,
		DIGEST_SIZE);
}

static int
compare_places(const void *a, const void *b, void *arg)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = compare_chunks(arg, x, arg, y);

	return order ? order : (x > y) - (x < y);
}

/* The first of a's chunks, sorted in v, that equals chunk i of b, or NONE. */
static uint32_t
find_chunk(const struct entry *a, const uint32_t *v, size_t n,
	const struct entry *b, uint32_t i)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_chunks(a, v[middle], b, i) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && compare_chunks(a, v[low], b, i) == 0 ? v[low] : NONE;
}

/*
 * Leaves in keep[0..n) the longest run of places that ascend, NONE for the
 * others: Fredman's way, by the smallest end of the runs of each length.
 */
static void
keep_ascending(uint32_t *keep, uint32_t n)
{
	uint32_t *ends = mem_zalloc(n, sizeof(*ends));
	uint32_t *before = mem_zalloc(n, sizeof(*before));
	uint32_t longest = 0, i, at;

	for (i = 0; i < n; i++) {
		uint32_t low = 0, high = longest;

		if (keep[i] == NONE)
			continue;
		while (low < high) {
			uint32_t middle = low + (high - low) / 2;

			if (keep[ends[middle]] < keep[i])
				low = middle + 1;
			else
				high = middle;
		}
		before[i] = low ? ends[low - 1] : NONE;
		ends[low] = i;
		longest += low == longest;
	}
	at = longest ? ends[longest - 1] : NONE;
	for (i = n; i-- > 0;) {
		if (i == at)
			at = before[i];
		else
			keep[i] = NONE;
	}
	free(ends);
	free(before);
}

/* Fills keep with the places, ascending, of a's chunks that become b's. */
static void
match_chunks(const struct entry *a, uint32_t na, const struct entry *b,
	uint32_t nb, uint32_t *keep)
{
	uint32_t first = 0, last = 0, i, *sorted;

	while (first < na && first < nb &&
		compare_chunks(a, first, b, first) == 0) {
		keep[first] = first;
		first++;
	}
	while (last < na - first && last < nb - first &&
		compare_chunks(a, na - last - 1, b, nb - last - 1) == 0) {
		keep[nb - last - 1] = na - last - 1;
		last++;
	}
	na -= first + last;
	nb -= first + last;
	if (!na || !nb) {
		for (i = 0; i < nb; i++)
			keep[first + i] = NONE;
		return;
	}
	sorted = mem_zalloc(na, sizeof(*sorted));
	for (i = 0; i < na; i++)
		sorted[i] = first + i;
	qsort_r(sorted, na, sizeof(*sorted), compare_places, (void *)a);
	for (i = first; i < first + nb; i++)
		keep[i] = find_chunk(a, sorted, na, b, i);
	keep_ascending(keep + first, nb);
	free(sorted);
}

/* The chunk lines of a, each kept or dropped, and those of b in between. */
static void
difference_chunks(const struct entry *a, const struct entry *b, struct run *r)
{
	uint32_t na = entry_lines(a) - 1, nb = entry_lines(b) - 1;
	uint32_t *keep = nb ? mem_zalloc(nb, sizeof(*keep)) : NULL;
	uint32_t i, done = 0;

	if (nb)
		match_chunks(a, na, b, nb, keep);
	for (i = 0; i < nb; i++) {
		if (keep[i] == NONE) {
			run_flush(r);
			manifest_write_chunk(b, i, r->out);
			continue;
		}
		run_add(r, '-', keep[i] - done);
		run_add(r, '=', 1);
		done = keep[i] + 1;
	}
	run_add(r, '-', na - done);
	free(keep);
}

static int
difference_pair(const struct entry *a, const struct entry *b, void *arg)
{
	struct entry none = { .type = ENTRY_FILE };
	struct run *r = arg;
	bool same = a && b && entry_equal(a, b);

	if (a)
		run_add(r, same ? '=' : '-', 1);
	if (b && !same) {
		run_flush(r);
		manifest_write_entry(b, r->out);
	}
	if ((a && entry_lines(a) > 1) || (b && entry_lines(b) > 1))
		difference_chunks(a ? a : &none, b ? b : &none, r);
	return r->out->len >= PIECE ? pass_on(r) : 0;
}

static int
difference(const struct manifest *base, const struct manifest *m, struct run *r)
{
	int rc = manifest_pairs(base, m, difference_pair, r);

	run_flush(r);
	manifest_write_end(m, r->out);
	return rc ? rc : pass_on(r);
}

void
manifest_difference(const struct manifest *base, const struct manifest *m,
	struct buf *out)
{
	struct run r = { .out = out, .sign = '=' };

	difference(base, m, &r);
}

int
manifest_difference_text(const struct manifest *base, const struct manifest *m,
	manifest_text_fn *fn, void *arg)
{
	struct buf piece = BUF_INIT;
	struct run r = { .out = &piece, .fn = fn, .arg = arg, .sign = '=' };
	int rc = difference(base, m, &r);

	buf_release(&piece);
	return rc;
}
