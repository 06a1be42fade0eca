/* SPDX-License-Identifier: Apache-2.0 */
/* birth.c - new host threads in a stub, and how we know whose they are
 *
 * A thread is made by the host's clone, carried out by another thread of a stub on our order.
 * Its first call is its birth, the mmap of its chunk of areas. The thread's id is what the
 * host kernel says in that notification. Which context it is for: the area's number in the last
 * argument, and a random cookie in the fifth (the upper half, which mmap does not look at) that
 * only the parent's address space has seen.
 *
 * Where the process has the area mapped from an earlier thread the child is *quiet*: it begins at
 * once with the guest's code, and its first notification, whatever it is, makes it known
 * (birth_adopt). The host's clone stores its id in the area; the guest can write there too, so the
 * id counts only when the host says that the thread belongs to the process: a guest can at most
 * exchange threads of its own. A kick finds the thread by the same word, and when that is not there
 * yet the child finds area->kicked and comes by an event with the arguments of a birth.
 *
 * A notification from an unknown thread that is neither gets it killed.
 *
 * Until its birth is answered the thread has not run anything of the guest; clean stubs of the pool
 * simply wait there. What it does next is area->start.
 */
#include "platform/unotify/internal.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "platform/arch/x86_64/stub.h"
#include "platform/host/host.h"
#include "platform/host/process.h"

static u64 birth_fd(const struct pctx *c)
{
	return (u64)c->cookie << 32 | c->slot;
}

static u64 birth_offset(const struct pctx *c)
{
	return (u64)((u8 *)c->area - c->p->areas);
}

static int birth_nr(const struct pctx *c)
{
	return c->is_mapped ? STUB_NR_EVENT : SYS_mmap;
}

/* The child will begin without a word: it needs no mapping. */
static void expect_quiet(struct pctx *c)
{
	struct platform *p = c->p;

	atomic_store(&c->area->host_tid, 0);
	atomic_store(&c->area->kicked, 0);
	mutex_lock(&p->lock);
	list_append(&p->quiet, &c->quiet);
	mutex_unlock(&p->lock);
}

void birth_order(struct pctx *parent, struct pctx *child, u64 host_flags, u64 tls, unsigned flags)
{
	struct area *a = parent->area, *b = child->area;
	u64 what = (child->is_mapped ? 0 : CTL_B_MAPPED) | (child->leader ? CTL_B_PROCESS : 0) |
		   (parent->p->rewrite ? CTL_B_GS : 0);
	/* The sixth argument is none of clone's: the child finds the size of its chunk in it. */
	struct pcmd clone = {
		.nr = SYS_clone,
		.fd = -1,
		.args = {host_flags, 0, 0, 0, tls, parent->p->area_size * CHUNK_AREAS}};

	if (child->is_mapped) {
		expect_quiet(child);
		clone.args[0] |= CLONE_PARENT_SETTID;
		clone.args[2] = (u64)&b->host_tid;
	}

	__atomic_store_n(&b->birth, what, __ATOMIC_RELAXED);
	b->start = STUB_RESUME;
	atomic_store_explicit(&b->alive, 1, memory_order_relaxed);
	a->child_nr = child->is_mapped ? 0 : SYS_mmap;
	a->child_area = (u64)b;
	a->child_fd = birth_fd(child);
	a->child_off = birth_offset(child);
	parent->child = child;
	child->maker = parent;
	ctx_sent(child); /* its own first notification comes after all this */
	order_write(parent, &clone, 1, flags);
	if (ctx_move(parent, CTX_REGS, flags & PRUN_RESUME ? CTX_GUEST : CTX_COMMAND))
		ctx_tell(parent, STUB_RUN);
}

/* The parent says that the child is process @pid. It may have been killed and reaped already. */
static void unborn_promised(struct pctx *c, int pid)
{
	c->as->promised = pid > 0 ? pid : -1;
	if (pid > 0 && host_kill(pid, 0) == -ESRCH)
		as_stillborn(c->as);
}

/* There was no clone. */
static void unborn_failed(struct pctx *c)
{
	if (c->spawned) {
		as_stillborn(c->as);
		return;
	}
	atomic_store(&c->state, CTX_FREE);
	if (c->leader)
		c->as->dead = true;
}

void birth_ordered(struct pctx *parent, long *result)
{
	struct platform *p = parent->p;
	struct pctx *c;

	mutex_lock(&p->lock);
	c = parent->child;
	parent->child = NULL;
	rewrite_forked(parent);
	/* A child that was born is proof enough, whatever the parent says. */
	if (*result < 0 && c && ctx_state(c) == CTX_UNBORN) {
		unborn_failed(c);
	} else {
		if (c && ctx_state(c) == CTX_UNBORN && c->leader)
			unborn_promised(c, (int)*result);
		*result = 0;
	}
	mutex_unlock(&p->lock);
}

/* The context whose birth @q is, or NULL. */
static struct pctx *birth_match(struct platform *p, const struct seccomp_notif *q)
{
	const __u64 *a = q->data.args;
	u64 i = a[5] / p->area_size;
	struct pctx *c = i < AREAS_MAX ? p->infos[i].unborn : NULL;

