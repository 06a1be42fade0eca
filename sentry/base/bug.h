/* SPDX-License-Identifier: Apache-2.0 */
/* bug.h - broken invariants of ours: the sandbox dies, with a report, and never the host */
#ifndef SENTRY_BASE_BUG_H
#define SENTRY_BASE_BUG_H

#include "sentry/base/types.h"

/* Logs @fmt with the place and ends the process by SIGABRT. Never returns. */
void bug_at(const char *file, int line, const char *fmt, ...) __attribute__((noreturn))
printf_like(3, 4);
/* Called once, by the thread that dies, before it does: registers, last calls, stack. */
void bug_set_reporter(void (*fn)(void));

#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
#define BUG_ON(cond)                                             \
	do {                                                     \
		if (unlikely(cond))                              \
			bug_at(__FILE__, __LINE__, "%s", #cond); \
	} while (0)
#ifdef DEBUG
#define ASSERT(cond) BUG_ON(!(cond))
#else
#define ASSERT(cond) ((void)sizeof(cond))
#endif

#endif
