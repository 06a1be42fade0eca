/* SPDX-License-Identifier: Apache-2.0 */
/* ipc_shm.c - System V shared memory segments (shmget(2), shmctl(2), and what shmat(2) maps)
 *
 * Theory of operation: a segment is a mappable of its own in front of the anonymous shared memory
 * that holds its content. Mappings hold references on it; their number is what shm_nattch says. A
 * removed segment loses its key at once, and goes with its last attachment.
 */
#include <linux/capability.h>
#include <sys/resource.h>

#include "sentry/kernel/ipc.h"
#include "sentry/kernel/process.h"

#define SHM_DEV 0x1 /* what Linux shows for its internal mount of tmpfs: 00:01 */

struct shm_segment {
	struct ipc_object obj; /* first; all here is guarded by g_shm_lock */
	struct mappable map;   /* const */
	struct mappable *mem;  /* const; our reference */
	u64 size;	       /* const; as asked for */
	u64 attached;	       /* references of mappings and of shmat under way */
	s32 made_key;	       /* const: what maps shows */
	s32 cpid, lpid;
	s64 atime, dtime, ctime;
};

static SLAB_CACHE(segment_cache, struct shm_segment);
static struct mutex g_shm_lock = MUTEX_INIT(LR_IPC);

static struct shm_segment *segment_of(struct mappable *m)
{
	return container_of(m, struct shm_segment, map);
}

static struct shm_segment *segment_find(struct task *t, s32 id)
{
	return (struct shm_segment *)ipc_find(&t->ns->ipc->shm, id);
}

/* --- as a mappable --- */

static int segment_extent(struct mappable *m, u64 off, u64 size, bool write, struct map_extent *out)
{
	struct mappable *mem = segment_of(m)->mem;

	return mem->ops->extent(mem, off, size, write, out);
}

static void segment_get(struct mappable *m)
{
	struct shm_segment *s = segment_of(m);

	mutex_lock(&g_shm_lock);
	s->attached++;
	s->atime = ipc_time();
	mutex_unlock(&g_shm_lock);
}

/* Takes @s out of the table; the caller frees it without the lock. */
static void segment_unlink(struct shm_segment *s)
{
	if (!s->obj.ids)
		return; /* its namespace has gone before */
	s->obj.ids->items -= page_up(s->size) >> PAGE_SHIFT;
	ipc_remove(&s->obj);
}

static void segment_free(struct shm_segment *s)
{
	s->mem->ops->put(s->mem);
	slab_free(&segment_cache, s);
}

/* One attachment less; true: it was the last of a removed segment, and the caller frees. */
static bool detach(struct shm_segment *s)
{
	if (--s->attached > 0 || !(s->obj.mode & SHM_DEST))
		return false;
	segment_unlink(s);
	return true;
}

static void segment_put(struct mappable *m)
{
	struct shm_segment *s = segment_of(m);
	bool last;

	mutex_lock(&g_shm_lock);
	s->dtime = ipc_time();
	last = detach(s);
	mutex_unlock(&g_shm_lock);
	if (last)
		segment_free(s);
}

static void segment_describe(struct mappable *m, void *file, u64 *dev, u64 *ino,
			     struct strbuf *path)
{
	struct shm_segment *s = segment_of(m);

	*dev = SHM_DEV;
	*ino = (u64)s->obj.id;
	strbuf_printf(path, "/SYSV%08x (deleted)", (u32)s->made_key);
}

static int segment_punch(struct mappable *m, void *file, u64 off, u64 size)
{
	struct mappable *mem = segment_of(m)->mem;

	return mem->ops->punch(mem, file, off, size);
}

static const struct mappable_ops segment_ops = {
	.extent = segment_extent,
	.get = segment_get,
	.put = segment_put,
	.describe = segment_describe,
	.punch = segment_punch,
};

/* --- shmget --- */

