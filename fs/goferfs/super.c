/* SPDX-License-Identifier: Apache-2.0 */
/* super.c - goferfs as a file system: mounting, statfs, end */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "fs/goferfs/goferfs_internal.h"

#define HASH_ORDER_DIR	13
#define HASH_ORDER_FILE 1

static SLAB_CACHE(g_supers, struct gsuper);

static int gsuper_statfs(struct caller *c, struct super_block *sb, struct statfs *out)
{
	struct gsuper *gs = sb->data;
	struct gofer_statfs_rsp st;
	int err = gofer_statfs(gclient(gs), gs->root_id, &st);

	if (err)
		return err;
	*out = (struct statfs){.f_type = (__fsword_t)st.type,
			       .f_bsize = (__fsword_t)st.bsize,
			       .f_blocks = st.blocks,
			       .f_bfree = st.bfree,
			       .f_bavail = st.bavail,
			       .f_files = st.files,
			       .f_ffree = st.ffree,
			       .f_namelen = (__fsword_t)st.namelen,
			       .f_frsize = (__fsword_t)st.frsize,
			       .f_flags = (__fsword_t)st.flags};
	memcpy(&out->f_fsid, &st.fsid, sizeof(out->f_fsid));
	return 0;
}

static void gsuper_free(struct gsuper *gs)
{
	if (gs->hash)
		gnode_hash_free(gs->hash, gs->hash_order);
	slab_free(&g_supers, gs);
}

static void gsuper_put(struct super_block *sb)
{
	gsuper_free(sb->data);
	sb->data = NULL;
}

static void gsuper_show_options(struct super_block *sb, struct strbuf *s)
{
	struct gsuper *gs = sb->data;

	strbuf_printf(s, gs->shared ? ",cache=shared" : ",cache=exclusive");
}

static const struct super_ops g_super_ops = {
	.evict = gnode_evict,
	.statfs = gsuper_statfs,
	.put_super = gsuper_put,
	.show_options = gsuper_show_options,
};

/* "client=N,tree=M[,shared]" */
static int parse_options(const char *options, struct gsuper *gs)
{
	unsigned client, tree;
	int n = 0;

	if (!options || sscanf(options, "client=%u,tree=%u%n", &client, &tree, &n) != 2)
		return -EINVAL;
	if (options[n] && strcmp(options + n, ",shared") != 0)
		return -EINVAL;
	if (client >= GOFER_CLIENT_MAX)
		return -EINVAL;
	gs->client = client;
	gs->tree = tree;
	gs->shared = options[n] != 0;
	return 0;
}

/* Attaches to the tree and makes the super block with its root. Takes over @gs, also on failure. */
static int attach(const struct file_system_type *t, struct gsuper *gs, u32 sb_flags,
		  struct super_block **out)
{
	struct gofer_attach_rsp rsp;
	struct super_block *sb;
	struct inode *root;
	int err = gofer_attach(gclient(gs), gs->tree, &rsp);

	if (err) {
		gsuper_free(gs);
		return err;
	}
	gs->readonly = rsp.readonly;
	gs->root_dev = rsp.root.attr.dev;
	gs->root_id = rsp.root.id;
	gs->hash_order = S_ISDIR(rsp.root.attr.mode) ? HASH_ORDER_DIR : HASH_ORDER_FILE;
	gs->hash = gnode_hash_alloc(gs->hash_order);
	sb = gs->hash ? sb_create(t, &g_super_ops, gs) : NULL;
	if (!sb) {
		gofer_release(gclient(gs), rsp.root.id, false);
		gsuper_free(gs);
		return -ENOMEM;
	}
	sb->flags = sb_flags | (gs->readonly ? MS_RDONLY : 0);
	sb->magic = 0x01021997; /* as 9p: what programs know of files that come from outside */
	root = gnode_get(sb, &rsp.root);
	if (!IS_ERR(root))
		sb->root = dentry_make_root(sb, root);
	if (!sb->root) {
		if (!IS_ERR(root))
			inode_put(root);
		sb_put(sb);
		return -ENOMEM;
	}
	*out = sb;
	return 0;
}

static int goferfs_mount(struct caller *c, const struct file_system_type *t, u32 sb_flags,
			 const char *source, const char *options, struct super_block **out)
{
	struct gsuper *gs;
	int err;

	if (c->task) /* boot mounts trees, a guest never does */
		return -ENODEV;
	gs = slab_alloc(&g_supers);
	if (!gs)
		return -ENOMEM;
	mutex_init(&gs->lock, LR_FSPRIV);
	err = parse_options(options, gs);
	if (err) {
		gsuper_free(gs);
		return err;
	}
	return attach(t, gs, sb_flags, out);
}

const struct file_system_type goferfs_type = {
	.name = "goferfs",
	.flags = FS_NODEV,
	.mount = goferfs_mount,
};
