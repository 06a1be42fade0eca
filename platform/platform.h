/* SPDX-License-Identifier: Apache-2.0 */
/* platform.h - the whole border between the sentry and the code of the guest
 *
 * Theory of operation
 * -------------------
 * A *pas* is an address space of the guest (one stub process). A *pctx* is a thread of the guest
 * (one host thread of that stub). Guest code runs natively until something needs the sentry;
 * then the thread is *at the border* and one worker gets one event for it out of
 * platform_recv(). From then on the sentry owns the context until it sends it back with exactly
 * one of the answers below. Events of different contexts arrive in any order and on any worker.
 *
 * State of a context, and what the sentry may do in it:
 *
 *	FREE	 no thread behind it (not yet created, or died)		destroy
 *	GUEST	 runs guest code					kick
 *	CALL	 at the border in a plain call: no registers at hand	return, return_kick,
 *								continue, copy
 *	REGS	 at the border with registers (structural call, fault,	regs, xstate, run, return,
 *		 kick, fresh context)					resume, copy
 *	COMMAND	 the stub carries out pctx_run/pctx_clone		nothing; ends with PEV_DONE
 *								-> REGS, or GUEST when PRUN_RESUME
 *								or PCLONE_RESUME was given
 *
 * A kick (pctx_kick) makes a context in GUEST come to the border with PEV_KICK. It is a request,
 * not a message: kicks merge; one that finds the context at the border is delivered after the
 * answer; a spurious PEV_KICK must be expected at any time and is answered by pctx_resume.
 *
 * Everything that a stub shares with the sentry is hostile: the platform reads each field once and
 * checks it, and what it reports as a fact (which thread, which call, which arguments) comes
 * from the host kernel. A register set is whatever the guest likes: it can only harm the guest
 * itself.
 *
 * Calls are thread-safe; one context's are made by its owner only. Nothing here blocks for longer
 * than a host call, save platform_recv.
 */
#ifndef PLATFORM_PLATFORM_H
#define PLATFORM_PLATFORM_H

#include <signal.h>
#include <sys/uio.h>

#include "sentry/base/types.h"

struct platform;
struct pas;
struct pctx;

/* General registers, in the order of struct user_regs_struct's names; what a CPU adds goes to
 * platform/arch/<cpu>/. */
struct pregs {
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
};

enum pevent_kind {
	PEV_SYSCALL, /* CALL or REGS (has_regs): nr, args, ip; rax in the registers is the number */
	PEV_FAULT,   /* REGS: info is the host's siginfo of SIGSEGV, SIGBUS, SIGFPE, SIGILL or so */
	PEV_KICK,    /* REGS: came because of pctx_kick or pctx_return_kick, or for no reason */
	PEV_DONE,    /* REGS: pctx_run or pctx_clone ended; result */
	PEV_READY,   /* REGS: a context that pctx_spawn promised is there */
	PEV_DIED,    /* FREE: the stub process of as is gone (host OOM, its own doing); status */
	PEV_WAKE,    /* no context: platform_wake was called */
};

struct pevent {
	enum pevent_kind kind;
	struct pctx *ctx;	/* NULL for PEV_DIED and PEV_WAKE */
	void *owner;		/* what the context was created with (of the pas for PEV_DIED) */
	bool has_regs;		/* SYSCALL: the context is in REGS */
	int nr;			/* SYSCALL */
	u32 arch;		/* SYSCALL: AUDIT_ARCH_* */
	u64 args[6];		/* SYSCALL */
	u64 ip;			/* SYSCALL: instruction after the call */
	bool hot;		/* SYSCALL: its site is worth a pctx_rewrite */
	bool at_wait;		/* KICK: see below */
	long result;		/* DONE: 0, or -errno of the first command that failed */
	unsigned index;		/* DONE: which command failed */
	int status;		/* DIED */
	siginfo_t info;		/* FAULT: only si_signo, si_code, si_addr are meant */
	u64 trapno, error_code; /* FAULT: as the CPU had them, for the guest's signal frame */
};

/* A kick interrupts a futex wait that the host carries out natively. Untimed (at_wait): the guest
 * stands before the call again, and pctx_resume starts it again; a signal handler without
 * SA_RESTART wants rax = -EINTR and rip += 2 instead. Timed: the guest stands behind it with rax
 * = -EINTR; resumed with its registers unchanged it goes on waiting for what is left of its
 * time. */

