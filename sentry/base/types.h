/* SPDX-License-Identifier: Apache-2.0 */
/* types.h - integer names, guest addresses, small arithmetic that everyone uses */
#ifndef SENTRY_BASE_TYPES_H
#define SENTRY_BASE_TYPES_H

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* What the build is instrumented with: gcc and clang tell in different ways. */
#if defined(__has_feature)
#define COMPILER_HAS(x) __has_feature(x)
#else
#define COMPILER_HAS(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || COMPILER_HAS(address_sanitizer)
#define BUILT_WITH_ASAN
#endif
#if defined(__SANITIZE_THREAD__) || COMPILER_HAS(thread_sanitizer)
#define BUILT_WITH_TSAN
#endif

/* A function that reads without the lock what others change, which is meant: a hint, a figure to
 * show, or said there why it is right. The thread sanitizer is told; what the function calls is not
 * exempt. */
#ifdef BUILT_WITH_TSAN
#define READS_UNLOCKED __attribute__((no_sanitize("thread")))
#else
#define READS_UNLOCKED
#endif

/* What a thread did before it gave @p to the host is seen by the thread that the host gives it to:
 * the host sees to that, the thread sanitizer has to be told. */
#ifdef BUILT_WITH_TSAN
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define to_host(p)   __tsan_release(p)
#define from_host(p) __tsan_acquire(p)
#else
#define to_host(p)   ((void)(p))
#define from_host(p) ((void)(p))
#endif

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* An address of the guest. A type of its own, so that dereferencing one does not compile: the only
 * door to the memory behind it is sentry/mm/copy.h. */
typedef struct gva {
	u64 v;
} gva_t;

#define GVA(x) ((gva_t){(u64)(x)})
static inline gva_t gva_add(gva_t a, u64 n)
{
	return GVA(a.v + n);
}

#define PAGE_SIZE      4096ul
#define PAGE_SHIFT     12
#define PAGE_MASK      (~(PAGE_SIZE - 1))
#define page_down(x)   ((u64)(x)&PAGE_MASK)
#define page_up(x)     (((u64)(x) + PAGE_SIZE - 1) & PAGE_MASK)
#define page_offset(x) ((u64)(x) & ~PAGE_MASK)

/* First address that a guest may not have; what is above belongs to the platform (DESIGN 3). */
#define GUEST_END 0x7fc000000000ul

#define array_size(a)			(sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
/* Names of their own each: one inside the other is no shadowing. */
#define min(a, b)                              \
	({                                     \
		__auto_type min_a = (a);       \
		__auto_type min_b = (b);       \
		min_a < min_b ? min_a : min_b; \
	})
#define max(a, b)                              \
	({                                     \
		__auto_type max_a = (a);       \
		__auto_type max_b = (b);       \
		max_a > max_b ? max_a : max_b; \
	})
#define align_up(x, a)	       (((x) + (a)-1) & ~((__typeof__(x))(a)-1))
#define align_down(x, a)       ((x) & ~((__typeof__(x))(a)-1))
#define likely(x)	       __builtin_expect(!!(x), 1)
#define unlikely(x)	       __builtin_expect(!!(x), 0)
#define must_check	       __attribute__((warn_unused_result))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

#define S64_MAX	      INT64_MAX
#define NSEC_PER_SEC  1000000000ll
#define NSEC_PER_USEC 1000ll
#define NSEC_PER_MSEC 1000000ll

/* Pointers as values: an ERR_PTR carries -errno where a pointer is the result. */
static inline void *ERR_PTR(long err)
{
	return (void *)err;
}
static inline long PTR_ERR(const void *p)
{
	return (long)p;
}
static inline bool IS_ERR(const void *p)
{
	return (unsigned long)p >= (unsigned long)-4095;
}

#endif
