#include "client/elf.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>

static const struct {
	const char *name; /* of uname -m */
	unsigned machine;
	bool wide, little;
} machines[] = {
	{ "x86_64", EM_X86_64, true, true },
	{ "amd64", EM_X86_64, true, true },
	{ "aarch64", EM_AARCH64, true, true },
	{ "arm64", EM_AARCH64, true, true },
	{ "armv7l", EM_ARM, false, true },
	{ "armv6l", EM_ARM, false, true },
	{ "armv8l", EM_ARM, false, true },
	{ "i686", EM_386, false, true },
	{ "i586", EM_386, false, true },
	{ "i386", EM_386, false, true },
	{ "riscv64", EM_RISCV, true, true },
	{ "ppc64le", EM_PPC64, true, true },
	{ "ppc64", EM_PPC64, true, false },
	{ "s390x", EM_S390, true, false },
	{ "loongarch64", 258, true, true },
};

#define MACHINES (sizeof(machines) / sizeof(*machines))

struct bytes {
	const uint8_t *p;
	size_t len;
	bool little;
};

/* The number of n bytes at an offset; 0 outside of what there is. */
static uint64_t
number(const struct bytes *b, uint64_t at, unsigned n)
{
	uint64_t v = 0;
	unsigned i;

	if (at > b->len || n > b->len - at)
		return 0;
	for (i = 0; i < n; i++)
		v = v << 8 | b->p[at + (b->little ? n - 1 - i : i)];
	return v;
}

static bool
has_loader(const struct bytes *b, bool wide)
{
	uint64_t at = number(b, wide ? 32 : 28, wide ? 8 : 4);
	uint64_t size = number(b, wide ? 54 : 42, 2);
	uint64_t n = number(b, wide ? 56 : 44, 2), i;

	for (i = 0; i < n && at < b->len; i++, at += size)
		if (number(b, at, 4) == PT_INTERP)
			return true;
	return false;
}

int
elf_parse(struct elf *e, const void *data, size_t len)
{
	struct bytes b = { data, len, false };
	uint64_t type;

	memset(e, 0, sizeof(*e));
	if (len < sizeof(Elf32_Ehdr) || memcmp(data, ELFMAG, SELFMAG) != 0)
		return -1;
	e->wide = b.p[EI_CLASS] == ELFCLASS64;
	e->little = b.little = b.p[EI_DATA] == ELFDATA2LSB;
	type = number(&b, 16, 2);
	if (type != ET_EXEC && type != ET_DYN)
		return -1;
	e->machine = (unsigned)number(&b, 18, 2);
	e->dynamic = has_loader(&b, e->wide);
	return 0;
}

static bool
is(const struct elf *e, size_t i)
{
	return machines[i].machine == e->machine &&
		machines[i].wide == e->wide && machines[i].little == e->little;
}

bool
elf_fits(const struct elf *e, const char *machine)
{
	size_t i;

	for (i = 0; i < MACHINES; i++)
		if (strcmp(machines[i].name, machine) == 0)
			return is(e, i);
	return false;
}

const char *
elf_machine(const struct elf *e)
{
	size_t i;

	for (i = 0; i < MACHINES; i++)
		if (is(e, i))
			return machines[i].name;
	return "an unknown machine";
}
