/* SPDX-License-Identifier: Apache-2.0 */
/* boot_fs.c - the file systems of the sandbox and where they are mounted
 *
 * Theory of operation: the root is tree 0 of the gofer, alone (`run`) or below a tmpfs (`do`). On
 * it come the mounts of the specification in their order, then the hidden and read-only paths; the
 * root becomes read-only last, so that missing mount points can be made before. All paths are
 * walked inside the new namespace: a symbolic link of the image leads nowhere else.
 */
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "fs/anon/anon.h"
#include "fs/cgroup/cgroup_fs.h"
#include "net/socket/socket.h"
#include "fs/dev/dev.h"
#include "fs/devpts/tty.h"
#include "fs/goferfs/goferfs.h"
#include "fs/mqueue/mqueue.h"
#include "fs/overlay/overlay.h"
#include "fs/pipe/pipe.h"
#include "fs/proc/proc.h"
#include "fs/sys/sys_fs.h"
#include "fs/tmpfs/tmpfs.h"
#include "runsc/boot/boot_internal.h"
#include "runsc/boot/confine.h"
#include "sentry/arena/arena.h"

void boot_register_types(void)
{
	file_system_register(&goferfs_type);
	file_system_register(&tmpfs_type);
	anon_init();
	socket_init();
	vfs_set_fifo_ops(&pipe_ops);
	boot_check(dev_init(), "devices");
	boot_check(devpts_init(), "devpts");
	boot_check(sysfs_init(), "sysfs");
	boot_check(proc_init(), "proc");
	boot_check(cgroup_fs_init(), "cgroup");
	boot_check(mqueue_init(), "mqueue");
}

static int make_super(struct boot *b, const char *type, u32 flags, const char *source,
		      const char *options, struct super_block **out)
{
	const struct file_system_type *t = file_system_find(type);

	if (!t)
		return error_set_errno(&b->error, ENODEV, "file system %s", type);
	return t->mount(&b->caller, t, flags, source, options, out);
}

/* The super block of tree @tree of the gofer. */
static int make_gofer_super(struct boot *b, u32 tree, struct super_block **out)
{
	char options[64];
	int err;

	/* What is mounted from the host beside the root is the host's to change, too. */
	snprintf(options, sizeof(options), "client=%u,tree=%u%s", b->client, tree,
		 tree || b->c->root_shared ? ",shared" : "");
	err = make_super(b, "goferfs", 0, b->c->trees[tree].path, options, out);
	if (err)
		error_set_errno(&b->error, err, "files of %s", b->c->trees[tree].path);
	return err;
}

static int mount_root(struct boot *b)
{
	struct super_block *lower, *upper, *root;
	int err = make_gofer_super(b, 0, &lower);

	if (err)
		return err;
	root = lower;
	if (b->c->overlay) {
		err = make_super(b, "tmpfs", 0, "upper", "mode=0755", &upper);
		if (!err)
			err = overlay_create(&b->caller, lower, upper, &root);
		if (err)
			return error_set_errno(&b->error, err, "overlay of the root");
	}
	b->ns = mnt_ns_create(root, 0, b->c->overlay ? "overlay" : "/");
	if (!b->ns)
		return error_set_errno(&b->error, ENOMEM, "mount namespace");
	mnt_ns_root(b->ns, &b->caller.root);
	b->caller.cwd = b->caller.root;
	b->caller.mnt_ns = b->ns;
	return 0;
}

int boot_mkdirs(struct boot *b, const char *path)
{
	char part[4096];
	struct path p;
	int err = 0;

	if (strlen(path) >= sizeof(part))
		return -ENAMETOOLONG;
	for (const char *end = path; *end && !err; end += *end != 0) {
		end = strchrnul(end + 1, '/');
		memcpy(part, path, (size_t)(end - path));
		part[end - path] = 0;
		err = vfs_walk(&b->caller, NULL, part, WALK_FOLLOW, &p);
		if (err == 0) {
			err = S_ISDIR(p.dentry->inode->mode) ? 0 : -ENOTDIR;
			path_put(&p);
		}
		if (err == -ENOENT)
			err = vfs_mkdir(&b->caller, NULL, part, 0755);
	}
	return err;
}

/* An empty file to mount a file on. */
static int make_file(struct boot *b, const char *path)
{
	struct open_how_in how = {.flags = O_CREAT | O_WRONLY, .mode = 0644};
	char dir[4096];
	struct file *f;
	char *slash;
	int err = 0;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	*slash = 0;
	if (dir[0])
		err = boot_mkdirs(b, dir);
	if (err)
		return err;
	f = vfs_open(&b->caller, NULL, path, &how);
	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	file_put(f);
	return 0;
}

