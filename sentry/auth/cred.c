/* SPDX-License-Identifier: Apache-2.0 */
/* cred.c - life of credentials and the capability rules of changing ids (see cred.h) */
#include "sentry/auth/cred.h"

#include <linux/capability.h>
#include <linux/securebits.h>

#include "sentry/arena/arena.h"
#include "sentry/auth/userns.h"

static SLAB_CACHE(g_cred_cache, struct cred);

/* Capabilities that guard file access: they follow fsuid. */
#define FS_CAPS                                                                  \
	(1ull << CAP_CHOWN | 1ull << CAP_MKNOD | 1ull << CAP_DAC_OVERRIDE |      \
	 1ull << CAP_DAC_READ_SEARCH | 1ull << CAP_FOWNER | 1ull << CAP_FSETID | \
	 1ull << CAP_LINUX_IMMUTABLE | 1ull << CAP_MAC_OVERRIDE)

static size_t groups_size(u32 count)
{
	return sizeof(struct cred_groups) + count * sizeof(u32);
}

static struct cred_groups *groups_create(u32 count)
{
	struct cred_groups *g = kalloc(groups_size(count));

	if (!g)
		return NULL;
	ref_init(&g->ref);
	g->count = count;
	return g;
}

static void groups_put(struct cred_groups *g)
{
	if (g && ref_put(&g->ref))
		kfree(g, groups_size(g->count));
}

struct cred *cred_create(void)
{
	struct cred *c = slab_alloc(&g_cred_cache);

	if (!c)
		return NULL;
	c->groups = groups_create(0);
	if (!c->groups) {
		slab_free(&g_cred_cache, c);
		return NULL;
	}
	ref_init(&c->ref);
	c->permitted = c->effective = c->bounding = CAP_FULL;
	return c;
}

/* All but the count of references is constant, and that is not used. */
READS_UNLOCKED struct cred *cred_dup(const struct cred *c)
{
	struct cred *copy = slab_alloc(&g_cred_cache);

	if (!copy)
		return NULL;
	*copy = *c;
	ref_init(&copy->ref);
	ref_get(&copy->groups->ref);
	user_ns_get(copy->user_ns);
	return copy;
}

const struct cred *cred_get(const struct cred *c)
{
	ref_get(&((struct cred *)(uintptr_t)c)->ref);
	return c;
}

void cred_put(const struct cred *c)
{
	struct cred *cred = (struct cred *)(uintptr_t)c;

	if (!cred || !ref_put(&cred->ref))
		return;
	groups_put(cred->groups);
	user_ns_put(cred->user_ns);
	slab_free(&g_cred_cache, cred);
}

/* Moves gids[at] down the heap of @count elements. */
static void sift_down(u32 *gids, u32 at, u32 count)
{
	u32 child, tmp;

	while ((child = 2 * at + 1) < count) {
		if (child + 1 < count && gids[child + 1] > gids[child])
			child++;
		if (gids[at] >= gids[child])
			return;
		tmp = gids[at];
		gids[at] = gids[child];
		gids[child] = tmp;
		at = child;
	}
}

/* Heap sort: no recursion and no bad case that a guest could choose. */
static void sort_gids(u32 *gids, u32 count)
{
	u32 i, tmp;

	for (i = count / 2; i-- > 0;)
		sift_down(gids, i, count);
	for (i = count; i-- > 1;) {
		tmp = gids[0];
		gids[0] = gids[i];
		gids[i] = tmp;
		sift_down(gids, 0, i);
	}
}

int cred_set_groups(struct cred *c, const u32 *gids, u32 count)
{
	struct cred_groups *g;

	if (count > CRED_NGROUPS_MAX)
		return -EINVAL;
	g = groups_create(count);
	if (!g)
		return -ENOMEM;
	if (count)
		memcpy(g->gids, gids, count * sizeof(*gids));
	sort_gids(g->gids, count);
	groups_put(c->groups);
	c->groups = g;
	return 0;
}

static bool groups_search(const struct cred_groups *g, u32 gid)
{
	u32 low = 0, high = g->count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (g->gids[mid] == gid)
			return true;
		if (g->gids[mid] < gid)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

bool cred_in_group(const struct cred *c, u32 gid)
{
	return c->fsgid == gid || groups_search(c->groups, gid);
}

bool cred_in_egroup(const struct cred *c, u32 gid)
{
	return c->egid == gid || groups_search(c->groups, gid);
}

void cred_fix_caps(struct cred *new, const struct cred *old)
{
	u32 root = root_uid_of(new->user_ns);
	bool had_root = old->uid == root || old->euid == root || old->suid == root;
	bool has_root = new->uid == root || new->euid == root || new->suid == root;

	if (new->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (had_root && !has_root) {
		if (!(new->securebits &SECBIT_KEEP_CAPS))
			new->permitted = new->effective = 0;
		/* Ambient capabilities never outlive the loss of root, keep_caps or not. */
		new->ambient = 0;
	}
	if (old->euid == root && new->euid != root)
		new->effective = 0;
	if (old->euid != root && new->euid == root)
		new->effective = new->permitted;
	if (old->fsuid == root && new->fsuid != root &&new->euid == old->euid)
		new->effective &= ~FS_CAPS;
	if (old->fsuid != root && new->fsuid == root &&new->euid == old->euid)
		new->effective |= new->permitted &FS_CAPS;
}