	if (!c || ctx_state(c) == CTX_FREE)
		return NULL;
	if (q->data.nr != birth_nr(c) || a[0] != (u64)c->area ||
	    a[1] != p->area_size * CHUNK_AREAS || a[2] != (PROT_READ | PROT_WRITE) ||
	    a[3] != (MAP_SHARED | MAP_FIXED) || a[4] != birth_fd(c) || a[5] != birth_offset(c))
		return NULL;
	return c;
}

/* Makes the thread known. Under the lock. */
static void birth_register(struct pctx *c, const struct seccomp_notif *q)
{
	struct platform *p = c->p;

	list_del(&c->quiet);
	p->infos[((u8 *)c->area - p->areas) / p->area_size].unborn = NULL;
	if (c->leader) {
		atomic_store(&c->as->tgid, (int)q->pid);
		p->tgids[q->pid] = c->as;
		if (c->as->doomed)
			(void)host_kill((int)q->pid, SIGKILL);
	}
	c->chunk_new = !c->is_mapped;
	atomic_store(&c->tid, (int)q->pid);
	atomic_store_explicit(&p->tids[q->pid], c, memory_order_release);
}

bool birth(struct platform *p, const struct seccomp_notif *q, struct pevent *out)
{
	bool wanted = true, spawned;
	struct pctx *c;

	mutex_lock(&p->lock);
	c = q->pid < PIDS_MAX ? birth_match(p, q) : NULL;
	if (!c) {
		mutex_unlock(&p->lock);
		stranger(p, q);
		return false;
	}
	ctx_received(c);
	birth_register(c, q);
	c->id = q->id;
	atomic_store_explicit(&c->pending, true, memory_order_relaxed);
	c->at_birth = true;
	spawned = c->spawned;
	if (spawned) {
		wanted = ctx_move(c, CTX_UNBORN, CTX_REGS) && pool_born(c);
		if (wanted)
			*out = (struct pevent){.kind = PEV_READY, .ctx = c, .owner = c->owner};
	} else {
		wanted = ctx_move(c, CTX_UNBORN, CTX_GUEST);
	}
	mutex_unlock(&p->lock);
	if (spawned)
		return wanted;
	if (wanted) {
		if (atomic_load(&c->kicked))
			ctx_kick_thread(c);
		c->at_birth = false;
		birth_finish(c);
	}
	return false;
}

struct pctx *birth_adopt(struct platform *p, const struct seccomp_notif *q)
{
	struct pctx *c, *found = NULL;

	if (!q->pid || q->pid >= PIDS_MAX)
		return NULL;
	mutex_lock(&p->lock);
	list_for_each_entry (c, &p->quiet, quiet) {
		int tgid = atomic_load(&c->as->tgid);

		/* The word is the guest's: one of another process is not believed. */
		if (atomic_load(&c->area->host_tid) != q->pid || !tgid ||
		    host_tgkill(tgid, (int)q->pid, 0))
			continue;
		if (ctx_state(c) == CTX_UNBORN)
			found = c;
		break;
	}
	if (found) {
		birth_register(found, q);
		ctx_move(found, CTX_UNBORN, CTX_GUEST);
	}
	mutex_unlock(&p->lock);
	return found;
}

void birth_finish(struct pctx *c)
{
	struct platform *p = c->p;
	struct seccomp_notif_addfd add = {
		.id = c->id,
		.flags = SECCOMP_ADDFD_FLAG_SETFD,
		.srcfd = (u32)p->memfd,
		.newfd = c->slot,
	};

	if (c->is_mapped) {
		notif_send(c, 0, 0);
		return;
	}
	c->is_mapped = true;
	/* HOST_CALL(ioctl, a1 == SECCOMP_IOCTL_NOTIF_ADDFD) */
	(void)host_ioctl(p->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	notif_send(c, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

#define THREAD_FLAGS \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

int pctx_clone(struct pctx *parent, unsigned flags, const struct pregs *regs, u64 tls,
	       gva_t set_tid, u32 tid, void *owner, void *as_owner, struct pctx **out)
{
	u64 host_flags = flags & PCLONE_NEWAS ? CLONE_PARENT | SIGCHLD : THREAD_FLAGS;
	struct frame_bounds from = ctx_bounds(parent), to;
	struct platform *p = parent->p;
	struct pas *as = parent->as;
	struct pctx *c = NULL;

	if (ctx_state(parent) == CTX_FREE)
		return -ESRCH;
	mutex_lock(&p->lock);
	if (flags & PCLONE_NEWAS) {
		as = as_create(p, as_owner);
		if (as)
			as->claimed = true;
	}
	if (as)
		c = ctx_create(p, as, owner);
	if (c && as != parent->as)
		rewrite_fork(as, parent);
	if (!c && as && as != parent->as)
		as_free(as);
	mutex_unlock(&p->lock);
	if (!c)
		return -EAGAIN;
	to = ctx_bounds(c);
	c->frame = frame_make_copy(&to, parent->frame, &from);
	frame_set_regs(c->frame, regs);
	c->area->frame = (u64)c->frame;
	c->area->set_tid = set_tid.v;
	local_init(c, parent);
	c->area->tid = tid;
	if (flags & PCLONE_SETTLS)
		host_flags |= CLONE_SETTLS;
	*out = c;
	birth_order(parent, c, host_flags, tls,
		    flags & PCLONE_RESUME ? PRUN_RESUME | PRUN_RESUME_AS_IS : 0);
	return 0;
}
