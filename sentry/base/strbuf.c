/* SPDX-License-Identifier: Apache-2.0 */
/* strbuf.c - text into a buffer of the caller's */
#include "sentry/base/strbuf.h"

#include "sentry/base/bug.h"

#include <stdarg.h>
#include <stdio.h>

void strbuf_init(struct strbuf *s, char *buf, size_t size)
{
	BUG_ON(size == 0);
	*s = (struct strbuf){.buf = buf, .size = size};
	buf[0] = 0;
}

void strbuf_add(struct strbuf *s, const void *p, size_t n)
{
	size_t room = s->size - s->len - 1;

	if (n > room) {
		n = room;
		s->cut = true;
	}
	memcpy(s->buf + s->len, p, n);
	s->len += n;
	s->buf[s->len] = 0;
}

void strbuf_printf(struct strbuf *s, const char *fmt, ...)
{
	size_t room = s->size - s->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s->buf + s->len, room, fmt, ap);
	va_end(ap);
	BUG_ON(n < 0);
	if ((size_t)n >= room) {
		s->cut = true;
		s->len = s->size - 1;
	} else {
		s->len += (size_t)n;
	}
}
