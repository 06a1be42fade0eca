/* SPDX-License-Identifier: Apache-2.0 */
/* wait.h - waiting for children (wait4(2), waitid(2)) */
#ifndef SENTRY_KERNEL_WAIT_H
#define SENTRY_KERNEL_WAIT_H

#include "sentry/kernel/task.h"

struct rusage_k { /* struct rusage */
	s64 utime_sec, utime_usec, stime_sec, stime_usec;
	s64 maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock, msgsnd, msgrcv,
		nsignals, nvcsw, nivcsw;
};
static_assert(sizeof(struct rusage_k) == 144, "struct rusage");

struct wait_request {
	enum { WAITFOR_ANY, WAITFOR_PID, WAITFOR_PGRP, WAITFOR_GROUP } kind;
	s32 id;
	const struct tgroup *group; /* WAITFOR_GROUP: of a pidfd */
	u32 options; /* WNOHANG, WEXITED, WSTOPPED, WCONTINUED, WNOWAIT, __WALL, __WCLONE,
			__WNOTHREAD */
};
struct wait_result {
	s32 pid; /* 0: nobody */
	u32 uid;
	int code;   /* CLD_* */
	u32 status; /* as wait4 has it */
	struct rusage_k usage;
};
/* 0 with *out (pid 0: WNOHANG and nobody), -ECHILD, or -EBLOCKED: the handler is run again. */
long task_wait(struct task *t, const struct wait_request *r, struct wait_result *out);

/* getrusage(2): RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD of the caller. Takes [T]. 0 or -EINVAL.
 */
int task_rusage(struct task *t, int who, struct rusage_k *out);

#endif
