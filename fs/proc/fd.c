/* SPDX-License-Identifier: Apache-2.0 */
/* fd.c - /proc/PID/fd and fdinfo */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/proc/proc_internal.h"

/* The file of descriptor @fd of the node's task, with a reference; NULL: none. */
static struct file *node_file(const struct kernfs_node *n, int fd, bool *out_cloexec)
{
	struct task *t = proc_task(n);
	struct files *files;
	struct file *f = NULL;

	if (!t)
		return NULL;
	files = proc_files(t);
	if (files) {
		if (fd_next(files, fd, &f, out_cloexec) != fd && f) {
			file_put(f);
			f = NULL;
		}
		files_put(&t->caller, files);
	}
	task_put(t);
	return f;
}

static int fd_owner(struct caller *c, const struct kernfs_node *n, u32 *uid, u32 *gid)
{
	struct file *f = node_file(n, SUB_FD(n->sub), NULL);

	if (!f)
		return -ENOENT;
	file_put(f);
	return proc_owner(c, n, uid, gid);
}

static int fd_jump(struct caller *c, const struct kernfs_node *n, struct path *out)
{
	struct file *f = node_file(n, SUB_FD(n->sub), NULL);
	int err = proc_may_inspect(c, n, 0);

	if (!f)
		return -ENOENT;
	if (!err) {
		*out = f->path;
		path_get(out);
	}
	file_put(f);
	return err;
}

static ssize_t fd_readlink(struct caller *c, const struct kernfs_node *n, char *buf, size_t size)
{
	struct path p;
	ssize_t len = fd_jump(c, n, &p);

	if (len < 0)
		return len;
	len = vfs_path_text(c, &p, buf, size);
	path_put(&p);
	return len;
}

static int show_fdinfo(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	bool cloexec = false;
	struct file *f = node_file(n, SUB_FD(n->sub), &cloexec);

	if (!f)
		return -ENOENT;
	strbuf_printf(s, "pos:\t%llu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%llu\n",
		      (unsigned long long)f->pos, f->flags | (cloexec ? O_CLOEXEC : 0),
		      f->path.mnt ? f->path.mnt->id : 0,
		      f->inode ? (unsigned long long)f->inode->ino : 0);
	if (f->op && f->op->show_fdinfo)
		f->op->show_fdinfo(f, s);
	file_put(f);
	return 0;
}

static const struct kernfs_entry fd_link = {.name = "fd",
					    .mode = S_IFLNK | 0700,
					    .jump = fd_jump,
					    .readlink = fd_readlink,
					    .owner = fd_owner};
static const struct kernfs_entry fdinfo_file = {
	.name = "fdinfo", .mode = 0400, .show = show_fdinfo, .owner = fd_owner};

static int lookup(const struct kernfs_node *dir, const char *name, const struct kernfs_entry *e,
		  struct kernfs_node *out)
{
	int fd = proc_number(name);
	struct file *f = fd < 0 ? NULL : node_file(dir, fd, NULL);

	if (!f)
		return -ENOENT;
	file_put(f);
	*out = (struct kernfs_node){.entry = e, .id = dir->id, .sub = SUB(SUB_TID(dir->sub), fd)};
	return 0;
}

static s64 iterate(const struct kernfs_node *dir, u64 index, struct dir_context *dc,
		   const struct kernfs_entry *e)
{
	struct task *t = proc_task(dir);
	struct files *files = t ? proc_files(t) : NULL;
	struct file *f;
	char name[16];
	s64 ret = -1;
	int fd;

	while (files && (fd = fd_next(files, (int)index, &f, NULL)) >= 0) {
		struct kernfs_node n = {
			.entry = e, .id = dir->id, .sub = SUB(SUB_TID(dir->sub), fd)};

		file_put(f);
		snprintf(name, sizeof(name), "%d", fd);
		if (!kernfs_emit(dc, name, &n, fd + 1)) {
			ret = fd;
			break;
		}
		index = fd + 1;
	}
	if (files)
		files_put(&t->caller, files);
	if (t)
		task_put(t);
	return ret;
}

int fd_dir_lookup(struct caller *c, const struct kernfs_node *dir, const char *name,
		  struct kernfs_node *out)
{
	return lookup(dir, name, &fd_link, out);
}

s64 fd_dir_iterate(struct caller *c, const struct kernfs_node *dir, u64 index,
		   struct dir_context *dc)
{
	return iterate(dir, index, dc, &fd_link);
}

int fdinfo_dir_lookup(struct caller *c, const struct kernfs_node *dir, const char *name,
		      struct kernfs_node *out)
{
	return lookup(dir, name, &fdinfo_file, out);
}

s64 fdinfo_dir_iterate(struct caller *c, const struct kernfs_node *dir, u64 index,
		       struct dir_context *dc)
{
	return iterate(dir, index, dc, &fdinfo_file);
}
