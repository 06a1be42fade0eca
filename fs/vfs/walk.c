/* SPDX-License-Identifier: Apache-2.0 */
/* walk.c - from a path's text to a mount and a dentry (path_resolution(7), openat2(2))
 *
 * Theory of operation
 * Iterative: a link's text is walked in place, and what was left of the text around it waits on
 * w->rest. At most 40 links in a walk, so the stacks are arrays. The texts of links are kept alive
 * by w->hold until the end.
 *
 * walk_to_last() consumes all but the last component of the outermost text that is left; the
 * callers decide what the last one means (look up, create, remove) and may continue with the text
 * of a final link.
 *
 * A walk over cached names takes one bucket lock and one reference for each component, allocates
 * nothing and takes no inode lock. "Beneath" and "in root" remember their base as root; a rename
 * that moves a directory out from under the walk is noticed by asking at ".." and at the end
 * whether we still are below the base.
 */
#include "fs/vfs/vfs_internal.h"

#include "sentry/arena/arena.h"

#define WALK_SCOPED (WALK_BENEATH | WALK_IN_ROOT)

static void at_set(struct walk *w, struct mount *mnt, struct dentry *d)
{
	path_put(&w->at);
	w->at.mnt = mnt;
	w->at.dentry = d;
}

int walk_start(struct walk *w, struct caller *c, const struct path *start, const char *name,
	       u32 flags)
{
	w->c = c;
	w->flags = flags;
	w->links = w->depth = 0;
	w->jumped = false;
	w->base.dentry = NULL;
	w->root = c->root;
	w->at.dentry = NULL;
	w->at.mnt = NULL;
	if (!*name && !(flags & WALK_EMPTY))
		return -ENOENT;
	if (*name == '/' && (flags & WALK_BENEATH))
		return -EXDEV;
	if (*name == '/' && !(flags & WALK_IN_ROOT))
		start = &c->root;
	else if (!start)
		start = &c->cwd;
	w->at = *start;
	path_get(&w->at);
	if (flags & WALK_SCOPED) {
		w->base = w->at;
		path_get(&w->base);
		w->root = w->base;
	}
	return 0;
}

static void hold_release(struct walk *w)
{
	for (unsigned i = 0; i < w->links; i++) {
		if (w->hold[i].page)
			page_free(w->hold[i].page, 0);
		if (w->hold[i].inode)
			inode_put(w->hold[i].inode);
	}
	w->links = 0;
}

void walk_end(struct walk *w)
{
	if (w->links)
		hold_release(w);
	if (w->at.dentry)
		path_put(&w->at);
	if (w->base.dentry)
		path_put(&w->base);
	w->at.dentry = w->base.dentry = NULL;
}

/* --- one name ----------------------------------------------------------------------------------
 */

/* A name that is not cached, or in lookup: asks the file system, with the directory's lock held. */
static struct dentry *lookup_locked(struct caller *c, struct dentry *dir, const char *name, u32 len)
{
	struct inode *inode = dentry_inode(dir);
	struct dentry *d;
	bool new;
	int err;

	if (inode_flags(inode) & INODE_DEAD)
		return ERR_PTR(-ENOENT);
	d = dentry_lookup_or_new(dir, name, len, &new);
	if (!d)
		return ERR_PTR(-ENOMEM);
	if (!new)
		return d;
	err = inode->op->lookup ? inode->op->lookup(c, inode, d) : -ENOTDIR;
	if (err && err != -ENOENT) {
		dentry_drop(d);
		dentry_put(d);
		return ERR_PTR(err);
	}
	if (d->in_lookup)
		dentry_set_negative(d);
	return d;
}

