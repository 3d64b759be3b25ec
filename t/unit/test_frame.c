#include "wire/frame.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "unit.h"

static void
buf_frames(struct buf *b)
{
	frame_add(b, "hello", "version 1\n", 10);
	frame_add(b, ".ping", "", 0);
	frame_add(b, "a", "\0\n \377", 4);
	frame_add(b, "sixteen-letters-", "x", 1);
}

START_TEST(a_frame_is_type_length_payload)
{
	struct buf b = BUF_INIT;

	frame_add(&b, "need", "1-3\n", 4);
	frame_add(&b, ".ping", "", 0);
	ck_assert_str_eq(b.data, "need 4\n1-3\n.ping 0\n");
	buf_release(&b);
}
END_TEST

START_TEST(a_frame_is_taken_when_it_is_whole)
{
	struct buf b = BUF_INIT;
	struct error err = ERROR_INIT;
	struct frame f;
	size_t at = 0, i;
	long n;

	buf_frames(&b);
	while (at < b.len) {
		for (i = 0;; i++) {
			ck_assert_uint_le(at + i, b.len);
			n = frame_parse(b.data + at, i, &f, &err);
			ck_assert_int_ge(n, 0);
			if (n)
				break;
		}
		ck_assert_int_eq(n, (long)i);
		/* What follows it is not looked at. */
		ck_assert_int_eq(frame_parse(b.data + at, b.len - at, &f, &err),
			n);
		at += i;
	}
	ck_assert_str_eq(f.type, "sixteen-letters-");
	ck_assert_uint_eq(f.len, 1);
	ck_assert_int_eq(*f.data, 'x');
	buf_release(&b);
}
END_TEST

START_TEST(the_longest_frame_is_taken)
{
	static char payload[FRAME_MOST];
	struct buf b = BUF_INIT;
	struct error err = ERROR_INIT;
	struct frame f;

	memset(payload, '7', sizeof(payload));
	frame_add(&b, "sixteen-letters-", payload, sizeof(payload));
	ck_assert_uint_eq(b.len, FRAME_HEAD_MOST + FRAME_MOST);
	ck_assert_int_eq(frame_parse(b.data, b.len - 1, &f, &err), 0);
	ck_assert_int_eq(frame_parse(b.data, b.len, &f, &err), (long)b.len);
	ck_assert_uint_eq(f.len, FRAME_MOST);
	ck_assert_mem_eq(f.data, payload, FRAME_MOST);
	buf_release(&b);
}
END_TEST

START_TEST(malformed_heads_are_refused_as_soon_as_they_show)
{
	static const char *const bad[] = { " 1\n", "\n", "A", "a_", "a1", "a\n",
		"a\t1\n", "1", "a ", "a  1", "a -1\n", "a +1\n", "a 01\n",
		"a 00\n", "a \n", "a 1 \n", "a 1x", "a 65537", "a 99999",
		"a 100000", "a 18446744073709551617\n", "a 1\r\n",
		"seventeen-letters", "\303\244 1\n", "a\001 1\n" };
	struct frame f;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct error err = ERROR_INIT;
		long n = frame_parse(bad[i], strlen(bad[i]), &f, &err);

		if (!strcmp(bad[i], "a ")) {
			ck_assert_int_eq(n, 0); /* may become one */
			continue;
		}
		ck_assert_msg(n < 0, "taken: '%s'", bad[i]);
		ck_assert_int_eq(err.status, STATUS_TRANSFER);
	}
}
END_TEST

START_TEST(a_zero_byte_in_a_head_is_refused)
{
	struct error err = ERROR_INIT;
	struct frame f;

	ck_assert_int_lt(frame_parse("\0a 1\n", 5, &f, &err), 0);
	ck_assert_int_lt(frame_parse("a\0 1\n", 5, &f, &err), 0);
	ck_assert_int_lt(frame_parse("a \0001\n", 5, &f, &err), 0);
	ck_assert_int_lt(frame_parse("a 1\0\n", 5, &f, &err), 0);
}
END_TEST

/* Two ends of a conversation; without `magic` frames come at once. */
struct pair {
	struct channel a, b;
	int fds[2];
};