/* Walks to a mount point, which is made when it is missing. */
static int mount_point(struct boot *b, const char *path, bool dir, struct path *out)
{
	int err = vfs_walk(&b->caller, NULL, path, WALK_FOLLOW, out);

	if (err == -ENOENT) {
		err = dir ? boot_mkdirs(b, path) : make_file(b, path);
		if (!err)
			err = vfs_walk(&b->caller, NULL, path, WALK_FOLLOW, out);
	}
	if (!err && S_ISDIR(out->dentry->inode->mode) != dir) {
		path_put(out);
		err = -ENOTDIR;
	}
	return err;
}

static int attach(struct boot *b, struct super_block *sb, const char *where, bool dir, u32 flags,
		  const char *source)
{
	struct path at;
	int err = mount_point(b, where, dir, &at);

	if (err)
		return err;
	err = mount_attach(&b->caller, sb, &at, flags, source);
	path_put(&at);
	return err;
}

static const char *kind_type(const struct spec_mount *m)
{
	static const char *const names[] = {
		[SPEC_MOUNT_TMPFS] = "tmpfs",	[SPEC_MOUNT_PROC] = "proc",
		[SPEC_MOUNT_SYSFS] = "sysfs",	[SPEC_MOUNT_DEVPTS] = "devpts",
		[SPEC_MOUNT_MQUEUE] = "mqueue",
	};

	return names[m->kind];
}

#define MOUNT_FLAGS \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME)

static int remount(struct boot *b, const char *where, u32 flags)
{
	struct path p;
	int err = vfs_walk(&b->caller, NULL, where, WALK_FOLLOW, &p);

	if (err)
		return err;
	err = vfs_mount(&b->caller, where, &p, NULL, MS_BIND | MS_REMOUNT | flags, NULL);
	path_put(&p);
	return err;
}

/* As on the host: v2 is one file system, v1 a directory with one for each controller. */
static int mount_cgroup(struct boot *b, const struct spec_mount *m, u32 flags)
{
	bool v2 = !b->c->cgroup_v1 || !strcmp(m->type, "cgroup2");
	struct super_block *sb;
	char place[4096];
	int err;

	err = make_super(b, v2 ? "cgroup2" : "tmpfs", 0, m->source, v2 ? "" : "mode=755", &sb);
	if (!err)
		err = attach(b, sb, m->destination, true, v2 ? flags : flags & ~(u32)MS_RDONLY,
			     v2 ? "cgroup2" : "tmpfs");
	for (unsigned i = 0; !v2 && !err && kernel_cgroup_names[i]; i++) {
		const char *name = kernel_cgroup_names[i], *eq = strchr(name, '=');

		snprintf(place, sizeof(place), "%s/%s", m->destination, eq ? eq + 1 : name);
		err = make_super(b, "cgroup", 0, "cgroup", name, &sb);
		if (!err)
			err = attach(b, sb, place, true, flags, "cgroup");
	}
	if (!v2 && !err && flags & MS_RDONLY)
		err = remount(b, m->destination, flags);
	return err ? error_set_errno(&b->error, err, "mount %s on %s", m->type, m->destination) : 0;
}

/* The mount point is taken hold of before the tmpfs covers it. */
static int mount_copy(struct boot *b, const struct spec_mount *m, struct super_block *sb, u32 flags)
{
	struct path below;
	int err = mount_point(b, m->destination, true, &below);

	if (err)
		return err;
	err = mount_attach(&b->caller, sb, &below, flags & ~(u32)MS_RDONLY, m->source);
	if (!err)
		err = boot_copy_up(b, &below, m->destination);
	path_put(&below);
	if (!err && flags & MS_RDONLY)
		err = remount(b, m->destination, flags);
	return err;
}

static int mount_one(struct boot *b, const struct spec_mount *m)
{
	u32 flags = (u32)(m->flags & MOUNT_FLAGS);
	struct super_block *sb;
	bool dir = true;
	int err;

	if (m->kind == SPEC_MOUNT_CGROUP)
		return mount_cgroup(b, m, flags);
	if (m->kind == SPEC_MOUNT_BIND) {
		dir = m->source_is_dir;
		err = make_gofer_super(b, m->tree, &sb);
	} else {
		err = make_super(b, kind_type(m), 0, m->source, m->data, &sb);
	}
	if (err)
		return error_set_errno(&b->error, err, "mount %s on %s", m->type, m->destination);
	if (m->kind == SPEC_MOUNT_TMPFS && m->copy_up)
		err = mount_copy(b, m, sb, flags);
	else
		err = attach(b, sb, m->destination, dir, flags,
			     m->source && *m->source ? m->source : m->type);
	if (!err && m->kind == SPEC_MOUNT_TMPFS && !strcmp(m->destination, "/dev"))
		err = boot_populate_dev(b);
	if (err)
		return error_set_errno(&b->error, err, "mount %s on %s",
				       m->kind == SPEC_MOUNT_BIND ? m->source : m->type,
				       m->destination);
	return 0;
}

