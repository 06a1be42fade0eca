/* SPDX-License-Identifier: Apache-2.0 */
/* boot_dev.c - nodes and links of /dev on a fresh tmpfs, as runc makes them */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "runsc/boot/boot_internal.h"

/* The node of the terminal, which belongs to its user. */
static int make_console(struct boot *b)
{
	struct attr a = {
		.valid = ATTR_UID | ATTR_GID, .uid = b->c->spec.process.uid, .gid = 5, /* tty */
	};
	struct path p;
	int err = vfs_mknod(&b->caller, NULL, "/dev/console", S_IFCHR | 0620, makedev(5, 1), &p);

	if (err)
		return err;
	err = vfs_setattr(&b->caller, &p, &a);
	path_put(&p);
	return err;
}

int boot_make_devices(struct boot *b)
{
	const struct spec *s = &b->c->spec;
	u32 umask = b->caller.umask;
	int err = 0;

	b->caller.umask = 0;
	for (u32 i = 0; i < s->device_count && !err; i++) {
		const struct spec_device *d = &s->devices[i];
		struct attr a = {.valid = ATTR_UID | ATTR_GID, .uid = d->uid, .gid = d->gid};
		char dir[4096], *slash;
		struct path p;

		if (snprintf(dir, sizeof(dir), "%s", d->path) >= (int)sizeof(dir))
			continue;
		slash = strrchr(dir, '/');
		*slash = 0;
		err = dir[0] ? boot_mkdirs(b, dir) : 0;
		if (!err)
			err = vfs_mknod(&b->caller, NULL, d->path, d->mode,
					makedev(d->major, d->minor), &p);
		if (!err) {
			err = vfs_setattr(&b->caller, &p, &a);
			path_put(&p);
		} else if (err == -EEXIST) {
			err = 0; /* what every container has */
		}
		if (err)
			error_set_errno(&b->error, err, "mknod %s", d->path);
	}
	b->caller.umask = umask;
	return err;
}

int boot_populate_dev(struct boot *b)
{
	static const struct {
		const char *name;
		unsigned major, minor;
	} nodes[] = {
		{"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
		{"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
	};
	static const char *const links[][2] = {
		{"/dev/fd", "/proc/self/fd"},	    {"/dev/stdin", "/proc/self/fd/0"},
		{"/dev/stdout", "/proc/self/fd/1"}, {"/dev/stderr", "/proc/self/fd/2"},
		{"/dev/ptmx", "pts/ptmx"},
	};
	u32 umask = b->caller.umask;
	int err = 0;

	b->caller.umask = 0;
	for (size_t i = 0; i < array_size(nodes) && !err; i++)
		err = vfs_mknod(&b->caller, NULL, nodes[i].name, S_IFCHR | 0666,
				makedev(nodes[i].major, nodes[i].minor), NULL);
	for (size_t i = 0; i < array_size(links) && !err; i++)
		err = vfs_symlink(&b->caller, NULL, links[i][0], links[i][1]);
	if (!err && b->c->console)
		err = make_console(b);
	b->caller.umask = umask;
	return err;
}