/* Call sites that trap often are rewritten: never, where it pays, or early and at random (for
 * tests). Without what it needs of the CPU and the host: never. */
enum prewrite { PREWRITE_OFF, PREWRITE_AUTO, PREWRITE_RANDOM };

/* Calls that are normally the workload's own, and come to the sentry when it wants so. With futex
 * or arch_prctl among them the platform must be strict. */
enum platform_own { POWN_YIELD = 1, POWN_RSEQ = 2, POWN_WAITV = 4, POWN_TIME = 8, POWN_CPU = 16 };

struct platform_config {
	u32 notified; /* of enum platform_own */
	enum prewrite rewrite;
	unsigned workers; /* threads that will call platform_recv */
	bool strict;	  /* trap also the calls that are normally the workload's own */
	int oom_raise;	  /* by how much stubs are worse than we when the host lacks memory */
	int procfd;	  /* directory of a proc of our pid namespace (subset=pid), or -1 */
};

/* The operations of one platform (unotify, ptrace). Each function below calls the one of its
 * name. */
struct platform_ops;

/* Starts the platform called @name ("unotify") in this process, which must be single-threaded,
 * still allowed to fork and to install seccomp filters. 0 or -errno. */
int platform_create(const char *name, const struct platform_config *config, struct platform **out);
/* Kills every stub and frees all. */
void platform_destroy(struct platform *p);

/* Waits for the next event of any context. @worker: index of the calling thread, < config.workers;
 * each index is used by one thread. 0, or -ESHUTDOWN after platform_shutdown. */
int platform_recv(struct platform *p, unsigned worker, struct pevent *out);
/* The calling worker (any index: one that never receives has nothing to give away) is about to
 * enter a host call that may last: lets another one receive. */
void platform_may_block(struct platform *p, unsigned worker);
/* Makes all platform_recv return -ESHUTDOWN, now and for ever. */
void platform_shutdown(struct platform *p);
/* Makes one platform_recv return PEV_WAKE soon: at once when a worker waits there. Wakes merge.
 * Workers must not have handlers with SA_RESTART for signals that can come to them. */
void platform_wake(struct platform *p);
/* A SIGCHLD has come: reaps one stub. 1 and an event (PEV_DIED for a stub that nobody killed by
 * pas_kill), or 0 when there is none. */
int platform_reap(struct platform *p, struct pevent *out);
/* Address of the vdso in every guest (AT_SYSINFO_EHDR), its range with vvar, for /proc/pid/maps. */
gva_t platform_vdso(struct platform *p, gva_t *out_start, u64 *out_size);
/* Made with config.strict: futex waits and the like come to the sentry. */
bool platform_is_strict(struct platform *p);
/* The lowest address that a guest may map: below is the platform's (vm.mmap_min_addr). */
gva_t platform_lowest(struct platform *p);
/* What getpid, gettid, getppid, get[e]uid or get[e]gid says of some task has changed, or is about
 * to, before anybody can know: answers given so far are not repeated. Any thread, any lock. */
void platform_forget(struct platform *p);
/* The answer of the call under way is for this time only, too (a filter has looked at it). Owner.
 */
void pctx_answer_once(struct pctx *c);
/* The host's xstate size: of the floating-point area in a guest's signal frame. */
size_t platform_xstate_size(struct platform *p);

/* --- creation ------------------------------------------------------------------------------- */

/* A fresh address space with nothing of the guest mapped, and its first context in REGS with all
 * registers zero (fs and gs base too). @owner comes back with each event; @as_owner with PEV_DIED.
 * 0: ready at once; -EINPROGRESS: *out is valid, PEV_READY will come for it; or -errno. */
int pctx_spawn(struct platform *p, void *owner, void *as_owner, struct pctx **out);

enum { PCLONE_NEWAS = 1, PCLONE_SETTLS = 2, PCLONE_RESUME = 4 };
/* Starts a thread of the guest from @parent (REGS): with PCLONE_NEWAS in a copy-on-write copy of
 * its address space (fork), otherwise in the same one. The child gets @regs (rax and all) and
 * the parent's xstate; with PCLONE_SETTLS its fs base is @tls, otherwise the parent's. When
 * @set_tid is not 0 the child's thread stores the u32 @tid there, in its own memory, before it
 * runs guest code (the caller has checked that the truth says writable; should the store fault
 * all the same, the guest has itself to blame). *out is valid at once; its thread starts running
 * guest code by itself, possibly before the parent's PEV_DONE, which tells whether it worked:
 * after a failure *out is FREE and must be destroyed. With PCLONE_RESUME (not
 * with NEWAS) only a failure is told: otherwise the parent goes on by itself with its registers as
 * they are set. No call may be in flight in the address space (mm's business) when PCLONE_NEWAS is
 * given. 0 or -errno (nothing started). */