static void
pair_init(struct pair *p, bool magic)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, p->fds), 0);
	channel_init(&p->a, p->fds[0], p->fds[0], magic, "the server");
	channel_init(&p->b, p->fds[1], p->fds[1], magic, "the client");
}

static void
pair_release(struct pair *p)
{
	channel_release(&p->a);
	channel_release(&p->b);
	io_close(&p->fds[0]);
	io_close(&p->fds[1]);
}

static void
pump(struct channel *c)
{
	struct error err = ERROR_INIT;

	ck_assert_msg(channel_pump(c, true, true, &err) == 0, "%s", err.text);
}

static void
expect_frame(struct channel *c, const char *type, const char *data)
{
	struct error err = ERROR_INIT;
	struct frame f;

	ck_assert_msg(channel_next(c, &f, &err) == 1, "%s", err.text);
	ck_assert_str_eq(f.type, type);
	ck_assert_uint_eq(f.len, strlen(data));
	ck_assert_mem_eq(f.data, data, f.len);
}

static void
expect_nothing(struct channel *c)
{
	struct error err = ERROR_INIT;
	struct frame f;

	ck_assert_int_eq(channel_next(c, &f, &err), 0);
}

START_TEST(both_ends_begin_with_the_magic_line_and_speak)
{
	struct pair p;

	pair_init(&p, true);
	channel_send(&p.a, "hello", "version 1\n", 10);
	channel_sendf(&p.a, "need", "%d\n", 5);
	channel_send(&p.b, "hello", "", 0);
	pump(&p.a);
	pump(&p.b);
	pump(&p.a);
	expect_frame(&p.b, "hello", "version 1\n");
	expect_frame(&p.b, "need", "5\n");
	expect_nothing(&p.b);
	expect_frame(&p.a, "hello", "");
	expect_nothing(&p.a);
	ck_assert_uint_eq(p.a.sent, p.b.received);
	ck_assert_uint_eq(p.b.sent, p.a.received);
	pair_release(&p);
}
END_TEST

START_TEST(noise_before_the_magic_line_is_skipped)
{
	static const char text[] = "Welcome!\r\ndeploy-protocol 2\n"
				   "no new line at its end"
				   "deploy-protocol 1\nhello 2\nhi";
	struct pair p;
	size_t i;

	pair_init(&p, true);
	for (i = 0; text[i]; i++) {
		expect_nothing(&p.b);
		ck_assert_int_eq(write(p.fds[0], text + i, 1), 1);
		pump(&p.b);
	}
	expect_frame(&p.b, "hello", "hi");
	expect_nothing(&p.b);
	pair_release(&p);
}
END_TEST

START_TEST(what_is_said_instead_of_the_protocol_is_quoted)
{
	struct error err = ERROR_INIT;
	struct frame f;
	struct pair p;

	pair_init(&p, true);
	ck_assert_int_eq(io_write_full(p.fds[1],
				 "sh: 1: deployd: not found\n\n", 27),
		0);
	pump(&p.a);
	expect_nothing(&p.a); /* it may still come */
	shutdown(p.fds[1], SHUT_WR);
	pump(&p.a);
	ck_assert(p.a.eof);
	ck_assert_int_eq(channel_next(&p.a, &f, &err), -1);
	ck_assert_int_eq(err.status, STATUS_CONNECT);
	ck_assert_str_eq(err.text,
		"the server does not speak the deploy protocol; it said: "
		"sh: 1: deployd: not found");
	pair_release(&p);
}
END_TEST

START_TEST(a_magic_line_that_is_cut_off_is_the_end_of_a_peer_of_ours)
{
	struct pair p;

	pair_init(&p, true);
	ck_assert_int_eq(io_write_full(p.fds[1], "deploy-prot", 11), 0);
	shutdown(p.fds[1], SHUT_WR);
	pump(&p.a);
	expect_nothing(&p.a);
	pump(&p.a);
	ck_assert(p.a.eof);
	expect_nothing(&p.a);
	pair_release(&p);
}
END_TEST

