/* SPDX-License-Identifier: Apache-2.0 */
/* strace_internal.h - how arguments become text */
#ifndef SENTRY_STRACE_STRACE_INTERNAL_H
#define SENTRY_STRACE_STRACE_INTERNAL_H

#include "sentry/kernel/kernel.h"

/* One argument on its way. */
struct strace_arg {
	struct task *t;
	const struct sys_args *args;
	unsigned index; /* of this argument */
	long result;	/* of the call; for what is written, else 0 */
	struct strbuf *s;
};

/* Writes the argument whose type in the signature is the @size bytes at @type. */
void strace_format_arg(const struct strace_arg *a, const char *type, size_t size);

/* names.c: sets of flags and lists of names, by the type of the signature. */
struct strace_name {
	u64 value;
	const char *name;
};
struct strace_set {
	const char *type;
	bool flags;			 /* bits; else one value */
	u64 mask;			 /* of a set of flags: these bits are one value */
	const struct strace_name *names; /* ends with NULL */
};
const struct strace_set *strace_set_find(const char *type, size_t size);
void strace_format_set(struct strbuf *s, const struct strace_set *set, u64 value);
/* "SIGKILL", "SIGRT_3", "0"; "ENOENT", NULL when there is no such. */
void strace_format_signal(struct strbuf *s, int sig);
const char *strace_errno_name(int err);

/* structs.c: a structure in the guest's memory; false: no such type here. */
bool strace_format_struct(const struct strace_arg *a, const char *type, size_t size);
void strace_format_bytes(struct strbuf *s, const u8 *bytes, size_t size, bool cut);
/* @size bytes of the guest at @addr, up to 32 of them. */
void strace_format_memory(const struct strace_arg *a, gva_t addr, u64 size);

#endif
