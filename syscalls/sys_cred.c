/* SPDX-License-Identifier: Apache-2.0 */
/* sys_cred.c - user and group ids, supplementary groups, capabilities (credentials(7),
 * capabilities(7)) */
#include "sentry/kernel/process.h"
#include "sentry/auth/userns.h"
#include "syscalls/sys_cred.h"

#define KEEP			      ((u32)-1)
#define CAP_SETGID_K		      6
#define CAP_SETUID_K		      7
#define CAP_SETPCAP_K		      8
#define SECBIT_NO_CAP_AMBIENT_RAISE_K 0x40u

/* The task's from now on; takes over the reference. */
static long commit(struct task *t, struct cred *new)
{
	const struct cred *old = t->cred;
	bool changed = new->euid != old->euid || new->egid != old->egid ||
		       new->fsuid != old->fsuid || new->fsgid != old->fsgid ||
		       (new->permitted & ~old->permitted);

	new->ambient &= new->permitted &new->inheritable;
	if (changed)
		atomic_store(&t->mm->dumpable, 0);
	tasklist_lock();
	t->cred = new;
	if (changed)
		t->pdeath_signal = 0;
	platform_forget(g_kernel->platform);
	tasklist_unlock();
	cred_put(old);
	return 0;
}

static long commit_ids(struct task *t, struct cred *new)
{
	cred_fix_caps(new, t->cred);
	return commit(t, new);
}

static long refuse(struct cred *new, long err)
{
	cred_put(new);
	return err;
}

/* An id that is given: KEEP stays; false: the caller's namespace does not have it. */
static bool uid_arg(struct task *t, const struct sys_args *a, unsigned i, u32 *out)
{
	*out = uid_in(t->cred, ARG_UINT(a, i));
	return *out != KEEP || ARG_UINT(a, i) == KEEP;
}

static bool gid_arg(struct task *t, const struct sys_args *a, unsigned i, u32 *out)
{
	*out = gid_in(t->cred, ARG_UINT(a, i));
	return *out != KEEP || ARG_UINT(a, i) == KEEP;
}

long sys_getuid(struct task *t, const struct sys_args *a)
{
	return uid_out(t->cred, t->cred->uid);
}

long sys_geteuid(struct task *t, const struct sys_args *a)
{
	return uid_out(t->cred, t->cred->euid);
}

long sys_getgid(struct task *t, const struct sys_args *a)
{
	return gid_out(t->cred, t->cred->gid);
}

long sys_getegid(struct task *t, const struct sys_args *a)
{
	return gid_out(t->cred, t->cred->egid);
}

static long store_three(struct task *t, const struct sys_args *a, u32 x, u32 y, u32 z)
{
	if (copy_out(t->mm, ARG_GVA(a, 0), &x, 4) || copy_out(t->mm, ARG_GVA(a, 1), &y, 4) ||
	    copy_out(t->mm, ARG_GVA(a, 2), &z, 4))
		return -EFAULT;
	return 0;
}

long sys_getresuid(struct task *t, const struct sys_args *a)
{
	const struct cred *c = t->cred;

	return store_three(t, a, uid_out(c, c->uid), uid_out(c, c->euid), uid_out(c, c->suid));
}

long sys_getresgid(struct task *t, const struct sys_args *a)
{
	const struct cred *c = t->cred;

	return store_three(t, a, gid_out(c, c->gid), gid_out(c, c->egid), gid_out(c, c->sgid));
}

/* --- changing ids
 * ------------------------------------------------------------------------------------- */

long sys_setuid(struct task *t, const struct sys_args *a)
{
	u32 uid = uid_in(t->cred, ARG_UINT(a, 0));
	struct cred *new;

	if (uid == KEEP)
		return -EINVAL;
	new = cred_dup(t->cred);
	if (!new)
		return -ENOMEM;
	if (cred_capable_own(t->cred, CAP_SETUID_K))
		new->uid = new->suid = uid;
	else if (uid != new->uid && uid != new->suid)
		return refuse(new, -EPERM);
	new->euid = new->fsuid = uid;
	return commit_ids(t, new);
}

long sys_setgid(struct task *t, const struct sys_args *a)
{
	u32 gid = gid_in(t->cred, ARG_UINT(a, 0));
	struct cred *new;

	if (gid == KEEP)
		return -EINVAL;
	new = cred_dup(t->cred);
	if (!new)
		return -ENOMEM;
	if (cred_capable_own(t->cred, CAP_SETGID_K))
		new->gid = new->sgid = gid;
	else if (gid != new->gid && gid != new->sgid)
		return refuse(new, -EPERM);
	new->egid = new->fsgid = gid;
	return commit(t, new);
}

