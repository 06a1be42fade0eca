/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp.h - filters that tasks put on their own calls, and that a container starts with */
#ifndef SENTRY_KERNEL_SECCOMP_H
#define SENTRY_KERNEL_SECCOMP_H

#include "sentry/kernel/bpf.h"
#include "sentry/kernel/task.h"

struct seccomp_filter;

/* A filter out of a program in the sentry's memory (copied). NULL in *out: -EINVAL, -ENOMEM. */
int seccomp_create(const struct bpf_insn_k *prog, u32 len, struct seccomp_filter **out);
void seccomp_put(struct seccomp_filter *f);
/* Does the filter allow call @nr of x86-64 whatever its arguments are? */
bool seccomp_always_allows(const struct seccomp_filter *f, int nr);
/* A task that does not run yet is to have @f (NULL: nothing happens). Takes a reference of its own.
 */
void seccomp_start_with(struct task *t, struct seccomp_filter *f);
/* fork, clone. The parent's thread; [T] or nobody knows @child. */
void seccomp_inherit(struct task *t, struct task *child);
void seccomp_drop(struct task *t);

/* The call in t->sys, as @data tells it, may go on: true. Otherwise it has been answered, by a
 * result, a signal or death; the task is no longer the caller's. */
bool seccomp_enter(struct task *t, const struct bpf_call *data);

/* prctl(PR_SET_SECCOMP), seccomp(2). @prog: address of a struct sock_fprog. 0 or -errno; with
 * SECCOMP_FILTER_FLAG_TSYNC perhaps the number of a thread that is in the way. */
long seccomp_set_strict(struct task *t);
long seccomp_set_filter(struct task *t, u64 flags, gva_t prog);
/* SECCOMP_MODE_*, and how many filters, for /proc and prctl. */
u32 seccomp_mode(const struct task *t);
u32 seccomp_filter_count(const struct task *t);

#endif