struct dentry *lookup_one(struct caller *c, struct dentry *dir, const char *name, u32 len, u32 hash,
			  bool locked)
{
	struct inode *inode = dentry_inode(dir);
	struct dentry *d;

	for (;;) {
		d = dentry_find(dir, name, len, hash);
		if (d && !atomic_load_explicit(&d->in_lookup, memory_order_acquire)) {
			if (likely(!inode->op->revalidate || inode->op->revalidate(c, d)))
				return d;
			dentry_drop(d);
		}
		if (d)
			dentry_put(d);
		if (!locked)
			inode_lock(inode);
		d = lookup_locked(c, dir, name, len);
		if (!locked)
			inode_unlock(inode);
		return d;
	}
}

struct dentry *walk_lookup_last(struct walk *w)
{
	return lookup_one(w->c, w->at.dentry, w->last, w->last_len, w->last_hash, false);
}

/* May we search in the directory where we are? */
static int may_search(struct walk *w)
{
	struct inode *dir = dentry_inode(w->at.dentry);

	if (unlikely(!dir))
		return -ENOENT;
	if (unlikely(!S_ISDIR(dir->mode)))
		return -ENOTDIR;
	if (likely((dir->mode & 0111) == 0111 && !dir->op->permission))
		return 0;
	return inode_permission(w->c, dir, MAY_EXEC);
}

int walk_step(struct walk *w, struct dentry *d)
{
	struct mount *m;
	struct dentry *old = w->at.dentry;

	w->at.dentry = d;
	dentry_put(old);
	while (unlikely(atomic_load_explicit(&w->at.dentry->mounts, memory_order_relaxed))) {
		m = mount_lookup(w->at.mnt, w->at.dentry);
		if (!m)
			break;
		if (w->flags & WALK_NO_XDEV) {
			mount_put(m);
			return -EXDEV;
		}
		at_set(w, m, dentry_get(m->root));
	}
	return 0;
}

static bool at_root(const struct walk *w)
{
	return w->at.dentry == w->root.dentry && w->at.mnt == w->root.mnt;
}

/* From a mount's root to where it is mounted, as often as needed. */
static int climb_mounts(struct walk *w)
{
	struct path up;

	while (w->at.dentry == w->at.mnt->root && !at_root(w)) {
		if (!mount_parent(w->at.mnt, &up))
			break;
		at_set(w, up.mnt, up.dentry);
		if (w->flags & WALK_NO_XDEV)
			return -EXDEV;
	}
	return 0;
}

static int walk_dotdot(struct walk *w)
{
	struct dentry *parent;
	int err;

	if (at_root(w))
		return w->flags & WALK_BENEATH ? -EXDEV : 0;
	err = climb_mounts(w);
	if (err || at_root(w))
		return err;
	parent = dentry_parent(w->at.dentry);
	/* A rename may have moved us out from below the base: then ".." could climb for ever. */
	if ((w->flags & WALK_SCOPED) && w->at.mnt == w->root.mnt &&
	    !dentry_is_below(parent, w->root.dentry)) {
		dentry_put(parent);
		return w->flags & WALK_BENEATH ? -EXDEV : -EAGAIN;
	}
	return walk_step(w, parent);
}

/* --- links -------------------------------------------------------------------------------------
 */

/* The text of @inode's link, valid until walk_end. ERR_PTR. */
static const char *link_text(struct walk *w, struct inode *inode, struct walk_hold *h)
{
	char *link = atomic_load_explicit(&inode->link, memory_order_acquire), *none = NULL;
	ssize_t n;

	h->page = NULL;
	h->inode = inode_get(inode);
	if (link)
		return link;
	if (!inode->op->readlink)
		return ERR_PTR(-EINVAL);
	h->page = page_alloc_dirty(0);
	if (!h->page)
		return ERR_PTR(-ENOMEM);
	n = inode->op->readlink(w->c, inode, h->page, PATH_MAX_SIZE - 1);
	if (n < 0)
		return ERR_PTR(n);
	h->page[n] = 0;
	if (inode->sb->no_dcache || strlen(h->page) != (size_t)n)
		return h->page;
	link = kalloc(n + 1);
	if (link) {
		memcpy(link, h->page, n + 1);
		inode->link_len = n; /* always the same for one inode */
		if (!atomic_compare_exchange_strong(&inode->link, &none, link))
			kfree(link, n + 1);
	}
	return h->page;
}

