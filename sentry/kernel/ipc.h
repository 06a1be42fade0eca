/* SPDX-License-Identifier: Apache-2.0 */
/* ipc.h - System V objects: identifiers, keys and permissions (sysvipc(7)), and the three kinds
 *
 * One lock for each kind (struct ipc_ids) guards its table and all of its objects. Guest memory is
 * never touched under it.
 */
#ifndef SENTRY_KERNEL_IPC_H
#define SENTRY_KERNEL_IPC_H

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "sentry/auth/userns.h"
#include "sentry/kernel/kernel.h"

/* --- identifiers (ipc_ids.c) --- */

struct ipc_object { /* first member of each kind; guarded by the kind's lock */
	s32 id, key;
	u32 uid, gid, cuid, cgid, mode;
	struct ipc_ids *ids; /* the table that it is in */
};
/* All objects of a kind in one namespace. */
struct ipc_ids {
	struct mutex *lock;		    /* const: the kind's (LR_IPC), of all namespaces */
	const struct user_namespace *owner; /* const: of the namespace */
	u32 limit;			    /* const: objects at most */
	struct ipc_object **slot;	    /* by index: the low bits of the id */
	u32 room, count;
	u32 top; /* no index in use at or above */
	u32 seq;
	s32 last;	  /* index handed out last */
	u64 items, bytes; /* the kind's: pages, semaphores; messages and their bytes */
};

/* An IPC namespace (ipc_namespaces(7)). */
struct ipc_namespace {
	struct ns_common ns;
	struct ipc_ids shm, sem, msg;
	struct mqueue_ns
		*mqueue; /* fs/mqueue's, under its lock; NULL: no queue was ever asked for */
};
/* For @cred (NULL: the first). ERR_PTR(-ENOSPC), ERR_PTR(-ENOMEM). */
struct ipc_namespace *ipc_ns_create(const struct cred *cred);
/* ns->mqueue of the first namespace, and what frees those of others; at boot. */
void ipc_set_mqueue(struct mqueue_ns *first, void (*free_fn)(struct mqueue_ns *mq));
void ipc_ids_init(struct ipc_ids *ids, const struct ipc_namespace *ns, struct mutex *lock,
		  u32 limit);
/* The tables of a namespace that begins (0) or ends: each kind's. */
void shm_ns_init(struct ipc_namespace *ns);
void shm_ns_fini(struct ipc_namespace *ns);
void sem_ns_init(struct ipc_namespace *ns);
void sem_ns_fini(struct ipc_namespace *ns);
void msg_ns_init(struct ipc_namespace *ns);
void msg_ns_fini(struct ipc_namespace *ns);

/* All with the lock of @ids held. ipc_add gives @obj its place: 0, -ENOSPC, -ENOMEM. */
int ipc_add(struct ipc_ids *ids, struct ipc_object *obj, s32 key, u32 mode,
	    const struct cred *cred);
void ipc_remove(struct ipc_object *obj);
void ipc_ids_fini(struct ipc_ids *ids); /* empty */
/* Borrowed; NULL: there is none. */
struct ipc_object *ipc_find(struct ipc_ids *ids, s32 id);
struct ipc_object *ipc_find_index(struct ipc_ids *ids, s32 index);
/* The first half of xxxget(2): an object of @key that may be used; NULL: a new one is to be made;
 * ERR_PTR. */
struct ipc_object *ipc_get(struct ipc_ids *ids, s32 key, u32 flags, const struct cred *cred);
/* Do the permissions grant the S_IRWXUGO bits of @flags? */
bool ipc_permits(const struct ipc_object *obj, const struct cred *cred, u32 flags);
/* May @cred change or remove it? */
bool ipc_controls(const struct ipc_object *obj, const struct cred *cred);
/* With the ids that @cred sees. */
void ipc_describe(const struct ipc_object *obj, const struct cred *cred, struct ipc_perm *out);
/* IPC_SET: owner, group and mode out of @in. -EINVAL for ids that are none. */
int ipc_set_perm(struct ipc_object *obj, const struct cred *cred, const struct ipc_perm *in);
/* What the INFO commands return. */
static inline long ipc_max_index(const struct ipc_ids *ids)
{
	return ids->top ? (long)ids->top - 1 : 0;
}
static inline s64 ipc_time(void)
{
	return time_realtime() / NSEC_PER_SEC;
}

/* --- limits (ipc_limits.c) --- */

