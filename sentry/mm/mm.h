/* SPDX-License-Identifier: Apache-2.0 */
/* mm.h - the truth about an address space; the stub's real mappings are made to match it
 *
 * Theory of operation: a struct mm holds the VMAs of one guest address space. A call that changes
 * it is decided here, under mm->lock, in one step: check, record the new truth, and write into a
 * struct mm_plan the host calls that make it real. The caller (syscalls/) then has the stub carry
 * them out: by pctx_continue for munmap, mprotect and madvise, by pctx_run otherwise. Memory of the
 * guest itself is never touched here.
 *
 * In flight: until the context that carries a change out comes to the border again, its range may
 * not be handed out or changed for another context, and the address space not forked. A call that
 * runs into such a range kicks the context behind it and returns MM_BUSY: the caller waits on
 * mm->inflight_wait and calls again. An address space with a single reference has nobody to run
 * into, and keeps no record.
 *
 * Mappables whose last mapping goes away are put when the change has landed, not before: until then
 * a guest may still reach their memory. For the same reason a mappable must not give memory that
 * extent() has told to anybody else before its last reference is gone (truncation may punch it out,
 * not re-use it).
 */
#ifndef SENTRY_MM_MM_H
#define SENTRY_MM_MM_H

#include "platform/platform.h"
#include "sentry/base/list.h"
#include "sentry/base/lock.h"
#include "sentry/base/ref.h"
#include "sentry/base/strbuf.h"
#include "sentry/base/waitq.h"

struct mappable;

/* What a call says when it ran into a range in flight: wait on mm->inflight_wait, call again. */
#define MM_BUSY		 (-4000l)
#define MM_MAP_COUNT_MAX 65530
#define MM_MIN_ADDR	 mm_min_addr /* vm.mmap_min_addr */

extern u64 mm_min_addr; /* const after mm_init */

/* What a file must offer to be mapped. Embedded in vfs's struct inode; file systems fill ops. */
struct map_extent {
	int fd;	    /* host descriptor, ours, open with the rights that the mapping needs */
	u64 offset; /* into it, page aligned */
	u64 size;   /* page aligned, not 0; the last one may reach beyond the file's end */
};
struct mappable_ops {
	/* The first extent that backs [off, off + size) of the file. @write: a shared mapping that
	 * may be written, now or after mprotect. Beyond the end of file: an extent of an empty host
	 * file, whose touch is SIGBUS. 0 or -errno (-ENODEV: cannot be mapped). Called under
	 * mm->lock. */
	int (*extent)(struct mappable *m, u64 off, u64 size, bool write, struct map_extent *out);
	void (*get)(struct mappable *m);
	void (*put)(struct mappable *m);
	/* What /proc/pid/maps shows: device and inode number, the path appended to @path. */
	void (*describe)(struct mappable *m, void *file, u64 *dev, u64 *ino, struct strbuf *path);
	/* The file's size, for files that can shrink without the host's knowledge
	 * (mm_note_truncation). NULL: the host knows. Under mm->lock. */
	u64 (*size)(struct mappable *m);
	/* MADV_REMOVE: zeroes [off, off + size). NULL: -EOPNOTSUPP. No lock held. */
	int (*punch)(struct mappable *m, void *file, u64 off, u64 size);
	/* A shared mapping that may be written begins (@delta 1) or ends (-1): for seals. NULL: of
	 * no interest. Under mm->lock, or none. */
	void (*write_mapped)(struct mappable *m, int delta);
	/* MS_SYNC. NULL: nothing to do. No lock held. */
	int (*sync)(struct mappable *m, void *file);
};
struct mappable {
	const struct mappable_ops *ops;
};

enum {
	VMA_READ = 1,
	VMA_WRITE = 2,
	VMA_EXEC = 4, /* as PROT_* */
	VMA_SHARED = 8,
	/* What mprotect may add (VM_MAYWRITE of a shared file opened read-only: not). */
	VMA_MAYREAD = 0x10,
	VMA_MAYWRITE = 0x20,
	VMA_MAYEXEC = 0x40,
	VMA_MAY = 0x70,
	VMA_GROWSDOWN = 0x100,
	VMA_LOCKED = 0x2000,
	VMA_DONTFORK = 0x20000,
	VMA_WIPEONFORK = 0x40000,
	VMA_NORESERVE = 0x200000,
	VMA_DONTDUMP = 0x400000,
	VMA_ONFAULT = 0x800000,
	VMA_PROT = 7,
};
struct vma {
	struct vma *left, *right, *parent; /* tree by address; guarded by mm->lock, as all below */
	struct vma *prev, *next;	   /* neighbours in address order */
	u64 max_gap;			   /* largest free gap before a VMA of this subtree */
	u32 height;			   /* of the subtree */
	gva_t start, end;
	u64 flags;
	struct mappable *map; /* reference; NULL: private anonymous memory */
	void *file;	      /* reference on vfs's struct file, through mm_file_ops; may be NULL */
	u64 offset;	      /* of start in the file, bytes */
	char name[80];	      /* PR_SET_VMA_ANON_NAME; "" for none */
};