START_TEST(noise_without_end_is_given_up)
{
	static char noise[70000];
	struct error err = ERROR_INIT;
	struct frame f;
	struct pair p;
	int rc = 0;

	memset(noise, 'y', sizeof(noise));
	pair_init(&p, true);
	ck_assert_int_eq(io_write_full(p.fds[1], noise, sizeof(noise)), 0);
	while (rc == 0) {
		ck_assert_uint_lt(p.a.received, sizeof(noise) + 1);
		pump(&p.a);
		rc = channel_next(&p.a, &f, &err);
	}
	ck_assert_int_eq(rc, -1);
	ck_assert_int_eq(err.status, STATUS_CONNECT);
	ck_assert_uint_lt(strlen(err.text), 400);
	pair_release(&p);
}
END_TEST

START_TEST(the_end_is_no_frame_and_no_error)
{
	struct pair p;

	pair_init(&p, true);
	shutdown(p.fds[1], SHUT_WR);
	pump(&p.a);
	ck_assert(p.a.eof);
	expect_nothing(&p.a);
	pair_release(&p);
	/* Nor is one in the middle of a frame, which never is whole. */
	pair_init(&p, false);
	ck_assert_int_eq(io_write_full(p.fds[1], "hello 3\nab", 10), 0);
	shutdown(p.fds[1], SHUT_WR);
	pump(&p.a);
	pump(&p.a);
	ck_assert(p.a.eof);
	expect_nothing(&p.a);
	pair_release(&p);
}
END_TEST

START_TEST(frames_before_the_end_are_read_first)
{
	struct pair p;

	pair_init(&p, false);
	channel_send(&p.b, "result", "status 4\n", 9);
	pump(&p.b);
	io_close(&p.fds[1]);
	pump(&p.a);
	pump(&p.a);
	ck_assert(p.a.eof);
	expect_frame(&p.a, "result", "status 4\n");
	expect_nothing(&p.a);
	pair_release(&p);
}
END_TEST

START_TEST(a_peer_that_went_breaks_writing_but_not_reading)
{
	struct error err = ERROR_INIT;
	struct pair p;
	int i;

	pair_init(&p, false);
	channel_send(&p.b, "result", "", 0);
	pump(&p.b);
	io_close(&p.fds[1]);
	for (i = 0; i < 3; i++) {
		channel_send(&p.a, "files", "data", 4);
		ck_assert_int_eq(channel_pump(&p.a, false, true, &err), 0);
	}
	ck_assert(p.a.broken);
	ck_assert_uint_eq(p.a.tx.len, 0);
	/* From here on nothing is queued. */
	channel_send(&p.a, "files", "data", 4);
	ck_assert_uint_eq(p.a.tx.len, 0);
	ck_assert(!channel_full(&p.a));
	pump(&p.a);
	expect_frame(&p.a, "result", "");
	pump(&p.a);
	ck_assert(p.a.eof);
	pair_release(&p);
}
END_TEST

START_TEST(a_reset_connection_is_an_end)
{
	struct pair p;

	/* Closed with bytes unread: the kernel resets. */
	pair_init(&p, false);
	channel_send(&p.a, "files", "data", 4);
	pump(&p.a);
	io_close(&p.fds[1]);
	pump(&p.a);
	ck_assert(p.a.eof);
	expect_nothing(&p.a);
	pair_release(&p);
}
END_TEST

/* Until b has so many of the longest frames. */
static void
drain(struct pair *p, int frames)
{
	struct error err = ERROR_INIT;
	struct frame f;

	while (frames) {
		pump(&p->a);
		pump(&p->b);
		while (channel_next(&p->b, &f, &err) > 0) {
			ck_assert_uint_eq(f.len, FRAME_MOST);
			frames--;
		}
	}
}

START_TEST(a_full_queue_says_so_and_drains)
{
	static char data[FRAME_MOST];
	struct pair p;
	int sent = 0;

	pair_init(&p, false);
	while (!channel_full(&p.a)) {
		channel_send(&p.a, "files", data, sizeof(data));
		sent++;
	}
	ck_assert_int_eq(sent, 4);
	drain(&p, sent);
	ck_assert(!channel_full(&p.a));
	ck_assert_uint_eq(p.a.tx.len, 0);
	ck_assert_uint_eq(p.b.received, p.a.sent);
	pair_release(&p);
}
END_TEST

