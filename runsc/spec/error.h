/* SPDX-License-Identifier: Apache-2.0 */
/* error.h - what is told to the person who runs runsc: one line of text */
#ifndef RUNSC_SPEC_ERROR_H
#define RUNSC_SPEC_ERROR_H

#include "sentry/base/types.h"

struct error {
	char text[1024]; /* empty: no error */
};

/* Stores the text, unless there is one already (the first reason is the one that counts). Returns
 * -EINVAL, so that `return error_set(...)` reads well. */
int error_set(struct error *e, const char *fmt, ...) printf_like(2, 3);
/* The same, with ": " and the text of @err (an errno, of either sign); returns -err. */
int error_set_errno(struct error *e, int err, const char *fmt, ...) printf_like(3, 4);
/* strerror in lower case, as runtimes print it and clients look for it. */
const char *error_name(int err, char *buf, size_t size);

#endif
