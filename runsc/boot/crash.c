/* SPDX-License-Identifier: Apache-2.0 */
/* crash.c - what a dying sentry leaves on the log: registers, the stack, the last calls of its
 * workers
 *
 * Runs in the thread that broke the invariant (bug_at) or took the fault, with all signals blocked.
 * It may use nothing that could itself be what is broken: no locks of ours, no allocation, no host
 * call but write. The unwinder is the compiler's own, whose tables are found without a lock or a
 * host call (_dl_find_object); addresses are told relative to the program, for addr2line. libunwind
 * (1.6, local, its caches warm) was tried: it checks pages with mincore and a pipe, masks signals
 * at each step and locks mutexes, none of which a dying sentry should need or its filter allows.
 */
#include "runsc/boot/crash.h"

#include <signal.h>
#include <ucontext.h>
#include <unwind.h>

#include "runsc/boot/boot_internal.h"
#include "sentry/base/bug.h"
#include "sentry/base/rawcall.h"
#include "sentry/kernel/worker.h"

#define FRAMES_MAX 40

extern const char __executable_start[]; /* of the linker */
extern const char etext[];

static _Atomic u32 g_reporting;

/* "runsc+0x1234" for our own text, else the address. */
static void log_place(const char *what, u64 ip)
{
	u64 start = (u64)__executable_start;

	if (ip >= start && ip < (u64)etext)
		log_error("%s runsc+%#llx", what, (unsigned long long)(ip - start));
	else
		log_error("%s %#llx", what, (unsigned long long)ip);
}

static _Unwind_Reason_Code frame(struct _Unwind_Context *c, void *arg)
{
	unsigned *count = arg;

	log_place("  at", _Unwind_GetIP(c));
	return ++*count < FRAMES_MAX ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void log_calls(void)
{
	const struct syscall_table *table = g_kernel ? g_kernel->config.syscalls : NULL;

	if (!table)
		return;
	for (unsigned i = 0; i <= g_kernel->config.workers; i++) {
		const struct worker *w = worker_get(i);
		char text[512];
		struct strbuf s;

		strbuf_init(&s, text, sizeof(text));
		for (u32 k = 0; k < WORKER_RECENT; k++) {
			const struct worker_call *call =
				&w->recent[(w->recent_next + k) % WORKER_RECENT];

			if (call->tid)
				strbuf_printf(&s, " %d:%s", call->tid,
					      call->nr >= 0 && (u32)call->nr < table->count &&
							      table->name[call->nr]
						      ? table->name[call->nr]
						      : "?");
		}
		log_error("worker %u, last calls (task:call):%s", i, s.len ? text : " none");
	}
}

static void report(void)
{
	unsigned count = 0;

	log_error("stack:");
	_Unwind_Backtrace(frame, &count);
	log_calls();
}

static void log_registers(const greg_t *r)
{
	static const struct {
		const char *name;
		int index;
	} regs[] = {
		{"rip", REG_RIP}, {"rsp", REG_RSP}, {"rbp", REG_RBP}, {"rax", REG_RAX},
		{"rbx", REG_RBX}, {"rcx", REG_RCX}, {"rdx", REG_RDX}, {"rsi", REG_RSI},
		{"rdi", REG_RDI}, {"r8", REG_R8},   {"r9", REG_R9},   {"r10", REG_R10},
		{"r11", REG_R11}, {"r12", REG_R12}, {"r13", REG_R13}, {"r14", REG_R14},
		{"r15", REG_R15}, {"efl", REG_EFL},
	};
	char text[700];
	struct strbuf s;

	strbuf_init(&s, text, sizeof(text));
	for (size_t i = 0; i < array_size(regs); i++)
		strbuf_printf(&s, " %s=%#llx", regs[i].name, (unsigned long long)r[regs[i].index]);
	log_error("registers:%s", text);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *u = context;

	if (atomic_fetch_add(&g_reporting, 1) == 0) {
		log_error("BUG: the sentry took signal %d, code %d, address %p", sig, info->si_code,
			  info->si_addr);
		log_place("instruction", (u64)u->uc_mcontext.gregs[REG_RIP]);
		log_registers(u->uc_mcontext.gregs);
		report();
	}
	raw_abort();
}

void crash_init(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS};
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_RESETHAND};

	sigfillset(&sa.sa_mask);
	for (size_t i = 0; i < array_size(signals); i++)
		sigaction(signals[i], &sa, NULL);
	bug_set_reporter(report);
}
