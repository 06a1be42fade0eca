/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - registers, memory and figures of the guest
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "platform/host/host.h"
#include "platform/host/process.h"
#include "platform/host/stats.h"
#include "platform/unotify/internal.h"

void pctx_get_regs(struct pctx *c, struct pregs *out)
{
	frame_get_regs(c->frame, out);
}

void pctx_set_regs(struct pctx *c, const struct pregs *in)
{
	if (frame_set_regs(c->frame, in))
		c->eintr = false;
}

size_t pctx_get_xstate(struct pctx *c, void *buf, size_t size)
{
	struct frame_bounds b = ctx_bounds(c);

	return frame_get_xstate(c->frame, &b, buf, size);
}

int pctx_set_xstate(struct pctx *c, const void *buf, size_t size)
{
	struct frame_bounds b = ctx_bounds(c);

	return frame_set_xstate(c->frame, &b, buf, size);
}

size_t platform_xstate_size(struct platform *p)
{
	return frame_xstate_size();
}

gva_t platform_vdso(struct platform *p, gva_t *out_start, u64 *out_size)
{
	*out_start = GVA(p->vvar);
	*out_size = p->vdso_end - p->vvar;
	return GVA(p->vdso);
}

ssize_t pas_readv(struct pas *as, const struct iovec *local, unsigned nlocal,
		  const struct iovec *guest, unsigned nguest)
{
	int tgid = atomic_load_explicit(&as->tgid, memory_order_relaxed);
	long n = tgid ? host_vm_readv(tgid, local, nlocal, guest, nguest) : -ESRCH;

	stat_add(STAT_COPIED_IN, n > 0 ? (u64)n : 0);
	return n;
}

ssize_t pas_writev(struct pas *as, const struct iovec *local, unsigned nlocal,
		   const struct iovec *guest, unsigned nguest)
{
	int tgid = atomic_load_explicit(&as->tgid, memory_order_relaxed);
	long n = tgid ? host_vm_writev(tgid, local, nlocal, guest, nguest) : -ESRCH;

	stat_add(STAT_COPIED_OUT, n > 0 ? (u64)n : 0);
	return n;
}

/* Reads /proc/<tgid>/[task/<tid>/]@name into @buf, NUL-terminated. 0 or -errno. */
static int read_proc(const struct pas *as, int tid, const char *name, char *buf, size_t size)
{
	int tgid = atomic_load(&as->tgid);
	char path[64];
	long n;

	if (as->p->procfd < 0)
		return -ENOSYS;
	if (!tgid)
		return -ESRCH;
	if (tid)
		snprintf(path, sizeof(path), "%d/task/%d/%s", tgid, tid, name);
	else
		snprintf(path, sizeof(path), "%d/%s", tgid, name);
	n = host_read_at(as->p->procfd, path, buf, size - 1);
	if (n < 0)
		return (int)n;
	buf[n] = 0;
	return 0;
}

int pas_open_smaps(struct pas *as)
{
	int tgid = atomic_load(&as->tgid);
	char path[32];

	if (as->p->procfd < 0)
		return -ENOSYS;
	if (!tgid)
		return -ESRCH;
	snprintf(path, sizeof(path), "%d/smaps", tgid);
	return host_open_at(as->p->procfd, path);
}

/* The numbers of a stat line from the third field on (fields count from 1); how many. */
static unsigned stat_fields(const char *line, u64 *out, unsigned max)
{
	const char *at = strrchr(line, ')');
	unsigned n = 0;

	if (!at || strlen(at) < 4)
		return 0;
	for (at += 3; *at && n < max; n++) {
		char *end;

		out[n] = strtoull(at, &end, 10);
		if (end == at)
			break;
		at = end;
	}
	return n;
}

#define TICK_NS	    10000000ull /* USER_HZ is 100 on x86 */
#define STAT_MINFLT 6		/* counted from field 4 */
#define STAT_MAJFLT 8
#define STAT_UTIME  10
#define STAT_STIME  11
#define STAT_FIELDS 16

/* The ticks of stat are coarse: they only say how the exact sum is split. */
static void scale_cputime(s64 total, u64 *user, u64 *system)
{
	u64 ticks = (*user + *system) / TICK_NS;

	if (total < 0)
		return;
	*system = ticks ? (u64)total / ticks * (*system / TICK_NS) : 0;
	*user = (u64)total - *system;
}

