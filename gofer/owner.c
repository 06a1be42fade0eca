/* SPDX-License-Identifier: Apache-2.0 */
/* owner.c - owners of files when the gofer knows one user only
 *
 * A gofer that an ordinary user started lives in a user namespace with one id in it: that user is 0
 * there, and everybody else is the overflow id. The client shall see files as on the host: the
 * user's own are the user's, and the others, which it cannot change anyway, are shown as root's.
 */
#include "gofer/server_internal.h"

static struct {
	bool one_user;
	u32 uid, gid; /* what the client calls the user */
} g_owner;	      /* const after owner_init */

void owner_init(bool one_user, u32 uid, u32 gid)
{
	g_owner.one_user = one_user;
	g_owner.uid = uid;
	g_owner.gid = gid;
}

/* Whom the files of all others belong to: root, or nobody when that is what the user is called. */
static u32 others(u32 own)
{
	return own == 0 ? 65534 : 0;
}

u32 owner_uid_out(u32 uid)
{
	if (!g_owner.one_user)
		return uid;
	return uid == 0 ? g_owner.uid : others(g_owner.uid);
}

u32 owner_gid_out(u32 gid)
{
	if (!g_owner.one_user)
		return gid;
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
		return 0;
	return id_in(uid, g_owner.uid) && id_in(gid, g_owner.gid) ? 0 : -EPERM;
}
