/* SPDX-License-Identifier: Apache-2.0 */
/* vfs.c - boot of the virtual file system, and the tables of file system types and device numbers
 */
#include "fs/vfs/vfs_internal.h"

#include <sys/sysmacros.h>

#define TYPES_MAX   32
#define CHRDEVS_MAX 32

struct chrdev {
	u32 major, minor, count;
	const struct file_ops *ops;
};

/* Written at boot, before threads exist. */
static const struct file_system_type *g_types[TYPES_MAX];
static unsigned g_type_count;
static struct chrdev g_chrdevs[CHRDEVS_MAX];
static unsigned g_chrdev_count;
static const struct file_ops *g_fifo_ops;

void file_system_register(const struct file_system_type *t)
{
	BUG_ON(g_type_count == TYPES_MAX);
	g_types[g_type_count++] = t;
}

const struct file_system_type *file_system_find(const char *name)
{
	for (unsigned i = 0; i < g_type_count; i++)
		if (strcmp(g_types[i]->name, name) == 0)
			return g_types[i];
	return NULL;
}

const struct file_system_type *file_system_at(unsigned index)
{
	return index < g_type_count ? g_types[index] : NULL;
}

void vfs_set_fifo_ops(const struct file_ops *ops)
{
	g_fifo_ops = ops;
}

void vfs_chrdev_register(u32 major_nr, u32 minor_nr, u32 count, const struct file_ops *ops)
{
	BUG_ON(g_chrdev_count == CHRDEVS_MAX);
	g_chrdevs[g_chrdev_count++] = (struct chrdev){major_nr, minor_nr, count, ops};
}

const struct file_ops *special_file_ops(const struct inode *i)
{
	u32 maj = major(i->rdev), min = minor(i->rdev);

	if (S_ISFIFO(i->mode))
		return g_fifo_ops;
	if (!S_ISCHR(i->mode))
		return NULL;
	for (unsigned k = 0; k < g_chrdev_count; k++)
		if (maj == g_chrdevs[k].major && min >= g_chrdevs[k].minor &&
		    min - g_chrdevs[k].minor < g_chrdevs[k].count)
			return g_chrdevs[k].ops;
	return i->fop;
}

static void mm_file_get(void *file)
{
	file_get(file);
}

static void mm_file_put(void *file)
{
	file_put(file);
}

int vfs_init(void)
{
	int err;

	dcache_init();
	mount_init();
	locks_init();
	notify_init();
	mm_file_ops.get = mm_file_get;
	mm_file_ops.put = mm_file_put;
	err = anon_mount_init();
	return err ? err : memfd_init();
}
