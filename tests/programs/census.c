/* SPDX-License-Identifier: Apache-2.0 */
/* census.c - runs a command with a time limit and tells what it left behind
 *
 * usage: census [-t SECONDS] [-q] [--] CMD [ARG...]
 *
 * Theory of operation: this process makes itself the reaper of all descendants, so nothing a
 * command starts can get out of its sight. When the command has ended, every descendant has one
 * second to go; who is still there is named on stderr and killed, and the exit status is 125. At
 * the time limit all are killed: status 124. Else the status is the command's, 128 + N for signal
 * N.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GRACE_MS = 1000, MAX_PIDS = 65536 };

static volatile sig_atomic_t g_expired;

static void on_alarm(int sig)
{
	(void)sig;
	g_expired = 1;
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Parent and name of a process; 0 when it is gone. */
static pid_t parent_of(pid_t pid, char name[64], char *state)
{
	char path[64], buf[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	ssize_t n = read(fd, buf, sizeof(buf) - 1);

	close(fd);
	if (n <= 0)
		return 0;
	buf[n] = 0;
	char *open_at = strchr(buf, '('), *close_at = strrchr(buf, ')');
	int ppid = 0;

	if (!open_at || !close_at || sscanf(close_at + 1, " %c %d", state, &ppid) != 2)
		return 0;
	snprintf(name, 64, "%.*s", (int)(close_at - open_at - 1), open_at + 1);
	return ppid;
}

/* Sends a signal to all descendants (0: only counts), naming them on stderr when told. Gives their
 * number. */
static int each_descendant(int sig, int say)
{
	static pid_t pids[MAX_PIDS], parents[MAX_PIDS];
	static char mine[MAX_PIDS];
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0, count = 0, changed = 1;
	char name[64], state;

	while (d && (e = readdir(d)) && n < MAX_PIDS)
		if (isdigit((unsigned char)e->d_name[0])) {
			pids[n] = atoi(e->d_name);
			parents[n] = parent_of(pids[n], name, &state);
			mine[n] = parents[n] == getpid();
			n++;
		}
	if (d)
		closedir(d);
	while (changed) {
		changed = 0;
		for (int i = 0; i < n; i++)
			for (int k = 0; k < n && !mine[i]; k++)
				if (mine[k] && parents[i] == pids[k])
					mine[i] = (char)(changed = 1);
	}
	for (int i = 0; i < n; i++) {
		if (!mine[i] || !parent_of(pids[i], name, &state) || state == 'Z')
			continue;
		count++;
		if (say)
			fprintf(stderr, "census: left behind: %d %s (%c)\n", (int)pids[i], name,
				state);
		if (sig)
			kill(pids[i], sig);
	}
	return count;
}

static void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static int kill_all(void)
{
	int n = 0;

	for (int i = 0; i < 50; i++) {
		int left = each_descendant(SIGKILL, i == 0);

		if (i == 0)
			n = left;
		usleep(10000);
		reap();
		if (left == 0)
			break;
	}
	return n;
}

int main(int argc, char **argv)
{
	int i = 1, status = 0, seconds = 0;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "-t") && i + 1 < argc) {
			seconds = atoi(argv[++i]);
		} else if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
	}
	if (i >= argc) {
		fprintf(stderr, "usage: census [-t SECONDS] CMD [ARG...]\n");
		return 2;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		for (int sig = 1; sig < NSIG; sig++) /* what started the tests may ignore some */
			signal(sig, SIG_DFL);
		execvp(argv[i], argv + i);
		fprintf(stderr, "census: %s: %s\n", argv[i], strerror(errno));
		_exit(127);
	}
	struct sigaction sa = {.sa_handler = on_alarm};

	sigaction(SIGALRM, &sa, NULL);
	alarm((unsigned)seconds);
	for (;;) {
		pid_t got = waitpid(-1, &status, 0);

		if (got == pid)
			break;
		if (g_expired) {
			fprintf(stderr, "census: no end after %d s\n", seconds);
			kill_all();
			return 124;
		}
	}
	alarm(0);
	for (long long end = now_ms() + GRACE_MS; each_descendant(0, 0) > 0 && now_ms() < end;
	     reap())
		usleep(5000);
	if (kill_all() > 0)
		return 125;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
