/* SPDX-License-Identifier: Apache-2.0 */
/* frame.c - reads, writes and makes host signal frames
 *
 * Extended state lies in a frame in the standard (not compacted) XSAVE layout: 512 bytes of
 * legacy state, whose last 48 bytes are the kernel's own description (struct fpx_sw_bytes), a 64
 * byte header, the components, and a magic number at the end. Its size is what the host's kernel
 * enables for every task: all components but those that a task must ask for (AMX tiles), which
 * guests cannot.
 */
#include "platform/arch/x86_64/frame.h"

#include <cpuid.h>

#include "platform/arch/x86_64/stub.h"

static_assert(offsetof(struct frame, ss_sp) == UC_SS_SP, "stub.h");
static_assert(offsetof(struct frame, rax) == UC_RAX, "stub.h");
static_assert(offsetof(struct frame, fpstate) == 224, "host's ucontext");
static_assert(offsetof(struct frame, sigmask) == 296, "host's ucontext");
static_assert(sizeof(struct frame) == 304, "host's ucontext");

#define MAGIC1	      0x46505853u
#define MAGIC2	      0x46505845u
#define LEGACY_SIZE   512
#define HEADER_SIZE   64
#define SW_OFFSET     464	   /* of struct fpx_sw_bytes in the legacy area */
#define DYNAMIC	      (1ull << 18) /* TILEDATA */
#define UC_FLAGS      7		   /* UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS */
#define USER_CS	      0x33
#define USER_SS	      0x2b
#define MXCSR_RESET   0x1f80
#define MXCSR_VALID   0xffff
#define PKRU_BIT      9
#define PKRU_RESET    0x55555554u
#define SIGNAL_EXTRAS (sizeof(u64) + sizeof(struct frame) + 128 + 128 + 64 + 64)

struct sw_bytes {
	u32 magic1, extended_size;
	u64 xfeatures;
	u32 xstate_size;
	u32 padding[7];
};
static_assert(sizeof(struct sw_bytes) == 48, "struct fpx_sw_bytes");

static struct {
	size_t size;  /* of the components, without the magic number */
	u64 features; /* what XRSTOR may load */
	size_t pkru;  /* offset of the PKRU component, or 0 */
} g_xstate;

void frame_setup(void)
{
	u32 a, b, c, d;
	u64 features = 3;
	size_t size = LEGACY_SIZE + HEADER_SIZE;

	__cpuid(1, a, b, c, d);
	if (c & bit_OSXSAVE) {
		__asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
		features = (a | (u64)d << 32) & ~DYNAMIC;
	}
	for (u32 i = 2; i < 63; i++) {
		if (!(features >> i & 1))
			continue;
		__cpuid_count(0xd, i, a, b, c, d);
		size = max(size, (size_t)b + a);
		if (i == PKRU_BIT)
			g_xstate.pkru = b;
	}
	g_xstate.size = size;
	g_xstate.features = features;
}

size_t frame_xstate_size(void)
{
	return g_xstate.size + sizeof(u32);
}

size_t frame_stack_size(void)
{
	return align_up(frame_xstate_size() + SIGNAL_EXTRAS, 64ul);
}

bool frame_ok(const struct frame_bounds *b, u64 at)
{
	return at % 8 == 0 && at >= b->lo && at <= b->hi - sizeof(struct frame);
}

/* The extended state of a frame, or NULL when it has none in our bounds. */
static u8 *xstate_of(const struct frame *f, const struct frame_bounds *b)
{
	u64 at = *(volatile const u64 *)&f->fpstate;

	if (at % 64 || at < b->lo || at >= b->hi || b->hi - at < frame_xstate_size())
		return NULL;
	return (u8 *)at;
}

/* The kernel's part of the extended state: what makes rt_sigreturn load all of it. */
static void xstate_seal(u8 *x)
{
	struct sw_bytes sw = {.magic1 = MAGIC1,
			      .extended_size = (u32)frame_xstate_size(),
			      .xfeatures = g_xstate.features,
			      .xstate_size = (u32)g_xstate.size};
	u32 magic2 = MAGIC2;

	memcpy(x + SW_OFFSET, &sw, sizeof(sw));
	memcpy(x + g_xstate.size, &magic2, sizeof(magic2));
}

