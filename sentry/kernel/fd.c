/* SPDX-License-Identifier: Apache-2.0 */
/* fd.c - descriptor tables: numbers to open files (close(2), dup(2), fcntl(2), close_range(2))
 *
 * Theory of operation: a table is two arrays of one size, a power of two, that grow on demand up to
 * the task's RLIMIT_NOFILE. Only tasks that share the table change it, under files->lock. A table
 * with a single reference is read without the lock: its only owner is the reader, and others
 * (readers of /proc) take a reference first and change nothing.
 */
#include <limits.h>

#include "sentry/base/bug.h"
#include "sentry/kernel/task.h"

#define FILES_MIN	    64u
#define FILES_MAX	    (1u << 20)
#define RLIMIT_NOFILE_INDEX 7

static SLAB_CACHE(files_cache, struct files);

static bool files_alloc(struct files *f, u32 size)
{
	f->file = kalloc(size * sizeof(*f->file));
	f->cloexec = kalloc(size);
	if (f->file && f->cloexec) {
		f->size = size;
		return true;
	}
	if (f->file)
		kfree(f->file, size * sizeof(*f->file));
	if (f->cloexec)
		kfree(f->cloexec, size);
	return false;
}

struct files *files_create(void)
{
	struct files *f = slab_alloc(&files_cache);

	if (!f)
		return NULL;
	ref_init(&f->ref);
	mutex_init(&f->lock, LR_FDTABLE);
	if (!files_alloc(f, FILES_MIN)) {
		slab_free(&files_cache, f);
		return NULL;
	}
	return f;
}

static u32 highest(const struct files *f, u32 upto)
{
	u32 n = min(f->size, upto);

	while (n > 0 && !f->file[n - 1])
		n--;
	return n;
}

struct files *files_dup(struct files *old, u32 upto, long *err)
{
	struct files *f = slab_alloc(&files_cache);
	u32 n, size = FILES_MIN;

	*err = -ENOMEM;
	if (!f)
		return NULL;
	ref_init(&f->ref);
	mutex_init(&f->lock, LR_FDTABLE);
	mutex_lock(&old->lock);
	n = highest(old, upto);
	while (size < n)
		size *= 2;
	if (!files_alloc(f, size)) {
		mutex_unlock(&old->lock);
		slab_free(&files_cache, f);
		return NULL;
	}
	for (u32 i = 0; i < n; i++) {
		f->file[i] = old->file[i] ? file_get(old->file[i]) : NULL;
		f->cloexec[i] = old->cloexec[i];
	}
	f->next = min(old->next, n);
	mutex_unlock(&old->lock);
	*err = 0;
	return f;
}

/* What close(2) does to a file that has left the table. */
static void close_file(struct caller *c, struct files *files, struct file *f)
{
	if (!(f->mode & FMODE_PATH)) {
		if (f->op && f->op->flush)
			f->op->flush(c, f);
		if (f->inode && !list_empty(&f->inode->locks))
			locks_release_posix(f->inode, files);
	}
	file_put(f);
}

void files_put(struct caller *c, struct files *f)
{
	if (!ref_put(&f->ref))
		return;
	for (u32 i = 0; i < f->size; i++)
		if (f->file[i])
			close_file(c, f, f->file[i]);
	kfree(f->file, f->size * sizeof(*f->file));
	kfree(f->cloexec, f->size);
	slab_free(&files_cache, f);
}

static struct file *lookup(struct task *t, int fd)
{
	struct files *files = t->files;
	struct file *f = NULL;
	bool alone;

	if (unlikely(t->wait.again))
		for (unsigned i = 0; i < WAIT_FILES && t->wait.files[i]; i++)
			if (t->wait.fds[i] == fd)
				return file_get(t->wait.files[i]);
	alone = ref_read(&files->ref) == 1;
	if (!alone)
		mutex_lock(&files->lock);
	if ((u32)fd < files->size && files->file[fd])
		f = file_get(files->file[fd]);
	if (!alone)
		mutex_unlock(&files->lock);
	return f;
}

struct file *fd_lookup_path(struct task *t, int fd)
{
	return fd < 0 ? NULL : lookup(t, fd);
}

struct file *fd_lookup(struct task *t, int fd)
{
	struct file *f = fd_lookup_path(t, fd);

	if (f && f->mode & FMODE_PATH) {
		file_put(f);
		return NULL;
	}
	return f;
}

/* Makes slot @fd exist. 0, -EMFILE, -ENOMEM. */
static int grow(struct files *f, u32 fd)
{
	struct files old = *f;
	u32 size = f->size;

	mutex_assert_held(&f->lock);
	if (fd < f->size)
		return 0;
	if (fd >= FILES_MAX)
		return -EMFILE;
	while (size <= fd)
		size *= 2;
	if (!files_alloc(f, size)) {
		f->file = old.file;
		f->cloexec = old.cloexec;
		return -ENOMEM;
	}
	memcpy(f->file, old.file, old.size * sizeof(*old.file));
	memcpy(f->cloexec, old.cloexec, old.size);
	kfree(old.file, old.size * sizeof(*old.file));
	kfree(old.cloexec, old.size);
	return 0;
}

static u32 fd_limit(struct task *t)
{
	return min(task_rlimit(t, RLIMIT_NOFILE_INDEX), (u64)FILES_MAX);
}

