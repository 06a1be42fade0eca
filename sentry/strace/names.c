/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - names of flags, of values, of signals and of errors */
#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sentry/strace/strace_internal.h"

/* clang-format off */
#define N(name) {(u64)(name), #name}
static const struct strace_name oflags_names[] = {
	N(O_SYNC), N(O_TMPFILE), N(O_WRONLY), N(O_RDWR), N(O_CREAT), N(O_EXCL), N(O_NOCTTY),
	N(O_TRUNC), N(O_APPEND), N(O_NONBLOCK), N(O_DSYNC), N(O_ASYNC), N(O_DIRECT),
	N(O_DIRECTORY), N(O_NOFOLLOW), N(O_NOATIME), N(O_CLOEXEC), N(O_PATH), N(O_LARGEFILE),
	{0, NULL},
};
static const struct strace_name prot_names[] = {
	N(PROT_READ), N(PROT_WRITE), N(PROT_EXEC), N(PROT_GROWSDOWN), N(PROT_GROWSUP),
	N(PROT_NONE),
	{0, NULL},
};
static const struct strace_name mapfl_names[] = {
	N(MAP_SHARED_VALIDATE), N(MAP_SHARED), N(MAP_PRIVATE), N(MAP_FIXED), N(MAP_ANONYMOUS),
	N(MAP_GROWSDOWN), N(MAP_DENYWRITE), N(MAP_LOCKED), N(MAP_NORESERVE), N(MAP_POPULATE),
	N(MAP_NONBLOCK), N(MAP_STACK), N(MAP_HUGETLB), N(MAP_SYNC), N(MAP_FIXED_NOREPLACE),
	{0, NULL},
};
static const struct strace_name mremapfl_names[] = {
	N(MREMAP_MAYMOVE), N(MREMAP_FIXED), N(MREMAP_DONTUNMAP),
	{0, NULL},
};
static const struct strace_name madv_names[] = {
	N(MADV_NORMAL), N(MADV_RANDOM), N(MADV_SEQUENTIAL), N(MADV_WILLNEED), N(MADV_DONTNEED),
	N(MADV_FREE), N(MADV_REMOVE), N(MADV_DONTFORK), N(MADV_DOFORK), N(MADV_HUGEPAGE),
	N(MADV_NOHUGEPAGE), N(MADV_DONTDUMP), N(MADV_DODUMP), N(MADV_WIPEONFORK),
	N(MADV_KEEPONFORK), N(MADV_COLD), N(MADV_PAGEOUT), N(MADV_POPULATE_READ),
	N(MADV_POPULATE_WRITE),
	{0, NULL},
};
static const struct strace_name clonefl_names[] = {
	N(SIGCHLD), N(CLONE_VM), N(CLONE_FS), N(CLONE_FILES), N(CLONE_SIGHAND), N(CLONE_PIDFD),
	N(CLONE_PTRACE), N(CLONE_VFORK), N(CLONE_PARENT), N(CLONE_THREAD), N(CLONE_NEWNS),
	N(CLONE_SYSVSEM), N(CLONE_SETTLS), N(CLONE_PARENT_SETTID), N(CLONE_CHILD_CLEARTID),
	N(CLONE_UNTRACED), N(CLONE_CHILD_SETTID), N(CLONE_NEWCGROUP), N(CLONE_NEWUTS),
	N(CLONE_NEWIPC), N(CLONE_NEWUSER), N(CLONE_NEWPID), N(CLONE_NEWNET), N(CLONE_IO),
	{0, NULL},
};
static const struct strace_name futexop_names[] = {
	{0x80, "FUTEX_PRIVATE_FLAG"}, {0x100, "FUTEX_CLOCK_REALTIME"}, {0, "FUTEX_WAIT"},
	{1, "FUTEX_WAKE"}, {2, "FUTEX_FD"}, {3, "FUTEX_REQUEUE"}, {4, "FUTEX_CMP_REQUEUE"},
	{5, "FUTEX_WAKE_OP"}, {6, "FUTEX_LOCK_PI"}, {7, "FUTEX_UNLOCK_PI"},
	{8, "FUTEX_TRYLOCK_PI"}, {9, "FUTEX_WAIT_BITSET"}, {10, "FUTEX_WAKE_BITSET"},
	{11, "FUTEX_WAIT_REQUEUE_PI"}, {12, "FUTEX_CMP_REQUEUE_PI"}, {13, "FUTEX_LOCK_PI2"},
	{0, NULL},
};
static const struct strace_name fcntl_names[] = {
	N(F_DUPFD), N(F_GETFD), N(F_SETFD), N(F_GETFL), N(F_SETFL), N(F_GETLK), N(F_SETLK),
	N(F_SETLKW), N(F_SETOWN), N(F_GETOWN), N(F_SETSIG), N(F_GETSIG), N(F_SETOWN_EX),
	N(F_GETOWN_EX), N(F_OFD_GETLK), N(F_OFD_SETLK), N(F_OFD_SETLKW), N(F_SETLEASE),
	N(F_GETLEASE), N(F_NOTIFY), N(F_DUPFD_CLOEXEC), N(F_SETPIPE_SZ), N(F_GETPIPE_SZ),
	N(F_ADD_SEALS), N(F_GET_SEALS),
	{0, NULL},
};
static const struct strace_name whence_names[] = {
	N(SEEK_SET), N(SEEK_CUR), N(SEEK_END), N(SEEK_DATA), N(SEEK_HOLE),
	{0, NULL},
};
static const struct strace_name ioctl_names[] = {
	N(TCGETS), N(TCSETS), N(TCSETSW), N(TCSETSF), N(TCSBRK), N(TCXONC), N(TCFLSH),
	N(TIOCEXCL), N(TIOCNXCL), N(TIOCSCTTY), N(TIOCGPGRP), N(TIOCSPGRP), N(TIOCOUTQ),
	N(TIOCSTI), N(TIOCGWINSZ), N(TIOCSWINSZ), N(FIONREAD), N(TIOCNOTTY), N(TIOCGSID),
	N(TIOCGPTN), N(TIOCSPTLCK), N(TIOCGPTPEER), N(TIOCPKT), N(FIONBIO), N(FIOASYNC),
	N(FIONCLEX), N(FIOCLEX), N(FICLONE), N(FS_IOC_GETFLAGS), N(FS_IOC_SETFLAGS),
	{0, NULL},
};
static const struct strace_name accmode_names[] = {
	N(X_OK), N(W_OK), N(R_OK), N(F_OK),
	{0, NULL},
};
static const struct strace_name atflags_names[] = {
	N(AT_SYMLINK_NOFOLLOW), N(AT_REMOVEDIR), N(AT_SYMLINK_FOLLOW), N(AT_NO_AUTOMOUNT),
	N(AT_EMPTY_PATH), N(AT_STATX_FORCE_SYNC), N(AT_STATX_DONT_SYNC), N(AT_RECURSIVE),
	{0, NULL},
};
static const struct strace_name msgfl_names[] = {
	N(MSG_OOB), N(MSG_PEEK), N(MSG_DONTROUTE), N(MSG_CTRUNC), N(MSG_TRUNC), N(MSG_DONTWAIT),
	N(MSG_EOR), N(MSG_WAITALL), N(MSG_ERRQUEUE), N(MSG_NOSIGNAL), N(MSG_MORE),
	N(MSG_WAITFORONE), N(MSG_CMSG_CLOEXEC),
	{0, NULL},
};
static const struct strace_name waitopts_names[] = {
	N(WNOHANG), N(WUNTRACED), N(WEXITED), N(WCONTINUED), N(WNOWAIT), N(__WNOTHREAD),
	N(__WALL), N(__WCLONE),
	{0, NULL},
};
static const struct strace_name sighow_names[] = {
	N(SIG_BLOCK), N(SIG_UNBLOCK), N(SIG_SETMASK),
	{0, NULL},
};
static const struct strace_name clockid_names[] = {
	N(CLOCK_REALTIME), N(CLOCK_MONOTONIC), N(CLOCK_PROCESS_CPUTIME_ID),
	N(CLOCK_THREAD_CPUTIME_ID), N(CLOCK_MONOTONIC_RAW), N(CLOCK_REALTIME_COARSE),
	N(CLOCK_MONOTONIC_COARSE), N(CLOCK_BOOTTIME), N(CLOCK_REALTIME_ALARM),
	N(CLOCK_BOOTTIME_ALARM), N(CLOCK_TAI),
	{0, NULL},
};
static const struct strace_name af_names[] = {
	N(AF_UNSPEC), N(AF_UNIX), N(AF_INET), N(AF_INET6), N(AF_NETLINK), N(AF_PACKET),
	N(AF_VSOCK),
	{0, NULL},
};
static const struct strace_name socktype_names[] = {
	N(SOCK_RAW), N(SOCK_SEQPACKET), N(SOCK_STREAM), N(SOCK_DGRAM), N(SOCK_RDM),
	N(SOCK_NONBLOCK), N(SOCK_CLOEXEC),
	{0, NULL},
};
static const struct strace_name shuthow_names[] = {
	N(SHUT_RD), N(SHUT_WR), N(SHUT_RDWR),
	{0, NULL},
};
static const struct strace_name sollvl_names[] = {
	N(SOL_SOCKET), {0, "SOL_IP"}, {6, "SOL_TCP"}, {17, "SOL_UDP"}, {41, "SOL_IPV6"},
	{0, NULL},
};
static const struct strace_name sockopt_names[] = {
	N(SO_DEBUG), N(SO_REUSEADDR), N(SO_TYPE), N(SO_ERROR), N(SO_DONTROUTE), N(SO_BROADCAST),
	N(SO_SNDBUF), N(SO_RCVBUF), N(SO_KEEPALIVE), N(SO_OOBINLINE), N(SO_LINGER),
	N(SO_REUSEPORT), N(SO_PASSCRED), N(SO_PEERCRED), N(SO_RCVLOWAT), N(SO_SNDLOWAT),
	N(SO_ACCEPTCONN), N(SO_PROTOCOL), N(SO_DOMAIN),
	{0, NULL},
};
static const struct strace_name itimer_names[] = {
	N(ITIMER_REAL), N(ITIMER_VIRTUAL), N(ITIMER_PROF),
	{0, NULL},
};
static const struct strace_name flockop_names[] = {
	N(LOCK_SH), N(LOCK_EX), N(LOCK_NB), N(LOCK_UN),
	{0, NULL},
};
static const struct strace_name rlimit_names[] = {
	N(RLIMIT_CPU), N(RLIMIT_FSIZE), N(RLIMIT_DATA), N(RLIMIT_STACK), N(RLIMIT_CORE),
	N(RLIMIT_RSS), N(RLIMIT_NPROC), N(RLIMIT_NOFILE), N(RLIMIT_MEMLOCK), N(RLIMIT_AS),
	N(RLIMIT_LOCKS), N(RLIMIT_SIGPENDING), N(RLIMIT_MSGQUEUE), N(RLIMIT_NICE),
	N(RLIMIT_RTPRIO), N(RLIMIT_RTTIME),
	{0, NULL},
};
static const struct strace_name prio_names[] = {
	N(PRIO_PROCESS), N(PRIO_PGRP), N(PRIO_USER),
	{0, NULL},
};
static const struct strace_name schedpol_names[] = {
	N(SCHED_OTHER), N(SCHED_FIFO), N(SCHED_RR), N(SCHED_BATCH), N(SCHED_IDLE),
	{0, NULL},
};
static const struct strace_name prctl_names[] = {
	N(PR_SET_PDEATHSIG), N(PR_GET_PDEATHSIG), N(PR_GET_DUMPABLE), N(PR_SET_DUMPABLE),
	N(PR_GET_KEEPCAPS), N(PR_SET_KEEPCAPS), N(PR_SET_NAME), N(PR_GET_NAME),
	N(PR_GET_SECCOMP), N(PR_SET_SECCOMP), N(PR_CAPBSET_READ), N(PR_CAPBSET_DROP),
	N(PR_SET_SECUREBITS), N(PR_GET_SECUREBITS), N(PR_SET_TIMERSLACK), N(PR_GET_TIMERSLACK),
	N(PR_SET_MM), N(PR_SET_CHILD_SUBREAPER), N(PR_GET_CHILD_SUBREAPER),
	N(PR_SET_NO_NEW_PRIVS), N(PR_GET_NO_NEW_PRIVS), N(PR_GET_TID_ADDRESS),
	N(PR_SET_THP_DISABLE), N(PR_GET_THP_DISABLE), N(PR_CAP_AMBIENT), N(PR_SET_VMA),
	{0, NULL},
};
static const struct strace_name archprctl_names[] = {
	{0x1001, "ARCH_SET_GS"}, {0x1002, "ARCH_SET_FS"}, {0x1003, "ARCH_GET_FS"},
	{0x1004, "ARCH_GET_GS"}, {0x1011, "ARCH_GET_CPUID"}, {0x1012, "ARCH_SET_CPUID"},
	{0x3001, "ARCH_CET_STATUS"},
	{0, NULL},
};
static const struct strace_name epop_names[] = {
	N(EPOLL_CTL_ADD), N(EPOLL_CTL_DEL), N(EPOLL_CTL_MOD),
	{0, NULL},
};
static const struct strace_name xattrfl_names[] = {
	{1, "XATTR_CREATE"}, {2, "XATTR_REPLACE"},
	{0, NULL},
};
static const struct strace_name renfl_names[] = {
	N(RENAME_NOREPLACE), N(RENAME_EXCHANGE), N(RENAME_WHITEOUT),
	{0, NULL},
};
static const struct strace_name mntfl_names[] = {
	N(MS_RDONLY), N(MS_NOSUID), N(MS_NODEV), N(MS_NOEXEC), N(MS_SYNCHRONOUS), N(MS_REMOUNT),
	N(MS_MANDLOCK), N(MS_DIRSYNC), N(MS_NOATIME), N(MS_NODIRATIME), N(MS_BIND), N(MS_MOVE),
	N(MS_REC), N(MS_SILENT), N(MS_UNBINDABLE), N(MS_PRIVATE), N(MS_SLAVE), N(MS_SHARED),
	N(MS_RELATIME), N(MS_STRICTATIME), N(MS_LAZYTIME),
	{0, NULL},
};
static const struct strace_name umntfl_names[] = {
	N(MNT_FORCE), N(MNT_DETACH), N(MNT_EXPIRE), N(UMOUNT_NOFOLLOW),
	{0, NULL},
};
static const struct strace_set sets[] = {
	{"oflags", .flags = true, .mask = 3, .names = oflags_names},
	{"prot", .flags = true, .mask = 0, .names = prot_names},
	{"mapfl", .flags = true, .mask = 0xf, .names = mapfl_names},
	{"mremapfl", .flags = true, .mask = 0, .names = mremapfl_names},
	{"madv", .flags = false, .mask = 0, .names = madv_names},
	{"clonefl", .flags = true, .mask = 0xff, .names = clonefl_names},
	{"futexop", .flags = true, .mask = 0x7f, .names = futexop_names},
	{"fcntl", .flags = false, .mask = 0, .names = fcntl_names},
	{"whence", .flags = false, .mask = 0, .names = whence_names},
	{"ioctl", .flags = false, .mask = 0, .names = ioctl_names},
	{"accmode", .flags = true, .mask = 0, .names = accmode_names},
	{"atflags", .flags = true, .mask = 0, .names = atflags_names},
	{"msgfl", .flags = true, .mask = 0, .names = msgfl_names},
	{"waitopts", .flags = true, .mask = 0, .names = waitopts_names},
	{"sighow", .flags = false, .mask = 0, .names = sighow_names},
	{"clockid", .flags = false, .mask = 0, .names = clockid_names},
	{"af", .flags = false, .mask = 0, .names = af_names},
	{"socktype", .flags = true, .mask = 0xf, .names = socktype_names},
	{"shuthow", .flags = false, .mask = 0, .names = shuthow_names},
	{"sollvl", .flags = false, .mask = 0, .names = sollvl_names},
	{"sockopt", .flags = false, .mask = 0, .names = sockopt_names},
	{"itimer", .flags = false, .mask = 0, .names = itimer_names},
	{"flockop", .flags = true, .mask = 0, .names = flockop_names},
	{"rlimit", .flags = false, .mask = 0, .names = rlimit_names},
	{"prio", .flags = false, .mask = 0, .names = prio_names},
	{"schedpol", .flags = false, .mask = 0, .names = schedpol_names},
	{"prctl", .flags = false, .mask = 0, .names = prctl_names},
	{"archprctl", .flags = false, .mask = 0, .names = archprctl_names},
	{"epop", .flags = false, .mask = 0, .names = epop_names},
	{"xattrfl", .flags = true, .mask = 0, .names = xattrfl_names},
	{"renfl", .flags = true, .mask = 0, .names = renfl_names},
	{"mntfl", .flags = true, .mask = 0, .names = mntfl_names},
	{"umntfl", .flags = true, .mask = 0, .names = umntfl_names},
};

