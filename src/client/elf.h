/* What kind of program a file is, by the head of its ELF format. */
#ifndef CLIENT_ELF_H
#define CLIENT_ELF_H

#include <stdbool.h>
#include <stddef.h>

struct elf {
	unsigned machine; /* EM_X86_64 */
	bool wide;        /* of 64 bits */
	bool little;      /* little-endian */
	bool dynamic;     /* needs a loader, and so libraries, to start */
};

/* 0, or -1 if data is not the beginning of a program. */
int elf_parse(struct elf *e, const void *data, size_t len);
/* Whether it runs where uname -m prints that. */
bool elf_fits(const struct elf *e, const char *machine);
/* As uname -m has it, or "an unknown machine". */
const char *elf_machine(const struct elf *e);

#endif
