/* SPDX-License-Identifier: Apache-2.0 */
/* lockrank.h - the one lock order of the sentry
 *
 * A thread may take a lock only when its rank is greater than that of every lock it holds. Debug
 * builds check it. Two locks of one rank may be held together only through the _nested calls, whose
 * callers say in what order (address order unless the comment below says otherwise).
 */
#ifndef SENTRY_BASE_LOCKRANK_H
#define SENTRY_BASE_LOCKRANK_H

#include "sentry/base/types.h"

enum lockrank {
	LR_NONE = 0,
	LR_EXEC,	 /* kernel: one execve or CLONE_THREAD of a thread group at a time */
	LR_FILE_POS,	 /* vfs: position of one struct file */
	LR_INODE_PSEUDO, /* vfs: inode of a kernfs tree: what is below it shows the state of tasks
			  */
	LR_TASKLIST,	 /* kernel: process tree, pids, sessions, signals and stop states (struct
			    kernel.lock) */
	LR_FUTEX, /* kernel: waiters of futexes that stand in the sentry; words are read under it */
	LR_MM,	  /* mm: VMAs and in-flight ranges of one address space */
	LR_FDTABLE,	/* kernel: slots of one descriptor table */
	LR_FS,		/* kernel: root, cwd, umask of one struct fs */
	LR_EPOLL_NEST,	/* anon: one addition of an epoll file to another at a time */
	LR_EPOLL,	/* anon: interest list of one epoll file; nested by depth */
	LR_INET_POLL,	/* host: who takes events of internet sockets from the host */
	LR_UNIX_GC,	/* net: counts of sockets in flight in messages, and their collection */
	LR_SOCKET,	/* net: one socket; a pair in address order */
	LR_RENAME,	/* vfs: one cross-directory rename of a superblock at a time */
	LR_MOUNT,	/* vfs: the mount tree of a namespace */
	LR_INODE,	/* vfs: one inode's content, attributes, children; parent before child */
	LR_INODE_LOWER, /* vfs: inode of a file system below another one (overlay's layers) */
	LR_DENTRY,	/* vfs: name cache hash bucket, LRU */
	LR_FLOCK,	/* vfs: lock lists of inodes and the graph of waiters */
	LR_NOTIFY,	/* vfs: inotify watches of an inode and queues */
	LR_TTY,		/* devpts: one terminal pair */
	LR_PIPE,	/* pipe: one pipe; a pair in address order */
	LR_FSPRIV,	/* any file system: own small tables */
	LR_GOFER,	/* goferfs: one channel */
	LR_IPC,		/* kernel: all System V objects of one kind */
	LR_MEMFILE,	/* mm: extents of the memfile */
	LR_TIMER,	/* time: the timer heap */
	LR_PLATFORM,	/* platform: pools, tables of contexts */
	LR_SLAB,	/* arena: one cache, the page allocator */
	LR_WAITQ,	/* base: one bucket of wait queues; wake callbacks run under it */
	LR_EPOLL_READY, /* anon: ready list of one epoll file (taken in wake callbacks) */
	LR_READY,	/* kernel: list of tasks to run again (taken in wake callbacks) */
	LR_LEAF,	/* log and counters: nothing is taken below */
};

#ifdef DEBUG
void lockrank_acquire(enum lockrank rank, const void *lock, bool nested);
/* A lock that mutex_trylock has got: any order will do. */
void lockrank_acquired_try(enum lockrank rank, const void *lock);
void lockrank_release(enum lockrank rank, const void *lock);
/* A small number for the calling thread, not 0. */
u32 lockrank_thread(void);
/* No lock may be held here: called where a worker goes back to the border. */
void lockrank_assert_none(void);
#else
#define lockrank_acquire(r, l, n)   ((void)0)
#define lockrank_acquired_try(r, l) ((void)0)
#define lockrank_release(r, l)	    ((void)0)
#define lockrank_assert_none()	    ((void)0)
#endif

#endif
