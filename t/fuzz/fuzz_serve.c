/*
 * Whole sessions: what a client says (cook.h) to `deployd --serve' with a small
 * store, all in this process, which makes no other (inside.h), so hooks cannot
 * be run.  Once nobody has anything more to say the client goes away.
 *
 * Checks are left out, which would be repeated for as long as they may take.
 *
 * What the server said is a conversation with a result at its end; what is
 * live is whole, nothing outside was touched, no lock or descriptor stays.
 */
#include <stdint.h>
#include <string.h>

#include "serve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf said = BUF_INIT;
	struct cook c;

	if (size && memmem(data, size, "\ncheck", 6))
		return 0;
	cook_init(&c, serve_live());
	cook(&c, data, size, &said);
	serve_session(&said, &c, NULL);
	cook_release(&c);
	buf_release(&said);
	return 0;
}