int pctx_clone(struct pctx *parent, unsigned flags, const struct pregs *regs, u64 tls,
	       gva_t set_tid, u32 tid, void *owner, void *as_owner, struct pctx **out);

/* --- what a context shares with its guest ----------------------------------------------------- */

/* In memory that the guest can write: each field is read once. local says which calls the guest
 * makes without the kernel: with SHARE_MADVISE those that forget pages, where no memory is locked;
 * with SHARE_SIGNALS it changes its signal mask and its robust list in the share. Both hold there
 * while it is in GUEST, and what the kernel changes it stores there too. attention: a signal is
 * pending that the mask may block; a change of the mask then comes to the border (PEV_KICK). It is
 * set before the mask is looked at. sigreturn: address of the ucontext of the signal frame that was
 * built last, from which the guest may return by itself with the alternate stack that alt_* say; 0:
 * it may not. A clone begins with its parent's local, mask and attention; a fresh context, spawned,
 * with attention alone. */
enum { SHARE_SIGNALS = 1, SHARE_MADVISE = 2 };
struct pctx_share {
	_Atomic u32 local, attention;
	_Atomic u64 mask, robust;
	u64 sigreturn, alt_sp, alt_size;
	u32 alt_flags, xsize;
};
/* NULL: there is none, every call comes to the border. */
struct pctx_share *pctx_share(struct pctx *c);

/* --- registers (REGS) ----------------------------------------------------------------------- */

void pctx_get_regs(struct pctx *c, struct pregs *out);
void pctx_set_regs(struct pctx *c, const struct pregs *in);
/* Copies the xsave area (as it stands in a host signal frame, with the software-reserved bytes);
 * @size of get: room; returns bytes used. set: checked as far as rt_sigreturn would not; 0 or
 * -EINVAL. set with NULL: the state of a fresh program. */
size_t pctx_get_xstate(struct pctx *c, void *buf, size_t size);
int pctx_set_xstate(struct pctx *c, const void *buf, size_t size);

/* --- answers -------------------------------------------------------------------------------- */

/* CALL or REGS after PEV_SYSCALL: the call is over, its result is @value (or -errno). -> GUEST */
void pctx_return(struct pctx *c, long value);
/* CALL: the same, but the context comes straight back with PEV_KICK, rax = @value, so that a
 * signal can be delivered. -> GUEST. In REGS this is wrong: set rax and go on working instead. */
void pctx_return_kick(struct pctx *c, long value);
/* CALL, address-space class only (munmap, mprotect, madvise): the host carries the call out with
 * the arguments in the guest's registers. Its completion is the context's next event. -> GUEST */
void pctx_continue(struct pctx *c);
/* REGS: loads the registers as they stand. -> GUEST */
void pctx_resume(struct pctx *c);
/* CALL or REGS: the call will not be answered for a while (a hint: the platform may park the thread
 * so that it no longer counts as an outstanding notification). May be followed at any time by an
 * answer. */
void pctx_blocked(struct pctx *c);

/* Asks a context to come to the border. Any state; no effect in FREE. Safe from any thread while
 * the caller keeps the context from being destroyed. */
void pctx_kick(struct pctx *c);

/* One host call to be carried out by the stub in the guest's address space. */
struct pcmd {
	int nr; /* host call number, or a PCMD_* */
	int fd; /* a host descriptor of ours that replaces mmap's argument; else -1. It stays
		 * open until the context's next event */
	u64 args[6];
};
enum {
	/* args: address (4-aligned), old, new: compare and swap of a u32; result -EAGAIN when it
	 * was not @old. The caller knows that the page is mapped writable. */
	PCMD_CMPXCHG = 0x2000,
	/* args: address (16-aligned), old (2 words), new (2 words): compare and swap of 16 bytes.
	 * Never fails; made by pctx_rewrite alone. */
	PCMD_PATCH = 0x2001,
};
#define PCMD_MAX 32
/* RESUME_AS_IS, with RESUME: rax is not touched (the caller has set it by pctx_set_regs). */
enum { PRUN_RESUME = 1, PRUN_RESUME_AS_IS = 2 };