long sys_setreuid(struct task *t, const struct sys_args *a)
{
	bool any = cred_capable_own(t->cred, CAP_SETUID_K);
	struct cred *new;
	u32 r, e;

	if (!uid_arg(t, a, 0, &r) || !uid_arg(t, a, 1, &e))
		return -EINVAL;
	new = cred_dup(t->cred);
	if (!new)
		return -ENOMEM;
	if (r != KEEP) {
		if (!any && r != new->uid &&r != new->euid)
			return refuse(new, -EPERM);
	}
	if (e != KEEP && !any && e != new->uid &&e != new->euid &&e != new->suid)
		return refuse(new, -EPERM);
	if (r != KEEP || (e != KEEP && e != new->uid))
		new->suid = e != KEEP ? e : new->euid;
	if (r != KEEP)
		new->uid = r;
	if (e != KEEP)
		new->euid = e;
	new->fsuid = new->euid;
	return commit_ids(t, new);
}

long sys_setregid(struct task *t, const struct sys_args *a)
{
	bool any = cred_capable_own(t->cred, CAP_SETGID_K);
	struct cred *new;
	u32 r, e;

	if (!gid_arg(t, a, 0, &r) || !gid_arg(t, a, 1, &e))
		return -EINVAL;
	new = cred_dup(t->cred);
	if (!new)
		return -ENOMEM;
	if (r != KEEP && !any && r != new->gid &&r != new->egid)
		return refuse(new, -EPERM);
	if (e != KEEP && !any && e != new->gid &&e != new->egid &&e != new->sgid)
		return refuse(new, -EPERM);
	if (r != KEEP || (e != KEEP && e != new->gid))
		new->sgid = e != KEEP ? e : new->egid;
	if (r != KEEP)
		new->gid = r;
	if (e != KEEP)
		new->egid = e;
	new->fsgid = new->egid;
	return commit(t, new);
}

static bool one_of(u32 id, u32 x, u32 y, u32 z)
{
	return id == KEEP || id == x || id == y || id == z;
}

long sys_setresuid(struct task *t, const struct sys_args *a)
{
	const struct cred *c = t->cred;
	struct cred *new;
	u32 r, e, s;

	if (!uid_arg(t, a, 0, &r) || !uid_arg(t, a, 1, &e) || !uid_arg(t, a, 2, &s))
		return -EINVAL;
	if (!cred_capable_own(t->cred, CAP_SETUID_K) &&
	    (!one_of(r, c->uid, c->euid, c->suid) || !one_of(e, c->uid, c->euid, c->suid) ||
	     !one_of(s, c->uid, c->euid, c->suid)))
		return -EPERM;
	new = cred_dup(c);
	if (!new)
		return -ENOMEM;
	new->uid = r != KEEP ? r : c->uid;
	new->euid = e != KEEP ? e : c->euid;
	new->suid = s != KEEP ? s : c->suid;
	new->fsuid = new->euid;
	return commit_ids(t, new);
}

long sys_setresgid(struct task *t, const struct sys_args *a)
{
	const struct cred *c = t->cred;
	struct cred *new;
	u32 r, e, s;

	if (!gid_arg(t, a, 0, &r) || !gid_arg(t, a, 1, &e) || !gid_arg(t, a, 2, &s))
		return -EINVAL;
	if (!cred_capable_own(t->cred, CAP_SETGID_K) &&
	    (!one_of(r, c->gid, c->egid, c->sgid) || !one_of(e, c->gid, c->egid, c->sgid) ||
	     !one_of(s, c->gid, c->egid, c->sgid)))
		return -EPERM;
	new = cred_dup(c);
	if (!new)
		return -ENOMEM;
	new->gid = r != KEEP ? r : c->gid;
	new->egid = e != KEEP ? e : c->egid;
	new->sgid = s != KEEP ? s : c->sgid;
	new->fsgid = new->egid;
	return commit(t, new);
}

long sys_setfsuid(struct task *t, const struct sys_args *a)
{
	u32 id = uid_in(t->cred, ARG_UINT(a, 0)), old = t->cred->fsuid;
	const struct cred *c = t->cred;
	struct cred *new;

	if (id == KEEP || id == old ||
	    (!cred_capable_own(t->cred, CAP_SETUID_K) && id != c->uid && id != c->euid &&
	     id != c->suid))
		return uid_out(c, old);
	new = cred_dup(c);
	if (new) {
		new->fsuid = id;
		commit_ids(t, new);
	}
	return uid_out(t->cred, old);
}

