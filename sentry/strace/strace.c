/* SPDX-License-Identifier: Apache-2.0 */
/* strace.c - one line a call: name(arguments) = result <time>
 *
 * Theory of operation: at entry a line is begun with the arguments up to the first that the call
 * writes, at the return it is ended. When another task has something to say between, the line is
 * cut there with
 * "<unfinished ...>" and taken up again with "<... name resumed>", so that a call that never
 * returns is seen too. What follows the first written argument is read at the return.
 */
#include "sentry/strace/strace.h"

#include "platform/host/host.h"
#include "sentry/strace/strace_internal.h"
#include "sentry/time/clock.h"

#define LINE_SIZE 4096
#define TIMES	  32768 /* start times by task number; numbers beyond share */

static struct mutex g_lock = MUTEX_INIT(LR_LEAF); /* guards g_open and the order of writes */
static s32 g_open;				  /* task whose line is begun; 0: none */
static int g_fd = 2;
static s64 g_start[TIMES];

void strace_init(int fd)
{
	g_fd = fd;
}

static const char *call_name(int nr)
{
	const struct syscall_table *table = g_kernel->config.syscalls;

	return nr >= 0 && (unsigned)nr < table->count ? table->name[nr] : NULL;
}

static const char *call_signature(int nr)
{
	const struct syscall_table *table = g_kernel->config.syscalls;

	if (!call_name(nr) || !table->signature || !table->signature[nr])
		return "hex,hex,hex,hex,hex,hex";
	return table->signature[nr];
}

/* Writes @text: as the begin of a line of @tid (which stays open), or as the end of it. */
static void emit(s32 tid, const struct strbuf *text, bool begin, const char *resumed)
{
	char buf[LINE_SIZE + 128];
	struct strbuf s;

	strbuf_init(&s, buf, sizeof(buf));
	mutex_lock(&g_lock);
	if (g_open && (g_open != tid || begin))
		strbuf_printf(&s, " <unfinished ...>\n");
	if (begin || g_open != tid)
		strbuf_printf(&s, "[pid %5d] ", tid);
	if (!begin && g_open != tid && resumed)
		strbuf_printf(&s, "<... %s resumed>", resumed);
	strbuf_add(&s, text->buf, text->len);
	g_open = begin ? tid : 0;
	host_write(g_fd, s.buf, s.len);
	mutex_unlock(&g_lock);
}

/* Writes the arguments of @signature from number @from on. At entry it stops before the first that
 * the call writes and returns its number, or 6 when all are written. */
static unsigned format_args(struct strace_arg *a, const char *signature, unsigned from, bool entry)
{
	const char *p = signature;

	for (unsigned i = 0; i < 6 && *p && *p != '='; i++) {
		size_t size = strcspn(p, ",=");

		if (i >= from) {
			if (entry && *p == '>')
				return i;
			if (i > 0)
				strbuf_printf(a->s, ", ");
			a->index = i;
			strace_format_arg(a, *p == '>' ? p + 1 : p, *p == '>' ? size - 1 : size);
		}
		p += size;
		if (*p == ',')
			p++;
	}
	return 6;
}

static void format_result(struct strbuf *s, const char *signature, long result)
{
	const char *kind = strchr(signature, '=');

	if (result < 0 && result >= -4095) {
		const char *name = strace_errno_name((int)-result);

		if (name)
			strbuf_printf(s, "-1 %s", name);
		else
			strbuf_printf(s, "-1 (errno %ld)", -result);
	} else if (kind && !strcmp(kind, "=hex")) {
		strbuf_printf(s, "%#lx", result);
	} else if (kind && !strcmp(kind, "=oct")) {
		strbuf_printf(s, "%#lo", result);
	} else {
		strbuf_printf(s, "%ld", result);
	}
}

static bool never_returns(const char *name)
{
	return name && (!strcmp(name, "exit") || !strcmp(name, "exit_group"));
}

static void trace_enter(struct task *t)
{
	char buf[LINE_SIZE];
	struct strbuf s;
	struct strace_arg a = {.t = t, .args = &t->sys, .s = &s};
	const char *name = call_name(t->sys.nr);

	strbuf_init(&s, buf, sizeof(buf));
	if (name)
		strbuf_printf(&s, "%s(", name);
	else
		strbuf_printf(&s, "syscall_%#x(", t->sys.nr);
	format_args(&a, call_signature(t->sys.nr), 0, true);
	if (never_returns(name))
		strbuf_printf(&s, ") = ?\n");
	g_start[t->tid % TIMES] = time_monotonic();
	emit(t->tid, &s, !never_returns(name), NULL);
}

/* Number of the first argument that the call writes. */
static unsigned first_written(const char *signature)
{
	unsigned i = 0;

	for (const char *p = signature; *p && *p != '='; p++) {
		if (*p == '>')
			return i;
		if (*p == ',')
			i++;
	}
	return 6;
}

static void trace_exit(struct task *t, long result)
{
	char buf[LINE_SIZE];
	struct strbuf s;
	struct strace_arg a = {.t = t, .args = &t->sys, .result = result, .s = &s};
	const char *signature = call_signature(t->sys.nr), *name = call_name(t->sys.nr);
	s64 start = g_start[t->tid % TIMES], ns = start ? time_monotonic() - start : 0;

	strbuf_init(&s, buf, sizeof(buf));
	format_args(&a, signature, first_written(signature), false);
	strbuf_printf(&s, ") = ");
	format_result(&s, signature, result);
	strbuf_printf(&s, " <%lld.%06lld>\n", (long long)(ns / NSEC_PER_SEC),
		      (long long)(ns % NSEC_PER_SEC / NSEC_PER_USEC));
	emit(t->tid, &s, false, name ? name : "call");
}

static void trace_signal(struct task *t, int sig)
{
	char buf[128];
	struct strbuf s;

	strbuf_init(&s, buf, sizeof(buf));
	strbuf_printf(&s, "--- ");
	strace_format_signal(&s, sig);
	strbuf_printf(&s, " ---\n");
	emit(t->tid, &s, true, NULL);
	mutex_lock(&g_lock);
	g_open = 0;
	mutex_unlock(&g_lock);
}

static void trace_gone(struct task *t, u32 wait_status)
{
	char buf[128];
	struct strbuf s;

	strbuf_init(&s, buf, sizeof(buf));
	if (wait_status & 0x7f) {
		strbuf_printf(&s, "+++ killed by ");
		strace_format_signal(&s, (int)(wait_status & 0x7f));
		strbuf_printf(&s, wait_status & 0x80 ? " (core dumped) +++\n" : " +++\n");
	} else {
		strbuf_printf(&s, "+++ exited with %u +++\n", wait_status >> 8 & 0xff);
	}
	emit(t->tid, &s, true, NULL);
	mutex_lock(&g_lock);
	g_open = 0;
	mutex_unlock(&g_lock);
}

const struct kernel_hooks strace_hooks = {
	.sys_enter = trace_enter,
	.sys_exit = trace_exit,
	.signal = trace_signal,
	.task_gone = trace_gone,
};
