/* SPDX-License-Identifier: Apache-2.0 */
/* loader.h - from a file and its arguments to an address space that is ready to run
 *
 * Theory of operation: an exec is prepared in steps, none of which touches the caller's own address
 *space:
 *
 *	exec_args_*	collect the strings of argv and envp
 *	exec_open	opens a program for execution
 *	exec_resolve	follows #! lines until the file is an ELF program, and changes the arguments
 *accordingly exec_load	decides where everything goes: an address space with its truth, a plan of
 *mappings for a fresh context, and what has to be written once they exist exec_fill	writes that:
 *arguments, auxiliary vector, zeroes behind initialised data
 *
 * Every field of a program is hostile. The loader knows no tasks.
 */
#ifndef SENTRY_LOADER_LOADER_H
#define SENTRY_LOADER_LOADER_H

#include <elf.h>

#include "fs/vfs/vfs.h"
#include "sentry/mm/mm.h"

/* --- args.c ----------------------------------------------------------------------------------- */

#define EXEC_STRING_MAX (128u << 10) /* of one string with its 0 (MAX_ARG_STRLEN) */
#define EXEC_ARGS_MAX	(6ul << 20)  /* of all (3/4 of _STK_LIM) */

struct exec_args {
	char *buf; /* strings with their 0: argv, then envp */
	size_t size, len;
	size_t argv_len; /* of these: bytes of argv */
	u32 argc, envc;
	size_t limit; /* of len and 8 bytes for each pointer: from RLIMIT_STACK */
};

void exec_args_init(struct exec_args *a, u64 stack_limit);
void exec_args_fini(struct exec_args *a);
/* Adds a string of @len bytes (without 0) to argv, or, from the first @env on, to envp. -E2BIG,
 * -ENOMEM. */
int exec_args_add(struct exec_args *a, const char *s, size_t len, bool env);
/* Takes argv[0] away and puts @count strings in its place. -E2BIG, -ENOMEM. */
int exec_args_replace_first(struct exec_args *a, const char *const *s, unsigned count);

/* --- script.c --------------------------------------------------------------------------------- */

#define EXEC_HEAD_SIZE 256 /* BINPRM_BUF_SIZE */

/* Takes a #! line apart; @head: the first bytes of the file (zeroes behind its end), which is
 * changed. *out_arg is NULL when there is none. 0 or -ENOEXEC. */
int script_parse(char head[EXEC_HEAD_SIZE], char **out_interp, char **out_arg);

/* --- elf.c: decisions only, no files -------------------------------------------------------------
 */

#define ELF_PHDRS_MAX (65536 / sizeof(Elf64_Phdr))

struct elf_layout {
	u64 low, high; /* page aligned range of all segments, by their own addresses */
	u64 align;     /* largest alignment asked for, at least a page */
	u64 start_code, end_code, start_data, end_data, end_bss;
	u64 phdr;   /* address of the program headers, 0: not in any segment */
	int interp; /* index of PT_INTERP or -1 */
	bool exec_stack;
};

/* 0 or -ENOEXEC. */
int elf_check_header(const Elf64_Ehdr *eh);
/* 0, -EINVAL (a segment that cannot be), -ENOEXEC. */
int elf_check_segments(const Elf64_Ehdr *eh, const Elf64_Phdr *ph, unsigned count,
		       struct elf_layout *out);

/* --- programs -----------------------------------------------------------------------------------
 */

struct exec_program {
	struct file *file;	   /* reference */
	char head[EXEC_HEAD_SIZE]; /* its first bytes */
	bool unreadable;	   /* by the caller: not dumpable */
};

/* Opens for execution: a regular file with execute permission on a mount that allows it. Nobody
 * may write to it (-ETXTBSY) as long as the file lives. */
struct file *exec_open(struct caller *c, const struct path *start, const char *name,
		       u32 walk_flags);
/* The same for what is already a path. */
struct file *exec_open_path(struct caller *c, const struct path *p);
/* Fills p->head of p->file. */
int exec_read_head(struct caller *c, struct exec_program *p);
/* Follows #! lines: p->file becomes the program that is to be loaded (the reference moves). @name:
 * how the program was called, the script's argument; @hidden: it cannot be reached by that name
 * (-ENOENT for scripts). */
int exec_resolve(struct caller *c, struct exec_program *p, const char *name, bool hidden,
		 struct exec_args *args);

/* --- loading ------------------------------------------------------------------------------------
 */

struct exec_ids { /* for the auxiliary vector */
	u32 uid, euid, gid, egid;
	bool secure;
};

#define EXEC_PADS 64

struct exec_image {
	struct mm *mm; /* its truth is complete */
	gva_t entry, sp;
	void *stack; /* bytes that belong to stack_at; of these, what is at and above sp is written
		      */
	size_t stack_size;
	gva_t stack_at;
	struct {
		gva_t at;
		u32 size;
		bool writable; /* else it does not matter whether it can be written */
	} pad[EXEC_PADS];
	unsigned pads;
};

struct exec_setup {
	const struct exec_ids *ids;
	const struct mm_limits *limits;
	const struct exec_args *args;
	const char *name; /* AT_EXECFN */
	gva_t vdso;
	bool no_randomize; /* ADDR_NO_RANDOMIZE */
};

/* 0 with *out and @plan filled (run it on a fresh context, then exec_fill); or -errno. */
int exec_load(struct caller *c, const struct exec_program *p, const struct exec_setup *s,
	      struct mm_plan *plan, struct exec_image *out);
/* The mappings exist and mm->as is set. 0 or -EFAULT. */
int exec_fill(struct exec_image *image);
/* Frees what is left; the mm only when it is still in the image. */
void exec_image_fini(struct exec_image *image);

#endif
