/* SPDX-License-Identifier: Apache-2.0 */
/* strbuf.h - text into a buffer of the caller's; never overruns, remembers that it was cut */
#ifndef SENTRY_BASE_STRBUF_H
#define SENTRY_BASE_STRBUF_H

#include "sentry/base/types.h"

struct strbuf {
	char *buf;
	size_t size; /* of buf */
	size_t len;  /* written, without the terminating 0; < size */
	bool cut;    /* something did not fit */
};

void strbuf_init(struct strbuf *s, char *buf, size_t size);
void strbuf_add(struct strbuf *s, const void *p, size_t n);
void strbuf_printf(struct strbuf *s, const char *fmt, ...) printf_like(2, 3);

#endif
