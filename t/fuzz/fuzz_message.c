/*
 * Control payloads: what is read is written as a text that reads the same.  The
 * first byte chooses which message it is taken for.
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
	struct msg_send send;
	struct msg_stage stage;
	struct msg_put put;
	struct msg_staged staged;
	struct msg_need_end need_end;
	struct msg_ask ask;
	struct msg_release release;
	struct msg_status status;
	struct msg_dropped dropped;
	struct msg_fault fault;
	struct msg_finding finding;
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct message_field *const tables[] = { msg_hello_fields,
		msg_push_fields, msg_live_fields, msg_send_fields,
		msg_stage_fields, msg_put_fields, msg_staged_fields,
		msg_need_end_fields, msg_ask_fields, msg_release_fields,
		msg_status_fields, msg_dropped_fields, msg_fault_fields,
		msg_finding_fields, msg_result_fields };
	const size_t n = sizeof(tables) / sizeof(*tables);

	if (size)
		check_message(tables[data[0] % n], (const char *)data + 1,
			size - 1);
	return 0;
}
