/* SPDX-License-Identifier: Apache-2.0 */
/* bug.c - the end of a sandbox whose invariants are broken */
#include "sentry/base/bug.h"

#include "sentry/base/log.h"
#include "sentry/base/rawcall.h"

#include <stdarg.h>
#include <stdio.h>

static void (*g_reporter)(void);
static _Atomic u32 g_dying;

void bug_set_reporter(void (*fn)(void))
{
	g_reporter = fn;
}

void bug_at(const char *file, int line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_line(LOG_ERROR, "BUG: %s:%d: %s", file, line, text);
	if (atomic_fetch_add(&g_dying, 1) == 0 && g_reporter)
		g_reporter();
	raw_abort();
}
