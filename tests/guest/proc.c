/* SPDX-License-Identifier: Apache-2.0 */
/* proc.c - /proc as glibc, ps, the JVM, Go and node read it */
#include "tests/lib/guest.h"

#include <ctype.h>
#include <dirent.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/shm.h>

static char g_b[65536];

static int load(const char *path)
{
	return (int)read_file(path, g_b, sizeof(g_b));
}

/* The number after a key at the start of a line, -1 when there is none. */
static long value(const char *key)
{
	size_t n = strlen(key);

	for (char *p = g_b; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (strncmp(p, key, n) == 0)
			return atol(p + n);
	return -1;
}

static void test_self(void)
{
	CASE("stat: 52 fields; pid, name with odd characters, state, ids, threads, start time")
	{
		long v[52];
		char state;
		int n = 0;

		MUST(prctl(PR_SET_NAME, "a) R (b"));
		CHECK(load("/proc/self/stat") > 0);
		char *p = strrchr(g_b, ')');

		REQUIRE(p != NULL);
		CHECK_EQ(atoi(g_b), getpid());
		CHECK(strstr(g_b, "(a) R (b)") != NULL);
		state = p[2];
		CHECK_EQ(state, 'R');
		for (char *q = p + 3; *q && n < 52; n++) {
			v[n] = strtol(q, &q, 10);
			while (*q == ' ' || *q == '\n')
				q++;
		}
		CHECK_EQ(n, 49);
		CHECK_EQ(v[0], getppid());
		CHECK_EQ(v[1], getpgrp());
		CHECK_EQ(v[2], getsid(0));
		CHECK_EQ(v[16], 1);
		CHECK(v[18] > 0);
		CHECK(v[19] > 1000000);
	}
	CASE("status: names, ids, masks, memory, capabilities")
	{
		char want[64];

		sigset_t s;

		sigemptyset(&s);
		sigaddset(&s, SIGUSR1);
		sigprocmask(SIG_BLOCK, &s, NULL);
		signal(SIGUSR2, SIG_IGN);
		on_signal(SIGHUP, count_signal, 0);
		CHECK(load("/proc/self/status") > 0);
		CHECK_EQ(value("Pid:"), getpid());
		CHECK_EQ(value("PPid:"), getppid());
		CHECK_EQ(value("Threads:"), 1);
		CHECK_EQ(value("Tgid:"), getpid());
		CHECK_EQ(value("TracerPid:"), 0);
		snprintf(want, sizeof(want), "Uid:\t%d\t%d\t%d\t%d\n", getuid(), geteuid(),
			 geteuid(), geteuid());
		CHECK(strstr(g_b, want) != NULL);
		CHECK(strstr(g_b, "\nSigBlk:\t0000000000000200\n") != NULL);
		char *ign = strstr(g_b, "\nSigIgn:\t"), *cgt = strstr(g_b, "\nSigCgt:\t");

		CHECK(ign && strtoul(ign + 9, NULL, 16) & 1ul << (SIGUSR2 - 1));
		CHECK(cgt && strtoul(cgt + 9, NULL, 16) & 1ul << (SIGHUP - 1));
		CHECK(value("VmRSS:") > 0 && value("VmSize:") > 0 && value("FDSize:") > 0);
		static const char *const keys[] = {"\nCapEff:\t",
						   "\nCapBnd:\t",
						   "\nNoNewPrivs:\t",
						   "\nSeccomp:\t",
						   "\nCpus_allowed_list:\t",
						   "\nUmask:\t0022\n",
						   "\nState:\tR (running)\n",
						   "\nGroups:\t",
						   "\nvoluntary_ctxt_switches:\t"};

		for (unsigned i = 0; i < COUNT(keys); i++)
			if (!CHECK(strstr(g_b, keys[i]) != NULL))
				dprintf(1, "     missing %s\n", keys[i] + 1);
		sigprocmask(SIG_UNBLOCK, &s, NULL);
		signal(SIGUSR2, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
	}
}

static void test_exec(void)
{
	CASE("cmdline and environ with zero bytes; comm; exe; cwd; root")
	{
		char link[4200];

		CHECK(load("/proc/self/cmdline") > 0);
		CHECK_EQ(g_b[load("/proc/self/cmdline") - 1], 0);
		int p[2];

		MUST(pipe(p));
		pid_t c = FORK(char *av[] = {"sleep", "60", NULL};
			       char *ev[] = {"ONE=1", "TWO=2", NULL}; close(p[0]);
			       fcntl(p[1], F_SETFD, FD_CLOEXEC); execve("/bin/sleep", av, ev));
		char path[64], x;

		close(p[1]);
		CHECK_EQ(read(p[0], &x, 1), 0);
		close(p[0]);
		snprintf(path, sizeof(path), "/proc/%d/cmdline", c);
		CHECK_EQ(load(path), 9);
		CHECK(memcmp(g_b, "sleep\00060\000", 9) == 0);
		snprintf(path, sizeof(path), "/proc/%d/environ", c);
		CHECK_EQ(load(path), 12);
		CHECK(memcmp(g_b, "ONE=1\000TWO=2\000", 12) == 0);
		snprintf(path, sizeof(path), "/proc/%d/comm", c);
		CHECK(load(path) > 0);
		CHECK_STR(g_b, "sleep\n");
		kill(c, SIGKILL);
		CHECK_KILLED(c, SIGKILL);
		ssize_t n = readlink("/proc/self/exe", link, sizeof(link) - 1);

		link[n > 0 ? n : 0] = 0;
		CHECK_STR(link, g_self);
		n = readlink("/proc/self/cwd", link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = 0;
		CHECK_STR(link, g_dir);
		n = readlink("/proc/self/root", link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = 0;
		CHECK_STR(link, "/");
		n = readlink("/proc/self", link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = 0;
		CHECK_EQ(atoi(link), getpid());
		n = readlink("/proc/thread-self", link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = 0;
		CHECK(strstr(link, "/task/") != NULL);
	}
}

static void test_files(void)
{
	CASE("oom_score_adj, limits, auxv, mountinfo, mounts, cgroup, uid_map, io, stat of tasks")
	{
		static const char *const files[] = {
			"limits",      "auxv",	    "mountinfo",     "mounts",	  "cgroup",
			"uid_map",     "gid_map",   "oom_score_adj", "oom_score", "wchan",
			"task",	       "ns",	    "fdinfo",	     "net/dev",	  "loginuid",
			"personality", "setgroups", "smaps_rollup"};
		char path[96];

		for (unsigned i = 0; i < COUNT(files); i++) {
			snprintf(path, sizeof(path), "/proc/self/%s", files[i]);
			if (access(path, F_OK) != 0 && !CHECK(errno == 0))
				dprintf(1, "     missing %s\n", path);
		}
		CHECK(load("/proc/self/limits") > 0);
		CHECK(strstr(g_b, "Max open files            ") != NULL);
		CHECK(load("/proc/self/mountinfo") > 0);
		CHECK(strstr(g_b, " / / ") != NULL && strstr(g_b, " - ") != NULL);
		CHECK(load("/proc/self/mounts") > 0);
		CHECK(strstr(g_b, " /proc proc ") != NULL);
	}
	CASE("errors: missing pid, not a directory, writes refused")
	{
		CHECK_ERRNO(open("/proc/4194303", O_RDONLY), ENOENT);
		CHECK_ERRNO(open("/proc/self/stat/x", O_RDONLY), ENOTDIR);
		CHECK_ERRNO(mkdir("/proc/x", 0700), ENOENT);
		CHECK_ERRNO(unlink("/proc/self/stat"), EPERM);
		int fd = open("/proc/self/stat", O_WRONLY);

		CHECK(fd < 0 || write(fd, "x", 1) < 0);
		if (fd >= 0)
			close(fd);
	}
}

static void test_system(void)
{
	CASE("uptime, loadavg, version, meminfo, cpuinfo, stat")
	{
		double a, b, c;
		int run, all, last;

		CHECK(load("/proc/uptime") > 0);
		CHECK_EQ(sscanf(g_b, "%lf %lf", &a, &b), 2);
		CHECK(load("/proc/loadavg") > 0);
		CHECK_EQ(sscanf(g_b, "%lf %lf %lf %d/%d %d", &a, &b, &c, &run, &all, &last), 6);
		CHECK(load("/proc/version") > 0);
		CHECK(strncmp(g_b, "Linux version ", 14) == 0);
		CHECK(load("/proc/meminfo") > 0);
		CHECK(value("MemTotal:") > 0 && value("MemFree:") >= 0 &&
		      value("MemAvailable:") >= 0);
		CHECK(value("Cached:") >= 0 && value("SwapTotal:") >= 0 && value("Buffers:") >= 0);
		CHECK(load("/proc/cpuinfo") > 0);
		CHECK(strstr(g_b, "processor\t: 0\n") && strstr(g_b, "flags\t\t: ") &&
		      strstr(g_b, "model name\t: "));
		CHECK(load("/proc/stat") > 0);
		CHECK(strncmp(g_b, "cpu  ", 5) == 0 && strstr(g_b, "\ncpu0 ") &&
		      value("btime ") > 1600000000);
		CHECK(value("processes ") > 0);
	}
	CASE("filesystems, mounts, self/mounts link, cmdline, devices or none")
	{
		CHECK(load("/proc/filesystems") > 0);
		CHECK(strstr(g_b, "nodev\tproc\n") && strstr(g_b, "nodev\ttmpfs\n"));
		CHECK(load("/proc/mounts") > 0);
		CHECK(load("/proc/cmdline") >= 0);
	}
	CASE("sys/kernel and sys/vm and sys/fs")
	{
		static const struct {
			const char *name;
			long least;
		} n[] = {{"kernel/pid_max", 300},
			 {"kernel/threads-max", 100},
			 {"kernel/ngroups_max", 65536},
			 {"kernel/cap_last_cap", 30},
			 {"vm/overcommit_memory", 0},
			 {"vm/max_map_count", 1000},
			 {"fs/file-max", 1000},
			 {"fs/nr_open", 1024},
			 {"fs/pipe-max-size", 4096},
			 {"kernel/shmmni", 1},
			 {"fs/inotify/max_user_watches", 100},
			 {"vm/mmap_min_addr", 0},
			 {"net/core/somaxconn", 16}};
		char path[96];

		for (unsigned i = 0; i < COUNT(n); i++) {
			snprintf(path, sizeof(path), "/proc/sys/%s", n[i].name);
			if (!CHECK(load(path) > 0 && atol(g_b) >= n[i].least))
				dprintf(1, "     %s: %s\n", path, g_b);
		}
		CHECK(load("/proc/sys/kernel/ostype") > 0);
		CHECK_STR(g_b, "Linux\n");
		CHECK(load("/proc/sys/kernel/random/uuid") == 37);
		CHECK(g_b[8] == '-' && g_b[13] == '-' && g_b[36] == '\n');
		char first[37];

		memcpy(first, g_b, 37);
		CHECK(load("/proc/sys/kernel/random/uuid") == 37 && memcmp(first, g_b, 36) != 0);
		CHECK(load("/proc/sys/kernel/random/boot_id") == 37);
	}
}

static void test_list(void)
{
	CASE("/proc lists the processes by number; a new child appears and goes")
	{
		pid_t c = FORK(pause());
		DIR *d = opendir("/proc");
		struct dirent *e;
		int me = 0, child = 0;

		while ((e = readdir(d))) {
			me += isdigit((unsigned char)e->d_name[0]) && atoi(e->d_name) == getpid();
			child += atoi(e->d_name) == c;
		}
		closedir(d);
		CHECK(me == 1 && child == 1);
		kill(c, SIGKILL);
		CHECK_KILLED(c, SIGKILL);
		char path[32];

		snprintf(path, sizeof(path), "/proc/%d", c);
		CHECK_ERRNO(access(path, F_OK), ENOENT);
	}
	CASE("a descriptor of a dead process's file gives ESRCH or nothing, not the next one's")
	{
		pid_t c = FORK(pause());
		char path[32], b[64];

		snprintf(path, sizeof(path), "/proc/%d/stat", c);
		int fd = MUST(open(path, O_RDONLY));

		kill(c, SIGKILL);
		CHECK_KILLED(c, SIGKILL);
		ssize_t n = read(fd, b, sizeof(b));

		CHECK(n <= 0);
		close(fd);
	}
	CASE("reading in small pieces and from an offset gives the same text")
	{
		char small[4096] = "";
		int fd = MUST(open("/proc/self/limits", O_RDONLY)), n, got = 0;

		while ((n = (int)read(fd, small + got, 7)) > 0)
			got += n;
		CHECK(load("/proc/self/limits") == got);
		CHECK(memcmp(small, g_b, (size_t)got) == 0);
		char c[8];

		CHECK_EQ(pread(fd, c, 8, 20), 8);
		CHECK(memcmp(c, small + 20, 8) == 0);
		close(fd);
	}
	CASE("/sys: CPUs as glibc and the JVM count them")
	{
		CHECK(load("/sys/devices/system/cpu/online") > 0);
		CHECK(isdigit((unsigned char)g_b[0]));
		CHECK(load("/sys/devices/system/cpu/possible") > 0);
		CHECK_EQ(access("/sys/fs/cgroup", F_OK), 0);
	}
}

static void test_ipc_and_locks(void)
{
	char *buf = malloc(1 << 20);

	CASE("/proc/sysvipc has the objects of the namespace")
	{
		int id = (int)MUST(shmget(IPC_PRIVATE, 12345, IPC_CREAT | 0640));
		char want[64], *line;
		unsigned perms = 0;
		unsigned long size = 0;
		pid_t pid = 0;

		snprintf(want, sizeof(want), "%10d %10d", 0, id);
		CHECK(read_file("/proc/sysvipc/shm", buf, 1 << 20) > 0);
		line = strstr(buf, want);
		CHECK(line != NULL);
		if (line)
			CHECK_EQ(sscanf(line, "%*d %*d %o %lu %d", &perms, &size, &pid), 3);
		CHECK_EQ(perms, 0640);
		CHECK_EQ(size, 12345);
		CHECK_EQ(pid, getpid());
		MUST(shmctl(id, IPC_RMID, NULL));
		CHECK(read_file("/proc/sysvipc/sem", buf, 1 << 20) > 0);
		CHECK(strstr(buf, "semid perms") != NULL);
		CHECK(read_file("/proc/sysvipc/msg", buf, 1 << 20) > 0);
		CHECK(strstr(buf, "msqid perms") != NULL);
	}
	CASE("/proc/locks has them")
	{
		struct flock l = {
			.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 11};
		int fd = (int)MUST(open("locked", O_RDWR | O_CREAT, 0600));
		struct stat st;
		char want[96];

		MUST(fstat(fd, &st));
		MUST(fcntl(fd, F_SETLK, &l));
		MUST(flock(fd, LOCK_SH));
		CHECK(read_file("/proc/locks", buf, 1 << 20) > 0);
		snprintf(want, sizeof(want), "POSIX  ADVISORY  WRITE %d ", getpid());
		CHECK(strstr(buf, want) != NULL);
		snprintf(want, sizeof(want), ":%lu 100 110\n", (unsigned long)st.st_ino);
		CHECK(strstr(buf, want) != NULL);
		snprintf(want, sizeof(want), "FLOCK  ADVISORY  READ %d ", getpid());
		CHECK(strstr(buf, want) != NULL);
		close(fd);
		CHECK(read_file("/proc/locks", buf, 1 << 20) >= 0);
		CHECK(strstr(buf, want) == NULL);
		unlink("locked");
	}
	CASE("getcpu says where a pinned thread runs")
	{
		cpu_set_t old, one;
		unsigned cpu = 12345;

		MUST(sched_getaffinity(0, sizeof(old), &old));
		for (int i = 0; i < CPU_SETSIZE; i++) {
			if (!CPU_ISSET(i, &old))
				continue;
			CPU_ZERO(&one);
			CPU_SET(i, &one);
			MUST(sched_setaffinity(0, sizeof(one), &one));
			MUST(syscall(SYS_getcpu, &cpu, NULL, NULL));
			CHECK_EQ(cpu, i);
			CHECK_EQ(sched_getcpu(), i);
		}
		MUST(sched_setaffinity(0, sizeof(old), &old));
		CHECK_EQ(syscall(SYS_getcpu, NULL, NULL, NULL), 0);
		CHECK_ERRNO(syscall(SYS_getcpu, BAD_PTR, NULL, NULL), EFAULT);
	}
	CASE("load averages are numbers")
	{
		double a = -1, b = -1, c = -1;

		CHECK(read_file("/proc/loadavg", buf, 1 << 20) > 0);
		CHECK_EQ(sscanf(buf, "%lf %lf %lf %*d/%*d %*d", &a, &b, &c), 3);
		CHECK(a >= 0 && b >= 0 && c >= 0);
	}
	free(buf);
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_self();
	test_exec();
	test_files();
	test_system();
	test_list();
	test_ipc_and_locks();
	return test_end();
}
