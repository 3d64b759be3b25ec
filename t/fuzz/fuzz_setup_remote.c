/* What a setup script printed, and the head of a program. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "client/elf.h"
#include "client/setup_remote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strv lines = STRV_INIT;
	struct error err = ERROR_INIT;
	struct elf e;

	if (setup_remote_parse((const char *)data, size, &lines, &err) == 0)
		assert(!strcmp(setup_remote_fact(&lines, "end"), "0"));
	else
		assert(*err.text);
	if (elf_parse(&e, data, size) == 0)
		assert(*elf_machine(&e) && !elf_fits(&e, ""));
	strv_release(&lines);
	return 0;
}
