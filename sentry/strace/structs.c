/* SPDX-License-Identifier: Apache-2.0 */
/* structs.c - structures in the guest's memory as text */
#include <linux/sched.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/utsname.h>

#include "sentry/abi/signal.h"
#include "sentry/mm/copy.h"
#include "sentry/strace/strace_internal.h"

#define ITEMS_SHOWN 16

/* Each formatter gets a copy of the structure. */
struct format {
	const char *type;
	size_t size;
	void (*fn)(const struct strace_arg *a, const void *copy);
};

static u64 next_arg(const struct strace_arg *a)
{
	return a->index < 5 ? a->args->a[a->index + 1] : 0;
}

static void format_ts(const struct strace_arg *a, const void *copy)
{
	const s64 *v = copy;

	strbuf_printf(a->s, "{tv_sec=%lld, tv_nsec=%lld}", (long long)v[0], (long long)v[1]);
}
static void format_tv(const struct strace_arg *a, const void *copy)
{
	const s64 *v = copy;

	strbuf_printf(a->s, "{tv_sec=%lld, tv_usec=%lld}", (long long)v[0], (long long)v[1]);
}
static void format_ts2(const struct strace_arg *a, const void *copy)
{
	strbuf_printf(a->s, "[");
	format_ts(a, copy);
	strbuf_printf(a->s, ", ");
	format_ts(a, (const s64 *)copy + 2);
	strbuf_printf(a->s, "]");
}
static void format_itv(const struct strace_arg *a, const void *copy)
{
	strbuf_printf(a->s, "{it_interval=");
	format_tv(a, copy);
	strbuf_printf(a->s, ", it_value=");
	format_tv(a, (const s64 *)copy + 2);
	strbuf_printf(a->s, "}");
}
static void format_its(const struct strace_arg *a, const void *copy)
{
	strbuf_printf(a->s, "{it_interval=");
	format_ts(a, copy);
	strbuf_printf(a->s, ", it_value=");
	format_ts(a, (const s64 *)copy + 2);
	strbuf_printf(a->s, "}");
}

static const char *file_type(u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "S_IFREG";
	case S_IFDIR:
		return "S_IFDIR";
	case S_IFLNK:
		return "S_IFLNK";
	case S_IFCHR:
		return "S_IFCHR";
	case S_IFBLK:
		return "S_IFBLK";
	case S_IFIFO:
		return "S_IFIFO";
	case S_IFSOCK:
		return "S_IFSOCK";
	default:
		return "0";
	}
}

static void format_stat(const struct strace_arg *a, const void *copy)
{
	const struct stat *st = copy;

	strbuf_printf(a->s, "{st_mode=%s|%#o, st_size=%lld, ...}", file_type(st->st_mode),
		      st->st_mode & 07777, (long long)st->st_size);
}
static void format_statx(const struct strace_arg *a, const void *copy)
{
	const struct statx *st = copy;

	strbuf_printf(a->s, "{stx_mask=%#x, stx_mode=%s|%#o, stx_size=%llu, ...}", st->stx_mask,
		      file_type(st->stx_mode), st->stx_mode & 07777u,
		      (unsigned long long)st->stx_size);
}