/* The lowest free slot >= @from, made to exist. */
static int find_free(struct task *t, u32 from)
{
	struct files *f = t->files;
	u32 fd = max(from, f->next);
	int err;

	while (fd < f->size && f->file[fd])
		fd++;
	if (fd >= fd_limit(t))
		return -EMFILE;
	err = grow(f, fd);
	return err ? err : (int)fd;
}

static void set(struct files *f, u32 fd, struct file *file, bool cloexec)
{
	f->file[fd] = file;
	f->cloexec[fd] = cloexec;
	if (fd == f->next)
		f->next = fd + 1;
}

int fd_install(struct task *t, struct file *file, int from, bool cloexec)
{
	int fd;

	mutex_lock(&t->files->lock);
	fd = find_free(t, from);
	if (fd >= 0)
		set(t->files, fd, file, cloexec);
	mutex_unlock(&t->files->lock);
	return fd;
}

int fd_install_pair(struct task *t, struct file *f[2], bool cloexec, int out[2])
{
	int a, b = -EMFILE;

	mutex_lock(&t->files->lock);
	a = find_free(t, 0);
	if (a >= 0) {
		set(t->files, a, f[0], cloexec);
		b = find_free(t, a + 1);
		if (b >= 0) {
			set(t->files, b, f[1], cloexec);
		} else {
			t->files->file[a] = NULL;
			t->files->next = min(t->files->next, (u32)a);
		}
	}
	mutex_unlock(&t->files->lock);
	if (a < 0 || b < 0)
		return a < 0 ? a : b;
	out[0] = a;
	out[1] = b;
	return 0;
}

int fd_install_at(struct task *t, struct file *file, int fd, bool cloexec)
{
	struct files *files = t->files;
	struct file *old = NULL;
	int err;

	if (fd < 0 || (u32)fd >= fd_limit(t))
		return -EBADF;
	mutex_lock(&files->lock);
	err = grow(files, fd);
	if (!err) {
		old = files->file[fd];
		set(files, fd, file, cloexec);
	}
	mutex_unlock(&files->lock);
	if (old)
		close_file(task_caller(t), files, old);
	return err ? err : fd;
}

/* Takes the file out of slot @fd; lock held. */
static struct file *take(struct files *f, u32 fd)
{
	struct file *file = fd < f->size ? f->file[fd] : NULL;

	if (file) {
		f->file[fd] = NULL;
		f->cloexec[fd] = 0;
		f->next = min(f->next, fd);
	}
	return file;
}

int fd_close(struct task *t, int fd)
{
	struct file *file;

	if (fd < 0)
		return -EBADF;
	mutex_lock(&t->files->lock);
	file = take(t->files, fd);
	mutex_unlock(&t->files->lock);
	if (!file)
		return -EBADF;
	close_file(task_caller(t), t->files, file);
	return 0;
}

/* Takes out the first file in [*cursor, last] that @want_cloexec_only lets through. */
static struct file *take_next(struct files *f, u32 *cursor, u32 last, bool want_cloexec_only)
{
	struct file *file = NULL;

	mutex_lock(&f->lock);
	for (; !file && *cursor < f->size && *cursor <= last; ++*cursor)
		if (!want_cloexec_only || f->cloexec[*cursor])
			file = take(f, *cursor);
	mutex_unlock(&f->lock);
	return file;
}

int fd_close_range(struct task *t, u32 first, u32 last, bool only_set_cloexec)
{
	struct files *files = t->files;
	struct file *f;

	if (first > last)
		return -EINVAL;
	if (only_set_cloexec) {
		mutex_lock(&files->lock);
		for (u32 i = first; i < files->size && i <= last; i++)
			if (files->file[i])
				files->cloexec[i] = 1;
		mutex_unlock(&files->lock);
		return 0;
	}
	while ((f = take_next(files, &first, last, false)))
		close_file(task_caller(t), files, f);
	return 0;
}

void fd_close_on_exec(struct task *t)
{
	u32 cursor = 0;
	struct file *f;

	while ((f = take_next(t->files, &cursor, UINT_MAX, true)))
		close_file(task_caller(t), t->files, f);
}

int fd_get_cloexec(struct task *t, int fd)
{
	int ret = -EBADF;

	mutex_lock(&t->files->lock);
	if (fd >= 0 && (u32)fd < t->files->size && t->files->file[fd])
		ret = t->files->cloexec[fd];
	mutex_unlock(&t->files->lock);
	return ret;
}

int fd_set_cloexec(struct task *t, int fd, bool on)
{
	int ret = -EBADF;

	mutex_lock(&t->files->lock);
	if (fd >= 0 && (u32)fd < t->files->size && t->files->file[fd]) {
		t->files->cloexec[fd] = on;
		ret = 0;
	}
	mutex_unlock(&t->files->lock);
	return ret;
}

int fd_next(struct files *files, int from, struct file **out, bool *out_cloexec)
{
	int found = -1;

	mutex_lock(&files->lock);
	for (u32 i = max(from, 0); i < files->size; i++)
		if (files->file[i]) {
			*out = file_get(files->file[i]);
			if (out_cloexec)
				*out_cloexec = files->cloexec[i];
			found = i;
			break;
		}
	mutex_unlock(&files->lock);
	return found;
}
