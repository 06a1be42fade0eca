/* libs: loader vfs mm arena host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* loader.c - libFuzzer target: the first bytes of a program, as script and as ELF file
 *
 * What is accepted must keep its promises: strings that end within the buffer, a layout within the
 * guest's space, an interpreter that is one of the headers.
 */
#include "sentry/loader/loader.h"
#include "tests/fuzz/fuzz.h"

static void script(const u8 *data, size_t size)
{
	char head[EXEC_HEAD_SIZE] = {0}, *interp, *arg, *end = head + sizeof(head);

	memcpy(head, data, min(size, sizeof(head)));
	if (script_parse(head, &interp, &arg) < 0)
		return;
	check(interp > head && interp < end && memchr(interp, 0, (size_t)(end - interp)));
	check(!arg || (arg > interp && arg < end && memchr(arg, 0, (size_t)(end - arg))));
}

static void elf(const u8 *data, size_t size)
{
	static Elf64_Phdr ph[64];
	struct elf_layout l;
	Elf64_Ehdr eh;
	unsigned count;

	if (size < sizeof(eh))
		return;
	memcpy(&eh, data, sizeof(eh));
	(void)elf_check_header(&eh);
	count = (unsigned)min((size - sizeof(eh)) / sizeof(*ph), array_size(ph));
	memcpy(ph, data + sizeof(eh), count * sizeof(*ph));
	if (elf_check_segments(&eh, ph, count, &l) < 0)
		return;
	check(l.low < l.high && l.high <= GUEST_END && !page_offset(l.low) && !page_offset(l.high));
	check(l.align >= PAGE_SIZE && !(l.align & (l.align - 1)));
	check(l.interp < (int)count && l.end_bss <= l.high);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	script(data, size);
	elf(data, size);
	return 0;
}
