/* A line of authorized_keys: what was read is as the header says. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "server/authorized_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	struct authorized_limits l;
	struct authorized_key k;
	struct buf print = BUF_INIT;

	if (authorized_key_parse(&k, (const char *)data, size) <= 0)
		return 0;
	assert(k.options && k.comment && *k.type && k.blob.len > 4);
	assert(!strpbrk(k.type, " \t"));
	if (authorized_key_check(&k, &err) < 0)
		assert(*err.text);
	authorized_key_fingerprint(&k, &print);
	assert(print.len == 50);
	authorized_limits_parse(&l, k.options);
	assert(l.serves || (!l.app && !l.allow && !l.as && !l.hooks));
	authorized_limits_release(&l);
	authorized_key_release(&k);
	buf_release(&print);
	return 0;
}
