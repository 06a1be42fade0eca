/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite.c - call sites that trap often become jumps into the trampoline
 *
 * Theory of operation (README.md, "Rewritten call sites"): a thread counts the sites of its plain
 * calls; one that is worth it is shown to the kernel as hot. The kernel, which knows what is mapped
 * there, has pctx_rewrite prepare the patch and the stub carry it out. A site is recognised by what
 * stands *behind* its call, which is exact: the notification proves that an instruction begins
 * there, and no guess about what stands before is needed.
 *
 * pas->sites says which thunk stands for which address. It only grows: a place that the guest maps
 * anew or forgets is found changed, because whoever relies on an entry looks at the bytes.
 */
#include <cpuid.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#include "platform/arch/x86_64/stub.h"
#include "platform/host/host.h"
#include "platform/host/raw.h"
#include "platform/host/stats.h"
#include "platform/unotify/internal.h"

#define HWCAP2_FSGSBASE 2
#define AUTO_COUNT	64   /* calls of a site before it is rewritten; tried once more later */
#define POLLED_COUNT	1024 /* the same of calls that only a polling worker makes faster */
#define AUTO_RETRY	4096
#define BLOCK		16ul /* a patch within one such block is one store */
#define BYTES		32   /* of text that a patch looks at */

static u64 *ctl(const struct pctx *c, unsigned offset)
{
	return (u64 *)((u8 *)c->area + offset);
}

/* --- start ------------------------------------------------------------------------------------ */

static bool cpu_can(void)
{
	u32 a, b, c, d;

	__cpuid(1, a, b, c, d);
	return (c & bit_CMPXCHG16B) && (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE);
}

/* The offsets of tramp.h are those of tramp.S? */
static void check_thunks(void)
{
	static const u8 call[] = {0x0f, 0x05}, ret[] = {0xc3}, jump[] = {0xff, 0x25};

	for (unsigned i = 0; i < THUNKS; i++) {
		const char *t = tramp_text + THUNK_CODE - TRAMP_TEXT + i * THUNK_SIZE;

		BUG_ON(memcmp(t + THUNK_SLOW, call, sizeof(call)));
		if (i < THUNKS_CMP)
			BUG_ON(memcmp(t + THUNK_LEAVE, jump, sizeof(jump)));
		else
			BUG_ON(memcmp(t + THUNK_TAIL, ret, sizeof(ret)));
	}
	BUG_ON(tramp_text_end - tramp_text > TRAMP_SITES - TRAMP_TEXT);
}

int rewrite_init(struct platform *p, enum prewrite mode)
{
	void *at;

	if (mode == PREWRITE_OFF || !cpu_can())
		return 0;
	check_thunks();
	at = host_mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (IS_ERR(at))
		return (int)PTR_ERR(at);
	p->truth = at;
	atomic_store(p->truth, 1);
	atomic_store(&p->dice, 1);
	p->rewrite = mode;
	return 0;
}

static u64 table_entry(unsigned thunk)
{
	static const u8 invalid[] = {0x06, 0x0e, 0x16, 0x1e, 0x27, 0x2f, 0x37, 0x3f};

	return TRAMP_TABLE + thunk / 8 * 0x100 + invalid[thunk % 8];
}

void rewrite_patch(unsigned thunk, u8 out[PATCH_SIZE])
{
	u32 entry = (u32)table_entry(thunk);

	out[0] = 0xff;
	out[1] = 0x24;
	out[2] = 0x65;
	memcpy(out + 3, &entry, sizeof(entry));
}

