/* SPDX-License-Identifier: Apache-2.0 */
/* slot.c - table of the inodes that the client holds open
 *
 * Theory of operation: a slot is free (users 0, not held, on the free list), held (the client has
 * the id) or dying (released while calls still use it; freed by the last slot_put). The generation
 * counts up when the slot becomes free and is never 0, so an id of an earlier tenant is refused.
 * Descriptors are closed without the lock.
 */
#include <unistd.h>

#include "gofer/server_internal.h"

#define DIR_KEEP_MAX 64 /* directories left open between two messages of a listing */

/* Frees @slot when nobody needs it. Returns with the lock released. */
static void unlock_and_reap(struct gofer_server *s, struct slot *slot)
{
	int fd = -1, dir_fd = -1;

	if (slot->users == 0 && !slot->held) {
		fd = slot->fd;
		dir_fd = slot->dir_fd;
		if (dir_fd >= 0)
			s->dir_count--;
		slot->fd = slot->dir_fd = -1;
		slot->gen = slot->gen == UINT32_MAX ? 1 : slot->gen + 1;
		slot->next_free = s->slot_free;
		s->slot_free = (u32)(slot - s->slots);
		s->id_count--;
	}
	pthread_mutex_unlock(&s->lock);
	if (fd >= 0)
		close(fd);
	if (dir_fd >= 0)
		close(dir_fd);
}

int slot_create(struct gofer_server *s, int fd, u32 tree, u32 type, gofer_id *out_id)
{
	struct slot *slot;

	pthread_mutex_lock(&s->lock);
	if (s->slot_free) {
		slot = &s->slots[s->slot_free];
		s->slot_free = slot->next_free;
	} else if (s->slot_used < s->id_max) {
		slot = &s->slots[++s->slot_used];
		slot->gen = 1;
	} else {
		pthread_mutex_unlock(&s->lock);
		close(fd);
		return -ENFILE;
	}
	s->id_count++;
	slot->fd = fd;
	slot->dir_fd = -1;
	slot->tree = (u16)tree;
	slot->type = (u16)type;
	slot->users = 0;
	slot->held = true;
	*out_id = GOFER_ID(slot - s->slots, slot->gen);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

/* The held slot of @id, or NULL. */
static struct slot *find_locked(struct gofer_server *s, gofer_id id)
{
	u32 index = GOFER_ID_SLOT(id);
	struct slot *slot;

	if (index == 0 || index > s->slot_used)
		return NULL;
	slot = &s->slots[index];
	return slot->held && slot->gen == GOFER_ID_GEN(id) ? slot : NULL;
}

int slot_get(struct gofer_server *s, gofer_id id, struct slot **out)
{
	struct slot *slot;

	pthread_mutex_lock(&s->lock);
	slot = find_locked(s, id);
	if (slot)
		slot->users++;
	pthread_mutex_unlock(&s->lock);
	if (!slot)
		return -ESTALE;
	*out = slot;
	return 0;
}

void slot_put(struct gofer_server *s, struct slot *slot)
{
	pthread_mutex_lock(&s->lock);
	slot->users--;
	unlock_and_reap(s, slot);
}

void slot_release(struct gofer_server *s, gofer_id id)
{
	struct slot *slot;

	pthread_mutex_lock(&s->lock);
	slot = find_locked(s, id);
	if (!slot) {
		pthread_mutex_unlock(&s->lock);
		return;
	}
	slot->held = false;
	unlock_and_reap(s, slot);
}

int slot_take_dir(struct gofer_server *s, struct slot *slot, u64 pos)
{
	int fd = -1;

	pthread_mutex_lock(&s->lock);
	if (slot->dir_fd >= 0 && slot->dir_pos == pos) {
		fd = slot->dir_fd;
		slot->dir_fd = -1;
		s->dir_count--;
	}
	pthread_mutex_unlock(&s->lock);
	return fd;
}

void slot_keep_dir(struct gofer_server *s, struct slot *slot, int fd, u64 pos)
{
	int old = fd;

	pthread_mutex_lock(&s->lock);
	if (slot->dir_fd >= 0 || s->dir_count < DIR_KEEP_MAX) {
		if (slot->dir_fd < 0)
			s->dir_count++;
		old = slot->dir_fd;
		slot->dir_fd = fd;
		slot->dir_pos = pos;
	}
	pthread_mutex_unlock(&s->lock);
	if (old >= 0)
		close(old);
}
