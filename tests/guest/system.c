/* SPDX-License-Identifier: Apache-2.0 */
/* system.c - prctl, rlimits, uname, sysinfo, getrandom, scheduling, CPU sets, rusage, misc system
 * calls */
#include "tests/lib/guest.h"

#include <asm/prctl.h>
#include <linux/membarrier.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>

static void test_prctl(void)
{
	CASE("name, dumpable, timer slack, THP, arch")
	{
		char name[17] = "";

		CHECK_EQ(prctl(PR_SET_NAME, "short"), 0);
		CHECK_EQ(prctl(PR_GET_NAME, name), 0);
		CHECK_STR(name, "short");
		CHECK_ERRNO(prctl(PR_SET_NAME, BAD_PTR), EFAULT);
		CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
		CHECK_EQ(prctl(PR_SET_DUMPABLE, 0), 0);
		CHECK_EQ(prctl(PR_GET_DUMPABLE), 0);
		CHECK_ERRNO(prctl(PR_SET_DUMPABLE, 2), EINVAL);
		CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
		CHECK(prctl(PR_GET_TIMERSLACK) > 0);
		CHECK_ERRNO(prctl(999999), EINVAL);
		CHECK_EQ(prctl(PR_GET_TIMING), PR_TIMING_STATISTICAL);
		CHECK_EQ(prctl(PR_GET_SECCOMP) >= 0, 1);
	}
	CASE("arch_prctl: fs and gs")
	{
		unsigned long fs = 0, gs = 1, word = 77, got = 0;

		CHECK_EQ(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs), 0);
		__asm__("movq %%fs:0, %0" : "=r"(got));
		CHECK_EQ(fs, got);
		CHECK_EQ(syscall(SYS_arch_prctl, ARCH_SET_GS, &word), 0);
		CHECK_EQ(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs), 0);
		CHECK_EQ(gs, (unsigned long)&word);
		__asm__ volatile("movq %%gs:0, %0" : "=r"(got));
		CHECK_EQ(got, 77);
		CHECK_EQ(syscall(SYS_arch_prctl, ARCH_SET_GS, 0), 0);
		CHECK_ERRNO(syscall(SYS_arch_prctl, ARCH_SET_FS, 0x8000000000000000ul), EPERM);
		CHECK_ERRNO(syscall(SYS_arch_prctl, 0x7777, 0), EINVAL);
	}
	CASE("personality reads; unknown system calls are ENOSYS")
	{
		CHECK_EQ(personality(0xffffffff), 0);
		CHECK_ERRNO(syscall(999), ENOSYS);
		CHECK_ERRNO(syscall(-1), ENOSYS);
		CHECK_ERRNO(syscall(400), ENOSYS);
	}
}

static void test_limits(void)
{
	struct rlimit r, old;

	CASE("every limit reads; soft within hard; raising the hard one needs root")
	{
		for (int i = 0; i < RLIM_NLIMITS; i++) {
			CHECK_EQ(getrlimit((__rlimit_resource_t)i, &r), 0);
			CHECK(r.rlim_cur <= r.rlim_max);
		}
		CHECK_ERRNO(getrlimit((__rlimit_resource_t)RLIM_NLIMITS, &r), EINVAL);
		r = (struct rlimit){10, 5};
		CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &r), EINVAL);
		CHECK_ERRNO(syscall(SYS_getrlimit, RLIMIT_NOFILE, BAD_PTR), EFAULT);
		CHECK_EXIT(FORK(if (geteuid() == 0) MUST(setresuid(4711, 4711, 4711));
				r = (struct rlimit){50, 60};
				CHECK_EQ(setrlimit(RLIMIT_NOFILE, &r), 0); r.rlim_max = 61;
				CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &r), EPERM);
				getrlimit(RLIMIT_NOFILE, &old);
				CHECK(old.rlim_cur == 50 && old.rlim_max == 60)),
			   0);
	}
	CASE("prlimit64 gets and sets at once, on oneself and a child; inherited and kept over "
	     "exec")
	{
		pid_t p = FORK(pause());

		r = (struct rlimit){33, 44};
		CHECK_EQ(prlimit(p, RLIMIT_CORE, NULL, &old), 0);
		if (old.rlim_max >= 44)
			CHECK_EQ(prlimit(p, RLIMIT_CORE, &r, NULL), 0);
		CHECK_ERRNO(prlimit(0x3fffff, RLIMIT_CORE, NULL, &old), ESRCH);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		CHECK_EXIT(FORK(r = (struct rlimit){77, 88}; MUST(setrlimit(RLIMIT_NOFILE, &r));
				execl("/bin/sh", "sh", "-c",
				      "test $(ulimit -Sn) = 77 -a $(ulimit -Hn) = 88", NULL)),
			   0);
	}
	CASE("RLIMIT_STACK decides where a deep stack ends")
	{
		CHECK_EXIT(FORK(r = (struct rlimit){16 << 20, 16 << 20};
				getrlimit(RLIMIT_STACK, &old);
				if (old.rlim_max < r.rlim_max) _exit(0); r.rlim_max = old.rlim_max;
				MUST(setrlimit(RLIMIT_STACK, &r));
				execl("/bin/sh", "sh", "-c", "test $(ulimit -s) = 16384", NULL)),
			   0);
	}
}

