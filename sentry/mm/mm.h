/* SPDX-License-Identifier: Apache-2.0 */
/* mm.h - the truth about an address space; the stub's real mappings are made to match it
 *
 * Theory of operation: a struct mm holds the VMAs of one guest address space. A call that changes it is
 * decided here, under mm->lock, in one step: check, record the new truth, and write into a struct mm_plan the
 * host calls that make it real. The caller (syscalls/) then has the stub carry them out: by pctx_continue for
 * munmap, mprotect and madvise, by pctx_run otherwise. Until that context's next event the range is *in
 * flight* (DESIGN 3): mm_* of another context that touches it gives -EAGAIN with *out_busy the context to kick; the
 * caller blocks on mm->inflight_wait and tries again. Memory of the guest itself is never touched here.
 */
#ifndef SENTRY_MM_MM_H
#define SENTRY_MM_MM_H

#include "platform/platform.h"
#include "sentry/base/lock.h"
#include "sentry/base/rbtree.h"
#include "sentry/base/ref.h"
#include "sentry/base/strbuf.h"
#include "sentry/base/waitq.h"

struct mappable;

/* What a file must offer to be mapped. Embedded in vfs's struct inode; file systems fill ops. */
struct map_extent {
	int fd;	    /* host descriptor, ours, open with the rights that the mapping needs */
	u64 offset; /* into it, page aligned */
	u64 size;   /* page aligned; the last one may reach beyond the file's end */
};
struct mappable_ops {
	/* The first extent that backs [off, off + size) of the file. @write: a shared mapping that may be
	 * written, now or after mprotect. Beyond the end of file: an extent of an empty host file, whose
	 * touch is SIGBUS. 0 or -errno (-ENODEV: cannot be mapped). */
	int (*extent)(struct mappable *m, u64 off, u64 size, bool write, struct map_extent *out);
	void (*get)(struct mappable *m);
	void (*put)(struct mappable *m);
	/* Appends what /proc/pid/maps shows: "dev:dev ino" in *dev, *ino and the path into @path. */
	void (*describe)(struct mappable *m, void *file, u64 *dev, u64 *ino, struct strbuf *path);
};
struct mappable {
	const struct mappable_ops *ops;
};

enum {
	VMA_READ = 1, VMA_WRITE = 2, VMA_EXEC = 4, /* as PROT_* */
	VMA_SHARED = 8,
	VMA_MAYWRITE = 0x20, /* mprotect may add write (shared file opened read-only: not) */
	VMA_GROWSDOWN = 0x100, VMA_LOCKED = 0x2000, VMA_DONTFORK = 0x20000, VMA_WIPEONFORK = 0x40000,
	VMA_NORESERVE = 0x200000, VMA_DONTDUMP = 0x400000,
	VMA_STACK = 0x1000000, VMA_HEAP = 0x2000000, VMA_VDSO = 0x4000000,
};
struct vma {
	struct rb_node node; /* guarded by mm->lock, as all below */
	gva_t start, end;
	u64 flags;
	struct mappable *map; /* reference; NULL: private anonymous memory */
	void *file;	      /* reference on vfs's struct file, through mm_file_ops; NULL with map NULL */
	u64 offset;	      /* of start in the file, bytes */
	char name[32];	      /* PR_SET_VMA_ANON_NAME */
};

/* How mm holds the file behind a mapping: filled in by vfs at boot. */
struct mm_file_ops {
	void (*get)(void *file);
	void (*put)(void *file);
};
extern struct mm_file_ops mm_file_ops;

struct mm {
	struct ref ref;	  /* tasks and borrowers */
	struct pas *as;	  /* host table: set when the context exists; const afterwards */
	struct mutex lock; /* LR_MM; guards all below */
	struct rb_root vmas;
	u32 vma_count;
	u64 total_vm, locked_vm, data_vm, stack_vm, exec_vm; /* bytes */
	u64 mmap_base;		  /* top-down search starts here */
	u64 start_code, end_code, start_data, end_data;
	u64 start_brk, brk;
	u64 start_stack, arg_start, arg_end, env_start, env_end;
	u64 def_flags; /* mlockall(MCL_FUTURE) */
	void *exe_file;	  /* reference */
	u64 auxv[48];
	u32 auxv_count;
	u32 dumpable;
	struct list inflight;	   /* struct mm_inflight */
	struct waitq inflight_wait; /* woken when one ends */
};

