/*
 * Control payloads and ranges: what is read is written as a text that reads
 * the same.  The first byte chooses which message it is taken for.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

union any {
	struct msg_hello hello;
	struct msg_push push;
	struct msg_live live;
	struct msg_need_end need_end;
	struct msg_ask ask;
	struct msg_release release;
	struct msg_status status;
	struct msg_result result;
};

static void
check_message(const struct message_field *fields, const char *data, size_t len)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct error err = ERROR_INIT;
	union any m = { 0 }, n = { 0 };

	if (message_read(fields, data, len, &m, &err) == 0) {
		message_write(fields, &m, &once);
		assert(message_read(fields, buf_str(&once), once.len, &n,
			       &err) == 0);
		message_write(fields, &n, &twice);
		assert(once.len == twice.len &&
			!memcmp(buf_str(&once), buf_str(&twice), once.len));
	}
	message_release(fields, &m);
	message_release(fields, &n);
	buf_release(&once);
	buf_release(&twice);
}

static void
check_ranges(const char *data, size_t len)
{
	struct ranges r = { NULL, 0, 0 };
	struct error err = ERROR_INIT;
	uint32_t last = 0;
	size_t i;

	if (ranges_read(&r, data, len, 1000000, &err) == 0)
		for (i = 0; i < r.n; i++) {
			assert(r.v[i].first > last);
			assert(r.v[i].last >= r.v[i].first);
			last = r.v[i].last;
			assert(last <= 1000000);
		}
	ranges_release(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct message_field *const tables[] = { msg_hello_fields,
		msg_push_fields, msg_live_fields, msg_need_end_fields,
		msg_ask_fields, msg_release_fields, msg_status_fields,
		msg_result_fields };
	const size_t n = sizeof(tables) / sizeof(*tables);

	if (size == 0)
		return 0;
	if (data[0] % (n + 1) == n)
		check_ranges((const char *)data + 1, size - 1);
	else
		check_message(tables[data[0] % (n + 1)], (const char *)data + 1,
			size - 1);
	return 0;
}
