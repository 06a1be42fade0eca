/* SPDX-License-Identifier: Apache-2.0 */
/* unix_show.c - /proc/net/unix */
#include "net/socket/netdev.h"
#include "net/socket/unix.h"

#define SO_ACC 0x10000u /* listens */

/* The name as it is shown: '@' for the zeroes of an abstract one. */
static void show_name(const struct unix_addr *a, struct strbuf *s)
{
	u32 n = a->len - (u32)sizeof(sa_family_t);
	bool abstract = n && a->un.sun_path[0] == 0;

	strbuf_printf(s, " ");
	if (n && !abstract)
		n--; /* without the 0 at the end */
	for (u32 i = 0; i < n && i < sizeof(a->un.sun_path); i++)
		strbuf_add(s, a->un.sun_path[i] ? &a->un.sun_path[i] : "@", 1);
}

int unix_show(struct strbuf *s)
{
	struct unix_sock *u;

	mutex_lock(&g_unix_all.lock);
	list_for_each_entry (u, &g_unix_all.socks, all) {
		const struct unix_addr *a = u->addr;
		bool listens = u->state == US_LISTEN;

		strbuf_printf(s, "0000000000000000: %08X %08X %08X %04X %02X %5llu",
			      ref_read(&u->ref), 0, listens ? SO_ACC : 0, u->sk.type,
			      u->peer ? 3 : 1, (unsigned long long)atomic_load(&u->ino));
		if (a)
			show_name(a, s);
		strbuf_printf(s, "\n");
	}
	mutex_unlock(&g_unix_all.lock);
	return 0;
}
