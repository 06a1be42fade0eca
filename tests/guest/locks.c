/* SPDX-License-Identifier: Apache-2.0 */
/* locks.c - flock, POSIX record locks, open-file-description locks, leases of conflict between them
 */
#include "tests/lib/guest.h"

#include <sys/file.h>

static int setlk(int fd, int cmd, int type, off_t start, off_t len)
{
	struct flock fl = {
		.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};

	return fcntl(fd, cmd, &fl);
}

/* The type that F_GETLK reports for a write lock there. */
static int getlk(int fd, off_t start, off_t len, struct flock *out)
{
	*out = (struct flock){
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
	return fcntl(fd, F_GETLK, out) == 0 ? out->l_type : -1;
}

static int open_file(void)
{
	return open("f", O_RDWR | O_CREAT, 0600);
}

static void test_flock(void)
{
	int a = MUST(open_file()), b = MUST(open_file());

	CASE("shared and exclusive between descriptions, conversion, unlock")
	{
		CHECK_EQ(flock(a, LOCK_SH), 0);
		CHECK_EQ(flock(b, LOCK_SH | LOCK_NB), 0);
		CHECK_ERRNO(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
		CHECK_EQ(flock(b, LOCK_UN), 0);
		CHECK_EQ(flock(a, LOCK_EX | LOCK_NB), 0);
		CHECK_ERRNO(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
		CHECK_EQ(flock(a, LOCK_UN), 0);
	}
	CASE("belongs to the description: duplicates and children share, the last close frees")
	{
		int d = MUST(dup(a));

		CHECK_EQ(flock(a, LOCK_EX), 0);
		CHECK_EQ(flock(d, LOCK_EX | LOCK_NB), 0);
		CHECK_EXIT(FORK(CHECK_EQ(flock(a, LOCK_EX | LOCK_NB), 0);
				CHECK_ERRNO(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK)),
			   0);
		close(a);
		CHECK_ERRNO(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
		close(d);
		CHECK_EQ(flock(b, LOCK_EX | LOCK_NB), 0);
		a = MUST(open_file());
		CHECK_EQ(flock(b, LOCK_UN), 0);
	}
	CASE("a blocked lock is granted on unlock and on the holder's death")
	{
		int gate[2];
		char byte;

		MUST(pipe(gate));
		CHECK_EQ(flock(a, LOCK_EX), 0);
		pid_t p = FORK(int c = MUST(open_file()); CHECK_EQ(flock(c, LOCK_EX), 0);
			       CHECK_EQ(write(gate[1], "x", 1), 1); pause());

		wait_sleeping(p);
		CHECK_EQ(flock(a, LOCK_UN), 0);
		CHECK_EQ(read(gate[0], &byte, 1), 1);
		CHECK_ERRNO(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
		pid_t q = FORK(int c = MUST(open_file()); CHECK_EQ(flock(c, LOCK_EX), 0));

		wait_sleeping(q);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		CHECK_EXIT(q, 0);
		close(gate[0]);
		close(gate[1]);
	}
	CASE("errors; independent of record locks")
	{
		CHECK_ERRNO(flock(a, 0), EINVAL);
		CHECK_ERRNO(flock(a, LOCK_SH | LOCK_EX), EINVAL);
		CHECK_ERRNO(flock(999, LOCK_SH), EBADF);
		CHECK_EQ(flock(a, LOCK_EX), 0);
		CHECK_EXIT(FORK(CHECK_EQ(setlk(b, F_SETLK, F_WRLCK, 0, 0), 0)), 0);
		CHECK_EQ(flock(a, LOCK_UN), 0);
	}
	close(a);
	close(b);
}

static void test_posix(void)
{
	int fd = MUST(open_file());
	struct flock fl;

	CASE("ranges split and merge, seen by another process with owner's pid")
	{
		CHECK_EQ(setlk(fd, F_SETLK, F_WRLCK, 0, 100), 0);
		CHECK_EQ(setlk(fd, F_SETLK, F_UNLCK, 40, 20), 0);
		CHECK_EQ(setlk(fd, F_SETLK, F_RDLCK, 60, 10), 0);
		CHECK_EXIT(FORK(CHECK_EQ(getlk(fd, 40, 20, &fl), F_UNLCK);
				CHECK_EQ(getlk(fd, 0, 0, &fl), F_WRLCK); CHECK_EQ(fl.l_start, 0);
				CHECK_EQ(fl.l_len, 40); CHECK_EQ(fl.l_pid, getppid());
				CHECK_EQ(getlk(fd, 60, 5, &fl), F_RDLCK); CHECK_EQ(fl.l_len, 10);
				CHECK_EQ(setlk(fd, F_SETLK, F_RDLCK, 60, 10), 0);
				CHECK_ERRNO(setlk(fd, F_SETLK, F_WRLCK, 69, 1), EAGAIN)),
			   0);
		CHECK_EQ(setlk(fd, F_SETLK, F_UNLCK, 0, 0), 0);
	}
	CASE("own locks never conflict; closing any descriptor of the file drops all")
	{
		CHECK_EQ(setlk(fd, F_SETLK, F_WRLCK, 0, 10), 0);
		int other = MUST(open("f", O_RDONLY));

		CHECK_EQ(getlk(fd, 0, 10, &fl), F_UNLCK);
		close(other);
		CHECK_EXIT(FORK(CHECK_EQ(getlk(fd, 0, 10, &fl), F_UNLCK)), 0);
	}
	CASE("F_SETLKW waits, wakes on unlock; deadlock is EDEADLK")
	{
		int gate[2];
		char c;

		MUST(pipe(gate));
		CHECK_EQ(setlk(fd, F_SETLK, F_WRLCK, 0, 1), 0);
		pid_t p = FORK(CHECK_EQ(setlk(fd, F_SETLK, F_WRLCK, 1, 1), 0);
			       CHECK_EQ(write(gate[1], "x", 1), 1);
			       CHECK_EQ(setlk(fd, F_SETLKW, F_WRLCK, 0, 1), 0));

		CHECK_EQ(read(gate[0], &c, 1), 1);
		wait_sleeping(p);
		CHECK_ERRNO(setlk(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
		CHECK_EQ(setlk(fd, F_SETLK, F_UNLCK, 0, 1), 0);
		CHECK_EXIT(p, 0);
		close(gate[0]);
		close(gate[1]);
	}
	CASE("not inherited by fork, kept over exec, whence and negative lengths")
	{
		CHECK_EQ(lseek(fd, 50, SEEK_SET), 50);
		fl = (struct flock){
			.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = 0, .l_len = -10};
		CHECK_EQ(fcntl(fd, F_SETLK, &fl), 0);
		CHECK_EXIT(FORK(CHECK_EQ(getlk(fd, 0, 0, &fl), F_WRLCK); CHECK_EQ(fl.l_start, 40);
				CHECK_EQ(fl.l_len, 10)),
			   0);
		CHECK_EQ(setlk(fd, F_SETLK, F_UNLCK, 0, 0), 0);
		pid_t p = FORK(CHECK_EQ(setlk(fd, F_SETLK, F_WRLCK, 7, 1), 0);
			       execl("/bin/sleep", "sleep", "60", NULL));

		EVENTUALLY(getlk(fd, 7, 1, &fl) == F_WRLCK);
		sleep_ms(5);
		CHECK_EQ(getlk(fd, 7, 1, &fl), F_WRLCK);
		CHECK_EQ(fl.l_pid, p);
		kill(p, SIGKILL);
		CHECK_KILLED(p, SIGKILL);
		CHECK_EQ(getlk(fd, 7, 1, &fl), F_UNLCK);
	}
	CASE("errors: mode of the descriptor, bad type, whence, range, pointer")
	{
		int ro = MUST(open("f", O_RDONLY)), wo = MUST(open("f", O_WRONLY));

		CHECK_ERRNO(setlk(ro, F_SETLK, F_WRLCK, 0, 1), EBADF);
		CHECK_ERRNO(setlk(wo, F_SETLK, F_RDLCK, 0, 1), EBADF);
		CHECK_ERRNO(setlk(fd, F_SETLK, 9, 0, 1), EINVAL);
		CHECK_ERRNO(setlk(fd, F_SETLK, F_WRLCK, -5, 1), EINVAL);
		fl = (struct flock){.l_type = F_WRLCK, .l_whence = 7};
		CHECK_ERRNO(fcntl(fd, F_SETLK, &fl), EINVAL);
		CHECK_ERRNO(fcntl(fd, F_SETLK, BAD_PTR), EFAULT);
		CHECK_ERRNO(setlk(999, F_SETLK, F_WRLCK, 0, 1), EBADF);
		close(ro);
		close(wo);
	}
	close(fd);
}

static void test_ofd(void)
{
	int a = MUST(open_file()), b = MUST(open_file());
	struct flock fl;

	CASE("conflict between descriptions of one process; duplicates share; pid reads -1")
	{
		CHECK_EQ(setlk(a, F_OFD_SETLK, F_WRLCK, 0, 10), 0);
		CHECK_ERRNO(setlk(b, F_OFD_SETLK, F_RDLCK, 5, 1), EAGAIN);
		int d = MUST(dup(a));

		CHECK_EQ(setlk(d, F_OFD_SETLK, F_RDLCK, 0, 10), 0);
		CHECK_EQ(setlk(b, F_OFD_SETLK, F_RDLCK, 5, 1), 0);
		close(d);
		CHECK_ERRNO(setlk(b, F_OFD_SETLK, F_WRLCK, 0, 1), EAGAIN);
		fl = (struct flock){.l_type = F_WRLCK, .l_len = 1};
		CHECK_EQ(fcntl(b, F_OFD_GETLK, &fl), 0);
		CHECK_EQ(fl.l_type, F_RDLCK);
		CHECK_EQ(fl.l_pid, -1);
		fl = (struct flock){.l_type = F_WRLCK, .l_len = 1, .l_pid = 5};
		CHECK_ERRNO(fcntl(b, F_OFD_SETLK, &fl), EINVAL);
	}
	CASE("conflict with POSIX locks; survive another descriptor's close; freed by the last")
	{
		close(MUST(open_file()));
		CHECK_ERRNO(setlk(b, F_SETLK, F_WRLCK, 0, 1), EAGAIN);
		close(a);
		CHECK_EQ(setlk(b, F_OFD_SETLK, F_WRLCK, 0, 10), 0);
		a = MUST(open_file());
		pid_t p = FORK(CHECK_EQ(setlk(a, F_OFD_SETLKW, F_WRLCK, 0, 1), 0));

		wait_sleeping(p);
		CHECK_EQ(setlk(b, F_OFD_SETLK, F_UNLCK, 0, 0), 0);
		CHECK_EXIT(p, 0);
	}
	close(a);
	close(b);
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_flock();
	test_posix();
	test_ofd();
	return test_end();
}