static int follow_magic(struct walk *w, struct inode *inode)
{
	struct path to;
	int err;

	if (w->flags & WALK_NO_MAGICLINKS)
		return -ELOOP;
	if (w->flags & WALK_SCOPED)
		return -EXDEV;
	err = inode->op->jump(w->c, inode, &to);
	if (err)
		return err;
	if ((w->flags & WALK_NO_XDEV) && to.mnt != w->at.mnt) {
		path_put(&to);
		return -EXDEV;
	}
	at_set(w, to.mnt, to.dentry);
	w->jumped = true;
	return 0;
}

/* Follows the link @inode found in w->at (the directory). *out_text: what to walk from w->at; NULL:
 * jumped. */
static int follow_link(struct walk *w, struct inode *inode, const char **out_text)
{
	const char *text;

	*out_text = NULL;
	if (w->links >= WALK_LINKS_MAX || (w->flags & WALK_NO_SYMLINKS))
		return -ELOOP;
	if (w->at.mnt->flags & MS_NOSYMFOLLOW)
		return -ELOOP;
	if (inode_flags(inode) & INODE_MAGIC) {
		w->hold[w->links++] = (struct walk_hold){0};
		return follow_magic(w, inode);
	}
	text = link_text(w, inode, &w->hold[w->links++]);
	if (IS_ERR(text))
		return PTR_ERR(text);
	if (!*text)
		return -ENOENT;
	if (*text == '/') {
		if (w->flags & WALK_BENEATH)
			return -EXDEV;
		if ((w->flags & WALK_NO_XDEV) && w->at.mnt != w->root.mnt)
			return -EXDEV;
		path_get(&w->root);
		at_set(w, w->root.mnt, w->root.dentry);
	}
	*out_text = text;
	return 0;
}

/* --- components --------------------------------------------------------------------------------
 */

/* Steps into @w->last in the middle of a path, following links. *name: what is left; replaced by a
 * link's text. */
static int walk_middle(struct walk *w, const char **name)
{
	struct dentry *d =
		lookup_one(w->c, w->at.dentry, w->last, w->last_len, w->last_hash, false);
	struct inode *inode;
	const char *text;
	int err;

	if (IS_ERR(d))
		return PTR_ERR(d);
	inode = dentry_inode(d);
	if (unlikely(!inode)) {
		dentry_put(d);
		return -ENOENT;
	}
	if (likely(!S_ISLNK(inode->mode)))
		return walk_step(w, d);
	if (w->links >= WALK_LINKS_MAX) {
		dentry_put(d);
		return -ELOOP;
	}
	w->rest[w->depth++] = *name;
	err = follow_link(w, inode, &text);
	dentry_put(d);
	if (!err)
		*name = text ? text : w->rest[--w->depth];
	return err;
}

/* Takes the next component off @name into w->last; what is left (slashes skipped). */
static const char *next_component(struct walk *w, const char *name)
{
	const char *end = strchrnul(name, '/');

	w->last = name;
	w->last_len = end - name;
	w->slash = *end == '/';
	while (*end == '/')
		end++;
	w->kind = LAST_NORM;
	if (name[0] == '.' && w->last_len == 1)
		w->kind = LAST_DOT;
	else if (name[0] == '.' && name[1] == '.' && w->last_len == 2)
		w->kind = LAST_DOTDOT;
	return end;
}

/* Lets the file system see what is to come, where names are not cached. */
static void prefetch(struct walk *w, bool open)
{
	struct inode *dir = dentry_inode(w->at.dentry);
	struct dentry *d;

	if (!dir || !dir->op->prefetch)
		return;
	d = dentry_find(w->at.dentry, w->last, w->last_len, w->last_hash);
	if (d)
		dentry_put(d);
	else
		dir->op->prefetch(w->c, w->at.dentry, w->last, open);
}

