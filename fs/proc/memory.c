/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - /proc/PID/{maps,smaps,cmdline,environ,auxv,mem} */
#include <fcntl.h>

#include "fs/proc/proc_internal.h"
#include "sentry/mm/copy.h"

#define CMDLINE_MAX (1u << 20)

static int show_vmas(const struct kernfs_node *n, struct strbuf *s, bool smaps)
{
	struct mm *mm = proc_mm(n);
	u64 cursor = 0;

	if (!mm)
		return 0; /* a zombie has an empty file */
	while (cursor != ~0ull && !s->cut)
		mm_show_maps(mm, s, &cursor, smaps);
	mm_put(mm);
	return 0;
}

int show_maps(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	return show_vmas(n, s, false);
}

int show_smaps(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	return show_vmas(n, s, true);
}

int show_smaps_rollup(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct mm *mm = proc_mm(n);
	struct pas_stat st = {0};

	if (!mm)
		return -ESRCH;
	if (mm->as)
		pas_stat(mm->as, &st);
	strbuf_printf(s, "%08lx-%08lx ---p 00000000 00:00 0                          [rollup]\n",
		      0ul, GUEST_END);
	strbuf_printf(s,
		      "Rss:            %8llu kB\nPss:            %8llu kB\nAnonymous:      %8llu "
		      "kB\nSwap:           %8llu kB\n",
		      (unsigned long long)(st.rss_anon + st.rss_file + st.rss_shmem) / 1024,
		      (unsigned long long)(st.rss_anon + st.rss_file + st.rss_shmem) / 1024,
		      (unsigned long long)st.rss_anon / 1024, (unsigned long long)st.swap / 1024);
	mm_put(mm);
	return 0;
}

/* Copies [from, to) of the process into the text, page by page; what cannot be read ends it. */
static void add_memory(struct mm *mm, struct strbuf *s, u64 from, u64 to)
{
	char buf[512];

	if (to < from || to - from > CMDLINE_MAX)
		return;
	while (from < to && !s->cut) {
		size_t n = min(to - from, sizeof(buf));

		n = copy_in_some(mm, buf, GVA(from), n);
		if (n == 0)
			return;
		strbuf_add(s, buf, n);
		from += n;
	}
}

int show_cmdline(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct mm *mm = proc_mm(n);
	size_t start = s->len;
	char last = 0;

	if (!mm)
		return 0;
	if (mm->arg_end > mm->arg_start)
		copy_in_some(mm, &last, GVA(mm->arg_end - 1), 1);
	add_memory(mm, s, mm->arg_start, mm->arg_end);
	if (last) { /* setproctitle: the text goes on over the environment, up to its 0 */
		add_memory(mm, s, mm->env_start, mm->env_end);
		s->len = start + strnlen(s->buf + start, s->len - start);
	}
	mm_put(mm);
	return 0;
}

int show_environ(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct mm *mm = proc_mm(n);

	if (!mm)
		return 0;
	add_memory(mm, s, mm->env_start, mm->env_end);
	mm_put(mm);
	return 0;
}

int show_auxv(struct caller *c, const struct kernfs_node *n, struct strbuf *s)
{
	struct mm *mm = proc_mm(n);

	if (!mm)
		return 0;
	strbuf_add(s, mm->auxv,
		   min(mm->auxv_count, (u32)array_size(mm->auxv)) * sizeof(mm->auxv[0]));
	mm_put(mm);
	return 0;
}

/* --- mem
 * -------------------------------------------------------------------------------------------- */

static int mem_open(struct caller *c, struct inode *inode, struct file *f)
{
	struct mm *mm = proc_mm(kernfs_node_of(inode));

	if (!mm)
		return -ESRCH;
	f->data = mm;
	return 0;
}

static void mem_release(struct file *f)
{
	mm_put(f->data);
}

static ssize_t mem_read(struct caller *c, struct file *f, struct iov_iter *to, u64 *pos)
{
	ssize_t done = 0;

	while (to->left > 0) {
		size_t n = min(to->left, c->scratch_size), m;

		n = copy_in_some(f->data, c->scratch, GVA(*pos), n);
		if (n == 0)
			return done ? done : -EIO;
		m = copy_to_iter(c->scratch, n, to);
		done += m;
		*pos += m;
		if (m < n)
			return done ? done : -EFAULT;
	}
	return done;
}

static ssize_t mem_write(struct caller *c, struct file *f, struct iov_iter *from, u64 *pos)
{
	ssize_t done = 0;

	while (from->left > 0) {
		struct iov_iter peek = *from;
		size_t n = min(from->left, c->scratch_size), m;

		n = copy_from_iter(c->scratch, n, &peek);
		if (n == 0)
			return done ? done : -EFAULT;
		m = copy_out_some(f->data, GVA(*pos), c->scratch, n);
		iter_advance(from, m);
		done += m;
		*pos += m;
		if (m < n)
			return done ? done : -EIO;
	}
	return done;
}

static s64 mem_llseek(struct caller *c, struct file *f, s64 off, int whence)
{
	if (whence == SEEK_CUR)
		off += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	return f->pos = off;
}

const struct file_ops proc_mem_ops = {
	.open = mem_open,
	.release = mem_release,
	.read = mem_read,
	.write = mem_write,
	.llseek = mem_llseek,
};
