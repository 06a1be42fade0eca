/* SPDX-License-Identifier: Apache-2.0 */
/* elf_map.c - reads an ELF file's headers and maps its segments */
#include <sys/mman.h>

#include "sentry/loader/loader_internal.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

int exec_read(struct caller *c, struct file *f, void *buf, size_t n, u64 off)
{
	size_t done = 0;

	if (off > INT64_MAX)
		return -EIO;
	while (done < n) {
		struct iov_iter it;
		ssize_t got;

		iter_init_kernel(&it, (char *)buf + done, n - done);
		got = vfs_read(c, f, &it, &off);
		if (got < 0)
			return (int)got;
		if (got == 0)
			return -EIO;
		done += (size_t)got;
	}
	return 0;
}

int elf_open(struct caller *c, struct elf_file *e, const char *head)
{
	size_t size;
	int err = 0;

	if (head)
		memcpy(&e->eh, head, sizeof(e->eh));
	else
		err = exec_read(c, e->file, &e->eh, sizeof(e->eh), 0);
	if (err == 0)
		err = elf_check_header(&e->eh);
	if (err < 0)
		return err;
	size = e->eh.e_phnum * sizeof(*e->ph);
	e->ph = kalloc(size);
	if (!e->ph)
		return -ENOMEM;
	err = exec_read(c, e->file, e->ph, size, e->eh.e_phoff);
	if (err < 0)
		return err == -EIO ? -ENOEXEC : err;
	return elf_check_segments(&e->eh, e->ph, e->eh.e_phnum, &e->layout);
}

void elf_close(struct elf_file *e)
{
	if (e->ph)
		kfree(e->ph, e->eh.e_phnum * sizeof(*e->ph));
	e->ph = NULL;
}

static u32 segment_prot(const Elf64_Phdr *ph)
{
	return (ph->p_flags & PF_R ? PROT_READ : 0u) | (ph->p_flags & PF_W ? PROT_WRITE : 0u) |
	       (ph->p_flags & PF_X ? PROT_EXEC : 0u);
}

static int map_one(struct load *l, struct file *f, u64 addr, u64 size, u32 prot, u32 how,
		   u64 offset)
{
	struct mm_map_request req = {.addr = GVA(addr),
				     .size = size,
				     .prot = prot,
				     .flags = MAP_PRIVATE | how | (f ? 0 : MAP_ANONYMOUS),
				     .offset = offset};
	struct mm_inflight none = {.mm = NULL};
	int err = f ? vfs_mmap(l->c, f, &req) : 0;

	if (err < 0)
		return err;
	return (int)mm_mmap(l->image->mm, &req, l->setup->limits, &none, l->plan);
}

/* Zeroes between the end of the file's part and the end of its last page. */
static int note_pad(struct load *l, u64 at, bool writable)
{
	struct exec_image *im = l->image;
	u64 size = page_up(at) - at;

	if (size == 0)
		return 0;
	if (im->pads == EXEC_PADS)
		return -ENOEXEC;
	im->pad[im->pads].at = GVA(at);
	im->pad[im->pads].size = (u32)size;
	im->pad[im->pads++].writable = writable;
	return 0;
}

static int map_segment(struct load *l, struct elf_file *e, const Elf64_Phdr *ph, u64 bias, u32 how)
{
	u64 at = ph->p_vaddr + bias, skew = page_offset(at), file_end = at + ph->p_filesz;
	u64 mem_end = page_up(at + ph->p_memsz), zero_from = page_down(at);
	u32 prot = segment_prot(ph);
	int err;

	if (ph->p_filesz) {
		if (page_offset(ph->p_offset) != skew)
			return -EINVAL;
		err = map_one(l, e->file, at - skew, ph->p_filesz + skew, prot, how,
			      ph->p_offset - skew);
		if (err == 0 && ph->p_memsz > ph->p_filesz)
			err = note_pad(l, file_end, prot & PROT_WRITE);
		if (err < 0)
			return err;
		zero_from = page_up(file_end);
	}
	if (mem_end <= zero_from)
		return 0;
	return map_one(l, NULL, zero_from, mem_end - zero_from, prot, how, 0);
}

/* A free place for all of @e. */
static int free_bias(struct load *l, const struct elf_file *e, u64 *out_bias)
{
	u64 size = e->layout.high - e->layout.low, align = e->layout.align, at;
	struct mm *mm = l->image->mm;

	mutex_lock(&mm->lock);
	at = mm_find_free(mm, size + align - PAGE_SIZE, MM_MIN_ADDR, mm->mmap_base);
	mutex_unlock(&mm->lock);
	if (!at)
		return -ENOMEM;
	*out_bias = align_up(at, align) - align_down(e->layout.low, align);
	return 0;
}

int elf_map(struct load *l, struct elf_file *e, u64 bias, bool bias_free)
{
	u32 how = MAP_FIXED_NOREPLACE | MAP_FIXED;
	u64 low, high;

	if (bias_free && free_bias(l, e, &bias) < 0)
		return -ENOMEM;
	low = e->layout.low + bias; /* a bias may be negative */
	high = e->layout.high + bias;
	if (low >= high || high > GUEST_END)
		return -ENOMEM;
	for (unsigned i = 0; i < e->eh.e_phnum; i++) {
		int err;

		if (e->ph[i].p_type != PT_LOAD || e->ph[i].p_memsz == 0)
			continue;
		err = map_segment(l, e, &e->ph[i], bias, how);
		if (err < 0)
			return err;
		/* What overlaps itself replaces itself; what was there before us (nothing) may not
		 * be. */
		how = MAP_FIXED;
	}
	e->bias = bias;
	return 0;
}
