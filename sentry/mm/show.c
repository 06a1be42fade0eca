/* SPDX-License-Identifier: Apache-2.0 */
/* show.c - /proc/pid/maps and smaps */
#include <sys/sysmacros.h>

#include "sentry/mm/mm_internal.h"

static gva_t g_vdso;
static gva_t g_vdso_range;
static u64 g_vdso_range_size;

void mm_init(gva_t vdso, gva_t range, u64 range_size, gva_t lowest)
{
	mm_min_addr = lowest.v;
	g_vdso = vdso;
	g_vdso_range = range;
	g_vdso_range_size = range_size;
}

#define NAME_COLUMN 73

static void show_line(struct strbuf *s, u64 start, u64 end, u64 flags, u64 offset, u64 dev, u64 ino,
		      const char *name)
{
	char head[128];
	struct strbuf h;

	strbuf_init(&h, head, sizeof(head));
	strbuf_printf(&h, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", start, end,
		      flags & VMA_READ ? 'r' : '-', flags & VMA_WRITE ? 'w' : '-',
		      flags & VMA_EXEC ? 'x' : '-', flags & VMA_SHARED ? 's' : 'p', offset,
		      major(dev), minor(dev), ino);
	if (name[0])
		strbuf_printf(s, "%-*s%s\n", NAME_COLUMN, head, name);
	else
		strbuf_printf(s, "%s\n", head);
}

/* The name in the last column; *dev and *ino of files. */
static void vma_name(const struct mm *mm, const struct vma *v, u64 *dev, u64 *ino,
		     struct strbuf *name)
{
	if (v->map)
		v->map->ops->describe(v->map, v->file, dev, ino, name);
	else if (v->start.v <= mm->start_stack && mm->start_stack <= v->end.v)
		strbuf_printf(name, "[stack]");
	else if (v->start.v < mm->brk && v->end.v > mm->start_brk)
		strbuf_printf(name, "[heap]");
	else if (v->name[0])
		strbuf_printf(name, "[anon:%s]", v->name);
}

static void show_smaps(struct smaps *m, struct strbuf *s, u64 start, u64 end, u64 flags)
{
	strbuf_printf(s,
		      "Size:           %8lu kB\nKernelPageSize:        4 kB\n"
		      "MMUPageSize:           4 kB\n",
		      (end - start) / 1024);
	smaps_show(m, start, end, s);
	strbuf_printf(s, "THPeligible:    %8u\nVmFlags:", 0);
	strbuf_printf(s, "%s%s%s%s%s%s%s%s%s%s%s\n", flags & VMA_READ ? " rd" : "",
		      flags & VMA_WRITE ? " wr" : "", flags & VMA_EXEC ? " ex" : "",
		      flags & VMA_SHARED ? " sh" : "", flags & VMA_MAYREAD ? " mr" : "",
		      flags & VMA_MAYWRITE ? " mw" : "", flags & VMA_MAYEXEC ? " me" : "",
		      flags & VMA_GROWSDOWN ? " gd" : "", flags & VMA_LOCKED ? " lo" : "",
		      flags & VMA_NORESERVE ? " nr" : "", flags & VMA_DONTFORK ? " dc" : "");
}

static void show_vma(const struct mm *mm, const struct vma *v, struct strbuf *s,
		     struct smaps *smaps)
{
	char text[4096 + 64];
	struct strbuf name;
	u64 dev = 0, ino = 0;

	strbuf_init(&name, text, sizeof(text));
	vma_name(mm, v, &dev, &ino, &name);
	show_line(s, v->start.v, v->end.v, v->flags, v->map ? v->offset : 0, dev, ino, text);
	if (smaps)
		show_smaps(smaps, s, v->start.v, v->end.v, v->flags);
}

/* vvar and vdso, which the platform keeps behind the guest's end. */
static void show_vdso(struct strbuf *s, struct smaps *smaps)
{
	u64 end = g_vdso_range.v + g_vdso_range_size;

	if (!g_vdso.v)
		return;
	if (g_vdso_range.v < g_vdso.v) {
		show_line(s, g_vdso_range.v, g_vdso.v, VMA_READ, 0, 0, 0, "[vvar]");
		if (smaps)
			show_smaps(smaps, s, g_vdso_range.v, g_vdso.v, VMA_READ);
	}
	show_line(s, g_vdso.v, end, VMA_READ | VMA_EXEC, 0, 0, 0, "[vdso]");
	if (smaps)
		show_smaps(smaps, s, g_vdso.v, end, VMA_READ | VMA_EXEC);
}

/* Takes back an entry that did not fit (s->cut stays set: there is more). */
static void take_back(struct strbuf *s, size_t len)
{
	s->len = len;
	s->buf[len] = 0;
}

static void show_all(struct mm *mm, struct strbuf *s, u64 *cursor, struct smaps *smaps)
{
	struct vma *v;
	size_t len;

	for (v = vma_tree_find(mm, *cursor); v; v = v->next) {
		len = s->len;
		show_vma(mm, v, s, smaps);
		if (s->cut) {
			take_back(s, len);
			*cursor = v->start.v;
			return;
		}
	}
	*cursor = ~0ull;
	len = s->len;
	show_vdso(s, smaps);
	if (s->cut) {
		take_back(s, len);
		*cursor = GUEST_END;
	}
}

void mm_show_maps(struct mm *mm, struct strbuf *s, u64 *cursor, bool smaps)
{
	struct smaps m;

	if (smaps)
		smaps_open(&m, mm->as);
	mutex_lock(&mm->lock);
	show_all(mm, s, cursor, smaps ? &m : NULL);
	mutex_unlock(&mm->lock);
	if (smaps)
		smaps_close(&m);
}
