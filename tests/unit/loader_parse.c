/* libs: loader vfs mm arena host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* loader_parse.c - ELF headers, #! lines and argument lists, as hostile as they come */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "sentry/arena/arena.h"
#include "sentry/loader/loader.h"

static Elf64_Ehdr good_header(void)
{
	Elf64_Ehdr eh = {.e_type = ET_DYN,
			 .e_machine = EM_X86_64,
			 .e_version = 1,
			 .e_phoff = 64,
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = 2};

	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	return eh;
}

START_TEST(headers)
{
	Elf64_Ehdr eh = good_header();

	ck_assert_int_eq(elf_check_header(&eh), 0);
	eh.e_ident[0] = 0;
	ck_assert_int_eq(elf_check_header(&eh), -ENOEXEC);
	eh = good_header();
	eh.e_ident[EI_CLASS] = ELFCLASS32;
	ck_assert_int_eq(elf_check_header(&eh), -ENOEXEC);
	eh = good_header();
	eh.e_type = ET_REL;
	ck_assert_int_eq(elf_check_header(&eh), -ENOEXEC);
	eh = good_header();
	eh.e_machine = EM_AARCH64;
	ck_assert_int_eq(elf_check_header(&eh), -ENOEXEC);
	eh = good_header();
	eh.e_phentsize = 1;
	ck_assert_int_eq(elf_check_header(&eh), -ENOEXEC);
	eh = good_header();
	eh.e_phnum = 0;
	ck_assert_int_eq(elf_check_header(&eh), -ENOEXEC);
	eh.e_phnum = 0xffff;
	ck_assert_int_eq(elf_check_header(&eh), -ENOEXEC);
}
END_TEST

START_TEST(segments)
{
	Elf64_Ehdr eh = good_header();
	Elf64_Phdr ph[3] = {
		{.p_type = PT_LOAD,
		 .p_flags = PF_R | PF_X,
		 .p_filesz = 0x1800,
		 .p_memsz = 0x1800,
		 .p_align = 0x1000},
		{.p_type = PT_LOAD,
		 .p_flags = PF_R | PF_W,
		 .p_offset = 0x1800,
		 .p_vaddr = 0x2800,
		 .p_filesz = 0x100,
		 .p_memsz = 0x5000,
		 .p_align = 0x200000},
		{.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W | PF_X},
	};
	struct elf_layout l;

	ck_assert_int_eq(elf_check_segments(&eh, ph, 3, &l), 0);
	ck_assert_uint_eq(l.low, 0);
	ck_assert_uint_eq(l.high, 0x8000);
	ck_assert_uint_eq(l.align, 0x200000);
	ck_assert_uint_eq(l.phdr, 64);
	ck_assert_uint_eq(l.end_bss, 0x7800);
	ck_assert(l.exec_stack);
	ck_assert_int_eq(l.interp, -1);
	ph[1].p_align = 12345; /* no power of two: not followed */
	ck_assert_int_eq(elf_check_segments(&eh, ph, 3, &l), 0);
	ck_assert_uint_eq(l.align, 0x1000);
	ph[1].p_filesz = 0x6000; /* more in the file than in memory */
	ck_assert_int_eq(elf_check_segments(&eh, ph, 3, &l), -EINVAL);
	ph[1].p_filesz = 0x100;
	ph[1].p_vaddr = GUEST_END - 0x1000;
	ck_assert_int_eq(elf_check_segments(&eh, ph, 3, &l), -EINVAL);
	ph[1].p_vaddr = ~0ull - 0x100;
	ck_assert_int_eq(elf_check_segments(&eh, ph, 3, &l), -EINVAL);
	ph[1].p_vaddr = 0x2800;
	ph[1].p_offset = ~0ull - 16;
	ck_assert_int_eq(elf_check_segments(&eh, ph, 3, &l), -EINVAL);
	ph[1].p_offset = 0x1800;
	ph[1].p_memsz = ~0ull;
	ck_assert_int_eq(elf_check_segments(&eh, ph, 3, &l), -EINVAL);
	ck_assert_int_eq(elf_check_segments(&eh, ph + 2, 1, &l), -EINVAL);
}
END_TEST

/* Whatever the bytes are: an errno or a layout that keeps its promises. */
START_TEST(segments_random)
{
	Elf64_Ehdr eh = good_header();

	srand(7);
	for (unsigned i = 0; i < 200000; i++) {
		Elf64_Phdr ph[4];
		struct elf_layout l;
		u8 *b = (u8 *)ph;

		for (size_t k = 0; k < sizeof(ph); k++)
			b[k] = rand() % 4 ? 0 : (u8)rand();
		for (unsigned k = 0; k < 4; k++)
			ph[k].p_type = rand() % 3 ? PT_LOAD : PT_INTERP;
		eh.e_phoff = (u64)rand() << (rand() % 33);
		if (elf_check_segments(&eh, ph, 4, &l) != 0)
			continue;
		ck_assert_uint_lt(l.low, l.high);
		ck_assert_uint_le(l.high, GUEST_END);
		ck_assert_uint_eq(l.align & (l.align - 1), 0);
		ck_assert_uint_ge(l.align, PAGE_SIZE);
	}
}
END_TEST

static int parse(const char *line, char **interp, char **arg)
{
	static char head[EXEC_HEAD_SIZE];

	memset(head, 0, sizeof(head));
	memcpy(head, line, min(strlen(line), sizeof(head)));
	return script_parse(head, interp, arg);
}