int walk_to_last(struct walk *w, const char *name)
{
	int err;

	while (*name == '/')
		name++;
	if (!*name && !w->depth) {
		w->last = name;
		w->last_len = 0;
		w->slash = false;
		w->kind = LAST_ROOT;
		return 0;
	}
	for (;;) {
		while (!*name && w->depth) /* the end of a link's text */
			name = w->rest[--w->depth];
		err = may_search(w);
		if (unlikely(err))
			return err;
		name = next_component(w, name);
		if (unlikely(w->last_len > NAME_MAX_LEN))
			return -ENAMETOOLONG;
		if (w->kind == LAST_NORM)
			w->last_hash = dentry_hash(w->at.dentry, w->last, w->last_len);
		if (!*name && !w->depth)
			return 0;
		if (w->kind == LAST_NORM) {
			if (*name)
				prefetch(w, !w->depth && (w->flags & WALK_OPEN));
			err = walk_middle(w, &name);
		} else if (w->kind == LAST_DOTDOT) {
			err = walk_dotdot(w);
		}
		if (unlikely(err))
			return err;
		while (*name == '/')
			name++;
	}
}

int walk_link(struct walk *w, struct dentry *link, const char **more)
{
	int err = follow_link(w, dentry_inode(link), more);

	dentry_put(link);
	return err;
}

int walk_last(struct walk *w, bool follow, const char **more)
{
	struct inode *inode;
	struct dentry *d;

	*more = NULL;
	if (w->kind == LAST_DOTDOT)
		return walk_dotdot(w);
	if (w->kind != LAST_NORM)
		return 0;
	if ((w->flags & WALK_OPEN) && !w->slash)
		prefetch(w, true);
	d = walk_lookup_last(w);
	if (IS_ERR(d))
		return PTR_ERR(d);
	inode = dentry_inode(d);
	if (!inode) {
		dentry_put(d);
		return -ENOENT;
	}
	if (S_ISLNK(inode->mode) && (follow || w->slash)) {
		if (w->slash)
			w->flags |= WALK_DIRECTORY;
		return walk_link(w, d, more);
	}
	if (w->slash)
		w->flags |= WALK_DIRECTORY;
	return walk_step(w, d);
}

/* The end: is it what was asked for? */
static int walk_check_end(struct walk *w)
{
	struct inode *inode = dentry_inode(w->at.dentry);

	if (!inode)
		return -ENOENT;
	if ((w->flags & WALK_DIRECTORY) && !S_ISDIR(inode->mode))
		return -ENOTDIR;
	/* A jump or a "." ends at a name that was never looked up: it may be stale. */
	return 0;
}

int vfs_walk(struct caller *c, const struct path *start, const char *name, u32 flags,
	     struct path *out)
{
	struct walk w;
	int err = walk_start(&w, c, start, name, flags);

	if (!err && *name) {
		do {
			err = walk_to_last(&w, name);
			if (!err)
				err = walk_last(&w, flags & WALK_FOLLOW, &name);
		} while (!err && name);
	}
	if (!err)
		err = walk_check_end(&w);
	if (!err) {
		*out = w.at;
		w.at.dentry = NULL;
	}
	walk_end(&w);
	return err;
}

int vfs_walk_parent(struct caller *c, const struct path *start, const char *name, u32 flags,
		    struct path *out, const char **out_last, size_t *out_len,
		    enum last_kind *out_kind, bool *out_slash)
{
	struct walk w;
	int err = walk_start(&w, c, start, name, flags);

	if (!err)
		err = walk_to_last(&w, name);
	if (!err) {
		*out = w.at;
		w.at.dentry = NULL;
		*out_last = w.last;
		*out_len = w.kind == LAST_NORM ? w.last_len : 0;
		*out_kind = w.kind;
		*out_slash = w.slash;
	}
	walk_end(&w);
	return err;
}