long sys_setfsgid(struct task *t, const struct sys_args *a)
{
	u32 id = gid_in(t->cred, ARG_UINT(a, 0)), old = t->cred->fsgid;
	const struct cred *c = t->cred;
	struct cred *new;

	if (id == KEEP || id == old ||
	    (!cred_capable_own(t->cred, CAP_SETGID_K) && id != c->gid && id != c->egid &&
	     id != c->sgid))
		return gid_out(c, old);
	new = cred_dup(c);
	if (new) {
		new->fsgid = id;
		commit(t, new);
	}
	return gid_out(t->cred, old);
}

/* --- groups
 * -------------------------------------------------------------------------------------------- */

static long getgroups_mapped(struct task *t, gva_t out, const struct cred_groups *g)
{
	for (u32 i = 0; i < g->count; i++) {
		u32 gid = gid_out(t->cred, g->gids[i]);

		if (copy_out(t->mm, gva_add(out, i * sizeof(gid)), &gid, sizeof(gid)))
			return -EFAULT;
	}
	return g->count;
}

long sys_getgroups(struct task *t, const struct sys_args *a)
{
	const struct cred_groups *g = t->cred->groups;
	s32 size = ARG_INT(a, 0);
	u32 count = g ? g->count : 0;

	if (size < 0)
		return -EINVAL;
	if (size == 0)
		return count;
	if (count > (u32)size)
		return -EINVAL;
	if (t->cred->user_ns)
		return getgroups_mapped(t, ARG_GVA(a, 1), g);
	if (count && copy_out(t->mm, ARG_GVA(a, 1), g->gids, count * sizeof(u32)))
		return -EFAULT;
	return count;
}

long sys_setgroups(struct task *t, const struct sys_args *a)
{
	s32 count = ARG_INT(a, 0);
	struct cred *new;
	u32 *gids = NULL;
	long err = 0;

	if (!cred_capable_own(t->cred, CAP_SETGID_K) || !user_ns_may_setgroups(t->cred->user_ns))
		return -EPERM;
	if (count < 0 || count > CRED_NGROUPS_MAX)
		return -EINVAL;
	if (count) {
		gids = kalloc((size_t)count * sizeof(u32));
		if (!gids)
			return -ENOMEM;
		err = copy_in(t->mm, gids, ARG_GVA(a, 1), (size_t)count * sizeof(u32));
		for (s32 i = 0; !err && i < count; i++) {
			gids[i] = gid_in(t->cred, gids[i]);
			err = gids[i] == KEEP ? -EINVAL : 0;
		}
	}
	new = err ? NULL : cred_dup(t->cred);
	if (!err)
		err = new ? cred_set_groups(new, gids, (u32)count) : -ENOMEM;
	if (gids)
		kfree(gids, (size_t)count * sizeof(u32));
	if (err) {
		if (new)
			cred_put(new);
		return err;
	}
	return commit(t, new);
}

/* --- capabilities
 * ---------------------------------------------------------------------------------------- */

#define CAP_VERSION_1 0x19980330u
#define CAP_VERSION_2 0x20071026u
#define CAP_VERSION_3 0x20080522u

struct cap_header_k {
	u32 version;
	s32 pid;
};
struct cap_data_k {
	u32 effective, permitted, inheritable;
};

/* Words of the version that the header asks for; an unknown one is answered with ours. */
static long cap_header(struct task *t, gva_t at, struct cap_header_k *h, unsigned *out_words)
{
	u32 mine = CAP_VERSION_3;

	if (copy_in_obj(t->mm, h, at))
		return -EFAULT;
	switch (h->version) {
	case CAP_VERSION_1:
		*out_words = 1;
		return 0;
	case CAP_VERSION_2:
	case CAP_VERSION_3:
		*out_words = 2;
		return 0;
	default:
		return copy_out(t->mm, at, &mine, sizeof(mine)) ? -EFAULT : -EINVAL;
	}
}