static void test_system(void)
{
	CASE("uname")
	{
		struct utsname u;

		CHECK_EQ(uname(&u), 0);
		CHECK_STR(u.sysname, "Linux");
		CHECK_STR(u.machine, "x86_64");
		CHECK(atoi(u.release) >= 4 && strlen(u.nodename) > 0);
		CHECK_ERRNO(uname(BAD_PTR), EFAULT);
		char h[65];

		CHECK_EQ(gethostname(h, sizeof(h)), 0);
		CHECK_STR(h, u.nodename);
		CHECK_EXIT(FORK(if (geteuid() == 0) MUST(setresuid(4711, 4711, 4711));
				CHECK_ERRNO(sethostname("x", 1), EPERM)),
			   0);
	}
	CASE("sysinfo is plausible and agrees with itself")
	{
		struct sysinfo s;

		CHECK_EQ(sysinfo(&s), 0);
		CHECK(s.totalram > 0 && s.freeram <= s.totalram && s.mem_unit > 0 && s.procs > 0 &&
		      s.uptime >= 0);
		CHECK_ERRNO(sysinfo(BAD_PTR), EFAULT);
		CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
		CHECK_EQ(sysconf(_SC_PAGESIZE), 4096);
		CHECK(sysconf(_SC_PHYS_PAGES) > 0);
	}
	CASE("getrandom: fills, differs, flags, errors")
	{
		unsigned char a[64] = {0}, b[64] = {0};

		CHECK_EQ(getrandom(a, 64, 0), 64);
		CHECK_EQ(getrandom(b, 64, GRND_NONBLOCK), 64);
		CHECK(memcmp(a, b, 64) != 0);
		CHECK_EQ(getrandom(a, 0, 0), 0);
		CHECK_ERRNO(getrandom(a, 64, 0x100), EINVAL);
		CHECK_ERRNO(syscall(SYS_getrandom, BAD_PTR, 64, 0), EFAULT);
		char *big = malloc(1 << 20);

		CHECK_EQ(getrandom(big, 1 << 20, 0), 1 << 20);
		free(big);
	}
	CASE("getcpu, affinity, yield")
	{
		unsigned cpu = 9999, node = 9999;
		cpu_set_t set;

		CHECK_EQ(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
		CHECK(cpu < 4096 && node < 1024);
		CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
		int n = CPU_COUNT(&set);

		CHECK(n >= 1);
		int got = sched_getcpu();

		CHECK(got >= 0 && CPU_ISSET(got, &set));
		cpu_set_t one;

		CPU_ZERO(&one);
		CPU_SET(got, &one);
		CHECK_EXIT(FORK(CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
				cpu_set_t back;
				CHECK_EQ(sched_getaffinity(0, sizeof(back), &back), 0);
				CHECK_EQ(CPU_COUNT(&back), 1); CHECK_EQ(sched_getcpu(), got);
				CPU_ZERO(&back);
				CHECK_ERRNO(sched_setaffinity(0, sizeof(back), &back), EINVAL)),
			   0);
		CHECK_EQ(sched_yield(), 0);
		CHECK_ERRNO(sched_getaffinity(0, 1, &set), EINVAL);
		CHECK_ERRNO(sched_getaffinity(0x3fffff, sizeof(set), &set), ESRCH);
		CHECK_ERRNO(sched_getaffinity(-1, sizeof(set), &set), ESRCH);
		CHECK_ERRNO(sched_setaffinity(-1, sizeof(set), &set), ESRCH);
	}
}

static void test_scheduler(void)
{
	CASE("scheduler policy, parameters, priorities")
	{
		struct sched_param p = {.sched_priority = 0};

		CHECK_EQ(sched_getscheduler(0), SCHED_OTHER);
		CHECK_EQ(sched_setscheduler(0, SCHED_OTHER, &p), 0);
		CHECK_EQ(sched_getparam(0, &p), 0);
		CHECK_EQ(sched_get_priority_max(SCHED_FIFO), 99);
		CHECK_EQ(sched_get_priority_min(SCHED_FIFO), 1);
		CHECK_EQ(sched_get_priority_max(SCHED_OTHER), 0);
		CHECK_ERRNO(sched_get_priority_max(99), EINVAL);
		CHECK_ERRNO(sched_setscheduler(0, 99, &p), EINVAL);
		p.sched_priority = 5;
		CHECK_ERRNO(sched_setscheduler(0, SCHED_OTHER, &p), EINVAL);
		CHECK_ERRNO(sched_getscheduler(0x3fffff), ESRCH);
		struct timespec ts;

		CHECK_EQ(sched_rr_get_interval(0, &ts), 0);
	}
	CASE("nice and getpriority")
	{
		errno = 0;
		CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
		CHECK_EXIT(FORK(CHECK_EQ(nice(5), 5); CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
				CHECK_EQ(setpriority(PRIO_PROCESS, 0, 10), 0);
				CHECK_EQ(getpriority(PRIO_PROCESS, 0), 10);
				if (geteuid() == 0) MUST(setresuid(4711, 4711, 4711));
				CHECK_ERRNO(setpriority(PRIO_PROCESS, 0, 3), EACCES);
				CHECK_ERRNO(setpriority(9, 0, 3), EINVAL)),
			   0);
		CHECK_ERRNO(getpriority(PRIO_PROCESS, 0x3fffff), ESRCH);
	}
	CASE("getrusage and times move")
	{
		struct rusage a, b;
		struct tms t;

		CHECK_EQ(getrusage(RUSAGE_SELF, &a), 0);
		for (long long end = now_ms() + 40; now_ms() < end;)
			;
		CHECK_EQ(getrusage(RUSAGE_SELF, &b), 0);
		CHECK(b.ru_utime.tv_sec * 1000000L + b.ru_utime.tv_usec +
			      b.ru_stime.tv_sec * 1000000L + b.ru_stime.tv_usec >
		      a.ru_utime.tv_sec * 1000000L + a.ru_utime.tv_usec +
			      a.ru_stime.tv_sec * 1000000L + a.ru_stime.tv_usec);
		CHECK(b.ru_maxrss > 100);
		CHECK_EQ(getrusage(RUSAGE_THREAD, &b), 0);
		CHECK_ERRNO(getrusage((__rusage_who_t)5, &b), EINVAL);
		CHECK(times(&t) != (clock_t)-1);
	}
	CASE("membarrier query, rseq and kcmp do not crash; gettid")
	{
		long q = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

		CHECK(q >= 0 || errno == ENOSYS);
		if (q > 0 && (q & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)) {
			CHECK_EQ(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
					 0, 0),
				 0);
			CHECK_EQ(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0),
				 0);
		}
		CHECK_EQ(gettid(), getpid());
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_prctl();
	test_limits();
	test_system();
	test_scheduler();
	return test_end();
}
