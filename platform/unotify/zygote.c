/* SPDX-License-Identifier: Apache-2.0 */
/* zygote.c - makes the process that all stubs are copies of, and the window they share with the
 * sentry
 *
 * The window is one range of addresses above GUEST_END, the same in the sentry and in every
 * stub: the stub's page, room for the vdso, and the areas. The sentry has all areas mapped, a
 * stub only its own.
 *
 * The zygote begins as a fork of the sentry, with its descriptor table, so that the listener of the
 * filter that it installs on itself appears here too. It then waits in the stub's event loop,
 * and is cleaned from here by ordered commands: descriptors closed, everything unmapped but the
 * stub's page, its area and the vdso.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/securebits.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asm/prctl.h>

#include "platform/arch/x86_64/stub.h"
#include "platform/host/host.h"
#include "platform/host/process.h"
#include "platform/host/raw.h"
#include "platform/unotify/internal.h"
#include "sentry/base/log.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS	   SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1
#endif

#define TASK_END     0x7ffffffff000ul
#define WINDOW_ALIGN (2ul << 20)
#define VDSO_AT	     (64 * 1024ul) /* in the window */
#define AREAS_AT     (2ul << 20)
#define HOST_SIGS    64
#define SIG_DFL_RAW  0ul
#define SIG_IGN_RAW  1ul

struct host_sigaction {
	u64 handler, flags, restorer, mask;
};

/* The ranges of [vvar], [vvar_vclock] and [vdso]. */
struct vdso_maps {
	unsigned n;
	struct {
		u64 start, end;
	} map[4];
};

/* Tries places above GUEST_END until one is free. */
static int window_create(struct platform *p)
{
	size_t size = AREAS_AT + AREAS_MAX * p->area_size;
	u64 room = (TASK_END - GUEST_END - size) / 2 / WINDOW_ALIGN, r;
	int fd;

	fd = memfd_create("areas", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	p->memfd = fd;
	if (ftruncate(fd, (off_t)(AREAS_MAX * p->area_size)) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	for (int tries = 0; tries < 64; tries++) {
		host_getrandom(&r, sizeof(r));
		void *at = (void *)(GUEST_END + r % room * WINDOW_ALIGN);

		if (mmap(at, size, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
			 0) != at)
			continue;
		p->text = (u64)at;
		p->areas = (u8 *)at + AREAS_AT;
		if (mmap(p->areas, size - AREAS_AT, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, 0) == MAP_FAILED)
			return -errno;
		(void)madvise(at, size, MADV_DONTDUMP);
		return 0;
	}
	return -ENOMEM;
}

static int vdso_find(struct platform *p, struct vdso_maps *out)
{
	char line[512];
	FILE *f;
	int fd;

	fd = p->procfd >= 0 ? openat(p->procfd, "self/maps", O_RDONLY | O_CLOEXEC)
			    : open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	out->n = 0;
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, "[vvar") && !strstr(line, "[vdso]"))
			continue;
		if (out->n < array_size(out->map) &&
		    sscanf(line, "%lx-%lx", &out->map[out->n].start, &out->map[out->n].end) == 2)
			out->n++;
	}
	fclose(f);
	if (!out->n)
		return -ENOENT;
	p->vvar = p->text + VDSO_AT;
	p->vdso = p->vvar + getauxval(AT_SYSINFO_EHDR) - out->map[0].start;
	p->vdso_end = p->vvar + out->map[out->n - 1].end - out->map[0].start;
	return p->vdso_end - p->vvar > VDSO_ROOM ? -E2BIG : 0;
}

/* --- in the zygote: raw calls only, a failure ends it
 * ------------------------------------------- */

static void must(long r)
{
	if (r < 0 && r >= -4095)
		host_raw(SYS_exit_group, 1);
}

