#include "tree/packer.h"

#include <poll.h>

#include "base/zstream.h"
#include "tree/scan.h"
#include "tree/unpack.h"
#include "unit.h"

struct job {
	struct manifest m;
	struct source source;
	struct packer *packer;
	struct buf wire;
	struct entry last; /* amended */
	int dir, amended;
};

static void
job_init(struct job *j)
{
	memset(j, 0, sizeof(*j));
	j->dir = unit_dir();
	source_directory(&j->source, j->dir, false);
}

static void
job_release(struct job *j)
{
	packer_free(j->packer);
	source_release(&j->source);
	manifest_release(&j->m);
	buf_release(&j->wire);
	io_close(&j->dir);
}

/* A file that does not compress. */
static void
put(const char *path, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	int random = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	char *data = malloc(size + 1);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(io_read_full(random, data, size), (ssize_t)size);
	ck_assert_int_eq(io_write_full(fd, data, size), 0);
	free(data);
	close(random);
	close(fd);
}

static void
add(struct job *j, const char *path, size_t size)
{
	struct entry e = { .path = path, .type = ENTRY_FILE };
	struct error err = ERROR_INIT;

	put(path, size);
	ck_assert_int_eq(scan_file(j->dir, false, &e, &err), 0);
	manifest_add(&j->m, &e);
}

static void
start(struct job *j)
{
	j->packer = packer_new(&j->source, &j->m, 2);
}

static bool
readable(struct job *j, int ms)
{
	struct pollfd p = { packer_fd(j->packer), POLLIN, 0 };

	return poll(&p, 1, ms) == 1;
}

/* As the loop does; 0 once all has come, or -1. */
static int
take_all(struct job *j, struct error *err)
{
	for (;;) {
		struct buf piece = BUF_INIT;
		enum pack_step s = packer_take(j->packer, &piece, &j->last,
			err);

		buf_add(&j->wire, buf_str(&piece), piece.len);
		if (s == PACK_AMENDED)
			j->amended++;
		else if (s != PACK_MORE)
			return s == PACK_IDLE ? 0 : -1;
		else if (!piece.len)
			ck_assert(readable(j, 60000));
		buf_release(&piece);
	}
}

static ssize_t
pull(void *arg, const void **data, struct error *err)
{
	static char piece[70000];
	struct job *j = arg;
	size_t n = j->wire.len < sizeof(piece) ? j->wire.len : sizeof(piece);

	if (n == 0)
		return error_set(err, "it would wait");
	memcpy(piece, j->wire.data, n);
	buf_consume(&j->wire, n);
	*data = piece;
	return (ssize_t)n;
}

static void
hash(void *arg, const char *data, size_t len)
{
	digest_update(arg, data, len);
}

