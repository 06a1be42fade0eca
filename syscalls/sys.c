/* SPDX-License-Identifier: Apache-2.0 */
/* sys.c - arguments that many handlers share: paths, times, signal sets */
#include "fs/vfs/vfs.h"
#include "syscalls/sys.h"

int path_arg_get(struct task *t, gva_t src, struct path_arg *out)
{
	ssize_t n;

	out->name = page_alloc_dirty(0); /* read up to its 0 only */
	if (!out->name)
		return -ENOMEM;
	n = copy_in_str(t->mm, out->name, src, PATH_MAX);
	if (n >= 0)
		return 0;
	path_arg_put(out);
	return n;
}

void path_arg_put(struct path_arg *p)
{
	if (p->name)
		page_free(p->name, 0);
	p->name = NULL;
}

int dirfd_get(struct task *t, int dirfd, const char *name, struct path *out)
{
	struct file *f;

	if (dirfd == AT_FDCWD || name[0] == '/')
		return 0;
	f = fd_lookup_path(t, dirfd);
	if (!f)
		return -EBADF;
	if (!f->path.dentry) {
		file_put(f);
		return -ENOTDIR;
	}
	*out = f->path;
	path_get(out);
	file_put(f);
	return 1;
}

int path_at(struct task *t, int dirfd, gva_t src, u32 walk_flags, struct path *out)
{
	scoped_path p = {NULL};
	scoped_walk start = {NULL, NULL};
	int ret = path_arg_get(t, src, &p);

	if (!ret && !p.name[0] && !(walk_flags & WALK_EMPTY))
		ret = -ENOENT;
	if (ret)
		return ret;
	ret = dirfd_get(t, dirfd, p.name, &start);
	if (ret < 0)
		return ret;
	return vfs_walk(task_caller(t), ret ? &start : NULL, p.name, walk_flags, out);
}

int timespec_in(struct task *t, gva_t src, s64 *out_ns)
{
	struct {
		s64 sec, nsec;
	} ts;
	long err = copy_in_obj(t->mm, &ts, src);

	if (err)
		return err;
	if (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= NSEC_PER_SEC)
		return -EINVAL;
	*out_ns = ts.sec >= S64_MAX / NSEC_PER_SEC ? S64_MAX : ts.sec * NSEC_PER_SEC + ts.nsec;
	return 0;
}

int timespec_out(struct task *t, gva_t dst, s64 ns)
{
	struct {
		s64 sec, nsec;
	} ts = {ns / NSEC_PER_SEC, ns % NSEC_PER_SEC};

	return copy_out_obj(t->mm, dst, &ts);
}

int sigset_in(struct task *t, gva_t src, u64 size, u64 *out)
{
	if (size != sizeof(*out))
		return -EINVAL;
	return copy_in_obj(t->mm, out, src);
}