static void zygote_signals(const struct platform *p)
{
	static const u8 ours[] = {SIGSYS, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, STUB_KICK};
	/* Faults in the stub's code while it answers a call: local.c. */
	u64 all = ~0ull, others = all & ~(1ull << (SIGSEGV - 1)) & ~(1ull << (SIGBUS - 1));

	for (int sig = 1; sig <= HOST_SIGS; sig++) {
		struct host_sigaction sa = {.handler = SIG_IGN_RAW};

		if (sig == SIGKILL || sig == SIGSTOP)
			continue;
		if (memchr(ours, sig, sizeof(ours)))
			sa = (struct host_sigaction){
				.handler = p->text + (u64)(stub_signal - stub_text),
				.flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART |
					 0x04000000 /* SA_RESTORER */,
				.restorer = p->text + (u64)(stub_resume - stub_text),
				.mask = sig == SIGSYS ? others : all};
		must(host_raw(SYS_rt_sigaction, sig, &sa, NULL, 8));
	}
	must(host_raw(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8));
}

/* glibc's registration would be a write to memory that is the guest's later. */
static void zygote_rseq(void)
{
	if (__rseq_size)
		must(host_raw(SYS_rseq, (u8 *)__builtin_thread_pointer() + __rseq_offset,
			      max(__rseq_size, 32u), RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
}

/* No rights, no core files, no terminal; readable by the sentry. */
static void zygote_rights(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};
	struct rlimit core = {1, 1}; /* 1: not to a pipe either */
	struct rlimit files;

	must(host_raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL));
	/* Not setsid: a scheduling group of its own (autogroup) makes each wake-up dearer. */
	host_raw(SYS_setpgid, 0, 0);
	if (host_raw(SYS_setrlimit, RLIMIT_CORE, &core) < 0) {
		core = (struct rlimit){0, 0};
		must(host_raw(SYS_setrlimit, RLIMIT_CORE, &core));
	}
	/* Each thread of a guest has a descriptor number of its own. */
	must(host_raw(SYS_getrlimit, RLIMIT_NOFILE, &files));
	files.rlim_cur = files.rlim_max;
	must(host_raw(SYS_setrlimit, RLIMIT_NOFILE, &files));
	must(host_raw(SYS_capset, &head, none));
	must(host_raw(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1));
	must(host_raw(SYS_prctl, PR_SET_DUMPABLE, 1));
}

