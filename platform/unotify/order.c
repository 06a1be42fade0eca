/* SPDX-License-Identifier: Apache-2.0 */
/* order.c - commands for the stub, and the check that it does what was ordered
 *
 * Commands are copied to the thread's area, where the guest could change them. So each one that
 * could give the guest something new, or whose effect the sentry relies on, is a notification
 * when the stub makes it: it must be the next such command of the order, with exactly its
 * arguments, and is then continued (the arguments are registers by then). Which ones those are
 * is the filter's decision (filter.c, stub part); order_is_notified() mirrors it. An order
 * counts as carried out only when all of them were seen: an event that comes earlier kills the
 * guest. The other commands (anonymous memory, wake-ups) may be skipped or altered by a hostile
 * guest, to its own damage only.
 *
 * A descriptor for mmap is put into the stub while it waits in the notified mmap, under a number
 * that is the thread's own (threads share the table), and the stub closes it when the order
 * ends.
 */
#include "platform/unotify/internal.h"

#include <asm/prctl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "platform/arch/x86_64/stub.h"
#include "platform/host/host.h"
#include "platform/host/stats.h"

static_assert(PCMD_CMPXCHG == STUB_NR_CMPXCHG && PCMD_PATCH == STUB_NR_PATCH, "stub.h");
static_assert(CTL_CMDS + PCMD_MAX * 64 <= CTL_SIZE, "commands fit");

/* Does the stub's call come to us? */
static bool order_is_notified(const struct pcmd *cmd)
{
	switch (cmd->nr) {
	case PCMD_CMPXCHG:
	case PCMD_PATCH:
		return false;
	case SYS_mmap:
		return !(cmd->args[3] & MAP_ANONYMOUS) || (cmd->args[3] & ~(u64)MAP_OWN);
	case SYS_madvise:
		return cmd->args[2] >= 32 || !(ADVICE_OWN >> cmd->args[2] & 1);
	case SYS_futex:
	case SYS_close_range:
		return false;
	case SYS_arch_prctl:
		return cmd->args[0] < ARCH_SET_GS || cmd->args[0] > ARCH_GET_GS;
	default:
		return true;
	}
}

/* Only what platform.h lists; anything else is a bug of ours. */
static void order_check(const struct pcmd *cmd)
{
	switch (cmd->nr) {
	case SYS_mmap:
		BUG_ON(!(cmd->args[3] & MAP_FIXED));
		break;
	case SYS_mremap:
		BUG_ON((cmd->args[3] & MREMAP_MAYMOVE) && !(cmd->args[3] & MREMAP_FIXED));
		break;
	case SYS_futex:
		BUG_ON((cmd->args[1] & ~(u64)FUTEX_PRIVATE_FLAG) != FUTEX_WAKE);
		break;
	case SYS_munmap:
	case SYS_mprotect:
	case SYS_pkey_mprotect:
	case SYS_madvise:
	case SYS_arch_prctl:
	case SYS_mincore:
	case SYS_mlock:
	case SYS_mlock2:
	case SYS_munlock:
	case SYS_mlockall:
	case SYS_munlockall:
	case SYS_msync:
	case SYS_rseq:
	case SYS_clone:
	case SYS_close_range:
	case PCMD_CMPXCHG:
	case PCMD_PATCH:
		break;
	default:
		BUG("command %d for a stub", cmd->nr);
	}
}

void order_write(struct pctx *c, const struct pcmd *cmds, unsigned count, unsigned flags)
{
	struct area *a = c->area;
	u64 ctl = (flags & PRUN_RESUME ? CTL_F_RESUME : 0) |
		  (flags & PRUN_RESUME_AS_IS ? CTL_F_AS_IS : 0);

	BUG_ON(!count || count > PCMD_MAX);
	stat_add(STAT_ORDERS, 1);
	stat_add(STAT_COMMANDS, count);
	for (unsigned i = 0; i < count; i++) {
		struct pcmd *cmd = &c->cmds[i];

		*cmd = cmds[i];
		order_check(cmd);
		if (cmd->nr != SYS_mmap)
			cmd->fd = -1;
		if (cmd->fd >= 0) {
			cmd->args[4] = c->slot;
			ctl |= CTL_F_CLOSE;
		}
		a->cmds[i].nr = (u64)cmd->nr;
		memcpy(a->cmds[i].args, cmd->args, sizeof(cmd->args));
	}
	a->count = count;
	a->flags = ctl;
	c->count = count;
	c->next = 0;
	c->given = -1;
	c->running = true;
	c->resume = flags & PRUN_RESUME;
}

bool order_complete(const struct pctx *c, unsigned count)
{
	for (unsigned i = c->next; i < count; i++)
		if (order_is_notified(&c->cmds[i]))
			return false;
	return true;
}

/* Puts the command's descriptor into the stub, which waits in the command. */
static int give_descriptor(struct pctx *c, const struct seccomp_notif *q, int fd)
{
	struct seccomp_notif_addfd add = {
		.id = q->id,
		.flags = SECCOMP_ADDFD_FLAG_SETFD,
		.srcfd = (u32)fd,
		.newfd = c->slot,
	};
	long r;

	if (c->given == fd)
		return 0;
	/* HOST_CALL(ioctl, a1 == SECCOMP_IOCTL_NOTIF_ADDFD) */
	r = host_ioctl(c->p->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	if (r < 0)
		return (int)r;
	c->given = fd;
	return 0;
}

void order_seen(struct pctx *c, const struct seccomp_notif *q)
{
	enum ctx_state s = ctx_state(c);
	const struct pcmd *cmd;
	int err = 0;

	c->id = q->id;
	atomic_store_explicit(&c->pending, true, memory_order_relaxed);
	if (s == CTX_FREE)
		return;
	while (c->running && c->next < c->count && !order_is_notified(&c->cmds[c->next]))
		c->next++;
	cmd = &c->cmds[c->next];
	if ((s != CTX_COMMAND && s != CTX_GUEST) || !c->running || c->next >= c->count ||
	    q->data.nr != cmd->nr || memcmp(q->data.args, cmd->args, sizeof(cmd->args))) {
		as_fatal(c, "a call from the stub's text that was not ordered");
		return;
	}
	c->next++;
	if (cmd->fd >= 0)
		err = give_descriptor(c, q, cmd->fd);
	if (err)
		notif_send(c, err, 0);
	else
		notif_send(c, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}
