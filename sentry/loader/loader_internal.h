/* SPDX-License-Identifier: Apache-2.0 */
/* loader_internal.h - between the files of sentry/loader */
#ifndef SENTRY_LOADER_LOADER_INTERNAL_H
#define SENTRY_LOADER_LOADER_INTERNAL_H

#include "sentry/arena/arena.h"
#include "sentry/base/bug.h"
#include "sentry/loader/loader.h"

/* What is random in one exec: drawn at once. */
struct exec_random {
	u64 mmap, stack, brk, pie, align;
	u8 at_random[16];
};

/* An ELF file with its headers read. */
struct elf_file {
	struct file *file; /* borrowed */
	Elf64_Ehdr eh;
	Elf64_Phdr *ph; /* kalloc of phnum entries */
	struct elf_layout layout;
	u64 bias; /* what was added to its addresses, once mapped */
};

struct load {
	struct caller *c;
	const struct exec_setup *setup;
	struct mm_plan *plan;
	struct exec_image *image;
	struct exec_random rnd;
	struct elf_file prog, interp;
	bool has_interp;
};

/* Reads exactly @n bytes at @off: 0, -EIO when the file is shorter, or -errno. */
int exec_read(struct caller *c, struct file *f, void *buf, size_t n, u64 off);
/* elf_map.c: reads and checks the headers of e->file. @head: its first EXEC_HEAD_SIZE bytes, or
 * NULL. */
int elf_open(struct caller *c, struct elf_file *e, const char *head);
void elf_close(struct elf_file *e);
/* Maps e's segments: where they ask, moved by @bias; @bias_free: at a free place (position
 * independent only). */
int elf_map(struct load *l, struct elf_file *e, u64 bias, bool bias_free);
/* stack.c: maps the stack, and makes what is to be written to it. */
int stack_build(struct load *l);
u64 stack_mmap_base(const struct load *l);

#endif