static void zygote_memory(const struct platform *p, const struct vdso_maps *v)
{
	long at = host_raw(SYS_mmap, p->text, PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	must(at);
	memcpy((void *)at, stub_text, (size_t)(stub_text_end - stub_text));
	must(host_raw(SYS_mprotect, at, PAGE_SIZE, PROT_READ | PROT_EXEC));
	for (unsigned i = 0; i < v->n; i++) {
		u64 size = v->map[i].end - v->map[i].start;

		must(host_raw(SYS_mremap, v->map[i].start, size, size,
			      MREMAP_MAYMOVE | MREMAP_FIXED,
			      p->vvar + v->map[i].start - v->map[0].start));
	}
	if (p->rewrite)
		must(rewrite_map(p));
	must(host_raw(SYS_madvise, p->areas, p->area_size, MADV_DONTFORK));
}

/* Stubs are to be killed before the sentry is: what the host refuses stays as it is. */
static void zygote_oom_score(const struct platform *p)
{
	char text[16] = "";
	long fd;
	int n;

	if (!p->oom_raise || p->procfd < 0)
		return;
	fd = host_raw(SYS_openat, p->procfd, "self/oom_score_adj", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	host_raw(SYS_read, fd, text, sizeof(text) - 1);
	n = snprintf(text, sizeof(text), "%d", min(atoi(text) + p->oom_raise, 1000));
	host_raw(SYS_pwrite64, fd, text, n, 0);
	host_raw(SYS_close, fd);
}

static void __attribute__((noreturn))
zygote_main(const struct platform *p, const struct vdso_maps *v, const struct sock_fprog *filter)
{
	struct area *a = (struct area *)p->areas;
	long fd;

	zygote_signals(p);
	zygote_rseq();
	zygote_rights();
	zygote_oom_score(p);
	zygote_memory(p, v);
	fd = host_raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		      SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		      filter);
	must(fd);
	atomic_store(&a->alive, (u32)fd + 1);
	__asm__ volatile("xor %%edi, %%edi\n\txor %%esi, %%esi\n\txor %%edx, %%edx\n\tjmp *%%rax"
			 :
			 : "b"(a), "a"(p->text + (u64)(stub_event - stub_text))
			 : "rdi", "rsi", "rdx", "memory");
	__builtin_unreachable();
}

/* --- in the sentry
 * ------------------------------------------------------------------------------ */

/* The zygote says which descriptor the listener is; it cannot wake us, with nobody answering its
 * calls. */
static int listener_wait(struct platform *p, int pid)
{
	struct area *a = (struct area *)p->areas;
	u32 fd;

	while (!(fd = atomic_load(&a->alive))) {
		int status;

		if (waitpid(pid, &status, WNOHANG) == pid)
			return -EIO;
		sched_yield();
	}
	p->listener = (int)fd - 1;
	/* Hosts before 6.6 lack it: slower, not wrong. */
	(void)ioctl(p->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
		    (unsigned long)SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	return 0;
}

/* Receives until the zygote waits for an order. */
static int pump(struct platform *p)
{
	struct seccomp_notif q;
	struct pevent ev;

	while (ctx_state(p->zygote) != CTX_REGS) {
		memset(&q, 0, sizeof(q));
		if (ioctl(p->listener, SECCOMP_IOCTL_NOTIF_RECV, &q)) {
			int err = errno, status;

			if (err != EINTR && err != ENOENT)
				return -err;
			if (err == ENOENT &&
			    waitpid(atomic_load(&p->zygote->tid), &status, WNOHANG)) {
				log_error("the first stub died: wait status %x", status);
				return -EIO;
			}
			continue;
		}
		if (receive(p, &q, &ev))
			return -EIO;
	}
	return 0;
}

static int zygote_clean(struct platform *p)
{
	u64 area0 = (u64)p->areas, area1 = area0 + p->area_size;
	u64 text_end = p->text + (p->rewrite ? TRAMP_END : PAGE_SIZE);
	u64 low = p->rewrite ? TRAMP_TABLE_END : 0;
	struct pcmd cmds[] = {
		{SYS_close_range, -1, {0, ~0u, CLOSE_RANGE_UNSHARE}},
		{SYS_munmap, -1, {low, p->text - low}},
		{SYS_munmap, -1, {text_end, p->vvar - text_end}},
		{SYS_munmap, -1, {p->vdso_end, area0 - p->vdso_end}},
		{SYS_munmap, -1, {area1, TASK_END - area1}},
		{SYS_arch_prctl, -1, {ARCH_SET_FS, 0}},
		{SYS_arch_prctl, -1, {ARCH_SET_GS, p->rewrite ? area0 : 0}},
	};

	pctx_run(p->zygote, cmds, array_size(cmds), 0);
	return pump(p);
}

/* Makes the context of the process that exists already. */
static int zygote_adopt(struct platform *p, int pid)
{
	struct pctx *c;
	struct pas *as;

	mutex_lock(&p->lock);
	as = as_create(p, NULL);
	c = as ? ctx_create(p, as, NULL) : NULL;
	if (c) {
		BUG_ON((u8 *)c->area != p->areas);
		p->infos[0].unborn = NULL;
		p->zygote_as = as;
		p->zygote = c;
		atomic_store(&as->tgid, pid);
		p->tgids[pid] = as;
		atomic_store(&c->tid, pid);
		atomic_store(&p->tids[pid], c);
		c->is_mapped = true;
		c->running = true;
		atomic_store(&c->state, CTX_COMMAND);
	}
	mutex_unlock(&p->lock);
	return c ? 0 : -ENOMEM;
}

int zygote_start(struct platform *p, bool strict, u32 notified)
{
	struct sock_filter code[FILTER_MAX];
	struct sock_fprog filter = {.filter = code};
	struct vdso_maps v;
	int err, pid;

	err = window_create(p);
	if (!err)
		err = vdso_find(p, &v);
	if (err)
		return err;
	filter.len = (unsigned short)filter_build(code, p->text, strict, notified, p->rewrite);
	pid = (int)host_raw(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		zygote_main(p, &v, &filter);
	if (pid < 0)
		return pid;
	err = zygote_adopt(p, pid);
	if (!err)
		err = listener_wait(p, pid);
	if (!err)
		err = pump(p);
	if (!err)
		err = zygote_clean(p);
	return err;
}