/* What every program expects; with `run` only /dev, when the specification does not speak of it. */
static int mount_defaults(struct boot *b)
{
	static const struct spec_mount all[] = {
		{.kind = SPEC_MOUNT_PROC,
		 .destination = "/proc",
		 .type = "proc",
		 .source = "proc",
		 .data = "",
		 .flags = MS_NOSUID | MS_NODEV | MS_NOEXEC},
		{.kind = SPEC_MOUNT_SYSFS,
		 .destination = "/sys",
		 .type = "sysfs",
		 .source = "sysfs",
		 .data = "",
		 .flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC},
		{.kind = SPEC_MOUNT_TMPFS,
		 .destination = "/dev",
		 .type = "tmpfs",
		 .source = "tmpfs",
		 .data = "mode=755",
		 .flags = MS_NOSUID},
		{.kind = SPEC_MOUNT_DEVPTS,
		 .destination = "/dev/pts",
		 .type = "devpts",
		 .source = "devpts",
		 .data = "mode=0620,gid=5,ptmxmode=0666",
		 .flags = MS_NOSUID | MS_NOEXEC},
		{.kind = SPEC_MOUNT_TMPFS,
		 .destination = "/dev/shm",
		 .type = "tmpfs",
		 .source = "shm",
		 .data = "mode=1777",
		 .flags = MS_NOSUID | MS_NODEV},
		{.kind = SPEC_MOUNT_MQUEUE,
		 .destination = "/dev/mqueue",
		 .type = "mqueue",
		 .source = "mqueue",
		 .data = "",
		 .flags = MS_NOSUID | MS_NODEV | MS_NOEXEC},
	};
	const struct spec *s = &b->c->spec;

	for (size_t i = 0; i < array_size(all); i++) {
		bool wanted = b->c->default_mounts || !strcmp(all[i].destination, "/dev");
		int err;

		for (u32 k = 0; k < s->mount_count; k++)
			wanted =
				wanted && strcmp(s->mounts[k].destination, all[i].destination) != 0;
		if (!wanted || !file_system_find(all[i].type))
			continue;
		err = mount_one(b, &all[i]);
		if (err)
			return err;
	}
	return 0;
}

static int hide_path(struct boot *b, const char *path)
{
	struct path p;
	int err = vfs_walk(&b->caller, NULL, path, WALK_FOLLOW, &p);

	if (err)
		return err == -ENOENT || err == -ENOTDIR ? 0 : err;
	if (S_ISDIR(p.dentry->inode->mode))
		err = vfs_mount(&b->caller, "tmpfs", &p, "tmpfs", MS_RDONLY, "");
	else
		err = vfs_mount(&b->caller, "/dev/null", &p, NULL, MS_BIND, NULL);
	path_put(&p);
	return err;
}

static int make_readonly(struct boot *b, const char *path)
{
	struct path p;
	int err = vfs_walk(&b->caller, NULL, path, WALK_FOLLOW, &p);

	if (err)
		return err == -ENOENT || err == -ENOTDIR ? 0 : err;
	err = vfs_mount(&b->caller, path, &p, NULL, MS_BIND | MS_REC, NULL);
	path_put(&p);
	if (!err)
		err = vfs_walk(&b->caller, NULL, path, WALK_FOLLOW, &p);
	if (err)
		return err;
	err = vfs_mount(&b->caller, path, &p, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
	path_put(&p);
	return err;
}

static int restrict_paths(struct boot *b)
{
	const struct spec *s = &b->c->spec;
	int err = 0;

	for (char **p = s->readonly_paths; p && *p; p++) {
		err = make_readonly(b, *p);
		if (err)
			return error_set_errno(&b->error, err,
					       "config.json: linux.readonlyPaths: %s", *p);
	}
	for (char **p = s->masked_paths; p && *p; p++) {
		err = hide_path(b, *p);
		if (err)
			return error_set_errno(&b->error, err, "config.json: linux.maskedPaths: %s",
					       *p);
	}
	return 0;
}

int boot_mount_all(struct boot *b)
{
	const struct spec *s = &b->c->spec;
	int err = mount_root(b);

	if (!err)
		err = mount_defaults(b);
	for (u32 i = 0; i < s->mount_count && !err; i++)
		err = mount_one(b, &s->mounts[i]);
	if (!err)
		err = boot_mkdirs(b, s->process.cwd);
	if (err)
		return error_set_errno(&b->error, err, "process.cwd: %s", s->process.cwd);
	err = boot_make_devices(b);
	if (!err)
		err = restrict_paths(b);
	if (!err && s->root_readonly)
		err = vfs_mount(&b->caller, "/", &b->caller.root, NULL,
				MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
	return err ? error_set_errno(&b->error, err, "make the root read-only") : 0;
}