struct ipc_limits {	    /* const once guests run */
	u64 msgmax, msgmnb; /* bytes of a message, of a queue */
	u64 shmmax, shmall; /* bytes of a segment, pages of all */
};
extern struct ipc_limits g_ipc_limits;
/* Sets one before guests run, by its name below /proc/sys. -ENOENT: no such; -EINVAL. */
int ipc_limit_set(const char *name, const char *value);

/* --- shared memory (ipc_shm.c) --- */

#define SHM_COUNT_MAX 4096
#define SHM_BYTES_MAX (UINT64_MAX - (1ul << 24)) /* shmmax, and shmall in pages */

long shm_get(struct task *t, s32 key, u64 size, u32 flags);
/* A segment to be mapped with the rights @flags (S_IRWXUGO): a reference, as one more attachment.
 * ERR_PTR(-EINVAL), ERR_PTR(-EACCES). */
struct mappable *shm_open_segment(struct task *t, s32 id, u32 flags, u64 *out_size);
/* The attached segment's VMA that shmdt of @addr is to unmap, in [@from, end of the segment):
 * false: there is none. *size: of the segment, 0 as long as it is not known. */
bool shm_find_attached(struct task *t, u64 addr, u64 from, u64 *size, u64 *out_start, u64 *out_end);
/* Gives that reference back; @pid: who has mapped the segment meanwhile, or 0. */
void shm_close_segment(struct mappable *m, s32 pid);
/* IPC_STAT, SHM_STAT, SHM_STAT_ANY (@cmd): 0 or the id, -errno. */
long shm_stat(struct task *t, s32 id, int cmd, struct shmid_ds *out);
long shm_set(struct task *t, s32 id, const struct shmid_ds *in);
long shm_remove(struct task *t, s32 id);
long shm_lock(struct task *t, s32 id, bool lock);
long shm_info(struct task *t, struct shm_info *out); /* the highest index */

/* --- semaphores (ipc_sem.c) --- */

struct sembuf_k { /* struct sembuf */
	u16 num;
	s16 op, flags;
};
#define SEM_OPS_MAX	  500
#define SEM_SET_MAX	  32000 /* semaphores in a set */
#define SEM_SET_COUNT_MAX 32000

long sem_get(struct task *t, s32 key, s32 nsems, u32 flags);
/* semop(2) as a handler's body: may block. Later runs (t->wait.stage is set) do not look at @ops.
 */
long sem_op(struct task *t, s32 id, const struct sembuf_k *ops, u32 count);
long sem_stat(struct task *t, s32 id, bool by_index, bool any, struct semid_ds *out);
long sem_set(struct task *t, s32 id, const struct semid_ds *in);
long sem_remove(struct task *t, s32 id);
/* GETVAL, GETPID, GETNCNT, GETZCNT. */
long sem_ask(struct task *t, s32 id, s32 num, int cmd);
long sem_setval(struct task *t, s32 id, s32 num, s32 value);
/* @values: room for SEM_SET_MAX; *out_count: of the set. */
long sem_getall(struct task *t, s32 id, u16 *values, u32 *out_count);
long sem_setall(struct task *t, s32 id, const u16 *values, u32 count);
long sem_info(struct task *t, u32 *out_sets, u32 *out_sems); /* the highest index */
/* The process ends: its SEM_UNDO adjustments are applied. No lock held. */
void sem_exit(struct tgroup *tg);

/* --- message queues (ipc_msg.c) --- */

#define MSG_SIZE_MAX	    8192u
#define MSG_QUEUE_COUNT_MAX 32000

struct msg {
	struct list node;
	s64 type;
	u32 size;
	u8 data[];
};
struct msg *msg_alloc(u32 size);
void msg_free(struct msg *m);
long msg_get(struct task *t, s32 key, u32 flags);
/* Takes over @m when it gives 0. Blocks. */
long msg_send(struct task *t, s32 id, struct msg *m, u32 flags);
/* 0 and *out (the caller's), or -errno. Blocks. */
long msg_receive(struct task *t, s32 id, u64 size, s64 type, u32 flags, struct msg **out);
long msg_stat(struct task *t, s32 id, bool by_index, bool any, struct msqid_ds *out);
long msg_set(struct task *t, s32 id, const struct msqid_ds *in);
long msg_remove(struct task *t, s32 id);
/* The highest index. */
long msg_info(struct task *t, u32 *out_queues, u32 *out_messages, u64 *out_bytes);

#endif
