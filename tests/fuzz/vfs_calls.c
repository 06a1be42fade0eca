/* libs: vfs fs_tmpfs fs_overlay mm auth time arena host base */
/* SPDX-License-Identifier: Apache-2.0 */
/* vfs_calls.c - libFuzzer target: names, mount options and file calls on a tmpfs or an overlay
 *
 * The input is a list of calls with their paths and numbers. At its end the namespace is given up,
 * and nothing of it may be left: no inode, name, mount, open file or page.
 */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "fs/overlay/overlay.h"
#include "tests/fuzz/fuzz_vfs.h"

#define FILES 4

static struct file *g_files[FILES];
static char g_buf[8192];

/* Mostly one of a few, so that calls meet. */
static const char *path(struct input *in, char *buf, size_t size)
{
	static const char *const names[] = {
		"/",	 "a",  "b",  "d",     "d/a",  "d/b",	"d/d",	     "d/d/c",	"s",
		"l",	 ".",  "..", "d/.",   "d/..", "d/../a", "m",	     "m/a",	"m/d",
		"m/d/x", "a/", "s/", "loop1", "",     "d/s/..", "//d///b//", "nowhere",
	};
	u64 n = take(in, 1);

	return n < 250 ? names[n % array_size(names)] : take_string(in, buf, size);
}

static void open_file(struct input *in, const char *name)
{
	struct open_how_in how = {.flags = (u32)take(in, 3), .mode = (u32)take(in, 2) & 07777};
	struct file **f = &g_files[take(in, 1) % FILES], *new;

	new = vfs_open(&g_c, NULL, name, &how);
	if (IS_ERR(new))
		return;
	if (*f)
		file_put(*f);
	*f = new;
}

static bool emit(struct dir_context *dc, const char *name, size_t len, u64 ino, u32 dtype, u64 next)
{
	check(strlen(name) == len && len > 0 && len < 256 && !strchr(name, '/'));
	return true;
}

static void use_file(struct input *in)
{
	struct file *f = g_files[take(in, 1) % FILES];
	u32 what = (u32)take(in, 1), n = (u32)take(in, 2) % sizeof(g_buf);
	struct dir_context dc = {.emit = emit};
	u64 pos = take(in, 1) < 200 ? take(in, 2) : take(in, 8);
	struct iov_iter it;

	if (!f)
		return;
	iter_init_kernel(&it, g_buf, n);
	switch (what % 6) {
	case 0:
		if (f->mode & FMODE_WRITE)
			vfs_write(&g_c, f, &it, what & 64 && (s64)pos >= 0 ? &pos : NULL);
		break;
	case 1:
		if (f->mode & FMODE_READ)
			check(vfs_read(&g_c, f, &it, what & 64 && (s64)pos >= 0 ? &pos : NULL) <=
			      n);
		break;
	case 2:
		vfs_llseek(&g_c, f, (s64)pos, (int)n % 8);
		break;
	case 3:
		vfs_iterate(&g_c, f, &dc);
		break;
	case 4:
		vfs_fallocate(&g_c, f, (int)n & 127, (s64)pos, (s64)take(in, 3));
		break;
	case 5:
		if (f->mode & FMODE_WRITE && S_ISREG(f->inode->mode) && (s64)pos >= 0)
			vfs_truncate(&g_c, &f->path, f, pos);
		break;
	}
}

/* Calls about what a path leads to. */
static void at_path(struct input *in, const char *name)
{
	u32 what = (u32)take(in, 1), flags = (u32)take(in, 2) & 511;
	struct attr attr = {.valid = (u32)take(in, 2), .mode = (u32)take(in, 2) & 07777};
	struct kstat st;
	char other[256];
	struct path p;

	if (vfs_walk(&g_c, NULL, name, flags, &p) < 0)
		return;
	switch (what % 10) {
	case 0:
		check(vfs_stat(&g_c, &p, &st) == 0 && st.mode & S_IFMT);
		break;
	case 1:
		attr.valid &= ATTR_MODE | ATTR_UID | ATTR_GID;
		attr.uid = attr.gid = what;
		vfs_setattr(&g_c, &p, &attr);
		break;
	case 2:
		check(vfs_readlink(&g_c, &p, g_buf, 4096) < 4096);
		break;
	case 3:
		check(vfs_path_text(&g_c, &p, g_buf, 4096) < 4096);
		break;
	case 4:
		vfs_link(&g_c, &p, NULL, path(in, other, sizeof(other)));
		break;
	case 5:
		if (S_ISDIR(dentry_inode(p.dentry)->mode)) {
			path_put(&g_c.cwd);
			g_c.cwd = p;
			return;
		}
		break;
	case 6:
		vfs_setxattr(&g_c, &p, take_string(in, other, sizeof(other)), g_buf, flags * 8,
			     (int)what >> 5);
		break;
	case 7:
		check(vfs_listxattr(&g_c, &p, g_buf, flags * 8) <= (ssize_t)sizeof(g_buf));
		break;
	case 8:
		vfs_removexattr(&g_c, &p, take_string(in, other, sizeof(other)));
		break;
	case 9:
		vfs_getxattr(&g_c, &p, take_string(in, other, sizeof(other)), g_buf, flags * 8);
		break;
	}
	path_put(&p);
}

