/* SPDX-License-Identifier: Apache-2.0 */
/* sys_dir.c - getdents(2): entries are packed into the worker's scratch buffer and copied out at
 * once */
#include <sys/stat.h>

#include "syscalls/sys.h"

struct dents {
	struct dir_context dc;
	char *buf;
	size_t size, used;
	bool old;	 /* struct linux_dirent */
	bool any, small; /* small: not even one fits */
};

#define DENT64_NAME 19 /* offsetof(struct linux_dirent64, d_name) */
#define DENT_NAME   18 /* offsetof(struct linux_dirent, d_name) */

static bool emit(struct dir_context *dc, const char *name, size_t len, u64 ino, u32 dtype, u64 next)
{
	struct dents *d = container_of(dc, struct dents, dc);
	size_t name_off = d->old ? DENT_NAME : DENT64_NAME;
	size_t reclen = align_up(name_off + len + (d->old ? 2 : 1), 8ul);
	char *p = d->buf + d->used;
	u16 len16 = reclen;

	if (d->used + reclen > d->size) {
		d->small = !d->any;
		return false;
	}
	memset(p, 0, reclen);
	memcpy(p, &ino, 8);
	memcpy(p + 8, &next, 8);
	memcpy(p + 16, &len16, 2);
	memcpy(p + name_off, name, len);
	if (d->old)
		p[reclen - 1] = (char)dtype;
	else
		p[18] = (char)dtype;
	d->used += reclen;
	d->any = true;
	return true;
}

static long getdents(struct task *t, const struct sys_args *a, bool old)
{
	struct caller *c = task_caller(t);
	scoped_file f = fd_lookup(t, ARG_INT(a, 0));
	u32 want = ARG_UINT(a, 2);
	struct dents d = {.dc.emit = emit, .old = old};
	u64 start;
	int err;

	if (!f)
		return -EBADF;
	if (!f->inode || !S_ISDIR(f->inode->mode))
		return -ENOTDIR;
	/* Linux counts with a sign: nothing fits into less than nothing */
	d.size = (s32)want < 0 ? 0 : min((size_t)want, (size_t)PAGE_SIZE << 4);
	d.buf = page_alloc(4);
	if (!d.buf)
		return -ENOMEM;
	start = f->pos;
	err = vfs_iterate(c, f, &d.dc);
	if (err == 0 && d.small)
		err = -EINVAL;
	if (err == 0 && d.used > 0 && copy_out(t->mm, ARG_GVA(a, 1), d.buf, d.used)) {
		err = -EFAULT;
		vfs_llseek(c, f, start, SEEK_SET);
	}
	page_free(d.buf, 4);
	return err ? err : (long)d.used;
}

long sys_getdents64(struct task *t, const struct sys_args *a)
{
	return getdents(t, a, false);
}

long sys_getdents(struct task *t, const struct sys_args *a)
{
	return getdents(t, a, true);
}
