/* SPDX-License-Identifier: Apache-2.0 */
/* args.c - the strings of argv and envp on their way from the old program to the new one */
#include "sentry/loader/loader_internal.h"

#define FIRST_SIZE 8192ul

void exec_args_init(struct exec_args *a, u64 stack_limit)
{
	u64 limit = min(stack_limit / 4, EXEC_ARGS_MAX);

	*a = (struct exec_args){.limit = max(limit, (u64)EXEC_STRING_MAX)};
}

void exec_args_fini(struct exec_args *a)
{
	if (a->buf)
		kfree(a->buf, a->size);
	a->buf = NULL;
	a->size = a->len = 0;
}

/* Room for @more bytes and @strings pointers within the limit. */
static int reserve(struct exec_args *a, size_t more, unsigned strings)
{
	size_t pointers = ((size_t)a->argc + a->envc + strings) * 8,
	       size = a->size ? a->size : FIRST_SIZE;
	char *buf;

	if (a->len + more + pointers > a->limit)
		return -E2BIG;
	while (size < a->len + more)
		size *= 2;
	if (size == a->size)
		return 0;
	buf = kalloc(size);
	if (!buf)
		return -ENOMEM;
	memcpy(buf, a->buf ? a->buf : "", a->len);
	if (a->buf)
		kfree(a->buf, a->size);
	a->buf = buf;
	a->size = size;
	return 0;
}

int exec_args_add(struct exec_args *a, const char *s, size_t len, bool env)
{
	int err = len >= EXEC_STRING_MAX ? -E2BIG : reserve(a, len + 1, 1);

	if (err < 0)
		return err;
	BUG_ON(!env && a->envc);
	memcpy(a->buf + a->len, s, len);
	a->buf[a->len + len] = 0;
	a->len += len + 1;
	if (env) {
		a->envc++;
	} else {
		a->argc++;
		a->argv_len = a->len;
	}
	return 0;
}

int exec_args_replace_first(struct exec_args *a, const char *const *s, unsigned count)
{
	size_t old = a->argc ? strlen(a->buf) + 1 : 0, new = 0, at = 0;
	int err;

	for (unsigned i = 0; i < count; i++)
		new += strlen(s[i]) + 1;
	err = reserve(a, new, count);
	if (err < 0)
		return err;
	memmove(a->buf + new, a->buf + old, a->len - old);
	for (unsigned i = 0; i < count; i++) {
		size_t n = strlen(s[i]) + 1;

		memcpy(a->buf + at, s[i], n);
		at += n;
	}
	a->len += new - old;
	a->argv_len += new - old;
	a->argc += count - (a->argc ? 1 : 0);
	return 0;
}
