/* SPDX-License-Identifier: Apache-2.0 */
/* elf.c - what the headers of an ELF program say, checked; no files, no memory */
#include "sentry/loader/loader.h"

#define ALIGN_MAX (1ul << 30)

int elf_check_header(const Elf64_Ehdr *eh)
{
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return -ENOEXEC;
	if (eh->e_machine != EM_X86_64)
		return -ENOEXEC;
	if (eh->e_phentsize != sizeof(Elf64_Phdr))
		return -ENOEXEC;
	if (eh->e_phnum == 0 || eh->e_phnum > ELF_PHDRS_MAX)
		return -ENOEXEC;
	return 0;
}

/* A segment's range must lie below the guest's end and may not wrap; its file range may not either.
 */
static bool segment_ok(const Elf64_Phdr *ph)
{
	if (ph->p_filesz > ph->p_memsz || ph->p_memsz > GUEST_END)
		return false;
	if (ph->p_vaddr > GUEST_END - ph->p_memsz)
		return false;
	return ph->p_offset <= INT64_MAX &&
	       ph->p_filesz <= (u64)INT64_MAX - ph->p_offset - PAGE_SIZE;
}

static void layout_add(struct elf_layout *l, const Elf64_Phdr *ph)
{
	u64 file_end = ph->p_vaddr + ph->p_filesz, mem_end = ph->p_vaddr + ph->p_memsz;

	l->low = min(l->low, page_down(ph->p_vaddr));
	l->high = max(l->high, page_up(mem_end));
	if (ph->p_align && !(ph->p_align & (ph->p_align - 1)) && ph->p_align <= ALIGN_MAX)
		l->align = max(l->align, ph->p_align);
	if (ph->p_flags & PF_X) {
		l->start_code = min(l->start_code, ph->p_vaddr);
		l->end_code = max(l->end_code, file_end);
	}
	l->start_data = max(l->start_data, ph->p_vaddr);
	l->end_data = max(l->end_data, file_end);
	l->end_bss = max(l->end_bss, mem_end);
}

static void find_phdr(struct elf_layout *l, const Elf64_Ehdr *eh, const Elf64_Phdr *ph)
{
	u64 off = eh->e_phoff;

	if (ph->p_offset <= off && off - ph->p_offset < ph->p_filesz)
		l->phdr = ph->p_vaddr + (off - ph->p_offset);
}

int elf_check_segments(const Elf64_Ehdr *eh, const Elf64_Phdr *ph, unsigned count,
		       struct elf_layout *out)
{
	struct elf_layout l = {.low = ~0ull, .align = PAGE_SIZE, .start_code = ~0ull, .interp = -1};
	bool any = false;

	for (unsigned i = 0; i < count; i++) {
		switch (ph[i].p_type) {
		case PT_INTERP:
			if (l.interp < 0)
				l.interp = (int)i;
			break;
		case PT_GNU_STACK:
			l.exec_stack = ph[i].p_flags & PF_X;
			break;
		case PT_LOAD:
			if (!segment_ok(&ph[i]))
				return -EINVAL;
			if (ph[i].p_memsz == 0)
				break;
			any = true;
			layout_add(&l, &ph[i]);
			find_phdr(&l, eh, &ph[i]);
			break;
		}
	}
	if (!any)
		return -EINVAL;
	if (l.start_code == ~0ull)
		l.start_code = l.low;
	*out = l;
	return 0;
}
