/* SPDX-License-Identifier: Apache-2.0 */
/* proc_internal.h - between the files of fs/proc
 *
 * Nodes of a process have id = tgid (in the first pid namespace); those of a thread below task/
 * have sub = tid as well (0: the process). Descriptors (fd/, fdinfo/) pack the number into sub's
 * upper half.
 */
#ifndef FS_PROC_PROC_INTERNAL_H
#define FS_PROC_PROC_INTERNAL_H

#include "fs/kernfs/kernfs.h"
#include "sentry/base/strbuf.h"
#include "sentry/kernel/kernel.h"

#define PROC_DIR  (S_IFDIR | 0555)
#define PROC_LINK (S_IFLNK | 0777)
#define ENTRY_END            \
	{                    \
		.name = NULL \
	}
#define SUB(tid, fd) ((u64)(u32)(tid) | (u64)((u32)(fd) + 1) << 32)
#define SUB_TID(sub) ((s32)(u32)(sub))
#define SUB_FD(sub)  ((int)(u32)((sub) >> 32) - 1)

extern const struct kernfs_entry proc_pid_dir;	/* /proc/PID */
extern const struct kernfs_entry proc_task_dir; /* /proc/PID/task/TID */
extern const struct kernfs_entry proc_sys[], proc_sys_net[], proc_root_files[], proc_net[];
/* net.c, at boot, while the host's files are there. */
void proc_net_init(void);

/* A name that is a number as proc writes them (no leading zeroes, no sign): it, or -1. */
int proc_number(const char *name);
/* Whose numbers a node shows: the pid namespace of its mount. */
static inline struct pid_namespace *proc_view(const struct kernfs_node *n)
{
	return n->view ? n->view : &g_kernel->pids;
}
/* The task of a node (the leader for a process), with a reference, or NULL. */
struct task *proc_task(const struct kernfs_node *n);
/* References of what a task has; NULL when it has exited. */
struct mm *proc_mm(const struct kernfs_node *n);
struct files *proc_files(struct task *t);
int proc_owner(struct caller *c, const struct kernfs_node *n, u32 *uid, u32 *gid);
/* ptrace-like right to look into another process: 0 or -EACCES. */
int proc_may_inspect(struct caller *c, const struct kernfs_node *n, u32 mask);

/* ns.c */
extern const struct kernfs_entry proc_ns_links[], proc_sys_user[];
int show_id_map(struct caller *c, const struct kernfs_node *n, struct strbuf *s);
long store_id_map(struct caller *c, const struct kernfs_node *n, char *buf, size_t len);
int show_setgroups(struct caller *c, const struct kernfs_node *n, struct strbuf *s);
long store_setgroups(struct caller *c, const struct kernfs_node *n, char *buf, size_t len);

/* sysvipc.c */
extern const struct kernfs_entry proc_sysvipc[];
int show_locks(struct caller *c, const struct kernfs_node *n, struct strbuf *s);

/* fd.c */
int fd_dir_lookup(struct caller *c, const struct kernfs_node *dir, const char *name,
		  struct kernfs_node *out);
s64 fd_dir_iterate(struct caller *c, const struct kernfs_node *dir, u64 index,
		   struct dir_context *dc);
int fdinfo_dir_lookup(struct caller *c, const struct kernfs_node *dir, const char *name,
		      struct kernfs_node *out);
s64 fdinfo_dir_iterate(struct caller *c, const struct kernfs_node *dir, u64 index,
		       struct dir_context *dc);

/* status.c */
int show_stat(struct caller *c, const struct kernfs_node *n, struct strbuf *s);
int show_statm(struct caller *c, const struct kernfs_node *n, struct strbuf *s);
int show_status(struct caller *c, const struct kernfs_node *n, struct strbuf *s);

/* memory.c */
int show_maps(struct caller *c, const struct kernfs_node *n, struct strbuf *s);
int show_smaps(struct caller *c, const struct kernfs_node *n, struct strbuf *s);
int show_smaps_rollup(struct caller *c, const struct kernfs_node *n, struct strbuf *s);
int show_cmdline(struct caller *c, const struct kernfs_node *n, struct strbuf *s);
int show_environ(struct caller *c, const struct kernfs_node *n, struct strbuf *s);
int show_auxv(struct caller *c, const struct kernfs_node *n, struct strbuf *s);
extern const struct file_ops proc_mem_ops;

#endif