/* How mm holds the file behind a mapping: filled in by vfs at boot. */
struct mm_file_ops {
	void (*get)(void *file);
	void (*put)(void *file);
};
extern struct mm_file_ops mm_file_ops;

struct mm {
	struct ref ref;		 /* tasks and borrowers */
	struct pas *as;		 /* host table: set when the context exists; const afterwards */
	bool mixed;		 /* tasks of several groups have run in it; [T], task_usage.c */
	_Atomic bool was_locked; /* memory was locked once: madvise has to ask (signal_share.c) */
	struct mutex lock;	 /* LR_MM; guards all below */
	struct vma *root, *first, *last;
	u32 vma_count;
	u64 total_vm, locked_vm, data_vm, stack_vm, exec_vm; /* bytes */
	u64 mmap_base;					     /* top-down search starts here */
	u64 start_code, end_code, start_data, end_data;
	u64 start_brk, brk;
	u64 start_stack, arg_start, arg_end, env_start, env_end;
	u64 def_flags;	/* mlockall(MCL_FUTURE): VMA_LOCKED, VMA_ONFAULT */
	void *exe_file; /* reference; NULL: none */
	u64 auxv[48];
	u32 auxv_count; /* words */
	_Atomic u32 dumpable;
	_Atomic u32 truncations;    /* those that mm_refresh has seen */
	struct list inflight;	    /* struct mm_inflight */
	struct waitq inflight_wait; /* woken when one ends */
};

/* One change on its way; embedded in struct task. */
struct mm_inflight {
	struct list node; /* in mm->inflight, guarded by mm->lock; empty: none */
	struct mm *mm;	  /* where it is in flight (no reference: the task has one); NULL: none */
	gva_t start, end;
	struct pctx *ctx; /* whom to kick: set by the owner before each call (guarded by mm->lock
			     when in flight) */
	struct vma *dead; /* VMAs with mappables to put when it has landed; linked by next */
};

/* Host calls to carry out, in order. Task-private. */
struct mm_plan {
	struct pcmd cmds[PCMD_MAX];
	unsigned count;
	unsigned flags; /* for pctx_run when nothing follows cmds: PRUN_* */
	long result;	/* what the guest's call returns when all succeed */
	/* More than PCMD_MAX commands (a file in many extents): what follows cmds. See
	 * mm_plan_next. */
	struct pcmd *more;
	u32 more_count, more_pos, more_room;
	/* to undo when the host refuses (mm_abort) */
	enum mm_undo { MM_UNDO_NONE, MM_UNDO_UNMAP, MM_UNDO_BRK, MM_UNDO_MREMAP } undo;
	gva_t start, end; /* what was mapped */
	gva_t old_start;  /* BRK: the old break; MREMAP: where it was */
	u64 old_size;
};

/* Limits and rights of the asker, so that mm needs no task. */
struct mm_limits {
	u64 as, data, stack, memlock; /* rlimits, bytes */
	bool ipc_lock;		      /* CAP_IPC_LOCK */
};

struct mm_map_request {
	gva_t addr;
	u64 size;
	u32 prot, flags;      /* PROT_*, MAP_* as the guest gave them */
	struct mappable *map; /* NULL: anonymous */
	void *file;	      /* the struct file (reference is taken); may be NULL */
	u64 offset;
	bool file_readable, file_writable, noexec;
};

/* Empties a plan (a zeroed one needs no init before). */
void mm_plan_init(struct mm_plan *plan);
/* All of cmds have been carried out: loads the commands that follow. false: there are none; nothing
 * to free. */
bool mm_plan_next(struct mm_plan *plan);

/* Boot: where the platform's vdso is, for maps; where guest addresses begin. */
void mm_init(gva_t vdso, gva_t range, u64 range_size, gva_t lowest);
/* An empty address space (no stub yet): NULL without memory. */
struct mm *mm_create(void);
struct mm *mm_get(struct mm *mm);
void mm_put(struct mm *mm);
/* A copy for fork: VMAs with references (DONTFORK and WIPEONFORK are the host's to carry out, too:
 * it was told when the guest said so). ERR_PTR(-ENOMEM), ERR_PTR(MM_BUSY). */
struct mm *mm_fork(struct mm *mm);

/* Each of these: 0 with a plan (initialised by the caller; commands are appended), MM_BUSY, or the
 * errno of the man page of its name. @me: the caller's record, landed; a success puts its range in
 * flight for @me->ctx. */
long mm_mmap(struct mm *mm, const struct mm_map_request *req, const struct mm_limits *lim,
	     struct mm_inflight *me, struct mm_plan *plan);
long mm_mremap(struct mm *mm, gva_t addr, u64 old_size, u64 new_size, u32 flags, gva_t new_addr,
	       const struct mm_limits *lim, struct mm_inflight *me, struct mm_plan *plan);