static void
receive(struct unpack *u, const struct entry *e)
{
	struct error err = ERROR_INIT;
	struct digest *d = digest_new();
	uint8_t digest[DIGEST_SIZE], again[DIGEST_SIZE];
	uint64_t size;

	ck_assert_msg(unpack_header(u, &size, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(size, e->size);
	ck_assert_int_eq(unpack_data(u, size, hash, d, digest, &err), 0);
	digest_final(d, again);
	ck_assert_mem_eq(digest, e->digest, DIGEST_SIZE);
	ck_assert_mem_eq(again, digest, DIGEST_SIZE);
	digest_free(d);
}

START_TEST(what_was_asked_for_comes_in_order_and_then_it_is_idle)
{
	struct error err = ERROR_INIT;
	struct unpack *u;
	struct job j;
	uint32_t i;

	job_init(&j);
	add(&j, "a", 100);
	add(&j, "b", 8000000);
	add(&j, "c", 0);
	add(&j, "d", 5000);
	start(&j);
	ck_assert_int_eq(take_all(&j, &err), 0);
	ck_assert_uint_eq(j.wire.len, 0);
	u = unpack_new(pull, &j);
	packer_ask(j.packer, 4);
	ck_assert_int_eq(take_all(&j, &err), 0);
	receive(u, &j.m.v[3]);
	for (i = 1; i <= 3; i++)
		packer_ask(j.packer, i);
	ck_assert_int_eq(take_all(&j, &err), 0);
	for (i = 0; i < 3; i++)
		receive(u, &j.m.v[i]);
	ck_assert(!readable(&j, 0));
	ck_assert_uint_eq(packer_done(j.packer), 8005100);
	unpack_free(u);
	job_release(&j);
}
END_TEST

START_TEST(it_does_not_run_far_ahead)
{
	struct job j;

	job_init(&j);
	add(&j, "a", 60000000);
	start(&j);
	packer_ask(j.packer, 1);
	ck_assert(readable(&j, 60000));
	/* Nobody takes anything: it stops by itself. */
	usleep(300000);
	ck_assert_uint_lt(packer_done(j.packer), 40000000);
	job_release(&j);
}
END_TEST

START_TEST(an_amended_entry_comes_before_its_bytes)
{
	struct error err = ERROR_INIT;
	struct buf piece = BUF_INIT;
	struct entry e;
	struct unpack *u;
	struct job j;

	job_init(&j);
	add(&j, "a", 1000);
	start(&j);
	put("a", 2000);
	packer_ask(j.packer, 1);
	ck_assert(readable(&j, 60000));
	ck_assert_int_eq(packer_take(j.packer, &piece, &e, &err), PACK_AMENDED);
	ck_assert_uint_eq(piece.len, 0);
	ck_assert_str_eq(e.path, "a");
	ck_assert_uint_eq(e.size, 2000);
	ck_assert_int_eq(take_all(&j, &err), 0);
	u = unpack_new(pull, &j);
	receive(u, &e);
	put("a", 3000);
	packer_again(j.packer, 1);
	ck_assert_int_eq(take_all(&j, &err), 0);
	ck_assert_int_eq(j.amended, 1);
	ck_assert_uint_eq(j.last.size, 3000);
	receive(u, &j.last);
	/* And as if nothing had been. */
	packer_undo(j.packer);
	ck_assert_uint_eq(j.m.v[0].size, 1000);
	unpack_free(u);
	job_release(&j);
}
END_TEST

/* Until the next amended entry. */
static void
take_to_amended(struct job *j)
{
	struct error err = ERROR_INIT;
	struct buf piece = BUF_INIT;
	enum pack_step s;

	while ((s = packer_take(j->packer, &piece, &j->last, &err)) ==
		PACK_MORE) {
		if (!piece.len)
			ck_assert(readable(j, 60000));
		buf_add(&j->wire, buf_str(&piece), piece.len);
		buf_clear(&piece);
	}
	ck_assert_int_eq(s, PACK_AMENDED);
	buf_release(&piece);
}

static uint64_t
size_now(struct job *j, size_t place)
{
	uint64_t size;

	packer_lock(j->packer);
	size = j->m.v[place].size;
	packer_unlock(j->packer);
	return size;
}

START_TEST(an_amended_entry_comes_behind_the_bytes_before_it)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	struct error err = ERROR_INIT;
	struct unpack *u;
	struct job j;
	size_t i;

	job_init(&j);
	/* More than is taken at once, less than it runs ahead. */
	add(&j, "a", 300000);
	for (i = 1; i < 4; i++)
		add(&j, names[i], 1000);
	start(&j);
	u = unpack_new(pull, &j);
	for (i = 1; i < 4; i++)
		put(names[i], 50000);
	for (i = 0; i < 4; i++)
		packer_ask(j.packer, (uint32_t)i + 1);
	/* By then b is packed, and waits. */
	while (size_now(&j, 3) == 1000)
		usleep(1000);
	take_to_amended(&j);
	ck_assert_str_eq(j.last.path, "b");
	ck_assert_uint_lt(j.wire.len, 310000);
	receive(u, &j.m.v[0]);
	for (i = 2; i < 4; i++) {
		take_to_amended(&j);
		ck_assert_str_eq(j.last.path, names[i]);
		ck_assert_uint_lt(j.wire.len, 60000);
		receive(u, &j.m.v[i - 1]);
	}
	ck_assert_int_eq(take_all(&j, &err), 0);
	receive(u, &j.m.v[3]);
	unpack_free(u);
	job_release(&j);
}
END_TEST

START_TEST(an_error_comes_behind_what_was_packed_before)
{
	struct error err = ERROR_INIT;
	struct unpack *u;
	struct job j;

	job_init(&j);
	add(&j, "a", 1000);
	add(&j, "b", 1000);
	start(&j);
	packer_ask(j.packer, 1);
	ck_assert_int_eq(take_all(&j, &err), 0);
	unlink("b");
	packer_ask(j.packer, 2);
	ck_assert_int_eq(take_all(&j, &err), -1);
	ck_assert_str_eq(err.text, "b vanished while it was sent");
	u = unpack_new(pull, &j);
	receive(u, &j.m.v[0]);
	unpack_free(u);
	job_release(&j);
}
END_TEST

START_TEST(it_can_be_stopped_at_any_time)
{
	struct job j;
	int i;

	job_init(&j);
	add(&j, "a", 20000000);
	for (i = 0; i < 8; i++) {
		start(&j);
		if (i % 4)
			packer_ask(j.packer, 1);
		if (i % 4 > 1)
			ck_assert(readable(&j, 60000));
		if (i % 4 > 2)
			usleep(50000);
		packer_free(j.packer);
		j.packer = NULL;
	}
	job_release(&j);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("packer");
	TCase *tc = tcase_create("packer");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc,
		what_was_asked_for_comes_in_order_and_then_it_is_idle);
	tcase_add_test(tc, it_does_not_run_far_ahead);
	tcase_add_test(tc, an_amended_entry_comes_before_its_bytes);
	tcase_add_test(tc, an_amended_entry_comes_behind_the_bytes_before_it);
	tcase_add_test(tc, an_error_comes_behind_what_was_packed_before);
	tcase_add_test(tc, it_can_be_stopped_at_any_time);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