static const char *const errno_names[] = {
	[EPERM] = "EPERM", [ENOENT] = "ENOENT", [ESRCH] = "ESRCH", [EINTR] = "EINTR",
	[EIO] = "EIO", [ENXIO] = "ENXIO", [E2BIG] = "E2BIG", [ENOEXEC] = "ENOEXEC",
	[EBADF] = "EBADF", [ECHILD] = "ECHILD", [EAGAIN] = "EAGAIN", [ENOMEM] = "ENOMEM",
	[EACCES] = "EACCES", [EFAULT] = "EFAULT", [ENOTBLK] = "ENOTBLK", [EBUSY] = "EBUSY",
	[EEXIST] = "EEXIST", [EXDEV] = "EXDEV", [ENODEV] = "ENODEV", [ENOTDIR] = "ENOTDIR",
	[EISDIR] = "EISDIR", [EINVAL] = "EINVAL", [ENFILE] = "ENFILE", [EMFILE] = "EMFILE",
	[ENOTTY] = "ENOTTY", [ETXTBSY] = "ETXTBSY", [EFBIG] = "EFBIG", [ENOSPC] = "ENOSPC",
	[ESPIPE] = "ESPIPE", [EROFS] = "EROFS", [EMLINK] = "EMLINK", [EPIPE] = "EPIPE",
	[EDOM] = "EDOM", [ERANGE] = "ERANGE", [EDEADLK] = "EDEADLK",
	[ENAMETOOLONG] = "ENAMETOOLONG", [ENOLCK] = "ENOLCK", [ENOSYS] = "ENOSYS",
	[ENOTEMPTY] = "ENOTEMPTY", [ELOOP] = "ELOOP", [ENOMSG] = "ENOMSG", [EIDRM] = "EIDRM",
	[ECHRNG] = "ECHRNG", [EL2NSYNC] = "EL2NSYNC", [EL3HLT] = "EL3HLT", [EL3RST] = "EL3RST",
	[ELNRNG] = "ELNRNG", [EUNATCH] = "EUNATCH", [ENOCSI] = "ENOCSI", [EL2HLT] = "EL2HLT",
	[EBADE] = "EBADE", [EBADR] = "EBADR", [EXFULL] = "EXFULL", [ENOANO] = "ENOANO",
	[EBADRQC] = "EBADRQC", [EBADSLT] = "EBADSLT", [EBFONT] = "EBFONT", [ENOSTR] = "ENOSTR",
	[ENODATA] = "ENODATA", [ETIME] = "ETIME", [ENOSR] = "ENOSR", [ENONET] = "ENONET",
	[ENOPKG] = "ENOPKG", [EREMOTE] = "EREMOTE", [ENOLINK] = "ENOLINK", [EADV] = "EADV",
	[ESRMNT] = "ESRMNT", [ECOMM] = "ECOMM", [EPROTO] = "EPROTO", [EMULTIHOP] = "EMULTIHOP",
	[EDOTDOT] = "EDOTDOT", [EBADMSG] = "EBADMSG", [EOVERFLOW] = "EOVERFLOW",
	[ENOTUNIQ] = "ENOTUNIQ", [EBADFD] = "EBADFD", [EREMCHG] = "EREMCHG",
	[ELIBACC] = "ELIBACC", [ELIBBAD] = "ELIBBAD", [ELIBSCN] = "ELIBSCN",
	[ELIBMAX] = "ELIBMAX", [ELIBEXEC] = "ELIBEXEC", [EILSEQ] = "EILSEQ",
	[ERESTART] = "ERESTART", [ESTRPIPE] = "ESTRPIPE", [EUSERS] = "EUSERS",
	[ENOTSOCK] = "ENOTSOCK", [EDESTADDRREQ] = "EDESTADDRREQ", [EMSGSIZE] = "EMSGSIZE",
	[EPROTOTYPE] = "EPROTOTYPE", [ENOPROTOOPT] = "ENOPROTOOPT",
	[EPROTONOSUPPORT] = "EPROTONOSUPPORT", [ESOCKTNOSUPPORT] = "ESOCKTNOSUPPORT",
	[EOPNOTSUPP] = "EOPNOTSUPP", [EPFNOSUPPORT] = "EPFNOSUPPORT",
	[EAFNOSUPPORT] = "EAFNOSUPPORT", [EADDRINUSE] = "EADDRINUSE",
	[EADDRNOTAVAIL] = "EADDRNOTAVAIL", [ENETDOWN] = "ENETDOWN",
	[ENETUNREACH] = "ENETUNREACH", [ENETRESET] = "ENETRESET",
	[ECONNABORTED] = "ECONNABORTED", [ECONNRESET] = "ECONNRESET", [ENOBUFS] = "ENOBUFS",
	[EISCONN] = "EISCONN", [ENOTCONN] = "ENOTCONN", [ESHUTDOWN] = "ESHUTDOWN",
	[ETOOMANYREFS] = "ETOOMANYREFS", [ETIMEDOUT] = "ETIMEDOUT",
	[ECONNREFUSED] = "ECONNREFUSED", [EHOSTDOWN] = "EHOSTDOWN",
	[EHOSTUNREACH] = "EHOSTUNREACH", [EALREADY] = "EALREADY", [EINPROGRESS] = "EINPROGRESS",
	[ESTALE] = "ESTALE", [EUCLEAN] = "EUCLEAN", [ENOTNAM] = "ENOTNAM", [ENAVAIL] = "ENAVAIL",
	[EISNAM] = "EISNAM", [EREMOTEIO] = "EREMOTEIO", [EDQUOT] = "EDQUOT",
	[ENOMEDIUM] = "ENOMEDIUM", [EMEDIUMTYPE] = "EMEDIUMTYPE", [ECANCELED] = "ECANCELED",
	[ENOKEY] = "ENOKEY", [EKEYEXPIRED] = "EKEYEXPIRED", [EKEYREVOKED] = "EKEYREVOKED",
	[EKEYREJECTED] = "EKEYREJECTED", [EOWNERDEAD] = "EOWNERDEAD",
	[ENOTRECOVERABLE] = "ENOTRECOVERABLE", [ERFKILL] = "ERFKILL", [EHWPOISON] = "EHWPOISON",
};

