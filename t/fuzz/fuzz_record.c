/*
 * A release's record with any text: what is read is whole, and is written as a
 * text that reads the same.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "scratch.h"
#include "server/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ID "20260102T030405Z-0123abcd"

static void
check(const struct store *s, const struct record *r)
{
	struct record again = { 0 };
	struct error err = ERROR_INIT;
	struct buf once = BUF_INIT, twice = BUF_INIT;

	assert(!strcmp(r->id, ID));
	assert(r->tree && r->settings && r->manifest && r->state);
	assert(record_save(s, r, &err) == 0);
	assert(record_load(s, ID, &again, &err) == 0);
	message_write(record_fields, r, &once);
	message_write(record_fields, &again, &twice);
	assert(once.len == twice.len &&
		!memcmp(once.data, twice.data, once.len));
	record_release(&again);
	buf_release(&once);
	buf_release(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store s;
	struct error err = ERROR_INIT;
	struct record r = { 0 };
	struct msg_release m;
	char id[RELEASE_ID_LEN + 1];

	if (!s.path) {
		assert(store_open(&s, scratch_dir(), "blog", true,
			       "deploy local:", &err) == 0);
		s.relaxed = true;
	}
	scratch_write("blog/.deployd/records/" ID, data, size);
	if (record_load(&s, ID, &r, &err) < 0) {
		assert(err.text[0] && !r.id);
		return 0;
	}
	assert(record_held(&s, r.tree, r.settings, id, &err) == 0);
	assert(!strcmp(id, r.held ? ID : ""));
	check(&s, &r);
	record_to_message(&r, ID, &m);
	assert(m.live && !strcmp(m.id, ID));
	record_release(&r);
	return 0;
}