static void xstate_reset(u8 *x)
{
	u32 mxcsr = MXCSR_RESET, pkru = PKRU_RESET;
	u64 present = 1ull << PKRU_BIT;
	u16 fcw = 0x37f;

	memset(x, 0, frame_xstate_size());
	memcpy(x, &fcw, sizeof(fcw));
	memcpy(x + 24, &mxcsr, sizeof(mxcsr));
	if (g_xstate.pkru) {
		memcpy(x + LEGACY_SIZE, &present, sizeof(present));
		memcpy(x + g_xstate.pkru, &pkru, sizeof(pkru));
	}
	xstate_seal(x);
}

struct frame *frame_make(const struct frame_bounds *b)
{
	u64 x = align_down(b->hi - frame_xstate_size(), 64ul);
	struct frame *f = (struct frame *)align_down(x - sizeof(struct frame), 16ul);

	memset(f, 0, sizeof(*f));
	f->flags = UC_FLAGS;
	f->ss_sp = b->lo;
	f->ss_size = b->hi - b->lo;
	f->eflags = 0x202;
	f->cs = USER_CS;
	f->ss = USER_SS;
	f->fpstate = x;
	xstate_reset((u8 *)x);
	return f;
}

struct frame *frame_make_copy(const struct frame_bounds *b, const struct frame *from,
			      const struct frame_bounds *from_bounds)
{
	struct frame *f = frame_make(b);
	const u8 *x = xstate_of(from, from_bounds);

	if (x) {
		memcpy((u8 *)f->fpstate, x, g_xstate.size);
		xstate_seal((u8 *)f->fpstate);
	}
	return f;
}

void frame_get_regs(const struct frame *f, struct pregs *out)
{
	static_assert(offsetof(struct pregs, eflags) == offsetof(struct frame, eflags) -
								offsetof(struct frame, r8) +
								offsetof(struct pregs, r8),
		      "same order");
	memcpy(out, &f->r8, sizeof(*out));
}

bool frame_set_regs(struct frame *f, const struct pregs *in)
{
	if (!memcmp(&f->r8, in, sizeof(*in)))
		return false;
	memcpy(&f->r8, in, sizeof(*in));
	f->cs = USER_CS;
	f->ss = USER_SS;
	return true;
}

size_t frame_get_xstate(const struct frame *f, const struct frame_bounds *b, void *buf, size_t size)
{
	const u8 *x = xstate_of(f, b);
	size_t n = min(size, frame_xstate_size());

	if (!x)
		return 0;
	memcpy(buf, x, n);
	return n;
}

int frame_set_xstate(struct frame *f, const struct frame_bounds *b, const void *buf, size_t size)
{
	u8 *x = xstate_of(f, b);
	u64 header[HEADER_SIZE / 8];
	u32 mxcsr;

	if (!x) {
		/* The guest tampered with the frame: put the state where a fresh one has it. */
		x = (u8 *)align_down(b->hi - frame_xstate_size(), 64ul);
		f->fpstate = (u64)x;
	}
	if (!buf) {
		xstate_reset(x);
		return 0;
	}
	if (size < LEGACY_SIZE + HEADER_SIZE || size > frame_xstate_size())
		return -EINVAL;
	memcpy(&mxcsr, (const u8 *)buf + 24, sizeof(mxcsr));
	memcpy(header, (const u8 *)buf + LEGACY_SIZE, sizeof(header));
	if ((mxcsr & ~MXCSR_VALID) || (header[0] & ~g_xstate.features))
		return -EINVAL;
	for (size_t i = 1; i < array_size(header); i++)
		if (header[i])
			return -EINVAL;
	memset(x, 0, frame_xstate_size());
	memcpy(x, buf, min(size, g_xstate.size));
	xstate_seal(x);
	return 0;
}