static void format_mask(struct strbuf *s, u64 mask)
{
	const char *sep = "";

	if (__builtin_popcountll(mask) > NSIG_MAX / 2) {
		strbuf_printf(s, "~");
		mask = ~mask;
	}
	strbuf_printf(s, "[");
	for (int sig = 1; sig <= NSIG_MAX; sig++) {
		if (!(mask & SIGMASK(sig)))
			continue;
		strbuf_printf(s, "%s", sep);
		strace_format_signal(s, sig);
		sep = " ";
	}
	strbuf_printf(s, "]");
}
static void format_sigset(const struct strace_arg *a, const void *copy)
{
	format_mask(a->s, *(const u64 *)copy);
}
static void format_sigact(const struct strace_arg *a, const void *copy)
{
	const struct ksigaction *k = copy;

	if (k->handler <= 1)
		strbuf_printf(a->s, "{sa_handler=%s, sa_mask=", k->handler ? "SIG_IGN" : "SIG_DFL");
	else
		strbuf_printf(a->s, "{sa_handler=%#llx, sa_mask=", (unsigned long long)k->handler);
	format_mask(a->s, k->mask);
	strbuf_printf(a->s, ", sa_flags=%#llx}", (unsigned long long)k->flags);
}
static void format_siginfo(const struct strace_arg *a, const void *copy)
{
	const struct siginfo_k *i = copy;

	strbuf_printf(a->s, "{si_signo=");
	strace_format_signal(a->s, i->si_signo);
	strbuf_printf(a->s, ", si_code=%d, si_pid=%d, si_uid=%u}", i->si_code, i->rt.pid,
		      i->rt.uid);
}
static void format_stack(const struct strace_arg *a, const void *copy)
{
	const u64 *v = copy;

	strbuf_printf(a->s, "{ss_sp=%#llx, ss_flags=%#x, ss_size=%llu}", (unsigned long long)v[0],
		      (unsigned)v[1], (unsigned long long)v[2]);
}
static void format_fd2(const struct strace_arg *a, const void *copy)
{
	const int *fd = copy;

	strbuf_printf(a->s, "[%d, %d]", fd[0], fd[1]);
}
static void format_rlim(const struct strace_arg *a, const void *copy)
{
	const u64 *v = copy;

	strbuf_printf(a->s, "{rlim_cur=");
	for (int i = 0; i < 2; i++) {
		if (v[i] == ~0ull)
			strbuf_printf(a->s, "RLIM64_INFINITY");
		else
			strbuf_printf(a->s, "%llu", (unsigned long long)v[i]);
		strbuf_printf(a->s, i ? "}" : ", rlim_max=");
	}
}
static void format_wstatus(const struct strace_arg *a, const void *copy)
{
	u32 w = *(const u32 *)copy;

	if ((w & 0xff) == 0x7f) {
		strbuf_printf(a->s, "[{WIFSTOPPED(s) && WSTOPSIG(s) == ");
		strace_format_signal(a->s, (int)(w >> 8 & 0xff));
	} else if (w & 0x7f) {
		strbuf_printf(a->s, "[{WIFSIGNALED(s) && WTERMSIG(s) == ");
		strace_format_signal(a->s, (int)(w & 0x7f));
	} else {
		strbuf_printf(a->s, "[{WIFEXITED(s) && WEXITSTATUS(s) == %u", w >> 8 & 0xff);
	}
	strbuf_printf(a->s, "}]");
}
static void format_utsname(const struct strace_arg *a, const void *copy)
{
	const struct utsname *u = copy;

	strbuf_printf(a->s, "{sysname=\"%.64s\", nodename=\"%.64s\", ...}", u->sysname,
		      u->nodename);
}
static void format_epev(const struct strace_arg *a, const void *copy)
{
	const struct epoll_event *e = copy;

	strbuf_printf(a->s, "{events=%#x, data=%#llx}", e->events, (unsigned long long)e->data.u64);
}
static void format_clone3(const struct strace_arg *a, const void *copy)
{
	const struct clone_args *c = copy;

	strbuf_printf(a->s, "{flags=");
	strace_format_set(a->s, strace_set_find("clonefl", 7), c->flags);
	strbuf_printf(a->s, ", exit_signal=");
	strace_format_signal(a->s, (int)c->exit_signal);
	strbuf_printf(a->s, ", stack=%#llx, stack_size=%#llx, tls=%#llx}",
		      (unsigned long long)c->stack, (unsigned long long)c->stack_size,
		      (unsigned long long)c->tls);
}
static void format_msghdr(const struct strace_arg *a, const void *copy)
{
	const struct msghdr *m = copy;

	strbuf_printf(a->s, "{msg_namelen=%u, msg_iovlen=%zu, msg_controllen=%zu, msg_flags=%#x}",
		      m->msg_namelen, (size_t)m->msg_iovlen, (size_t)m->msg_controllen,
		      (unsigned)m->msg_flags);
}
static void format_rusage(const struct strace_arg *a, const void *copy)
{
	strbuf_printf(a->s, "{ru_utime=");
	format_tv(a, copy);
	strbuf_printf(a->s, ", ru_stime=");
	format_tv(a, (const s64 *)copy + 2);
	strbuf_printf(a->s, ", ...}");
}
static void format_fdset(const struct strace_arg *a, const void *copy)
{
	const char *sep = "";

	strbuf_printf(a->s, "[");
	for (int fd = 0; fd < FD_SETSIZE && fd < (int)a->args->a[0]; fd++)
		if (FD_ISSET(fd, (fd_set *)(uintptr_t)copy)) {
			strbuf_printf(a->s, "%s%d", sep, fd);
			sep = " ";
		}
	strbuf_printf(a->s, "]");
}

