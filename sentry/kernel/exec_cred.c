/* SPDX-License-Identifier: Apache-2.0 */
/* exec_cred.c - who a new program runs as: set-id bits, file capabilities, root's privileges
 * (capabilities(7)) */
#include <sys/mount.h>
#include <sys/stat.h>

#include "sentry/auth/userns.h"
#include "sentry/kernel/exec.h"

#define SECURE_NOROOT	   1u
#define SECURE_KEEP_CAPS   0x10u
#define CAPS_NAME	   "security.capability"
#define CAPS_REVISION_MASK 0xff000000u
#define CAPS_REVISION_2	   0x02000000u
#define CAPS_REVISION_3	   0x03000000u
#define CAPS_EFFECTIVE	   1u

/* As the extended attribute has it (vfs_cap_data, vfs_ns_cap_data), little endian. */
struct caps_xattr {
	u32 magic;
	struct {
		u32 permitted, inheritable;
	} data[2];
	u32 rootid;
};
static_assert(sizeof(struct caps_xattr) == 24, "xattr layout");

struct file_caps {
	bool any, effective;
	u64 permitted, inheritable;
};

/* May the file's mode or attributes give anything? */
static bool may_gain(const struct task *t, const struct file *f)
{
	return !t->no_new_privs && !(f->path.mnt->flags & MS_NOSUID) &&
	       mount_in_ns(f->path.mnt, t->mnt_ns);
}

/* Is @root the root of the caller's user namespace or of one above it? */
static bool owns_namespace(const struct cred *c, u32 root)
{
	for (const struct user_namespace *ns = c->user_ns; ns; ns = user_ns_parent(ns))
		if (root_uid_of(ns) == root)
			return true;
	return root == 0;
}

static void read_file_caps(struct caller *c, struct file *f, struct file_caps *out)
{
	struct caps_xattr x = {0};
	ssize_t n;

	if (!f->inode->op || !f->inode->op->getxattr)
		return;
	n = f->inode->op->getxattr(c, f->inode, CAPS_NAME, &x, sizeof(x));
	if (n < 20)
		return;
	if ((x.magic & CAPS_REVISION_MASK) != CAPS_REVISION_2 &&
	    ((x.magic & CAPS_REVISION_MASK) != CAPS_REVISION_3 || n != sizeof(x)))
		return;
	if (!owns_namespace(c->cred, n == sizeof(x) ? x.rootid : 0))
		return;
	out->any = true;
	out->effective = x.magic & CAPS_EFFECTIVE;
	out->permitted = (x.data[0].permitted | (u64)x.data[1].permitted << 32) & CAP_FULL;
	out->inheritable = (x.data[0].inheritable | (u64)x.data[1].inheritable << 32) & CAP_FULL;
}

static void apply_set_id(struct cred *n, const struct inode *inode)
{
	if (!cred_ids_mapped(n, inode->uid, inode->gid))
		return;
	if (inode->mode & S_ISUID)
		n->euid = inode->uid;
	if ((inode->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		n->egid = inode->gid;
}

static void apply_caps(struct cred *n, const struct cred *old, const struct file_caps *given)
{
	struct file_caps f = *given;
	u32 root = root_uid_of(n->user_ns);
	bool id_changed = n->euid != old->euid || n->egid != old->egid;

	if (!(n->securebits & SECURE_NOROOT) && (n->euid == root || n->uid == root)) {
		/* A file with capabilities of its own that root's set-id file has: these, not all.
		 */
		if (!(f.any && n->uid != root && n->euid == root)) {
			f.permitted = f.inheritable = CAP_FULL;
			f.effective = n->euid == root;
			f.any = true;
		}
	}
	if (id_changed || (given->any))
		n->ambient = 0;
	n->permitted =
		(f.permitted & n->bounding) | (f.inheritable & old->inheritable) | n->ambient;
	n->effective = f.effective ? n->permitted : n->ambient;
	n->inheritable = old->inheritable;
}

int exec_cred(struct task *t, struct caller *c, struct exec *e)
{
	const struct cred *old = t->cred;
	struct cred *n = cred_dup(old);
	struct file_caps caps = {false};

	if (!n)
		return -ENOMEM;
	if (may_gain(t, e->prog.file)) {
		apply_set_id(n, e->prog.file->inode);
		read_file_caps(c, e->prog.file, &caps);
	}
	apply_caps(n, old, &caps);
	n->suid = n->fsuid = n->euid;
	n->sgid = n->fsgid = n->egid;
	n->securebits &= ~SECURE_KEEP_CAPS;
	e->set_id =
		n->euid != old->euid || n->egid != old->egid || (n->permitted & ~old->permitted);
	e->ids = (struct exec_ids){.uid = uid_out(n, n->uid),
				   .euid = uid_out(n, n->euid),
				   .gid = gid_out(n, n->gid),
				   .egid = gid_out(n, n->egid)};
	e->ids.secure = n->uid != n->euid || n->gid != n->egid ||
			(n->uid != root_uid_of(n->user_ns) &&
			 (caps.effective || n->permitted & ~n->ambient));
	e->cred = n;
	return 0;
}
