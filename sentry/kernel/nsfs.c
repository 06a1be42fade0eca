/* SPDX-License-Identifier: Apache-2.0 */
/* nsfs.c - namespaces as files: what /proc/PID/ns leads to (namespaces(7), ioctl_ns(2))
 *
 * Each look at such a link makes an inode of its own, whose number is the namespace's and which
 * holds a reference on it.
 */
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/stat.h>

#include "sentry/auth/userns.h"
#include "sentry/kernel/ipc.h"
#include "sentry/kernel/process.h"

#define NSFS_MAGIC 0x6e736673

static struct mount *g_nsfs; /* const after boot; in no namespace */

static const struct file_ops nsfs_file_ops;

struct ns_common *nsfs_of(struct file *f)
{
	return f->op == &nsfs_file_ops ? f->inode->data : NULL;
}

static void nsfs_evict(struct inode *inode)
{
	ns_put(inode->data);
}

static const struct super_ops nsfs_super_ops = {.evict = nsfs_evict};
static const struct inode_ops nsfs_inode_ops = {0};
static const struct file_system_type nsfs_type = {.name = "nsfs", .flags = FS_NODEV | FS_BINDABLE};

int nsfs_path(struct ns_common *ns, struct path *out)
{
	char name[32];
	struct strbuf s;
	struct inode *i;
	int err;

	i = inode_create(g_nsfs->sb, &nsfs_inode_ops, &nsfs_file_ops, S_IFREG | 0444, ns->inum);
	if (!i)
		return -ENOMEM;
	i->nlink = 1;
	ns_get(ns);
	i->data = ns;
	strbuf_init(&s, name, sizeof(name));
	strbuf_printf(&s, "%s:[%u]", ns_name(ns->ops->kind), ns->inum);
	err = path_anon(g_nsfs, name, i, out);
	if (err)
		inode_put(i);
	return err;
}

/* A descriptor for @ns. */
static long give(struct caller *c, struct ns_common *ns)
{
	struct file *f;
	struct path p;
	int err = nsfs_path(ns, &p), fd;

	if (err)
		return err;
	f = vfs_open_path(c, &p, O_RDONLY | O_CLOEXEC);
	path_put(&p);
	if (IS_ERR(f))
		return PTR_ERR(f);
	fd = fd_install(c->task, f, 0, true);
	if (fd < 0)
		file_put(f);
	return fd;
}

/* The owner: -EPERM when it is not the caller's own or below. */
static long give_user(struct caller *c, struct user_namespace *ns)
{
	if (!user_ns_is_below(ns, c->cred->user_ns))
		return -EPERM;
	return give(c, ns ? &ns->ns : &user_ns_initial()->ns);
}

static long give_parent(struct caller *c, struct ns_common *ns)
{
	struct pid_namespace *parent;

	if (ns->ops->kind == NS_USER)
		return ns == &user_ns_initial()->ns ? -EPERM : give_user(c, ns->owner);
	if (ns->ops->kind != NS_PID)
		return -EINVAL;
	parent = container_of(ns, struct pid_namespace, ns)->parent;
	if (!parent || !pid_ns_is_below(parent, c->task->tg->pid_ns))
		return -EPERM;
	return give(c, &parent->ns);
}

static long owner_uid(struct caller *c, struct ns_common *ns, gva_t out)
{
	u32 uid;

	if (ns->ops->kind != NS_USER)
		return -EINVAL;
	uid = ns == &user_ns_initial()->ns ? 0 : container_of(ns, struct user_namespace, ns)->owner;
	uid = uid_out(c->cred, uid);
	return copy_out(c->mm, out, &uid, sizeof(uid)) ? -EFAULT : 0;
}

static long nsfs_ioctl(struct caller *c, struct file *f, u32 cmd, u64 arg)
{
	struct ns_common *ns = nsfs_of(f);

	switch (cmd) {
	case NS_GET_USERNS:
		return give_user(c, ns->owner);
	case NS_GET_PARENT:
		return give_parent(c, ns);
	case NS_GET_NSTYPE:
		return (long)ns_clone_flag(ns->ops->kind);
	case NS_GET_OWNER_UID:
		return owner_uid(c, ns, GVA(arg));
	default:
		return -ENOTTY;
	}
}

static const struct file_ops nsfs_file_ops = {.ioctl = nsfs_ioctl};

int nsfs_init(void)
{
	struct super_block *sb = sb_create(&nsfs_type, &nsfs_super_ops, NULL);
	struct inode *root;

	if (!sb)
		return -ENOMEM;
	sb->magic = NSFS_MAGIC;
	sb->blksize = PAGE_SIZE;
	root = inode_create(sb, &nsfs_inode_ops, NULL, S_IFDIR | 0555, 0);
	sb->root = root ? dentry_make_root(sb, root) : NULL;
	g_nsfs = sb->root ? mount_pseudo(sb) : NULL;
	return g_nsfs ? 0 : -ENOMEM;
}

struct ns_common *task_ns(struct task *t, enum ns_kind kind, bool children)
{
	struct nsproxy *p = t->ns;
	struct ns_common *ns = NULL;

	mutex_assert_held(&g_kernel->lock);
	if (!p || !t->mnt_ns)
		return NULL;
	switch (kind) {
	case NS_CGROUP:
		ns = &p->cgroup->ns;
		break;
	case NS_IPC:
		ns = &p->ipc->ns;
		break;
	case NS_MNT:
		ns = mnt_ns_common(t->mnt_ns);
		break;
	case NS_NET:
		ns = &p->net->ns;
		break;
	case NS_PID:
		ns = children ? &p->pid_children->ns : &t->tg->pid_ns->ns;
		break;
	case NS_USER:
		ns = t->cred->user_ns ? &t->cred->user_ns->ns : &user_ns_initial()->ns;
		break;
	case NS_UTS:
		ns = &p->uts->ns;
		break;
	default:
		return NULL;
	}
	ns_get(ns);
	return ns;
}