static long map(u64 at, u64 size, int prot)
{
	return host_raw(SYS_mmap, at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

long rewrite_map(const struct platform *p)
{
	u64 size = (u64)(tramp_text_end - tramp_text), from = (u64)p->truth;
	long r = map(p->text + TRAMP_TEXT, TRAMP_TRUTH - TRAMP_TEXT, PROT_READ | PROT_WRITE);

	if (r < 0)
		return r;
	memcpy((void *)(p->text + TRAMP_TEXT), tramp_text, size);
	r = map(TRAMP_TABLE, TRAMP_TABLE_END - TRAMP_TABLE, PROT_READ | PROT_WRITE);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < THUNKS; i++) {
		u64 to = p->text + THUNK_CODE + i * THUNK_SIZE;

		memcpy((void *)table_entry(i), &to, sizeof(to));
	}
	r = host_raw(SYS_mprotect, TRAMP_TABLE, TRAMP_TABLE_END - TRAMP_TABLE, PROT_READ);
	if (r == 0)
		r = host_raw(SYS_mprotect, p->text + TRAMP_TEXT, TRAMP_SITES - TRAMP_TEXT,
			     PROT_READ | PROT_EXEC);
	if (r == 0)
		r = host_raw(SYS_mprotect, from, PAGE_SIZE, PROT_READ);
	if (r == 0)
		r = host_raw(SYS_mremap, from, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			     p->text + TRAMP_TRUTH);
	return r;
}

gva_t platform_lowest(struct platform *p)
{
	return GVA(p->rewrite ? TRAMP_TABLE_END : 0x10000);
}

/* --- answers that are kept -------------------------------------------------------------------- */

void platform_forget(struct platform *p)
{
	if (p->truth)
		atomic_fetch_add(p->truth, 1);
}

void rewrite_area(struct pctx *c)
{
	*ctl(c, CTL_SELF) = ~(u64)c->area;
	memset(ctl(c, CTL_T_GEN), 0, CTL_T_VALUE - CTL_T_GEN);
	*ctl(c, CTL_T_REQ) = 0; /* and POLL */
	mutex_init(&c->post_lock, LR_LEAF);
}

void pctx_answer_once(struct pctx *c)
{
	c->local = 0;
}

void rewrite_keep(struct pctx *c, long value)
{
	unsigned i = c->local;

	c->local = 0;
	if (value < 0)
		return;
	*ctl(c, CTL_T_VALUE + 8 * i) = (u64)value;
	*ctl(c, CTL_T_GEN + 8 * i) = c->local_gen;
}

/* --- counting --------------------------------------------------------------------------------- */

u32 rewrite_dice(struct platform *p)
{
	u32 x = atomic_load_explicit(&p->dice, memory_order_relaxed);

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	atomic_store_explicit(&p->dice, x, memory_order_relaxed);
	return x;
}

static bool is_hot(struct platform *p, unsigned kind, u32 count)
{
	if (p->rewrite == PREWRITE_RANDOM)
		return rewrite_dice(p) % 4 == 0;
	if (kind == TRAMP_POLLED)
		return poll_possible(p) && (count == POLLED_COUNT || count == AUTO_RETRY);
	return count == AUTO_COUNT || count == AUTO_RETRY;
}

void rewrite_seen(struct pctx *c, struct pevent *out)
{
	struct platform *p = c->p;
	u64 ip = out->ip, at = ip - p->text - THUNK_CODE;
	bool random = p->rewrite == PREWRITE_RANDOM;
	unsigned slot = (unsigned)(ip >> 2) % HOT_SLOTS, kind;

	kind = (u32)out->nr < TRAMP_NR_MAX ? tramp_calls[out->nr] : 0;
	c->local = kind < TRAMP_POLLED ? kind : 0;
	if (c->local)
		c->local_gen = atomic_load(p->truth);
	if (random && rewrite_dice(p) % 64 == 0)
		platform_forget(p);
	if (at < THUNKS * THUNK_SIZE) {
		u64 site = atomic_load(&c->as->sites[at / THUNK_SIZE]);

		if (site && at % THUNK_SIZE == THUNK_AFTER)
			out->ip = site + 2;
		if (kind == TRAMP_POLLED)
			poll_note(c);
		return;
	}
	if (!kind && !random)
		return;
	if (c->hot[slot].ip != ip) {
		c->hot[slot].ip = ip;
		c->hot[slot].count = 0;
	}
	out->hot = is_hot(p, kind, ++c->hot[slot].count);
}

/* --- patching --------------------------------------------------------------------------------- */

struct site {
	u64 at; /* the call */
	bool is_ret;
	s64 imm;
	u64 block;	/* first byte of text */
	u8 text[BYTES]; /* of it */
};

/* Only instructions that do nothing, up to the end of the patch, behind a return? */
static bool is_padding(const u8 *b)
{
	static const u8 nops[][8] = {
		{4, 0x0f, 0x1f, 0x40, 0x00}, {7, 0x0f, 0x1f, 0x80, 0, 0, 0, 0},
		{4, 0x66, 0x2e, 0x0f, 0x1f}, {4, 0x66, 0x66, 0x2e, 0x0f},
		{4, 0x0f, 0x1f, 0x44, 0x00}, {4, 0x66, 0x0f, 0x1f, 0x44},
		{4, 0x66, 0x0f, 0x1f, 0x84}, {4, 0xcc, 0xcc, 0xcc, 0xcc},
		{4, 0x90, 0x90, 0x90, 0x90}, {4, 0x0f, 0x1f, 0x84, 0x00},
		{4, 0x66, 0x90, 0x66, 0x90}, {4, 0x0f, 0x1f, 0x00, 0x90},
	};

	for (unsigned i = 0; i < array_size(nops); i++)
		if (memcmp(b, nops[i] + 1, min(nops[i][0], (u8)4)) == 0)
			return true;
	return false;
}

/* What stands at the call? -EPERM: nothing that can be replaced. */
static int classify(struct site *s)
{
	const u8 *b = s->text + (s->at - s->block);
	s32 imm;

	if (b[0] != 0x0f || b[1] != 0x05)
		return -EPERM;
	if (b[2] == 0x48 && b[3] == 0x3d) { /* cmp $imm32, %rax */
		memcpy(&imm, b + 4, sizeof(imm));
		s->imm = imm;
		return 0;
	}
	s->is_ret = true;
	return b[2] == 0xc3 && is_padding(b + 3) ? 0 : -EPERM;
}

static int read_text(const struct pctx *c, struct site *s)
{
	struct iovec local = {s->text, BYTES}, guest;

	s->block = s->at & ~(BLOCK - 1);
	if (page_offset(s->at) > PAGE_SIZE - 8)
		return -EPERM;
	guest = (struct iovec){(void *)s->block, BYTES};
	/* The second block may be the next page, which nothing is known about. */
	if (page_offset(s->block) == PAGE_SIZE - BLOCK)
		guest.iov_len = local.iov_len = BLOCK;
	return pas_readv(c->as, &local, 1, &guest, 1) == (ssize_t)local.iov_len ? 0 : -EFAULT;
}

/* The site's thunk, an old one of the same place, or a free one; -1: none. */
static int choose_thunk(const struct pas *as, const struct site *s)
{
	unsigned from = s->is_ret ? THUNKS_CMP : 0, to = s->is_ret ? THUNKS : THUNKS_CMP;
	int found = -1;

	for (unsigned i = 0; i < THUNKS; i++) {
		u64 at = atomic_load(&as->sites[i]);

		if (at == s->at)
			return i >= from && i < to ? (int)i : -1;
		if (!at && i >= from && i < to && found < 0)
			found = (int)i;
	}
	return found;
}

static int write_data(const struct pctx *c, const struct site *s, unsigned thunk)
{
	u64 data[SITE_SIZE / 8] = {s->at + 2, (u64)s->imm, s->at + 8};
	struct iovec local = {data, sizeof(data)};
	struct iovec guest = {(void *)(c->p->text + TRAMP_SITES + thunk * SITE_SIZE), sizeof(data)};

	return pas_writev(c->as, &local, 1, &guest, 1) == sizeof(data) ? 0 : -EFAULT;
}

/* The commands that change what differs between the text and @new. */
static int patch_commands(const struct site *s, const u8 *new, struct pcmd *cmds)
{
	int n = 0;

	for (unsigned at = 0; at < BYTES; at += BLOCK) {
		struct pcmd cmd = {.nr = PCMD_PATCH, .fd = -1, .args = {s->block + at}};

		if (!memcmp(s->text + at, new + at, BLOCK))
			continue;
		memcpy(cmd.args + 1, s->text + at, BLOCK);
		memcpy(cmd.args + 3, new + at, BLOCK);
		cmds[n++] = cmd;
	}
	return n;
}

static int rewrite_locked(struct pctx *c, struct site *s, struct pcmd *cmds)
{
	struct pas *as = c->as;
	u8 new[BYTES];
	int err, thunk;

	/* A copy on order may or may not get what is stored now. */
	if (as->forking)
		return -EBUSY;
	err = read_text(c, s);
	if (!err)
		err = classify(s);
	if (err)
		return err;
	/* Two stores: nobody may run in between. */
	if (s->at + PATCH_SIZE > s->block + BLOCK && as->live > 1)
		return -EPERM;
	thunk = choose_thunk(as, s);
	if (thunk < 0)
		return -ENOSPC;
	err = write_data(c, s, (unsigned)thunk);
	if (err)
		return err;
	atomic_store(&as->sites[thunk], s->at);
	atomic_store(&as->rewritten, true);
	memcpy(new, s->text, BYTES);
	rewrite_patch((unsigned)thunk, new + (s->at - s->block));
	if (c->frame->rip == s->at + 2)
		rewrite_shown(c, (unsigned)thunk, s->at + 2);
	stat_add(STAT_REWRITTEN, 1);
	return patch_commands(s, new, cmds);
}

int pctx_rewrite(struct pctx *c, gva_t ip, struct pcmd cmds[PREWRITE_CMDS])
{
	struct site s = {.at = ip.v - 2};
	int r;

	if (!c->p->rewrite || ctx_state(c) != CTX_REGS || s.at >= GUEST_END)
		return -EPERM;
	mutex_lock(&c->p->lock);
	r = rewrite_locked(c, &s, cmds);
	mutex_unlock(&c->p->lock);
	return r;
}

void rewrite_fork(struct pas *to, struct pctx *parent)
{
	struct pas *from = parent->as;

	parent->forks = true;
	from->forking++;
	if (!atomic_load(&from->rewritten))
		return;
	for (unsigned i = 0; i < THUNKS; i++)
		atomic_store(&to->sites[i], atomic_load(&from->sites[i]));
	atomic_store(&to->rewritten, true);
}

void rewrite_forked(struct pctx *parent)
{
	if (parent->forks)
		parent->as->forking--;
	parent->forks = false;
}