static const struct format formats[] = {
	{"ts", 16, format_ts},
	{"ts2", 32, format_ts2},
	{"tv", 16, format_tv},
	{"itv", 32, format_itv},
	{"its", 32, format_its},
	{"stat", sizeof(struct stat), format_stat},
	{"statx", sizeof(struct statx), format_statx},
	{"sigset", 8, format_sigset},
	{"sigact", sizeof(struct ksigaction), format_sigact},
	{"siginfo", sizeof(struct siginfo_k), format_siginfo},
	{"stack", 24, format_stack},
	{"fd2", 8, format_fd2},
	{"rlim", 16, format_rlim},
	{"wstatus", 4, format_wstatus},
	{"utsname", sizeof(struct utsname), format_utsname},
	{"epev", sizeof(struct epoll_event), format_epev},
	{"clone3", CLONE_ARGS_SIZE_VER0, format_clone3},
	{"msghdr", sizeof(struct msghdr), format_msghdr},
	{"rusage", 32, format_rusage},
};
#define STRUCT_MAX 512
static_assert(sizeof(struct utsname) <= STRUCT_MAX && sizeof(struct statx) <= STRUCT_MAX, "room");

/* An array of @count structures of @size bytes. */
static void format_array(const struct strace_arg *a, u64 count, size_t size,
			 void (*fn)(const struct strace_arg *a, const void *copy))
{
	gva_t addr = GVA(a->args->a[a->index]);
	u8 copy[64];

	strbuf_printf(a->s, "[");
	for (u64 i = 0; i < count; i++) {
		if (i == ITEMS_SHOWN || copy_in(a->t->mm, copy, gva_add(addr, i * size), size)) {
			strbuf_printf(a->s, ", ...");
			break;
		}
		if (i)
			strbuf_printf(a->s, ", ");
		fn(a, copy);
	}
	strbuf_printf(a->s, "]");
}

static void format_pollfd(const struct strace_arg *a, const void *copy)
{
	const struct pollfd *p = copy;

	strbuf_printf(a->s, "{fd=%d, events=%#x}", p->fd, (unsigned)p->events);
}

static bool format_sockaddr(const struct strace_arg *a)
{
	gva_t addr = GVA(a->args->a[a->index]);
	struct sockaddr_storage ss = {0};
	const struct sockaddr_un *un = (const struct sockaddr_un *)&ss;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&ss;
	u64 size = next_arg(a);
	u32 stored;

	if (size > sizeof(ss)) { /* where the size is written, for an address that is written */
		if (copy_in_obj(a->t->mm, &stored, GVA(size)))
			return false;
		size = stored;
	}
	size = min(size, (u64)sizeof(ss));
	if (size < 2 || copy_in(a->t->mm, &ss, addr, size))
		return false;
	if (ss.ss_family == AF_UNIX) {
		strbuf_printf(a->s, "{sa_family=AF_UNIX, sun_path=");
		strace_format_bytes(a->s, (const u8 *)un->sun_path,
				    un->sun_path[0] ? strnlen(un->sun_path, size - 2) : size - 2,
				    false);
		strbuf_printf(a->s, "}");
	} else if (ss.ss_family == AF_INET && size >= sizeof(*in)) {
		const u8 *ip = (const u8 *)&in->sin_addr;

		strbuf_printf(a->s, "{sa_family=AF_INET, sin_port=htons(%u), sin_addr=%u.%u.%u.%u}",
			      ntohs(in->sin_port), ip[0], ip[1], ip[2], ip[3]);
	} else {
		strbuf_printf(a->s, "{sa_family=%u, ...}", ss.ss_family);
	}
	return true;
}

static bool is(const char *type, size_t size, const char *name)
{
	return strlen(name) == size && !memcmp(type, name, size);
}

bool strace_format_struct(const struct strace_arg *a, const char *type, size_t size)
{
	gva_t addr = GVA(a->args->a[a->index]);
	u8 copy[STRUCT_MAX];

	if (is(type, size, "sockaddr"))
		return format_sockaddr(a);
	if (is(type, size, "pollfd")) {
		format_array(a, next_arg(a), sizeof(struct pollfd), format_pollfd);
		return true;
	}
	if (is(type, size, "epevs")) {
		format_array(a, a->result > 0 ? (u64)a->result : 0, sizeof(struct epoll_event),
			     format_epev);
		return true;
	}
	if (is(type, size, "fdset")) {
		memset(copy, 0, sizeof(copy));
		copy_in_some(a->t->mm, copy, addr,
			     (min(a->args->a[0], (u64)FD_SETSIZE) + 63) / 64 * 8);
		format_fdset(a, copy);
		return true;
	}
	for (size_t i = 0; i < array_size(formats); i++) {
		if (!is(type, size, formats[i].type))
			continue;
		if (copy_in(a->t->mm, copy, addr, formats[i].size))
			return false;
		formats[i].fn(a, copy);
		return true;
	}
	return false;
}
