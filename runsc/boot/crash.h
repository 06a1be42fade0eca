/* SPDX-License-Identifier: Apache-2.0 */
/* crash.h - the report of a dying sentry */
#ifndef RUNSC_BOOT_CRASH_H
#define RUNSC_BOOT_CRASH_H

/* Faults and BUGs of the sentry are reported on the log before it dies. Before threads exist; the
 * platform's stubs set their own handlers. */
void crash_init(void);

#endif
