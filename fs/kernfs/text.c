/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - reading and writing of kernfs' text files
 *
 * The text is made when a read starts at position 0 (and at the first read of all), and kept with
 * the open file; further reads serve from it. lock guards the text: two tasks may read one open
 * file.
 */
#include <fcntl.h>

#include "fs/kernfs/kernfs.h"
#include "fs/kernfs/kernfs_internal.h"
#include "sentry/arena/arena.h"
#include "sentry/base/strbuf.h"

struct kernfs_text {
	struct mutex lock; /* LR_FSPRIV; guards below */
	char *buf;
	size_t size, len;
	bool made;
};
static SLAB_CACHE(kernfs_text_cache, struct kernfs_text);

static int kernfs_open(struct caller *c, struct inode *inode, struct file *f)
{
	struct kernfs_text *t;

	if (kernfs_node_of(inode)->entry->children || kernfs_node_of(inode)->entry->lookup)
		return 0;
	t = slab_alloc(&kernfs_text_cache);
	if (!t)
		return -ENOMEM;
	mutex_init(&t->lock, LR_FSPRIV);
	f->data = t;
	return 0;
}

static void kernfs_release(struct file *f)
{
	struct kernfs_text *t = f->data;

	if (!t)
		return;
	if (t->buf)
		kfree(t->buf, t->size);
	slab_free(&kernfs_text_cache, t);
}

/* Makes the text in a buffer that is large enough; no lock held: show() may take any. */
static int make_text(struct caller *c, const struct kernfs_node *n, char **out, size_t *out_size,
		     size_t *out_len)
{
	size_t size = PAGE_SIZE;
	struct strbuf s;
	char *buf;
	int err;

	for (;; size *= 4) {
		buf = kalloc(size);
		if (!buf)
			return -ENOMEM;
		strbuf_init(&s, buf, size);
		err = n->entry->show(c, n, &s);
		if (!err && (!s.cut || size >= KERNFS_TEXT_MAX))
			break;
		kfree(buf, size);
		if (err)
			return err;
	}
	*out = buf;
	*out_size = size;
	*out_len = s.len;
	return 0;
}

static ssize_t kernfs_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	const struct kernfs_node *n = kernfs_node_of(f->inode);
	struct kernfs_text *t = f->data;
	size_t size, len, want = to->left;
	ssize_t done = 0;
	char *buf;
	int err;

	if (!t || !n->entry->show)
		return -EINVAL;
	if (*pos == 0 || !t->made) {
		err = make_text(c, n, &buf, &size, &len);
		if (err)
			return err;
		mutex_lock(&t->lock);
		if (t->buf)
			kfree(t->buf, t->size);
		t->buf = buf;
		t->size = size;
		t->len = len;
		t->made = true;
		mutex_unlock(&t->lock);
	}
	mutex_lock(&t->lock);
	if (*pos < t->len) {
		want = min(want, t->len - *pos);
		done = copy_to_iter(t->buf + *pos, want, to);
	}
	mutex_unlock(&t->lock);
	if (done == 0 && want > 0 && *pos < t->len)
		return -EFAULT;
	*pos += done;
	return done;
}

static ssize_t kernfs_write(struct caller *c, struct file *f, struct iov_iter *from, u64 *pos)
{
	const struct kernfs_node *n = kernfs_node_of(f->inode);
	size_t len = min(from->left, (size_t)KERNFS_STORE_MAX - 1);
	char *buf;
	long ret;

	if (!n->entry->store)
		return -EINVAL;
	buf = page_alloc(0);
	if (!buf)
		return -ENOMEM;
	if (copy_from_iter(buf, len, from) != len) {
		ret = -EFAULT;
	} else {
		buf[len] = 0;
		ret = n->entry->store(c, n, buf, len);
	}
	page_free(buf, 0);
	if (ret > 0)
		*pos += ret;
	return ret;
}

const struct file_ops kernfs_file_ops = {
	.open = kernfs_open,
	.release = kernfs_release,
	.read = kernfs_read,
	.write = kernfs_write,
	.iterate = kernfs_iterate,
};
