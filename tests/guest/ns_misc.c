/* SPDX-License-Identifier: Apache-2.0 */
/* ns_misc.c - IPC, network, UTS and cgroup namespaces (namespaces(7)) */
#include "tests/lib/guest.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

static bool enter_user(void)
{
	char text[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWUSER))
		return false;
	write_file("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "0 %u 1", uid);
	if (write_file("/proc/self/uid_map", text))
		return false;
	snprintf(text, sizeof(text), "0 %u 1", gid);
	return write_file("/proc/self/gid_map", text) == 0;
}

static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};

static void test_links(void)
{
	CASE("each kind has a link, and unshare gives it another number")
	{
		static const int flags[] = {
			CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWNET, 0, 0,
			CLONE_NEWUTS};
		char file[64], a[64], b[64];

		for (size_t i = 0; i < COUNT(kinds); i++) {
			snprintf(file, sizeof(file), "/proc/self/ns/%s", kinds[i]);
			memset(a, 0, sizeof(a));
			memset(b, 0, sizeof(b));
			CHECK(readlink(file, a, sizeof(a) - 1) > 0);
			if (!flags[i])
				continue;
			CHECK_EXIT(FORK(MUST(unshare(flags[i])); int fd = open(file, O_RDONLY);
					CHECK(fd >= 0); CHECK(readlink(file, b, sizeof(b) - 1) > 0);
					CHECK(strcmp(a, b) != 0)),
				   0);
		}
	}
	CASE("setns back")
	{
		char a[64] = {0}, b[64] = {0};

		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWIPC));
				int fd = (int)MUST(open("/proc/self/ns/ipc", O_RDONLY));
				MUST(readlink("/proc/self/ns/ipc", a, sizeof(a) - 1));
				MUST(unshare(CLONE_NEWIPC)); CHECK_EQ(setns(fd, CLONE_NEWIPC), 0);
				MUST(readlink("/proc/self/ns/ipc", b, sizeof(b) - 1));
				CHECK_STR(b, a)),
			   0);
	}
	CASE("a file of a namespace can be bound, and keeps it alive")
	{
		struct stat st, now;

		write_file("here", "");
		CHECK_EXIT(
			FORK(MUST(unshare(CLONE_NEWNS));
			     mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL);
			     pid_t p = FORK(
				     MUST(unshare(CLONE_NEWUTS)); MUST(sethostname("kept", 4));
				     MUST(mount("/proc/self/ns/uts", "here", NULL, MS_BIND, NULL)));
			     CHECK_EXIT(p, 0); MUST(stat("here", &st));
			     MUST(stat("/proc/self/ns/uts", &now)); CHECK(st.st_ino != now.st_ino);
			     CHECK_EQ(st.st_dev, now.st_dev);
			     int fd = (int)MUST(open("here", O_RDONLY)); CHECK_EQ(setns(fd, 0), 0);
			     char name[64] = ""; gethostname(name, sizeof(name));
			     CHECK_STR(name, "kept"); MUST(stat("/proc/self/ns/uts", &now));
			     CHECK_EQ(st.st_ino, now.st_ino)),
			0);
		unlink("here");
	}
}

static void test_ipc(void)
{
	CASE("System V objects are not found from another one, and end with it")
	{
		key_t key = (key_t)(0x51000000 | getpid());
		int id = (int)MUST(shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600));
		struct shmid_ds ds;

		CHECK_EXIT(
			FORK(MUST(unshare(CLONE_NEWIPC));
			     CHECK_ERRNO(shmget(key, 4096, 0600), ENOENT);
			     CHECK_ERRNO(shmctl(id, IPC_STAT, &ds), EINVAL);
			     int mine = (int)MUST(shmget(key, 8192, IPC_CREAT | IPC_EXCL | 0600));
			     MUST(shmctl(mine, IPC_STAT, &ds)); CHECK_EQ(ds.shm_segsz, 8192);
			     CHECK_EQ(ds.shm_cpid, getpid());
			     CHECK(semget(key, 1, IPC_CREAT | 0600) >= 0)),
			0);
		MUST(shmctl(id, IPC_STAT, &ds));
		CHECK_EQ(ds.shm_segsz, 4096);
		CHECK_ERRNO(semget(key, 1, 0600), ENOENT);
		MUST(shmctl(id, IPC_RMID, NULL));
	}
	CASE("message queues")
	{
		char name[64];
		mqd_t q;

		snprintf(name, sizeof(name), "/ns_misc.%d", getpid());
		q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
		if (q < 0)
			SKIP("no message queues");
		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWIPC));
				CHECK_ERRNO(mq_open(name, O_RDWR), ENOENT);
				CHECK(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL) >= 0)),
			   0);
		mq_close(q);
		CHECK_EQ(mq_unlink(name), 0);
	}
}

static void test_net(void)
{
	CASE("abstract names belong to a network namespace")
	{
		struct sockaddr_un un = {.sun_family = AF_UNIX};
		socklen_t len;
		int s = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));

		len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				  (size_t)snprintf(un.sun_path + 1, 60, "ns_misc.%d", getpid()));
		MUST(bind(s, (struct sockaddr *)&un, len));
		MUST(listen(s, 1));
		CHECK_EXIT(FORK(MUST(unshare(CLONE_NEWNET));
				int k = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
				CHECK_ERRNO(connect(k, (struct sockaddr *)&un, len), ECONNREFUSED);
				CHECK_EQ(bind(k, (struct sockaddr *)&un, len), 0)),
			   0);
		CHECK_EXIT(FORK(int k = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
				MUST(unshare(CLONE_NEWNET));
				/* Of the namespace where it was made. */
				CHECK_EQ(connect(k, (struct sockaddr *)&un, len), 0)),
			   0);
		close(s);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	if ((geteuid() == 0 && FORK(_exit(unshare(CLONE_NEWNS) ? 1 : 0)) > 0 &&
	     wait_status(-1) == 0) ||
	    enter_user()) {
		test_links();
		test_ipc();
		test_net();
	}
	return test_end();
}
