/* SPDX-License-Identifier: Apache-2.0 */
/* ipc_ids.c - identifiers, keys and permissions of System V objects
 *
 * Theory of operation: an identifier is an index into the kind's table, with a sequence number
 * above it that changes when indices are used again, so that an old identifier finds nothing.
 */
#include <linux/capability.h>
#include <sys/stat.h>

#include "sentry/auth/userns.h"
#include "sentry/kernel/ipc.h"

#define INDEX_BITS 15
#define INDEX_MASK ((1u << INDEX_BITS) - 1)
#define SEQ_MASK   (UINT32_MAX >> 1 >> INDEX_BITS)
#define ROOM_FIRST 64u
#define ALL_MODES  (S_IRWXU | S_IRWXG | S_IRWXO)

static int grow(struct ipc_ids *ids)
{
	u32 room = ids->room ? min(ids->room * 2, ids->limit) : min(ROOM_FIRST, ids->limit);
	struct ipc_object **slot = kalloc(room * sizeof(struct ipc_object *));

	if (!slot)
		return -ENOMEM;
	if (ids->room) {
		memcpy(slot, ids->slot, ids->room * sizeof(struct ipc_object *));
		kfree(ids->slot, ids->room * sizeof(struct ipc_object *));
	}
	ids->slot = slot;
	ids->room = room;
	return 0;
}

void ipc_ids_init(struct ipc_ids *ids, const struct ipc_namespace *ns, struct mutex *lock,
		  u32 limit)
{
	*ids = (struct ipc_ids){.lock = lock, .owner = ns->ns.owner, .limit = limit, .last = -1};
}

void ipc_ids_fini(struct ipc_ids *ids)
{
	BUG_ON(ids->count);
	if (ids->room)
		kfree(ids->slot, ids->room * sizeof(struct ipc_object *));
}

int ipc_add(struct ipc_ids *ids, struct ipc_object *obj, s32 key, u32 mode, const struct cred *cred)
{
	u32 index = 0;

	mutex_assert_held(ids->lock);
	if (ids->count == ids->limit)
		return -ENOSPC;
	if (ids->count == ids->room && grow(ids))
		return -ENOMEM;
	while (ids->slot[index])
		index++;
	if ((s32)index <= ids->last)
		ids->seq = (ids->seq + 1) & SEQ_MASK;
	ids->last = (s32)index;
	ids->slot[index] = obj;
	ids->count++;
	ids->top = max(ids->top, index + 1);
	obj->id = (s32)(ids->seq << INDEX_BITS | index);
	obj->key = key;
	obj->ids = ids;
	obj->mode = mode & ALL_MODES;
	obj->uid = obj->cuid = cred->euid;
	obj->gid = obj->cgid = cred->egid;
	return 0;
}

void ipc_remove(struct ipc_object *obj)
{
	struct ipc_ids *ids = obj->ids;

	mutex_assert_held(ids->lock);
	ids->slot[(u32)obj->id & INDEX_MASK] = NULL;
	ids->count--;
	while (ids->top && !ids->slot[ids->top - 1])
		ids->top--;
}

struct ipc_object *ipc_find_index(struct ipc_ids *ids, s32 index)
{
	mutex_assert_held(ids->lock);
	return index >= 0 && (u32)index < ids->top ? ids->slot[index] : NULL;
}

struct ipc_object *ipc_find(struct ipc_ids *ids, s32 id)
{
	struct ipc_object *obj;

	if (id < 0)
		return NULL;
	obj = ipc_find_index(ids, (s32)((u32)id & INDEX_MASK));
	return obj && obj->id == id ? obj : NULL;
}

struct ipc_object *ipc_get(struct ipc_ids *ids, s32 key, u32 flags, const struct cred *cred)
{
	mutex_assert_held(ids->lock);
	if (key == IPC_PRIVATE)
		return NULL;
	for (u32 i = 0; i < ids->top; i++) {
		struct ipc_object *obj = ids->slot[i];

		if (!obj || obj->key != key)
			continue;
		if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
			return ERR_PTR(-EEXIST);
		return ipc_permits(obj, cred, flags) ? obj : ERR_PTR(-EACCES);
	}
	return flags & IPC_CREAT ? NULL : ERR_PTR(-ENOENT);
}

bool ipc_permits(const struct ipc_object *obj, const struct cred *cred, u32 flags)
{
	u32 wanted = flags >> 6 | flags >> 3 | flags, granted = obj->mode;

	if (cred->euid == obj->cuid || cred->euid == obj->uid)
		granted >>= 6;
	else if (cred_in_group(cred, obj->cgid) || cred_in_group(cred, obj->gid))
		granted >>= 3;
	return !(wanted & ~granted & 7) || cred_capable_in(cred, obj->ids->owner, CAP_IPC_OWNER);
}

bool ipc_controls(const struct ipc_object *obj, const struct cred *cred)
{
	return cred->euid == obj->cuid || cred->euid == obj->uid ||
	       cred_capable_in(cred, obj->ids->owner, CAP_SYS_ADMIN);
}

void ipc_describe(const struct ipc_object *obj, const struct cred *cred, struct ipc_perm *out)
{
	*out = (struct ipc_perm){
		.__key = obj->key,
		.uid = uid_out(cred, obj->uid),
		.gid = gid_out(cred, obj->gid),
		.cuid = uid_out(cred, obj->cuid),
		.cgid = gid_out(cred, obj->cgid),
		.mode = (__typeof__(out->mode))obj->mode,
		.__seq = (unsigned short)((u32)obj->id >> INDEX_BITS),
	};
}

int ipc_set_perm(struct ipc_object *obj, const struct cred *cred, const struct ipc_perm *in)
{
	u32 uid = uid_in(cred, in->uid), gid = gid_in(cred, in->gid);

	if (uid == NO_ID || gid == NO_ID)
		return -EINVAL;
	obj->uid = uid;
	obj->gid = gid;
	obj->mode = (obj->mode & ~(u32)ALL_MODES) | (in->mode & ALL_MODES);
	return 0;
}
