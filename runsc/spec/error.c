/* SPDX-License-Identifier: Apache-2.0 */
/* error.c - what is told to the person who runs runsc */
#include "runsc/spec/error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *error_name(int err, char *buf, size_t size)
{
	snprintf(buf, size, "%s", strerror(abs(err)));
	if (isupper((unsigned char)buf[0]) && islower((unsigned char)buf[1]))
		buf[0] = (char)tolower((unsigned char)buf[0]);
	return buf;
}

int error_set(struct error *e, const char *fmt, ...)
{
	va_list ap;

	if (e->text[0])
		return -EINVAL;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int error_set_errno(struct error *e, int err, const char *fmt, ...)
{
	char name[128];
	va_list ap;
	size_t n;

	if (e->text[0])
		return -abs(err);
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof(e->text) - n, ": %s", error_name(err, name, sizeof(name)));
	return -abs(err);
}