static void mounts(struct input *in, const char *name)
{
	static const u64 flags[] = {0,
				    MS_BIND,
				    MS_BIND | MS_REC,
				    MS_MOVE,
				    MS_REMOUNT,
				    MS_REMOUNT | MS_BIND | MS_RDONLY,
				    MS_SHARED,
				    MS_SLAVE,
				    MS_PRIVATE | MS_REC,
				    MS_UNBINDABLE};
	u64 what = take(in, 1), f = flags[take(in, 1) % array_size(flags)];
	char options[256], source[256];
	struct strbuf s;
	u64 cursor = 0;
	struct path p;

	strbuf_init(&s, g_buf, sizeof(g_buf));
	mounts_show(&g_c, &s, &cursor, (int)what % 3);
	if (vfs_walk(&g_c, NULL, name, WALK_FOLLOW, &p) < 0)
		return;
	if (what & 3)
		vfs_mount(&g_c, path(in, source, sizeof(source)), &p, "tmpfs", f,
			  take_string(in, options, sizeof(options)));
	else
		vfs_umount(&g_c, &p, (int)take(in, 1) & 15);
	path_put(&p);
}

static void one_call(struct input *in)
{
	char buf[256], buf2[256];
	u32 what = (u32)take(in, 1);
	const char *name = path(in, buf, sizeof(buf));

	switch (what % 12) {
	case 0:
		vfs_mkdir(&g_c, NULL, name, (u32)take(in, 2));
		break;
	case 1:
		vfs_mknod(&g_c, NULL, name, (u32)take(in, 2), take(in, 2), NULL);
		break;
	case 2:
		vfs_symlink(&g_c, NULL, name, path(in, buf2, sizeof(buf2)));
		break;
	case 3:
		vfs_unlink(&g_c, NULL, name);
		break;
	case 4:
		vfs_rmdir(&g_c, NULL, name);
		break;
	case 5:
	case 6:
		vfs_rename(&g_c, NULL, name, NULL, path(in, buf2, sizeof(buf2)),
			   what & 128 ? 0 : take(in, 1) % 8);
		break;
	case 7:
		open_file(in, name);
		break;
	case 8:
		mounts(in, name);
		break;
	case 9:
	case 10:
		at_path(in, name);
		break;
	case 11:
		use_file(in);
		break;
	}
}

static void populate(void)
{
	struct open_how_in how = {.flags = O_CREAT | O_WRONLY, .mode = 0644};
	struct file *f;

	check(vfs_mkdir(&g_c, NULL, "d", 0755) == 0 && vfs_mkdir(&g_c, NULL, "m", 0755) == 0);
	check(vfs_mkdir(&g_c, NULL, "d/d", 0755) == 0);
	check(vfs_symlink(&g_c, NULL, "s", "d") == 0);
	check(vfs_symlink(&g_c, NULL, "loop1", "loop1") == 0);
	f = vfs_open(&g_c, NULL, "d/a", &how);
	check(!IS_ERR(f));
	file_put(f);
}

static void begin(bool overlay)
{
	struct super_block *lower = new_tmpfs(), *sb;

	if (overlay) {
		lower->lock_rank = LR_INODE_LOWER;
		mutex_init(&dentry_inode(lower->root)->lock, LR_INODE_LOWER);
		ref_get(&lower->ref);
	}
	vfs_enter(lower);
	populate();
	if (!overlay)
		return;
	vfs_leave();
	check(overlay_create(&g_c, lower, NULL, &sb) == 0);
	vfs_enter(sb);
}

static void run(struct input *in)
{
	begin(take(in, 1) & 1);
	while (more(in))
		one_call(in);
	for (int i = 0; i < FILES; i++) {
		if (g_files[i])
			file_put(g_files[i]);
		g_files[i] = NULL;
	}
	vfs_leave();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, data + size}, none = {data, data};
	static struct census empty;

	if (!empty.kinds) {
		vfs_boot();
		run(&none);
		census_take(&empty);
	}
	run(&in);
	census_check(&empty);
	return 0;
}