static int segment_create(struct task *t, s32 key, u64 size, u32 flags)
{
	u64 pages = page_up(size) >> PAGE_SHIFT;
	struct ipc_ids *ids = &t->ns->ipc->shm;
	struct shm_segment *s;
	int err;

	if (size < 1 || size > g_ipc_limits.shmmax)
		return -EINVAL;
	if (flags & SHM_HUGETLB)
		return -ENOMEM; /* there are no huge pages */
	if (ids->items + pages < pages || ids->items + pages > g_ipc_limits.shmall)
		return -ENOSPC;
	s = slab_alloc(&segment_cache);
	if (!s)
		return -ENOMEM;
	s->mem = anonshm_create(size, "", 0);
	err = s->mem ? ipc_add(&t->ns->ipc->shm, &s->obj, key, flags, t->cred) : -ENOMEM;
	if (err) {
		if (s->mem)
			s->mem->ops->put(s->mem);
		slab_free(&segment_cache, s);
		return err;
	}
	s->map.ops = &segment_ops;
	s->size = size;
	s->made_key = key;
	s->cpid = t->tg->tgid;
	s->ctime = ipc_time();
	ids->items += pages;
	return s->obj.id;
}

/* shmget(2) */
long shm_get(struct task *t, s32 key, u64 size, u32 flags)
{
	struct shm_segment *s;
	long ret;

	mutex_lock(&g_shm_lock);
	s = (struct shm_segment *)ipc_get(&t->ns->ipc->shm, key, flags, t->cred);
	if (!s)
		ret = segment_create(t, key, size, flags);
	else if (IS_ERR(s))
		ret = PTR_ERR(s);
	else
		ret = size > s->size ? -EINVAL : s->obj.id;
	mutex_unlock(&g_shm_lock);
	return ret;
}

/* --- shmat, shmdt --- */

struct mappable *shm_open_segment(struct task *t, s32 id, u32 flags, u64 *out_size)
{
	struct mappable *ret;
	struct shm_segment *s;

	mutex_lock(&g_shm_lock);
	s = segment_find(t, id);
	if (!s) {
		ret = ERR_PTR(-EINVAL);
	} else if (!ipc_permits(&s->obj, t->cred, flags)) {
		ret = ERR_PTR(-EACCES);
	} else {
		s->attached++;
		*out_size = s->size;
		ret = &s->map;
	}
	mutex_unlock(&g_shm_lock);
	return ret;
}

bool shm_find_attached(struct task *t, u64 addr, u64 from, u64 *size, u64 *out_start, u64 *out_end)
{
	struct mm *mm = t->mm;
	bool found = false;

	mutex_lock(&mm->lock);
	for (struct vma *v = mm_find_vma(mm, GVA(from)); v && !found; v = v->next) {
		if (*size && v->start.v - addr >= *size)
			break;
		if (!v->map || v->map->ops != &segment_ops || v->start.v < from ||
		    v->start.v - addr != v->offset)
			continue;
		*size = page_up(segment_of(v->map)->size);
		*out_start = v->start.v;
		*out_end = v->end.v;
		mutex_lock(&g_shm_lock);
		segment_of(v->map)->lpid = t->tg->tgid;
		mutex_unlock(&g_shm_lock);
		found = true;
	}
	mutex_unlock(&mm->lock);
	return found;
}

void shm_close_segment(struct mappable *m, s32 pid)
{
	struct shm_segment *s = segment_of(m);
	bool last;

	mutex_lock(&g_shm_lock);
	if (pid)
		s->lpid = pid;
	last = detach(s);
	mutex_unlock(&g_shm_lock);
	if (last)
		segment_free(s);
}

/* --- shmctl --- */

