#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# hostcalls.sh [BUILD] - the sentry's libraries make host calls through platform/host only
#
# Looks for undefined references to libc functions that make system calls (or allocate) in the
# libraries of sentry/, fs/, net/ and syscalls/. What runs only before the filter is on is listed below, by object.
set -eu
build=${1:-build}

# Libraries that may: the wrappers themselves, and what runs outside of the sentry's main life.
exempt='libhost.a libunotify.a libarch.a libseccomp.a libbase.a libspec.a libcgroup.a libboot.a libgofer_proto.a'

# object:symbol that are used at start-up only, or whose host calls are tagged beside them.
allowed='
worker.c.o:pthread_create
worker.c.o:pthread_join
worker.c.o:pthread_sigmask
worker.c.o:signalfd
worker.c.o:timerfd_create
worker.c.o:timerfd_settime
hostfd.c.o:__openat_2
hostfd.c.o:openat
hostfd.c.o:fcntl
hostfd.c.o:fstat
root.c.o:open
root.c.o:__open_2
root.c.o:read
root.c.o:__read_chk
root.c.o:close
net.c.o:open
net.c.o:__open_2
net.c.o:read
net.c.o:__read_chk
net.c.o:close
memfile.c.o:fcntl
memfile.c.o:memfd_create
'

calls=$(sed -n 's/^#define __NR_\([a-z0-9_]*\) .*/\1/p' /usr/include/x86_64-linux-gnu/asm/unistd_64.h)
extra='syscall fopen fopen64 fdopen fclose fread fwrite fgets fprintf printf vprintf vfprintf puts putchar
	fputs fputc perror open64 openat64 creat64 __open_2 __openat_2 __open64_2 __openat64_2 __read_chk
	__pread_chk __pread64_chk __fprintf_chk __printf_chk __vfprintf_chk
	fcntl64 fstat64 stat64 lstat64 fstatat64 fstatat fstatfs64 statfs64 lseek64 pread pwrite preadv64 pwritev64
	mmap64 ftruncate64 posix_fallocate fallocate64 waitpid wait waitid poll ppoll __poll_chk select usleep sleep
	nanosleep clock_nanosleep opendir fdopendir readdir readdir64 closedir popen system execvp posix_spawn
	malloc calloc realloc free strdup strndup asprintf vasprintf getline
	pthread_create pthread_join pthread_sigmask pthread_mutex_lock pthread_mutex_unlock
	pthread_cond_wait pthread_cond_signal pthread_kill raise abort exit _exit sigaction signal sigprocmask
	memfd_create eventfd signalfd timerfd_create timerfd_settime epoll_create1 epoll_ctl epoll_wait inotify_init1
	sysconf getentropy arc4random sched_yield sendmsg recvmsg send recv gettid isatty tcgetattr tcsetattr
	ttyname getcwd realpath'

deny=$(mktemp)
found=$(mktemp)
trap 'rm -f "$deny" "$found"' EXIT
printf '%s\n' $calls $extra | grep -vxE 'time|gettimeofday|clock_gettime' | sort -u >"$deny"

# Functions of our own may have such names: only what no library of ours defines counts.
own=$(mktemp)
nm "$build"/lib*.a 2>/dev/null | awk '$2 ~ /[TDBR]/ {print $3}' | sort -u >"$own"
comm -23 "$deny" "$own" >"$deny.new"
mv "$deny.new" "$deny"
rm -f "$own"

for lib in "$build"/lib*.a; do
	case " $exempt " in *" ${lib##*/} "*) continue ;; esac
	nm -A -u "$lib" 2>/dev/null | awk -v deny="$deny" '
		BEGIN { while ((getline line <deny) > 0) denied[line] }
		{ n = split($1, p, ":"); if ($NF in denied) print p[n - 1] ":" $NF }' | sort -u |
		while read -r use; do
			printf '%s\n' "$allowed" | grep -qxF "$use" || echo "${lib##*/}: $use"
		done
done >"$found"

if [ -s "$found" ]; then
	echo "host calls of the sentry that do not go through platform/host (see $0):" >&2
	cat "$found" >&2
	exit 1
fi