START_TEST(scripts)
{
	char *interp, *arg, line[512];

	ck_assert_int_eq(parse("#!/bin/sh\n", &interp, &arg), 0);
	ck_assert_str_eq(interp, "/bin/sh");
	ck_assert_ptr_null(arg);
	ck_assert_int_eq(parse("#! \t/bin/sh  -x  -y \t\nrest", &interp, &arg), 0);
	ck_assert_str_eq(interp, "/bin/sh");
	ck_assert_str_eq(arg, "-x  -y");
	ck_assert_int_eq(parse("#!/bin/sh", &interp, &arg), 0);
	ck_assert_str_eq(interp, "/bin/sh");
	ck_assert_int_eq(parse("#!/bin/sh -e", &interp, &arg), 0);
	ck_assert_str_eq(arg, "-e");
	ck_assert_int_eq(parse("#!\n/bin/sh\n", &interp, &arg), -ENOEXEC);
	ck_assert_int_eq(parse("#!  \t \n", &interp, &arg), -ENOEXEC);
	ck_assert_int_eq(parse("#!", &interp, &arg), -ENOEXEC);
	ck_assert_int_eq(parse("#", &interp, &arg), -ENOEXEC);
	ck_assert_int_eq(parse("", &interp, &arg), -ENOEXEC);
	/* The interpreter does not end within 256 bytes; an argument that does not is cut. */
	memset(line, 'a', sizeof(line));
	memcpy(line, "#!/", 3);
	line[300] = 0;
	ck_assert_int_eq(parse(line, &interp, &arg), -ENOEXEC);
	line[100] = ' ';
	ck_assert_int_eq(parse(line, &interp, &arg), 0);
	ck_assert_uint_eq(strlen(interp), 98);
	ck_assert_uint_eq(strlen(arg), 154);
	/* Exactly full: 255 characters of name and a newline. */
	line[100] = 'a';
	line[255] = '\n';
	ck_assert_int_eq(parse(line, &interp, &arg), 0);
	ck_assert_uint_eq(strlen(interp), 253);
}
END_TEST

START_TEST(scripts_random)
{
	static const char chars[] = "#! \t\nab/\0";
	char head[EXEC_HEAD_SIZE], *interp, *arg;

	srand(9);
	for (unsigned i = 0; i < 100000; i++) {
		memset(head, 'x', sizeof(head));
		for (unsigned k = 0; k < sizeof(head); k++)
			if (rand() % 3)
				head[k] = chars[(unsigned)rand() % (sizeof(chars) - 1)];
		memcpy(head, "#!", 2);
		if (script_parse(head, &interp, &arg) != 0)
			continue;
		ck_assert(interp > head && interp < head + sizeof(head));
		ck_assert_ptr_nonnull(memchr(interp, 0, (size_t)(head + sizeof(head) - interp)));
		if (arg)
			ck_assert_ptr_nonnull(memchr(arg, 0, (size_t)(head + sizeof(head) - arg)));
	}
}
END_TEST

START_TEST(arguments)
{
	struct exec_args a;
	char *big = malloc(EXEC_STRING_MAX);

	exec_args_init(&a, 8ul << 20);
	ck_assert_uint_eq(a.limit, 2ul << 20);
	ck_assert_int_eq(exec_args_add(&a, "one", 3, false), 0);
	ck_assert_int_eq(exec_args_add(&a, "two", 3, false), 0);
	ck_assert_int_eq(exec_args_add(&a, "A=b", 3, true), 0);
	ck_assert_int_eq(
		exec_args_replace_first(&a, (const char *const[]){"sh", "-x", "script"}, 3), 0);
	ck_assert_uint_eq(a.argc, 4);
	ck_assert_uint_eq(a.envc, 1);
	ck_assert_int_eq(memcmp(a.buf, "sh\0-x\0script\0two\0A=b", 21), 0);
	ck_assert_uint_eq(a.argv_len, 17);
	memset(big, 'x', EXEC_STRING_MAX);
	ck_assert_int_eq(exec_args_add(&a, big, EXEC_STRING_MAX, true), -E2BIG);
	ck_assert_int_eq(exec_args_add(&a, big, EXEC_STRING_MAX - 1, true), 0);
	for (unsigned i = 0; i < 14; i++)
		ck_assert_int_eq(exec_args_add(&a, big, EXEC_STRING_MAX - 1, true), 0);
	ck_assert_int_eq(exec_args_add(&a, big, EXEC_STRING_MAX - 1, true), -E2BIG);
	exec_args_fini(&a);
	exec_args_init(&a, ~0ull);
	ck_assert_uint_eq(a.limit, EXEC_ARGS_MAX);
	ck_assert_int_eq(exec_args_replace_first(&a, (const char *const[]){""}, 1), 0);
	ck_assert_uint_eq(a.argc, 1);
	exec_args_fini(&a);
	free(big);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("loader_parse");
	TCase *tc = tcase_create("all");
	SRunner *r;
	int failed;

	if (arena_init(1ul << 30) < 0)
		return 1;
	tcase_add_test(tc, headers);
	tcase_add_test(tc, segments);
	tcase_add_test(tc, segments_random);
	tcase_add_test(tc, scripts);
	tcase_add_test(tc, scripts_random);
	tcase_add_test(tc, arguments);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
