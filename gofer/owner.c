/* SPDX-License-Identifier: Apache-2.0 */
/* owner.c - owners of files when the gofer knows one user only, or the client calls ids otherwise
 *
 * A gofer that an ordinary user started lives in a user namespace with one id in it: that user is 0
 * there, and everybody else is the overflow id. The client shall see files as on the host: the
 * user's own are the user's, and the others, which it cannot change anyway, are shown as root's.
 *
 * A container with a user namespace has ranges of ids, as id maps tell.
 */
#include "gofer/server_internal.h"

#define OVERFLOW_ID 65534

struct id_maps {
	const struct gofer_id_map *maps;
	u32 count;
};

static struct {
	bool one_user;
	u32 uid, gid; /* what the client calls the user */
	struct id_maps uids, gids;
} g_owner; /* const after owner_init */

void owner_init(const struct gofer_config *cfg)
{
	g_owner.one_user = cfg->one_user;
	g_owner.uid = cfg->uid;
	g_owner.gid = cfg->gid;
	g_owner.uids = (struct id_maps){cfg->uid_maps, cfg->uid_map_count};
	g_owner.gids = (struct id_maps){cfg->gid_maps, cfg->gid_map_count};
}

static u32 map_out(const struct id_maps *m, u32 id)
{
	for (u32 i = 0; i < m->count; i++)
		if (id - m->maps[i].outside < m->maps[i].count)
			return m->maps[i].inside + (id - m->maps[i].outside);
	return m->count ? OVERFLOW_ID : id;
}

static bool map_in(const struct id_maps *m, u32 *id)
{
	if (*id == ~0u || !m->count)
		return true;
	for (u32 i = 0; i < m->count; i++)
		if (*id - m->maps[i].inside < m->maps[i].count) {
			*id = m->maps[i].outside + (*id - m->maps[i].inside);
			return true;
		}
	return false;
}

/* Whom the files of all others belong to: root, or nobody when that is what the user is called. */
static u32 others(u32 own)
{
	return own == 0 ? 65534 : 0;
}

u32 owner_uid_out(u32 uid)
{
	if (!g_owner.one_user)
		return map_out(&g_owner.uids, uid);
	return uid == 0 ? g_owner.uid : others(g_owner.uid);
}

u32 owner_gid_out(u32 gid)
{
	if (!g_owner.one_user)
		return map_out(&g_owner.gids, gid);
	return gid == 0 ? g_owner.gid : others(g_owner.gid);
}

/* One id of a change: true when it can be told to the host. */
static bool id_in(u32 *id, u32 own)
{
	if (*id == ~0u)
		return true;
	if (*id != own)
		return false;
	*id = 0;
	return true;
}

int owner_in(u32 *uid, u32 *gid)
{
	if (!g_owner.one_user)
		return map_in(&g_owner.uids, uid) && map_in(&g_owner.gids, gid) ? 0 : -EINVAL;
	return id_in(uid, g_owner.uid) && id_in(gid, g_owner.gid) ? 0 : -EPERM;
}