static const char *const signal_names[] = {
	"0", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
	"SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT",
	"SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU",
	"SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
};
/* clang-format on */
static_assert(array_size(signal_names) == 32, "one name per standard signal");

const struct strace_set *strace_set_find(const char *type, size_t size)
{
	for (size_t i = 0; i < array_size(sets); i++)
		if (strlen(sets[i].type) == size && !memcmp(sets[i].type, type, size))
			return &sets[i];
	return NULL;
}

static const char *name_of(const struct strace_set *set, u64 value)
{
	for (const struct strace_name *n = set->names; n->name; n++)
		if (n->value == value || (u32)n->value == value)
			return n->name;
	return NULL;
}

static void format_flags(struct strbuf *s, const struct strace_set *set, u64 value)
{
	const char *name = set->mask ? name_of(set, value & set->mask) : NULL, *sep = "";

	if (name) {
		strbuf_printf(s, "%s", name);
		value &= ~set->mask;
		sep = "|";
	}
	for (const struct strace_name *n = set->names; n->name; n++) {
		if (!n->value || (n->value & set->mask) || (value & n->value) != n->value)
			continue;
		strbuf_printf(s, "%s%s", sep, n->name);
		value &= ~n->value;
		sep = "|";
	}
	if (value || !*sep)
		strbuf_printf(s, "%s%#llx", sep, (unsigned long long)value);
}

void strace_format_set(struct strbuf *s, const struct strace_set *set, u64 value)
{
	const char *name = set->flags && value ? NULL : name_of(set, value);

	value = set->flags ? value : (u32)value;
	if (name)
		strbuf_printf(s, "%s", name);
	else if (!value)
		strbuf_printf(s, "0");
	else if (set->flags)
		format_flags(s, set, value);
	else
		strbuf_printf(s, "%#llx", (unsigned long long)value);
}

void strace_format_signal(struct strbuf *s, int sig)
{
	if (sig >= 0 && sig < 32)
		strbuf_printf(s, "%s", signal_names[sig]);
	else if (sig >= 32 && sig <= 64)
		strbuf_printf(s, "SIGRT_%d", sig - 32);
	else
		strbuf_printf(s, "%d", sig);
}

const char *strace_errno_name(int err)
{
	return err > 0 && (size_t)err < array_size(errno_names) ? errno_names[err] : NULL;
}
