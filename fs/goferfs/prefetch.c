/* SPDX-License-Identifier: Apache-2.0 */
/* prefetch.c - walks a whole path with one message, ahead of the lookups
 *
 * Theory of operation: no lock is held over the message, so names may have changed when the answer
 * is here. Each name is put into the cache under its directory's lock, and only while `changes`
 * stands where it stood before the message: every change of a name counts it up before it lets the
 * directory go (names.c). Names that are cached already are believed more than the answer: a
 * different inode ends the work.
 * When the file at the end is about to be opened, its descriptor comes along.
 */
#include "fs/goferfs/goferfs_internal.h"
#include "platform/host/host.h"

#define PREFETCH_MAX 16

/* Splits @rest into names up to the first "." or "..". */
static u32 split(const char *rest, struct gofer_name names[PREFETCH_MAX])
{
	u32 count = 0;

	while (*rest == '/')
		rest++;
	while (*rest && count < PREFETCH_MAX) {
		size_t n = strcspn(rest, "/");

		if (n > GOFER_NAME_MAX || (n == 1 && rest[0] == '.') ||
		    (n == 2 && rest[0] == '.' && rest[1] == '.'))
			break;
		names[count++] = (struct gofer_name){.s = rest, .size = (u32)n};
		rest += n;
		while (*rest == '/')
			rest++;
	}
	return count;
}

/* Says that @d, new in the cache, is @node (NULL: not there). The id of @node is taken over. */
static void settle(struct super_block *sb, struct inode *dir, struct dentry *d,
		   const struct gofer_node *node)
{
	struct gofer_attr unused;
	struct inode *i;

	if (!node) {
		dentry_set_negative_kept(d);
		return;
	}
	i = gnode_get(sb, node);
	if (IS_ERR(i))
		return; /* the next walk looks it up */
	listing_ask(dir, d->name, d->name_len,
		    &unused); /* what the listing knows of it is old from now on */
	dentry_set_inode(d, i);
}

/* Puts one name below @at into the cache. The dentry (reference), or NULL when the work ends here.
 */
static struct dentry *put_one(struct gsuper *gs, struct dentry *at, const struct gofer_name *name,
			      const struct gofer_node *node, u64 changes)
{
	struct inode *dir = dentry_inode(at), *i;
	struct dentry *d = NULL;
	bool new = false;

	mutex_lock(&dir->lock);
	if (atomic_load(&gs->changes) == changes && !(dir->flags & INODE_DEAD))
		d = dentry_lookup_or_new(at, name->s, name->size, &new);
	if (d && new)
		settle(at->sb, dir, d, node);
	else if (node)
		gofer_release(gclient(gs), node->id, false);
	mutex_unlock(&dir->lock);
	i = d ? dentry_inode(d) : NULL;
	if (d && (!i || !node || gnode_of(i)->host_ino != node->attr.ino ||
		  gnode_of(i)->host_dev != node->attr.dev)) {
		dentry_put(d);
		d = NULL;
	}
	return d;
}

/* What came along with the last node goes to its inode. */
static void put_last(struct inode *i, struct gofer_walk_result *r, const char *target)
{
	gnode_keep_link(i, target, r->target_size);
	if (r->fd >= 0 && S_ISREG(i->mode)) {
		gfds_donate(gnode_of(i), FD_READ, r->fd);
		r->fd = -1;
	}
}

static void put_all(struct gsuper *gs, struct dentry *at, const struct gofer_name *names,
		    struct gofer_walk_result *r, const char *target, u32 count, u64 changes)
{
	u32 known = r->count + (r->error == -ENOENT && r->count < count), done;
	struct dentry *next;

	dentry_get(at);
	for (done = 0; at && done < known; done++) {
		next = put_one(gs, at, &names[done], done < r->count ? &r->nodes[done] : NULL,
			       changes);
		dentry_put(at);
		at = next;
		if (at && done + 1 == r->count)
			put_last(dentry_inode(at), r, target);
		if (at && !S_ISDIR(dentry_inode(at)->mode)) {
			done++;
			break;
		}
	}
	for (; done < r->count; done++)
		gofer_release(gclient(gs), r->nodes[done].id, false);
	if (r->fd >= 0)
		host_close(r->fd);
	dentry_put(at);
}

void gnames_prefetch(struct caller *c, struct dentry *dir, const char *rest, bool open)
{
	struct gnode *g = gnode_of(dentry_inode(dir));
	struct gofer_name names[PREFETCH_MAX];
	u64 changes = atomic_load(&g->gs->changes);
	struct inode *inode = dentry_inode(dir);
	u32 count = split(rest, names);
	struct gofer_node nodes[PREFETCH_MAX];
	struct gofer_walk_result r = {.nodes = nodes};
	char target[GOFER_LINK_MAX];
	gofer_id id;

	if (count == 1 && (!open || listing_knows(inode, names[0].s, names[0].size)))
		return;
	if (count == 0 || gnode_id(g, &id, NULL) < 0)
		return;
	if (gofer_walk(gclient(g->gs), id, 0, open ? GOFER_WALK_OPEN_READ : 0, names, count, &r,
		       target) == 0)
		put_all(g->gs, dir, names, &r, target, count, changes);
}
