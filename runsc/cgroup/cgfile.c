/* SPDX-License-Identifier: Apache-2.0 */
/* cgfile.c - the small files of a cgroup directory, and paths */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runsc/cgroup/cgroup_internal.h"

#define FILE_MAX (256u << 10)

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "runsc: out of memory\n");
		_exit(1);
	}
	return p;
}

char *cgpath_join(const char *dir, const char *name)
{
	char *out = NULL;

	if (asprintf(&out, "%s/%s", dir, name) < 0)
		out = NULL;
	return must(out);
}

char *cgpath_clean(const char *path)
{
	char *out = must(malloc(strlen(path) + 2)), *end = out;
	bool absolute = *path == '/';

	while (*path) {
		size_t n;

		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n == 2 && path[0] == '.' && path[1] == '.') {
			while (end > out && *--end != '/')
				;
		} else if (n && !(n == 1 && path[0] == '.')) {
			if (absolute || end > out)
				*end++ = '/';
			memcpy(end, path, n);
			end += n;
		}
		path += n;
	}
	if (absolute && end == out)
		*end++ = '/';
	*end = 0;
	return out;
}

int cgfile_try(const char *dir, const char *name, const char *text)
{
	char *path = cgpath_join(dir, name);
	size_t size = strlen(text);
	ssize_t n = 0;
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC), err = 0;

	free(path);
	if (fd < 0)
		return -errno;
	do
		n = write(fd, text, size);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)size)
		err = n < 0 ? -errno : -EIO;
	close(fd);
	return err;
}

int cgfile_write(const char *dir, const char *name, const char *text, struct error *e)
{
	int err = cgfile_try(dir, name, text);
	char *path;

	if (!err)
		return 0;
	path = cgpath_join(dir, name);
	if (access(path, W_OK) < 0)
		err = error_set_errno(e, errno, "open %s", path);
	else
		err = error_set_errno(e, err, "failed to write \"%s\": write %s", text, path);
	free(path);
	return err;
}

int cgfile_printf(const char *dir, const char *name, struct error *e, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return cgfile_write(dir, name, text, e);
}

char *cgfile_read(const char *dir, const char *name)
{
	char *path = cgpath_join(dir, name), *text;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0, size = 4096;

	free(path);
	if (fd < 0)
		return NULL;
	text = must(malloc(size));
	for (;;) {
		ssize_t n = read(fd, text + used, size - used - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
		if (used + 1 < size)
			continue;
		if (size >= FILE_MAX)
			break;
		size *= 2;
		text = must(realloc(text, size));
	}
	close(fd);
	if (used && text[used - 1] == '\n')
		used--;
	text[used] = 0;
	return text;
}

int cgfile_u64(const char *dir, const char *name, u64 *out)
{
	char *text = cgfile_read(dir, name), *end;
	int err = 0;

	if (!text)
		return -ENOENT;
	errno = 0;
	if (!strcmp(text, "max"))
		*out = UINT64_MAX;
	else if (*text == '-') /* -1: no limit */
		*out = UINT64_MAX;
	else
		*out = strtoull(text, &end, 10);
	if (errno == ERANGE)
		*out = UINT64_MAX;
	else if (*text < '-' || *text > 'm')
		err = -EINVAL;
	free(text);
	return err;
}

u64 cgfile_key(const char *dir, const char *name, const char *key)
{
	char *text = cgfile_read(dir, name), *save = NULL;
	size_t n = strlen(key);
	u64 value = 0;

	if (!text)
		return 0;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (!strncmp(l, key, n) && l[n] == ' ')
			value = strtoull(l + n + 1, NULL, 10);
	free(text);
	return value;
}

bool cgfile_exists(const char *dir, const char *name)
{
	char *path = cgpath_join(dir, name);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

int cgfile_mkdirs(const char *path)
{
	char *copy = must(strdup(path));
	int err = 0;

	if (mkdir(path, 0755) == 0 || errno == EEXIST) {
		free(copy);
		return 0;
	}
	for (char *p = strchr(copy + 1, '/');; p = strchr(p + 1, '/')) {
		if (p)
			*p = 0;
		err = mkdir(copy, 0755) < 0 && errno != EEXIST ? -errno : 0;
		/* What is above a mount point may refuse, and need not be made. */
		if (err && access(copy, F_OK) == 0)
			err = 0;
		if (!p || err)
			break;
		*p = '/';
	}
	free(copy);
	return err;
}