/* REGS: carries out @count commands in order, stopping at the first that fails. Then PEV_DONE. With
 * PRUN_RESUME and no failure there is no event: rax becomes the last result and the guest goes on.
 * Descriptors are given to the stub for their command only. Allowed: mmap (MAP_FIXED only), munmap,
 * mprotect, mremap (MREMAP_FIXED or in place), madvise, arch_prctl(ARCH_SET_FS/GS), futex WAKE,
 * mincore, mlock family, msync, rseq, PCMD_*. -> COMMAND */
void pctx_run(struct pctx *c, const struct pcmd *cmds, unsigned count, unsigned flags);

#define PREWRITE_CMDS 2
/* REGS, after a PEV_SYSCALL with hot: prepares that the site whose call returned to @ip becomes a
 * jump to code of the platform, and writes the commands that store it to @cmds: they want the page
 * writable, and nobody else to change its mapping (mm_rewrite). Their number, or -errno where it
 * cannot be. Whether they are carried out makes no difference but speed. */
int pctx_rewrite(struct pctx *c, gva_t ip, struct pcmd cmds[PREWRITE_CMDS]);

/* --- ends ----------------------------------------------------------------------------------- */

/* CALL or REGS: the thread ends; if @clear_tid is not 0, the host stores a u32 0 there when the
 * thread has really ended and wakes one waiter (futex, shared flavour), as Linux does: the
 * sentry must not store it, a joiner would reuse memory (the thread's rseq area, say) that the
 * host thread still writes to. The context is gone. The last context of a pas takes the pas with
 * it. In FREE (the stub died) it is pctx_destroy. */
void pctx_exit(struct pctx *c, gva_t clear_tid);
/* A context in FREE (clone failed, stub died): forgets it. */
void pctx_destroy(struct pctx *c);
/* Kills the stub at once; all its contexts become FREE, pending events of them are dropped:
 * after the return none is delivered. The contexts still have to be destroyed, the pas not. */
void pas_kill(struct pas *as);
/* Kills the stub as if the host had done it: PEV_DIED follows. For a guest that does not come to
 * the border although it was kicked. The caller keeps a context of it. True: it is gone already,
 * and no event of it comes any more. */
bool pas_abort(struct pas *as);
struct pas *pctx_as(struct pctx *c);

/* --- memory and figures --------------------------------------------------------------------- */

/* Copies between local and guest memory (process_vm_readv/writev): bytes moved, possibly fewer than
 * asked when a page is missing, or -EFAULT when none, -ESRCH when the stub is gone. Any state. */
ssize_t pas_readv(struct pas *as, const struct iovec *local, unsigned nlocal,
		  const struct iovec *guest, unsigned nguest);
ssize_t pas_writev(struct pas *as, const struct iovec *local, unsigned nlocal,
		   const struct iovec *guest, unsigned nguest);
/* CPU time of one context, and of all that ever ran in an address space, in ns (user and system of
 * the host; the split is the host's). 0 or -errno. */
int pctx_cputime(struct pctx *c, u64 *out_user, u64 *out_system);
int pas_cputime(struct pas *as, u64 *out_user, u64 *out_system);
/* In guest code, but the host has it asleep (a native futex wait): for /proc. One host read. */
bool pctx_sleeping(struct pctx *c);
/* Resident pages: anonymous, file, and the total as the host counts them, without the stub. */
struct pas_stat {
	u64 rss_anon, rss_file, rss_shmem, swap; /* bytes */
	u64 minflt, majflt;
};
int pas_stat(struct pas *as, struct pas_stat *out);
/* The host's smaps of the stub, whose mappings below GUEST_END are the guest's: a descriptor to
 * read from and close, or -errno. */
int pas_open_smaps(struct pas *as);
/* Scheduling of the host thread: nice value, policy, affinity (words of a cpu mask). 0 or
 * -errno. */
int pctx_setaffinity(struct pctx *c, const u64 *mask, size_t words);
int pctx_getaffinity(struct pctx *c, u64 *mask, size_t words);
int pctx_setnice(struct pctx *c, int nice);
/* Host thread id: for logs only. */
int pctx_hosttid(struct pctx *c);

#endif