START_TEST(a_queue_that_was_large_keeps_no_memory)
{
	static char data[FRAME_MOST];
	struct pair p;
	int sent;

	pair_init(&p, false);
	for (sent = 0; sent < 40; sent++)
		channel_send(&p.a, "manifest", data, sizeof(data));
	drain(&p, sent);
	ck_assert_uint_eq(p.a.tx.len, 0);
	ck_assert_uint_le(p.a.tx.cap, 4 * CHANNEL_QUEUE);
	/* And can be used as before. */
	channel_send(&p.a, "files", data, sizeof(data));
	drain(&p, 1);
	pair_release(&p);
}
END_TEST

START_TEST(a_malformed_frame_names_the_peer)
{
	struct error err = ERROR_INIT;
	struct frame f;
	struct pair p;

	pair_init(&p, false);
	ck_assert_int_eq(io_write_full(p.fds[1], "a 1\nxSegfault\n", 14), 0);
	pump(&p.a);
	expect_frame(&p.a, "a", "x");
	ck_assert_int_eq(channel_next(&p.a, &f, &err), -1);
	ck_assert_str_eq(err.text, "the server sent a malformed frame");
	ck_assert_int_eq(err.status, STATUS_TRANSFER);
	pair_release(&p);
}
END_TEST

START_TEST(a_trace_shows_both_ways_and_never_an_escape_code)
{
	struct pair p;
	const char *text;

	close(unit_dir());
	setenv("DEPLOY_TRACE", "trace", 1);
	pair_init(&p, false);
	p.a.trace = channel_trace_open();
	ck_assert_ptr_nonnull(p.a.trace);
	channel_send(&p.a, "push", "app x\nuser \033[2J\n", 16);
	channel_send(&p.a, "files", "\001\002", 2);
	channel_send(&p.b, ".note", "hi", 2);
	pump(&p.b);
	pump(&p.a);
	expect_frame(&p.a, ".note", "hi");
	text = unit_read("trace");
	ck_assert_str_eq(text,
		"> push 16\n    app x\n    user \\x1b[2J\n"
		"> files 2\n< .note 2\n    hi\n");
	pair_release(&p);
	unsetenv("DEPLOY_TRACE");
	ck_assert_ptr_null(channel_trace_open());
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("frame");
	TCase *tc = tcase_create("frame");

	signal(SIGPIPE, SIG_IGN); /* as both programs do */
	tcase_add_test(tc, a_frame_is_type_length_payload);
	tcase_add_test(tc, a_frame_is_taken_when_it_is_whole);
	tcase_add_test(tc, the_longest_frame_is_taken);
	tcase_add_test(tc, malformed_heads_are_refused_as_soon_as_they_show);
	tcase_add_test(tc, a_zero_byte_in_a_head_is_refused);
	tcase_add_test(tc, both_ends_begin_with_the_magic_line_and_speak);
	tcase_add_test(tc, noise_before_the_magic_line_is_skipped);
	tcase_add_test(tc, what_is_said_instead_of_the_protocol_is_quoted);
	tcase_add_test(tc,
		a_magic_line_that_is_cut_off_is_the_end_of_a_peer_of_ours);
	tcase_add_test(tc, noise_without_end_is_given_up);
	tcase_add_test(tc, the_end_is_no_frame_and_no_error);
	tcase_add_test(tc, frames_before_the_end_are_read_first);
	tcase_add_test(tc, a_peer_that_went_breaks_writing_but_not_reading);
	tcase_add_test(tc, a_reset_connection_is_an_end);
	tcase_add_test(tc, a_full_queue_says_so_and_drains);
	tcase_add_test(tc, a_queue_that_was_large_keeps_no_memory);
	tcase_add_test(tc, a_malformed_frame_names_the_peer);
	tcase_add_test(tc, a_trace_shows_both_ways_and_never_an_escape_code);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