/* One range in flight; embedded in struct task. */
struct mm_inflight {
	struct list node; /* in mm->inflight, guarded by mm->lock; empty: none */
	struct mm *mm;	  /* where it is in flight; NULL: none */
	gva_t start, end;
	struct pctx *ctx; /* whom to kick */
};

struct mm_plan {
	struct pcmd cmds[PCMD_MAX];
	unsigned count;
	unsigned flags; /* PRUN_* for pctx_run */
	long result;	/* what the guest's call returns when all succeed */
	/* to undo when the host refuses (mm_abort) */
	gva_t start, end;
};

/* Limits and rights of the asker, so that mm needs no task. */
struct mm_limits {
	u64 as, data, stack, memlock; /* rlimits, bytes */
	bool ipc_lock;		      /* CAP_IPC_LOCK */
};

struct mm_map_request {
	gva_t addr;
	u64 size;
	u32 prot, flags; /* PROT_*, MAP_* as the guest gave them, known bits only */
	struct mappable *map;
	void *file; /* the struct file (reference is taken) */
	u64 offset;
	bool file_readable, file_writable, noexec;
};

struct mm *mm_create(void);
struct mm *mm_get(struct mm *mm);
void mm_put(struct mm *mm);
/* A copy for fork: VMAs with references (DONTFORK and WIPEONFORK honoured; the plan says what the child's host
 * mappings need on top of fork). -EAGAIN when anything is in flight. */
struct mm *mm_fork(struct mm *mm, struct pctx **out_busy);

/* Each of these: 0 with a plan; -EAGAIN with *out_busy (kick it, wait on inflight_wait, call again); or the
 * errno of the man page of its name. @me: the caller's in-flight record; a plan puts its range in flight. */
long mm_mmap(struct mm *mm, const struct mm_map_request *req, const struct mm_limits *lim,
	     struct mm_inflight *me, struct mm_plan *plan, struct pctx **out_busy);
long mm_munmap(struct mm *mm, gva_t addr, u64 size, struct mm_inflight *me, struct pctx **out_busy);
long mm_mprotect(struct mm *mm, gva_t addr, u64 size, u32 prot, struct mm_inflight *me,
		 struct mm_plan *plan, struct pctx **out_busy);
long mm_mremap(struct mm *mm, gva_t addr, u64 old_size, u64 new_size, u32 flags, gva_t new_addr,
	       const struct mm_limits *lim, struct mm_inflight *me, struct mm_plan *plan,
	       struct pctx **out_busy);
long mm_brk(struct mm *mm, gva_t addr, const struct mm_limits *lim, struct mm_inflight *me,
	    struct mm_plan *plan, struct pctx **out_busy);
long mm_madvise(struct mm *mm, gva_t addr, u64 size, int advice, struct mm_inflight *me,
		struct mm_plan *plan, struct pctx **out_busy);
long mm_mlock(struct mm *mm, gva_t addr, u64 size, u32 flags, bool lock, const struct mm_limits *lim);
/* The context that owns @me has come to the border (any event): its range is no longer in flight. Cheap
 * when nothing is. */
void mm_landed(struct mm_inflight *me);
/* The host refused command @index of @plan: the truth goes back to what the host has. */
void mm_abort(struct mm *mm, struct mm_plan *plan, unsigned index);
/* A fault: does the truth say that the access was right (a file that grew since it was mapped)? Then 0 and
 * a plan that repairs it; else -EFAULT: the guest's own fault (signal as reported). */
long mm_fault(struct mm *mm, gva_t addr, int signo, struct mm_inflight *me, struct mm_plan *plan);

/* The VMA that holds @addr, or the first behind it. mm->lock held; borrowed. */
struct vma *mm_find_vma(struct mm *mm, gva_t addr);
/* Is [addr, addr+size) mapped with these rights throughout? */
bool mm_access_ok(struct mm *mm, gva_t addr, u64 size, u64 vma_flags);
/* Text of /proc/pid/maps and smaps from the VMA at or behind *cursor on; sets *cursor to where to go on (0: end). */
void mm_show_maps(struct mm *mm, struct strbuf *s, u64 *cursor, bool smaps);

#endif
