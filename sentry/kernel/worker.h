/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h - the sentry's threads, for kernel.c */
#ifndef SENTRY_KERNEL_WORKER_H
#define SENTRY_KERNEL_WORKER_H

#define WORKERS_MAX 64

struct worker;

/* Descriptors and buffers; before threads exist and before the filter is in place. 0 or -errno. */
int workers_init(void);
struct worker *worker_get(unsigned index);

#endif