/* Never an errno: plan->result is the break; no command means that nothing has to be done. Or
 * MM_BUSY. */
long mm_brk(struct mm *mm, gva_t addr, const struct mm_limits *lim, struct mm_inflight *me,
	    struct mm_plan *plan);
/* In place: MM_CONTINUE: the host is to carry the call out as it stands (pctx_continue); 0: it is
 * done; MM_BUSY; or -errno. */
#define MM_CONTINUE 1l
long mm_munmap(struct mm *mm, gva_t addr, u64 size, struct mm_inflight *me);
long mm_mprotect(struct mm *mm, gva_t addr, u64 size, u32 prot, const struct mm_limits *lim,
		 struct mm_inflight *me);
long mm_madvise(struct mm *mm, gva_t addr, u64 size, int advice, struct mm_inflight *me);
/* For the sentry's own use (shmdt): the same with a plan. */
long mm_unmap_plan(struct mm *mm, gva_t addr, u64 size, struct mm_inflight *me,
		   struct mm_plan *plan);
/* mlock, mlock2 (@flags MLOCK_ONFAULT), munlock (@lock false); mlockall, munlockall (@flags 0). */
long mm_mlock(struct mm *mm, gva_t addr, u64 size, u32 flags, bool lock,
	      const struct mm_limits *lim);
long mm_mlockall(struct mm *mm, u32 flags, const struct mm_limits *lim);
long mm_msync(struct mm *mm, gva_t addr, u64 size, u32 flags);
/* 0 when all of the range is mapped, else -ENOMEM. */
long mm_check_mapped(struct mm *mm, gva_t addr, u64 size);
/* PR_SET_VMA_ANON_NAME; @name NULL: takes it away. */
long mm_set_name(struct mm *mm, gva_t addr, u64 size, const char *name);

/* The context that owns @me has come to the border (any event), or ends: nothing is in flight any
 * more. Cheap when nothing is. */
void mm_landed_slow(struct mm_inflight *me);
static inline void mm_landed(struct mm_inflight *me)
{
	if (unlikely(me->mm != NULL))
		mm_landed_slow(me);
}
/* The host refused command @index of @plan: the truth goes back to what the host has. */
void mm_abort(struct mm *mm, struct mm_plan *plan, unsigned index);
/* A fault: does the truth say that the access was right (a stack that grows, a file that grew since
 * it was mapped)? Then 0 and a plan that repairs it; MM_BUSY; else -EFAULT: the guest's own fault
 * (signal as reported). */
long mm_fault(struct mm *mm, gva_t addr, int signo, int code, const struct mm_limits *lim,
	      struct mm_inflight *me, struct mm_plan *plan);

/* A file with mappings, whose ops have size, has become smaller: from now on mm_stale() says so of
 * every address space, until mm_refresh. Any lock may be held. */
extern _Atomic u32 mm_truncations;
static inline void mm_note_truncation(void)
{
	atomic_fetch_add(&mm_truncations, 1);
}
static inline bool mm_stale(struct mm *mm)
{
	return atomic_load_explicit(&mm_truncations, memory_order_relaxed) !=
	       atomic_load_explicit(&mm->truncations, memory_order_relaxed);
}
/* Takes from the guest what lies behind the ends of its files: 0 and a plan, which may be empty.
 * MM_BUSY, -ENOMEM: still stale. */
long mm_refresh(struct mm *mm, struct mm_inflight *me, struct mm_plan *plan);

/* The platform wants to rewrite program text (pctx_rewrite) around the end of the call instruction
 * at @addr: 0 and a plan with its @count commands, or -errno where that must not be. */
long mm_rewrite(struct mm *mm, gva_t addr, const struct pcmd *patch, unsigned count,
		struct mm_inflight *me, struct mm_plan *plan);

/* The VMA that holds @addr, or the first behind it. mm->lock held; borrowed. */
struct vma *mm_find_vma(struct mm *mm, gva_t addr);
/* The highest free place of @size bytes in [lo, hi), or 0. mm->lock held. */
u64 mm_find_free(struct mm *mm, u64 size, u64 lo, u64 hi);
/* Is [addr, addr+size) mapped with these rights throughout? */
bool mm_access_ok(struct mm *mm, gva_t addr, u64 size, u64 vma_flags);
/* Text of /proc/pid/maps and smaps from the VMA at or behind *cursor on; sets *cursor to where to
 * go on: ~0 at the end, else @s is full (and cut) behind the last VMA that fitted. */
void mm_show_maps(struct mm *mm, struct strbuf *s, u64 *cursor, bool smaps);

/* Shared memory without a file of its own (MAP_SHARED | MAP_ANONYMOUS, System V): a mappable of
 * @size bytes with one reference; @name is what maps shows, a constant. NULL without memory. */
struct mappable *anonshm_create(u64 size, const char *name, u64 ino);

#endif
