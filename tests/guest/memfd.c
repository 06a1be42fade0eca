/* SPDX-License-Identifier: Apache-2.0 */
/* memfd.c - memfd_create, seals, POSIX and System V shared memory */
#include "tests/lib/guest.h"

#include <sys/ipc.h>
#include <sys/shm.h>

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE };

static void test_memfd(void)
{
	CASE("a nameless file: read, write, size, mapping, name in /proc")
	{
		char buf[128] = "", path[64];
		struct stat st;
		int fd = MUST(memfd_create("my name", MFD_CLOEXEC));

		CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
		CHECK_EQ(write(fd, "hello", 5), 5);
		fstat(fd, &st);
		CHECK_EQ(st.st_size, 5);
		CHECK_EQ(st.st_nlink, 0);
		CHECK(S_ISREG(st.st_mode));
		char *m = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);

		CHECK_STR(m, "hello");
		m[0] = 'J';
		CHECK_EQ(pread(fd, buf, 5, 0), 5);
		CHECK_STR(buf, "Jello");
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, buf, sizeof(buf) - 1);

		buf[n > 0 ? n : 0] = 0;
		CHECK_STR(buf, "/memfd:my name (deleted)");
		int again = MUST(open(path, O_RDONLY));

		CHECK_EQ(read(again, buf, 1), 1);
		CHECK_EQ(buf[0], 'J');
		close(again);
		munmap(m, PAGE);
		close(fd);
	}
	CASE("errors: flags, long name, bad pointer")
	{
		char name[300];

		memset(name, 'n', 299);
		name[250] = 0;
		CHECK_ERRNO(memfd_create(name, 0), EINVAL);
		name[249] = 0;
		int fd = MUST(memfd_create(name, 0));

		close(fd);
		CHECK_ERRNO(memfd_create("x", 0x1000), EINVAL);
		CHECK_ERRNO(memfd_create(BAD_PTR, 0), EFAULT);
	}
	CASE("shared by fork; private mapping; hole; execute by fexecve")
	{
		int fd = MUST(memfd_create("m", 0));

		MUST(ftruncate(fd, 3 * PAGE));
		char *s = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0),
		     *p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);

		CHECK_EXIT(FORK(s[5] = 1; p[6] = 1), 0);
		CHECK_EQ(s[5], 1);
		CHECK_EQ(s[6] + p[6], 0);
		CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), 0);
		CHECK_EQ(s[5], 0);
		struct stat st;

		memset(s, 1, 3 * PAGE);
		munmap(s, 3 * PAGE);
		munmap(p, PAGE);
		fstat(fd, &st);
		CHECK_EQ(st.st_blocks, 3 * PAGE / 512);
		CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, 2 * PAGE),
			 0);
		fstat(fd, &st);
		CHECK_EQ(st.st_blocks, PAGE / 512);
		CHECK_EQ(st.st_size, 3 * PAGE);
		close(fd);
	}
}

static void test_seals(void)
{
	CASE("without MFD_ALLOW_SEALING only F_SEAL_SEAL is there")
	{
		int fd = MUST(memfd_create("s", 0));

		CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
		CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
		close(fd);
		fd = MUST(open("/dev/null", O_RDWR));
		CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EINVAL);
		close(fd);
	}
	CASE("shrink, grow, write, future write")
	{
		int fd = MUST(memfd_create("s", MFD_ALLOW_SEALING));

		MUST(ftruncate(fd, 2 * PAGE));
		CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
		CHECK_ERRNO(ftruncate(fd, PAGE), EPERM);
		CHECK_EQ(ftruncate(fd, 3 * PAGE), 0);
		CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
		CHECK_ERRNO(ftruncate(fd, 4 * PAGE), EPERM);
		CHECK_ERRNO(pwrite(fd, "x", 1, 3 * PAGE), EPERM);
		CHECK_EQ(pwrite(fd, "x", 1, 0), 1);
		char *m = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);

		CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
		CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
		m[1] = 'y';
		CHECK_ERRNO(pwrite(fd, "x", 1, 0), EPERM);
		CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0, EPERM);
		munmap(m, PAGE);
		CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
		m = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
		CHECK(m != MAP_FAILED && m[1] == 'y');
		munmap(m, PAGE);
		CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE),
			    EPERM);
		CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
		CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), EPERM);
		CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
							 F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
		close(fd);
	}
}

static void test_shm(void)
{
	CASE("shm_open, shared between processes that open it by name")
	{
		char name[64];

		snprintf(name, sizeof(name), "/guest-test-%d", getpid());
		int fd = MUST(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));

		CHECK_ERRNO(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
		MUST(ftruncate(fd, PAGE));
		char *m = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);

		CHECK_EXIT(FORK(int g = shm_open(name, O_RDWR, 0);
				char *q = mmap(NULL, PAGE, RW, MAP_SHARED, g, 0); q[3] = 'q'),
			   0);
		CHECK_EQ(m[3], 'q');
		CHECK_EQ(shm_unlink(name), 0);
		CHECK_ERRNO(shm_unlink(name), ENOENT);
		munmap(m, PAGE);
		close(fd);
	}
	CASE("System V: shmget, shmat, shmdt, shmctl")
	{
		int id = shmget(IPC_PRIVATE, 5000, IPC_CREAT | 0600);

		if (id < 0 && errno == ENOSYS)
			SKIP("a kernel without System V IPC");
		struct shmid_ds ds;
		char *m = shmat(id, NULL, 0);

		REQUIRE(m != (void *)-1);
		CHECK_EQ(m[0], 0);
		CHECK_EXIT(FORK(m[0] = 'c'; char *n = shmat(id, NULL, SHM_RDONLY); CHECK(n != m);
				CHECK_EQ(n[0], 'c')),
			   0);
		CHECK_EQ(m[0], 'c');
		CHECK_EQ(shmctl(id, IPC_STAT, &ds), 0);
		CHECK_EQ(ds.shm_segsz, 5000);
		CHECK_EQ(ds.shm_nattch, 1);
		CHECK_EQ(ds.shm_cpid, getpid());
		CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
		m[1] = 'd';
		CHECK_EQ(shmdt(m), 0);
		CHECK_ERRNO(shmdt(m), EINVAL);
		CHECK_ERRNO((long)shmat(id, NULL, 0), EINVAL);
		CHECK_ERRNO(shmget(0x7feedbee, PAGE, 0), ENOENT);
		CHECK_ERRNO(shmget(IPC_PRIVATE, 0, IPC_CREAT), EINVAL);
	}
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	test_memfd();
	test_seals();
	test_shm();
	return test_end();
}