long shm_stat(struct task *t, s32 id, int cmd, struct shmid_ds *out)
{
	struct shm_segment *s;
	long ret = -EINVAL;

	mutex_lock(&g_shm_lock);
	s = cmd == IPC_STAT ? segment_find(t, id)
			    : (struct shm_segment *)ipc_find_index(&t->ns->ipc->shm, id);
	if (s && cmd != SHM_STAT_ANY && !ipc_permits(&s->obj, t->cred, 0444)) {
		ret = -EACCES;
	} else if (s) {
		*out = (struct shmid_ds){
			.shm_segsz = s->size,
			.shm_atime = s->atime,
			.shm_dtime = s->dtime,
			.shm_ctime = s->ctime,
			.shm_cpid = s->cpid,
			.shm_lpid = s->lpid,
			.shm_nattch = s->attached,
		};
		ipc_describe(&s->obj, t->cred, &out->shm_perm);
		ret = cmd == IPC_STAT ? 0 : s->obj.id;
	}
	mutex_unlock(&g_shm_lock);
	if (ret >= 0) {
		out->shm_cpid = number_told(t, out->shm_cpid);
		out->shm_lpid = number_told(t, out->shm_lpid);
	}
	return ret;
}

long shm_set(struct task *t, s32 id, const struct shmid_ds *in)
{
	struct shm_segment *s;
	long ret = -EINVAL;

	mutex_lock(&g_shm_lock);
	s = segment_find(t, id);
	if (s && !ipc_controls(&s->obj, t->cred))
		ret = -EPERM;
	else if (s)
		ret = ipc_set_perm(&s->obj, t->cred, &in->shm_perm);
	if (!ret)
		s->ctime = ipc_time();
	mutex_unlock(&g_shm_lock);
	return ret;
}

long shm_remove(struct task *t, s32 id)
{
	struct shm_segment *s, *gone = NULL;
	long ret = -EINVAL;

	mutex_lock(&g_shm_lock);
	s = segment_find(t, id);
	if (s && !ipc_controls(&s->obj, t->cred)) {
		ret = -EPERM;
	} else if (s) {
		ret = 0;
		s->obj.mode |= SHM_DEST;
		s->obj.key = IPC_PRIVATE;
		if (!s->attached) {
			segment_unlink(s);
			gone = s;
		}
	}
	mutex_unlock(&g_shm_lock);
	if (gone)
		segment_free(gone);
	return ret;
}

/* SHM_LOCK, SHM_UNLOCK: nothing of ours is ever swapped out on purpose; the flag is kept. */
long shm_lock(struct task *t, s32 id, bool lock)
{
	struct shm_segment *s;
	long ret = -EINVAL;

	mutex_lock(&g_shm_lock);
	s = segment_find(t, id);
	if (s) {
		bool owner = t->cred->euid == s->obj.uid || t->cred->euid == s->obj.cuid;

		ret = 0;
		if (!cred_capable_in(t->cred, s->obj.ids->owner, CAP_IPC_LOCK) &&
		    (!owner || (lock && !task_rlimit(t, RLIMIT_MEMLOCK))))
			ret = -EPERM;
		else if (lock)
			s->obj.mode |= SHM_LOCKED;
		else
			s->obj.mode &= ~(u32)SHM_LOCKED;
	}
	mutex_unlock(&g_shm_lock);
	return ret;
}

long shm_info(struct task *t, struct shm_info *out)
{
	long ret;

	mutex_lock(&g_shm_lock);
	*out = (struct shm_info){.used_ids = (int)t->ns->ipc->shm.count,
				 .shm_tot = t->ns->ipc->shm.items};
	ret = ipc_max_index(&t->ns->ipc->shm);
	mutex_unlock(&g_shm_lock);
	return ret;
}

void shm_ns_init(struct ipc_namespace *ns)
{
	ipc_ids_init(&ns->shm, ns, &g_shm_lock, SHM_COUNT_MAX);
}

/* As IPC_RMID of all: what is attached lives until it is detached. */
void shm_ns_fini(struct ipc_namespace *ns)
{
	mutex_lock(&g_shm_lock);
	while (ns->shm.top) {
		struct shm_segment *s = (struct shm_segment *)ns->shm.slot[ns->shm.top - 1];
		bool attached = s->attached;

		s->obj.mode |= SHM_DEST;
		segment_unlink(s);
		s->obj.ids = NULL;
		if (!attached)
			segment_free(s);
	}
	mutex_unlock(&g_shm_lock);
	ipc_ids_fini(&ns->shm);
}
