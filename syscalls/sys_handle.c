/* SPDX-License-Identifier: Apache-2.0 */
/* sys_handle.c - name_to_handle_at(2): no file system here has handles that outlive their names */
#include "fs/vfs/vfs.h"
#include "syscalls/sys.h"

#define HANDLE_MAX 128u /* MAX_HANDLE_SZ */
#define HANDLE_FLAGS                                                                 \
	(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | 0x201u) /* AT_HANDLE_FID, MNT_ID_UNIQUE \
						      */

long sys_name_to_handle_at(struct task *t, const struct sys_args *a)
{
	u32 flags = ARG_UINT(a, 4), size;
	scoped_walk p = {NULL, NULL};
	long err;

	if (flags & ~HANDLE_FLAGS)
		return -EINVAL;
	err = path_at(t, ARG_INT(a, 0), ARG_GVA(a, 1),
		      (flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) |
			      (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0),
		      &p);
	if (err)
		return err;
	if (copy_in_obj(t->mm, &size, ARG_GVA(a, 2)))
		return -EFAULT;
	return size > HANDLE_MAX ? -EINVAL : -EOPNOTSUPP;
}