long sys_capget(struct task *t, const struct sys_args *a)
{
	struct cap_data_k data[2];
	struct cap_header_k h;
	const struct cred *c = NULL;
	struct task *target;
	unsigned words;
	long err = cap_header(t, ARG_GVA(a, 0), &h, &words);

	if (err)
		return err == -EINVAL && !ARG_GVA(a, 1).v ? 0 : err;
	if (h.pid < 0)
		return -EINVAL;
	tasklist_lock();
	target = h.pid ? task_find_for(t, h.pid) : t;
	if (target)
		c = cred_get(target->cred);
	tasklist_unlock();
	if (!c)
		return -ESRCH;
	for (unsigned i = 0; i < 2; i++) {
		data[i].effective = (u32)(c->effective >> 32 * i);
		data[i].permitted = (u32)(c->permitted >> 32 * i);
		data[i].inheritable = (u32)(c->inheritable >> 32 * i);
	}
	cred_put(c);
	if (!ARG_GVA(a, 1).v)
		return 0;
	return copy_out(t->mm, ARG_GVA(a, 1), data, words * sizeof(data[0]));
}

long sys_capset(struct task *t, const struct sys_args *a)
{
	struct cap_data_k data[2] = {{0}};
	u64 effective = 0, permitted = 0, inheritable = 0;
	const struct cred *c = t->cred;
	struct cap_header_k h;
	struct cred *new;
	unsigned words;
	long err = cap_header(t, ARG_GVA(a, 0), &h, &words);

	if (err)
		return err;
	if (h.pid && h.pid != t->vtid)
		return -EPERM;
	if (copy_in(t->mm, data, ARG_GVA(a, 1), words * sizeof(data[0])))
		return -EFAULT;
	for (unsigned i = 0; i < words && i < array_size(data); i++) {
		effective |= (u64)data[i].effective << 32 * i;
		permitted |= (u64)data[i].permitted << 32 * i;
		inheritable |= (u64)data[i].inheritable << 32 * i;
	}
	effective &= CAP_FULL, permitted &= CAP_FULL, inheritable &= CAP_FULL;
	if (!cred_capable_own(t->cred, CAP_SETPCAP_K) &&
	    (inheritable & ~(c->inheritable | c->permitted)))
		return -EPERM;
	if ((inheritable & ~(c->inheritable | c->bounding)) || (permitted & ~c->permitted) ||
	    (effective & ~permitted))
		return -EPERM;
	new = cred_dup(c);
	if (!new)
		return -ENOMEM;
	new->effective = effective;
	new->permitted = permitted;
	new->inheritable = inheritable;
	new->ambient &= permitted &inheritable;
	return commit(t, new);
}

/* --- what prctl does to credentials
 * ------------------------------------------------------------------------ */

long cred_drop_bounding(struct task *t, u64 cap)
{
	struct cred *new;

	if (!cred_capable_own(t->cred, CAP_SETPCAP_K))
		return -EPERM;
	if (cap > CAP_LAST)
		return -EINVAL;
	new = cred_dup(t->cred);
	if (!new)
		return -ENOMEM;
	new->bounding &= ~(1ull << cap);
	return commit(t, new);
}

long cred_set_securebits(struct task *t, u64 bits)
{
	const struct cred *c = t->cred;
	u32 locks = (c->securebits & 0xaa) >> 1; /* each bit's lock stands above it */
	struct cred *new;

	if ((c->securebits & 0xaa & ~bits) || ((c->securebits ^ bits) & locks) ||
	    (bits & ~0xffull) || !cred_capable_own(t->cred, CAP_SETPCAP_K))
		return -EPERM;
	new = cred_dup(c);
	if (!new)
		return -ENOMEM;
	new->securebits = (u32)bits;
	return commit(t, new);
}

long cred_ambient(struct task *t, u64 op, u64 cap)
{
	const struct cred *c = t->cred;
	struct cred *new;

	if (op == 4) { /* PR_CAP_AMBIENT_CLEAR_ALL */
		if (cap)
			return -EINVAL;
		new = cred_dup(c);
		if (!new)
			return -ENOMEM;
		new->ambient = 0;
		return commit(t, new);
	}
	if (op < 1 || op > 3 || cap > CAP_LAST)
		return -EINVAL;
	if (op == 1) /* IS_SET */
		return c->ambient >> cap & 1;
	if (op == 2 && (!(c->permitted >> cap & 1) || !(c->inheritable >> cap & 1) ||
			(c->securebits & SECBIT_NO_CAP_AMBIENT_RAISE_K)))
		return -EPERM;
	new = cred_dup(c);
	if (!new)
		return -ENOMEM;
	if (op == 2)
		new->ambient |= 1ull << cap;
	else
		new->ambient &= ~(1ull << cap);
	return commit(t, new);
}