int pctx_cputime(struct pctx *c, u64 *out_user, u64 *out_system)
{
	int tid = ctx_tid(c);
	u64 f[STAT_FIELDS];
	char buf[512];
	int err;

	if (!tid)
		return -ESRCH;
	err = read_proc(c->as, tid, "stat", buf, sizeof(buf));
	if (err)
		return err;
	if (stat_fields(buf, f, STAT_FIELDS) < STAT_FIELDS)
		return -EIO;
	*out_user = f[STAT_UTIME] * TICK_NS;
	*out_system = f[STAT_STIME] * TICK_NS;
	if (read_proc(c->as, tid, "schedstat", buf, sizeof(buf)) == 0)
		scale_cputime(strtoll(buf, NULL, 10), out_user, out_system);
	return 0;
}

/* The host's figures of a process know its ended threads too. What has run for less than two ticks
 * is not worth the reading of a file: its ticks say nothing. */
int pas_cputime(struct pas *as, u64 *out_user, u64 *out_system)
{
	int tgid = atomic_load(&as->tgid);
	s64 total = tgid ? host_cpu_clock(tgid) : -ESRCH;
	u64 f[STAT_FIELDS];
	char buf[512];
	int err;

	if (total < 0)
		return (int)total;
	*out_user = (u64)total;
	*out_system = 0;
	if (total < 2 * (s64)TICK_NS)
		return 0;
	err = read_proc(as, 0, "stat", buf, sizeof(buf));
	if (err)
		return err;
	if (stat_fields(buf, f, STAT_FIELDS) < STAT_FIELDS)
		return -EIO;
	*out_user = f[STAT_UTIME] * TICK_NS;
	*out_system = f[STAT_STIME] * TICK_NS;
	scale_cputime(total, out_user, out_system);
	return 0;
}

/* Asleep at the border does not count: only in the futex call of the guest's own. */
bool pctx_sleeping(struct pctx *c)
{
	int tid = ctx_tid(c);
	char buf[256];

	return tid && read_proc(c->as, tid, "syscall", buf, sizeof(buf)) == 0 &&
	       atoi(buf) == SYS_futex;
}

static u64 status_kib(const char *buf, const char *key)
{
	const char *at = strstr(buf, key);

	return at ? strtoull(at + strlen(key), NULL, 10) * 1024 : 0;
}

int pas_stat(struct pas *as, struct pas_stat *out)
{
	u64 f[STAT_FIELDS];
	char buf[2048];
	int err;

	err = read_proc(as, 0, "stat", buf, sizeof(buf));
	if (err)
		return err;
	if (stat_fields(buf, f, STAT_FIELDS) < STAT_FIELDS)
		return -EIO;
	err = read_proc(as, 0, "status", buf, sizeof(buf));
	if (err)
		return err;
	*out = (struct pas_stat){
		.rss_anon = status_kib(buf, "\nRssAnon:"),
		.rss_file = status_kib(buf, "\nRssFile:"),
		.rss_shmem = status_kib(buf, "\nRssShmem:"),
		.swap = status_kib(buf, "\nVmSwap:"),
		.minflt = f[STAT_MINFLT],
		.majflt = f[STAT_MAJFLT],
	};
	return 0;
}

int pctx_setaffinity(struct pctx *c, const u64 *mask, size_t words)
{
	int tid = ctx_tid(c);

	return tid ? host_sched_setaffinity(tid, words * 8, mask) : -ESRCH;
}

int pctx_getaffinity(struct pctx *c, u64 *mask, size_t words)
{
	int tid = ctx_tid(c);
	long n;

	memset(mask, 0, words * 8);
	n = tid ? host_sched_getaffinity(tid, words * 8, mask) : -ESRCH;
	return n < 0 ? (int)n : 0;
}

int pctx_setnice(struct pctx *c, int nice)
{
	int tid = ctx_tid(c);

	return tid ? host_setnice(tid, nice) : -ESRCH;
}

int pctx_hosttid(struct pctx *c)
{
	return ctx_tid(c);
}
