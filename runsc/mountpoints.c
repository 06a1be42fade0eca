/* SPDX-License-Identifier: Apache-2.0 */
/* mountpoints.c - mount points that a container's root lacks */
#include "runsc/mountpoints.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Symbolic links of the image lead nowhere but into the image. */
static int open_inside(int root_fd, const char *path, u64 flags)
{
	struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};

	return (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
}

static bool exists(int root_fd, const char *path)
{
	int fd = open_inside(root_fd, path, O_PATH);

	if (fd < 0)
		return errno != ENOENT;
	close(fd);
	return true;
}

/* Does @path lie on or below a mount that comes before number @upto? */
static bool on_mount(const struct spec *s, const char *path, u32 upto)
{
	for (u32 i = 0; i < upto; i++) {
		size_t n = strlen(s->mounts[i].destination);

		if (n > 1 && s->mounts[i].kind != SPEC_MOUNT_CGROUP &&
		    !strncmp(s->mounts[i].destination, path, n) && (!path[n] || path[n] == '/'))
			return true;
	}
	return false;
}

/* Notes @path and those of its parents that are missing. */
static void note(struct region *r, const struct spec *s, struct mountpoints *m, const char *path,
		 u32 upto)
{
	if (on_mount(s, path, upto) || exists(m->root_fd, path))
		return;
	for (const char *end = path; *end; end += *end != 0) {
		char *part;

		end = strchrnul(end + 1, '/');
		part = region_printf(r, "%.*s", (int)(end - path), path);
		if (m->count < MOUNTPOINTS_MAX && !exists(m->root_fd, part))
			m->missing[m->count++] = part;
	}
}

void mountpoints_find(struct region *r, const struct spec *s, struct mountpoints *out)
{
	out->count = 0;
	out->root_fd = open(s->root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (out->root_fd < 0)
		return;
	note(r, s, out, "/dev", s->mount_count);
	for (u32 i = 0; i < s->mount_count; i++)
		if (s->mounts[i].kind != SPEC_MOUNT_CGROUP)
			note(r, s, out, s->mounts[i].destination, i);
	note(r, s, out, s->process.cwd, s->mount_count);
}

void mountpoints_remove(const struct mountpoints *m)
{
	for (u32 i = m->count; i-- > 0;) {
		const char *slash = strrchr(m->missing[i], '/');
		char dir[4096];
		struct stat st;
		int fd;

		if (slash - m->missing[i] >= (ptrdiff_t)sizeof(dir) || !slash[1])
			continue;
		memcpy(dir, m->missing[i], (size_t)(slash - m->missing[i]) + 1);
		dir[slash - m->missing[i] + 1] = 0;
		fd = open_inside(m->root_fd, dir, O_PATH | O_DIRECTORY);
		if (fd < 0)
			continue;
		if (fstatat(fd, slash + 1, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			if (S_ISDIR(st.st_mode))
				unlinkat(fd, slash + 1, AT_REMOVEDIR);
			else if (S_ISREG(st.st_mode) && st.st_size == 0)
				unlinkat(fd, slash + 1, 0);
		}
		close(fd);
	}
}

void mountpoints_close(struct mountpoints *m)
{
	if (m->root_fd >= 0)
		close(m->root_fd);
	m->root_fd = -1;
}
