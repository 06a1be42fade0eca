/* SPDX-License-Identifier: Apache-2.0 */
/* sys_pipe.c - pipe, pipe2 */
#include "fs/pipe/pipe.h"
#include "syscalls/handlers.h"
#include "syscalls/sys.h"

static long do_pipe(struct task *t, gva_t dst, u32 flags)
{
	struct file *f[2];
	int fd[2];
	long ret;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	ret = pipe_create(task_caller(t), flags & ~(u32)O_CLOEXEC, f);
	if (ret)
		return ret;
	ret = fd_install_pair(t, f, flags & O_CLOEXEC, fd);
	if (ret) {
		file_put(f[0]);
		file_put(f[1]);
		return ret;
	}
	ret = copy_out(t->mm, dst, fd, sizeof(fd));
	if (ret) {
		fd_close(t, fd[0]);
		fd_close(t, fd[1]);
	}
	return ret;
}

long sys_pipe(struct task *t, const struct sys_args *a)
{
	return do_pipe(t, ARG_GVA(a, 0), 0);
}

long sys_pipe2(struct task *t, const struct sys_args *a)
{
	return do_pipe(t, ARG_GVA(a, 0), ARG_UINT(a, 1));
}
