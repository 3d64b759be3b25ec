#include "tree/chunk.h"

#include "unit.h"

#define SIZE (8 * 1024 * 1024)

/* Bytes like random ones, the same on every machine. */
static unsigned char *
noise(size_t size, uint64_t seed)
{
	unsigned char *data = mem_alloc(size);
	size_t i;

	for (i = 0; i < size; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		data[i] = (unsigned char)(seed >> 32);
	}
	return data;
}

static struct chunks *
divide(const void *data, size_t len, size_t step)
{
	struct chunker c;
	struct chunks *out;
	size_t at, n;

	chunker_init(&c);
	for (at = 0; at < len; at += n) {
		n = len - at < step ? len - at : step;
		chunker_add(&c, (const char *)data + at, n);
	}
	out = chunker_end(&c);
	chunker_release(&c);
	return out;
}

static struct entry
entry_of(const struct chunks *c, size_t len)
{
	return (struct entry){ .type = ENTRY_FILE, .chunks = c, .size = len };
}

/* Every chunk's size and digest. */
static void
check(const struct chunks *c, const unsigned char *data, size_t len)
{
	struct entry e = entry_of(c, len);
	uint8_t digest[DIGEST_SIZE];
	uint64_t at = 0;
	uint32_t i;

	for (i = 0; i < c->n; i++) {
		uint32_t size = chunk_length(&e, i);

		ck_assert_uint_eq(c->v[i].offset, at);
		if (i + 1 < c->n)
			ck_assert_uint_gt(size, CHUNK_MIN);
		ck_assert_uint_le(size, CHUNK_MAX);
		digest_bytes(data + at, size, digest);
		ck_assert_mem_eq(c->v[i].digest, digest, DIGEST_SIZE);
		at += size;
	}
	ck_assert_uint_eq(at, len);
}

/* How many of b's chunks a has not. */
static uint32_t
count_new(const struct chunks *a, const struct chunks *b)
{
	uint32_t i, j, n = 0;

	for (i = 0; i < b->n; i++) {
		for (j = 0; j < a->n; j++)
			if (!memcmp(a->v[j].digest, b->v[i].digest,
				    DIGEST_SIZE))
				break;
		n += j == a->n;
	}
	return n;
}

START_TEST(sizes_lie_between_the_least_and_the_most)
{
	unsigned char *data = noise(SIZE, 1);
	struct chunks *c = divide(data, SIZE, SIZE);

	check(c, data, SIZE);
	/* Near the average: the mean is about 72 KiB. */
	ck_assert_uint_gt(c->n, SIZE / (100 * 1024));
	ck_assert_uint_lt(c->n, SIZE / (50 * 1024));
	free(c);
	free(data);
}
END_TEST

START_TEST(what_has_no_boundary_is_cut_at_the_most)
{
	unsigned char *data = mem_zalloc(1, SIZE);
	struct chunks *c = divide(data, SIZE, 10000);

	check(c, data, SIZE);
	ck_assert_uint_eq(c->n, SIZE / CHUNK_MAX);
	free(c);
	free(data);
}
END_TEST

START_TEST(a_small_file_is_one_chunk_and_an_empty_one_none)
{
	static const size_t sizes[] = { 1, 100, CHUNK_MIN };
	unsigned char *data = noise(CHUNK_MIN, 2);
	size_t i;

	for (i = 0; i < 3; i++) {
		struct chunks *c = divide(data, sizes[i], 64);

		ck_assert_uint_eq(c->n, 1);
		check(c, data, sizes[i]);
		free(c);
	}
	ck_assert_ptr_null(divide(data, 0, 1));
	free(data);
}
END_TEST

START_TEST(pieces_of_any_size_divide_alike)
{
	static const size_t steps[] = { 1, 7, 1000, CHUNK_MIN, 65537, 300000 };
	size_t len = 1500000, i;
	unsigned char *data = noise(len, 3);
	struct chunks *whole = divide(data, len, len);

	for (i = 0; i < 6; i++) {
		struct chunks *c = divide(data, len, steps[i]);

		ck_assert_uint_eq(c->n, whole->n);
		ck_assert_mem_eq(c->v, whole->v, c->n * sizeof(*c->v));
		free(c);
	}
	free(whole);
	free(data);
}
END_TEST

START_TEST(one_chunker_divides_one_file_after_another)
{
	size_t len = 500000;
	unsigned char *data = noise(len, 4);
	struct chunks *a, *b;
	struct chunker c;

	chunker_init(&c);
	chunker_add(&c, data, len);
	a = chunker_end(&c);
	chunker_add(&c, data, len);
	b = chunker_end(&c);
	ck_assert_uint_eq(a->n, b->n);
	ck_assert_mem_eq(a->v, b->v, a->n * sizeof(*a->v));
	chunker_release(&c);
	free(a);
	free(b);
	free(data);
}
END_TEST

/* data with what stands at `at` replaced: `gone` bytes go, `more` come. */
static void
check_edit(const struct chunks *a, const unsigned char *data, size_t at,
	size_t gone, size_t more, uint32_t most)
{
	size_t len = SIZE - gone + more;
	unsigned char *other = mem_alloc(len);
	struct chunks *b;

	memcpy(other, data, at);
	memset(other + at, 'x', more);
	memcpy(other + at + more, data + at + gone, SIZE - at - gone);
	b = divide(other, len, len);
	check(b, other, len);
	ck_assert_uint_gt(count_new(a, b), 0);
	ck_assert_uint_le(count_new(a, b), most);
	free(b);
	free(other);
}

START_TEST(an_edit_changes_the_chunks_around_it)
{
	unsigned char *data = noise(SIZE, 5);
	struct chunks *a = divide(data, SIZE, SIZE);
	size_t at;

	for (at = 0; at < SIZE - 100000; at += SIZE / 11) {
		check_edit(a, data, at, 0, 10, 4);
		check_edit(a, data, at, 10, 0, 4);
		check_edit(a, data, at, 10, 10, 4);
	}
	check_edit(a, data, SIZE, 0, 10, 1);
	check_edit(a, data, SIZE / 2, 100000, 0, 4);
	free(a);
	free(data);
}
END_TEST

/* It may change, but then everybody's next deploy finds less to reuse. */
START_TEST(boundaries_are_those_of_every_version)
{
	static const uint64_t offsets[] = { 0, 161337, 247334, 313270, 385608,
		458201 };
	unsigned char *data = noise(SIZE, 88172645463325252);
	struct chunks *c = divide(data, SIZE, SIZE);
	size_t i;

	for (i = 0; i < sizeof(offsets) / sizeof(*offsets); i++)
		ck_assert_uint_eq(c->v[i].offset, offsets[i]);
	ck_assert_uint_eq(c->v[c->n - 1].offset, 8365351);
	ck_assert_uint_eq(c->n, 111);
	free(c);
	free(data);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("chunk");
	TCase *tc = tcase_create("chunk");

	tcase_add_test(tc, sizes_lie_between_the_least_and_the_most);
	tcase_add_test(tc, what_has_no_boundary_is_cut_at_the_most);
	tcase_add_test(tc, a_small_file_is_one_chunk_and_an_empty_one_none);
	tcase_add_test(tc, pieces_of_any_size_divide_alike);
	tcase_add_test(tc, one_chunker_divides_one_file_after_another);
	tcase_add_test(tc, an_edit_changes_the_chunks_around_it);
	tcase_add_test(tc, boundaries_are_those_of_every_version);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
