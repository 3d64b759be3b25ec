#include "client/elf.h"

#include <elf.h>

#include "unit.h"

/* A program's head with one program header of that type. */
static size_t
make_head(unsigned char *out, unsigned machine, uint32_t segment)
{
	Elf64_Ehdr h = { .e_type = ET_DYN,
		.e_machine = (Elf64_Half)machine,
		.e_phoff = sizeof(h),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2 };
	Elf64_Phdr p[2] = { { .p_type = PT_LOAD }, { .p_type = segment } };

	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[EI_CLASS] = ELFCLASS64;
	h.e_ident[EI_DATA] = ELFDATA2LSB;
	memcpy(out, &h, sizeof(h));
	memcpy(out + sizeof(h), p, sizeof(p));
	return sizeof(h) + sizeof(p);
}

START_TEST(a_program_says_where_it_runs)
{
	unsigned char head[512];
	size_t len = make_head(head, EM_AARCH64, PT_LOAD);
	struct elf e;

	ck_assert_int_eq(elf_parse(&e, head, len), 0);
	ck_assert(elf_fits(&e, "aarch64"));
	ck_assert(elf_fits(&e, "arm64"));
	ck_assert(!elf_fits(&e, "x86_64"));
	ck_assert(!elf_fits(&e, "armv7l"));
	ck_assert(!elf_fits(&e, "vax"));
	ck_assert_str_eq(elf_machine(&e), "aarch64");
	ck_assert(!e.dynamic);
}
END_TEST

START_TEST(one_with_a_loader_needs_libraries)
{
	unsigned char head[512];
	size_t len = make_head(head, EM_X86_64, PT_INTERP);
	struct elf e;

	ck_assert_int_eq(elf_parse(&e, head, len), 0);
	ck_assert(e.dynamic);
	/* Cut off in front of it. */
	ck_assert_int_eq(elf_parse(&e, head, len - 60), 0);
	ck_assert(!e.dynamic);
}
END_TEST

START_TEST(anything_else_is_no_program)
{
	unsigned char head[512];
	struct elf e;

	make_head(head, EM_X86_64, PT_LOAD);
	ck_assert_int_lt(elf_parse(&e, head, 20), 0);
	head[16] = ET_CORE;
	ck_assert_int_lt(elf_parse(&e, head, sizeof(head)), 0);
	head[0] = '#';
	ck_assert_int_lt(elf_parse(&e, head, sizeof(head)), 0);
	ck_assert_int_lt(elf_parse(&e, "", 0), 0);
}
END_TEST

START_TEST(big_endian_is_read_as_such)
{
	unsigned char head[64] = { 0x7f, 'E', 'L', 'F', ELFCLASS64,
		ELFDATA2MSB };
	struct elf e;

	head[17] = ET_EXEC;
	head[19] = EM_S390;
	ck_assert_int_eq(elf_parse(&e, head, sizeof(head)), 0);
	ck_assert(elf_fits(&e, "s390x"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("elf");
	TCase *tests = tcase_create("elf");

	tcase_add_test(tests, a_program_says_where_it_runs);
	tcase_add_test(tests, one_with_a_loader_needs_libraries);
	tcase_add_test(tests, anything_else_is_no_program);
	tcase_add_test(tests, big_endian_is_read_as_such);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
