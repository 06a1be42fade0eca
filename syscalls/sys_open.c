/* SPDX-License-Identifier: Apache-2.0 */
/* sys_open.c - open(2), openat2(2), creat(2), memfd_create(2) */
#include <linux/openat2.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "syscalls/sys.h"

#define O_LARGEFILE_K 0100000
#define VALID_OPEN_FLAGS                                                                       \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |  \
	 O_DSYNC | O_ASYNC | O_DIRECT | O_LARGEFILE_K | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | \
	 O_CLOEXEC | O_PATH | O_TMPFILE)
#define TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)
#define HELD_FD	    (-2) /* no number can be this: the file that an open of a FIFO waits with */

/* The open file gets its number; an open of a FIFO waits for the other end before. */
static long finish_open(struct task *t, struct file *f, u32 flags)
{
	u32 pending = f->op && f->op->open_pending && !(f->mode & FMODE_PATH)
			      ? f->op->open_pending(f)
			      : 0;
	int fd;

	if (pending && !(flags & O_NONBLOCK)) {
		t->wait.stage = 1;
		t->wait.data[0] = flags;
		task_block_file(t, HELD_FD, f, pending, -ERESTARTSYS);
		file_put(f);
		return -EBLOCKED;
	}
	fd = fd_install(t, f, 0, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

/* Flags that contradict each other. */
static int check_flags(u32 flags)
{
	if (flags & O_PATH)
		return 0;
	if (flags & TMPFILE_BIT)
		return (flags & O_TMPFILE) == O_TMPFILE && !(flags & O_CREAT) &&
				       flags & (O_WRONLY | O_RDWR)
			       ? 0
			       : -EINVAL;
	return (flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY) ? -EINVAL : 0;
}

static long do_open(struct task *t, int dirfd, gva_t name, const struct open_how_in *how)
{
	scoped_path p = {NULL};
	scoped_walk start = {NULL, NULL};
	struct file *f;
	int ret;

	if (t->wait.stage == 1)
		return finish_open(t, file_get(t->wait.files[0]), how->flags);
	ret = check_flags(how->flags);
	if (!ret)
		ret = path_arg_get(t, name, &p);
	if (!ret && !p.name[0])
		ret = -ENOENT;
	if (ret)
		return ret;
	/* Within a root, an absolute name starts there as well. */
	ret = dirfd_get(t, dirfd, how->walk & WALK_IN_ROOT ? "" : p.name, &start);
	if (ret < 0)
		return ret;
	f = vfs_open(task_caller(t), ret ? &start : NULL, p.name, how);
	return IS_ERR(f) ? PTR_ERR(f) : finish_open(t, f, how->flags);
}

/* open and openat ignore what they do not know; O_PATH leaves few of the rest. */
static long open_old(struct task *t, int dirfd, gva_t name, u32 flags, u32 mode)
{
	struct open_how_in how = {.flags = (flags & VALID_OPEN_FLAGS) | O_LARGEFILE_K};

	if (flags & O_PATH)
		how.flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (how.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)))
		how.mode = mode & 07777;
	return do_open(t, dirfd, name, &how);
}

long sys_open(struct task *t, const struct sys_args *a)
{
	return open_old(t, AT_FDCWD, ARG_GVA(a, 0), ARG_UINT(a, 1), ARG_UINT(a, 2));
}

long sys_creat(struct task *t, const struct sys_args *a)
{
	return open_old(t, AT_FDCWD, ARG_GVA(a, 0), O_CREAT | O_WRONLY | O_TRUNC, ARG_UINT(a, 1));
}

long sys_openat(struct task *t, const struct sys_args *a)
{
	return open_old(t, ARG_INT(a, 0), ARG_GVA(a, 1), ARG_UINT(a, 2), ARG_UINT(a, 3));
}

static int resolve_flags(u64 resolve, u32 *out)
{
	static const struct {
		u64 resolve;
		u32 walk;
	} map[] = {
		{RESOLVE_NO_XDEV, WALK_NO_XDEV},
		{RESOLVE_NO_MAGICLINKS, WALK_NO_MAGICLINKS},
		{RESOLVE_NO_SYMLINKS, WALK_NO_SYMLINKS},
		{RESOLVE_BENEATH, WALK_BENEATH},
		{RESOLVE_IN_ROOT, WALK_IN_ROOT},
		{RESOLVE_CACHED, WALK_CACHED},
	};

	*out = 0;
	for (size_t i = 0; i < array_size(map); i++)
		if (resolve & map[i].resolve) {
			*out |= map[i].walk;
			resolve &= ~map[i].resolve;
		}
	return resolve || (*out & WALK_BENEATH && *out & WALK_IN_ROOT) ? -EINVAL : 0;
}

/* What openat2 refuses and open lets pass. */
static int check_how(const struct open_how *how)
{
	u64 flags = how->flags;

	if (flags & ~(u64)VALID_OPEN_FLAGS)
		return -EINVAL;
	if (how->mode & ~07777ull)
		return -EINVAL;
	if (how->mode && !(flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))))
		return -EINVAL;
	if (flags & O_PATH && flags & ~(u64)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
		return -EINVAL;
	if (how->resolve & RESOLVE_CACHED &&
	    flags & (O_TRUNC | O_CREAT | (O_TMPFILE & ~O_DIRECTORY)))
		return -EAGAIN;
	return 0;
}

/* Extensible structure: what lies behind the fields we know must be zero (openat2(2)). */
static long copy_in_how(struct task *t, gva_t src, u64 size, struct open_how *how)
{
	char byte;
	long err;

	if (size < sizeof(*how))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copy_in_obj(t->mm, how, src);
	for (u64 i = sizeof(*how); !err && i < size; i++) {
		err = copy_in_obj(t->mm, &byte, gva_add(src, i));
		if (!err && byte)
			err = -E2BIG;
	}
	return err;
}

long sys_openat2(struct task *t, const struct sys_args *a)
{
	struct open_how how;
	struct open_how_in in;
	long err = copy_in_how(t, ARG_GVA(a, 2), a->a[3], &how);

	if (err)
		return err;
	err = check_how(&how);
	if (err)
		return err;
	in.flags = how.flags | (how.flags & O_PATH ? 0 : O_LARGEFILE_K);
	in.mode = how.mode;
	err = resolve_flags(how.resolve, &in.walk);
	return err ? err : do_open(t, ARG_INT(a, 0), ARG_GVA(a, 1), &in);
}

long sys_memfd_create(struct task *t, const struct sys_args *a)
{
	char name[250];
	u32 flags = ARG_UINT(a, 1);
	struct file *f;
	ssize_t n;
	int fd;

	if (flags &
	    ~(u32)(MFD_CLOEXEC | MFD_ALLOW_SEALING | 8 | 16)) /* MFD_NOEXEC_SEAL, MFD_EXEC */
		return -EINVAL;
	n = copy_in_str(t->mm, name, ARG_GVA(a, 0), sizeof(name));
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	f = memfd_create_file(task_caller(t), name, flags);
	if (IS_ERR(f))
		return PTR_ERR(f);
	fd = fd_install(t, f, 0, flags & MFD_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}
